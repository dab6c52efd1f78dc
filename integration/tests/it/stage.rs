//! Where most stories play: alice, who has EUR 1,000, bob, who has nothing yet, and the bank that money comes from.

use std::{sync::Arc, time::Duration};

use contract::{AccountId, TransactionId};
use integration::{
    eventually::eventually,
    history::{
        check::{InboxOrder, check},
        evidence::Evidence,
        told::History,
    },
    people::{Bank, cents},
    stack::{
        backing::Backing,
        identity::{SERVICE_SCOPES, USER_SCOPES},
        platform::{Layout, Platform},
        service::ServiceKind,
    },
};
use prometheus::Registry;
use serde_json::json;
use service_kit::{clock::SystemClock, config::RedisConfig, health::Health, redis::Redis, tasks::Tasks};
use sqlx::PgPool;

use crate::{rows::Rows, wire::Wire};

/// What alice has.
pub(crate) const FUNDS: i64 = 100_000;
pub(crate) const ACCOUNTS: &str = "/v1/accounts";
pub(crate) const TRANSACTIONS: &str = "/v1/transactions";
pub(crate) const NOTIFICATIONS: &str = "/v1/users/me/notifications";

pub(crate) struct Stage {
    evidence: Evidence,
    ledgers: Vec<Wire>,
    inboxes: Vec<Wire>,
    pub(crate) bank: Bank,
    pub(crate) alice: AccountId,
    pub(crate) bob: AccountId,
    pub(crate) platform: Platform,
}

impl Stage {
    /// With so many replicas of each service.
    pub(crate) async fn with(replicas: usize) -> Self {
        Self::laid_out(&Layout { replicas, ..Layout::default() }).await
    }

    /// With services that run like this.
    pub(crate) async fn laid_out(layout: &Layout) -> Self {
        Self::on(Backing::cloned().await.unwrap(), layout).await
    }

    /// Without the push path, so that everybody is told over the stream.
    pub(crate) async fn over_jetstream_alone() -> Self {
        Self::laid_out(&Layout { push: false, ..Layout::default() }).await
    }

    /// On these servers.
    pub(crate) async fn on(backing: Backing, layout: &Layout) -> Self {
        let platform = Platform::start_on(backing, layout).await.unwrap();
        let bank = platform.bank().await.unwrap();
        let [alice, bob] = ["alice", "bob"].map(|name| platform.person(name).unwrap());
        let alice = bank.open_funded(&alice, cents(FUNDS)).await.unwrap().id;
        let bob = bob.open_account().await.unwrap().id;
        Self {
            evidence: Evidence::of(&platform).await.unwrap(),
            ledgers: platform.transaction_svc.iter().map(Wire::to).collect(),
            inboxes: platform.notification_svc.iter().map(Wire::to).collect(),
            bank,
            alice,
            bob,
            platform,
        }
    }

    /// The platform's database, as its superuser sees it.
    pub(crate) const fn database(&self) -> &PgPool {
        &self.evidence.database
    }

    /// The platform's Redis, for commands of the test's own.
    pub(crate) fn redis(&self) -> Redis {
        let config: RedisConfig =
            serde_json::from_value(json!({"url": self.platform.backing.redis.url, "timeout_ms": 5_000})).unwrap();
        Redis::start(&config, &Registry::new(), &Health::new(Arc::new(SystemClock)), &Tasks::new()).unwrap()
    }

    /// So many payments of a cent from alice to bob.
    pub(crate) async fn pay(&self, count: usize) {
        let alice = self.platform.person("alice").unwrap();
        for _ in 0..count {
            alice.pay(self.alice, self.bob, cents(1)).await.unwrap();
        }
    }

    /// Waits until nothing waits anywhere.
    pub(crate) async fn at_rest(&self) {
        self.evidence.at_rest().await.unwrap();
    }

    /// What the ledger has written.
    pub(crate) async fn rows(&self) -> Rows {
        Rows::count(&self.evidence.database).await
    }

    /// Waits until everything has come to rest, and finds the books, the events and the inboxes in order.
    pub(crate) async fn assert_in_order(&self) {
        let violations = check(&History::default(), &self.evidence, InboxOrder::Any).await.unwrap();
        assert!(violations.is_empty(), "{violations:#?}");
    }

    /// The first replica of a service, for nobody in particular.
    pub(crate) fn anonymous(&self, service: ServiceKind) -> &Wire {
        match service {
            ServiceKind::Transaction => &self.ledgers[0],
            ServiceKind::Notification => &self.inboxes[0],
        }
    }

    /// The ledger's first replica, with the token of this user's app.
    pub(crate) fn wire(&self, user: &str) -> Wire {
        self.wire_at(0, user)
    }

    pub(crate) fn wire_at(&self, replica: usize, user: &str) -> Wire {
        self.ledgers[replica].bearing(self.token(user, USER_SCOPES))
    }

    /// The same, with the token of the back office.
    pub(crate) fn office(&self) -> Wire {
        self.wire_with("service", SERVICE_SCOPES)
    }

    /// The same, with a token of these scopes.
    pub(crate) fn wire_with(&self, user: &str, scope: &str) -> Wire {
        self.ledgers[0].bearing(self.token(user, scope))
    }

    /// The notification service's first replica, with the token of this user's app.
    pub(crate) fn inbox(&self, user: &str) -> Wire {
        self.inboxes[0].bearing(self.token(user, USER_SCOPES))
    }

    pub(crate) fn token(&self, user: &str, scope: &str) -> String {
        self.platform.backing.issuer.token(user, scope, Duration::from_secs(600)).unwrap()
    }
}

/// Under which key Redis has a transaction.
pub(crate) fn cached_as(id: TransactionId) -> String {
    format!("transaction-svc:transaction:{id}")
}

/// The body of a payment in euros.
pub(crate) fn payment(source: AccountId, destination: AccountId, amount: i64) -> String {
    json!({"source": source, "destination": destination, "amount": amount.to_string(), "currency": "EUR"}).to_string()
}

/// The body of a new account in euros.
pub(crate) fn account(owner: &str) -> String {
    json!({"owner": owner, "currency": "EUR"}).to_string()
}

/// Waits until what has happened by now happened in a second that is over: commands tell moments by the second.
pub(crate) async fn next_second(database: &PgPool) {
    let second = async || -> f64 {
        let second = sqlx::query_scalar("SELECT extract(epoch FROM date_trunc('second', clock_timestamp()))::float8");
        second.fetch_one(database).await.unwrap()
    };
    let now = second().await;
    eventually("the second is over", async || {
        anyhow::ensure!(second().await > now);
        Ok(())
    })
    .await;
}
