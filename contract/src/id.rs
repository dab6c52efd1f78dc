//! Identifiers: one type each, written as [TypeID](https://github.com/jetify-com/typeid) text (`acc_01k…`), stored as UUIDs.
//!
//! The UUIDs are version 7 and carry microseconds (RFC 9562, method 3), so that ids made from increasing times sort in
//! that order. The time and the random bits are given by the caller: nothing here reads a clock.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use time::OffsetDateTime;
use type_safe_id::{StaticType, TypeSafeId};
use uuid::Uuid;

/// The text is not an id of the wanted kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("is not an id of the form {prefix}_ followed by 26 characters")]
pub struct InvalidId {
    prefix: &'static str,
}

/// A version 7 UUID for this moment, with microsecond precision; `entropy` fills the remaining 62 random bits.
///
/// Moments before 1970 count as 1970.
#[must_use]
pub fn uuid_v7(at: OffsetDateTime, entropy: u64) -> Uuid {
    let micros = u64::try_from(at.unix_timestamp_nanos() / 1_000).unwrap_or(0);
    let (millis, rest) = (micros / 1_000, micros % 1_000);
    // Twelve bits of sub-millisecond fraction come first, then the random bits.
    let fraction = (rest * 4_096 / 1_000).to_be_bytes();
    let random = entropy.to_be_bytes();
    let mut bytes = [0_u8; 10];
    bytes[..2].copy_from_slice(&[fraction[6], fraction[7]]);
    bytes[2..].copy_from_slice(&random);
    uuid::Builder::from_unix_timestamp_millis(millis, &bytes).into_uuid()
}

/// The moment that [`uuid_v7`] was given, to the microsecond.
#[must_use]
pub fn moment_of(uuid: Uuid) -> OffsetDateTime {
    let (head, _) = uuid.as_u64_pair();
    let (millis, fraction) = (head >> 16, head & 0xfff);
    // The fraction was rounded down on the way in, so it is rounded up on the way out.
    let micros = millis * 1_000 + (fraction * 1_000).div_ceil(4_096);
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(micros) * 1_000).unwrap_or(OffsetDateTime::UNIX_EPOCH)
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident, $marker:ident = $prefix:literal;)*) => {$(
        #[derive(Default)]
        struct $marker;

        impl StaticType for $marker {
            const TYPE: &'static str = $prefix;
        }

        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Uuid);

        impl $name {
            /// What the text begins with, before the underscore.
            pub const PREFIX: &'static str = $prefix;

            /// The id stored as this UUID.
            #[must_use]
            pub const fn from_uuid(uuid: Uuid) -> Self {
                Self(uuid)
            }

            /// A new id for this moment; see [`uuid_v7`].
            #[must_use]
            pub fn new(at: OffsetDateTime, entropy: u64) -> Self {
                Self(uuid_v7(at, entropy))
            }

            /// The moment for which the id was made.
            #[must_use]
            pub fn time(self) -> OffsetDateTime {
                moment_of(self.0)
            }

            /// The UUID as stored.
            #[must_use]
            pub const fn uuid(self) -> Uuid {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&TypeSafeId::<$marker>::from_uuid(self.0), f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                let id: TypeSafeId<$marker> = text.parse().map_err(|_| InvalidId { prefix: $prefix })?;
                Ok(Self(id.uuid()))
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
                text.parse().map_err(de::Error::custom)
            }
        }

        #[cfg(feature = "openapi")]
        impl utoipa::ToSchema for $name {}

        #[cfg(feature = "openapi")]
        impl utoipa::PartialSchema for $name {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
                utoipa::openapi::ObjectBuilder::new()
                    .schema_type(utoipa::openapi::schema::Type::String)
                    .pattern(Some(concat!("^", $prefix, "_[0-7][0-9a-hjkmnp-tv-z]{25}$")))
                    .examples([concat!($prefix, "_01kaj9g1p7e09b7qprw0000000")])
                    .into()
            }
        }
    )*};
}

ids! {
    /// An account of the ledger.
    AccountId, AccountMarker = "acc";
    /// A movement of money from one account to another.
    TransactionId, TransactionMarker = "txn";
    /// One refund of a transaction.
    RefundId, RefundMarker = "rfd";
    /// One event of the journal; also `Nats-Msg-Id` and `webhook-id`.
    EventId, EventMarker = "evt";
    /// One user's notification about one event.
    NotificationId, NotificationMarker = "ntf";
    /// One session of a user's browser.
    SessionId, SessionMarker = "ses";
    /// One replay of events to a consumer.
    ReplayId, ReplayMarker = "rpl";
    /// A receiver of webhooks.
    WebhookEndpointId, WebhookEndpointMarker = "whe";
    /// One event on its way to one receiver.
    DeliveryId, DeliveryMarker = "dlv";
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_written_is_read_back(micros in 0_i64..4_000_000_000_000_000, entropy: u64) {
            let at = OffsetDateTime::from_unix_timestamp_nanos(i128::from(micros) * 1_000).unwrap();
            let id = TransactionId::new(at, entropy);
            prop_assert_eq!(id.to_string().parse::<TransactionId>().unwrap(), id);
            prop_assert_eq!(id.uuid().get_version_num(), 7);
            prop_assert_eq!(id.time(), at);
        }

        #[test]
        fn a_later_microsecond_makes_a_greater_id(micros in 0_i64..4_000_000_000_000_000, a: u64, b: u64) {
            let at = OffsetDateTime::from_unix_timestamp_nanos(i128::from(micros) * 1_000).unwrap();
            prop_assert!(EventId::new(at, a) < EventId::new(at + time::Duration::MICROSECOND, b));
        }
    }

    #[test]
    fn an_id_of_another_kind_is_refused() {
        let account = AccountId::new(OffsetDateTime::UNIX_EPOCH, 1).to_string();
        assert!(account.parse::<TransactionId>().is_err());
        for text in [
            "",
            "acc",
            "acc_",
            "acc_01",
            "ACC_00000000000000000000000000",
            "acc_8zzzzzzzzzzzzzzzzzzzzzzzzz",
            "txn_\u{0}",
        ] {
            assert!(text.parse::<AccountId>().is_err(), "{text:?}");
        }
    }
}
