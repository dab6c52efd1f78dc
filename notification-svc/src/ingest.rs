//! The one way in: whatever brings an event, JetStream or a webhook, ends here, and each party is notified exactly once.
//!
//! One transaction does it all. The insert into `received_events` decides which events are new: of any number of
//! transactions that bring the same event, on any replica, one inserts its row and the others wait for it and find it
//! known. Only that one makes the notifications, so nothing else can collide.
//!
//! No two transactions wait for each other in a circle. There are two kinds of rows to wait for, and every transaction
//! takes them in the same order: first events, by id; then counters, by recipient. What waits for an event holds only
//! events that sort before it and no counter; what waits for a counter may hold events, and whoever holds that counter no
//! longer waits for events, only for counters that sort after it. Users' commands lock their one counter and then rows
//! that no ingest waits for. New notifications wait for nobody: their events are ours.
//!
//! Positions are given in the order in which the events were handed in, under the lock of the recipient's counter, so
//! that one user's notifications are in the order of the stream and become readable in it. What the stream has to deliver
//! again, because a process died with it in hand, comes behind what was newer.

mod outcome;
mod restore;
mod withdraw;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use contract::{Event, EventId, event::DecodeError, notification::Locale};
use service_kit::{clock::SharedClock, postgres::answered, seeded, telemetry};
use sha2::{Digest, Sha256};
use sqlx::{PgConnection, PgPool};
use time::{Duration, OffsetDateTime};

pub use outcome::Outcome;
pub use restore::{Mended, Restored};

use crate::{
    domain::{
        plan::{Planned, plan},
        preferences::Preferences,
        render::render,
        way::Way,
    },
    live::Registry,
    metrics::IngestMetrics,
    store::{
        counters::{self, Added},
        notifications::{self, NewNotification},
        preferences,
        received_events::{self, BodyHash, ReceivedEvent},
    },
};

/// The age up to which events are taken: what the ledger's journal can bring again. Received events are remembered for at
/// least as long.
const HORIZON: Duration = Duration::days(400);

/// An event and a hash of the bytes it came in.
#[derive(Debug, Clone)]
pub struct Arrival {
    pub event: Event,
    body_sha256: BodyHash,
}

impl Arrival {
    /// Reads the event in these bytes.
    ///
    /// # Errors
    /// [`DecodeError`] when there is none that this build understands.
    pub fn decode(body: &[u8]) -> Result<Self, DecodeError> {
        Ok(Self { event: Event::decode(body)?, body_sha256: Sha256::digest(body).into() })
    }

    /// Of the bytes it came in.
    #[must_use]
    pub const fn body_sha256(&self) -> BodyHash {
        self.body_sha256
    }
}

/// What became of events, in their order, and what a replay gave back to known ones.
#[derive(Debug)]
pub struct Taken {
    pub outcomes: Vec<Outcome>,
    pub restored: Restored,
    /// To be remembered once it is committed.
    pub mended: Mended,
    /// Of the recipients of new notifications.
    last_positions: HashMap<String, i64>,
}

/// What to do about events that were ingested before.
#[derive(Debug, Clone, Copy)]
enum Known<'m> {
    IsDone,
    IsRestored(&'m Mended),
}

