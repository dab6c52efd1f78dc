//! Transactions as the ledger keeps them.

use contract::{
    AccountId, Amount, Currency, MinorUnits, RefundId, TransactionId,
    transaction::{Capture, TransactionStatus},
};
use time::OffsetDateTime;

use super::text::{Description, Metadata, Reference};

/// A movement of an amount from a source account to a destination account.
#[derive(Debug, Clone, PartialEq, Eq)]
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
    /// When a pending transaction releases its reservation.
    pub expires_at: Option<OffsetDateTime>,
    pub description: Option<Description>,
    pub reference: Option<Reference>,
    pub metadata: Metadata,
    pub initiator: Actor,
    pub created_at: OffsetDateTime,
    pub updated_at: OffsetDateTime,
}

impl Transaction {
    /// What a refund may still give back.
    #[must_use]
    pub fn refundable(&self) -> MinorUnits {
        // Nothing is refunded that was not captured, so the difference of the two is no less than zero.
        self.captured_amount.checked_sub(self.refunded_amount).unwrap_or(MinorUnits::ZERO)
    }
}

/// A part of a transaction's money, given back by its destination.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refund {
    pub id: RefundId,
    pub transaction: TransactionId,
    pub amount: Amount,
    pub currency: Currency,
    pub initiator: Actor,
    pub created_at: OffsetDateTime,
}

/// Who did it: issuer and subject of a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    pub issuer: std::sync::Arc<str>,
    pub subject: std::sync::Arc<str>,
}
