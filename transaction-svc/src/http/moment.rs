//! Moments in requests.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

/// An RFC 3339 time with any offset, to the microsecond: the ledger keeps no more, and a request must mean the same when it
/// is read back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(super) struct Moment(#[serde(with = "contract::timestamp")] pub(super) OffsetDateTime);

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let moment = contract::timestamp::deserialize(deserializer)?.to_offset(time::UtcOffset::UTC);
        let whole = moment.replace_nanosecond(moment.nanosecond() / 1_000 * 1_000);
        whole.map(Self).map_err(serde::de::Error::custom)
    }
}
