//! What becomes of a transaction after it is created.

use contract::{
    Amount, RefundId, TransactionId,
    transaction::{Refund, Transaction},
};
use serde::Serialize;

use super::{Error, Page, Transactions};

/// How much of it; all unless given.
#[derive(Debug, Clone, Copy, Serialize)]
struct Part {
    #[serde(skip_serializing_if = "Option::is_none")]
    amount: Option<Amount>,
}

impl Transactions {
    /// Moves the money of a hold: all of it, or a part and the rest is released.
    ///
    /// # Errors
    /// [`Error`]
    pub async fn capture(&self, key: &str, id: TransactionId, amount: Option<Amount>) -> Result<Transaction, Error> {
        self.0.post(&format!("/v1/transactions/{id}/capture"), key, &Part { amount }).await
    }

    /// Releases a hold.
    ///
    /// # Errors
    /// [`Error`]
    pub async fn void(&self, key: &str, id: TransactionId) -> Result<Transaction, Error> {
        self.0.post(&format!("/v1/transactions/{id}/void"), key, &Part { amount: None }).await
    }

    /// Gives money back: all that is left of what was captured, or a part.
    ///
    /// # Errors
    /// [`Error`]
    pub async fn refund(&self, key: &str, id: TransactionId, amount: Option<Amount>) -> Result<Refund, Error> {
        self.0.post(&format!("/v1/transactions/{id}/refunds"), key, &Part { amount }).await
    }

    /// # Errors
    /// [`Error`]
    pub async fn read_refund(&self, transaction: TransactionId, id: RefundId) -> Result<Refund, Error> {
        self.0.get(&format!("/v1/transactions/{transaction}/refunds/{id}"), &()).await
    }

    /// The refunds of a transaction, newest first.
    ///
    /// # Errors
    /// [`Error`]
    pub async fn refunds(&self, id: TransactionId, cursor: Option<&str>) -> Result<Page<Refund>, Error> {
        self.0.get(&format!("/v1/transactions/{id}/refunds"), &[("cursor", cursor)]).await
    }
}
