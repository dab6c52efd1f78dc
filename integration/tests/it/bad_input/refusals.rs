//! Payments that the ledger refuses, in the same batches as payments that it makes.

use contract::AccountId;
use futures_util::future::{join, join_all};
use integration::people::fresh_key;
use time::OffsetDateTime;

use super::{
    body::{Body, text},
    refused_fields,
};
use crate::{
    stage::{ACCOUNTS, FUNDS, Stage, TRANSACTIONS},
    trial::metric,
    wire::{REQUEST_ID, Wire},
};

/// Payments that the ledger refuses, with the code.
async fn refused_payments(stage: &Stage, wire: &Wire) -> Vec<(Body, &'static str)> {
    let payment = Body::payment(stage.alice, stage.bob);
    let missing = text(&AccountId::new(OffsetDateTime::UNIX_EPOCH, 7).to_string());
    let yen = Body::account("alice").with("currency", text("JPY"));
    let yen = wire.post(ACCOUNTS, &fresh_key(), yen).await.json()["id"].to_string();
    let full = Body::account("alice").with("name", text("full"));
    let full = wire.post(ACCOUNTS, &fresh_key(), full).await.json()["id"].to_string();
    let mint = stage.platform.bank().await.unwrap().settlement;
    let fill = Body::payment(mint, stage.bob).with("destination", full.clone());
    let fill = fill.with("amount", text(&i64::MAX.to_string()));
    assert_eq!(stage.office().post(TRANSACTIONS, &fresh_key(), fill).await.status, 201);

    vec![
        (payment.with("source", missing.clone()), "unknown_account"),
        (payment.with("destination", missing), "unknown_account"),
        (Body::payment(stage.bob, stage.alice), "unknown_account"),
        (Body::payment(stage.alice, stage.alice), "same_account"),
        (payment.with("currency", text("JPY")), "currency_mismatch"),
        (payment.with("destination", yen.clone()), "currency_mismatch"),
        (payment.with("source", yen), "currency_mismatch"),
        (payment.with("amount", text("9000000")), "insufficient_funds"),
        (payment.with("amount", text(&i64::MAX.to_string())), "insufficient_funds"),
        (payment.with("destination", full), "amount_out_of_range"),
    ]
}

/// How many batches the ledger has committed.
async fn commits(stage: &Stage) -> f64 {
    metric(&stage.platform.transaction_svc[0], "ledger_batch_commands_count").await.unwrap()
}

#[tokio::test]
async fn a_refused_payment_harms_no_neighbour_in_its_batch() {
    const TIMES: usize = 12;
    let stage = Stage::with(1).await;
    let wire = stage.wire("alice");
    let refused = refused_payments(&stage, &wire).await;
    let (rows, commits_before) = (stage.rows().await, commits(&stage).await);
    let pay = async |body: Body| wire.post(TRANSACTIONS, &fresh_key(), body).await;

    let right = Body::payment(stage.alice, stage.bob);
    let bad = refused.iter().cycle().take(TIMES * refused.len());
    let bad = join_all(bad.map(async |(body, code)| pay(body.clone()).await.problem(422, code)));
    let malformed = join_all((0..TIMES).map(async |_| refused_fields(&pay(right.with("amount", "0")).await)));
    let good = join_all((0..10 * TIMES).map(async |_| pay(right.clone()).await.status));
    let (good, (bad, malformed)) = join(good, join(bad, malformed)).await;

    assert!(good.iter().all(|status| *status == 201), "{good:?}");
    assert!(malformed.iter().all(|fields| fields == &["/amount"]));
    assert!(bad.iter().all(|problem| problem.request_id == REQUEST_ID && problem.errors.is_empty()));
    let [paid, refused] = [good.len(), bad.len()].map(|count| i64::try_from(count).unwrap());
    assert_eq!(stage.rows().await, rows.after(paid, refused));
    let commits = commits(&stage).await - commits_before;
    assert!(commits < good.len() as f64 / 2.0, "{commits} commits: these were no neighbours");
    let insufficient = bad.iter().find(|problem| problem.code == "insufficient_funds").unwrap();
    assert_eq!(insufficient.members["required"], "9000000");
    assert!(insufficient.members["available"].as_str().unwrap().parse::<i64>().unwrap() >= FUNDS - 5 * paid);

    // Whether an account is somebody else's or nobody's, its caller cannot tell.
    let missing = AccountId::new(OffsetDateTime::UNIX_EPOCH, 8);
    let foreign = pay(Body::payment(stage.bob, stage.alice)).await;
    let unknown = pay(Body::payment(missing, stage.alice)).await;
    assert_eq!(foreign.body.replace(&stage.bob.to_string(), &missing.to_string()), unknown.body);
    stage.assert_in_order().await;
}
