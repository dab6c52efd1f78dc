//! A notification as the API shows it.

use std::{collections::BTreeSet, str::FromStr};

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::{AccountId, Currency, EventId, EventKind, MinorUnits, NotificationId, TransactionId};

/// Whether the user has dealt with a notification.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum NotificationStatus {
    Unread,
    Read,
    Archived,
}

/// What one event means to one user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(examples(crate::example::notification)))]
pub struct Notification {
    pub id: NotificationId,
    pub user: String,
    pub r#type: EventKind,
    pub status: NotificationStatus,
    pub title: String,
    pub body: String,
    pub event_id: EventId,
    pub transaction_id: Option<TransactionId>,
    /// The user's account; where both sides are the user's, the source.
    pub account_id: AccountId,
    pub account_sequence: i64,
    /// The change of that account; negative where it paid.
    pub amount: MinorUnits,
    pub currency: Currency,
    /// 1, 2, 3 … for each user, in the order in which notifications were stored.
    pub position: i64,
    #[serde(with = "crate::timestamp")]
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub occurred_at: OffsetDateTime,
    #[serde(with = "crate::timestamp")]
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub created_at: OffsetDateTime,
    #[serde(with = "crate::timestamp::option")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime))]
    pub read_at: Option<OffsetDateTime>,
    #[serde(with = "crate::timestamp::option")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime))]
    pub archived_at: Option<OffsetDateTime>,
}

/// How many notifications a user has in each status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(examples(crate::example::notification_counts)))]
pub struct NotificationCounts {
    pub unread: i64,
    pub read: i64,
    pub archived: i64,
}

/// A language that notifications are written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum Locale {
    #[default]
    En,
    De,
}

impl Locale {
    /// Every language there is.
    pub const ALL: [Self; 2] = [Self::En, Self::De];

    /// The BCP 47 tag.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::De => "de",
        }
    }
}

/// The text is the tag of no language that notifications are written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is not a language that notifications are written in")]
pub struct UnknownLocale;

impl FromStr for Locale {
    type Err = UnknownLocale;

    fn from_str(text: &str) -> Result<Self, UnknownLocale> {
        Self::ALL.into_iter().find(|locale| locale.as_str() == text).ok_or(UnknownLocale)
    }
}

/// What a user wants to be told, and in which language.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Preferences {
    pub locale: Locale,
    /// Of these types of events the user is not told.
    pub muted_types: BTreeSet<EventKind>,
    /// Null while the user has chosen nothing.
    #[serde(with = "crate::timestamp::option")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime))]
    pub updated_at: Option<OffsetDateTime>,
}
