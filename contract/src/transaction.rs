//! A transaction as the API shows it.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::{AccountId, Amount, Currency, MinorUnits, RefundId, TransactionId, account::Metadata};

/// Where a transaction is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum TransactionStatus {
    /// The amount is reserved on the source and not moved yet.
    Pending,
    Posted,
    Voided,
    Expired,
    PartiallyRefunded,
    Refunded,
}

impl TransactionStatus {
    /// Every status there is.
    pub const ALL: [Self; 6] =
        [Self::Pending, Self::Posted, Self::Voided, Self::Expired, Self::PartiallyRefunded, Self::Refunded];

    /// The status as it is written.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Posted => "posted",
            Self::Voided => "voided",
            Self::Expired => "expired",
            Self::PartiallyRefunded => "partially_refunded",
            Self::Refunded => "refunded",
        }
    }
}

/// Whether the money moves at once or in a second step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Capture {
    Automatic,
    Manual,
}

/// A movement of an amount from a source account to a destination account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(examples(crate::example::transaction)))]
pub struct Transaction {
    pub id: TransactionId,
    pub status: TransactionStatus,
    pub source: AccountId,
    pub destination: AccountId,
    pub amount: Amount,
    pub currency: Currency,
    pub captured_amount: MinorUnits,
    pub refunded_amount: MinorUnits,
    pub capture: Capture,
    #[serde(with = "crate::timestamp::option")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime))]
    pub expires_at: Option<OffsetDateTime>,
    pub description: Option<String>,
    pub reference: Option<String>,
    pub metadata: Metadata,
    /// The `sub` of who created it.
    pub initiated_by: String,
    /// What the last event of the transaction did to each account.
    pub effects: Vec<Effect>,
    #[serde(with = "crate::timestamp")]
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub created_at: OffsetDateTime,
    #[serde(with = "crate::timestamp")]
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub updated_at: OffsetDateTime,
}

/// Transactions that were created together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Created {
    /// In the order in which they were asked for.
    pub data: Vec<Transaction>,
}

/// What one event did to one account. Of an account that the reader may not read, it says the amount only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Effect {
    pub account: AccountId,
    /// Negative where the account pays.
    pub amount: MinorUnits,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub balance: Option<EffectBalance>,
}

/// Where an effect left the account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct EffectBalance {
    /// 1, 2, 3 … without a gap, one for each event that touches the account.
    pub sequence: i64,
    pub posted_after: MinorUnits,
    /// Null where the account has no limit.
    pub available_after: Option<MinorUnits>,
}

/// A part of a transaction's money that its destination has given back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(examples(crate::example::refund)))]
pub struct Refund {
    pub id: RefundId,
    pub transaction: TransactionId,
    pub amount: Amount,
    pub currency: Currency,
    /// The `sub` of who gave it back.
    pub initiated_by: String,
    #[serde(with = "crate::timestamp")]
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub created_at: OffsetDateTime,
}
