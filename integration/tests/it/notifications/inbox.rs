//! What users do with their notifications, at the store.

use std::sync::Arc;

use contract::{
    EventKind,
    notification::{
        Locale, NotificationCounts,
        NotificationStatus::{self, Archived, Read, Unread},
    },
};
use notification_svc::domain::way::Way;
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
