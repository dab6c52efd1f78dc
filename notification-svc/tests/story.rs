//! Notifications: each party of each event is told exactly once, whichever ways bring the event, and however often.

use std::{collections::HashMap, sync::Arc};

use contract::{
    AccountId, Amount, Currency, Event, EventId, EventKind, MinorUnits, NotificationId, TransactionId,
    account::Metadata,
    event::{Actor, EventData, EventEffect, TransactionData, TransactionSnapshot},
    notification::{
        NotificationCounts,
        NotificationStatus::{self, Archived, Read, Unread},
    },
    transaction::TransactionStatus,
};
use notification_svc::{
    domain::way::Way,
    ingest::{Arrival, Ingest, Outcome},
    metrics::IngestMetrics,
    store::inbox::{Filter, Inbox},
};
use rand::seq::SliceRandom;
use service_kit::clock::{SharedClock, SystemClock};
use sqlx::PgPool;
use time::{Duration, OffsetDateTime};
use tokio::task::JoinSet;

/// The notification service's store, without the service around it.
struct Notifications {
    pool: PgPool,
    clock: SharedClock,
    ingest: Ingest,
    inbox: Inbox,
}

impl Notifications {
    async fn empty() -> Self {
        let admin = "postgres://admin@127.0.0.1:54329";
        let name = format!("story_{:016x}", rand::random::<u64>());
        let server = PgPool::connect(&format!("{admin}/postgres")).await.unwrap();
        sqlx::raw_sql(sqlx::AssertSqlSafe(format!("CREATE DATABASE {name}"))).execute(&server).await.unwrap();
        let owner = PgPool::connect(&format!("{admin}/{name}")).await.unwrap();
        sqlx::raw_sql("CREATE SCHEMA notifications AUTHORIZATION notification_svc_migrator; GRANT USAGE ON SCHEMA notifications TO notification_svc").execute(&owner).await.unwrap();
        let mut migrator = <sqlx::PgConnection as sqlx::Connection>::connect(&format!(
            "postgres://notification_svc_migrator@127.0.0.1:54329/{name}"
        ))
        .await
        .unwrap();
        notification_svc::store::schema::migrate(&mut migrator).await.unwrap();
        let pool = PgPool::connect(&format!("postgres://notification_svc@127.0.0.1:54329/{name}")).await.unwrap();
        Self::of(pool)
    }

    fn of(pool: PgPool) -> Self {
        let clock: SharedClock = Arc::new(SystemClock);
        let metrics = IngestMetrics::register(&prometheus::Registry::new()).unwrap();
        let ingest = Ingest::new(pool.clone(), clock.clone(), metrics);
        Self { inbox: Inbox::new(&pool), pool, clock, ingest }
    }

    async fn ingest(&self, way: Way, events: &[Event]) -> Vec<Outcome> {
        self.ingest.ingest(way, &arrivals(events)).await.expect("the database is there")
    }

    /// Per user and in the order of positions: which events the user was told of.
    async fn told(&self) -> HashMap<String, Vec<(i64, EventId)>> {
        let rows: Vec<(String, i64, uuid::Uuid)> =
            sqlx::query_as("SELECT recipient, position, event_id FROM notifications ORDER BY recipient, position")
                .fetch_all(&self.pool)
                .await
                .unwrap();
        let mut told = HashMap::<_, Vec<_>>::new();
        for (recipient, position, event) in rows {
            told.entry(recipient).or_default().push((position, EventId::from_uuid(event)));
        }
        told
    }

    /// Positions are 1, 2, 3 … for each user, and the counters say what counting says.
    async fn assert_consistent(&self) {
        for (user, told) in self.told().await {
            let positions: Vec<_> = told.iter().map(|(position, _)| *position).collect();
            assert_eq!(positions, (1..).take(told.len()).collect::<Vec<i64>>(), "positions of {user}");
        }
        let (different,): (i64,) = sqlx::query_as(
            "SELECT count(*) FROM notification_counters FULL JOIN (
                 SELECT recipient, max(position) AS last_position, count(*) FILTER (WHERE status = 'unread') AS unread,
                        count(*) FILTER (WHERE status = 'read') AS read, count(*) FILTER (WHERE status = 'archived') AS archived
                 FROM notifications GROUP BY recipient
             ) AS counted USING (recipient, last_position, unread, read, archived)
             WHERE notification_counters IS NULL OR counted IS NULL",
        )
        .fetch_one(&self.pool)
        .await
        .unwrap();
        assert_eq!(different, 0, "counters that differ from what they count");
        let (deadlocks,): (i64,) =
            sqlx::query_as("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
                .fetch_one(&self.pool)
                .await
                .unwrap();
        assert_eq!(deadlocks, 0);
    }
}

fn arrivals(events: &[Event]) -> Vec<Arrival> {
    events.iter().map(|event| Arrival::decode(&event.encode().unwrap()).unwrap()).collect()
}

