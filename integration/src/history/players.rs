//! Who takes part in a history: a few users with a few accounts, so that they are in each other's way.

use std::time::Duration;

use anyhow::ensure;
use client::{NewAccount, Transactions, Transport};
use contract::{AccountId, Currency};

use crate::{
    people::{cents, fresh_key},
    stack::platform::Platform,
};

/// After this long a client takes it that no answer will come.
const ANSWER_WITHIN: Duration = Duration::from_secs(3);
const NAMES: [&str; 4] = ["ada", "ben", "cleo", "dan"];
/// Little enough for some payments to be refused.
const FUNDS: i64 = 5_000;

/// The users and their accounts.
#[derive(Debug)]
pub struct Players {
    pub(super) users: Vec<User>,
    pub(super) purses: Vec<Purse>,
}

/// Somebody who can be served by any replica.
#[derive(Debug)]
pub(super) struct User {
    pub(super) name: &'static str,
    pub(super) replicas: Vec<Transactions>,
}

/// An account, and whose it is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Purse {
    pub(super) account: AccountId,
    /// Among the users.
    pub(super) owner: usize,
}

impl Players {
    /// Opens two accounts in euros for each user, one with money in it. The last user does not want to be notified.
    ///
    /// # Errors
    /// Those of the ledger.
    pub async fn assemble(platform: &Platform) -> anyhow::Result<Self> {
        let http = reqwest::Client::builder().timeout(ANSWER_WITHIN).build()?;
        let bank = platform.bank().await?;
        let mut players = Self { users: Vec::new(), purses: Vec::new() };
        for (owner, name) in NAMES.into_iter().enumerate() {
            let token = platform.user_token(name)?;
            let replicas = platform.transaction_svc.iter();
            let replicas =
                replicas.map(|service| Transactions(Transport::new(http.clone(), service.url.clone(), &token)));
            let user = User { name, replicas: replicas.collect() };
            ensure!(!user.replicas.is_empty(), "nobody to talk to");
            for funds in [FUNDS, 0] {
                let notify = owner + 1 < NAMES.len();
                let account = NewAccount { notify, ..NewAccount::new(name, Currency::EUR) };
                let account = user.replicas[0].open_account(&fresh_key(), &account).await?.id;
                if funds > 0 {
                    bank.fund(account, cents(funds)).await?;
                }
                players.purses.push(Purse { account, owner });
            }
            players.users.push(user);
        }
        Ok(players)
    }
}
