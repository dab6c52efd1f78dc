//! One key is one effect and one answer, whoever repeats it, wherever, and whatever has happened since; and what may be
//! spent once is spent once.

use futures_util::future::join_all;
use integration::people::{cents, fresh_key};
use serde_json::{Value, json};

use crate::{
    stage::{ACCOUNTS, FUNDS, Stage, TRANSACTIONS, account, payment},
    wire::{Reply, Wire},
};

const CLIENTS: usize = 64;
const KEY: &str = "one-key";

/// All clients at once, in turns at either replica, each with a request id of its own.
async fn all_at_once(replicas: &[Wire; 2], path: &str, key: impl Fn(usize) -> String, body: &str) -> Vec<Reply> {
    let client = async |number: usize| {
        let wire = replicas[number % 2].with_request_id(format!("client-{number}"));
        wire.post(path, &key(number), body.to_owned()).await
    };
    join_all((0..CLIENTS).map(client)).await
}

/// One was first, and every other was told the same in every byte.
#[track_caller]
fn assert_one_answer(replies: &[Reply], status: u16) {
    let first = replies.iter().find(|reply| !reply.replayed()).unwrap();
    assert_eq!(replies.iter().filter(|reply| reply.replayed()).count(), replies.len() - 1);
    for (number, reply) in replies.iter().enumerate() {
        assert_eq!((reply.status, &reply.body), (status, &first.body));
        for header in ["Content-Type", "Location", "ETag"] {
            assert_eq!(reply.header(header), first.header(header));
        }
        assert_eq!(reply.header("X-Request-Id"), Some(format!("client-{number}").as_str()));
    }
}

#[track_caller]
fn assert_replays(reply: &Reply, first: &Reply) {
    assert_eq!((reply.status, &reply.body, reply.replayed()), (first.status, &first.body, true));
    assert_eq!(reply.header("Location"), first.header("Location"));
}

#[tokio::test]
async fn one_key_from_64_clients_at_two_replicas_is_one_effect_and_one_answer() {
    let stage = Stage::with(2).await;
    let replicas = [0, 1].map(|replica| stage.wire_at(replica, "alice"));
    let key = |_| KEY.to_owned();

    let before = stage.rows().await;
    let paid = all_at_once(&replicas, TRANSACTIONS, key, &payment(stage.alice, stage.bob, 7)).await;
    assert_one_answer(&paid, 201);
    assert_eq!(stage.rows().await, before.after(1, 0));

    let refused = |_| "refused".to_owned();
    let refused = all_at_once(&replicas, TRANSACTIONS, refused, &payment(stage.alice, stage.bob, FUNDS)).await;
    assert_one_answer(&refused, 422);
    assert_eq!(stage.rows().await, before.after(1, 1));

    let opened = all_at_once(&replicas, ACCOUNTS, key, &account("alice")).await;
    assert_one_answer(&opened, 201);
    assert_eq!(stage.rows().await.accounts, before.accounts + 1);
    stage.assert_in_order().await;
}

