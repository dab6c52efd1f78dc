//! The selected events of a range of the stream, portion by portion.

use contract::Event;
use messaging::{
    Client, Delivery, RangeReader,
    range_reader::{LARGEST_BATCH, Range, ReadError, Start},
    subject,
    topology::TRANSACTIONS,
};
use time::Duration;

use super::Selection;
use crate::ingest::Arrival;

/// Clocks differ: an event may be stored by the server's clock a little before it happened by the database's.
const CLOCKS_DIFFER_BY: Duration = Duration::minutes(5);

/// An event that was selected.
#[derive(Debug)]
pub(in crate::operate) struct Selected {
    pub(in crate::operate) sequence: u64,
    pub(in crate::operate) bytes: u64,
    pub(in crate::operate) arrival: Arrival,
}

/// Some of the range, in the stream's order.
#[derive(Debug)]
pub(in crate::operate) struct Portion {
    /// The last sequence that was read.
    pub(in crate::operate) through: u64,
    pub(in crate::operate) events: Vec<Selected>,
    pub(in crate::operate) undecodable: u64,
}

pub(in crate::operate) struct Source<'s> {
    reader: RangeReader,
    selection: &'s Selection,
}

impl<'s> Source<'s> {
    /// Up to the sequence `last`; `batch` messages at a time where that is less than usual.
    pub(in crate::operate) fn open(
        nats: Client,
        selection: &'s Selection,
        from: Start,
        last: u64,
        batch: Option<usize>,
    ) -> Self {
        let subjects = selection.types.iter().map(|kind| subject::of_kind(*kind)).collect();
        let batch = batch.unwrap_or(LARGEST_BATCH);
        Self { reader: RangeReader::new(nats, Range { stream: TRANSACTIONS, from, last, subjects, batch }), selection }
    }

    pub(in crate::operate) async fn next(&mut self) -> Result<Option<Portion>, ReadError> {
        let Some(deliveries) = self.reader.next().await? else {
            return Ok(None);
        };
        let through = deliveries.last().map_or(0, |delivery| delivery.sequence);
        let mut portion = Portion { through, events: Vec::with_capacity(deliveries.len()), undecodable: 0 };
        for Delivery { sequence, body, .. } in deliveries {
            match Arrival::decode(&body) {
                Ok(arrival) if self.selection.selects(&arrival.event) => {
                    portion.events.push(Selected { sequence, bytes: body.len() as u64, arrival });
                }
                Ok(_) => {}
                Err(_) => portion.undecodable += 1,
            }
        }
        Ok(Some(portion))
    }
}

impl Selection {
    /// Where the range begins that has to be looked through.
    pub(in crate::operate) fn start(&self) -> Start {
        match (self.from_sequence, self.since) {
            (None, Some(since)) => Start::Time(since.saturating_sub(CLOCKS_DIFFER_BY)),
            (sequence, _) => Start::Sequence(sequence.unwrap_or(1).max(1)),
        }
    }

    /// Whether the event is one of these; its sequence aside.
    fn selects(&self, event: &Event) -> bool {
        let effects = event.data.effects();
        self.since.is_none_or(|since| event.time >= since)
            && self.until.is_none_or(|until| event.time < until)
            && (self.types.is_empty() || self.types.contains(&event.kind))
            && self.account.is_none_or(|account| effects.iter().any(|effect| effect.account == account))
            && self.user.as_ref().is_none_or(|user| effects.iter().any(|effect| effect.owner == *user))
    }
}
