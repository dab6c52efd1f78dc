//! What payments engineers would try first, and random sequences of everything.

mod accounts;
mod batches;
mod commands;
mod holds;
mod payments;
mod properties;
mod refunds;

use std::collections::{BTreeMap, HashMap};

use contract::{AccountId, Amount, Currency, MinorUnits, account::AccountStatus, transaction::TransactionStatus};
use time::{Duration, OffsetDateTime, macros::datetime};

use super::*;
use crate::domain::{
    command::{Caller, CaptureTerms, CaptureTransaction, CreateTransaction, Entropy, RefundTransaction},
    fingerprint::fingerprint,
    text::{Metadata, Owner},
    transaction::Actor,
};

const NOW: OffsetDateTime = datetime!(2026-11-23 6:15:37.123456 UTC);

fn id(number: u64) -> AccountId {
    AccountId::new(OffsetDateTime::UNIX_EPOCH, number)
}

fn account(number: u64, owner: &str, posted: i64) -> Account {
    Account {
        id: id(number),
        owner: Owner::try_from(owner).unwrap(),
        name: None,
        currency: Currency::EUR,
        status: AccountStatus::Open,
        min_balance: Some(MinorUnits::ZERO),
        notify: true,
        metadata: Metadata::default(),
        posted: MinorUnits::new(posted),
        pending_out: MinorUnits::ZERO,
        pending_in: MinorUnits::ZERO,
        version: 1,
        settings_version: 1,
        created_at: NOW - Duration::HOUR,
        updated_at: NOW - Duration::HOUR,
    }
}

fn ledger(accounts: impl IntoIterator<Item = Account>) -> Ledger {
    let accounts = accounts.into_iter().map(|account| (account.id, account)).collect();
    Ledger { now: NOW, accounts, missing: Missing::Unknown, transactions: BTreeMap::new(), answered: HashMap::new() }
}

fn command(subject: &str, key: &str, action: Action) -> Command {
    let actor = Actor { issuer: "test".into(), subject: subject.into() };
    let idempotency =
        Idempotency { key: KeyDigest::new(&actor, action.operation(), key), fingerprint: fingerprint(&action) };
    let entropy = Entropy { resource: u64::from(idempotency.key.0[0]), event: u64::from(idempotency.key.0[1]) };
    let caller = Caller { actor, any_account: false, moves_any_money: false };
    Command { caller, idempotency: Some(idempotency), entropy, traceparent: None, action }
}

fn pay(subject: &str, key: &str, source: u64, destination: u64, amount: i64) -> Command {
    create(subject, key, source, destination, amount, CaptureTerms::Automatic)
}

fn hold(subject: &str, key: &str, source: u64, destination: u64, amount: i64) -> Command {
    create(subject, key, source, destination, amount, CaptureTerms::Manual { expires_at: None })
}

fn create(subject: &str, key: &str, source: u64, destination: u64, amount: i64, terms: CaptureTerms) -> Command {
    let create = CreateTransaction {
        source: id(source),
        destination: id(destination),
        amount: Amount::new(amount).unwrap(),
        currency: Currency::EUR,
        terms,
        description: None,
        reference: None,
        metadata: Metadata::default(),
    };
    command(subject, key, Action::CreateTransaction(create))
}

fn refusal(ledger: Ledger, command: &Command) -> Refusal {
    let decision = decide(ledger, [command]).each.remove(0);
    let Decision::Refused(refusal) = decision else { panic!("not refused: {decision:?}") };
    refusal
}

fn capture(subject: &str, key: &str, transaction: TransactionId, amount: Option<i64>) -> Command {
    let amount = amount.map(|amount| Amount::new(amount).unwrap());
    command(subject, key, Action::CaptureTransaction(CaptureTransaction { transaction, amount }))
}

fn refund(subject: &str, key: &str, transaction: TransactionId, amount: Option<i64>) -> Command {
    let amount = amount.map(|amount| Amount::new(amount).unwrap());
    command(subject, key, Action::RefundTransaction(RefundTransaction { transaction, amount }))
}

fn void(subject: &str, key: &str, transaction: TransactionId) -> Command {
    command(subject, key, Action::VoidTransaction(transaction))
}

/// What the ledger asks of itself.
fn expire(transaction: TransactionId) -> Command {
    let mut expire = command("expiry", "", Action::ExpireTransaction(transaction));
    expire.idempotency = None;
    expire.caller.moves_any_money = true;
    expire
}

fn applied(decision: &Decision) -> &Applied {
    let Decision::Applied(applied) = decision else { panic!("not applied: {decision:?}") };
    applied
}

/// The ledger after these commands, all of which are applied, and the transaction that each of them left.
fn after(mut ledger: Ledger, commands: &[Command]) -> (Ledger, Vec<Transaction>) {
    let mut left = Vec::new();
    for command in commands {
        let decisions = decide(again(&ledger), [command]);
        left.extend(applied(&decisions.each[0]).outcome.transaction().cloned());
        keep(&mut ledger, decisions);
    }
    ledger.transactions.extend(left.iter().map(|transaction| (transaction.id, transaction.clone())));
    (ledger, left)
}

/// The same ledger, for another batch.
fn again(ledger: &Ledger) -> Ledger {
    Ledger {
        now: ledger.now,
        accounts: ledger.accounts.clone(),
        missing: ledger.missing,
        transactions: ledger.transactions.clone(),
        answered: ledger.answered.clone(),
    }
}

/// What is stored of a batch.
fn keep(ledger: &mut Ledger, decisions: Decisions) {
    let created =
        decisions.each.iter().flat_map(Decision::applied).filter_map(|one| one.outcome.transaction().cloned());
    ledger.transactions.extend(created.map(|transaction| (transaction.id, transaction)));
    ledger.transactions.extend(decisions.changed_transactions.into_iter().map(|one| (one.id, one)));
    ledger.accounts.extend(decisions.changed.into_iter().map(|account| (account.id, account)));
}

/// What an account has: posted, reserved, announced.
fn balances(ledger: &Ledger, number: u64) -> (i64, i64, i64) {
    let account = &ledger.accounts[&id(number)];
    (account.posted.get(), account.pending_out.get(), account.pending_in.get())
}
