//! The ledger's API.

use std::collections::BTreeMap;

use contract::{
    AccountId, Amount, Currency, MinorUnits, TransactionId,
    account::Account,
    outbox::Outbox,
    timeline::Timeline,
    transaction::{Capture, Transaction},
};
use serde::Serialize;
use time::OffsetDateTime;

use super::{Answer, Error, Page, Transport, transport::decode};

/// What to open.
#[derive(Debug, Clone, Serialize)]
pub struct NewAccount {
    pub owner: String,
    pub currency: Currency,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// How far the balance may fall; `None` is without limit.
    pub min_balance: Option<MinorUnits>,
    pub notify: bool,
    pub metadata: BTreeMap<String, String>,
}

impl NewAccount {
    /// An account that cannot be overdrawn.
    #[must_use]
    pub fn new(owner: impl Into<String>, currency: Currency) -> Self {
        Self {
            owner: owner.into(),
            currency,
            name: None,
            min_balance: Some(MinorUnits::ZERO),
            notify: true,
            metadata: BTreeMap::new(),
        }
    }

    /// The same without a limit and without notifications: where money enters the ledger.
    #[must_use]
    pub fn settlement(owner: impl Into<String>, currency: Currency) -> Self {
        Self { min_balance: None, notify: false, ..Self::new(owner, currency) }
    }
}

/// What to move.
#[derive(Debug, Clone, Serialize)]
pub struct NewTransaction {
    pub source: AccountId,
    pub destination: AccountId,
    pub amount: Amount,
    pub currency: Currency,
    pub capture: Capture,
    #[serde(with = "contract::timestamp::option", skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<OffsetDateTime>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
}

impl NewTransaction {
    /// A transaction that moves its money at once, without description and reference.
    #[must_use]
    pub const fn new(source: AccountId, destination: AccountId, amount: Amount, currency: Currency) -> Self {
        Self {
            source,
            destination,
            amount,
            currency,
            capture: Capture::Automatic,
            expires_at: None,
            description: None,
            reference: None,
        }
    }

    /// The same as a hold, until this moment or for the usual time.
    #[must_use]
    pub fn held(self, expires_at: Option<OffsetDateTime>) -> Self {
        Self { capture: Capture::Manual, expires_at, ..self }
    }
}

/// transaction-svc, as one caller reaches it.
#[derive(Debug, Clone)]
pub struct Transactions(pub Transport);

impl Transactions {
    /// # Errors
    /// [`Error`]
    pub async fn open_account(&self, key: &str, account: &NewAccount) -> Result<Account, Error> {
        self.0.post("/v1/accounts", key, account).await
    }

    /// # Errors
    /// [`Error`]
    pub async fn account(&self, id: AccountId) -> Result<Account, Error> {
        self.0.get(&format!("/v1/accounts/{id}"), &()).await
    }

    /// The caller's accounts, newest first.
    ///
    /// # Errors
    /// [`Error`]
    pub async fn accounts(&self, cursor: Option<&str>) -> Result<Page<Account>, Error> {
        self.0.get("/v1/accounts", &[("cursor", cursor)]).await
    }

    /// # Errors
    /// [`Error`]
    pub async fn create(&self, key: &str, transaction: &NewTransaction) -> Result<Transaction, Error> {
        decode(&self.create_raw(key, transaction).await?)
    }

    /// Creates a transaction and gives the answer as it came.
    ///
    /// # Errors
    /// [`Error::NoAnswer`]
    pub async fn create_raw(&self, key: &str, transaction: &NewTransaction) -> Result<Answer, Error> {
        self.0.post_raw("/v1/transactions", key, transaction).await
    }

    /// # Errors
    /// [`Error`]
    pub async fn transaction(&self, id: TransactionId) -> Result<Transaction, Error> {
        self.0.get(&format!("/v1/transactions/{id}"), &()).await
    }

    /// How it came to be what it is, and who was told.
    ///
    /// # Errors
    /// [`Error`]
    pub async fn timeline(&self, id: TransactionId) -> Result<Timeline, Error> {
        self.0.get(&format!("/v1/transactions/{id}/timeline"), &()).await
    }

    /// What waits to be told. It needs `ops:read`.
    ///
    /// # Errors
    /// [`Error`]
    pub async fn outbox(&self) -> Result<Outbox, Error> {
        self.0.get("/v1/outbox", &()).await
    }

    /// Transactions of the caller's accounts, or of one account, newest first.
    ///
    /// # Errors
    /// [`Error`]
    pub async fn transactions(
        &self,
        account: Option<AccountId>,
        cursor: Option<&str>,
    ) -> Result<Page<Transaction>, Error> {
        let account = account.map(|account| account.to_string());
        self.0.get("/v1/transactions", &[("account", account.as_deref()), ("cursor", cursor)]).await
    }
}