#[tokio::test]
async fn a_key_is_one_request_of_one_caller_for_one_operation_and_outlives_a_restart() {
    let stage = Stage::with(1).await;
    let wire = stage.wire("alice");
    let body = payment(stage.alice, stage.bob, 7);
    let first = wire.post(TRANSACTIONS, KEY, body.clone()).await;
    assert_eq!((first.status, first.replayed()), (201, false));

    // The same request, written in another way.
    let spelled =
        body.replace(r#""7""#, "7").replace('{', r#"{ "capture": "automatic", "metadata": {}, "reference": null, "#);
    assert_replays(&wire.post(TRANSACTIONS, KEY, spelled).await, &first);

    let with = |name: &str, value: Value| {
        let mut other: Value = serde_json::from_str(&body).unwrap();
        other[name] = value;
        other.to_string()
    };
    for other in [
        with("amount", "8".into()),
        with("destination", stage.bank.settlement.to_string().into()),
        with("source", stage.bob.to_string().into()),
        with("currency", "JPY".into()),
        with("description", "".into()),
        with("reference", "r".into()),
        with("metadata", [("k", "v")].into_iter().collect()),
    ] {
        let problem = wire.post(TRANSACTIONS, KEY, other.clone()).await.problem(422, "idempotency_key_reused");
        assert_eq!(problem.members["first"].as_str(), first.header("Location"), "{other}");
    }

    // Somebody else's key, and another operation's, is another key.
    let theirs = stage.wire("bob").post(TRANSACTIONS, KEY, payment(stage.bob, stage.alice, 1)).await;
    assert_eq!((theirs.status, theirs.replayed()), (201, false));
    let opened = wire.post(ACCOUNTS, KEY, account("alice")).await;
    assert_eq!((opened.status, opened.replayed()), (201, false));

    // No is an answer, too, even when it could be yes by now.
    let too_much = payment(stage.alice, stage.bob, FUNDS);
    let refused = wire.post(TRANSACTIONS, "too-much", too_much.clone()).await;
    refused.problem(422, "insufficient_funds");
    stage.bank.fund(stage.alice, cents(FUNDS)).await.unwrap();
    let reused = wire.post(TRANSACTIONS, "too-much", body.clone()).await.problem(422, "idempotency_key_reused");
    assert_eq!(reused.members.get("first"), None);

    let before = stage.rows().await;
    stage.platform.transaction_svc[0].process.restart().await.unwrap();
    let later = wire.with_request_id("later");
    for (path, key, body, first) in [
        (TRANSACTIONS, KEY, body, &first),
        (ACCOUNTS, KEY, account("alice"), &opened),
        (TRANSACTIONS, "too-much", too_much.clone(), &refused),
    ] {
        let reply = later.post(path, key, body).await;
        assert_replays(&reply, first);
        assert_eq!(reply.header("X-Request-Id"), Some("later"));
    }
    assert_eq!(stage.rows().await, before);
    assert_eq!(wire.post(TRANSACTIONS, &fresh_key(), too_much).await.status, 201);
}

#[tokio::test]
async fn the_last_euro_is_spent_once_by_64_clients_at_two_replicas() {
    const ROUNDS: usize = 5;
    let stage = Stage::with(2).await;
    let replicas = [0, 1].map(|replica| stage.wire_at(replica, "alice"));
    let last = payment(stage.alice, stage.bob, FUNDS);
    let before = stage.rows().await;
    for _ in 0..ROUNDS {
        let replies = all_at_once(&replicas, TRANSACTIONS, |_| fresh_key(), &last).await;
        let (paid, refused): (Vec<_>, Vec<_>) = replies.iter().partition(|reply| reply.status == 201);
        assert_eq!(paid.len(), 1);
        for reply in refused {
            let members = reply.problem(422, "insufficient_funds").members;
            assert_eq!((&members["available"], &members["required"]), (&json!("0"), &json!(FUNDS.to_string())));
        }
        stage.bank.fund(stage.alice, cents(FUNDS)).await.unwrap();
    }
    let (paid, refused) = (2 * ROUNDS, ROUNDS * (CLIENTS - 1));
    let [paid, refused] = [paid, refused].map(|count| i64::try_from(count).unwrap());
    assert_eq!(stage.rows().await, before.after(paid, refused));
    stage.assert_in_order().await;
}

#[tokio::test]
async fn two_replicas_that_pay_in_opposite_directions_never_get_in_each_others_way() {
    const CLIENTS: usize = 24;
    const PAYMENTS: usize = 15;
    let stage = Stage::with(2).await;
    stage.bank.fund(stage.bob, cents(FUNDS)).await.unwrap();
    let before = stage.rows().await;

    let directions = [
        (stage.wire_at(0, "alice"), payment(stage.alice, stage.bob, 1)),
        (stage.wire_at(1, "bob"), payment(stage.bob, stage.alice, 1)),
    ];
    let clients = directions.iter().flat_map(|direction| [direction; CLIENTS]).map(async |(wire, body)| {
        for _ in 0..PAYMENTS {
            let reply = wire.post(TRANSACTIONS, &fresh_key(), body.clone()).await;
            assert_eq!(reply.status, 201, "{reply:?}");
        }
    });
    join_all(clients).await;

    let paid = i64::try_from(2 * CLIENTS * PAYMENTS).unwrap();
    assert_eq!(stage.rows().await, before.after(paid, 0));
    stage.assert_in_order().await;
    for (wire, account) in [(&directions[0].0, stage.alice), (&directions[1].0, stage.bob)] {
        let balances = wire.get(&format!("{ACCOUNTS}/{account}")).await.json()["balances"].clone();
        assert_eq!(balances["posted"], FUNDS.to_string());
    }
}
