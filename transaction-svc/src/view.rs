//! Domain values as the API shows them. Nobody is shown a balance that they may not read.

use contract::{
    AccountId,
    account::{Account as AccountView, Balances},
    transaction::{Effect as EffectView, EffectBalance, Refund as RefundView, Transaction as TransactionView},
};
use service_kit::http::EntityTag;

use crate::domain::{
    account::{Account, Effect},
    text::{AccountName, Description, Reference},
    transaction::{Refund, Transaction},
};
use crate::store::effects::StoredEffect;

/// The account as its owner sees it.
#[must_use]
pub fn account(account: &Account) -> AccountView {
    AccountView {
        id: account.id,
        owner: account.owner.as_str().to_owned(),
        name: account.name.as_ref().map(|name| AccountName::as_str(name).to_owned()),
        currency: account.currency,
        status: account.status,
        min_balance: account.min_balance,
        notify: account.notify,
        balances: Balances {
            posted: account.posted,
            pending_out: account.pending_out,
            pending_in: account.pending_in,
            available: account.available(),
        },
        version: account.version,
        settings_version: account.settings_version,
        metadata: account.metadata.as_map().clone(),
        created_at: account.created_at,
        updated_at: account.updated_at,
    }
}

/// The transaction with the effects of its last event, already cut to what the reader may see.
#[must_use]
pub fn transaction(transaction: &Transaction, effects: Vec<EffectView>) -> TransactionView {
    TransactionView {
        id: transaction.id,
        status: transaction.status,
        source: transaction.source,
        destination: transaction.destination,
        amount: transaction.amount,
        currency: transaction.currency,
        captured_amount: transaction.captured_amount,
        refunded_amount: transaction.refunded_amount,
        capture: transaction.capture,
        expires_at: transaction.expires_at,
        description: transaction.description.as_ref().map(|text| Description::as_str(text).to_owned()),
        reference: transaction.reference.as_ref().map(|text| Reference::as_str(text).to_owned()),
        metadata: transaction.metadata.as_map().clone(),
        initiated_by: transaction.initiator.subject.to_string(),
        effects,
        created_at: transaction.created_at,
        updated_at: transaction.updated_at,
    }
}

/// The refund, which says nothing that both sides of its transaction may not know.
#[must_use]
pub fn refund(refund: &Refund) -> RefundView {
    RefundView {
        id: refund.id,
        transaction: refund.transaction,
        amount: refund.amount,
        currency: refund.currency,
        initiated_by: refund.initiator.subject.to_string(),
        created_at: refund.created_at,
    }
}

/// What happened to an account, with its balance only for those who may read it.
#[must_use]
pub fn effect(effect: &Effect, readable: bool) -> EffectView {
    let balance = EffectBalance {
        sequence: effect.sequence,
        posted_after: effect.after.posted,
        available_after: effect.after.available,
    };
    EffectView { account: effect.account, amount: effect.change.posted, balance: readable.then_some(balance) }
}

/// The same, of an effect on the books.
#[must_use]
pub fn stored_effect(effect: &StoredEffect, readable: bool) -> EffectView {
    let balance = EffectBalance {
        sequence: effect.sequence,
        posted_after: effect.posted_after,
        available_after: effect.available_after,
    };
    EffectView { account: effect.account, amount: effect.posted, balance: readable.then_some(balance) }
}

/// What the last event of a transaction did, the source first, of all the effects that it had.
#[must_use]
pub fn last_effects(
    transaction: &Transaction,
    all: &[StoredEffect],
    readable: impl Fn(AccountId) -> bool,
) -> Vec<EffectView> {
    let last = all.iter().map(|effect| effect.event).max();
    let mut effects: Vec<_> = all.iter().filter(|effect| Some(effect.event) == last).collect();
    effects.sort_by_key(|effect| effect.account != transaction.source);
    effects.into_iter().map(|effect| stored_effect(effect, readable(effect.account))).collect()
}

/// Changes whenever the account does.
#[must_use]
pub fn account_etag(account: &Account) -> EntityTag {
    EntityTag::numbered(account.version)
}

/// Changes whenever the transaction does: its events have increasing times.
#[must_use]
pub fn transaction_etag(transaction: &Transaction) -> EntityTag {
    EntityTag::numbered(transaction.updated_at.unix_timestamp_nanos() / 1_000)
}
