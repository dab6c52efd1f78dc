//! Where events that come one by one wait to be ingested together.
//!
//! Each webhook is answered after its commit, and a commit for each would be bound by the disk. So what has come while the
//! last commit was under way goes into the next one: a lone event never waits, and under load batches grow by themselves.

use tokio::sync::{
    mpsc::{self, error::TrySendError},
    oneshot,
};

use crate::{
    domain::way::Way,
    ingest::{Arrival, Ingest, Outcome},
};

/// How many events may wait; more are turned away, so that those that wait are answered in time.
const QUEUE: usize = 4_096;
const MAX_BATCH: usize = 500;

/// Why an event has no outcome. The same event may be sent again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum IntakeError {
    #[error("too many events wait")]
    Overloaded,
    #[error("the event may not have been stored")]
    Unavailable,
}

#[derive(Debug)]
struct Waiting {
    arrival: Arrival,
    reply: oneshot::Sender<Result<Outcome, IntakeError>>,
}

/// Takes single events.
#[derive(Debug, Clone)]
pub struct Intake(mpsc::Sender<Waiting>);

/// The events that wait.
#[derive(Debug)]
pub struct IntakeQueue {
    ingest: Ingest,
    receiver: mpsc::Receiver<Waiting>,
}

/// An intake into `ingest`, and what has to run for it.
#[must_use]
pub fn queue(ingest: Ingest) -> (Intake, IntakeQueue) {
    let (sender, receiver) = mpsc::channel(QUEUE);
    (Intake(sender), IntakeQueue { ingest, receiver })
}

impl Intake {
    /// Has an event ingested. When this returns, its outcome is durable.
    ///
    /// # Errors
    /// [`IntakeError`]
    pub async fn take(&self, arrival: Arrival) -> Result<Outcome, IntakeError> {
        let (reply, outcome) = oneshot::channel();
        self.0.try_send(Waiting { arrival, reply }).map_err(|error| match error {
            TrySendError::Full(_) => IntakeError::Overloaded,
            TrySendError::Closed(_) => IntakeError::Unavailable,
        })?;
        outcome.await.unwrap_or(Err(IntakeError::Unavailable))
    }
}

impl IntakeQueue {
    /// Ingests what waits, until every [`Intake`] is gone.
    pub async fn run(mut self) {
        let mut waiting = Vec::new();
        while self.receiver.recv_many(&mut waiting, MAX_BATCH).await > 0 {
            let (arrivals, replies): (Vec<_>, Vec<_>) =
                waiting.drain(..).map(|Waiting { arrival, reply }| (arrival, reply)).unzip();
            let outcomes: Vec<_> = match self.ingest.ingest(Way::Webhook, &arrivals).await {
                Ok(outcomes) => outcomes.into_iter().map(Ok).collect(),
                Err(error) => {
                    let cause = service_kit::telemetry::chain(&error);
                    tracing::warn!(cause, events = arrivals.len(), "Events that came by webhook cannot be stored now.");
                    vec![Err(IntakeError::Unavailable); arrivals.len()]
                }
            };
            for (reply, outcome) in replies.into_iter().zip(outcomes) {
                // Who has hung up sends the event again.
                reply.send(outcome).ok();
            }
        }
    }
}
