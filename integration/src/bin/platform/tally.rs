//! The live line's numbers, from the two schemas and the stream between them: what the ledger accepted, what its parties
//! were told, and whether anything is in neither of the places where it could be.

use std::time::Duration;

use integration::stack::platform::Platform;
use serde_json::Value;
use sqlx::PgPool;
use sqlx::postgres::PgPoolOptions;
use sqlx::types::Uuid;
use url::Url;

/// A server that is away must not hold up the live line.
const TIMEOUT: Duration = Duration::from_secs(2);

/// Looks again and again, and does not count twice what is settled.
pub(crate) struct Tally {
    pool: PgPool,
    http: reqwest::Client,
    monitor: Option<Url>,
    /// All events before this one are counted in `settled`.
    settled_until: Uuid,
    settled: i64,
    missing: i64,
}

/// How far events have come.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Progress {
    pub(crate) accepted: i64,
    pub(crate) notified: i64,
    pub(crate) lost: i64,
}

impl Tally {
    pub(crate) fn new(platform: &Platform) -> anyhow::Result<Self> {
        let monitor = platform.backing.nats.monitor_url.as_ref();
        Ok(Self {
            pool: PgPoolOptions::new()
                .acquire_timeout(TIMEOUT)
                .connect_lazy(platform.backing.database.admin().as_str())?,
            http: reqwest::Client::new(),
            monitor: monitor.map(|url| url.join("jsz?consumers=true")).transpose()?,
            settled_until: Uuid::nil(),
            settled: 0,
            missing: 0,
        })
    }

    pub(crate) async fn look(&mut self) -> anyhow::Result<Progress> {
        let (accepted, notified, waiting): (i64, i64, i64) = sqlx::query_as(
            "SELECT count(*), count(received.event_id),
                    count(waiting.event_id) + (SELECT count(*) FROM notifications.parked_messages)
             FROM transactions.events
             LEFT JOIN notifications.received_events received ON received.event_id = events.id
             LEFT JOIN transactions.outbox_relay waiting ON waiting.event_id = events.id
             WHERE events.id >= $1",
        )
        .bind(self.settled_until)
        .fetch_one(&self.pool)
        .await?;
        // What moved on between the two looks is missing in one of them, never in two that follow each other.
        let missing = accepted - notified - waiting - self.in_stream().await?;
        let lost = missing.min(self.missing).max(0);
        self.missing = missing;
        let progress = Progress { accepted: self.settled + accepted, notified: self.settled + notified, lost };
        if accepted == notified {
            self.settle().await?;
        }
        Ok(progress)
    }

    /// Everything so far is notified. What is older than a minute will not get late company: ids carry their time.
    async fn settle(&mut self) -> anyhow::Result<()> {
        let (until, count): (Uuid, i64) = sqlx::query_as(
            "SELECT boundary, (SELECT count(*) FROM transactions.events WHERE id >= $1 AND id < boundary)
             FROM transactions.first_id_at(now() - interval '1 minute') AS boundary",
        )
        .bind(self.settled_until)
        .fetch_one(&self.pool)
        .await?;
        if until > self.settled_until {
            self.settled_until = until;
            self.settled += count;
        }
        Ok(())
    }

    /// Events that the stream keeps for notification-svc, delivered or not, until they are acknowledged.
    async fn in_stream(&self) -> anyhow::Result<i64> {
        let Some(monitor) = &self.monitor else { return Ok(0) };
        let answer = self.http.get(monitor.clone()).timeout(TIMEOUT).send().await?;
        let jetstream: Value = serde_json::from_slice(&answer.bytes().await?)?;
        let details = |value: &Value, key: &str| value[key].as_array().cloned().unwrap_or_default();
        let streams =
            details(&jetstream, "account_details").into_iter().flat_map(|account| details(&account, "stream_detail"));
        let consumers = streams.flat_map(|stream| details(&stream, "consumer_detail"));
        let pending = |consumer: Value| {
            ["num_pending", "num_ack_pending"].iter().filter_map(|field| consumer[*field].as_i64()).sum::<i64>()
        };
        Ok(consumers.map(pending).sum())
    }
}
