//! Many clients that create transactions, each one after the other, as fast as they are answered.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Context, ensure};
use contract::AccountId;
use hdrhistogram::Histogram;
use rand::{RngExt, SeedableRng, rngs::SmallRng};
use tokio::{task::JoinSet, time::interval};
use url::Url;
use uuid::Uuid;

use super::connection::Connection;

/// Where the money of a load comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sources {
    /// Any account.
    Many,
    /// Always the same one.
    One,
}

/// What the clients do.
#[derive(Debug, Clone)]
pub struct Plan {
    pub service: Url,
    pub token: String,
    pub accounts: Arc<[AccountId]>,
    pub sources: Sources,
    pub clients: usize,
    pub duration: Duration,
    /// All clients together, at most; `None` is as fast as they are answered.
    pub per_second: Option<u64>,
}

/// What they saw.
#[derive(Debug)]
pub struct Seen {
    pub answered: u64,
    pub elapsed: Duration,
    /// Of answers, in microseconds.
    pub latency: Histogram<u64>,
}

impl Seen {
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
    pub fn per_second(&self) -> f64 {
        self.answered as f64 / self.elapsed.as_secs_f64()
    }
}

/// Counts while a load runs, and holds it up while the gate is shut.
#[derive(Debug, Default)]
pub struct Gauge {
    pub accepted: AtomicU64,
    pub shut: AtomicBool,
}

/// Runs the plan to its end.
///
/// # Errors
/// When a client gets anything but 201, or loses its connection.
pub async fn run(plan: &Plan, gauge: &Arc<Gauge>) -> anyhow::Result<Seen> {
    let mut clients = JoinSet::new();
    let started = Instant::now();
    for number in 0..plan.clients {
        clients.spawn(client(number as u64, plan.clone(), gauge.clone(), started + plan.duration));
    }
    let mut latency = Histogram::new(3)?;
    while let Some(client) = clients.join_next().await {
        latency.add(client??)?;
    }
    Ok(Seen { answered: latency.len(), elapsed: started.elapsed(), latency })
}

async fn client(number: u64, plan: Plan, gauge: Arc<Gauge>, until: Instant) -> anyhow::Result<Histogram<u64>> {
    let mut connection = Connection::open(&plan.service, &plan.token).await?;
    let mut random = SmallRng::seed_from_u64(number);
    let mut latency = Histogram::new(3)?;
    let pace = plan.per_second.map(|rate| Duration::from_secs_f64(plan.clients as f64 / rate as f64));
    let mut ticks = pace.map(interval);
    let mut pause = interval(Duration::from_millis(1));
    while Instant::now() < until {
        if let Some(ticks) = &mut ticks {
            ticks.tick().await;
        }
        while gauge.shut.load(Ordering::Relaxed) && Instant::now() < until {
            pause.tick().await;
        }
        let (source, destination) = pick(&plan, &mut random);
        let body = format!(
            r#"{{"source":"{source}","destination":"{destination}","amount":"1","currency":"EUR","description":"Load","reference":"load-{number}"}}"#
        );
        let key = Uuid::new_v4().to_string();
        let sent = Instant::now();
        let answer = connection.post("/v1/transactions", &key, body).await.context("a client lost its connection")?;
        ensure!(answer.status == 201, "a client was told {}: {}", answer.status, String::from_utf8_lossy(&answer.body));
        latency.record(u64::try_from(sent.elapsed().as_micros())?)?;
        gauge.accepted.fetch_add(1, Ordering::Relaxed);
    }
    Ok(latency)
}

fn pick(plan: &Plan, random: &mut SmallRng) -> (AccountId, AccountId) {
    let count = plan.accounts.len();
    let source = match plan.sources {
        Sources::Many => random.random_range(0..count),
        Sources::One => 0,
    };
    let step = random.random_range(1..count);
    (plan.accounts[source], plan.accounts[(source + step) % count])
}
