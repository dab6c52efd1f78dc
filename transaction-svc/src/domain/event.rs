//! The event of an applied command, as receivers will read it.

use contract::{
    Event,
    event::{
        AccountData, AccountSnapshot, Actor, EventData, EventEffect, RefundSnapshot, TransactionData,
        TransactionSnapshot,
    },
};

use super::{
    account::{Account, Effect},
    command::Command,
    decide::{Applied, Outcome},
    text::{AccountName, Description, Reference},
    transaction::Transaction,
};

/// What is told about `applied`.
#[must_use]
pub fn event_of(applied: &Applied, command: &Command) -> Event {
    let actor = Actor { iss: command.caller.actor.issuer.to_string(), sub: command.caller.actor.subject.to_string() };
    let effects = applied.effects.iter().map(effect).collect();
    let data = match &applied.outcome {
        Outcome::AccountOpened(changed) | Outcome::AccountChanged(changed) => {
            EventData::Account(AccountData { account: account(changed), actor, effects })
        }
        Outcome::TransactionCreated(changed) | Outcome::TransactionChanged(changed) => {
            EventData::Transaction(TransactionData { transaction: transaction(changed), refund: None, actor, effects })
        }
        Outcome::TransactionRefunded(changed, refund) => EventData::Transaction(TransactionData {
            transaction: transaction(changed),
            refund: Some(RefundSnapshot { id: refund.id, amount: refund.amount }),
            actor,
            effects,
        }),
    };
    Event {
        id: applied.event,
        kind: applied.kind,
        time: applied.at,
        traceparent: command.traceparent.as_deref().map(str::to_owned),
        data,
    }
}

fn effect(effect: &Effect) -> EventEffect {
    EventEffect {
        account: effect.account,
        owner: effect.owner.as_str().to_owned(),
        notify: effect.notify,
        amount: effect.change.posted,
        sequence: effect.sequence,
        posted_after: effect.after.posted,
        available_after: effect.after.available,
    }
}

fn account(account: &Account) -> AccountSnapshot {
    AccountSnapshot {
        id: account.id,
        owner: account.owner.as_str().to_owned(),
        name: account.name.as_ref().map(|name| AccountName::as_str(name).to_owned()),
        currency: account.currency,
        status: account.status,
        min_balance: account.min_balance,
        settings_version: account.settings_version,
        metadata: account.metadata.as_map().clone(),
    }
}

fn transaction(transaction: &Transaction) -> TransactionSnapshot {
    TransactionSnapshot {
        id: transaction.id,
        status: transaction.status,
        source: transaction.source,
        destination: transaction.destination,
        amount: transaction.amount,
        currency: transaction.currency,
        captured_amount: transaction.captured_amount,
        refunded_amount: transaction.refunded_amount,
        expires_at: transaction.expires_at,
        description: transaction.description.as_ref().map(|text| Description::as_str(text).to_owned()),
        reference: transaction.reference.as_ref().map(|text| Reference::as_str(text).to_owned()),
        metadata: transaction.metadata.as_map().clone(),
    }
}
