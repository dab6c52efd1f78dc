//! Postgres is restored from an older copy: the ledger has forgotten what NATS, Redis, inboxes and callers know.

use std::{collections::BTreeSet, path::Path, process::Command};

use client::NewTransaction;
use contract::{Currency, EventId, TransactionId};
use integration::{
    eventually::eventually,
    people::{cents, fresh_key},
    stack::{backing::Backing, platform::Layout, service::ServiceKind},
};
use serde_json::Value;
use service_kit::redis::cmd;
use uuid::Uuid;

use super::chapter::Chapter;
use crate::{
    operations::fixture::{Terminal, inboxes},
    stage::{Stage, TRANSACTIONS, cached_as, next_second},
};

pub(super) const CHAPTER: &str = "Postgres was restored to an earlier moment";
/// What was acknowledged after the copy was made: told by then, or still on the stream.
const TOLD: usize = 4;
const UNTOLD: usize = 2;

#[tokio::test(flavor = "multi_thread")]
async fn what_to_do_when_postgres_was_restored_to_an_earlier_moment() {
    let stage = Stage::on(Backing::private().await.unwrap(), &Layout { push: false, ..Layout::default() }).await;
    let consumer = Terminal::of(&stage.platform, ServiceKind::Notification);
    let pause = "consumer pause --minutes 60 --reason story";
    let (data, copy) = (data_of(&stage), stage.platform.backing.directory.path().join("copy"));
    stage.pay(3).await;
    stage.assert_in_order().await;

    // Two events that the copy has, and that were told after it was made.
    consumer.lines(pause).await;
    stage.pay(2).await;
    all_is_published(&stage).await;
    while_postgres_is_away(&stage, || copy_all(&data, &copy)).await;
    consumer.lines("consumer resume --reason story").await;
    stage.assert_in_order().await;

    let mut lost = Vec::new();
    for _ in 0..TOLD {
        lost.push(pay(&stage).await);
    }
    stage.assert_in_order().await;
    keep_in_redis(&stage, lost[0].1).await;
    consumer.lines(pause).await;
    for _ in 0..UNTOLD {
        lost.push(pay(&stage).await);
    }
    all_is_published(&stage).await;
    let published = events(&stage).await;

    while_postgres_is_away(&stage, || {
        std::fs::remove_dir_all(&data).unwrap();
        copy_all(&copy, &data);
    })
    .await;
    let orphans: BTreeSet<_> = published.difference(&events(&stage).await).cloned().collect();
    assert_eq!(orphans.len(), TOLD + UNTOLD);
    consumer.lines("consumer resume --reason story").await;
    stage.at_rest().await;
    next_second(stage.database()).await;

    let mut chapter = Chapter::open(&stage.platform, CHAPTER).await;
    chapter.run(0).await;
    // A Redis that does not answer within 100 ms is done without, which a busy machine sees now and then.
    eventually("Redis remembers it", async || {
        let cached = stage.wire("alice").get(&format!("{TRANSACTIONS}/{}", lost[0].1)).await;
        anyhow::ensure!(cached.status == 200, "{cached:?}");
        Ok(())
    })
    .await;
    chapter.run(1).await;
    stage.wire("alice").get(&format!("{TRANSACTIONS}/{}", lost[0].1)).await.problem(404, "not_found");
    let said = chapter.run(2).await;
    let found = said.lines().find(|line| line.starts_with('{')).expect(&said);
    let found: Value = serde_json::from_str(found).unwrap();
    let named = found["orphaned"]["first"].as_array().unwrap();
    let named: BTreeSet<_> =
        named.iter().map(|name| name.as_str().unwrap().split(',').next().unwrap().to_owned()).collect();
    assert_eq!(named, orphans, "every orphan is named, and nothing else");
    assert_eq!((&found["orphaned"]["count"], &found["extra"]["count"]), (&6.into(), &(2 * UNTOLD).into()), "{found}");
    assert_eq!(found["missing"]["count"], 4, "two events that were told to two people each: {found}");
    for block in 3..=5 {
        chapter.run(block).await;
    }
    chapter.close();
    stage.assert_in_order().await;

    // Whoever replays everything brings nothing of it back, and lost payments are made again under their keys.
    let before = inboxes(stage.database()).await;
    let all = consumer.lines("replay --reason everything").await.remove(0)["plan"]["events"].clone();
    consumer.lines(&format!("replay --execute --expect {all} --reason everything")).await;
    assert_eq!(inboxes(stage.database()).await, before);
    for (key, id) in lost {
        let again = stage.platform.person("alice").unwrap().ledger.create(&key, &payment(&stage)).await.unwrap();
        assert_ne!(again.id, id);
    }
    stage.assert_in_order().await;
}

async fn events(stage: &Stage) -> BTreeSet<String> {
    let ids: Vec<Uuid> =
        sqlx::query_scalar("SELECT id FROM transactions.events").fetch_all(stage.database()).await.unwrap();
    ids.into_iter().map(|id| EventId::from_uuid(id).to_string()).collect()
}

async fn all_is_published(stage: &Stage) {
    eventually("the outbox is empty", async || {
        let waiting: i64 =
            sqlx::query_scalar("SELECT count(*) FROM transactions.outbox_relay").fetch_one(stage.database()).await?;
        anyhow::ensure!(waiting == 0, "{waiting} wait");
        Ok(())
    })
    .await;
}

fn payment(stage: &Stage) -> NewTransaction {
    NewTransaction::new(stage.alice, stage.bob, cents(1), Currency::EUR)
}

/// A payment under a key that is remembered.
async fn pay(stage: &Stage) -> (String, TransactionId) {
    let key = fresh_key();
    let made = stage.platform.person("alice").unwrap().ledger.create(&key, &payment(stage)).await.unwrap();
    (key, made.id)
}

/// Has Redis remember a payment for longer than the ten seconds within which one may be changed: a restore takes its time.
async fn keep_in_redis(stage: &Stage, id: TransactionId) {
    let (redis, key) = (stage.redis(), cached_as(id));
    eventually("Redis has the payment", async || {
        stage.wire("alice").get(&format!("{TRANSACTIONS}/{id}")).await;
        let entry: Option<String> = redis.command(cmd("GET").arg(&key)).await?;
        anyhow::ensure!(entry.as_ref().is_some_and(|entry| entry.contains(&id.to_string())), "{entry:?}");
        let kept: bool = redis.command(cmd("PERSIST").arg(&key)).await?;
        anyhow::ensure!(kept, "it has expired meanwhile");
        Ok(())
    })
    .await;
}

fn data_of(stage: &Stage) -> std::path::PathBuf {
    stage.platform.backing.directory.path().join("postgres").canonicalize().unwrap().join("data")
}

async fn while_postgres_is_away(stage: &Stage, change: impl FnOnce()) {
    let postgres = stage.platform.backing.postgres.process.as_ref().unwrap();
    postgres.stop().await.unwrap();
    change();
    postgres.start().await.unwrap();
    eventually("the services have found it again", async || {
        for service in stage.platform.services() {
            reqwest::get(service.admin_url.join("readyz")?).await?.error_for_status()?;
        }
        Ok(())
    })
    .await;
}

/// With owners and permissions, about which Postgres is strict.
fn copy_all(from: &Path, to: &Path) {
    assert!(Command::new("cp").arg("-a").args([from, to]).status().unwrap().success());
}
