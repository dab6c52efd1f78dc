//! Holds: reserved, captured, voided, expired, each once.

use super::*;

const EXPIRY: OffsetDateTime = datetime!(2026-11-30 6:15:37.123456 UTC);

/// Alice has 100 and holds 60 of it for bob.
fn held() -> (Ledger, TransactionId) {
    let (ledger, left) =
        after(ledger([account(1, "alice", 100), account(2, "bob", 0)]), &[hold("alice", "h", 1, 2, 60)]);
    (ledger, left[0].id)
}

fn at(now: OffsetDateTime, ledger: &Ledger) -> Ledger {
    Ledger { now, ..again(ledger) }
}

#[test]
fn a_hold_reserves_and_announces_and_moves_nothing() {
    let decisions = decide(ledger([account(1, "alice", 100), account(2, "bob", 0)]), [&hold("alice", "h", 1, 2, 60)]);
    let held = applied(&decisions.each[0]);
    let transaction = held.outcome.transaction().unwrap();
    assert_eq!(held.kind, EventKind::TransactionPending);
    assert_eq!((transaction.status, transaction.captured_amount.get()), (TransactionStatus::Pending, 0));
    assert_eq!(transaction.expires_at, Some(EXPIRY));
    assert!(held.effects.iter().all(|effect| effect.change.posted == MinorUnits::ZERO));
    assert_eq!(held.effects[0].after.available, Some(MinorUnits::new(40)));
    assert_eq!(held.effects[1].after.pending_in, MinorUnits::new(60));
}

#[test]
fn what_is_held_cannot_be_spent_again() {
    let (ledger, _) = held();
    let Refusal::InsufficientFunds { available, .. } = refusal(ledger, &pay("alice", "p", 1, 2, 41)) else { panic!() };
    assert_eq!(available, Some(MinorUnits::new(40)));
}

#[test]
fn a_hold_lasts_as_long_as_is_asked_within_bounds() {
    let asked = |expires_at| {
        let terms = CaptureTerms::Manual { expires_at: Some(expires_at) };
        decide(ledger([account(1, "alice", 100), account(2, "bob", 0)]), [&create("alice", "h", 1, 2, 60, terms)])
    };
    for expires_at in [NOW + Duration::MICROSECOND, NOW + LONGEST_HOLD] {
        let decisions = asked(expires_at);
        assert_eq!(applied(&decisions.each[0]).outcome.transaction().unwrap().expires_at, Some(expires_at));
    }
    for expires_at in [NOW, NOW - Duration::DAY, NOW + LONGEST_HOLD + Duration::MICROSECOND] {
        assert_eq!(asked(expires_at).each, [Decision::Refused(Refusal::ExpiryOutOfRange)]);
    }
}

#[test]
fn a_capture_moves_what_is_captured_and_releases_the_rest() {
    for (amount, captured) in [(None, 60), (Some(60), 60), (Some(1), 1)] {
        let (ledger, hold) = held();
        let (ledger, left) = after(ledger, &[capture("bob", "c", hold, amount)]);
        assert_eq!((left[0].status, left[0].captured_amount.get()), (TransactionStatus::Posted, captured));
        assert_eq!((balances(&ledger, 1), balances(&ledger, 2)), ((100 - captured, 0, 0), (captured, 0, 0)));
    }
    let (ledger, hold) = held();
    let [held, required] = [60, 61].map(|amount| Amount::new(amount).unwrap());
    let wanted = Refusal::ExceedsHold { currency: Currency::EUR, held, required };
    assert_eq!(refusal(ledger, &capture("bob", "c", hold, Some(61))), wanted);
}

#[test]
fn a_hold_ends_once() {
    type End = fn(TransactionId) -> Command;
    let ends: [(End, TransactionStatus); 3] = [
        (|hold| capture("bob", "c", hold, None), TransactionStatus::Posted),
        (|hold| void("bob", "v", hold), TransactionStatus::Voided),
        (expire, TransactionStatus::Expired),
    ];
    for (end, status) in ends {
        let (ledger, hold) = held();
        // Only one of them is possible at a time: a capture before, the expiry after the end of the hold.
        let ledger = if status == TransactionStatus::Expired { at(EXPIRY, &ledger) } else { ledger };
        let (ended, left) = after(ledger, &[end(hold)]);
        assert_eq!(left[0].status, status);
        assert_eq!(balances(&ended, 1).1 + balances(&ended, 2).2, 0, "nothing is reserved any more");
        for (second, _) in ends {
            let wanted = Refusal::InvalidState { transaction: hold, status };
            let mut second = second(hold);
            second.idempotency = None;
            assert_eq!(refusal(again(&ended), &second), wanted);
        }
    }
}

#[test]
fn in_one_batch_the_first_end_of_a_hold_wins() {
    let (ledger, hold) = held();
    let commands = [void("bob", "v", hold), capture("bob", "c", hold, None)];
    let decisions = decide(ledger, &commands);
    assert_eq!(applied(&decisions.each[0]).kind, EventKind::TransactionVoided);
    assert!(matches!(decisions.each[1], Decision::Refused(Refusal::InvalidState { .. })));
    assert_eq!(decisions.changed_transactions.len(), 1);
}

#[test]
fn a_hold_is_captured_before_and_expires_from_its_end_on() {
    let (ledger, hold) = held();
    let before = at(EXPIRY - Duration::MICROSECOND, &ledger);
    assert!(matches!(refusal(again(&before), &expire(hold)), Refusal::InvalidState { .. }));
    after(before, &[capture("bob", "c", hold, None)]);

    let end = at(EXPIRY, &ledger);
    let wanted = Refusal::HoldExpired { transaction: hold, expired_at: EXPIRY };
    assert_eq!(refusal(again(&end), &capture("bob", "c", hold, None)), wanted);
    after(again(&end), &[expire(hold)]);
    after(end, &[void("bob", "v", hold)]);
}

#[test]
fn the_payer_cannot_end_a_hold_and_a_stranger_does_not_find_it() {
    let (ledger, hold) = held();
    for (caller, wanted) in [("alice", [Decision::Forbidden]), ("carol", [Decision::NotFound])] {
        for command in [capture(caller, "c", hold, None), void(caller, "v", hold), refund(caller, "r", hold, None)] {
            assert_eq!(decide(again(&ledger), [&command]).each, wanted);
        }
    }
    let missing = TransactionId::new(NOW, 99);
    assert_eq!(decide(ledger, [&capture("bob", "c", missing, None)]).each, [Decision::NotFound]);
}

#[test]
fn frozen_accounts_are_not_captured_from_or_to_but_their_holds_end() {
    for frozen in [1, 2] {
        let (mut ledger, hold) = held();
        ledger.accounts.get_mut(&id(frozen)).unwrap().status = AccountStatus::Frozen;
        let wanted = Refusal::AccountFrozen { account: id(frozen) };
        assert_eq!(refusal(again(&ledger), &capture("bob", "c", hold, None)), wanted);
        after(again(&ledger), &[void("bob", "v", hold)]);
        after(at(EXPIRY, &ledger), &[expire(hold)]);
    }
}

#[test]
fn what_the_ledger_asks_of_itself_repeats_nothing() {
    let (ledger, hold) = held();
    let commands = [expire(hold), expire(hold)];
    let decisions = decide(at(EXPIRY, &ledger), &commands);
    assert!(matches!(decisions.each[1], Decision::Refused(Refusal::InvalidState { .. })), "{decisions:?}");
}
