//! What there is to judge by: the database as its superuser sees it, and the stream as an operator does.

use std::time::Duration;

use anyhow::{Context, ensure};
use async_nats::{HeaderMap, jetstream};
use contract::EventId;
use futures_util::{StreamExt, TryStreamExt, stream};
use messaging::{
    NatsConfig, Role,
    topology::{NOTIFICATIONS, TRANSACTIONS},
};
use sqlx::PgPool;

use crate::{eventually::within, stack::platform::Platform};

/// How long everything may take to come to rest: what a dead consumer had in hand comes again after 30 s, and what a
/// republication brings goes all the way.
const PATIENCE: Duration = Duration::from_secs(120);
const READ_AT_ONCE: usize = 64;

/// Where the evidence is.
#[derive(Debug)]
pub struct Evidence {
    pub database: PgPool,
    jetstream: jetstream::Context,
}

/// A message of the stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Published {
    pub sequence: u64,
    pub subject: String,
    /// As in its header; the stream knows it by this.
    pub event: EventId,
    pub body: Vec<u8>,
}

impl Evidence {
    /// What this platform holds.
    ///
    /// # Errors
    /// When a server is out of reach.
    pub async fn of(platform: &Platform) -> anyhow::Result<Self> {
        let nats = &platform.backing.nats;
        let login = nats.login(Role::Operator);
        let config = NatsConfig { url: nats.servers(), user: login.user, password: login.password.into() };
        let client = messaging::connect(&config, Role::Operator, "history").await?;
        Ok(Self { database: platform.pool().await?, jetstream: jetstream::new(client) })
    }

    /// Waits until nothing waits: no event to be published, once more or for the first time, or dispatched, none to be
    /// consumed, none to be tried again. Webhooks to others may wait.
    ///
    /// # Errors
    /// What still waits after two minutes.
    pub async fn at_rest(&self) -> anyhow::Result<()> {
        within(PATIENCE, "everything comes to rest", async || {
            self.everything_is_published().await?;
            let stream = self.jetstream.get_stream_no_info(NOTIFICATIONS.stream).await?;
            let consumer = stream.consumer_info(NOTIFICATIONS.name).await?;
            let (pending, unconfirmed) = (consumer.num_pending, consumer.num_ack_pending);
            ensure!(pending == 0 && unconfirmed == 0, "{pending} messages wait, {unconfirmed} are not acknowledged");
            let parked: i64 = sqlx::query_scalar("SELECT count(*) FROM notifications.parked_messages")
                .fetch_one(&self.database)
                .await?;
            ensure!(parked == 0, "{parked} messages are parked");
            Ok(())
        })
        .await
    }

    /// And the relay knows where the stream ends, so that it would have noticed if that has lost something.
    async fn everything_is_published(&self) -> anyhow::Result<()> {
        let stream = self.jetstream.get_stream(TRANSACTIONS).await?;
        let (last_sequence, made_at) = (stream.cached_info().state.last_sequence, stream.cached_info().created);
        let (waiting, is_known, again): (i64, bool, bool) = sqlx::query_as(
            "SELECT (SELECT count(*) FROM transactions.outbox_relay) + (SELECT count(*) FROM transactions.outbox_dispatch),
                    NOT EXISTS (SELECT FROM transactions.relay_progress
                                WHERE stream = $1 AND (last_sequence, created_at) <> ($2, $3)),
                    EXISTS (SELECT FROM transactions.republications WHERE status = 'running')",
        )
        .bind(TRANSACTIONS)
        .bind(i64::try_from(last_sequence)?)
        .bind(made_at.replace_nanosecond(made_at.microsecond() * 1_000)?)
        .fetch_one(&self.database)
        .await?;
        ensure!(waiting == 0, "{waiting} events wait in the outboxes");
        ensure!(is_known, "the relay has not seen that the stream ends at {last_sequence}");
        ensure!(!again, "events are to be published again");
        Ok(())
    }

    /// Everything on the stream, in its order.
    ///
    /// # Errors
    /// When NATS is out of reach, or a message has no event id.
    pub async fn published(&self) -> anyhow::Result<Vec<Published>> {
        let stream = self.jetstream.get_stream(TRANSACTIONS).await?;
        let state = stream.cached_info().state.clone();
        let stream = &stream;
        stream::iter(state.first_sequence.max(1)..=state.last_sequence)
            .map(|sequence| async move {
                let message = stream.get_raw_message(sequence).await?;
                Ok(Published {
                    sequence,
                    subject: message.subject.to_string(),
                    event: event_id(&message.headers).with_context(|| format!("message {sequence} of the stream"))?,
                    body: message.payload.to_vec(),
                })
            })
            .buffered(READ_AT_ONCE)
            .try_collect()
            .await
    }
}

fn event_id(headers: &HeaderMap) -> anyhow::Result<EventId> {
    let id = headers.get("Nats-Msg-Id").context("it has no Nats-Msg-Id")?;
    Ok(id.as_str().parse()?)
}
