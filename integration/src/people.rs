//! People who use the platform: what tests, the demo and the load act through.
//!
//! A person has a token and reaches one replica of each service. Money comes from the bank, whose settlement account has
//! no limit.

use client::{NewAccount, NewTransaction, Notifications, Transactions, Transport};
use contract::{AccountId, Amount, Currency, account::Account, transaction::Transaction};
use uuid::Uuid;

use crate::stack::platform::Platform;

/// Somebody with a token.
#[derive(Debug, Clone)]
pub struct Person {
    /// The `sub` of the token.
    pub name: String,
    pub ledger: Transactions,
    pub inbox: Notifications,
}

/// The back office, and where it takes money from.
#[derive(Debug, Clone)]
pub struct Bank {
    pub office: Person,
    pub settlement: AccountId,
}

/// An idempotency key that nobody has used.
#[must_use]
pub fn fresh_key() -> String {
    Uuid::new_v4().to_string()
}

/// So many cents.
///
/// # Panics
/// Below 1.
#[must_use]
pub fn cents(units: i64) -> Amount {
    Amount::new(units).expect("amounts are positive")
}

impl Platform {
    /// A user, at the first replicas.
    ///
    /// # Errors
    /// When the token cannot be signed.
    pub fn person(&self, name: &str) -> anyhow::Result<Person> {
        self.person_at(0, name)
    }

    /// A user, at these replicas.
    ///
    /// # Errors
    /// When there are not so many replicas, or the token cannot be signed.
    pub fn person_at(&self, replica: usize, name: &str) -> anyhow::Result<Person> {
        self.caller(replica, name, &self.user_token(name)?)
    }

    /// Somebody with this token, at these replicas.
    ///
    /// # Errors
    /// When there are not so many replicas.
    pub fn caller(&self, replica: usize, name: &str, token: &str) -> anyhow::Result<Person> {
        let none = || anyhow::anyhow!("there is no replica {replica}");
        let http = reqwest::Client::new();
        let ledger = &self.transaction_svc.get(replica).ok_or_else(none)?.url;
        let inbox = &self.notification_svc.get(replica).ok_or_else(none)?.url;
        Ok(Person {
            name: name.to_owned(),
            ledger: Transactions(Transport::new(http.clone(), ledger.clone(), token)),
            inbox: Notifications(Transport::new(http, inbox.clone(), token)),
        })
    }

    /// The back office, with a new settlement account in euros.
    ///
    /// # Errors
    /// Those of the ledger.
    pub async fn bank(&self) -> anyhow::Result<Bank> {
        let office = self.caller(0, "service", &self.service_token()?)?;
        let settlement = NewAccount::settlement("service", Currency::EUR);
        let settlement = office.ledger.open_account(&fresh_key(), &settlement).await?.id;
        Ok(Bank { office, settlement })
    }
}

impl Bank {
    /// Puts money into an account.
    ///
    /// # Errors
    /// Those of the ledger.
    pub async fn fund(&self, account: AccountId, amount: Amount) -> Result<Transaction, client::Error> {
        self.office.pay(self.settlement, account, amount).await
    }

    /// A new account of this person's in euros, with this much in it.
    ///
    /// # Errors
    /// Those of the ledger.
    pub async fn open_funded(&self, owner: &Person, amount: Amount) -> Result<Account, client::Error> {
        let account = owner.open_account().await?;
        self.fund(account.id, amount).await?;
        owner.ledger.account(account.id).await
    }
}

impl Person {
    /// Opens an account in euros.
    ///
    /// # Errors
    /// Those of the ledger.
    pub async fn open_account(&self) -> Result<Account, client::Error> {
        self.ledger.open_account(&fresh_key(), &NewAccount::new(&self.name, Currency::EUR)).await
    }

    /// Pays euros from one account to another.
    ///
    /// # Errors
    /// Those of the ledger.
    pub async fn pay(&self, from: AccountId, to: AccountId, amount: Amount) -> Result<Transaction, client::Error> {
        self.ledger.create(&fresh_key(), &NewTransaction::new(from, to, amount, Currency::EUR)).await
    }
}
