//! How much has been accepted and not yet been told, from the services' own metrics.

use std::{
    sync::{Arc, atomic::Ordering},
    time::{Duration, Instant},
};

use anyhow::Context;
use tokio::time::interval;
use url::Url;

use super::clients::Gauge;
use crate::stack::platform::Platform;

const BETWEEN_LOOKS: Duration = Duration::from_millis(50);

/// Reads the counters of all replicas. They count from each process's start, so nothing may be restarted meanwhile.
#[derive(Debug)]
pub struct Backlog {
    http: reqwest::Client,
    ledgers: Vec<Url>,
    inboxes: Vec<Url>,
}

impl Backlog {
    /// # Errors
    /// None in practice: the addresses are the platform's.
    pub fn of(platform: &Platform) -> anyhow::Result<Self> {
        let metrics = |services: &[crate::stack::service::Service]| {
            services.iter().map(|service| service.admin_url.join("metrics")).collect::<Result<Vec<_>, _>>()
        };
        Ok(Self {
            http: reqwest::Client::new(),
            ledgers: metrics(&platform.transaction_svc)?,
            inboxes: metrics(&platform.notification_svc)?,
        })
    }

    /// How many events the notification service has not stored: those in the outbox, and those in the stream.
    ///
    /// # Errors
    /// When a service does not answer.
    pub async fn events(&self) -> anyhow::Result<i64> {
        // The later counter first, so that what moves on in between is counted twice rather than missed.
        let told = self.sum(&self.inboxes, "notification_events_total", "outcome=\"created\"").await?;
        let accepted = self.sum(&self.ledgers, "ledger_commands_total", "outcome=\"applied\"").await?;
        Ok(accepted - told)
    }

    /// Waits until everything that was accepted has been told; gives how long that took.
    ///
    /// # Errors
    /// When a service does not answer.
    pub async fn drained(&self) -> anyhow::Result<Duration> {
        let started = Instant::now();
        let mut ticks = interval(BETWEEN_LOOKS);
        while self.events().await? > 0 {
            ticks.tick().await;
        }
        Ok(started.elapsed())
    }

    /// Shuts the gate of a load whenever more than `bound` events wait, for ever.
    ///
    /// # Errors
    /// When a service does not answer.
    pub async fn keep_flat(&self, bound: i64, gauge: Arc<Gauge>) -> anyhow::Result<()> {
        let mut ticks = interval(BETWEEN_LOOKS);
        loop {
            ticks.tick().await;
            gauge.shut.store(self.events().await? > bound, Ordering::Relaxed);
        }
    }

    async fn sum(&self, services: &[Url], metric: &str, label: &str) -> anyhow::Result<i64> {
        let mut sum = 0;
        for service in services {
            let text = self.http.get(service.clone()).send().await?.error_for_status()?.text().await?;
            let samples = text.lines().filter(|line| line.starts_with(metric) && line.contains(label));
            for sample in samples {
                let value = sample.rsplit(' ').next().context("a sample has a value")?;
                sum += value.parse::<i64>().with_context(|| format!("{sample} counts in whole numbers"))?;
            }
        }
        Ok(sum)
    }
}
