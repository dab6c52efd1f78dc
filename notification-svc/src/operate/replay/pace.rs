//! Keeps a replay at its rate.

use std::time::Duration;

use tokio::time::{Instant, sleep_until};

/// How many events are committed together at most.
const BATCH: usize = 500;

#[derive(Debug)]
pub(super) struct Pace {
    per_second: Option<u32>,
    started: Instant,
    events: u64,
}

impl Pace {
    pub(super) fn new(per_second: Option<u32>) -> Self {
        Self { per_second, started: Instant::now(), events: 0 }
    }

    /// How many events at a time: no more than a second's.
    pub(super) fn batch(&self) -> usize {
        self.per_second.map_or(BATCH, |rate| usize::try_from(rate).unwrap_or(BATCH).clamp(1, BATCH))
    }

    /// Waits until so many more events were due.
    pub(super) async fn keep(&mut self, events: usize) {
        self.events += events as u64;
        if let Some(rate) = self.per_second {
            let nanoseconds = self.events.saturating_mul(1_000_000_000) / u64::from(rate.max(1));
            sleep_until(self.started + Duration::from_nanos(nanoseconds)).await;
        }
    }
}
