//! What a replay does beyond an ingest: gives known events the notifications back that they have lost.
//!
//! The ids of notifications are made from event and recipient, so it is known which are missing. They take the positions
//! that their recipient lacks, the lowest first, and only where there are none new ones at the end: whoever lost rows has
//! them where they were, and whoever follows the inbox is not told twice. Whoever lost rows may have a counter that knows
//! it or one that does not, so a replay counts each recipient's rows once, and from then on what it adds.
//!
//! The order of locks is that of the ingest: events by id, then the counters of all recipients of the batch, by name.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use contract::Event;
use sqlx::PgConnection;
use time::OffsetDateTime;

use super::{Arrival, Judged, Outcome, position_and_render, with_preferences};
use crate::{
    domain::plan::{Planned, plan},
    store::{
        counters::{self, Wanted},
        notifications, preferences,
    },
};

/// Of how many recipients a replay remembers how far it is.
const REMEMBERED: usize = 100_000;

/// Recipients whose counters agree with their rows, and up to which position they have no free place, because a replay
/// has seen to it. Without it each batch would read all rows of all of its recipients again.
#[derive(Debug, Default)]
pub struct Mended(HashMap<String, i64>);

impl Mended {
    /// Remembers what a batch has done, once it is committed.
    pub fn extend(&mut self, more: Self) {
        if self.0.len() > REMEMBERED {
            self.0.clear();
        }
        self.0.extend(more.0);
    }
}

/// What was given back.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Restored {
    pub events: usize,
    pub notifications: usize,
}

/// How many notifications each recipient is shown again, and the highest position among them.
type GivenBack<'e> = BTreeMap<&'e str, (i64, i64)>;

/// The missing notifications of those arrivals that were known before, with the counters of their recipients and of those
/// of the new ones locked.
pub(super) async fn lost_in_tx<'e>(
    connection: &mut PgConnection,
    arrivals: &'e [Arrival],
    outcomes: &[Outcome],
    new: &[(&'e Event, Planned<'e>)],
) -> sqlx::Result<Vec<(&'e Event, Planned<'e>)>> {
    // An event that comes twice in a batch is new the first time.
    let mut told: HashSet<_> = new.iter().map(|(event, _)| event.id).collect();
    let known = arrivals.iter().zip(outcomes).filter(|(_, outcome)| **outcome == Outcome::AlreadyKnown);
    let known = known.map(|(arrival, _)| &arrival.event).filter(|event| told.insert(event.id));
    let planned: Vec<_> =
        known.flat_map(|event| plan(event).into_iter().map(move |planned| (event, planned))).collect();
    let lost = missing_in_tx(connection, planned).await?;
    if lost.is_empty() {
        return Ok(lost);
    }
    let recipients: BTreeSet<_> = lost.iter().chain(new).map(|(_, planned)| planned.recipient).collect();
    counters::lock_all_in_tx(connection, &recipients).await?;
    // Whoever had the locks before may have restored some.
    missing_in_tx(connection, lost).await
}

/// Adds what was lost. The counters have to be locked, and what was given back is still to be counted.
pub(super) async fn restore_in_tx<'e>(
    connection: &mut PgConnection,
    lost: Vec<(&'e Event, Planned<'e>)>,
    mended: &Mended,
    now: OffsetDateTime,
) -> sqlx::Result<(Restored, GivenBack<'e>)> {
    if lost.is_empty() {
        return Ok((Restored::default(), GivenBack::default()));
    }
    let events: HashSet<_> = lost.iter().map(|(event, _)| event.id).collect();
    let restored = Restored { events: events.len(), notifications: lost.len() };
    let mut wanted = BTreeMap::<&str, Wanted>::new();
    for (_, planned) in &lost {
        let after = mended.0.get(planned.recipient).copied().unwrap_or_default();
        wanted.entry(planned.recipient).or_insert(Wanted { count: 0, after }).count += 1;
    }
    let recipients: Vec<_> = wanted.keys().copied().collect();
    let mut free = counters::free_positions_in_tx(connection, &wanted).await?;
    let chosen = preferences::of_in_tx(connection, &recipients).await?;
    let judged: Vec<Judged<'e>> = with_preferences(lost, &chosen);
    let rows = position_and_render(judged, |recipient| free.get_mut(recipient)?.pop_front())?;
    notifications::insert_in_tx(connection, &rows, now).await?;
    let mut given_back = GivenBack::default();
    for row in &rows {
        let (shown, highest) = given_back.entry(row.planned.recipient).or_default();
        *shown += i64::from(!row.muted);
        *highest = (*highest).max(row.position);
    }
    Ok((restored, given_back))
}

/// Counts what was given back, and gives what is to be remembered of it.
pub(super) async fn count_in_tx(
    connection: &mut PgConnection,
    given_back: GivenBack<'_>,
    mended: &Mended,
) -> sqlx::Result<Mended> {
    let now_mended = given_back.iter().map(|(recipient, (_, highest))| ((*recipient).to_owned(), *highest)).collect();
    let (counted, uncounted): (BTreeMap<_, _>, BTreeMap<_, _>) =
        given_back.into_iter().partition(|(recipient, _)| mended.0.contains_key(*recipient));
    counters::add_in_tx(connection, &counted).await?;
    counters::recount_in_tx(connection, &uncounted.into_keys().collect::<Vec<_>>()).await?;
    Ok(Mended(now_mended))
}

pub(super) async fn missing_in_tx<'e>(
    connection: &mut PgConnection,
    planned: Vec<(&'e Event, Planned<'e>)>,
) -> sqlx::Result<Vec<(&'e Event, Planned<'e>)>> {
    let ids: Vec<_> = planned.iter().map(|(_, planned)| planned.id).collect();
    let missing = notifications::missing_in_tx(connection, &ids).await?;
    Ok(planned.into_iter().filter(|(_, planned)| missing.contains(&planned.id)).collect())
}
