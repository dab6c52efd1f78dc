//! The whole business logic: from the state of some accounts and the commands that wait, to decisions.
//!
//! A pure function. Commands are decided in order, each on what the ones before it left, so a batch gives the same
//! decisions as the same commands one by one. Every applied command is one event. Decisions say nothing about HTTP and
//! do no I/O; whoever carries them out must do so wholly or not at all.

mod capture_transaction;
mod change_account;
mod create_transaction;
mod create_transactions;
mod existing;
mod movement;
mod open_account;
mod refund_transaction;
mod refusal;
mod release_transaction;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use contract::{AccountId, EventId, EventKind, TransactionId};
use time::OffsetDateTime;

pub use create_transaction::LONGEST_HOLD;
pub use refusal::Refusal;

use super::{
    account::{Account, Effect},
    command::{Action, Command},
    idempotency::{Fingerprint, Idempotency, KeyDigest},
    transaction::{Refund, Transaction},
};
use movement::Movement;

/// What must be known to decide a batch.
#[derive(Debug)]
pub struct Ledger {
    /// The moment of the batch, read after the accounts were locked.
    pub now: OffsetDateTime,
    /// The accounts that the commands name, as far as they exist and were locked.
    pub accounts: BTreeMap<AccountId, Account>,
    /// What it means that an account is not among them.
    pub missing: Missing,
    /// The transactions that the commands name, as far as they exist, read after the accounts were locked.
    pub transactions: BTreeMap<TransactionId, Transaction>,
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
    /// Several transactions were created together.
    AllApplied(Vec<Applied>),
    /// Refused for a reason that is an answer: it is stored under the key, too.
    Refused(Refusal),
    /// The same request was answered before.
    Repeated(Earlier),
    /// Another request was answered under this key.
    KeyReused(Earlier),
    /// What the command names does not exist, or not for its caller. Nothing is kept under the key.
    NotFound,
    /// What the command names exists, and its caller may not do this to it. Nothing is kept under the key.
    Forbidden,
    /// Not decided, because an account is locked by somebody else; the caller may try again.
    Busy,
}

impl Decision {
    /// What the command did to the ledger: nothing, where it was not applied.
    #[must_use]
    pub fn applied(&self) -> &[Applied] {
        match self {
            Self::Applied(applied) => std::slice::from_ref(applied),
            Self::AllApplied(applied) => applied,
            Self::Refused(_)
            | Self::Repeated(_)
            | Self::KeyReused(_)
            | Self::NotFound
            | Self::Forbidden
            | Self::Busy => &[],
        }
    }
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
    /// Its settings or its status.
    AccountChanged(Account),
    TransactionCreated(Transaction),
    /// Captured, voided or expired.
    TransactionChanged(Transaction),
    TransactionRefunded(Transaction, Refund),
}

impl Outcome {
    /// The transaction as it is now, where the command was about one.
    #[must_use]
    pub const fn transaction(&self) -> Option<&Transaction> {
        match self {
            Self::TransactionCreated(transaction)
            | Self::TransactionChanged(transaction)
            | Self::TransactionRefunded(transaction, _) => Some(transaction),
            Self::AccountOpened(_) | Self::AccountChanged(_) => None,
        }
    }
}

/// The decisions of a batch, one for each command in the same order, and what they leave.
#[derive(Debug)]
pub struct Decisions {
    pub each: Vec<Decision>,
    /// The accounts that existed before and changed, by id.
    pub changed: Vec<Account>,
    /// The transactions that existed before and changed, by id.
    pub changed_transactions: Vec<Transaction>,
}

/// Decides commands in order.
#[must_use]
pub fn decide<'a>(ledger: Ledger, commands: impl IntoIterator<Item = &'a Command>) -> Decisions {
    let mut batch = Batch::of(ledger);
    let each = commands.into_iter().enumerate().map(|(index, command)| batch.decide(index, command)).collect();
    let Batch { mut ledger, changed, changed_transactions, .. } = batch;
    Decisions {
        each,
        changed: changed.into_iter().filter_map(|id| ledger.accounts.remove(&id)).collect(),
        changed_transactions: changed_transactions
            .into_iter()
            .filter_map(|id| ledger.transactions.remove(&id))
            .collect(),
    }
}

/// A batch while it is being decided.
#[derive(Debug)]
struct Batch {
    ledger: Ledger,
    /// The keys answered by earlier commands of the batch, and by which.
    decided: HashMap<KeyDigest, (usize, Fingerprint)>,
    changed: BTreeSet<AccountId>,
    changed_transactions: BTreeSet<TransactionId>,
}

