//! Runs a planned replay from its checkpoint to its end.

use contract::ReplayId;
use messaging::{
    range_reader::{self, Start},
    topology::TRANSACTIONS,
};
use service_kit::telemetry;
use uuid::Uuid;

use super::{
    Plan, Progress, Replay, ReplayError, Status,
    pace::Pace,
    source::{Selected, Source},
};
use crate::{
    ingest::{Arrival, Mended, Outcome, Taken, is_data_error},
    operate::Operations,
    store::replays::Held,
};

/// What this process knows of the replay that it runs.
struct Run {
    held: Held,
    mended: Mended,
}

/// How often a batch is tried again that the database did not take: about a minute.
const PATIENCE: usize = 12;

impl Operations {
    /// Lets a planned replay run, if it is for as many events as expected.
    ///
    /// # Errors
    /// [`ReplayError`]; then it stays planned.
    pub async fn start_replay(&self, id: ReplayId, expected: u64) -> Result<Replay, ReplayError> {
        let replay = self.replays.get(id).await?.ok_or(ReplayError::Unknown)?;
        let Some(plan) = replay.plan.filter(|_| replay.status == Status::Planned) else {
            return Err(ReplayError::WrongStatus(replay.status));
        };
        if plan.events != expected {
            return Err(ReplayError::NotAsExpected { planned: plan.events, expected });
        }
        let started = self.replays.start(id, self.clock.now()).await?;
        started.ok_or(ReplayError::WrongStatus(Status::Cancelled))
    }

    /// Ends a replay that has not ended. What it has done stays done.
    ///
    /// # Errors
    /// [`ReplayError`]
    pub async fn cancel_replay(&self, id: ReplayId) -> Result<Replay, ReplayError> {
        let cancelled = self.replays.cancel(id, self.clock.now()).await?;
        let Some(replay) = cancelled else {
            let replay = self.replays.get(id).await?.ok_or(ReplayError::Unknown)?;
            return Err(ReplayError::WrongStatus(replay.status));
        };
        Ok(replay)
    }

    /// Runs a replay that has started to its end; `told` hears how far it has come. A process that is thought dead is not
    /// waited for with `take_over`; if it lives, it finds that the replay is no longer its own.
    ///
    /// # Errors
    /// [`ReplayError`]; what was done is done, and the replay may go on from there.
    pub async fn run_replay(
        &self,
        id: ReplayId,
        take_over: bool,
        mut told: impl FnMut(&Plan, Progress),
    ) -> Result<Replay, ReplayError> {
        let held = self.replays.hold(id, Uuid::new_v4(), take_over, self.clock.now()).await?;
        let Some((held, replay)) = held else {
            let replay = self.replays.get(id).await?.ok_or(ReplayError::Unknown)?;
            let is_running = replay.status == Status::Running;
            return Err(if is_running { ReplayError::Held } else { ReplayError::WrongStatus(replay.status) });
        };
        let Some(plan) = &replay.plan else {
            return Err(ReplayError::WrongStatus(replay.status));
        };
        let stream = range_reader::extent(&self.nats, TRANSACTIONS).await?;
        if stream.created != plan.stream_created_at {
            self.replays.fail(id, &ReplayError::AnotherStream.to_string(), self.clock.now()).await?;
            return Err(ReplayError::AnotherStream);
        }
        let mut run = Run { held, mended: Mended::default() };
        let mut pace = Pace::new(replay.events_per_second);
        let from = plan.first.map_or(plan.to_sequence + 1, |first| first.sequence).max(run.held.checkpoint + 1);
        let last = plan.last.map_or(0, |last| last.sequence);
        let batch = replay.events_per_second.map(|_| pace.batch());
        let mut source = Source::open(self.nats.clone(), &replay.selection, Start::Sequence(from), last, batch);
        while from <= last
            && let Some(portion) = source.next().await?
        {
            for batch in portion.events.chunks(pace.batch()) {
                self.replay_patiently(&mut run, batch).await?;
                told(plan, run.held.progress);
                pace.keep(batch.len()).await;
            }
            if portion.events.is_empty() {
                self.pass_over(&mut run.held, portion.through, Progress::default()).await?;
            }
        }
        let done = self.replays.finish(&run.held, self.clock.now()).await?;
        done.ok_or(ReplayError::Held)
    }

