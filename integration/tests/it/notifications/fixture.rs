//! The notification service's store without the service around it, and events to put in.

use std::{collections::HashMap, sync::Arc};

use contract::{
    AccountId, Amount, Currency, Event, EventId, EventKind, MinorUnits, NotificationId, TransactionId,
    account::Metadata,
    event::{Actor, EventData, EventEffect, TransactionData, TransactionSnapshot},
    notification::Locale,
    transaction::TransactionStatus,
};
use integration::{
    config::RunningServers,
    eventually::eventually,
    stack::{database::Database, platform::Platform, provision::NOTIFICATIONS},
};
use messaging::{NatsConfig, OutgoingMessage, Publisher, Role, Subject};
use notification_svc::{
    domain::{preferences::Preferences, way::Way},
    ingest::{Arrival, Ingest, Outcome},
    live::Registry,
    metrics::IngestMetrics,
    store::{
        inbox::{Filter, Inbox},
        preferences::PreferenceStore,
    },
};
use prometheus::IntGauge;
use service_kit::clock::{Clock, SystemClock};
use sqlx::PgPool;
use time::OffsetDateTime;
use uuid::Uuid;

pub(crate) struct Store {
    pub(crate) pool: PgPool,
    pub(crate) inbox: Inbox,
    pub(crate) preferences: PreferenceStore,
    ingest: Ingest,
    _database: Option<Database>,
}

impl Store {
    pub(crate) async fn empty() -> Self {
        let server = RunningServers::from_environment().unwrap().postgres.expect("`make test` provides Postgres");
        let database = Database::clone_template(&server).await.unwrap();
        let store = Self::of(&database).await;
        Self { _database: Some(database), ..store }
    }

    /// That of a running platform.
    pub(crate) async fn of(database: &Database) -> Self {
        let pool = PgPool::connect(database.service(NOTIFICATIONS).as_str()).await.unwrap();
        let metrics = IngestMetrics::register(&service_kit::metrics::registry().unwrap()).unwrap();
        let live = Registry::new(0, IntGauge::new("open", "Nobody streams from here.").unwrap());
        let ingest = Ingest::new(pool.clone(), Arc::new(SystemClock), metrics, live);
        Self {
            inbox: Inbox::new(&pool),
            preferences: PreferenceStore::new(pool.clone()),
            ingest,
            pool,
            _database: None,
        }
    }

    pub(crate) async fn ingest(&self, way: Way, events: &[Event]) -> Vec<Outcome> {
        let arrivals: Vec<_> = events.iter().map(|event| Arrival::decode(&event.encode().unwrap()).unwrap()).collect();
        self.ingest.ingest(way, &arrivals).await.expect("the database is there")
    }

    /// Of each user: what the user was told of, in the order of positions.
    pub(crate) async fn told(&self) -> HashMap<String, Vec<(i64, EventId)>> {
        let rows: Vec<(String, i64, Uuid)> =
            sqlx::query_as("SELECT recipient, position, event_id FROM notifications ORDER BY recipient, position")
                .fetch_all(&self.pool)
                .await
                .unwrap();
        let mut told = HashMap::<_, Vec<_>>::new();
        for (user, position, event) in rows {
            told.entry(user).or_default().push((position, EventId::from_uuid(event)));
        }
        told
    }

    /// The notification of this event, whether it is shown or not.
    pub(crate) async fn id(&self, user: &str, event: EventId) -> NotificationId {
        let id: Uuid = sqlx::query_scalar("SELECT id FROM notifications WHERE recipient = $1 AND event_id = $2")
            .bind(user)
            .bind(event.uuid())
            .fetch_one(&self.pool)
            .await
            .unwrap();
        NotificationId::from_uuid(id)
    }

    /// How many sessions wait for a lock of another one.
    pub(super) async fn waiting_for_locks(&self) -> i64 {
        let waiting =
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
        sqlx::query_scalar(waiting).fetch_one(&self.pool).await.unwrap()
    }

    /// What the user is told of from now on.
    pub(crate) async fn choose(&self, user: &str, locale: Locale, muted: &[EventKind]) {
        let muted_types = muted.iter().copied().collect();
        let preferences = Preferences { locale, muted_types, updated_at: Some(now()) };
        self.preferences.replace(user, &preferences).await.unwrap();
    }

    /// The newest first.
    pub(crate) async fn ids(&self, user: &str) -> Vec<NotificationId> {
        let listed = self.inbox.list(user, Filter::default(), None, 1_000).await.unwrap();
        listed.notifications.into_iter().map(|notification| notification.id).collect()
    }

