//! Readers of the cache, and changes that overtake them. A reader is held up at the database, where it has read the
//! transaction and not yet its accounts' owners.

use std::{sync::Arc, time::Duration};

use anyhow::ensure;
use contract::{TransactionId, transaction::TransactionStatus};
use futures_util::future::join_all;
use integration::{eventually::eventually, people::cents, stack::provision::TRANSACTIONS};
use prometheus::{Registry, TextEncoder};
use serde_json::json;
use service_kit::{
    config::PostgresConfig,
    postgres,
    redis::{Redis, cmd},
};
use sqlx::{PgPool, Postgres, Transaction};
use transaction_svc::cache::{Entry, TransactionCache};

use crate::stage::{Stage, cached_as};

/// A replica's cache, and a payment to read.
struct Desk {
    cache: TransactionCache,
    redis: Redis,
    database: PgPool,
    metrics: Registry,
    payment: TransactionId,
    _stage: Stage,
}

impl Desk {
    async fn open() -> Self {
        let stage = Stage::with(1).await;
        let alice = stage.platform.person("alice").unwrap();
        let payment = alice.pay(stage.alice, stage.bob, cents(125)).await.unwrap().id;
        let url = stage.platform.backing.database.service(TRANSACTIONS);
        let config: PostgresConfig = serde_json::from_value(json!({"url": url, "max_connections": 64})).unwrap();
        let pool = postgres::connect(&config, "readers").unwrap();
        let redis = stage.redis();
        let metrics = Registry::new();
        let cache = TransactionCache::new(postgres::orm(&pool), Some(redis.clone()), &metrics).unwrap();
        let database = stage.platform.pool().await.unwrap();
        Self { cache, redis, database, metrics, payment, _stage: stage }
    }

    async fn read(&self) -> Arc<Entry> {
        self.cache.find(self.payment).await.unwrap().unwrap()
    }

    /// Holds up all who want to know an owner, until it is dropped.
    async fn hold_up_readers(&self) -> Transaction<'static, Postgres> {
        let mut barrier = self.database.begin().await.unwrap();
        sqlx::query("LOCK TABLE transactions.accounts IN ACCESS EXCLUSIVE MODE").execute(&mut *barrier).await.unwrap();
        barrier
    }

    async fn readers_wait(&self, wanted: i64) {
        eventually("readers wait for the database", async || {
            let waiting: i64 = sqlx::query_scalar(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()
                 AND application_name = 'readers' AND wait_event_type = 'Lock'",
            )
            .fetch_one(&self.database)
            .await?;
            ensure!(waiting == wanted, "{waiting} wait");
            Ok(())
        })
        .await;
    }

    /// How many have looked and found nothing.
    fn misses(&self) -> u64 {
        let text = TextEncoder::new().encode_to_string(&self.metrics.gather()).unwrap();
        let line = text.lines().find_map(|line| line.strip_prefix("transaction_cache_looks_total{outcome=\"miss\"} "));
        line.unwrap().parse().unwrap()
    }

    /// Changes the transaction in the database, as a later event does, and says what it is now.
    async fn change(&self, entry: &Entry) -> Entry {
        let mut changed = entry.clone();
        changed.transaction.status = TransactionStatus::PartiallyRefunded;
        changed.transaction.updated_at += Duration::from_micros(1);
        sqlx::query(
            "UPDATE transactions.transactions SET status = 'partially_refunded', updated_at = $2 WHERE id = $1",
        )
        .bind(self.payment.uuid())
        .bind(changed.transaction.updated_at)
        .execute(&self.database)
        .await
        .unwrap();
        changed
    }

    async fn ask<T: service_kit::redis::FromRedisValue>(&self, command: &str) -> T {
        let key = cached_as(self.payment);
        self.redis.command(cmd(command).arg(key)).await.unwrap()
    }

    async fn empty(&self) {
        let _: () = self.redis.command(&cmd("FLUSHALL")).await.unwrap();
    }
}

#[tokio::test]
async fn a_state_never_replaces_a_newer_one() {
    let desk = Desk::open().await;
    let first = desk.read().await;
    let second = desk.change(&first).await;
    let mut third = second.clone();
    third.transaction.status = TransactionStatus::Refunded;
    third.transaction.updated_at += Duration::from_micros(1);

    desk.cache.put([third.clone(), first.as_ref().clone(), second]).await;
    assert_eq!(*desk.read().await, third);
    assert!(desk.ask::<i64>("PTTL").await > 60_000, "nothing follows a refund");
    desk.cache.put([first.as_ref().clone()]).await;
    assert_eq!(*desk.read().await, third);
}

#[tokio::test]
async fn a_reader_that_was_overtaken_leaves_the_newer_state_alone() {
    let desk = Desk::open().await;
    let old = desk.read().await;
    for redis_loses_it in [false, true] {
        desk.empty().await;
        let barrier = desk.hold_up_readers().await;
        let story = async {
            desk.readers_wait(1).await;
            let new = desk.change(&old).await;
            desk.cache.put([new.clone()]).await;
            assert_eq!(*desk.read().await, new, "it is seen while the slow reader still reads");
            if redis_loses_it {
                desk.empty().await;
            }
            drop(barrier);
            new
        };
        let (_read, new) = tokio::join!(desk.read(), story);
        let exists: bool = desk.ask("EXISTS").await;
        assert_eq!(exists, !redis_loses_it, "what the slow reader has read is not put anywhere");
        assert_eq!(desk.read().await.transaction.status, new.transaction.status);
    }
}

#[tokio::test]
async fn who_waits_for_anothers_reading_does_not_take_over_what_it_missed() {
    let desk = Desk::open().await;
    let old = desk.read().await;
    desk.empty().await;
    let barrier = desk.hold_up_readers().await;
    let late = async {
        desk.readers_wait(1).await;
        // They find the first reader's mark, and wait for the first reader.
        let before = desk.misses();
        let waiting = join_all((0..50).map(|_| desk.read()));
        let story = async {
            eventually("they have found nothing", async || {
                ensure!(desk.misses() == before + 50, "not yet");
                Ok(())
            })
            .await;
            desk.readers_wait(1).await;
            let new = desk.change(&old).await;
            desk.cache.put([new.clone()]).await;
            drop(barrier);
            new
        };
        tokio::join!(waiting, story)
    };
    let (first, (late, new)) = tokio::join!(desk.read(), late);
    assert_eq!(first.transaction.status, TransactionStatus::Posted);
    assert!(late.iter().all(|entry| **entry == new));
}

#[tokio::test]
async fn a_change_that_was_not_told_is_missed_for_ten_seconds_at_most() {
    let desk = Desk::open().await;
    let old = desk.read().await;
    assert!((1..=10_000).contains(&desk.ask::<i64>("PTTL").await));
    // Its writer died after the commit.
    let new = desk.change(&old).await;
    assert_eq!(*desk.read().await, *old);
    assert!((1..=10_000).contains(&desk.ask::<i64>("PTTL").await), "reading does not prolong it");
    let _: () = desk.ask("DEL").await;
    assert_eq!(desk.read().await.transaction.status, new.transaction.status);
}
