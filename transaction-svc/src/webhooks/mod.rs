//! Webhooks: the second way of an event to its receivers, which needs no NATS.
//!
//! The dispatcher turns the writer's pointers into deliveries, one for each endpoint that is older than the event and wants
//! its type. The deliverer leases what is due, sends it signed as [Standard Webhooks](https://www.standardwebhooks.com)
//! has it, and records what became of it; what failed is tried again by the schedule. Each event reaches each endpoint at
//! least once, in no particular order: receivers recognise repeats by the event's id and the order by the sequences in it.

pub mod address;
mod deliver;
mod dispatch;
mod hand;
pub mod keys;
mod record;
pub mod schedule;
mod send;
mod targets;

use std::{sync::Arc, time::Duration};

use contract::signature::{InvalidSecret, Secret};
use secrecy::{ExposeSecret, SecretString};
use service_kit::{clock::SharedClock, tasks::Tasks};
use sqlx::PgPool;
use tokio::sync::Notify;
use url::Url;

use crate::{
    config::OwnEndpointConfig,
    metrics::WebhookMetrics,
    store::{StoreError, webhooks::endpoints},
    upkeep,
    writer::Committed,
};
use address::AllowedAddresses;
use keys::EncryptionKeys;
use send::Sender;
use targets::Targets;

/// How many requests to one endpoint may be under way.
const PER_ENDPOINT: usize = 8;
/// The rounds of dispatcher, deliverer and recorder follow each other no faster than this: each costs a commit however
/// much it carries, and under load the next one carries what came meanwhile.
const SHORTEST_ROUND: Duration = Duration::from_millis(10);
/// The operator's name for the platform's own endpoint.
const OWN_ENDPOINT: &str = "notification-svc";

/// The webhooks of one replica.
#[derive(Debug)]
pub struct Webhooks {
    pool: PgPool,
    clock: SharedClock,
    metrics: Arc<WebhookMetrics>,
    committed: Arc<Committed>,
    per_endpoint: usize,
    own_places: usize,
    targets: Targets,
    sender: Sender,
    /// Told that something was dispatched.
    due: Notify,
}

/// What webhooks need.
#[derive(Debug)]
pub struct Parts {
    pub pool: PgPool,
    pub clock: SharedClock,
    pub metrics: Arc<WebhookMetrics>,
    pub committed: Arc<Committed>,
    pub keys: EncryptionKeys,
    pub allowed: AllowedAddresses,
    pub own_endpoint: Option<OwnEndpointConfig>,
}

/// What is configured cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    #[error("a secret of the own endpoint is refused")]
    Secret(#[from] InvalidSecret),
    #[error("the HTTP client cannot be made")]
    Client(#[from] reqwest::Error),
}

impl Webhooks {
    /// # Errors
    /// [`SetupError`]
    pub fn new(parts: Parts) -> Result<Self, SetupError> {
        let Parts { pool, clock, metrics, committed, keys, allowed, own_endpoint } = parts;
        let (mut own_secrets, mut own_places) = (Vec::new(), PER_ENDPOINT);
        if let Some(own) = own_endpoint {
            own_secrets = secrets(&own.secrets)?;
            own_places = own.concurrency.get();
        }
        Ok(Self {
            targets: Targets::new(pool.clone(), keys, clock.clone(), own_secrets),
            sender: Sender::new(allowed, clock.clone(), PER_ENDPOINT.max(own_places))?,
            pool,
            clock,
            metrics,
            committed,
            per_endpoint: PER_ENDPOINT,
            own_places,
            due: Notify::new(),
        })
    }

    /// Dispatches, delivers, and looks after both, until the tasks are told to stop.
    pub fn spawn(self: &Arc<Self>, tasks: &Tasks) {
        let (dispatcher, deliverer, watcher, history) = (self.clone(), self.clone(), self.clone(), self.clone());
        tasks.spawn_restarting("webhook dispatcher", move |token| {
            let dispatcher = dispatcher.clone();
            async move {
                dispatcher.dispatch(token).await;
                Ok(())
            }
        });
        tasks.spawn_restarting("webhook deliverer", move |token| {
            let deliverer = deliverer.clone();
            async move {
                deliverer.deliver(token).await;
                Ok(())
            }
        });
        tasks.spawn_restarting("webhook backlog", move |token| {
            let watcher = watcher.clone();
            async move {
                token.run_until_cancelled(watcher.watch()).await;
                Ok(())
            }
        });
        tasks.spawn_restarting("webhook history", move |token| {
            let keep_short = upkeep::forget_deliveries::keep_short(history.pool.clone(), history.clock.clone());
            async move { token.run_until_cancelled(keep_short).await.unwrap_or(Ok(())) }
        });
    }

    /// Measures how long something has been due, for ever.
    async fn watch(&self) {
        const INTERVAL: Duration = Duration::from_secs(1);
        loop {
            match crate::store::webhooks::queue::oldest_due(&self.pool).await {
                Ok(oldest) => {
                    let age = oldest.map_or(0.0, |due_at| (self.clock.now() - due_at).as_seconds_f64());
                    self.metrics.oldest_due_age_seconds.set(age.max(0.0));
                }
                Err(error) => {
                    let cause = service_kit::telemetry::chain(&error);
                    tracing::warn!(cause, "The age of what is due cannot be measured for now.");
                }
            }
            tokio::time::sleep(INTERVAL).await;
        }
    }
}

/// Makes the platform's own endpoint what the configuration says: it is sent the events from then on, or without a URL none.
///
/// # Errors
/// Those of the database.
pub async fn configure_own_endpoint(pool: &PgPool, url: Option<&Url>) -> Result<(), StoreError> {
    endpoints::configure(pool, OWN_ENDPOINT, url.map(Url::as_str), rand::random()).await
}

/// Several with spaces between them, while one is rotated.
fn secrets(text: &SecretString) -> Result<Vec<Secret>, InvalidSecret> {
    let secrets: Vec<_> = text.expose_secret().split_whitespace().map(str::parse).collect::<Result<_, _>>()?;
    if secrets.is_empty() { Err(InvalidSecret) } else { Ok(secrets) }
}
