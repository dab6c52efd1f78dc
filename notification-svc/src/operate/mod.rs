//! What operators do to the queues, the same by command and over the REST API. Everything that changes something is in
//! the audit before it is done, with who and why.
//!
//! Speaks to NATS as the role `operator`: the service itself may do none of this.

pub mod consumer;
pub mod dead_letters;
pub mod document;
pub mod replay;
pub mod verify;
pub mod webhook;
pub mod withdraw;

use anyhow::Context;
use messaging::{Client, DeadLetters, NatsConfig, Role, control::ControlError, dead_letters::DeadLettersError};
use serde_json::Value;
use service_kit::{clock::SharedClock, metrics::registry, postgres};
use sqlx::PgPool;
use time::OffsetDateTime;

use crate::{
    config::{Config, required},
    ingest::Ingest,
    live::Registry,
    metrics::{IngestMetrics, open_streams},
    store::{
        audit::{Action, Audit, Order},
        error::StoreError,
        replays::Replays,
        schema,
    },
};

/// Why nothing, or not everything, was done.
#[derive(Debug, thiserror::Error)]
pub enum OperateError {
    #[error("the audit or the notifications cannot be reached")]
    Store(#[from] StoreError),
    #[error(transparent)]
    DeadLetters(#[from] DeadLettersError),
    #[error(transparent)]
    Consumer(#[from] ControlError),
}

/// The hands of an operator.
#[derive(Debug, Clone)]
pub struct Operations {
    pub audit: Audit,
    pub dead_letters: DeadLetters,
    pub replays: Replays,
    ingest: Ingest,
    pool: PgPool,
    nats: Client,
    clock: SharedClock,
}

impl Operations {
    #[must_use]
    pub fn new(pool: PgPool, nats: Client, ingest: Ingest, clock: SharedClock) -> Self {
        let (audit, replays) = (Audit::new(&pool), Replays::new(pool.clone()));
        Self { audit, dead_letters: DeadLetters::new(nats.clone()), replays, ingest, pool, nats, clock }
    }

    /// Speaks to NATS over a connection of its own.
    ///
    /// # Errors
    /// Where the address is missing or malformed.
    pub async fn connect(
        nats: Option<NatsConfig>,
        pool: PgPool,
        ingest: Ingest,
        clock: SharedClock,
    ) -> anyhow::Result<Self> {
        let nats = required(nats, "OPERATOR__URL")?;
        let nats = messaging::connect(&nats, Role::Operator, "notification-svc operator").await?;
        Ok(Self::new(pool, nats, ingest, clock))
    }

    /// For a command: with connections of its own, to what the service uses.
    ///
    /// # Errors
    /// What is missing from the configuration, or out of reach.
    pub async fn of_command(config: Config, clock: SharedClock) -> anyhow::Result<Self> {
        let pool = postgres::connect(&required(config.postgres, "POSTGRES__URL")?, "notification-svc operator")?;
        schema::check(&pool).await.context("the database cannot be used")?;
        // Nobody looks at the metrics of a command, and nobody follows an inbox through it.
        let registry = registry()?;
        let (metrics, live) = (IngestMetrics::register(&registry)?, Registry::new(0, open_streams(&registry)?));
        let ingest = Ingest::new(pool.clone(), clock.clone(), metrics, live);
        Self::connect(config.operator, pool, ingest, clock).await
    }

    /// Connections to what is kept.
    #[must_use]
    pub const fn pool(&self) -> &PgPool {
        &self.pool
    }

    /// The time of the clock that everything here goes by.
    #[must_use]
    pub fn now(&self) -> OffsetDateTime {
        self.clock.now()
    }

    /// Notes in the audit what is about to be done to so many things. Gives the entry.
    ///
    /// # Errors
    /// [`StoreError`]; then nothing may be done.
    pub async fn begin(
        &self,
        action: Action,
        order: &Order,
        selection: Value,
        planned: u64,
    ) -> Result<i64, StoreError> {
        let Order { operator, reason } = order;
        tracing::info!(operator, reason, planned, "{operator} begins {}: {reason}", action.as_str());
        self.audit.begin(action, order, selection, planned, self.clock.now()).await
    }

    /// Notes that it has ended, with so many done.
    ///
    /// # Errors
    /// [`StoreError`]
    pub async fn end(&self, entry: i64, done: u64) -> Result<(), StoreError> {
        self.audit.note(entry, done, Some(self.clock.now())).await
    }
}