    /// Positions are 1, 2, 3 … for each user, counters say what counting says, and nothing was sorted out by Postgres.
    pub(crate) async fn is_consistent(&self) {
        for (user, told) in self.told().await {
            let positions: Vec<_> = told.iter().map(|(position, _)| *position).collect();
            let gapless: Vec<_> = (1..).take(told.len()).collect();
            assert_eq!(positions, gapless, "positions of {user}");
        }
        let wrong_counters: i64 = sqlx::query_scalar(
            "SELECT count(*) FROM notification_counters AS counter FULL JOIN (
                 SELECT recipient, max(position) AS last_position,
                        count(*) FILTER (WHERE status = 'unread' AND NOT muted) AS unread,
                        count(*) FILTER (WHERE status = 'read') AS read,
                        count(*) FILTER (WHERE status = 'archived') AS archived
                 FROM notifications GROUP BY recipient
             ) AS counted USING (recipient, last_position, unread, read, archived)
             WHERE counter IS NULL OR counted IS NULL",
        )
        .fetch_one(&self.pool)
        .await
        .unwrap();
        assert_eq!(wrong_counters, 0);
        let deadlocks: i64 =
            sqlx::query_scalar("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
                .fetch_one(&self.pool)
                .await
                .unwrap();
        assert_eq!(deadlocks, 0);
    }
}

pub(crate) fn now() -> OffsetDateTime {
    SystemClock.now()
}

/// 12.50 euros for the rent, now.
pub(crate) fn payment(from: &str, to: &str) -> Event {
    payment_at(now(), from, to)
}

pub(crate) fn payment_at(time: OffsetDateTime, from: &str, to: &str) -> Event {
    let (source, destination) = (AccountId::new(time, rand::random()), AccountId::new(time, rand::random()));
    let amount = Amount::new(1250).unwrap();
    let transaction = TransactionSnapshot {
        id: TransactionId::new(time, rand::random()),
        status: TransactionStatus::Posted,
        source,
        destination,
        amount,
        currency: Currency::EUR,
        captured_amount: amount.credit(),
        refunded_amount: MinorUnits::ZERO,
        expires_at: None,
        description: Some("Rent".to_owned()),
        reference: None,
        metadata: Metadata::new(),
    };
    let actor = Actor { iss: "https://issuer.example".to_owned(), sub: from.to_owned() };
    let effects = vec![effect(source, from, amount.debit()), effect(destination, to, amount.credit())];
    Event {
        id: EventId::new(time, rand::random()),
        kind: EventKind::TransactionPosted,
        time,
        traceparent: None,
        data: EventData::Transaction(TransactionData { transaction, refund: None, actor, effects }),
    }
}

fn effect(account: AccountId, owner: &str, amount: MinorUnits) -> EventEffect {
    EventEffect {
        account,
        owner: owner.to_owned(),
        notify: true,
        amount,
        sequence: 8,
        posted_after: MinorUnits::new(5000),
        available_after: Some(MinorUnits::new(5000)),
    }
}

/// The same event with another description, and so with other bytes.
pub(crate) fn described(mut event: Event, description: &str) -> Event {
    if let EventData::Transaction(data) = &mut event.data {
        data.transaction.description = Some(description.to_owned());
    }
    event
}

/// Publishes to the stream of events, in place of the relay of a ledger that decided nothing.
pub(crate) async fn publish(platform: &Platform, messages: Vec<(EventId, Vec<u8>)>) {
    let login = platform.backing.nats.login(Role::TransactionSvc);
    let config =
        NatsConfig { url: platform.backing.nats.url.to_string(), user: login.user, password: login.password.into() };
    let publisher = Publisher::new(messaging::connect(&config, Role::TransactionSvc, "test").await.unwrap());
    let messages: Vec<_> = messages
        .into_iter()
        .map(|(id, body)| OutgoingMessage {
            id,
            subject: Subject::of(EventKind::TransactionPosted, Uuid::nil()),
            body: body.into(),
            traceparent: None,
        })
        .collect();
    let last = eventually("the stream answers", async || Ok(publisher.stream_state().await?)).await.last_sequence;
    let outcome = publisher.publish_in_order(&messages, last).await;
    assert_eq!(outcome.acknowledged.len(), messages.len(), "{:?}", outcome.end);
}

pub(crate) fn message(event: &Event) -> (EventId, Vec<u8>) {
    (event.id, event.encode().unwrap())
}
