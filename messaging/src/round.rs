//! How loops take turns with those they follow: in rounds, with a rest between them.
//!
//! A round costs the same however much it carries, and what comes while a loop rests is carried by the next one. A loop
//! that never rested would make its rounds small and many, and take from the machine, and so from whoever it follows, what
//! fewer and larger ones would not. So a loop that keeps up works no more than a third of the time; one that is
//! behind goes on at once, with full rounds.

use std::time::Duration;

use tokio::time::{Instant, sleep_until};

/// How long a loop rests, in rounds as long as the one before.
const REST: u32 = 2;
/// Nobody waits for longer because one round took long: a slow database slows its own rounds.
const LONGEST_REST: Duration = Duration::from_millis(50);

/// A round of such a loop, which has begun.
#[derive(Debug)]
pub struct Round {
    began: Instant,
    shortest: Duration,
}

impl Round {
    /// Rounds follow each other no faster than `shortest`.
    #[must_use]
    pub fn begin(shortest: Duration) -> Self {
        Self { began: Instant::now(), shortest }
    }

    /// Ends the round, and rests.
    pub async fn rest(self) {
        sleep_until(self.next(Instant::now())).await;
    }

    /// When the next one begins, if this one has ended at `ended`.
    fn next(&self, ended: Instant) -> Instant {
        let rest = ((ended - self.began) * REST).min(LONGEST_REST);
        (self.began + self.shortest).max(ended + rest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_loop_works_a_third_of_the_time() {
        let ms = Duration::from_millis;
        for (work, all) in [(1, 5), (4, 12), (200, 250)] {
            let round = Round::begin(ms(5));
            assert_eq!(round.next(round.began + ms(work)) - round.began, ms(all), "after {work} ms");
        }
    }
}
