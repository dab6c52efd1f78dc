//! When a delivery that failed is tried again.

use std::time::Duration;

use time::{OffsetDateTime, format_description::well_known::Rfc2822};

/// The pauses between attempts; after the last one nothing more is tried: 22 h and 13 min in all, without jitter.
const PAUSES: [Duration; 8] = [
    Duration::from_secs(5),
    Duration::from_secs(30),
    Duration::from_secs(2 * 60),
    Duration::from_secs(10 * 60),
    Duration::from_secs(3_600),
    Duration::from_secs(3 * 3_600),
    Duration::from_secs(6 * 3_600),
    Duration::from_secs(12 * 3_600),
];
/// By how much a pause is longer at random, at most, so that what failed together is not tried together.
const JITTER: f64 = 0.2;
/// A receiver may ask for more patience than the schedule has, within reason.
const LONGEST_ASKED: Duration = Duration::from_secs(24 * 3_600);

/// When to try again after so many failures (1 is the first); `None` when it is time to give up. `random` is from 0 to 1.
/// A receiver that asked for a longer pause gets it.
#[must_use]
pub fn next_attempt(
    failures: i16,
    now: OffsetDateTime,
    asked: Option<Duration>,
    random: f64,
) -> Option<OffsetDateTime> {
    let place = usize::try_from(failures).ok()?.checked_sub(1)?;
    let pause = PAUSES.get(place)?.mul_f64(1.0 + JITTER * random.clamp(0.0, 1.0));
    Some(now + pause.max(asked.unwrap_or_default()))
}

/// The pause that a `Retry-After` asks for: in seconds, or until a date (RFC 9110).
#[must_use]
pub fn retry_after(value: &str, now: OffsetDateTime) -> Option<Duration> {
    let value = value.trim();
    let asked = match value.parse::<u64>() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => (OffsetDateTime::parse(value, &Rfc2822).ok()? - now).try_into().unwrap_or_default(),
    };
    Some(asked.min(LONGEST_ASKED))
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    const NOW: OffsetDateTime = datetime!(2026-11-23 06:15:37 UTC);

    #[test]
    fn pauses_grow_with_jitter_until_it_is_given_up() {
        for (failures, pause) in (1..).zip(PAUSES) {
            assert_eq!(next_attempt(failures, NOW, None, 0.0), Some(NOW + pause));
            assert_eq!(next_attempt(failures, NOW, None, 1.0), Some(NOW + pause.mul_f64(1.2)));
        }
        assert_eq!(next_attempt(9, NOW, Some(Duration::from_secs(1)), 0.5), None);
    }

    #[test]
    fn a_receiver_that_asks_for_a_longer_pause_gets_it() {
        let asked = retry_after("120", NOW);
        assert_eq!(next_attempt(1, NOW, asked, 1.0), Some(NOW + Duration::from_secs(120)));
        assert_eq!(next_attempt(4, NOW, asked, 0.0), Some(NOW + Duration::from_secs(600)));
        for (value, seconds) in [
            ("Mon, 23 Nov 2026 06:17:37 GMT", Some(120)),
            ("Sun, 22 Nov 2026 06:17:37 GMT", Some(0)),
            (" 7 ", Some(7)),
            ("999999999999", Some(24 * 3_600)),
            ("-1", None),
            ("soon", None),
            ("", None),
        ] {
            assert_eq!(retry_after(value, NOW), seconds.map(Duration::from_secs), "{value:?}");
        }
    }
}
