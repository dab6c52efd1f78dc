//! Transactions created together, only tried, and found again.

use contract::{
    AccountId,
    transaction::{Created, Transaction, TransactionStatus},
};
use serde::Serialize;
use time::OffsetDateTime;

use super::{Error, NewTransaction, Page, Transactions};

/// Which transactions to list; everything that is `None` does not matter.
#[derive(Debug, Clone, Default, Serialize)]
pub struct TransactionFilter {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account: Option<AccountId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<TransactionStatus>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// At or after this moment.
    #[serde(with = "contract::timestamp::option", skip_serializing_if = "Option::is_none")]
    pub created_gte: Option<OffsetDateTime>,
    /// Before this moment.
    #[serde(with = "contract::timestamp::option", skip_serializing_if = "Option::is_none")]
    pub created_lt: Option<OffsetDateTime>,
    /// Where the page begins, of the same list.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

#[derive(Serialize)]
struct Atomic<'a> {
    mode: &'static str,
    transactions: &'a [NewTransaction],
}

impl Transactions {
    /// Creates all of these transactions, at most 500, or none.
    ///
    /// # Errors
    /// [`Error`]; a refusal says the `index` of the transaction that was refused.
    pub async fn create_together(&self, key: &str, transactions: &[NewTransaction]) -> Result<Vec<Transaction>, Error> {
        let batch = Atomic { mode: "atomic", transactions };
        let created: Created = self.0.post("/v1/transactions/batch", key, &batch).await?;
        Ok(created.data)
    }

    /// What would become of a transaction if it were created now. Nothing is changed or kept.
    ///
    /// # Errors
    /// [`Error`]
    pub async fn try_create(&self, transaction: &NewTransaction) -> Result<Transaction, Error> {
        self.0.ask("/v1/transactions", &[("dry_run", "true")], transaction).await
    }

    /// Transactions of the caller's accounts that the filter lets pass, newest first.
    ///
    /// # Errors
    /// [`Error`]
    pub async fn find(&self, filter: &TransactionFilter) -> Result<Page<Transaction>, Error> {
        self.0.get("/v1/transactions", filter).await
    }
}
