//! Accounts after they are opened.

use contract::{
    AccountId, EventId, MinorUnits,
    account::Account,
    statement::{AccountEvent, BalanceAt, Entry, Feed},
    timestamp,
};
use reqwest::Method;
use serde::Serialize;
use serde_json::{Map, value::RawValue};
use time::OffsetDateTime;

use super::{Error, Page, Transactions};

/// Which settings to change; what is `None` stays as it is.
#[derive(Debug, Clone, Serialize)]
pub struct AccountSettings {
    /// Of the settings as the caller has seen them.
    pub settings_version: i64,
    /// `Some(None)` takes the name away.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<Option<String>>,
    /// `Some(None)` takes the limit away.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_balance: Option<Option<MinorUnits>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metadata: Option<contract::account::Metadata>,
}

impl AccountSettings {
    /// Nothing yet.
    #[must_use]
    pub const fn of(account: &Account) -> Self {
        Self { settings_version: account.settings_version, name: None, min_balance: None, metadata: None }
    }
}

impl Transactions {
    /// Changes settings, if they are still as they were seen.
    ///
    /// # Errors
    /// [`Error`]
    pub async fn update_account(&self, key: &str, id: AccountId, settings: &AccountSettings) -> Result<Account, Error> {
        self.0.change(Method::PATCH, &format!("/v1/accounts/{id}"), key, settings).await
    }

    /// # Errors
    /// [`Error`]
    pub async fn freeze_account(&self, key: &str, id: AccountId) -> Result<Account, Error> {
        self.0.post(&format!("/v1/accounts/{id}/freeze"), key, &Map::new()).await
    }

    /// # Errors
    /// [`Error`]
    pub async fn unfreeze_account(&self, key: &str, id: AccountId) -> Result<Account, Error> {
        self.0.post(&format!("/v1/accounts/{id}/unfreeze"), key, &Map::new()).await
    }

    /// Closes an empty account for good.
    ///
    /// # Errors
    /// [`Error`]
    pub async fn close_account(&self, key: &str, id: AccountId) -> Result<Account, Error> {
        self.0.post(&format!("/v1/accounts/{id}/close"), key, &Map::new()).await
    }

    /// The account's entries with its running balance, newest first.
    ///
    /// # Errors
    /// [`Error`]
    pub async fn entries(&self, id: AccountId, cursor: Option<&str>) -> Result<Page<Entry>, Error> {
        self.0.get(&format!("/v1/accounts/{id}/entries"), &[("cursor", cursor)]).await
    }

    /// The balances at a moment that has passed, as they will be told for ever.
    ///
    /// # Errors
    /// [`Error`]
    pub async fn balance_at(&self, id: AccountId, as_of: OffsetDateTime) -> Result<BalanceAt, Error> {
        self.0.get(&format!("/v1/accounts/{id}/balance"), &[("as_of", timestamp::text(as_of))]).await
    }

    /// What happened to the account after this sequence, in order and without a gap.
    ///
    /// # Errors
    /// [`Error`]
    pub async fn account_events(&self, id: AccountId, after_sequence: i64) -> Result<Feed<AccountEvent, i64>, Error> {
        self.0.get(&format!("/v1/accounts/{id}/events"), &[("after_sequence", after_sequence)]).await
    }

    /// The journal after this event, byte for byte as published.
    ///
    /// # Errors
    /// [`Error`]
    pub async fn events(&self, after: Option<EventId>) -> Result<Feed<Box<RawValue>, EventId>, Error> {
        self.0.get("/v1/events", &[("after", after.map(|id| id.to_string())), ("limit", Some("200".to_owned()))]).await
    }
}
