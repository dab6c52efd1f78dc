//! Two replicas want something that only one of them can have. Both wait for the same account, in an order that the test makes
//! sure of, and then go on at once: one wins, and the other is told why not.

use std::{future::Future, time::Duration};

use anyhow::ensure;
use client::NewTransaction;
use contract::{AccountId, Currency, TransactionId, transaction::TransactionStatus};
use integration::{
    eventually::eventually,
    people::{Person, cents, fresh_key},
    stack::{backing::Backing, platform::Layout},
};
use serde_json::json;
use service_kit::clock::{Clock, SystemClock};
use sqlx::{Postgres, Transaction};
use tokio::join;

use crate::{
    locks::{be_patient, waiting},
    stage::{ACCOUNTS, Stage, TRANSACTIONS, payment},
    wire::{Reply, Wire},
};

/// Keeps everybody from this account until it is rolled back.
async fn lock(stage: &Stage, account: AccountId) -> Transaction<'static, Postgres> {
    let mut lock = stage.database().begin().await.unwrap();
    let held = sqlx::query("SELECT FROM transactions.accounts WHERE id = $1 FOR UPDATE").bind(account.uuid());
    held.execute(&mut *lock).await.unwrap();
    lock
}

/// Lets both go for this account, the first before the second, and neither until both have come.
async fn race<A, B>(
    stage: &Stage,
    account: AccountId,
    first: impl Future<Output = A>,
    second: impl Future<Output = B>,
) -> (A, B) {
    let lock = lock(stage, account).await;
    let then = async {
        waiting(stage.database(), 1).await;
        let start = async {
            waiting(stage.database(), 2).await;
            lock.rollback().await.unwrap();
        };
        join!(second, start).0
    };
    join!(first, then)
}

async fn post(wire: &Wire, path: String, body: impl Into<String>) -> Reply {
    wire.post(&path, &fresh_key(), body.into()).await
}

fn of(transaction: TransactionId, action: &str) -> String {
    format!("{TRANSACTIONS}/{transaction}/{action}")
}

/// Alice pays bob 60, or holds it for him.
async fn create(stage: &Stage, held: bool) -> TransactionId {
    let alice = stage.platform.person("alice").unwrap();
    let payment = NewTransaction::new(stage.alice, stage.bob, cents(60), Currency::EUR);
    let payment = if held { payment.held(None) } else { payment };
    alice.ledger.create(&fresh_key(), &payment).await.unwrap().id
}

async fn status(stage: &Stage, id: TransactionId) -> TransactionStatus {
    stage.platform.person("bob").unwrap().ledger.transaction(id).await.unwrap().status
}

#[tokio::test]
async fn a_hold_is_captured_or_voided() {
    let stage = Stage::with(2).await;
    let [one, other] = [0, 1].map(|replica| stage.wire_at(replica, "bob"));
    for (first, second, wins) in
        [("capture", "void", TransactionStatus::Posted), ("void", "capture", TransactionStatus::Voided)]
    {
        let hold = create(&stage, true).await;
        let (winner, loser) =
            race(&stage, stage.bob, post(&one, of(hold, first), ""), post(&other, of(hold, second), "")).await;
        assert_eq!(winner.status, 200, "{first}: {winner:?}");
        assert_eq!(loser.problem(409, "invalid_state").members["state"], wins.as_str());
        assert_eq!(status(&stage, hold).await, wins);
    }
    stage.assert_in_order().await;
}

#[tokio::test]
async fn the_rest_is_refunded_once() {
    let stage = Stage::with(2).await;
    let [one, other] = [0, 1].map(|replica| stage.wire_at(replica, "bob"));
    for body in ["", r#"{"amount": "60"}"#, r#"{"amount": "31"}"#] {
        let paid = create(&stage, false).await;
        let path = of(paid, "refunds");
        let (winner, loser) = race(&stage, stage.bob, post(&one, path.clone(), body), post(&other, path, body)).await;
        assert_eq!(winner.status, 201, "{winner:?}");
        let refunded = winner.json()["amount"].as_str().unwrap().parse::<i64>().unwrap();
        assert_eq!(loser.problem(422, "exceeds_captured").members["refundable"], (60 - refunded).to_string());
    }
    stage.assert_in_order().await;
}