/// Why a command was not applied.
#[derive(Debug)]
enum NotApplied {
    Refused(Refusal),
    NotFound,
    Forbidden,
    Busy,
}

impl From<Refusal> for NotApplied {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl Batch {
    fn of(ledger: Ledger) -> Self {
        Self { ledger, decided: HashMap::new(), changed: BTreeSet::new(), changed_transactions: BTreeSet::new() }
    }

    fn decide(&mut self, index: usize, command: &Command) -> Decision {
        if let Some((earlier, fingerprint)) = command.idempotency.and_then(|asked| self.earlier(asked)) {
            return if Some(fingerprint) == command.idempotency.map(|asked| asked.fingerprint) {
                Decision::Repeated(earlier)
            } else {
                Decision::KeyReused(earlier)
            };
        }
        let decision = match self.apply(command) {
            Ok(decision) => decision,
            Err(NotApplied::Refused(refusal)) => Decision::Refused(refusal),
            // Not answers, so nothing is remembered under the key.
            Err(NotApplied::NotFound) => return Decision::NotFound,
            Err(NotApplied::Forbidden) => return Decision::Forbidden,
            Err(NotApplied::Busy) => return Decision::Busy,
        };
        if let Some(Idempotency { key, fingerprint }) = command.idempotency {
            self.decided.insert(key, (index, fingerprint));
        }
        decision
    }

    fn earlier(&self, asked: Idempotency) -> Option<(Earlier, Fingerprint)> {
        if let Some(fingerprint) = self.ledger.answered.get(&asked.key) {
            return Some((Earlier::Stored, *fingerprint));
        }
        self.decided.get(&asked.key).map(|(index, fingerprint)| (Earlier::InBatch(*index), *fingerprint))
    }

    fn apply(&mut self, command: &Command) -> Result<Decision, NotApplied> {
        let ledger = &mut self.ledger;
        let one = |applied| Decision::Applied(Box::new(applied));
        let decision = match &command.action {
            Action::OpenAccount(open) => one(open_account::apply(ledger.now, command, open)),
            Action::CreateTransaction(create) => {
                one(create_transaction::apply(ledger, &command.caller, command.entropy, create)?)
            }
            Action::CreateTransactions(items) => {
                Decision::AllApplied(create_transactions::apply(ledger, &command.caller, items)?)
            }
            Action::CaptureTransaction(capture) => one(capture_transaction::apply(ledger, command, capture)?),
            Action::VoidTransaction(id) => one(release_transaction::void(ledger, command, *id)?),
            Action::ExpireTransaction(id) => one(release_transaction::expire(ledger, command, *id)?),
            Action::RefundTransaction(refund) => one(refund_transaction::apply(ledger, command, refund)?),
            Action::UpdateAccount(update) => one(change_account::update(ledger, command, update)?),
            Action::FreezeAccount(id) => one(change_account::freeze(ledger, command, *id)?),
            Action::UnfreezeAccount(id) => one(change_account::unfreeze(ledger, command, *id)?),
            Action::CloseAccount(id) => one(change_account::close(ledger, command, *id)?),
        };
        for applied in decision.applied() {
            self.changed.extend(applied.effects.iter().map(|effect| effect.account));
        }
        self.changed_transactions.extend(command.action.transaction());
        Ok(decision)
    }
}

impl Applied {
    /// The next step in the life of a transaction that exists.
    fn transition(ledger: &mut Ledger, kind: EventKind, movement: Movement, transaction: Transaction) -> Self {
        ledger.transactions.insert(transaction.id, transaction.clone());
        let (event, at) = (movement.event, movement.at);
        Self { event, kind, at, outcome: Outcome::TransactionChanged(transaction), effects: movement.carry_out(ledger) }
    }
}

impl Ledger {
    /// An account that money is to move from or to, or why it cannot be used.
    fn account(&self, id: AccountId) -> Result<&Account, NotApplied> {
        self.accounts.get(&id).ok_or_else(|| self.without(Refusal::UnknownAccount { account: id }.into()))
    }

    /// An account that the command is about, or why it cannot be changed.
    fn existing(&self, id: AccountId) -> Result<&Account, NotApplied> {
        self.accounts.get(&id).ok_or_else(|| self.without(NotApplied::NotFound))
    }

    fn without(&self, unknown: NotApplied) -> NotApplied {
        match self.missing {
            Missing::Unknown => unknown,
            Missing::Busy => NotApplied::Busy,
        }
    }
}

#[cfg(test)]
mod tests;
