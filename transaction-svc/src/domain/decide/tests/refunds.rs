//! Refunds: several, in parts, never more than was captured or than there is.

use super::*;

/// Alice has paid bob 60, who has nothing else.
fn paid() -> (Ledger, TransactionId) {
    let (ledger, left) =
        after(ledger([account(1, "alice", 100), account(2, "bob", 0)]), &[pay("alice", "p", 1, 2, 60)]);
    (ledger, left[0].id)
}

#[test]
fn refunds_give_back_up_to_what_was_captured() {
    let (ledger, paid) = paid();
    let refunds =
        [refund("bob", "a", paid, Some(20)), refund("bob", "b", paid, Some(20)), refund("bob", "c", paid, None)];
    let (ledger, left) = after(ledger, &refunds);
    let seen: Vec<_> = left.iter().map(|transaction| (transaction.status, transaction.refunded_amount.get())).collect();
    let partially = TransactionStatus::PartiallyRefunded;
    assert_eq!(seen, [(partially, 20), (partially, 40), (TransactionStatus::Refunded, 60)]);
    assert_eq!((balances(&ledger, 1), balances(&ledger, 2)), ((100, 0, 0), (0, 0, 0)));
    for amount in [None, Some(1)] {
        let required = amount.map(|amount| Amount::new(amount).unwrap());
        let wanted = Refusal::ExceedsCaptured { currency: Currency::EUR, refundable: MinorUnits::ZERO, required };
        assert_eq!(refusal(again(&ledger), &refund("bob", "d", paid, amount)), wanted);
    }
}

#[test]
fn a_refund_says_which_part_it_gave_back() {
    let (ledger, paid) = paid();
    let decisions = decide(ledger, [&refund("bob", "r", paid, Some(20))]);
    let refunded = applied(&decisions.each[0]);
    let Outcome::TransactionRefunded(_, refund) = &refunded.outcome else { panic!("{refunded:?}") };
    assert_eq!((refunded.kind, refund.transaction, refund.amount.get()), (EventKind::TransactionRefunded, paid, 20));
    let sides: Vec<_> =
        refunded.effects.iter().map(|effect| (effect.owner.as_str(), effect.change.posted.get())).collect();
    assert_eq!(sides, [("alice", 20), ("bob", -20)], "the source of the transaction is first");
}

#[test]
fn two_refunds_for_the_rest_in_one_batch_give_it_back_once() {
    let (ledger, paid) = paid();
    let commands = [refund("bob", "a", paid, Some(60)), refund("bob", "b", paid, Some(60))];
    let decisions = decide(ledger, &commands);
    applied(&decisions.each[0]);
    assert!(matches!(decisions.each[1], Decision::Refused(Refusal::ExceedsCaptured { .. })));
}

#[test]
fn a_refund_takes_no_more_than_there_is() {
    let (ledger, paid) = paid();
    let (ledger, _) = after(ledger, &[pay("bob", "spent", 2, 1, 50)]);
    let Refusal::InsufficientFunds { account, available, .. } = refusal(ledger, &refund("bob", "r", paid, Some(11)))
    else {
        panic!()
    };
    assert_eq!((account, available), (id(2), Some(MinorUnits::new(10))));
}

#[test]
fn only_captured_money_between_open_accounts_is_refunded() {
    let (pending, left) =
        after(ledger([account(1, "alice", 100), account(2, "bob", 0)]), &[hold("alice", "h", 1, 2, 9)]);
    let wanted = Refusal::InvalidState { transaction: left[0].id, status: TransactionStatus::Pending };
    assert_eq!(refusal(pending, &refund("bob", "r", left[0].id, None)), wanted);
    for (status, wanted) in [
        (AccountStatus::Frozen, Refusal::AccountFrozen { account: id(1) }),
        (AccountStatus::Closed, Refusal::AccountClosed { account: id(1) }),
    ] {
        let (mut ledger, paid) = paid();
        ledger.accounts.get_mut(&id(1)).unwrap().status = status;
        assert_eq!(refusal(ledger, &refund("bob", "r", paid, None)), wanted);
    }
}

#[test]
fn the_rest_by_its_number_is_another_request() {
    let (ledger, paid) = paid();
    let commands = [refund("bob", "r", paid, None), refund("bob", "r", paid, None), refund("bob", "r", paid, Some(60))];
    let decisions = decide(ledger, &commands);
    assert_eq!(decisions.each[1], Decision::Repeated(Earlier::InBatch(0)));
    assert_eq!(decisions.each[2], Decision::KeyReused(Earlier::InBatch(0)));
}
