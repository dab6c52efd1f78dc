//! Moments on the wire: RFC 3339 in UTC with exactly six digits of a second, which is what Postgres keeps.

use serde::{Deserialize, Deserializer, Serializer, de};
use time::{OffsetDateTime, UtcOffset, format_description::well_known::Rfc3339};

/// The text of a moment, `2026-11-23T06:15:37.123456Z`.
#[must_use]
pub fn text(at: OffsetDateTime) -> String {
    let at = at.to_offset(UtcOffset::UTC);
    let (date, time) = (at.date(), at.time());
    format!(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:06}Z",
        date.year(),
        u8::from(date.month()),
        date.day(),
        time.hour(),
        time.minute(),
        time.second(),
        time.microsecond()
    )
}

/// For `#[serde(with = "contract::timestamp")]`.
///
/// # Errors
/// Those of the serializer.
pub fn serialize<S: Serializer>(at: &OffsetDateTime, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&text(*at))
}

/// For `#[serde(with = "contract::timestamp")]`; any RFC 3339 offset is read.
///
/// # Errors
/// Where the text is no RFC 3339 moment.
pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<OffsetDateTime, D::Error> {
    let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
    OffsetDateTime::parse(&text, &Rfc3339).map_err(|_| de::Error::custom("is not an RFC 3339 time"))
}

/// For moments that may be absent: `#[serde(with = "contract::timestamp::option")]`.
pub mod option {
    use serde::{Deserialize, Deserializer, Serializer, de};
    use time::{OffsetDateTime, format_description::well_known::Rfc3339};

    /// # Errors
    /// Those of the serializer.
    pub fn serialize<S: Serializer>(at: &Option<OffsetDateTime>, serializer: S) -> Result<S::Ok, S::Error> {
        match at {
            Some(at) => super::serialize(at, serializer),
            None => serializer.serialize_none(),
        }
    }

    /// # Errors
    /// Where the text is no RFC 3339 moment.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<OffsetDateTime>, D::Error> {
        Option::<std::borrow::Cow<'_, str>>::deserialize(deserializer)?
            .map(|text| OffsetDateTime::parse(&text, &Rfc3339))
            .transpose()
            .map_err(|_| de::Error::custom("is not an RFC 3339 time"))
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    #[test]
    fn six_digits_in_utc() {
        assert_eq!(super::text(datetime!(2026-11-23 6:15:37 UTC)), "2026-11-23T06:15:37.000000Z");
        assert_eq!(super::text(datetime!(2026-11-23 6:15:37.123456789 +1)), "2026-11-23T05:15:37.123456Z");
    }
}