#[tokio::test]
async fn a_hold_that_ends_while_its_capture_waits_expires() {
    let backing = Backing::cloned().await.unwrap();
    be_patient(&backing).await;
    let stage = Stage::on(backing, &Layout { replicas: 2, ..Layout::default() }).await;
    let alice = stage.platform.person("alice").unwrap();
    // Time for both to come before it ends, on a slow machine too, and less than a batch may take to be prepared.
    let soon = SystemClock.now() + Duration::from_secs(8);
    let held = NewTransaction::new(stage.alice, stage.bob, cents(60), Currency::EUR).held(Some(soon));
    let [hold, captured] =
        [alice.ledger.create(&fresh_key(), &held).await, alice.ledger.create(&fresh_key(), &held).await];
    let [hold, captured] = [hold.unwrap().id, captured.unwrap().id];
    let [one, other] = [0, 1].map(|replica| stage.wire_at(replica, "bob"));
    assert_eq!(post(&one, of(captured, "capture"), "").await.status, 200);

    // Whichever replica carries out expiries, a capture at the other waits for the same account when the hold ends.
    let mut lock = lock(&stage, stage.bob).await;
    let ends = async {
        waiting(stage.database(), 2).await;
        eventually("the hold is over", async || {
            let is_over: bool =
                sqlx::query_scalar("SELECT clock_timestamp() >= $1").bind(soon).fetch_one(&mut *lock).await?;
            ensure!(is_over, "not yet");
            Ok(())
        })
        .await;
        lock.rollback().await.unwrap();
    };
    let [path, same] = [of(hold, "capture"), of(hold, "capture")];
    let (late, later, ()) = join!(post(&one, path, ""), post(&other, same, ""), ends);
    for reply in [late, later] {
        reply.problem(409, "invalid_state");
    }
    eventually("the hold is expired", async || {
        let status = status(&stage, hold).await;
        ensure!(status == TransactionStatus::Expired, "{status:?}");
        Ok(())
    })
    .await;
    assert_eq!(status(&stage, captured).await, TransactionStatus::Posted, "it was captured in time");
    stage.assert_in_order().await;
}

#[tokio::test]
async fn an_account_is_closed_or_paid_into() {
    let stage = Stage::with(2).await;
    let carol = stage.platform.person("carol").unwrap();
    let (owner, payer) = (stage.wire_at(0, "carol"), stage.wire_at(1, "alice"));
    for closes_first in [true, false] {
        let account = carol.open_account().await.unwrap().id;
        let close = post(&owner, format!("{ACCOUNTS}/{account}/close"), "");
        let pay = post(&payer, TRANSACTIONS.to_owned(), payment(stage.alice, account, 1));
        if closes_first {
            let (closed, paid) = race(&stage, account, close, pay).await;
            assert_eq!(closed.json()["status"], "closed");
            paid.problem(422, "account_closed");
        } else {
            let (paid, closed) = race(&stage, account, pay, close).await;
            assert_eq!(paid.status, 201, "{paid:?}");
            closed.problem(409, "invalid_state");
        }
    }
    stage.assert_in_order().await;
}

#[tokio::test]
async fn a_batch_is_paid_before_its_payer_is_frozen_or_not_at_all() {
    let stage = Stage::with(2).await;
    let office: Person = stage.bank.office.clone();
    let one: serde_json::Value = serde_json::from_str(&payment(stage.alice, stage.bob, 1)).unwrap();
    let back: serde_json::Value = serde_json::from_str(&payment(stage.bob, stage.alice, 1)).unwrap();
    let body = json!({"mode": "atomic", "transactions": [one, back, one]}).to_string();
    let teller = stage.wire_at(1, "teller").bearing(stage.token("teller", "transactions:write transactions:any"));
    for freezes_first in [true, false] {
        let before = stage.rows().await;
        let freeze = async { office.ledger.freeze_account(&fresh_key(), stage.alice).await.unwrap() };
        let pay = post(&teller, format!("{TRANSACTIONS}/batch"), body.clone());
        if freezes_first {
            let (_, refused) = race(&stage, stage.alice, freeze, pay).await;
            assert_eq!(refused.problem(422, "account_frozen").members["index"], 0);
            assert_eq!(stage.rows().await.transactions, before.transactions);
            office.ledger.unfreeze_account(&fresh_key(), stage.alice).await.unwrap();
        } else {
            let (paid, _) = race(&stage, stage.alice, pay, freeze).await;
            assert_eq!(paid.status, 201, "{paid:?}");
            assert_eq!(stage.rows().await.transactions, before.transactions + 3);
        }
    }
    stage.assert_in_order().await;
}
