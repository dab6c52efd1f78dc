//! The types of events.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// The text is no event type of the platform.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("is not an event type")]
pub struct UnknownEventKind;

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident = $text:literal,)*) => {
        /// What happened, in the past tense.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum EventKind {
            $($(#[$doc])* $name,)*
        }

        impl EventKind {
            /// Every kind there is.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The `type` of the event: `<resource>.<what happened>`.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)*
                }
            }
        }

        impl FromStr for EventKind {
            type Err = UnknownEventKind;

            fn from_str(text: &str) -> Result<Self, UnknownEventKind> {
                match text {
                    $($text => Ok(Self::$name),)*
                    _ => Err(UnknownEventKind),
                }
            }
        }

        #[cfg(feature = "openapi")]
        impl utoipa::PartialSchema for EventKind {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
                utoipa::openapi::ObjectBuilder::new()
                    .schema_type(utoipa::openapi::schema::Type::String)
                    .enum_values(Some([$($text,)*]))
                    .into()
            }
        }
    };
}

kinds! {
    TransactionPending = "transaction.pending",
    TransactionPosted = "transaction.posted",
    TransactionVoided = "transaction.voided",
    TransactionExpired = "transaction.expired",
    TransactionRefunded = "transaction.refunded",
    AccountOpened = "account.opened",
    AccountUpdated = "account.updated",
    AccountFrozen = "account.frozen",
    AccountUnfrozen = "account.unfrozen",
    AccountClosed = "account.closed",
    WebhookEndpointDisabled = "webhook_endpoint.disabled",
}

/// Which kind of resource an event is about; decides the shape of its data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resource {
    Transaction,
    Account,
    WebhookEndpoint,
}

impl EventKind {
    /// The resource that the event is about.
    #[must_use]
    pub const fn resource(self) -> Resource {
        match self {
            Self::TransactionPending
            | Self::TransactionPosted
            | Self::TransactionVoided
            | Self::TransactionExpired
            | Self::TransactionRefunded => Resource::Transaction,
            Self::AccountOpened
            | Self::AccountUpdated
            | Self::AccountFrozen
            | Self::AccountUnfrozen
            | Self::AccountClosed => Resource::Account,
            Self::WebhookEndpointDisabled => Resource::WebhookEndpoint,
        }
    }

    /// What happened, without the resource: `posted` of `transaction.posted`.
    #[must_use]
    pub fn verb(self) -> &'static str {
        self.as_str().split_once('.').map_or("", |(_, verb)| verb)
    }
}

impl fmt::Display for EventKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for EventKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for EventKind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for EventKind {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

#[cfg(feature = "openapi")]
impl utoipa::ToSchema for EventKind {}
