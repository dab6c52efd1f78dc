//! Receivers of webhooks that are to be told of everything, whatever becomes of them meanwhile.

use std::{collections::BTreeSet, time::Duration};

use anyhow::{Context, ensure};
use contract::{EventId, WebhookEndpointId, signature::Secret, webhook::WebhookEndpoint};
use serde_json::json;
use sqlx::{PgPool, raw_sql};

use crate::{
    eventually::within,
    history::told::Listener,
    receivers::{Manner, Receiver},
    stack::platform::Platform,
};

const RECEIVERS: usize = 3;
const PATIENCE: Duration = Duration::from_secs(120);

#[derive(Debug)]
pub(super) struct Audience {
    receivers: Vec<Receiver>,
    endpoints: Vec<(WebhookEndpointId, Secret)>,
}

impl Audience {
    pub(super) async fn gather() -> anyhow::Result<Self> {
        let mut receivers = Vec::new();
        for _ in 0..RECEIVERS {
            receivers.push(Receiver::start().await?);
        }
        Ok(Self { receivers, endpoints: Vec::new() })
    }

    /// `host:port`, as the ledger's configuration has them.
    pub(super) fn addresses(&self) -> String {
        let addresses: Vec<_> = self.receivers.iter().map(|receiver| receiver.address.to_string()).collect();
        addresses.join(",")
    }

    /// From now on they are to be told.
    pub(super) async fn register(&mut self, platform: &Platform) -> anyhow::Result<()> {
        let ledger = platform.transaction_svc.first().context("nobody to register with")?;
        let (http, token) = (reqwest::Client::new(), platform.service_token()?);
        for receiver in &self.receivers {
            let registration = http
                .post(ledger.url.join("v1/webhook-endpoints")?)
                .bearer_auth(&token)
                .json(&json!({"url": receiver.url()}));
            let answer = registration.send().await?.error_for_status()?;
            let endpoint: WebhookEndpoint = answer.json().await?;
            self.endpoints.push((endpoint.id, endpoint.secret.context("a new endpoint has a secret")?.parse()?));
        }
        Ok(())
    }

    pub(super) fn receiver(&self, choice: u32) -> &Receiver {
        &self.receivers[choice as usize % self.receivers.len()]
    }

    /// Everybody behaves well, and as far as the database knows, the pauses between attempts pass quickly, and so do the
    /// leases of attempts that have come to their end.
    pub(super) async fn hear_the_rest(&self, database: &PgPool) -> anyhow::Result<()> {
        self.receivers.iter().for_each(|receiver| receiver.behave(Manner::Status(200)));
        within(PATIENCE, "every webhook is delivered", async || {
            raw_sql(
                "UPDATE transactions.webhook_endpoints SET not_before = NULL WHERE not_before IS NOT NULL;
                 UPDATE transactions.webhook_queue SET due_at = clock_timestamp()
                 WHERE due_at > clock_timestamp() + interval '1 s' AND leased_until IS NULL;
                 UPDATE transactions.webhook_queue SET leased_until = NULL
                 WHERE leased_until < clock_timestamp() + interval '40 s'",
            )
            .execute(database)
            .await?;
            let waiting: i64 =
                sqlx::query_scalar("SELECT count(*) FROM transactions.webhook_queue").fetch_one(database).await?;
            ensure!(waiting == 0, "{waiting} deliveries wait");
            Ok(())
        })
        .await
    }

    /// Whose signature does not fit has not been heard.
    pub(super) fn testify(&self) -> Vec<Listener> {
        let testimonies = self.receivers.iter().zip(&self.endpoints).map(|(receiver, (endpoint, secret))| {
            let accepted = receiver
                .received()
                .into_iter()
                .filter(|request| request.is_accepted() && request.verify(std::slice::from_ref(secret)).is_ok());
            let heard: BTreeSet<EventId> = accepted.filter_map(|request| request.id().parse().ok()).collect();
            Listener { endpoint: *endpoint, heard: heard.into_iter().collect() }
        });
        testimonies.collect()
    }
}
