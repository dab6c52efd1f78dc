//! Transactions created together, only tried, and found again.

use contract::{
    AccountId,
    transaction::{Created, Transaction, TransactionStatus},
};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use time::OffsetDateTime;

use super::{Answer, Error, NewTransaction, Page, Transactions, transport::decode};

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

#[derive(Serialize)]
struct Independent<'a> {
    mode: &'static str,
    transactions: Vec<Keyed<'a>>,
}

#[derive(Serialize)]
struct Keyed<'a> {
    idempotency_key: &'a str,
    #[serde(flatten)]
    transaction: &'a NewTransaction,
}

#[derive(Deserialize)]
struct Answers {
    data: Vec<ItemAnswer>,
}

#[derive(Deserialize)]
struct ItemAnswer {
    status: u16,
    replayed: bool,
    body: Box<RawValue>,
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

    /// Creates each of these transactions, at most 500, under its own key, whatever becomes of the others. Gives what each
    /// alone would have been answered.
    ///
    /// # Errors
    /// [`Error`], where none was tried.
    pub async fn create_each(
        &self,
        transactions: &[(String, NewTransaction)],
    ) -> Result<Vec<Result<Transaction, Error>>, Error> {
        let keyed = transactions.iter().map(|(key, transaction)| Keyed { idempotency_key: key, transaction });
        let batch = Independent { mode: "independent", transactions: keyed.collect() };
        let answers: Answers = self.0.order("/v1/transactions/batch", &batch).await?;
        let read = |ItemAnswer { status, replayed, body }: ItemAnswer| {
            decode(&Answer { status, replayed, body: body.get().into(), retry_after: None })
        };
        Ok(answers.data.into_iter().map(read).collect())
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
