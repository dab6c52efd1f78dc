//! Counts what a replay would do, and changes nothing.

use contract::ReplayId;
use messaging::{range_reader, topology::TRANSACTIONS};

use super::{
    Place, Plan, Replay, ReplayError, RunsIn, Selection, Status,
    source::{Portion, Source},
};
use crate::{
    domain::plan::plan,
    operate::Operations,
    store::{audit::Order, notifications, received_events, replays::Requested},
};

impl Operations {
    /// Asks for a replay: a row that is yet to be planned.
    ///
    /// # Errors
    /// [`ReplayError`]
    pub async fn request_replay(
        &self,
        selection: Selection,
        events_per_second: Option<u32>,
        order: Order,
        runs_in: RunsIn,
    ) -> Result<Replay, ReplayError> {
        let now = self.clock.now();
        let id = ReplayId::new(now, rand::random());
        let requested = Requested { id, selection, events_per_second, order, runs_in };
        Ok(self.replays.request(&requested, now).await?)
    }

    /// Looks through the range and keeps with the replay what it would do.
    ///
    /// # Errors
    /// [`ReplayError`]; then it is not planned.
    pub async fn plan_replay(&self, id: ReplayId, told: impl FnMut(&Plan)) -> Result<Replay, ReplayError> {
        let replay = self.replays.get(id).await?.ok_or(ReplayError::Unknown)?;
        if replay.status != Status::Planning {
            return Err(ReplayError::WrongStatus(replay.status));
        }
        let plan = self.count(&replay.selection, told).await?;
        self.replays.planned(id, &plan).await?.ok_or(ReplayError::WrongStatus(Status::Cancelled))
    }

    async fn count(&self, selection: &Selection, mut told: impl FnMut(&Plan)) -> Result<Plan, ReplayError> {
        let extent = range_reader::extent(&self.nats, TRANSACTIONS).await?;
        let to_sequence = selection.to_sequence.map_or(extent.last, |last| last.min(extent.last));
        let mut counted = Plan {
            events: 0,
            bytes: 0,
            known_events: 0,
            missing_notifications: 0,
            first: None,
            last: None,
            undecodable: 0,
            from_sequence: selection.from_sequence.unwrap_or(1).max(extent.first),
            to_sequence,
            stream_created_at: extent.created,
        };
        let mut source = Source::open(self.nats.clone(), selection, selection.start(), to_sequence, None);
        while let Some(portion) = source.next().await? {
            self.add(&mut counted, &portion).await?;
            told(&counted);
        }
        Ok(counted)
    }

    async fn add(&self, counted: &mut Plan, portion: &Portion) -> Result<(), ReplayError> {
        counted.undecodable += portion.undecodable;
        let (Some(first), Some(last)) = (portion.events.first(), portion.events.last()) else {
            return Ok(());
        };
        let [first, last] =
            [first, last].map(|selected| Place { sequence: selected.sequence, time: selected.arrival.event.time });
        counted.first.get_or_insert(first);
        counted.last = Some(last);
        counted.events += portion.events.len() as u64;
        counted.bytes += portion.events.iter().map(|selected| selected.bytes).sum::<u64>();
        let events = || portion.events.iter().map(|selected| &selected.arrival.event);
        let ids: Vec<_> = events().map(|event| event.id).collect();
        let notifications: Vec<_> = events().flat_map(plan).map(|planned| planned.id).collect();
        let mut connection = self.pool.acquire().await?;
        counted.known_events += received_events::body_hashes_in_tx(&mut connection, &ids).await?.len() as u64;
        counted.missing_notifications +=
            notifications::missing_in_tx(&mut connection, &notifications).await?.len() as u64;
        Ok(())
    }
}
