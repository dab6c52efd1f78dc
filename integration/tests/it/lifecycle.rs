//! What becomes of a transaction: held, captured, voided, refunded; told to both sides each time, and kept in the books.

use client::NewTransaction;
use contract::{
    Amount, Currency, EventKind, TransactionId,
    transaction::{Transaction, TransactionStatus},
};
use integration::{
    eventually::eventually,
    people::{Person, cents, fresh_key},
};
use serde_json::json;
use service_kit::clock::{Clock, SystemClock};
use std::time::Duration;

use crate::{
    stage::{ACCOUNTS, FUNDS, Stage, TRANSACTIONS, payment},
    wire::{Reply, Wire},
};

const HELD: i64 = 6_000;

async fn hold(stage: &Stage, amount: Amount) -> Transaction {
    let alice = stage.platform.person("alice").unwrap();
    let held = NewTransaction::new(stage.alice, stage.bob, amount, Currency::EUR).held(None);
    alice.ledger.create(&fresh_key(), &held).await.unwrap()
}

/// What an account has: posted, reserved, announced, available.
async fn balances(stage: &Stage, user: &str) -> [i64; 4] {
    let person = stage.platform.person(user).unwrap();
    let account = if user == "alice" { stage.alice } else { stage.bob };
    let balances = person.ledger.account(account).await.unwrap().balances;
    [balances.posted, balances.pending_out, balances.pending_in, balances.available.unwrap()].map(|units| units.get())
}

