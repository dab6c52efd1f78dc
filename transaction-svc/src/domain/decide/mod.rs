//! The whole business logic: from the state of some accounts and the commands that wait, to decisions.
//!
//! A pure function. Commands are decided in order, each on what the ones before it left, so a batch gives the same
//! decisions as the same commands one by one. Every applied command is one event. Decisions say nothing about HTTP and
//! do no I/O; whoever carries them out must do so wholly or not at all.

mod create_transaction;
mod open_account;
mod refusal;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use contract::{AccountId, EventId, EventKind};
use time::OffsetDateTime;

pub use refusal::Refusal;

use super::{
    account::{Account, Effect},
    command::{Action, Command},
    idempotency::{Fingerprint, KeyDigest},
    transaction::Transaction,
};

/// What must be known to decide a batch.
#[derive(Debug)]
pub struct Ledger {
    /// The moment of the batch, read after the accounts were locked.
    pub now: OffsetDateTime,
    /// The accounts that the commands name, as far as they exist and were locked.
    pub accounts: BTreeMap<AccountId, Account>,
    /// What it means that an account is not among them.
    pub missing: Missing,
    /// The keys that already have an answer.
    pub answered: HashMap<KeyDigest, Fingerprint>,
}

/// Why an account was not loaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Missing {
    /// There is none.
    Unknown,
    /// There may be one, but somebody holds its lock and this batch did not wait.
    Busy,
}

/// What became of one command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    Applied(Box<Applied>),
    /// Refused for a reason that is an answer: it is stored under the key, too.
    Refused(Refusal),
    /// The same request was answered before.
    Repeated(Earlier),
    /// Another request was answered under this key.
    KeyReused(Earlier),
    /// Not decided, because an account is locked by somebody else; the caller may try again.
    Busy,
}

/// Where the first answer under a key is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Earlier {
    Stored,
    /// The command at this index of the same batch.
    InBatch(usize),
}

/// A command that changed the ledger, and its event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Applied {
    pub event: EventId,
    pub kind: EventKind,
    pub at: OffsetDateTime,
    pub outcome: Outcome,
    /// What the event did to each account; the source of a transaction first.
    pub effects: Vec<Effect>,
}

/// The resource that a command made or changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    AccountOpened(Account),
    TransactionCreated(Transaction),
}

/// The decisions of a batch, one for each command in the same order, and the accounts as they are afterwards.
#[derive(Debug)]
pub struct Decisions {
    pub each: Vec<Decision>,
    /// The accounts that existed before and changed, by id.
    pub changed: Vec<Account>,
}

/// Decides commands in order.
#[must_use]
pub fn decide<'a>(ledger: Ledger, commands: impl IntoIterator<Item = &'a Command>) -> Decisions {
    let mut batch = Batch { ledger, decided: HashMap::new(), changed: BTreeSet::new() };
    let each = commands.into_iter().enumerate().map(|(index, command)| batch.decide(index, command)).collect();
    let Batch { mut ledger, changed, .. } = batch;
    Decisions { each, changed: changed.into_iter().filter_map(|id| ledger.accounts.remove(&id)).collect() }
}

/// A batch while it is being decided.
#[derive(Debug)]
struct Batch {
    ledger: Ledger,
    /// The keys answered by earlier commands of the batch, and by which.
    decided: HashMap<KeyDigest, (usize, Fingerprint)>,
    changed: BTreeSet<AccountId>,
}

/// Why a command was not applied.
#[derive(Debug)]
enum NotApplied {
    Refused(Refusal),
    Busy,
}

impl From<Refusal> for NotApplied {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl Batch {
    fn decide(&mut self, index: usize, command: &Command) -> Decision {
        if let Some((earlier, fingerprint)) = self.earlier(command) {
            return if fingerprint == command.idempotency.fingerprint {
                Decision::Repeated(earlier)
            } else {
                Decision::KeyReused(earlier)
            };
        }
        let decision = match self.apply(command) {
            Ok(applied) => Decision::Applied(Box::new(applied)),
            Err(NotApplied::Refused(refusal)) => Decision::Refused(refusal),
            // Not an answer, so nothing is remembered under the key.
            Err(NotApplied::Busy) => return Decision::Busy,
        };
        self.decided.insert(command.idempotency.key, (index, command.idempotency.fingerprint));
        decision
    }

    fn earlier(&self, command: &Command) -> Option<(Earlier, Fingerprint)> {
        let key = &command.idempotency.key;
        if let Some(fingerprint) = self.ledger.answered.get(key) {
            return Some((Earlier::Stored, *fingerprint));
        }
        self.decided.get(key).map(|(index, fingerprint)| (Earlier::InBatch(*index), *fingerprint))
    }

    fn apply(&mut self, command: &Command) -> Result<Applied, NotApplied> {
        match &command.action {
            Action::OpenAccount(open) => Ok(open_account::apply(self.ledger.now, command, open)),
            Action::CreateTransaction(create) => {
                let applied = create_transaction::apply(&mut self.ledger, command, create)?;
                self.changed.extend(applied.effects.iter().map(|effect| effect.account));
                Ok(applied)
            }
        }
    }
}

impl Ledger {
    /// The account, or why it cannot be used.
    fn account(&self, id: AccountId) -> Result<&Account, NotApplied> {
        self.accounts.get(&id).ok_or(match self.missing {
            Missing::Unknown => NotApplied::Refused(Refusal::UnknownAccount { account: id }),
            Missing::Busy => NotApplied::Busy,
        })
    }
}

#[cfg(test)]
mod tests;
