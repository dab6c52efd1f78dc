//! Reading one transaction, whatever Redis is like.

use anyhow::ensure;
use client::NewTransaction;
use contract::{Currency, TransactionId};
use integration::{
    eventually::eventually,
    people::{cents, fresh_key},
    stack::{
        identity::{SERVICE_SCOPES, USER_SCOPES},
        process::Process,
    },
};
use rustix::process::Signal;
use service_kit::redis::cmd;

use crate::{
    stage::{Stage, TRANSACTIONS, cached_as},
    wire::Reply,
};

/// Everybody who may read alice's payments to bob, each in another way, and somebody who may not.
const READERS: [(&str, &str); 5] = [
    ("alice", USER_SCOPES),
    ("bob", USER_SCOPES),
    ("mallory", USER_SCOPES),
    ("service", SERVICE_SCOPES),
    ("auditor", "transactions:read transactions:any"),
];

async fn answers(stage: &Stage, id: TransactionId) -> Vec<Reply> {
    let mut answers = Vec::new();
    for (user, scope) in READERS {
        answers.push(stage.wire_with(user, scope).get(&format!("{TRANSACTIONS}/{id}")).await);
    }
    answers
}

fn contents(replies: &[Reply]) -> Vec<(u16, Option<&str>, &str)> {
    replies.iter().map(|reply| (reply.status, reply.header("ETag"), reply.body.as_str())).collect()
}

fn redis(stage: &Stage) -> &Process {
    stage.platform.backing.redis.process.as_ref().unwrap()
}

async fn pay(stage: &Stage) -> TransactionId {
    let alice = stage.platform.person("alice").unwrap();
    alice.pay(stage.alice, stage.bob, cents(125)).await.unwrap().id
}

/// So many transactions were found in Redis by the first replica.
async fn hits(stage: &Stage) -> u64 {
    let metrics = stage.platform.transaction_svc[0].admin_url.join("metrics").unwrap();
    let text = reqwest::get(metrics).await.unwrap().text().await.unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix("transaction_cache_looks_total{outcome=\"hit\"} "));
    line.unwrap().parse().unwrap()
}

#[tokio::test]
async fn a_transaction_from_the_cache_is_shown_to_each_reader_as_it_is_without_one() {
    let stage = Stage::with(1).await;
    let id = pay(&stage).await;
    let first = answers(&stage, id).await;
    let before = hits(&stage).await;
    let second = answers(&stage, id).await;
    assert_eq!(hits(&stage).await, before + READERS.len() as u64);
    redis(&stage).kill().await.unwrap();
    let without = answers(&stage, id).await;
    assert_eq!(contents(&first), contents(&second));
    assert_eq!(contents(&first), contents(&without));

    let statuses: Vec<_> = first.iter().map(|reply| reply.status).collect();
    assert_eq!(statuses, [200, 200, 404, 200, 200]);
    let balances = |reply: &Reply| -> Vec<bool> {
        let effects = reply.json()["effects"].as_array().unwrap().clone();
        effects.iter().map(|effect| effect["posted_after"].is_string()).collect()
    };
    let seen: Vec<_> = [0, 1, 3, 4].map(|reader| balances(&first[reader])).into();
    assert_eq!(seen, [[true, false], [false, true], [true, true], [false, false]]);
}

#[tokio::test]
async fn whoever_was_told_of_a_change_reads_it_at_every_replica() {
    let stage = Stage::with(2).await;
    let server = stage.redis();
    let [alice, bob] = ["alice", "bob"].map(|name| stage.platform.person(name).unwrap());
    let held = NewTransaction::new(stage.alice, stage.bob, cents(6_000), Currency::EUR).held(None);
    let id = alice.ledger.create(&fresh_key(), &held).await.unwrap().id;
    let read = async |replica| stage.wire_at(replica, "bob").get(&format!("{TRANSACTIONS}/{id}")).await;

    for (change, status) in [
        ("capture", "posted"),
        ("refund of a part", "partially_refunded"),
        ("refund of another", "partially_refunded"),
        ("refund of the rest", "refunded"),
    ] {
        let before = [read(0).await, read(1).await];
        match change {
            "capture" => drop(bob.ledger.capture(&fresh_key(), id, Some(cents(5_000))).await.unwrap()),
            "refund of the rest" => drop(bob.ledger.refund(&fresh_key(), id, None).await.unwrap()),
            _ => drop(bob.ledger.refund(&fresh_key(), id, Some(cents(100))).await.unwrap()),
        }
        let after = [read(1).await, read(0).await];
        assert_eq!(after[0].json()["status"], status, "{change}");
        assert!(before[0].body == before[1].body && before[0].body != after[0].body, "{change}");
        let _: () = server.command(&cmd("FLUSHALL")).await.unwrap();
        let from_the_database = read(1).await;
        assert_eq!(contents(&after), contents(&[from_the_database.clone(), from_the_database]), "{change}");
    }
}

#[tokio::test]
async fn redis_may_be_off_stopped_full_emptied_or_full_of_rubbish() {
    let stage = Stage::with(1).await;
    let server = stage.redis();
    let steady = pay(&stage).await;
    let expected = answers(&stage, steady).await;
    let id = cached_as(steady);
    let config = |value: &str| cmd("CONFIG").arg("SET").arg("maxmemory").arg(value).to_owned();

    let assert_same = async |what: &str| {
        // A new payment is accepted and read by both, and an old one reads as ever.
        let new = pay(&stage).await;
        let statuses: Vec<_> = answers(&stage, new).await.iter().map(|reply| reply.status).collect();
        assert_eq!(statuses, [200, 200, 404, 200, 200], "{what}");
        assert_eq!(contents(&answers(&stage, steady).await), contents(&expected), "{what}");
    };
    assert_same("on").await;
    let _: () = server.command(&config("1")).await.unwrap();
    assert_same("full").await;
    let _: () = server.command(&config("0")).await.unwrap();
    let _: () = server.command(&cmd("FLUSHALL")).await.unwrap();
    assert_same("emptied").await;
    for rubbish in ["", "rubbish", "1:7:{}", "9:99999999999999999999:{}", "mark:0"] {
        let _: () = server.command(cmd("SET").arg(&id).arg(rubbish)).await.unwrap();
        assert_same(rubbish).await;
    }
    let _: () = server.command(&cmd("FLUSHALL")).await.unwrap();
    let _: () = server.command(cmd("LPUSH").arg(&id).arg("a list")).await.unwrap();
    assert_same("of another type").await;
    redis(&stage).signal(Signal::STOP).unwrap();
    assert_same("stopped").await;
    redis(&stage).signal(Signal::CONT).unwrap();
    assert_same("going on").await;
    redis(&stage).kill().await.unwrap();
    assert_same("off").await;
    redis(&stage).start().await.unwrap();
    assert_same("back").await;

    eventually("it is used again", async || {
        let before = hits(&stage).await;
        answers(&stage, steady).await;
        ensure!(hits(&stage).await > before, "it is not asked");
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn services_start_without_redis() {
    let stage = Stage::with(1).await;
    let id = pay(&stage).await;
    redis(&stage).kill().await.unwrap();
    let service = &stage.platform.transaction_svc[0];
    service.process.restart().await.unwrap();
    assert_eq!(contents(&answers(&stage, id).await)[0].0, 200);
    let status = reqwest::get(service.admin_url.join("readyz?verbose").unwrap()).await.unwrap().text().await.unwrap();
    assert!(status.contains(r#""redis":{"up":false,"required":false"#), "{status}");
}
