//! A platform that may send to receivers on this machine, and whoever manages its endpoints.

use anyhow::ensure;
use contract::{
    AccountId, EventId, WebhookEndpointId,
    signature::Secret,
    webhook::{Delivery, DeliveryStatus, WebhookEndpoint},
};
use integration::{
    eventually::eventually,
    people::{Bank, cents},
    receivers::Receiver,
    stack::{
        backing::Backing,
        platform::{Layout, Platform},
        service::ServiceKind,
    },
};
use reqwest::Method;
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, PgPool};

use crate::wire::{Reply, Wire, send};

pub(crate) const ENDPOINTS: &str = "/v1/webhook-endpoints";

pub(crate) struct Scene {
    pub(crate) receiver: Receiver,
    pub(crate) office: Wire,
    pub(crate) bank: Bank,
    /// Of one account, which is paid to.
    pub(crate) account: AccountId,
    pub(crate) database: PgPool,
    pub(crate) platform: Platform,
}

impl Scene {
    pub(crate) async fn set() -> Self {
        Self::with(1).await
    }

    /// With so many replicas of each service. Nothing goes to the platform's own receiver.
    pub(crate) async fn with(replicas: usize) -> Self {
        let receiver = Receiver::start().await.unwrap();
        let allowed = (ServiceKind::Transaction, "WEBHOOKS__ALLOWED_ADDRESSES", receiver.address.to_string());
        let layout = Layout { replicas, push: false, settings: vec![allowed], ..Layout::default() };
        let platform = Platform::start_on(Backing::cloned().await.unwrap(), &layout).await.unwrap();
        let bank = platform.bank().await.unwrap();
        let account = platform.person("ada").unwrap().open_account().await.unwrap().id;
        Self {
            office: Wire::to(&platform.transaction_svc[0]).bearing(platform.service_token().unwrap()),
            database: platform.pool().await.unwrap(),
            receiver,
            bank,
            account,
            platform,
        }
    }

    /// Registers the receiver, for these events or all.
    pub(crate) async fn register(&self, event_types: Value) -> (WebhookEndpointId, Secret) {
        let reply = self.call(Method::POST, "", json!({"url": self.receiver.url(), "event_types": event_types})).await;
        assert_eq!(reply.status, 201, "{reply:?}");
        let endpoint: WebhookEndpoint = serde_json::from_str(&reply.body).unwrap();
        (endpoint.id, endpoint.secret.unwrap().parse().unwrap())
    }

    /// A request about endpoints; the path begins after the collection's.
    pub(crate) async fn call(&self, method: Method, path: &str, body: Value) -> Reply {
        let request = self.office.request(method, &format!("{ENDPOINTS}{path}"));
        match body.is_null() {
            true => send(request).await,
            false => send(request.json(&body)).await,
        }
    }

    pub(crate) async fn pay(&self, times: usize) {
        for _ in 0..times {
            self.bank.fund(self.account, cents(1)).await.unwrap();
        }
    }

    pub(crate) async fn endpoint(&self, id: WebhookEndpointId) -> WebhookEndpoint {
        let reply = self.call(Method::GET, &format!("/{id}"), Value::Null).await;
        serde_json::from_str(&reply.body).unwrap()
    }

    /// All deliveries to an endpoint, at most a page of them.
    pub(crate) async fn deliveries(&self, id: WebhookEndpointId) -> Vec<Delivery> {
        let reply = self.call(Method::GET, &format!("/{id}/deliveries?limit=200"), Value::Null).await;
        serde_json::from_value(reply.json()["data"].clone()).unwrap()
    }

    /// Waits until so many requests came, and gives the ids of their events.
    pub(crate) async fn received(&self, count: usize) -> Vec<EventId> {
        eventually("requests arrive", async || {
            let received = self.receiver.received();
            ensure!(received.len() >= count, "{} of {count} requests", received.len());
            Ok(received.iter().map(|request| request.id().parse().unwrap()).collect())
        })
        .await
    }

    /// Waits until the deliveries to an endpoint are as wanted.
    pub(crate) async fn until(&self, id: WebhookEndpointId, what: &str, wanted: impl Fn(&[Delivery]) -> bool) {
        eventually(what, async || {
            let deliveries = self.deliveries(id).await;
            ensure!(!deliveries.is_empty() && wanted(&deliveries), "{deliveries:#?}");
            Ok(())
        })
        .await;
    }

    /// Waits until all of these deliveries have failed once, and lets the time pass after which they are given up.
    pub(crate) async fn give_up(&self, id: WebhookEndpointId, count: usize) {
        self.until(id, "each has failed once", |all| {
            all.len() == count && all.iter().flat_map(|one| &one.attempts).all(|attempt| attempt.finished_at.is_some())
        })
        .await;
        // The last attempt of each fails, too. Some are under way by now: it is not for us to move them.
        eventually("all are given up", async || {
            self.sql(
                "UPDATE webhook_queue SET failures = 8, due_at = now() WHERE failures < 8 AND leased_until IS NULL",
            )
            .await;
            let deliveries = self.deliveries(id).await;
            let pending = deliveries.iter().filter(|one| one.status != DeliveryStatus::Failed).count();
            ensure!(pending == 0, "{pending} are not");
            Ok(())
        })
        .await;
    }

    /// Lets time pass, as far as the database knows.
    pub(crate) async fn sql(&self, statement: &str) {
        let statement = format!("SET search_path = transactions; {statement}; SET search_path = DEFAULT");
        sqlx::raw_sql(AssertSqlSafe(statement)).execute(&self.database).await.unwrap();
    }

    /// Everything that waits for its next attempt is due.
    pub(crate) async fn let_the_pause_end(&self) {
        self.sql("UPDATE webhook_endpoints SET not_before = NULL; UPDATE webhook_queue SET due_at = now()").await;
    }
}
