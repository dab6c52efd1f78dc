//! A platform that may send to receivers on this machine, and whoever manages its endpoints.

use anyhow::ensure;
use contract::{
    AccountId, EventId, WebhookEndpointId,
    signature::Secret,
    webhook::{Delivery, WebhookEndpoint},
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

pub(super) const ENDPOINTS: &str = "/v1/webhook-endpoints";

pub(super) struct Scene {
    pub(super) receiver: Receiver,
    pub(super) office: Wire,
    pub(super) bank: Bank,
    /// Of one account, which is paid to.
    pub(super) account: AccountId,
    pub(super) database: PgPool,
    pub(super) platform: Platform,
}

impl Scene {
    pub(super) async fn set() -> Self {
        Self::with(1).await
    }

    /// With so many replicas of each service. Nothing goes to the platform's own receiver.
    pub(super) async fn with(replicas: usize) -> Self {
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
    pub(super) async fn register(&self, event_types: Value) -> (WebhookEndpointId, Secret) {
        let reply = self.call(Method::POST, "", json!({"url": self.receiver.url(), "event_types": event_types})).await;
        assert_eq!(reply.status, 201, "{reply:?}");
        let endpoint: WebhookEndpoint = serde_json::from_str(&reply.body).unwrap();
        (endpoint.id, endpoint.secret.unwrap().parse().unwrap())
    }

    /// A request about endpoints; the path begins after the collection's.
    pub(super) async fn call(&self, method: Method, path: &str, body: Value) -> Reply {
        let request = self.office.request(method, &format!("{ENDPOINTS}{path}"));
        match body.is_null() {
            true => send(request).await,
            false => send(request.json(&body)).await,
        }
    }

    pub(super) async fn pay(&self, times: usize) {
        for _ in 0..times {
            self.bank.fund(self.account, cents(1)).await.unwrap();
        }
    }

    pub(super) async fn endpoint(&self, id: WebhookEndpointId) -> WebhookEndpoint {
        let reply = self.call(Method::GET, &format!("/{id}"), Value::Null).await;
        serde_json::from_str(&reply.body).unwrap()
    }

    /// All deliveries to an endpoint, at most a page of them.
    pub(super) async fn deliveries(&self, id: WebhookEndpointId) -> Vec<Delivery> {
        let reply = self.call(Method::GET, &format!("/{id}/deliveries?limit=200"), Value::Null).await;
        serde_json::from_value(reply.json()["data"].clone()).unwrap()
    }

    /// Waits until so many requests came, and gives the ids of their events.
    pub(super) async fn received(&self, count: usize) -> Vec<EventId> {
        eventually("requests arrive", async || {
            let received = self.receiver.received();
            ensure!(received.len() >= count, "{} of {count} requests", received.len());
            Ok(received.iter().map(|request| request.id().parse().unwrap()).collect())
        })
        .await
    }

    /// Waits until the deliveries to an endpoint are as wanted.
    pub(super) async fn until(&self, id: WebhookEndpointId, what: &str, wanted: impl Fn(&[Delivery]) -> bool) {
        eventually(what, async || {
            let deliveries = self.deliveries(id).await;
            ensure!(!deliveries.is_empty() && wanted(&deliveries), "{deliveries:#?}");
            Ok(())
        })
        .await;
    }

    /// Lets time pass, as far as the database knows.
    pub(super) async fn sql(&self, statement: &str) {
        let statement = format!("SET search_path = transactions; {statement}; SET search_path = DEFAULT");
        sqlx::raw_sql(AssertSqlSafe(statement)).execute(&self.database).await.unwrap();
    }

    /// Everything that waits for its next attempt is due.
    pub(super) async fn let_the_pause_end(&self) {
        self.sql("UPDATE webhook_endpoints SET not_before = NULL; UPDATE webhook_queue SET due_at = now()").await;
    }
}
