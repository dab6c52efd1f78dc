//! The one place that reads the system's time.
//!
//! Everything that decides by the time of day is handed a [`SharedClock`], so that tests choose the time. Durations
//! (timeouts, back-off) are measured with monotonic instants and need no clock.

use std::fmt::Debug;
use std::sync::Arc;

use time::OffsetDateTime;

/// Tells the time of day, in UTC.
pub trait Clock: Send + Sync + Debug {
    fn now(&self) -> OffsetDateTime;
}

/// A clock as it is handed around.
pub type SharedClock = Arc<dyn Clock>;

/// The machine's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the clock that everybody else is handed")]
    fn now(&self) -> OffsetDateTime {
        OffsetDateTime::now_utc()
    }
}
