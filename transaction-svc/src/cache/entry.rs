//! A transaction with everything that it takes to show it to anybody, and how that is written in Redis.
//!
//! Who may see what is decided on each reading, never before: an entry holds both balances and both owners.

use std::time::Duration;

use contract::transaction::{Effect, Transaction, TransactionStatus};
use serde::{Deserialize, Serialize};

use crate::{
    domain::decide::{Applied, Outcome},
    view,
};

/// How long a state that can still change may be believed: the longest time for which a change can be missed, when it was
/// committed and could not be told to Redis.
const CHANGEABLE_FOR: Duration = Duration::from_secs(10);
/// States that nothing can follow are true for ever; this only keeps Redis small.
const FINAL_FOR: Duration = Duration::from_secs(60 * 60);
/// To be raised with every change of `Entry` or of what it holds.
const FORMAT: u32 = 1;

/// What was committed, as of one version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// With both balances.
    pub transaction: Transaction,
    pub source_owner: String,
    pub destination_owner: String,
}

impl Entry {
    /// What a command has left of a transaction, where there was another state of it before. `None` for new ones: nothing
    /// older than they are can be in Redis.
    #[must_use]
    pub fn of_change(applied: &Applied) -> Option<Self> {
        let transaction = match &applied.outcome {
            Outcome::TransactionChanged(transaction) | Outcome::TransactionRefunded(transaction, _) => transaction,
            Outcome::AccountOpened(_) | Outcome::AccountChanged(_) | Outcome::TransactionCreated(_) => return None,
        };
        // Each event of a transaction has an effect on both of its accounts.
        let side = |account| applied.effects.iter().find(|effect| effect.account == account);
        let (source, destination) = (side(transaction.source)?, side(transaction.destination)?);
        let effects = [source, destination].map(|effect| view::effect(effect, true)).into();
        Some(Self {
            transaction: view::transaction(transaction, effects),
            source_owner: source.owner.as_str().to_owned(),
            destination_owner: destination.owner.as_str().to_owned(),
        })
    }

    /// Orders the states of one transaction: the time of its last event in microseconds. The writer makes each event of an
    /// account, and so of a transaction, at least one later than the one before.
    #[must_use]
    pub fn version(&self) -> i64 {
        i64::try_from(self.transaction.updated_at.unix_timestamp_nanos() / 1_000).unwrap_or(i64::MAX)
    }

    pub(super) const fn time_to_live(&self) -> Duration {
        match self.transaction.status {
            TransactionStatus::Voided | TransactionStatus::Expired | TransactionStatus::Refunded => FINAL_FOR,
            TransactionStatus::Pending | TransactionStatus::Posted | TransactionStatus::PartiallyRefunded => {
                CHANGEABLE_FOR
            }
        }
    }

    #[must_use]
    pub fn has_owner(&self, subject: &str) -> bool {
        self.source_owner == subject || self.destination_owner == subject
    }

    /// The transaction, with the balances of those accounts only whose owner `sees`.
    #[must_use]
    pub fn shown(&self, sees: impl Fn(&str) -> bool) -> Transaction {
        let mut shown = self.transaction.clone();
        for Effect { account, balance, .. } in &mut shown.effects {
            let owner = if *account == shown.source { &self.source_owner } else { &self.destination_owner };
            *balance = balance.filter(|_| sees(owner));
        }
        shown
    }

    /// `<format>:<version>:<json>`. Scripts compare versions, so the two numbers stay where they are in every format.
    pub(super) fn encode(&self) -> Result<String, serde_json::Error> {
        Ok(format!("{FORMAT}:{}:{}", self.version(), serde_json::to_string(self)?))
    }

    /// `None` for what another release has written, or nobody.
    pub(super) fn decode(text: &str) -> Option<Self> {
        let mut parts = text.splitn(3, ':');
        let (format, _version, json) = (parts.next()?, parts.next()?, parts.next()?);
        if format.parse() != Ok(FORMAT) {
            return None;
        }
        serde_json::from_str(json).ok()
    }
}
