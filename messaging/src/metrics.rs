//! What operators want to know of a consumer, as plain numbers that the service exports as it likes.

use std::{
    error::Error,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use time::OffsetDateTime;

use crate::delivery::Pulled;

/// Whether a consumer consumes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ConsumerState {
    /// Not connected to its durable yet.
    #[default]
    Starting,
    Running,
    /// The handler cannot work at present; see [`crate::Outage`].
    Paused,
    /// NATS is away, or the durable does not exist.
    Lost,
    /// Told to stop.
    Stopped,
}

/// The numbers of one consumer at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ConsumerSnapshot {
    pub state: ConsumerState,
    /// The last failure that an operator should see, also after it is over.
    pub last_error: Option<String>,
    /// When a batch was last settled.
    pub last_progress: Option<OffsetDateTime>,
    /// Messages of the stream that were not delivered yet: the lag.
    pub pending: u64,
    /// Messages delivered and not acknowledged, of all replicas.
    pub ack_pending: u64,
    /// Messages with the handler now.
    pub in_hand: u64,
    /// Messages received since the start; so are those below.
    pub received: u64,
    /// Of these, not for the first time.
    pub redelivered: u64,
    /// Acknowledged, and confirmed by the broker.
    pub acknowledged: u64,
    /// To be delivered again.
    pub returned: u64,
    pub parked: u64,
    pub dead_lettered: u64,
    /// What the broker was told and did not confirm.
    pub unconfirmed: u64,
    /// Times that the handler or the parking could not work.
    pub outages: u64,
}

/// The counters of one consumer, shared between its runtime and the service's exporter.
#[derive(Debug, Default)]
pub struct ConsumerMetrics {
    pub(crate) pending: AtomicU64,
    pub(crate) ack_pending: AtomicU64,
    pub(crate) in_hand: AtomicU64,
    pub(crate) received: AtomicU64,
    pub(crate) redelivered: AtomicU64,
    pub(crate) acknowledged: AtomicU64,
    pub(crate) returned: AtomicU64,
    pub(crate) parked: AtomicU64,
    pub(crate) dead_lettered: AtomicU64,
    pub(crate) unconfirmed: AtomicU64,
    pub(crate) outages: AtomicU64,
    condition: Mutex<Condition>,
}

#[derive(Debug, Default)]
struct Condition {
    link: ConsumerState,
    /// The handler of what was delivered, and that of what was parked, pause each for itself.
    pauses: u32,
    last_error: Option<String>,
    last_progress: Option<OffsetDateTime>,
}

impl Condition {
    const fn state(&self) -> ConsumerState {
        match self.link {
            ConsumerState::Running if self.pauses > 0 => ConsumerState::Paused,
            link => link,
        }
    }
}

/// As long as it lives, the handler cannot work.
pub(crate) struct Pause<'a>(&'a ConsumerMetrics);

impl Drop for Pause<'_> {
    fn drop(&mut self) {
        self.0.with_condition(|now| now.pauses -= 1);
    }
}

impl ConsumerMetrics {
    /// The numbers now; each is right, but they are not of one instant.
    #[must_use]
    pub fn snapshot(&self) -> ConsumerSnapshot {
        let (state, last_error, last_progress) =
            self.with_condition(|now| (now.state(), now.last_error.clone(), now.last_progress));
        ConsumerSnapshot {
            state,
            last_error,
            last_progress,
            pending: self.pending.load(Relaxed),
            ack_pending: self.ack_pending.load(Relaxed),
            in_hand: self.in_hand.load(Relaxed),
            received: self.received.load(Relaxed),
            redelivered: self.redelivered.load(Relaxed),
            acknowledged: self.acknowledged.load(Relaxed),
            returned: self.returned.load(Relaxed),
            parked: self.parked.load(Relaxed),
            dead_lettered: self.dead_lettered.load(Relaxed),
            unconfirmed: self.unconfirmed.load(Relaxed),
            outages: self.outages.load(Relaxed),
        }
    }

    pub(crate) fn enter(&self, state: ConsumerState) {
        self.with_condition(|now| now.link = state);
    }

    pub(crate) fn lost(&self, error: &(dyn Error + 'static)) {
        self.enter(ConsumerState::Lost);
        self.failed(error);
    }

    pub(crate) fn outage(&self, error: &(dyn Error + 'static)) {
        self.outages.fetch_add(1, Relaxed);
        self.failed(error);
    }

    pub(crate) fn failed(&self, error: &(dyn Error + 'static)) {
        let text = chain(error);
        self.with_condition(|now| now.last_error = Some(text));
    }

    pub(crate) fn pause(&self) -> Pause<'_> {
        self.with_condition(|now| now.pauses += 1);
        Pause(self)
    }

    pub(crate) fn received(&self, batch: &[Pulled]) {
        let again = batch.iter().filter(|pulled| pulled.delivery.attempt > 1).count();
        self.received.fetch_add(batch.len() as u64, Relaxed);
        self.redelivered.fetch_add(again as u64, Relaxed);
    }

    pub(crate) fn progressed(&self, at: OffsetDateTime) {
        self.with_condition(|now| now.last_progress = Some(at));
    }

    fn with_condition<T>(&self, act: impl FnOnce(&mut Condition) -> T) -> T {
        act(&mut self.condition.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The error and its causes, on one line.
pub(crate) fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}