/// A payment of 12.50 euros.
fn payment(from: &str, to: &str) -> Event {
    payment_at(OffsetDateTime::from_unix_timestamp(1_900_000_000).unwrap().min(SystemTimeNow::now()), from, to)
}
struct SystemTimeNow;
impl SystemTimeNow {
    fn now() -> OffsetDateTime {
        service_kit::clock::Clock::now(&SystemClock)
    }
}

fn payment_at(time: OffsetDateTime, from: &str, to: &str) -> Event {
    let (source, destination) = (AccountId::new(time, rand::random()), AccountId::new(time, rand::random()));
    let amount = Amount::new(1250).unwrap();
    let effect = |account, owner: &str, amount| EventEffect {
        account,
        owner: owner.to_owned(),
        notify: true,
        amount,
        sequence: 8,
        posted_after: MinorUnits::new(5000),
        available_after: Some(MinorUnits::new(5000)),
    };
    let transaction = TransactionSnapshot {
        id: TransactionId::new(time, rand::random()),
        status: TransactionStatus::Posted,
        source,
        destination,
        amount,
        currency: Currency::EUR,
        captured_amount: amount.credit(),
        refunded_amount: MinorUnits::ZERO,
        description: Some("Rent".to_owned()),
        reference: None,
        metadata: Metadata::new(),
    };
    Event {
        id: EventId::new(time, rand::random()),
        kind: EventKind::TransactionPosted,
        time,
        traceparent: None,
        data: EventData::Transaction(TransactionData {
            transaction,
            actor: Actor { iss: "https://issuer.example".to_owned(), sub: from.to_owned() },
            effects: vec![effect(source, from, amount.debit()), effect(destination, to, amount.credit())],
        }),
    }
}

fn described(mut event: Event, description: &str) -> Event {
    if let EventData::Transaction(data) = &mut event.data {
        data.transaction.description = Some(description.to_owned());
    }
    event
}

