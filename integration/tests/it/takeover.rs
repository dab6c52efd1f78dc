//! Two replicas, one of which stands still at the wrong moment: the other goes on, and what the first still believes
//! when it wakes up does no harm.

use std::time::{Duration, Instant};

use anyhow::ensure;
use client::NewTransaction;
use contract::{AccountId, Currency, transaction::Transaction};
use integration::{
    eventually::eventually,
    history::check::InboxOrder,
    people::{Person, cents, fresh_key},
};
use rustix::process::Signal;
use tokio::join;

use crate::{
    locks::be_patient,
    trial::{Trial, leads, restart_with_fault},
};

/// Restarts the first replica with this fault, as the leader of the relay or not, and with nothing left to publish.
async fn prepare(trial: &Trial, fault: &str, is_leader: bool) {
    trial.evidence.at_rest().await.unwrap();
    let (first, second) = (&trial.platform.transaction_svc[0], &trial.platform.transaction_svc[1]);
    if is_leader {
        second.process.stop().await.unwrap();
        restart_with_fault(&first.process, fault).await;
        leads(first, true).await;
        second.process.start().await.unwrap();
    } else {
        first.process.stop().await.unwrap();
        leads(second, true).await;
        first.process.start_with(&[("FAILPOINTS", fault)]).await.unwrap();
    }
}

/// Somebody with two accounts, one with money, who talks to this replica.
async fn payer(trial: &Trial, replica: usize, name: &str) -> (Person, AccountId, AccountId) {
    let person = trial.platform.person_at(replica, name).unwrap();
    let bank = trial.platform.bank().await.unwrap();
    let from = bank.open_funded(&person, cents(1_000)).await.unwrap().id;
    let to = person.open_account().await.unwrap().id;
    (person, from, to)
}

/// Repeats a payment under its key until it is told.
async fn pay(person: &Person, key: &str, from: AccountId, to: AccountId) -> Transaction {
    let payment = NewTransaction::new(from, to, cents(1), Currency::EUR);
    eventually("the payment is made", async || Ok(person.ledger.create(key, &payment).await?)).await
}

/// Waits until the same event has been the first in the outbox for longer than it would be with a leader that is awake.
pub(crate) async fn a_window_is_in_hand(trial: &Trial) {
    let mut head = (None, Instant::now());
    eventually("the leader has a window in hand", async || {
        let first: Option<i64> = sqlx::query_scalar("SELECT min(position) FROM transactions.outbox_relay")
            .fetch_one(trial.database())
            .await?;
        if first != head.0 {
            head = (first, Instant::now());
        }
        let waits = first.is_some() && head.1.elapsed() > Duration::from_millis(1_500);
        ensure!(waits, "no event waits: is transaction-svc built with its fail points?");
        Ok(())
    })
    .await;
}

async fn stream_has(trial: &Trial, transaction: &Transaction) -> usize {
    eventually("the payment is on the stream", async || {
        let published = trial.evidence.published().await?;
        let id = transaction.id.to_string();
        let place = published.iter().position(|message| String::from_utf8_lossy(&message.body).contains(&id));
        place.ok_or_else(|| anyhow::anyhow!("it is not among {}", published.len()))
    })
    .await
}

#[tokio::test]
async fn a_leader_that_sleeps_past_its_lease_with_a_window_in_hand_does_no_harm_when_it_wakes() {
    let trial = Trial::of_two_replicas().await;
    prepare(&trial, "relay::before_publish=1*off->1*sleep(6000)", true).await;
    let (first, second) = (&trial.platform.transaction_svc[0], &trial.platform.transaction_svc[1]);
    let history = trial
        .under_load(async {
            a_window_is_in_hand(&trial).await;
            first.process.signal(Signal::STOP).unwrap();
            leads(second, true).await;
            trial.clients.told(10).await.unwrap();
            first.process.signal(Signal::CONT).unwrap();
            leads(first, false).await;
        })
        .await;
    leads(second, true).await;
    trial.assert_promise_kept(&history, InboxOrder::Any).await;
}

#[tokio::test]
async fn a_replica_that_stops_with_accounts_locked_holds_up_nobody_for_long() {
    let trial = Trial::of_two_replicas().await;
    let (emil, locked, to) = payer(&trial, 1, "emil").await;
    let (bystander, free, aside) = payer(&trial, 1, "fay").await;
    let stopped = trial.platform.person_at(0, "emil").unwrap();
    prepare(&trial, "writer::before_commit=1*sleep(6000)", false).await;
    let (first, second) = (fresh_key(), fresh_key());

    let stops = pay(&stopped, &first, locked, to);
    let meanwhile = async {
        trial.a_transaction_hangs().await;
        trial.ledger().signal(Signal::STOP).unwrap();
        let goes_on = async {
            for _ in 0..50 {
                bystander.pay(free, aside, cents(1)).await.expect("a neighbour is not failed");
            }
        };
        join!(pay(&emil, &second, locked, to), goes_on);
        // Everybody is served while it is still stopped.
        trial.ledger().signal(Signal::CONT).unwrap();
    };
    join!(stops, meanwhile);

    let left = emil.ledger.account(locked).await.unwrap().balances.posted.get();
    assert_eq!(left, 998, "each of the two payments was made once");
    trial.assert_books_in_order().await;
}

#[tokio::test]
async fn an_event_that_commits_after_a_later_one_was_published_is_published_too() {
    let trial = Trial::of_two_replicas().await;
    let (early, early_from, early_to) = payer(&trial, 0, "emil").await;
    let (late, late_from, late_to) = payer(&trial, 1, "fay").await;
    be_patient(&trial.platform.backing).await;
    prepare(&trial, "writer::before_commit=1*sleep(6000)", false).await;
    let position = async || -> i64 {
        let last = sqlx::query_scalar("SELECT last_value FROM transactions.outbox_relay_position_seq");
        last.fetch_one(trial.database()).await.unwrap()
    };

    let before = position().await;
    let key = fresh_key();
    let first = pay(&early, &key, early_from, early_to);
    let second = async {
        trial.a_transaction_hangs().await;
        assert_eq!(position().await, before + 1, "the earlier position is drawn and not committed");
        let second = late.pay(late_from, late_to, cents(1)).await.unwrap();
        stream_has(&trial, &second).await;
        second
    };
    let (first, second) = join!(first, second);

    assert!(stream_has(&trial, &first).await > stream_has(&trial, &second).await);
    trial.assert_books_in_order().await;
}
