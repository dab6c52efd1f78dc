//! Keeps requests from waiting, one after the other, for a server that does not answer.
//!
//! After a failure nobody asks for a moment; then one caller does, and the others go on without until it had an answer.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Closed: everybody may ask.
const CLOSED: u64 = 0;
/// Closed, and nobody has had an answer yet.
const UNTRIED: u64 = u64::MAX;

pub(super) struct Circuit {
    pause: Duration,
    epoch: Instant,
    /// When somebody may ask again, in microseconds since the epoch, or one of the two above.
    open_until: AtomicU64,
}

impl Circuit {
    pub(super) fn new(pause: Duration) -> Self {
        Self { pause, epoch: Instant::now(), open_until: AtomicU64::new(UNTRIED) }
    }

    pub(super) fn lets_ask(&self) -> bool {
        let until = self.open_until.load(Ordering::Relaxed);
        if matches!(until, CLOSED | UNTRIED) {
            return true;
        }
        // Of those who come when the pause is over, one asks; its pause begins with that.
        self.now() >= until
            && self
                .open_until
                .compare_exchange(until, self.end_of_pause(), Ordering::Relaxed, Ordering::Relaxed)
                .is_ok()
    }

    /// Whether this is news.
    pub(super) fn open(&self) -> bool {
        let before = self.open_until.swap(self.end_of_pause(), Ordering::Relaxed);
        matches!(before, CLOSED | UNTRIED)
    }

    /// Whether this is news.
    pub(super) fn close(&self) -> bool {
        self.open_until.load(Ordering::Relaxed) != CLOSED && self.open_until.swap(CLOSED, Ordering::Relaxed) != CLOSED
    }

    fn end_of_pause(&self) -> u64 {
        (self.now() + u64::try_from(self.pause.as_micros()).unwrap_or(u64::MAX)).max(CLOSED + 1)
    }

    fn now(&self) -> u64 {
        u64::try_from(self.epoch.elapsed().as_micros()).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn while_it_is_open_one_caller_asks_after_each_pause() {
        let circuit = Circuit::new(Duration::ZERO);
        assert!(circuit.lets_ask() && circuit.lets_ask(), "nothing is known to be wrong");
        assert!(circuit.open() && !circuit.open());
        assert!(circuit.lets_ask(), "the pause is over");
        assert!(circuit.close() && !circuit.close());

        let circuit = Circuit::new(Duration::from_secs(3_600));
        assert!(circuit.open());
        assert!(!circuit.lets_ask());
        // Another's answer, which was on its way.
        assert!(circuit.close());
        assert!(circuit.lets_ask());
    }

    #[test]
    fn the_first_answer_is_news() {
        assert!(Circuit::new(Duration::ZERO).close());
    }
}