#[tokio::test]
async fn the_same_event_twice_notifies_once() {
    let notifications = Notifications::empty().await;
    let event = [payment("alice", "bob")];
    assert_eq!(notifications.ingest(Way::JetStream, &event).await, [Outcome::Created(2)]);
    assert_eq!(notifications.ingest(Way::JetStream, &event).await, [Outcome::AlreadyKnown]);
    assert_eq!(notifications.ingest(Way::Webhook, &event).await, [Outcome::AlreadyKnown]);
    let twice = [payment("bob", "alice"), payment("alice", "alice")];
    let batch = [twice[0].clone(), twice[0].clone(), twice[1].clone()];
    let outcomes = [Outcome::Created(2), Outcome::AlreadyKnown, Outcome::Created(1)];
    assert_eq!(notifications.ingest(Way::Webhook, &batch).await, outcomes);
    notifications.assert_consistent().await;
    assert_eq!(notifications.told().await["alice"].len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn eight_at_once_with_overlapping_batches_in_every_order_notify_once() {
    let notifications = Arc::new(Notifications::empty().await);
    let users = ["alice", "bob", "carol", "dave", "erin", "frank", "grace"];
    let events: Vec<_> = (0..600).map(|n| payment(users[n % 7], users[(n / 7) % 7])).collect();
    let mut replicas = JoinSet::new();
    for replica in 0..8 {
        let (notifications, mut events) = (notifications.clone(), events.clone());
        events.shuffle(&mut rand::rng());
        let way = if replica % 2 == 0 { Way::JetStream } else { Way::Webhook };
        replicas.spawn(async move {
            let mut created = 0;
            // Each batch repeats half of the one before it.
            for batch in events.windows(100).step_by(50) {
                let outcomes = notifications.ingest(way, batch).await;
                created += outcomes.iter().filter(|outcome| matches!(outcome, Outcome::Created(_))).count();
                assert!(outcomes.iter().all(|outcome| matches!(outcome, Outcome::Created(_) | Outcome::AlreadyKnown)));
            }
            created
        });
    }
    assert_eq!(replicas.join_all().await.into_iter().sum::<usize>(), events.len());
    notifications.assert_consistent().await;
    let parties: usize = events
        .iter()
        .map(|event| if event.data.effects()[0].owner == event.data.effects()[1].owner { 1 } else { 2 })
        .sum();
    assert_eq!(notifications.told().await.values().map(Vec::len).sum::<usize>(), parties);
}

#[tokio::test]
async fn a_user_is_told_in_the_order_of_the_stream() {
    let notifications = Notifications::empty().await;
    // Ids are not in that order: the clocks of replicas differ.
    let mut events: Vec<_> = (0..300).map(|_| payment("alice", "bob")).collect();
    events.shuffle(&mut rand::rng());
    for batch in events.chunks(70) {
        notifications.ingest(Way::JetStream, batch).await;
    }
    let stream: Vec<_> = (1..).zip(events.iter().map(|event| event.id)).collect();
    assert_eq!(notifications.told().await["alice"], stream);
    assert_eq!(notifications.told().await["bob"], stream);
}

#[tokio::test]
async fn other_bytes_under_a_known_id_are_a_conflict_and_the_first_stand() {
    let notifications = Notifications::empty().await;
    let event = payment("alice", "bob");
    let forged = described(event.clone(), "Something else");
    assert_eq!(notifications.ingest(Way::Webhook, &[event.clone()]).await, [Outcome::Created(2)]);
    let batch = [forged, payment("alice", "bob"), event];
    let outcomes = [Outcome::Conflict, Outcome::Created(2), Outcome::AlreadyKnown];
    assert_eq!(notifications.ingest(Way::JetStream, &batch).await, outcomes);
    let first = payment("alice", "bob");
    let batch = [first.clone(), described(first, "Something else")];
    assert_eq!(notifications.ingest(Way::JetStream, &batch).await, [Outcome::Created(2), Outcome::Conflict]);
    notifications.assert_consistent().await;
}

#[tokio::test]
async fn an_event_that_cannot_be_stored_fails_alone() {
    let notifications = Notifications::empty().await;
    let bad = described(payment("alice", "bob"), "U+0000: \0");
    let nobody = payment("alice", &"x".repeat(129));
    let batch = [payment("alice", "bob"), bad, payment("bob", "carol"), nobody, payment("alice", "alice")];
    let outcomes = notifications.ingest(Way::JetStream, &batch).await;
    assert!(
        matches!(
            &outcomes[..],
            [Outcome::Created(2), Outcome::Refused(_), Outcome::Created(2), Outcome::Refused(_), Outcome::Created(1)]
        ),
        "{outcomes:?}"
    );
    notifications.assert_consistent().await;
}

#[tokio::test]
async fn an_event_older_than_what_is_remembered_makes_nothing() {
    let notifications = Notifications::empty().await;
    let old = payment_at(notifications.clock.now() - Duration::days(401), "alice", "bob");
    let batch = [old, payment("alice", "bob")];
    assert_eq!(notifications.ingest(Way::JetStream, &batch).await, [Outcome::TooOld, Outcome::Created(2)]);
    assert_eq!(notifications.told().await["alice"].len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn counters_stay_exact_while_everything_happens_at_once() {
    let notifications = Arc::new(Notifications::empty().await);
    let batch: Vec<_> = (0..60).map(|_| payment("alice", "bob")).collect();
    notifications.ingest(Way::JetStream, &batch).await;
    let ids: Vec<_> = notifications.list("alice").await;
    let mut working = JoinSet::new();
    for worker in 0..8 {
        let (notifications, ids) = (notifications.clone(), ids.clone());
        working.spawn(async move {
            for (turn, id) in ids.into_iter().enumerate() {
                match (worker + turn) % 8 {
                    0 => drop(
                        notifications.ingest(Way::Webhook, &[payment("bob", "alice"), payment("alice", "bob")]).await,
                    ),
                    1 => drop(notifications.inbox.read_all("alice", notifications.clock.now()).await.unwrap()),
                    other => {
                        let status = [Unread, Read, Archived][other % 3];
                        let now = notifications.clock.now();
                        let changed = notifications.inbox.change("alice", id, status, now).await.unwrap().unwrap();
                        assert_eq!(changed.status, status);
                    }
                }
            }
        });
    }
    working.join_all().await;
    notifications.assert_consistent().await;
    let counts = notifications.inbox.read_all("alice", notifications.clock.now()).await.unwrap();
    assert_eq!(counts.unread, 0);
    assert_eq!(counts, notifications.inbox.counts("alice").await.unwrap());
    notifications.assert_consistent().await;
}

impl Notifications {
    async fn list(&self, user: &str) -> Vec<NotificationId> {
        let rows = self.inbox.list(user, Filter::default(), None, 1_000).await.unwrap();
        rows.into_iter().map(|notification| notification.id).collect()
    }
}

#[tokio::test]
async fn repeated_commands_change_nothing() {
    let notifications = Notifications::empty().await;
    notifications.ingest(Way::JetStream, &[payment("alice", "bob"), payment("alice", "bob")]).await;
    let id = notifications.list("alice").await[0];
    let change = async |status: NotificationStatus| {
        let now = notifications.clock.now();
        notifications.inbox.change("alice", id, status, now).await.unwrap().unwrap()
    };
    assert_eq!(change(Read).await, change(Read).await);
    assert_eq!(change(Archived).await, change(Archived).await);
    assert_eq!(
        notifications.inbox.counts("alice").await.unwrap(),
        NotificationCounts { unread: 1, read: 0, archived: 1 }
    );
    assert_eq!(change(Unread).await.read_at, None);
    let bobs = notifications.inbox.change("bob", id, Read, notifications.clock.now()).await.unwrap();
    assert_eq!(bobs, None, "another's notification");
    notifications.assert_consistent().await;
}
