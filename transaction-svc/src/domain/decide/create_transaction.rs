//! Creating a transaction that moves its money at once.

use contract::{
    EventId, EventKind, MinorUnits, TransactionId,
    account::AccountStatus,
    transaction::{Capture, TransactionStatus},
};

use super::{Applied, Ledger, NotApplied, Outcome, Refusal};
use crate::domain::{
    account::{Account, BalanceChange, Effect},
    command::{Command, CreateTransaction},
    transaction::Transaction,
};

pub(super) fn apply(ledger: &mut Ledger, command: &Command, create: &CreateTransaction) -> Result<Applied, NotApplied> {
    let (source, destination) = parties(ledger, command, create)?;
    if !source.covers(create.amount.credit()) {
        return Err(Refusal::insufficient_funds(source, create.amount, &command.caller).into());
    }
    let out_of_range = |account: &Account| Refusal::AmountOutOfRange { account: account.id };
    let debit = BalanceChange::posted(create.amount.debit());
    let credit = BalanceChange::posted(create.amount.credit());
    let source_after = source.balances_after(debit).map_err(|_| out_of_range(source))?;
    let destination_after = destination.balances_after(credit).map_err(|_| out_of_range(destination))?;

    let at = destination.next_effect_at(source.next_effect_at(ledger.now));
    let event = EventId::new(at, command.entropy.event);
    let transaction = Transaction {
        id: TransactionId::new(at, command.entropy.resource),
        status: TransactionStatus::Posted,
        source: create.source,
        destination: create.destination,
        amount: create.amount,
        currency: create.currency,
        captured_amount: create.amount.credit(),
        refunded_amount: MinorUnits::ZERO,
        capture: Capture::Automatic,
        expires_at: None,
        description: create.description.clone(),
        reference: create.reference.clone(),
        metadata: create.metadata.clone(),
        initiator: command.caller.actor.clone(),
        created_at: at,
        updated_at: at,
    };
    let sides = [(create.source, debit, source_after), (create.destination, credit, destination_after)];
    let effects: Vec<Effect> = sides
        .into_iter()
        .filter_map(|(id, change, after)| Some(ledger.accounts.get_mut(&id)?.record(event, at, change, after)))
        .collect();
    Ok(Applied {
        event,
        kind: EventKind::TransactionPosted,
        at,
        outcome: Outcome::TransactionCreated(transaction),
        effects,
    })
}

/// Source and destination, where money may move from one to the other.
fn parties<'a>(
    ledger: &'a Ledger,
    command: &Command,
    create: &CreateTransaction,
) -> Result<(&'a Account, &'a Account), NotApplied> {
    if create.source == create.destination {
        return Err(Refusal::SameAccount { account: create.source }.into());
    }
    let source = ledger.account(create.source)?;
    if !command.caller.spends(&source.owner) {
        // Like an account that does not exist: nobody learns which ids are taken.
        return Err(Refusal::UnknownAccount { account: create.source }.into());
    }
    let destination = ledger.account(create.destination)?;
    for account in [source, destination] {
        match account.status {
            AccountStatus::Open => {}
            AccountStatus::Frozen => return Err(Refusal::AccountFrozen { account: account.id }.into()),
            AccountStatus::Closed => return Err(Refusal::AccountClosed { account: account.id }.into()),
        }
        if account.currency != create.currency {
            return Err(Refusal::CurrencyMismatch { account: account.id, currency: account.currency }.into());
        }
    }
    Ok((source, destination))
}
