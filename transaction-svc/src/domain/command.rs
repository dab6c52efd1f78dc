//! Commands: what callers ask of the ledger, parsed and authorised as far as that is possible without its state.

use std::sync::Arc;

use contract::{AccountId, Amount, Currency, MinorUnits};

use super::{
    idempotency::{Idempotency, Parts},
    text::{AccountName, Description, Metadata, Owner, Reference},
    transaction::Actor,
};

/// One request to change the ledger.
#[derive(Debug, Clone)]
pub struct Command {
    pub caller: Caller,
    pub idempotency: Idempotency,
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
    /// May see every account (`accounts:any`).
    pub reads_any_account: bool,
    /// May move the money of every account (`transactions:any`).
    pub moves_any_money: bool,
}

impl Caller {
    /// Whether the caller may see the balance of an account of this owner.
    #[must_use]
    pub fn reads(&self, owner: &Owner) -> bool {
        self.reads_any_account || *self.actor.subject == *owner.as_str()
    }

    /// Whether the caller may spend from an account of this owner.
    #[must_use]
    pub fn spends(&self, owner: &Owner) -> bool {
        self.moves_any_money || *self.actor.subject == *owner.as_str()
    }
}

#[derive(Debug, Clone, Copy)]
pub struct Entropy {
    pub resource: u64,
    pub event: u64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    OpenAccount(OpenAccount),
    CreateTransaction(CreateTransaction),
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

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreateTransaction {
    pub source: AccountId,
    pub destination: AccountId,
    pub amount: Amount,
    pub currency: Currency,
    pub description: Option<Description>,
    pub reference: Option<Reference>,
    pub metadata: Metadata,
}

impl Action {
    /// The operation that idempotency keys are scoped to.
    #[must_use]
    pub const fn operation(&self) -> &'static str {
        match self {
            Self::OpenAccount(_) => "open_account",
            Self::CreateTransaction(_) => "create_transaction",
        }
    }

    /// The accounts that must be locked to decide this.
    pub fn accounts(&self) -> impl Iterator<Item = AccountId> {
        let named = match self {
            Self::OpenAccount(_) => [None, None],
            Self::CreateTransaction(create) => [Some(create.source), Some(create.destination)],
        };
        named.into_iter().flatten()
    }

    /// What makes two requests under one key the same request.
    #[must_use]
    pub fn parts(&self) -> Parts {
        let mut parts = Parts::of(self.operation());
        match self {
            Self::OpenAccount(open) => {
                parts
                    .text(open.owner.as_str())
                    .optional(open.name.as_ref().map(AccountName::as_str))
                    .text(open.currency.code());
                match open.min_balance {
                    Some(limit) => parts.number(1).number(limit.get()),
                    None => parts.number(0),
                };
                parts.number(i64::from(open.notify));
                metadata(&mut parts, &open.metadata);
            }
            Self::CreateTransaction(create) => {
                parts
                    .text(&create.source.to_string())
                    .text(&create.destination.to_string())
                    .number(create.amount.get());
                parts
                    .text(create.currency.code())
                    .text("automatic")
                    .optional(create.description.as_ref().map(Description::as_str));
                parts.optional(create.reference.as_ref().map(Reference::as_str));
                metadata(&mut parts, &create.metadata);
            }
        }
        parts
    }
}

fn metadata(parts: &mut Parts, metadata: &Metadata) {
    for (name, value) in metadata.as_map() {
        parts.text(name).text(value);
    }
}
