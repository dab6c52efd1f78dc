//! Several transactions with one request, and a transaction that is only tried.

use client::{NewTransaction, Problem};
use contract::Currency;
use integration::people::{cents, fresh_key};
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    stage::{FUNDS, Stage, TRANSACTIONS, payment},
    wire::{Reply, Wire, send},
};

const BATCH: &str = "/v1/transactions/batch";

/// Payments of alice to bob, each with these members besides.
fn batch(stage: &Stage, mode: &str, payments: &[(i64, Value)]) -> String {
    let payments: Vec<Value> = payments
        .iter()
        .map(|(amount, more)| {
            let mut item: Value = serde_json::from_str(&payment(stage.alice, stage.bob, *amount)).unwrap();
            item.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            item
        })
        .collect();
    json!({"mode": mode, "transactions": payments}).to_string()
}

fn fields(reply: &Reply) -> Vec<String> {
    reply.problem(400, "malformed").errors.into_iter().map(|error| error.pointer).collect()
}

#[tokio::test]
async fn an_atomic_batch_is_created_as_a_whole_or_not_at_all() {
    let stage = Stage::with(1).await;
    let alice = stage.wire("alice");
    let before = stage.rows().await;
    let all: Vec<_> = (1..=500).map(|number| (1, json!({"reference": format!("wage-{number}")}))).collect();
    let body = batch(&stage, "atomic", &all);
    assert!(body.len() > 64 * 1_024, "it is larger than any other body may be");
    let created = alice.post(BATCH, "wages", body.clone()).await;
    assert_eq!(created.status, 201, "{created:?}");
    let data = created.json()["data"].as_array().unwrap().clone();
    let references = data.iter().map(|one| one["reference"].as_str().unwrap().to_owned());
    assert!(references.eq((1..=500).map(|number| format!("wage-{number}"))), "in the order of the request");
    let again = alice.post(BATCH, "wages", body).await;
    assert_eq!((again.replayed(), again.body == created.body), (true, true));

    let too_much = batch(&stage, "atomic", &[(1, json!({})), (FUNDS, json!({})), (1, json!({}))]);
    let problem = alice.post(BATCH, &fresh_key(), too_much).await.problem(422, "insufficient_funds");
    assert_eq!(problem.members["index"], 1);
    let mut after = before.after(500, 1);
    after.stored_answers = before.stored_answers + 2;
    assert_eq!(stage.rows().await, after, "one answer for the batch, one for the refusal");

    let one = NewTransaction::new(stage.alice, stage.bob, cents(1), Currency::EUR);
    let ledger = stage.platform.person("alice").unwrap().ledger;
    let created = ledger.create_together(&fresh_key(), &[one.clone(), one.clone().held(None)]).await.unwrap();
    assert_eq!(created.iter().map(|one| one.status.as_str()).collect::<Vec<_>>(), ["posted", "pending"]);
    let tried = ledger.try_create(&one).await.unwrap();
    assert_eq!(ledger.transaction(tried.id).await.unwrap_err().code(), Some("not_found"));
    stage.assert_in_order().await;
}

#[tokio::test]
async fn each_of_an_independent_batch_has_the_answer_that_it_would_have_alone() {
    let stage = Stage::with(1).await;
    let alice = stage.wire("alice");
    let alone = alice.post(TRANSACTIONS, "alone", payment(stage.alice, stage.bob, 7)).await;
    let keyed = |key: &str| json!({"idempotency_key": key});
    let payments =
        [(7, keyed("alone")), (8, keyed("alone")), (1, keyed("new")), (2 * FUNDS, keyed("poor")), (1, keyed("new"))];
    let answer = alice.request(Method::POST, BATCH).header("Content-Type", "application/json");
    let answer = send(answer.body(batch(&stage, "independent", &payments))).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let data = answer.json()["data"].as_array().unwrap().clone();
    let seen: Vec<_> = data
        .iter()
        .map(|item| (item["status"].as_u64().unwrap(), item["replayed"] == true, item["body"]["code"].as_str()))
        .collect();
    let reused = Some("idempotency_key_reused");
    let poor = Some("insufficient_funds");
    assert_eq!(
        seen,
        [(201, true, None), (422, false, reused), (201, false, None), (422, false, poor), (201, true, None)]
    );
    assert_eq!(data[0]["body"], alone.json());
    assert_eq!(data[2]["body"], data[4]["body"]);
    let problem: Problem = serde_json::from_value(data[3]["body"].clone()).unwrap();
    assert_eq!(problem.members["required"], (2 * FUNDS).to_string());
    let later = alice.post(TRANSACTIONS, "new", payment(stage.alice, stage.bob, 1)).await;
    assert_eq!((later.replayed(), later.json()), (true, data[2]["body"].clone()));
    stage.assert_in_order().await;
}

