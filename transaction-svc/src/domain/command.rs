//! Commands: what callers ask of the ledger, parsed and authorised as far as that is possible without its state.

use std::sync::Arc;

use contract::{AccountId, Amount, Currency, MinorUnits, TransactionId};
use time::OffsetDateTime;

use super::{
    idempotency::Idempotency,
    text::{AccountName, Description, Metadata, Owner, Reference},
    transaction::Actor,
};

/// One request to change the ledger.
#[derive(Debug, Clone)]
pub struct Command {
    pub caller: Caller,
    /// `None` where no answer is kept: for what the ledger asks of itself.
    pub idempotency: Option<Idempotency>,
    /// Random bits for the ids of the resource and of the event.
    pub entropy: Entropy,
    /// The W3C trace context of the request, which the event carries on.
    pub traceparent: Option<Arc<str>>,
    pub action: Action,
}

/// Who asks, and how far their authority over the accounts of others goes.
#[derive(Debug, Clone)]
pub struct Caller {
    pub actor: Actor,
    /// May see and change every account (`accounts:any`).
    pub any_account: bool,
    /// May move the money of every account (`transactions:any`).
    pub moves_any_money: bool,
}

impl Caller {
    /// Whether the caller may see the balance of an account of this owner, and change its settings.
    #[must_use]
    pub fn manages(&self, owner: &Owner) -> bool {
        self.any_account || self.is(owner)
    }

    /// Whether the caller holds an account of this owner.
    #[must_use]
    pub fn is(&self, owner: &Owner) -> bool {
        *self.actor.subject == *owner.as_str()
    }

    /// Whether the caller may decide about the money of an account of this owner.
    #[must_use]
    pub fn moves_money_of(&self, owner: &Owner) -> bool {
        self.moves_any_money || self.is(owner)
    }
}

#[derive(Debug, Clone, Copy)]
pub struct Entropy {
    pub resource: u64,
    pub event: u64,
}

#[derive(Debug, Clone)]
pub enum Action {
    OpenAccount(OpenAccount),
    CreateTransaction(CreateTransaction),
    /// All of them or none.
    CreateTransactions(Vec<BatchItem>),
    CaptureTransaction(CaptureTransaction),
    VoidTransaction(TransactionId),
    /// What the ledger asks of itself once a hold is over.
    ExpireTransaction(TransactionId),
    RefundTransaction(RefundTransaction),
    UpdateAccount(UpdateAccount),
    FreezeAccount(AccountId),
    UnfreezeAccount(AccountId),
    CloseAccount(AccountId),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenAccount {
    pub owner: Owner,
    pub name: Option<AccountName>,
    pub currency: Currency,
    pub min_balance: Option<MinorUnits>,
    pub notify: bool,
    pub metadata: Metadata,
}

/// Settings of an account; what is absent stays as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UpdateAccount {
    pub account: AccountId,
    /// Of the settings that the caller has seen.
    pub settings_version: i64,
    /// `Some(None)` takes the name away.
    pub name: Option<Option<AccountName>>,
    /// `Some(None)` takes the limit away.
    pub min_balance: Option<Option<MinorUnits>>,
    pub metadata: Option<Metadata>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreateTransaction {
    pub source: AccountId,
    pub destination: AccountId,
    pub amount: Amount,
    pub currency: Currency,
    pub terms: CaptureTerms,
    pub description: Option<Description>,
    pub reference: Option<Reference>,
    pub metadata: Metadata,
}

/// One of several transactions that are created together.
#[derive(Debug, Clone)]
pub struct BatchItem {
    pub create: CreateTransaction,
    pub entropy: Entropy,
}

/// When the money of a new transaction moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CaptureTerms {
    /// At once.
    Automatic,
    /// On capture, until when it is reserved: for as long as holds usually last, unless a moment is given.
    Manual { expires_at: Option<OffsetDateTime> },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CaptureTransaction {
    pub transaction: TransactionId,
    /// All that is held, unless given.
    pub amount: Option<Amount>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RefundTransaction {
    pub transaction: TransactionId,
    /// All that is not refunded yet, unless given.
    pub amount: Option<Amount>,
}

impl Action {
    /// The operation that idempotency keys are scoped to.
    #[must_use]
    pub const fn operation(&self) -> &'static str {
        match self {
            Self::OpenAccount(_) => "open_account",
            Self::CreateTransaction(_) => "create_transaction",
            Self::CreateTransactions(_) => "create_transactions",
            Self::CaptureTransaction(_) => "capture_transaction",
            Self::VoidTransaction(_) => "void_transaction",
            Self::ExpireTransaction(_) => "expire_transaction",
            Self::RefundTransaction(_) => "refund_transaction",
            Self::UpdateAccount(_) => "update_account",
            Self::FreezeAccount(_) => "freeze_account",
            Self::UnfreezeAccount(_) => "unfreeze_account",
            Self::CloseAccount(_) => "close_account",
        }
    }

    /// The accounts that this names. Those of the transaction that it names must be locked, too.
    pub fn accounts(&self) -> impl Iterator<Item = AccountId> {
        let (named, created): (_, &[BatchItem]) = match self {
            Self::CreateTransaction(create) => ([Some(create.source), Some(create.destination)], &[]),
            Self::CreateTransactions(items) => ([None, None], items),
            Self::UpdateAccount(update) => ([Some(update.account), None], &[]),
            Self::FreezeAccount(account) | Self::UnfreezeAccount(account) | Self::CloseAccount(account) => {
                ([Some(*account), None], &[])
            }
            Self::OpenAccount(_)
            | Self::CaptureTransaction(_)
            | Self::VoidTransaction(_)
            | Self::ExpireTransaction(_)
            | Self::RefundTransaction(_) => ([None, None], &[]),
        };
        let created = created.iter().flat_map(|item| [item.create.source, item.create.destination]);
        named.into_iter().flatten().chain(created)
    }

    /// How many events this can cause: what a commit can hold is bounded.
    #[must_use]
    pub fn weight(&self) -> usize {
        if let Self::CreateTransactions(items) = self { items.len() } else { 1 }
    }

    /// The transaction that this changes.
    #[must_use]
    pub const fn transaction(&self) -> Option<TransactionId> {
        match self {
            Self::CaptureTransaction(capture) => Some(capture.transaction),
            Self::VoidTransaction(transaction) | Self::ExpireTransaction(transaction) => Some(*transaction),
            Self::RefundTransaction(refund) => Some(refund.transaction),
            Self::OpenAccount(_)
            | Self::CreateTransaction(_)
            | Self::CreateTransactions(_)
            | Self::UpdateAccount(_)
            | Self::FreezeAccount(_)
            | Self::UnfreezeAccount(_)
            | Self::CloseAccount(_) => None,
        }
    }
}
