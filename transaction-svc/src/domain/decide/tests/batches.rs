//! Transactions that are created together.

use super::*;
use crate::domain::command::BatchItem;

/// Alice's payments of these amounts, to bob or back.
fn together(key: &str, payments: &[(u64, u64, i64)]) -> Command {
    let items = payments.iter().enumerate().map(|(index, (from, to, amount))| {
        let Action::CreateTransaction(create) = pay("alice", key, *from, *to, *amount).action else { unreachable!() };
        let number = u64::try_from(index).unwrap();
        BatchItem { create, entropy: Entropy { resource: number, event: number } }
    });
    let mut command = command("alice", key, Action::CreateTransactions(items.collect()));
    command.caller.moves_any_money = true;
    command
}

#[test]
fn all_are_created_each_on_what_the_ones_before_it_left() {
    let commands = [together("k", &[(1, 2, 100), (2, 1, 30), (1, 2, 30)]), pay("bob", "b", 2, 1, 100)];
    let decisions = decide(ledger([account(1, "alice", 100), account(2, "bob", 0)]), &commands);
    let created = decisions.each[0].applied();
    assert_eq!(created.iter().map(|one| one.effects[0].sequence).collect::<Vec<_>>(), [2, 3, 4]);
    assert!(created.is_sorted_by(|one, next| one.event < next.event && one.at < next.at));
    assert_eq!(decisions.each[1].applied().len(), 1, "a batch leaves what others go on from");
    assert_eq!(decisions.changed.iter().map(|account| account.posted.get()).collect::<Vec<_>>(), [100, 0]);
}

#[test]
fn one_that_is_refused_takes_all_with_it_and_no_neighbour() {
    let commands = [pay("alice", "a", 1, 2, 10), together("k", &[(1, 2, 90), (1, 2, 1)]), pay("alice", "b", 1, 2, 90)];
    let decisions = decide(ledger([account(1, "alice", 100), account(2, "bob", 0)]), &commands);
    let Decision::Refused(Refusal::OfItem { index: 1, refusal }) = &decisions.each[1] else { panic!("{decisions:?}") };
    assert!(matches!(**refusal, Refusal::InsufficientFunds { .. }));
    assert_eq!(decisions.each[2].applied().len(), 1);
    assert_eq!(decisions.changed[0].version, 3, "what the batch had tried has left no gap");
}

#[test]
fn a_batch_repeats_as_a_whole() {
    let first = together("k", &[(1, 2, 1), (1, 2, 2)]);
    let commands = [first.clone(), first, together("k", &[(1, 2, 2), (1, 2, 1)]), together("k", &[(1, 2, 1)])];
    let decisions = decide(ledger([account(1, "alice", 100), account(2, "bob", 0)]), &commands);
    assert_eq!(decisions.each[1], Decision::Repeated(Earlier::InBatch(0)));
    assert_eq!(decisions.each[2], Decision::KeyReused(Earlier::InBatch(0)));
    assert_eq!(decisions.each[3], Decision::KeyReused(Earlier::InBatch(0)));
}

#[test]
fn a_locked_account_leaves_the_batch_undecided_and_the_others_as_they_were() {
    let mut busy = ledger([account(1, "alice", 100), account(2, "bob", 0)]);
    busy.missing = Missing::Busy;
    let decisions = decide(busy, [&together("k", &[(1, 2, 5), (1, 3, 5)])]);
    assert_eq!(decisions.each, [Decision::Busy]);
    assert_eq!(decisions.changed, []);
}
