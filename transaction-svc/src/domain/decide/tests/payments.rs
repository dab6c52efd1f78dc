//! Payments that move their money at once, and keys.

use super::*;

#[test]
fn a_payment_moves_money_and_tells_both_sides() {
    let decisions = decide(ledger([account(1, "alice", 100), account(2, "bob", 5)]), [&pay("alice", "k", 1, 2, 30)]);
    let applied = applied(&decisions.each[0]);
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
    let asked = payment.idempotency.unwrap();
    known.answered.insert(asked.key, asked.fingerprint);
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
