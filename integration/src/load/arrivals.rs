//! Transactions that arrive at a fixed rate, whether earlier ones have been answered or not, and how long it takes until
//! their notification can be read.
//!
//! Times count from when a create was due, not from when it could be sent: a platform that falls behind cannot hide it by
//! answering late. One create in `SAMPLED` pays a holder of its own whose inbox is then read until it is there.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use anyhow::{Context, ensure};
use contract::{AccountId, EventId, notification::Notification, transaction::Transaction};
use hdrhistogram::Histogram;
use serde::Deserialize;
use sqlx::PgPool;
use tokio::{sync::Semaphore, task::JoinSet, time::interval};
use url::Url;
use uuid::Uuid;

use super::connection::Connection;

const SAMPLED: usize = 20;
const BETWEEN_LOOKS: Duration = Duration::from_millis(1);
/// Beyond that, arrivals wait; their time counts all the same.
const UNDER_WAY: usize = 1_024;

/// What arrives.
#[derive(Debug, Clone)]
pub struct Arrivals {
    pub ledger: Url,
    pub inbox: Url,
    pub token: String,
    pub accounts: Arc<[AccountId]>,
    /// Whom sampled creates pay, in turn.
    pub watched: Arc<[(String, AccountId)]>,
    pub per_second: u64,
    pub duration: Duration,
}

/// Times in microseconds, from when a create was due.
#[derive(Debug)]
pub struct Readable {
    pub created: Histogram<u64>,
    /// By the way that brought the event first.
    pub readable: BTreeMap<String, Histogram<u64>>,
}

#[derive(Deserialize)]
struct Inbox {
    data: Vec<Notification>,
}

/// Connections that nobody uses at present.
#[derive(Debug)]
struct Idle {
    service: Url,
    token: String,
    connections: Mutex<Vec<Connection>>,
}

impl Arrivals {
    /// Lets everything arrive; `database` tells which way was first.
    ///
    /// # Errors
    /// When a create is refused, or a connection is lost.
    pub async fn run(self, database: &PgPool) -> anyhow::Result<Readable> {
        let idle = |service: &Url| {
            Arc::new(Idle { service: service.clone(), token: self.token.clone(), connections: Mutex::default() })
        };
        let (ledger, inbox) = (idle(&self.ledger), idle(&self.inbox));
        let (places, mut under_way) = (Arc::new(Semaphore::new(UNDER_WAY)), JoinSet::new());
        let period = Duration::from_secs(1) / u32::try_from(self.per_second)?;
        let mut ticks = interval(period);
        let (mut created, mut samples) = (Histogram::new(3)?, Vec::new());
        for number in 0..self.per_second * self.duration.as_secs() {
            let due = ticks.tick().await.into_std();
            let place = places.clone().acquire_owned().await?;
            let (arrivals, ledger, inbox) = (self.clone(), ledger.clone(), inbox.clone());
            under_way.spawn(async move {
                let arrived = arrivals.arrive(number, due, &ledger, &inbox).await;
                drop(place);
                arrived
            });
        }
        while let Some(arrived) = under_way.join_next().await {
            let (took, sample) = arrived??;
            created.record(u64::try_from(took.as_micros())?)?;
            samples.extend(sample);
        }
        Ok(Readable { created, readable: by_way(samples, database).await? })
    }

    /// How long the create took, and, if it is sampled, its event and how long it took until the payee could read of it.
    async fn arrive(
        &self,
        number: u64,
        due: Instant,
        ledger: &Idle,
        inbox: &Idle,
    ) -> anyhow::Result<(Duration, Option<(EventId, Duration)>)> {
        let index = usize::try_from(number)?;
        let source = self.accounts[index % self.accounts.len()];
        let payee = index.is_multiple_of(SAMPLED).then(|| &self.watched[index / SAMPLED % self.watched.len()]);
        let destination = payee.map_or(self.accounts[(index + 1) % self.accounts.len()], |(_, account)| *account);
        let body = format!(r#"{{"source":"{source}","destination":"{destination}","amount":"1","currency":"EUR"}}"#);
        let mut connection = ledger.take().await?;
        let answer = connection.post("/v1/transactions", &Uuid::new_v4().to_string(), body).await?;
        ledger.give_back(connection);
        ensure!(answer.status == 201, "a create was told {}: {}", answer.status, String::from_utf8_lossy(&answer.body));
        let took = due.elapsed();
        let Some((owner, _)) = payee else { return Ok((took, None)) };
        let transaction: Transaction = serde_json::from_slice(&answer.body)?;
        let path = format!("/v1/users/{owner}/notifications?limit=5");
        let mut connection = inbox.take().await?;
        let mut looks = interval(BETWEEN_LOOKS);
        let event = loop {
            let page: Inbox = serde_json::from_slice(&connection.get(&path).await?.body).context("an inbox")?;
            if let Some(told) = page.data.iter().find(|told| told.transaction_id == Some(transaction.id)) {
                break told.event_id;
            }
            looks.tick().await;
        };
        let readable = due.elapsed();
        inbox.give_back(connection);
        Ok((took, Some((event, readable))))
    }
}

impl Idle {
    async fn take(&self) -> anyhow::Result<Connection> {
        let idle = self.connections.lock().unwrap_or_else(PoisonError::into_inner).pop();
        match idle {
            Some(connection) => Ok(connection),
            None => Connection::open(&self.service, &self.token).await,
        }
    }

    fn give_back(&self, connection: Connection) {
        self.connections.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
    }
}

async fn by_way(
    samples: Vec<(EventId, Duration)>,
    database: &PgPool,
) -> anyhow::Result<BTreeMap<String, Histogram<u64>>> {
    let ids: Vec<_> = samples.iter().map(|(event, _)| event.uuid()).collect();
    let ways: Vec<(Uuid, String)> =
        sqlx::query_as("SELECT event_id, way FROM notifications.received_events WHERE event_id = ANY($1)")
            .bind(ids)
            .fetch_all(database)
            .await?;
    let ways: BTreeMap<_, _> = ways.into_iter().collect();
    let mut readable = BTreeMap::new();
    for (event, took) in samples {
        let way = ways.get(&event.uuid()).context("an event that is told of has been received")?;
        let histogram = readable.entry(way.clone()).or_insert(Histogram::new(3)?);
        histogram.record(u64::try_from(took.as_micros())?)?;
    }
    Ok(readable)
}
