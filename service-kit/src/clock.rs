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
        let now = OffsetDateTime::now_utc();
        // A test may have a process's clock be off, by so many seconds.
        fail::fail_point!("clock::off_by", |seconds: Option<String>| {
            now + time::Duration::seconds(seconds.and_then(|seconds| seconds.parse().ok()).unwrap_or_default())
        });
        now
    }
}
