//! What users do with their notifications, at the store.

use std::sync::Arc;

use contract::{
    EventKind,
    notification::{
        Locale, NotificationCounts,
        NotificationStatus::{self, Archived, Read, Unread},
    },
};
use notification_svc::{
    domain::way::Way,
    store::{
        counters,
        inbox::{Filter, Inbox},
        preferences::PreferenceStore,
    },
};
use sqlx::postgres::PgPoolOptions;
use tokio::task::JoinSet;

use super::fixture::{Store, now, payment};

#[tokio::test(flavor = "multi_thread")]
async fn counters_stay_exact_while_everything_happens_at_once() {
    let store = Arc::new(Store::empty().await);
    let payments: Vec<_> = (0..60).map(|_| payment("alice", "bob")).collect();
    store.ingest(Way::JetStream, &payments).await;
    let ids = store.ids("alice").await;
    let mut devices = JoinSet::new();
    for device in 0..8 {
        let (store, ids) = (store.clone(), ids.clone());
        devices.spawn(async move {
            for (turn, id) in ids.into_iter().enumerate() {
                match (device + turn) % 8 {
                    0 => {
                        store.ingest(Way::Webhook, &[payment("bob", "alice"), payment("alice", "bob")]).await;
                    }
                    1 => {
                        let muted = [EventKind::TransactionPosted];
                        store.choose("alice", Locale::De, if turn % 2 == 0 { &muted } else { &[] }).await;
                    }
                    2 => {
                        store.inbox.read_all("alice", now()).await.unwrap();
                    }
                    other => {
                        let status = [Unread, Read, Archived][other % 3];
                        let changed = store.inbox.change("alice", id, status, now()).await.unwrap().unwrap();
                        assert_eq!(changed.status, status);
                    }
                }
            }
        });
    }
    devices.join_all().await;
    store.is_consistent().await;

    let counts = store.inbox.read_all("alice", now()).await.unwrap();
    assert_eq!(counts.unread, 0);
    assert_eq!(counts, store.inbox.counts("alice").await.unwrap());
    store.is_consistent().await;
}

#[tokio::test]
async fn more_than_one_transaction_of_unread_notifications_are_read_at_once() {
    let store = Store::empty().await;
    let payments: Vec<_> = (0..1_250).map(|_| payment("alice", "alice")).collect();
    for batch in payments.chunks(500) {
        store.ingest(Way::JetStream, batch).await;
    }
    let counts = store.inbox.read_all("alice", now()).await.unwrap();
    assert_eq!(counts, NotificationCounts { unread: 0, read: 1_250, archived: 0 });
    store.is_consistent().await;
}

#[tokio::test]
async fn a_repeated_command_changes_nothing() {
    let store = Store::empty().await;
    store.ingest(Way::JetStream, &[payment("alice", "bob"), payment("alice", "bob")]).await;
    let id = store.ids("alice").await[0];
    let change =
        async |status: NotificationStatus| store.inbox.change("alice", id, status, now()).await.unwrap().unwrap();
    assert_eq!(change(Read).await, change(Read).await);
    assert_eq!(change(Archived).await, change(Archived).await);
    let counts = NotificationCounts { unread: 1, read: 0, archived: 1 };
    assert_eq!(store.inbox.counts("alice").await.unwrap(), counts);
    assert_eq!(change(Unread).await.read_at, None);
    assert_eq!(store.inbox.change("bob", id, Read, now()).await.unwrap(), None, "alice's notification");
    store.is_consistent().await;
}

/// The tables were empty when the plans were made, and nobody has analysed them since: plans get no worse.
#[tokio::test]
async fn nothing_that_users_read_scans_a_table() {
    let store = Store::empty().await;
    // One session, whose statistics are there when it asks for them.
    let options = store.pool.connect_options().as_ref().clone();
    let session = PgPoolOptions::new().max_connections(1).connect_with(options).await.unwrap();
    let (inbox, preferences) = (Inbox::new(&session), PreferenceStore::new(session.clone()));
    let scans = async || -> (i64, i64) {
        sqlx::query("SELECT pg_stat_force_next_flush()").execute(&session).await.unwrap();
        let scans = "SELECT sum(seq_scan)::bigint, sum(idx_scan)::bigint FROM pg_stat_user_tables
                     WHERE relname IN ('notifications', 'notification_counters', 'preferences')";
        sqlx::query_as(scans).fetch_one(&session).await.unwrap()
    };
    let read = async || {
        for (status, kind) in [(None, None), (Some(Unread), None), (None, Some(EventKind::AccountOpened))] {
            inbox.list("alice", Filter { status, kind }, Some(900), 51).await.unwrap();
        }
        inbox.after("alice", 900, 50).await.unwrap();
        inbox.counts("alice").await.unwrap();
        inbox.last_position("alice").await.unwrap();
        preferences.find("alice").await.unwrap();
        counters::last_positions(&session, &["alice".into(), "bob".into()]).await.unwrap();
    };
    // From the sixth time on, Postgres may keep a plan.
    for _ in 0..10 {
        read().await;
    }
    for user in ["bob", "carol", "dave"] {
        let payments: Vec<_> = (0..400).map(|_| payment("alice", user)).collect();
        store.ingest(Way::JetStream, &payments).await;
    }
    let before = scans().await;
    for _ in 0..10 {
        read().await;
    }
    let after = scans().await;
    assert_eq!(after.0, before.0, "tables were scanned");
    assert!(after.1 >= before.1 + 80, "{before:?}, {after:?}");
}
