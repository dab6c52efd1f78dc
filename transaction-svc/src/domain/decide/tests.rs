//! What payments engineers would try first; the random sequences follow below.

use std::collections::{BTreeMap, HashMap};

use contract::{AccountId, Amount, Currency, MinorUnits, account::AccountStatus};
use proptest::prelude::*;
use time::{Duration, OffsetDateTime, macros::datetime};

use super::*;
use crate::domain::{
    command::{Caller, CreateTransaction, Entropy, OpenAccount},
    idempotency::Idempotency,
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
    Ledger { now: NOW, accounts, missing: Missing::Unknown, answered: HashMap::new() }
}

fn command(subject: &str, key: &str, action: Action) -> Command {
    let actor = Actor { issuer: "test".into(), subject: subject.into() };
    let idempotency =
        Idempotency { key: KeyDigest::new(&actor, action.operation(), key), fingerprint: action.parts().fingerprint() };
    let entropy = Entropy { resource: u64::from(idempotency.key.0[0]), event: u64::from(idempotency.key.0[1]) };
    let caller = Caller { actor, reads_any_account: false, moves_any_money: false };
    Command { caller, idempotency, entropy, traceparent: None, action }
}

fn pay(subject: &str, key: &str, source: u64, destination: u64, amount: i64) -> Command {
    let create = CreateTransaction {
        source: id(source),
        destination: id(destination),
        amount: Amount::new(amount).unwrap(),
        currency: Currency::EUR,
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

#[test]
fn a_payment_moves_money_and_tells_both_sides() {
    let decisions = decide(ledger([account(1, "alice", 100), account(2, "bob", 5)]), [&pay("alice", "k", 1, 2, 30)]);
    let Decision::Applied(applied) = &decisions.each[0] else { panic!("{decisions:?}") };
    assert_eq!(applied.kind, EventKind::TransactionPosted);
    let sides: Vec<_> = applied
        .effects
        .iter()
        .map(|effect| (effect.owner.as_str(), effect.change.posted.get(), effect.after.posted.get(), effect.sequence))
        .collect();
    assert_eq!(sides, [("alice", -30, 70, 2), ("bob", 30, 35, 2)]);
    assert_eq!(decisions.changed.iter().map(|account| account.posted.get()).sum::<i64>(), 105);
}

#[test]
fn the_last_euro_of_a_batch_is_spent_once() {
    let commands = [pay("alice", "a", 1, 2, 100), pay("alice", "b", 1, 2, 1)];
    let decisions = decide(ledger([account(1, "alice", 100), account(2, "bob", 0)]), &commands);
    assert!(matches!(decisions.each[0], Decision::Applied(_)));
    assert!(matches!(decisions.each[1], Decision::Refused(Refusal::InsufficientFunds { .. })));
}

#[test]
fn a_key_means_one_request() {
    let commands = [
        pay("alice", "a", 1, 2, 10),
        pay("alice", "a", 1, 2, 10),
        pay("alice", "a", 1, 2, 11),
        pay("bob", "a", 2, 1, 10),
    ];
    let decisions = decide(ledger([account(1, "alice", 100), account(2, "bob", 0)]), &commands);
    assert!(matches!(decisions.each[0], Decision::Applied(_)));
    assert_eq!(decisions.each[1], Decision::Repeated(Earlier::InBatch(0)));
    assert_eq!(decisions.each[2], Decision::KeyReused(Earlier::InBatch(0)));
    assert!(matches!(decisions.each[3], Decision::Applied(_)), "another caller's key is another key");
}

#[test]
fn a_stored_answer_wins_over_the_state() {
    let payment = pay("alice", "a", 1, 2, 10);
    let mut known = ledger([account(1, "alice", 0), account(2, "bob", 0)]);
    known.answered.insert(payment.idempotency.key, payment.idempotency.fingerprint);
    assert_eq!(decide(known, [&payment]).each, [Decision::Repeated(Earlier::Stored)]);
}

#[test]
fn a_refusal_is_an_answer_and_repeats() {
    let commands = [pay("alice", "a", 1, 2, 10), pay("alice", "a", 1, 2, 10)];
    let decisions = decide(ledger([account(1, "alice", 0), account(2, "bob", 0)]), &commands);
    assert!(matches!(decisions.each[0], Decision::Refused(_)));
    assert_eq!(decisions.each[1], Decision::Repeated(Earlier::InBatch(0)));
    assert!(decisions.changed.is_empty());
}

#[test]
fn the_account_of_another_looks_like_none() {
    let foreign = refusal(ledger([account(1, "alice", 100), account(2, "bob", 0)]), &pay("bob", "k", 1, 2, 5));
    let missing = refusal(ledger([account(2, "bob", 0)]), &pay("bob", "k", 1, 2, 5));
    assert_eq!(foreign, missing);
}

#[test]
fn money_moves_only_between_two_open_accounts_of_its_currency() {
    assert_eq!(
        refusal(ledger([account(1, "alice", 100)]), &pay("alice", "k", 1, 1, 5)),
        Refusal::SameAccount { account: id(1) }
    );
    for (status, wanted) in [
        (AccountStatus::Frozen, Refusal::AccountFrozen { account: id(2) }),
        (AccountStatus::Closed, Refusal::AccountClosed { account: id(2) }),
    ] {
        let mut bob = account(2, "bob", 0);
        bob.status = status;
        assert_eq!(refusal(ledger([account(1, "alice", 100), bob]), &pay("alice", "k", 1, 2, 5)), wanted);
    }
    let mut yen = account(2, "bob", 0);
    yen.currency = "JPY".parse().unwrap();
    let wanted = Refusal::CurrencyMismatch { account: id(2), currency: yen.currency };
    assert_eq!(refusal(ledger([account(1, "alice", 100), yen]), &pay("alice", "k", 1, 2, 5)), wanted);
}

#[test]
fn a_balance_that_would_not_fit_is_refused_and_nothing_moves() {
    let decisions =
        decide(ledger([account(1, "alice", 100), account(2, "bob", i64::MAX)]), [&pay("alice", "k", 1, 2, 1)]);
    assert_eq!(decisions.each, [Decision::Refused(Refusal::AmountOutOfRange { account: id(2) })]);
    assert!(decisions.changed.is_empty());
}

#[test]
fn an_account_without_limit_is_where_money_enters() {
    let mut mint = account(1, "bank", 0);
    mint.min_balance = None;
    let decisions = decide(ledger([mint, account(2, "bob", 0)]), [&pay("bank", "k", 1, 2, 500)]);
    assert_eq!(decisions.changed.iter().map(|account| account.posted.get()).collect::<Vec<_>>(), [-500, 500]);
}

#[test]
fn a_locked_account_leaves_the_command_undecided_and_its_key_free() {
    let mut busy = ledger([account(1, "alice", 100)]);
    busy.missing = Missing::Busy;
    let commands = [pay("alice", "k", 1, 2, 5), pay("alice", "k", 1, 2, 5)];
    assert_eq!(decide(busy, &commands).each, [Decision::Busy, Decision::Busy]);
}

#[test]
fn opening_an_account_is_its_first_effect() {
    let open = OpenAccount {
        owner: Owner::try_from("alice").unwrap(),
        name: None,
        currency: Currency::EUR,
        min_balance: Some(MinorUnits::new(-500)),
        notify: true,
        metadata: Metadata::default(),
    };
    let decisions = decide(ledger([]), [&command("alice", "k", Action::OpenAccount(open))]);
    let Decision::Applied(applied) = &decisions.each[0] else { panic!("{decisions:?}") };
    assert_eq!((applied.kind, applied.effects[0].sequence), (EventKind::AccountOpened, 1));
    assert_eq!(applied.effects[0].after.available, Some(MinorUnits::new(500)));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    /// Whatever is asked: money is conserved, nobody is overdrawn, sequences have no gap, times increase, and a batch
    /// decides like the same commands one by one.
    #[test]
    fn batches_keep_the_books(payments in prop::collection::vec((1_u64..5, 1_u64..5, 1_i64..80, 0_u8..30), 1..60)) {
        let names = ["", "a", "b", "c", "d"];
        let commands: Vec<_> = payments
            .iter()
            .map(|(from, to, amount, key)| pay(names[usize::try_from(*from).unwrap()], &key.to_string(), *from, *to, *amount))
            .collect();
        let start = || (1..5).map(|number| account(number, names[usize::try_from(number).unwrap()], 100));

        let batch = decide(ledger(start()), &commands);
        let mut single = ledger(start());
        let mut one_by_one = Vec::new();
        for command in &commands {
            let Ledger { accounts, answered, .. } = &single;
            let decisions = decide(Ledger { now: NOW, accounts: accounts.clone(), missing: Missing::Unknown, answered: answered.clone() }, [command]);
            single.answered.entry(command.idempotency.key).or_insert(command.idempotency.fingerprint);
            single.accounts.extend(decisions.changed.into_iter().map(|account| (account.id, account)));
            one_by_one.extend(decisions.each);
        }
        for (in_batch, alone) in batch.each.iter().zip(&one_by_one) {
            let repeats = |decision: &Decision| matches!(decision, Decision::Repeated(_) | Decision::KeyReused(_));
            // Where the first answer is differs: in the batch, or stored.
            if repeats(in_batch) {
                prop_assert_eq!(std::mem::discriminant(in_batch), std::mem::discriminant(alone));
            } else {
                prop_assert_eq!(in_batch, alone);
            }
        }

        let mut last: BTreeMap<AccountId, (i64, OffsetDateTime, i64)> = start().map(|account| (account.id, (1, account.updated_at, 100))).collect();
        for decision in &batch.each {
            let Decision::Applied(applied) = decision else { continue };
            prop_assert_eq!(applied.effects.iter().map(|effect| effect.change.posted.get()).sum::<i64>(), 0);
            for effect in &applied.effects {
                let (sequence, at, posted) = last[&effect.account];
                prop_assert_eq!(effect.sequence, sequence + 1);
                prop_assert!(effect.at > at);
                prop_assert_eq!(effect.after.posted.get(), posted + effect.change.posted.get());
                prop_assert!(effect.after.posted >= MinorUnits::ZERO);
                last.insert(effect.account, (effect.sequence, effect.at, effect.after.posted.get()));
            }
        }
        prop_assert_eq!(last.values().map(|(_, _, posted)| posted).sum::<i64>(), 400);
    }
}
