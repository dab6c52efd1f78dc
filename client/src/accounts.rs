//! Accounts after they are opened.

use contract::{AccountId, MinorUnits, account::Account};
use reqwest::Method;
use serde::Serialize;

use super::{Error, Transactions};

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
        self.set_status(key, id, "freeze").await
    }

    /// # Errors
    /// [`Error`]
    pub async fn unfreeze_account(&self, key: &str, id: AccountId) -> Result<Account, Error> {
        self.set_status(key, id, "unfreeze").await
    }

    /// Closes an empty account for good.
    ///
    /// # Errors
    /// [`Error`]
    pub async fn close_account(&self, key: &str, id: AccountId) -> Result<Account, Error> {
        self.set_status(key, id, "close").await
    }

    async fn set_status(&self, key: &str, id: AccountId, verb: &str) -> Result<Account, Error> {
        self.0.post(&format!("/v1/accounts/{id}/{verb}"), key, &serde_json::Map::new()).await
    }
}