/// What a user is told of a transaction, from the first to the last, once there are so many.
async fn told(person: &Person, transaction: TransactionId, count: usize) -> Vec<(EventKind, String)> {
    eventually("both sides are told", async || {
        let page = person.inbox.list("me", None).await?;
        let told = page.data.into_iter().rev().filter(|one| one.transaction_id == Some(transaction));
        let told: Vec<_> = told.map(|one| (one.r#type, one.title)).collect();
        anyhow::ensure!(told.len() == count, "{told:?}");
        Ok(told)
    })
    .await
}

#[tokio::test]
async fn a_hold_is_captured_in_part_and_refunded_in_parts_and_both_sides_are_told() {
    let stage = Stage::with(1).await;
    let [alice, bob] = ["alice", "bob"].map(|name| stage.platform.person(name).unwrap());
    let held = hold(&stage, cents(HELD)).await;
    assert_eq!(balances(&stage, "alice").await, [FUNDS, HELD, 0, FUNDS - HELD]);
    assert_eq!(balances(&stage, "bob").await, [0, 0, HELD, 0]);

    let captured = bob.ledger.capture(&fresh_key(), held.id, Some(cents(5_000))).await.unwrap();
    assert_eq!((captured.captured_amount.get(), captured.effects[1].amount.get()), (5_000, 5_000));
    assert_eq!(balances(&stage, "alice").await, [FUNDS - 5_000, 0, 0, FUNDS - 5_000]);

    let parts = [Some(cents(1_000)), Some(cents(500)), None];
    let mut refunds = Vec::new();
    for part in parts {
        refunds.push(bob.ledger.refund(&fresh_key(), held.id, part).await.unwrap());
    }
    assert_eq!(refunds.iter().map(|refund| refund.amount.get()).collect::<Vec<_>>(), [1_000, 500, 3_500]);
    assert_eq!(alice.ledger.read_refund(held.id, refunds[1].id).await.unwrap(), refunds[1]);
    let listed = alice.ledger.refunds(held.id, None).await.unwrap().data;
    assert_eq!(listed.iter().rev().cloned().collect::<Vec<_>>(), refunds);
    assert_eq!(balances(&stage, "alice").await, [FUNDS, 0, 0, FUNDS]);
    assert_eq!(balances(&stage, "bob").await, [0; 4]);

    let refunded = EventKind::TransactionRefunded;
    let expected = |pending: &str, posted: &str, returned: &dyn Fn(&str) -> String| {
        let kinds =
            [(EventKind::TransactionPending, pending.to_owned()), (EventKind::TransactionPosted, posted.to_owned())];
        let parts = ["10.00", "5.00", "35.00"].map(|part| (refunded, returned(part)));
        kinds.into_iter().chain(parts).collect::<Vec<_>>()
    };
    let to_alice =
        expected("EUR 60.00 is reserved", "You paid EUR 50.00", &|part| format!("EUR {part} was refunded to you"));
    let to_bob = expected("EUR 60.00 is on its way to you", "You received EUR 50.00", &|part| {
        format!("You refunded EUR {part}")
    });
    assert_eq!(told(&alice, held.id, 5).await, to_alice);
    assert_eq!(told(&bob, held.id, 5).await, to_bob);
    stage.assert_in_order().await;
}

#[tokio::test]
async fn a_voided_hold_is_free_again_and_nothing_else_can_be_done_to_it() {
    let stage = Stage::with(1).await;
    let [alice, bob] = ["alice", "bob"].map(|name| stage.platform.person(name).unwrap());
    let held = hold(&stage, cents(HELD)).await;
    bob.ledger.void(&fresh_key(), held.id).await.unwrap();
    assert_eq!(balances(&stage, "alice").await, [FUNDS, 0, 0, FUNDS]);
    assert_eq!(balances(&stage, "bob").await, [0; 4]);

    let wire = stage.wire("bob");
    let before = stage.rows().await;
    for action in ["capture", "void", "refunds"] {
        let problem = act(&wire, held.id, action, "").await.problem(409, "invalid_state");
        assert_eq!(problem.members["state"], "voided", "{action}");
    }
    assert_eq!(stage.rows().await, before.after(0, 3), "each refusal is an answer");
    let told_of = told(&alice, held.id, 2).await;
    assert_eq!(told_of[1], (EventKind::TransactionVoided, "EUR 60.00 is released".to_owned()));
    stage.assert_in_order().await;
}

async fn act(wire: &Wire, transaction: TransactionId, action: &str, body: &str) -> Reply {
    wire.post(&format!("{TRANSACTIONS}/{transaction}/{action}"), &fresh_key(), body.to_owned()).await
}

#[tokio::test]
async fn what_a_transaction_does_not_have_is_refused_with_what_it_has() {
    let stage = Stage::with(1).await;
    let (wire, held) = (stage.wire("bob"), hold(&stage, cents(HELD)).await.id);
    let problem = act(&wire, held, "refunds", "").await.problem(409, "invalid_state");
    assert_eq!(problem.members["state"], "pending");
    let too_much = json!({"amount": (HELD + 1).to_string()}).to_string();
    let problem = act(&wire, held, "capture", &too_much).await.problem(422, "amount_out_of_range");
    assert_eq!((&problem.members["held"], &problem.members["required"]), (&json!("6000"), &json!("6001")));
    assert_eq!(act(&wire, held, "capture", "{}").await.status, 200);
    let problem = act(&wire, held, "refunds", &too_much).await.problem(422, "exceeds_captured");
    assert_eq!((&problem.members["refundable"], &problem.members["required"]), (&json!("6000"), &json!("6001")));
    let spent = NewTransaction::new(stage.bob, stage.alice, cents(1), Currency::EUR);
    stage.platform.person("bob").unwrap().ledger.create(&fresh_key(), &spent).await.unwrap();
    let problem = act(&wire, held, "refunds", "").await.problem(422, "insufficient_funds");
    assert_eq!(problem.members["available"], "5999");
    for (action, body) in
        [("capture", r#"{"amount":"0"}"#), ("refunds", r#"{"amout":"1"}"#), ("void", r#"{"amount":"1"}"#)]
    {
        act(&wire, held, action, body).await.problem(400, "malformed");
    }
    stage.assert_in_order().await;
}

#[tokio::test]
async fn each_step_repeats_under_its_key_and_never_happens_twice() {
    let stage = Stage::with(1).await;
    let wire = stage.wire("bob");
    let [captured, voided] = [hold(&stage, cents(HELD)).await.id, hold(&stage, cents(1)).await.id];
    let before = stage.rows().await;
    for (id, action, status) in [(captured, "capture", 200), (captured, "refunds", 201), (voided, "void", 200)] {
        let path = format!("{TRANSACTIONS}/{id}/{action}");
        let first = wire.post(&path, "key", "").await;
        let again = wire.post(&path, "key", "{}").await;
        assert_eq!((first.status, first.replayed()), (status, false), "{first:?}");
        assert_eq!((again.status, again.replayed(), &again.body), (status, true, &first.body));
        assert_eq!(again.header("Location"), first.header("Location"));
        let other = format!("{TRANSACTIONS}/{}/{action}", if id == captured { voided } else { captured });
        wire.post(&other, "key", "").await.problem(422, "idempotency_key_reused");
        if let Some(location) = first.header("Location") {
            assert_eq!(wire.get(location).await.json(), first.json());
        }
    }
    let after = stage.rows().await;
    assert_eq!((after.events, after.stored_answers), (before.events + 3, before.stored_answers + 3));
    stage.assert_in_order().await;
}

#[tokio::test]
async fn a_frozen_account_neither_pays_nor_receives_and_a_closed_one_never_again() {
    let stage = Stage::with(1).await;
    let office = &stage.bank.office.ledger;
    let bob = stage.platform.person("bob").unwrap();
    let held = hold(&stage, cents(HELD)).await.id;
    office.freeze_account(&fresh_key(), stage.bob).await.unwrap();
    let alice = stage.wire("alice");
    let pay = async || alice.post(TRANSACTIONS, &fresh_key(), payment(stage.alice, stage.bob, 1)).await;
    pay().await.problem(422, "account_frozen");
    act(&stage.wire("bob"), held, "capture", "").await.problem(422, "account_frozen");
    let path = format!("{ACCOUNTS}/{}", stage.bob);
    let close = async || stage.wire("bob").post(&format!("{path}/close"), &fresh_key(), "").await;
    assert_eq!(close().await.problem(409, "invalid_state").members["state"], "frozen");

    office.unfreeze_account(&fresh_key(), stage.bob).await.unwrap();
    close().await.problem(409, "invalid_state");
    bob.ledger.void(&fresh_key(), held).await.unwrap();
    assert_eq!(close().await.json()["status"], "closed");
    pay().await.problem(422, "account_closed");
    assert_eq!(close().await.problem(409, "invalid_state").members["state"], "closed");
    stage.assert_in_order().await;
    let inbox = bob.inbox.list("me", None).await.unwrap().data;
    let told: Vec<_> = inbox.into_iter().filter(|one| one.transaction_id.is_none()).map(|one| one.r#type).collect();
    use EventKind::{AccountClosed, AccountFrozen, AccountOpened, AccountUnfrozen};
    assert_eq!(told, [AccountClosed, AccountUnfrozen, AccountFrozen, AccountOpened]);
}

#[tokio::test]
async fn holds_expire_once_whichever_replica_sees_it() {
    let stage = Stage::with(2).await;
    let alice = stage.platform.person("alice").unwrap();
    let soon = SystemClock.now() + Duration::from_secs(10);
    let held = NewTransaction::new(stage.alice, stage.bob, cents(1), Currency::EUR).held(Some(soon));
    let mut holds = Vec::new();
    for _ in 0..20 {
        holds.push(alice.ledger.create(&fresh_key(), &held).await.unwrap().id);
    }
    eventually("all holds are expired", async || {
        for hold in &holds {
            let status = alice.ledger.transaction(*hold).await?.status;
            anyhow::ensure!(status == TransactionStatus::Expired, "{hold} is {status:?}");
        }
        Ok(())
    })
    .await;
    assert_eq!(balances(&stage, "alice").await, [FUNDS, 0, 0, FUNDS]);
    let late = act(&stage.wire("bob"), holds[0], "capture", "").await.problem(409, "invalid_state");
    assert_eq!(late.members["state"], "expired");
    assert_eq!(told(&alice, holds[0], 2).await[1].0, EventKind::TransactionExpired);
    stage.assert_in_order().await;
}
