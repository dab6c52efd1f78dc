//! What other ledgers and senders of webhooks were seen to get wrong when they were measured, done to ours.
//!
//! More of it is where it belongs: one hot account and a small pool, and a stop with a full backlog (`outages`); one key with
//! two bodies (`idempotency`); receivers that die while they acknowledge, stall, flood or say when to come back
//! (`webhooks::sending`).

use client::NewTransaction;
use contract::Currency;
use integration::{
    history::check::InboxOrder,
    people::{cents, fresh_key},
};

use crate::{
    stage::{Stage, TRANSACTIONS, payment},
    trial::{Trial, restart_with_fault},
};

/// Seen: 5 of 4,072 committed transactions never got an event; 57 to 92 % of what was acknowledged was gone.
#[tokio::test]
async fn a_ledger_that_is_killed_with_a_full_backlog_loses_none_of_it() {
    let trial = Trial::start().await;
    let history = trial
        .under_load(async {
            trial.nats().stop().await.unwrap();
            for service in [trial.ledger(), trial.inbox(), trial.ledger()] {
                trial.clients.told(150).await.unwrap();
                service.kill().await.unwrap();
                service.start().await.unwrap();
            }
            trial.nats().start().await.unwrap();
        })
        .await;
    trial.assert_promise_kept(&history, InboxOrder::Any).await;
}

/// Seen: the account of a process that was killed stays locked for minutes.
#[tokio::test]
async fn an_account_that_a_killed_process_had_locked_is_free_at_once() {
    let trial = Trial::of_two_replicas().await;
    let [doomed, other] = [0, 1].map(|replica| trial.platform.person_at(replica, "emil").unwrap());
    let account = trial.platform.bank().await.unwrap().open_funded(&other, cents(100)).await.unwrap().id;
    let to = other.open_account().await.unwrap().id;
    restart_with_fault(trial.ledger(), "writer::before_commit=1*pause").await;
    let payment = NewTransaction::new(account, to, cents(1), Currency::EUR);
    let key = fresh_key();
    let death = async {
        trial.a_transaction_hangs().await;
        trial.ledger().kill().await.unwrap();
    };
    let (unanswered, ()) = tokio::join!(doomed.ledger.create_raw(&key, &payment), death);
    unanswered.unwrap_err();

    other.pay(account, to, cents(1)).await.expect("the lock died with its holder");
    other.ledger.create(&key, &payment).await.expect("nothing is left of what was not committed");
    assert_eq!(other.ledger.account(account).await.unwrap().balances.posted.get(), 98);
    trial.ledger().start().await.unwrap();
    trial.assert_books_in_order().await;
}

/// Seen: 201, with the id of a transaction that never exists.
#[tokio::test]
async fn a_refusal_is_repeated_under_its_key_though_there_is_money_by_now() {
    let stage = Stage::with(1).await;
    let (alice, bob, key) = (stage.wire("alice"), stage.wire("bob"), fresh_key());
    let refused = bob.post(TRANSACTIONS, &key, payment(stage.bob, stage.alice, 100)).await;
    assert_eq!(refused.status, 422, "{}", refused.body);
    let paid = alice.post(TRANSACTIONS, &fresh_key(), payment(stage.alice, stage.bob, 100)).await;
    assert_eq!(paid.status, 201, "{}", paid.body);

    let again = bob.post(TRANSACTIONS, &key, payment(stage.bob, stage.alice, 100)).await;
    assert_eq!((again.status, again.body), (422, refused.body));
    let under_a_new_key = bob.post(TRANSACTIONS, &fresh_key(), payment(stage.bob, stage.alice, 100)).await;
    assert_eq!(under_a_new_key.status, 201, "{}", under_a_new_key.body);
    stage.assert_in_order().await;
}
