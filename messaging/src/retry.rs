//! When a message is tried again, and when it is given up: exponential backoff with full jitter. Randomness is drawn in
//! [`backoff`] and by callers of [`next`], nowhere else.

use std::time::Duration;

/// Up to this attempt a message waits in the broker for its next one; afterwards it is parked.
pub(crate) const ATTEMPTS_IN_BROKER: u32 = 3;
/// A longer wait is parked at once: what waits in the broker occupies `max_ack_pending`.
const LONGEST_WAIT_IN_BROKER: Duration = Duration::from_secs(30);
/// Attempts that a handler really made.
pub(crate) const MAX_ATTEMPTS: u32 = 8;
/// A message delivered more often may have killed a process: from then on it is handled alone, its attempts recorded.
pub(crate) const MAX_DELIVERIES_TOGETHER: u32 = 5;
/// A message delivered more often is given up, even if no attempt at it was ever recorded.
pub(crate) const MAX_DELIVERIES: u32 = 20;

/// 1 s, 4 s, 16 s … at most, before the second, third, fourth … attempt.
const BASE: Duration = Duration::from_secs(1);
const GROWTH: u32 = 4;
const LONGEST_WAIT: Duration = Duration::from_secs(60 * 60);

/// What follows a failed attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Next {
    Wait(Duration),
    Park(Duration),
    GiveUp,
}

/// What follows failed attempt number `attempt`; `random` is from 0 to 1, `least` the handler's wish.
pub(crate) fn next(attempt: u32, least: Duration, random: f64) -> Next {
    if attempt >= MAX_ATTEMPTS {
        return Next::GiveUp;
    }
    let wait = ceiling(BASE, GROWTH, attempt, LONGEST_WAIT).mul_f64(random).max(least);
    if attempt <= ATTEMPTS_IN_BROKER && wait <= LONGEST_WAIT_IN_BROKER { Next::Wait(wait) } else { Next::Park(wait) }
}

/// How long to pause after this many failures in a row of something that everything needs.
pub(crate) fn backoff(failures: u32) -> Duration {
    const FIRST: Duration = Duration::from_millis(100);
    const LONGEST: Duration = Duration::from_secs(5);
    ceiling(FIRST, 2, failures, LONGEST).mul_f64(rand::random())
}

fn ceiling(base: Duration, growth: u32, attempt: u32, longest: Duration) -> Duration {
    base.saturating_mul(growth.saturating_pow(attempt.saturating_sub(1))).min(longest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn early_attempts_wait_in_the_broker_and_later_ones_are_parked() {
        let seconds = Duration::from_secs;
        let longest = |attempt| next(attempt, Duration::ZERO, 1.0);
        assert_eq!(longest(1), Next::Wait(seconds(1)));
        assert_eq!(longest(3), Next::Wait(seconds(16)));
        assert_eq!(longest(4), Next::Park(seconds(64)));
        assert_eq!(longest(7), Next::Park(seconds(3_600)));
        assert_eq!(longest(8), Next::GiveUp);
        assert_eq!(longest(u32::MAX), Next::GiveUp);
        assert_eq!(next(1, Duration::ZERO, 0.0), Next::Wait(Duration::ZERO));
    }

    #[test]
    fn a_handler_that_asks_for_a_long_wait_gets_it_outside_the_broker() {
        assert_eq!(next(1, Duration::from_secs(31), 0.5), Next::Park(Duration::from_secs(31)));
    }

    #[test]
    fn a_pause_is_bounded() {
        assert!((0..100).all(|failures| backoff(failures) <= Duration::from_secs(5)));
    }
}