#[tokio::test]
async fn a_batch_that_is_wrong_is_refused_with_every_field_of_every_transaction() {
    let stage = Stage::with(1).await;
    let alice = stage.wire("alice");
    let before = stage.rows().await;
    let post = async |body: String| alice.post(BATCH, &fresh_key(), body).await;
    let wrong = [(1, json!({"amount": "0"})), (1, json!({})), (1, json!({"currency": "eur", "reference": 7}))];
    let pointers = ["/transactions/0/amount", "/transactions/2/currency", "/transactions/2/reference"];
    assert_eq!(fields(&post(batch(&stage, "atomic", &wrong)).await), pointers);
    let keyless = post(batch(&stage, "independent", &[(1, json!({})), (1, json!({"idempotency_key": "ü"}))])).await;
    assert_eq!(fields(&keyless), ["/transactions/0/idempotency_key", "/transactions/1/idempotency_key"]);
    let keyed = batch(&stage, "atomic", &[(1, json!({"idempotency_key": "k"}))]);
    assert_eq!(fields(&post(keyed).await), ["/transactions/0/idempotency_key"]);
    assert_eq!(fields(&post(batch(&stage, "both", &[(1, json!({}))])).await), ["/mode"]);
    assert_eq!(fields(&post(batch(&stage, "atomic", &[(1, json!({"colour": "red"}))])).await), ["/transactions/0"]);
    let many: Vec<_> = (0..501).map(|_| (1, json!({}))).collect();
    for payments in [&many[..], &[]] {
        assert_eq!(fields(&post(batch(&stage, "atomic", payments)).await), ["/transactions"]);
    }
    let huge = format!("{{\"mode\": \"{}\"}}", "x".repeat(1 << 20));
    post(huge).await.problem(413, "payload_too_large");
    let keyless = alice.request(Method::POST, BATCH).header("Content-Type", "application/json");
    send(keyless.body(batch(&stage, "atomic", &[(1, json!({}))]))).await.problem(400, "malformed");
    assert_eq!(stage.rows().await, before);
}

#[tokio::test]
async fn a_dry_run_answers_like_the_real_thing_and_leaves_nothing_behind() {
    let stage = Stage::with(1).await;
    let before = stage.rows().await;
    let path = format!("{TRANSACTIONS}?dry_run=true");
    let tried = async |wire: &Wire, body: String| {
        let request = wire.request(Method::POST, &path).header("Content-Type", "application/json");
        send(request.body(body)).await
    };
    let alice = stage.wire("alice");
    let answer = tried(&alice, payment(stage.alice, stage.bob, 7)).await;
    assert_eq!((answer.status, answer.header("Location"), answer.header("ETag")), (200, None, None), "{answer:?}");
    assert_eq!(answer.json()["effects"][0]["posted_after"], (FUNDS - 7).to_string());
    tried(&alice, payment(stage.alice, stage.bob, FUNDS + 1)).await.problem(422, "insufficient_funds");
    tried(&stage.wire("bob"), payment(stage.alice, stage.bob, 7)).await.problem(422, "unknown_account");
    tried(&alice, payment(stage.alice, stage.bob, 0)).await.problem(400, "malformed");
    let keyed = alice.post(&path, "key", payment(stage.alice, stage.bob, 7)).await;
    assert_eq!((keyed.status, keyed.replayed()), (200, false));
    assert_eq!(stage.rows().await, before);
    let made = alice.post(TRANSACTIONS, "key", payment(stage.alice, stage.bob, 8)).await;
    assert_eq!((made.status, made.replayed()), (201, false), "the key was not read or kept");
}
