//! The journal of a period, page by page, and what its pages prove not to be in it.

use std::collections::BTreeMap;

use contract::{EventId, statement::Feed};
use time::OffsetDateTime;
use uuid::Uuid;

use super::{Ledger, LedgerError};
use crate::ingest::Arrival;

/// The events to which all of this applies.
#[derive(Debug, Clone, Copy)]
pub struct Period {
    /// Those that happened at this time or later; `None`: from the beginning of the journal.
    pub since: Option<OffsetDateTime>,
    /// Those that happened before.
    pub until: OffsetDateTime,
}

/// All events of the journal after `after` and up to `last`.
pub(in crate::operate) struct Page {
    pub(in crate::operate) arrivals: Vec<Arrival>,
    pub(in crate::operate) after: EventId,
    pub(in crate::operate) last: EventId,
}

/// The pages of a period, one after the other, without a gap between them.
pub(in crate::operate) struct Pages<'l> {
    ledger: &'l Ledger,
    after: EventId,
    place: Option<EventId>,
    end: EventId,
    is_done: bool,
}

impl<'l> Pages<'l> {
    pub(in crate::operate) fn of(ledger: &'l Ledger, period: Period) -> Self {
        let after = EventId::new(period.since.unwrap_or(OffsetDateTime::UNIX_EPOCH), 0);
        let place = period.since.map(|_| after);
        Self { ledger, after, place, end: EventId::new(period.until, 0), is_done: false }
    }

    pub(in crate::operate) async fn next(&mut self) -> Result<Option<Page>, LedgerError> {
        if self.is_done {
            return Ok(None);
        }
        let Feed { data, next_after, more } = self.ledger.events_after(self.place).await?;
        let next = next_after.filter(|next| more && *next < self.end);
        let (after, last) = (self.after, next.unwrap_or(self.end));
        self.is_done = next.is_none();
        (self.after, self.place) = (last, Some(last));
        let arrivals = data.into_iter().filter(|arrival| arrival.event.id < self.end).collect();
        Ok(Some(Page { arrivals, after, last }))
    }
}

/// Which of these events the journal does not have. Reads the pages on which they would be, so that it does not matter in
/// which order the events come.
pub(super) async fn not_in_journal<Event>(
    ledger: &Ledger,
    events: impl IntoIterator<Item = (EventId, Event)>,
) -> Result<Vec<Event>, LedgerError> {
    let mut left: BTreeMap<_, _> = events.into_iter().collect();
    let mut unknown = Vec::new();
    while let Some(first) = left.keys().next() {
        let Feed { data, next_after, more } = ledger.events_after(Some(neighbour(*first, -1))).await?;
        let beyond = next_after.filter(|_| more).map(|last| left.split_off(&neighbour(last, 1)));
        for arrival in data {
            left.remove(&arrival.event.id);
        }
        unknown.extend(std::mem::replace(&mut left, beyond.unwrap_or_default()).into_values());
    }
    Ok(unknown)
}

/// The id just before or after this one.
fn neighbour(id: EventId, step: i128) -> EventId {
    EventId::from_uuid(Uuid::from_u128(id.uuid().as_u128().saturating_add_signed(step)))
}