/// The database could not take the events now; later it may.
#[derive(Debug, thiserror::Error)]
#[error("the events cannot be stored at present")]
pub struct IngestError(#[source] sqlx::Error);

/// Turns events into notifications.
#[derive(Debug, Clone)]
pub struct Ingest {
    pool: PgPool,
    clock: SharedClock,
    metrics: IngestMetrics,
    live: Registry,
}

impl Ingest {
    #[must_use]
    pub const fn new(pool: PgPool, clock: SharedClock, metrics: IngestMetrics, live: Registry) -> Self {
        Self { pool, clock, metrics, live }
    }

    /// Stores the notifications of these events and says what became of each, in their order. When this returns, it is
    /// durable.
    ///
    /// # Errors
    /// [`IngestError`] when the database is away or busy. Some of the events may be stored: hand all of them in again.
    pub async fn ingest(&self, way: Way, arrivals: &[Arrival]) -> Result<Vec<Outcome>, IngestError> {
        let outcomes = match self.ingest_together(way, arrivals).await {
            Err(error) if is_data_error(&error) => self.ingest_one_by_one(way, arrivals).await,
            result => result,
        };
        let outcomes = outcomes.map_err(IngestError)?;
        let stored_at = self.clock.now();
        self.metrics.observe_batch(arrivals.len());
        for (arrival, outcome) in arrivals.iter().zip(&outcomes) {
            self.metrics.observe(way, &arrival.event, outcome, stored_at);
        }
        Ok(outcomes)
    }

    /// So that an event which cannot be stored does not fail its neighbours.
    async fn ingest_one_by_one(&self, way: Way, arrivals: &[Arrival]) -> sqlx::Result<Vec<Outcome>> {
        let mut outcomes = Vec::with_capacity(arrivals.len());
        for arrival in arrivals {
            match self.ingest_together(way, std::slice::from_ref(arrival)).await {
                Ok(outcome) => outcomes.extend(outcome),
                Err(error) if is_data_error(&error) => outcomes.push(Outcome::Refused(telemetry::chain(&error))),
                Err(error) => return Err(error),
            }
        }
        Ok(outcomes)
    }

    async fn ingest_together(&self, way: Way, arrivals: &[Arrival]) -> sqlx::Result<Vec<Outcome>> {
        let taken = answered::<_, sqlx::Error>(async {
            let mut transaction = self.pool.begin().await?;
            let taken = self.take_in_tx(&mut transaction, way, arrivals, Known::IsDone).await?;
            transaction.commit().await?;
            Ok(taken)
        })
        .await?;
        self.announce(&taken);
        Ok(taken.outcomes)
    }

    /// The same for a replay, which also gives known events the notifications back that they have lost. Unlike
    /// [`Ingest::ingest`] it fails where one of the events cannot be stored. `mended` is what the replay has seen to
    /// before.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn replay_in_tx(
        &self,
        connection: &mut PgConnection,
        arrivals: &[Arrival],
        mended: &Mended,
    ) -> sqlx::Result<Taken> {
        self.take_in_tx(connection, Way::JetStream, arrivals, Known::IsRestored(mended)).await
    }

    /// Tells those who follow their inboxes, once it is committed.
    pub fn announce(&self, taken: &Taken) {
        for (recipient, last_position) in &taken.last_positions {
            self.live.announce(recipient, *last_position);
        }
    }

    async fn take_in_tx(
        &self,
        connection: &mut PgConnection,
        way: Way,
        arrivals: &[Arrival],
        known: Known<'_>,
    ) -> sqlx::Result<Taken> {
        let now = self.clock.now();
        let oldest = now - HORIZON;
        let mut bodies = first_bodies(arrivals, oldest);
        let received: Vec<_> = bodies.iter().map(|(&id, &body_sha256)| ReceivedEvent { id, body_sha256 }).collect();
        let new = received_events::record_in_tx(connection, &received, way, now).await?;
        let repeated: Vec<_> = bodies.keys().filter(|id| !new.contains(id)).copied().collect();
        if !repeated.is_empty() {
            bodies.extend(received_events::body_hashes_in_tx(connection, &repeated).await?);
        }
        let (outcomes, planned) = judge(arrivals, oldest, new, &bodies);
        let (lost, mended) = match known {
            Known::IsDone => (Vec::new(), &Mended::default()),
            Known::IsRestored(mended) => {
                (restore::lost_in_tx(connection, arrivals, &outcomes, &planned).await?, mended)
            }
        };
        let mut last_positions = HashMap::new();
        if !planned.is_empty() {
            let recipients: BTreeSet<_> = planned.iter().map(|(_, planned)| planned.recipient).collect();
            let recipients: Vec<_> = recipients.into_iter().collect();
            let preferences = preferences::of_in_tx(connection, &recipients).await?;
            let judged = with_preferences(planned, &preferences);
            last_positions = counters::advance_in_tx(connection, &count_by_recipient(&judged)).await?;
            let notifications = position_and_render(judged, |recipient| {
                let position = last_positions.get_mut(recipient)?;
                *position += 1;
                Some(*position)
            })?;
            notifications::insert_in_tx(connection, &notifications, now).await?;
        }
        let (restored, given_back) = restore::restore_in_tx(connection, lost, mended, now).await?;
        let mended = restore::count_in_tx(connection, given_back, mended).await?;
        Ok(Taken { outcomes, restored, mended, last_positions })
    }
}