    /// As soon as the database takes it; an event that it never takes is counted and passed over.
    async fn replay_patiently(&self, run: &mut Run, batch: &[Selected]) -> Result<(), ReplayError> {
        let through = batch.last().map_or(run.held.checkpoint, |selected| selected.sequence);
        let arrivals: Vec<_> = batch.iter().map(|selected| selected.arrival.clone()).collect();
        match self.until_stored(run, through, &arrivals).await {
            Err(Unstored::Data(_)) => {}
            Err(Unstored::Other(error)) => return Err(error),
            Ok(()) => return Ok(()),
        }
        for (selected, arrival) in batch.iter().zip(&arrivals) {
            let alone = std::slice::from_ref(arrival);
            match self.until_stored(run, selected.sequence, alone).await {
                Ok(()) => {}
                Err(Unstored::Data(error)) => {
                    let (event, cause) = (arrival.event.id, telemetry::chain(&error));
                    tracing::warn!(%event, cause, "Event {event} cannot be stored and is passed over.");
                    let progress = Progress { events: 1, refused: 1, ..Progress::default() };
                    self.pass_over(&mut run.held, selected.sequence, progress).await?;
                }
                Err(Unstored::Other(error)) => return Err(error),
            }
        }
        Ok(())
    }

    async fn until_stored(&self, run: &mut Run, through: u64, arrivals: &[Arrival]) -> Result<(), Unstored> {
        let mut failures = 0;
        loop {
            match self.replay_batch(run, through, arrivals).await {
                Ok(()) => return Ok(()),
                Err(BatchError::Lost) => return Err(Unstored::Other(ReplayError::Held)),
                Err(BatchError::Database(error)) if is_data_error(&error) => return Err(Unstored::Data(error)),
                Err(BatchError::Database(error)) if failures == PATIENCE => return Err(Unstored::Other(error.into())),
                Err(BatchError::Database(error)) => {
                    failures += 1;
                    let cause = telemetry::chain(&error);
                    tracing::warn!(cause, "The replay waits for the database.");
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
    }
}

const PAUSE: std::time::Duration = std::time::Duration::from_secs(5);
/// A planner that saw the tables empty would scan them for ever; and gaps are found by following the index as far as needed.
const BEGIN: &str = "BEGIN; SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off";

impl Operations {
    async fn pass_over(&self, held: &mut Held, through: u64, more: Progress) -> Result<(), ReplayError> {
        let progress = held.progress + more;
        let mut connection = self.pool.acquire().await?;
        if !held.note_in_tx(&mut connection, through, progress, self.clock.now()).await? {
            return Err(ReplayError::Held);
        }
        (held.checkpoint, held.progress) = (through, progress);
        Ok(())
    }
}

enum BatchError {
    /// Another process holds the replay, or it was cancelled.
    Lost,
    Database(sqlx::Error),
}

enum Unstored {
    /// One of the events can never be stored.
    Data(sqlx::Error),
    Other(ReplayError),
}

impl From<sqlx::Error> for BatchError {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(error)
    }
}

impl Operations {
    /// These events, what became of them, and the checkpoint, in one commit.
    async fn replay_batch(&self, run: &mut Run, through: u64, arrivals: &[Arrival]) -> Result<(), BatchError> {
        let Run { held, mended } = run;
        let now = self.clock.now();
        let mut transaction = self.pool.begin_with(BEGIN).await?;
        let taken = self.ingest.replay_in_tx(&mut transaction, arrivals, mended).await?;
        let progress = held.progress + Progress::of(&taken);
        if !held.note_in_tx(&mut transaction, through, progress, now).await? {
            return Err(BatchError::Lost);
        }
        fail::fail_point!("replay::before_commit");
        transaction.commit().await?;
        self.ingest.announce(&taken);
        mended.extend(taken.mended);
        held.checkpoint = through;
        held.progress = progress;
        Ok(())
    }
}

impl Progress {
    fn of(Taken { outcomes, restored, .. }: &Taken) -> Self {
        let mut progress = Self::default();
        for outcome in outcomes {
            progress.events += 1;
            match outcome {
                Outcome::Created(_) => progress.created += 1,
                Outcome::AlreadyKnown => progress.unchanged += 1,
                Outcome::Conflict => progress.conflicting += 1,
                Outcome::TooOld | Outcome::Refused(_) => progress.refused += 1,
            }
            if let Outcome::Created(count) = outcome {
                progress.notifications += *count as u64;
            }
        }
        progress.restored = restored.events as u64;
        progress.unchanged -= restored.events as u64;
        progress.notifications += restored.notifications as u64;
        progress
    }
}

impl std::ops::Add for Progress {
    type Output = Self;

    fn add(self, more: Self) -> Self {
        Self {
            events: self.events + more.events,
            created: self.created + more.created,
            restored: self.restored + more.restored,
            unchanged: self.unchanged + more.unchanged,
            conflicting: self.conflicting + more.conflicting,
            refused: self.refused + more.refused,
            notifications: self.notifications + more.notifications,
        }
    }
}
