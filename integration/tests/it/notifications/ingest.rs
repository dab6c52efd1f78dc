//! Events in, notifications out: once each, in order, whatever comes at the same time.

use std::{collections::HashSet, sync::Arc};

use notification_svc::{domain::way::Way, ingest::Outcome};
use rand::seq::SliceRandom;
use time::Duration;
use tokio::task::JoinSet;

use super::fixture::{Store, described, now, payment, payment_at};

#[tokio::test]
async fn the_same_event_twice_notifies_once() {
    let store = Store::empty().await;
    let event = [payment("alice", "bob")];
    assert_eq!(store.ingest(Way::JetStream, &event).await, [Outcome::Created(2)]);
    assert_eq!(store.ingest(Way::JetStream, &event).await, [Outcome::AlreadyKnown]);
    assert_eq!(store.ingest(Way::Webhook, &event).await, [Outcome::AlreadyKnown]);

    let (paid, moved) = (payment("bob", "alice"), payment("alice", "alice"));
    let outcomes = [Outcome::Created(2), Outcome::AlreadyKnown, Outcome::Created(1)];
    assert_eq!(store.ingest(Way::Webhook, &[paid.clone(), paid, moved]).await, outcomes);
    assert_eq!(store.told().await["alice"].len(), 3);
    store.is_consistent().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn eight_at_once_with_overlapping_batches_in_every_order_notify_once() {
    let store = Arc::new(Store::empty().await);
    let users = ["alice", "bob", "carol", "dave", "erin", "frank", "grace"];
    let events: Vec<_> = (0..600).map(|number| payment(users[number % 7], users[number / 7 % 7])).collect();
    let mut replicas = JoinSet::new();
    for replica in 0..8 {
        let (store, mut events) = (store.clone(), events.clone());
        events.shuffle(&mut rand::rng());
        let way = if replica % 2 == 0 { Way::JetStream } else { Way::Webhook };
        replicas.spawn(async move {
            let mut created = 0;
            // Each batch repeats half of the one before it.
            for batch in events.windows(100).step_by(50) {
                for outcome in store.ingest(way, batch).await {
                    match outcome {
                        Outcome::Created(_) => created += 1,
                        other => assert_eq!(other, Outcome::AlreadyKnown),
                    }
                }
            }
            created
        });
    }
    let created: usize = replicas.join_all().await.into_iter().sum();
    assert_eq!(created, events.len());
    let parties = |event: &contract::Event| {
        event.data.effects().iter().map(|effect| effect.owner.clone()).collect::<HashSet<_>>().len()
    };
    let told: usize = store.told().await.values().map(Vec::len).sum();
    assert_eq!(told, events.iter().map(parties).sum::<usize>());
    store.is_consistent().await;
}

#[tokio::test]
async fn a_user_is_told_in_the_order_of_the_stream() {
    let store = Store::empty().await;
    let mut events: Vec<_> = (0..300).map(|_| payment("alice", "bob")).collect();
    // The order of ids is another one: the clocks of replicas differ.
    events.shuffle(&mut rand::rng());
    for batch in events.chunks(70) {
        store.ingest(Way::JetStream, batch).await;
    }
    let stream: Vec<_> = (1..).zip(events.iter().map(|event| event.id)).collect();
    let told = store.told().await;
    assert!(told["alice"] == stream && told["bob"] == stream, "in another order than the stream");
}

#[tokio::test]
async fn other_bytes_under_a_known_id_are_a_conflict_and_what_was_told_stands() {
    let store = Store::empty().await;
    let event = payment("alice", "bob");
    assert_eq!(store.ingest(Way::Webhook, std::slice::from_ref(&event)).await, [Outcome::Created(2)]);
    let forged = described(event.clone(), "Something else");
    let outcomes = [Outcome::Conflict, Outcome::Created(2), Outcome::AlreadyKnown];
    assert_eq!(store.ingest(Way::JetStream, &[forged, payment("alice", "bob"), event]).await, outcomes);

    let first = payment("alice", "bob");
    let second = described(first.clone(), "Something else");
    assert_eq!(store.ingest(Way::JetStream, &[first, second]).await, [Outcome::Created(2), Outcome::Conflict]);
    assert_eq!(store.told().await["alice"].len(), 3);
    store.is_consistent().await;
}

#[tokio::test]
async fn an_event_that_cannot_be_stored_fails_alone() {
    let store = Store::empty().await;
    let unstorable = described(payment("alice", "bob"), "Rent\0");
    let too_long = payment("alice", &"x".repeat(129));
    let batch = [payment("alice", "bob"), unstorable, payment("bob", "carol"), too_long, payment("alice", "alice")];
    let outcomes = store.ingest(Way::JetStream, &batch).await;
    assert!(
        matches!(
            &outcomes[..],
            [Outcome::Created(2), Outcome::Refused(_), Outcome::Created(2), Outcome::Refused(_), Outcome::Created(1)]
        ),
        "{outcomes:?}"
    );
    store.is_consistent().await;
}

#[tokio::test]
async fn an_event_older_than_what_is_remembered_makes_nothing() {
    let store = Store::empty().await;
    let old = payment_at(now() - Duration::days(401), "alice", "bob");
    let outcomes = [Outcome::TooOld, Outcome::Created(2)];
    assert_eq!(store.ingest(Way::JetStream, &[old, payment("alice", "bob")]).await, outcomes);
    assert_eq!(store.told().await["alice"].len(), 1);
}