/// The bytes of each event; of several arrivals of one event, the first's.
fn first_bodies(arrivals: &[Arrival], oldest: OffsetDateTime) -> BTreeMap<EventId, BodyHash> {
    let mut bodies = BTreeMap::new();
    for arrival in arrivals.iter().filter(|arrival| arrival.event.time >= oldest) {
        bodies.entry(arrival.event.id).or_insert(arrival.body_sha256);
    }
    bodies
}

/// What becomes of each arrival, and the notifications of the new ones. `bodies` are the recorded ones.
fn judge<'e>(
    arrivals: &'e [Arrival],
    oldest: OffsetDateTime,
    mut new: HashSet<EventId>,
    bodies: &BTreeMap<EventId, BodyHash>,
) -> (Vec<Outcome>, Vec<(&'e Event, Planned<'e>)>) {
    let mut notifications = Vec::new();
    let outcomes = arrivals.iter().map(|Arrival { event, body_sha256 }| {
        if event.time < oldest {
            Outcome::TooOld
        } else if new.remove(&event.id) {
            let mut planned = plan(event);
            if seeded::bug("ingest::notifies_twice") {
                planned.extend(plan(event));
            }
            let count = planned.len();
            notifications.extend(planned.into_iter().map(|planned| (event, planned)));
            Outcome::Created(count)
        } else if bodies.get(&event.id) == Some(body_sha256) {
            Outcome::AlreadyKnown
        } else {
            Outcome::Conflict
        }
    });
    (outcomes.collect(), notifications)
}

/// A notification, and how its recipient wants to be told of it.
struct Judged<'e> {
    event: &'e Event,
    planned: Planned<'e>,
    locale: Locale,
    muted: bool,
}

fn with_preferences<'e>(
    planned: Vec<(&'e Event, Planned<'e>)>,
    preferences: &HashMap<String, Preferences>,
) -> Vec<Judged<'e>> {
    let judged = planned.into_iter().map(|(event, planned)| {
        let chosen = preferences.get(planned.recipient);
        let locale = chosen.map(|chosen| chosen.locale).unwrap_or_default();
        Judged { event, planned, locale, muted: chosen.is_some_and(|chosen| chosen.mute(event.kind)) }
    });
    judged.collect()
}

fn count_by_recipient<'e>(judged: &[Judged<'e>]) -> BTreeMap<&'e str, Added> {
    let mut counts = BTreeMap::<_, Added>::new();
    for Judged { planned, muted, .. } in judged {
        let added = counts.entry(planned.recipient).or_default();
        added.all += 1;
        added.shown += i64::from(!muted);
    }
    counts
}

/// Numbers the notifications, in their order, with what `position_of` says is the next of their recipient.
fn position_and_render<'e>(
    judged: Vec<Judged<'e>>,
    mut position_of: impl FnMut(&str) -> Option<i64>,
) -> sqlx::Result<Vec<NewNotification<'e>>> {
    let positioned = judged.into_iter().map(|Judged { event, planned, locale, muted }| {
        let position = position_of(planned.recipient).ok_or(sqlx::Error::RowNotFound)?;
        let text = render(event, &planned, locale);
        Ok(NewNotification { event, planned, text, locale, muted, position })
    });
    positioned.collect()
}

/// Whether it is an event's data that the database cannot store: SQLSTATE classes 22 (data exception) and 23 (integrity
/// constraint violation). Anything else is nobody's fault, and the events are handed in again.
pub(crate) fn is_data_error(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Encode(_) => true,
        sqlx::Error::Database(error) => {
            error.code().is_some_and(|code| code.starts_with("22") || code.starts_with("23"))
        }
        _ => false,
    }
}
