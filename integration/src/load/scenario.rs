//! What is measured: one row of the report each.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::Context;
use client::NewAccount;
use contract::{AccountId, Currency};
use futures_util::{StreamExt, TryStreamExt, stream};
use url::Url;

use super::{
    arrivals::{Arrivals, Readable},
    backlog::Backlog,
    clients::{self, Gauge, Plan, Seen, Sources},
};
use crate::{
    people::{cents, fresh_key},
    stack::platform::Platform,
};

/// How many events may wait while the sustained rate is measured.
const FLAT: i64 = 2_000;
const OPENED_AT_ONCE: usize = 64;
const FUNDS: i64 = 1_000_000_000;
/// How many inboxes are looked into while transactions arrive.
const WATCHED: usize = 64;

/// A platform with accounts, and how long each measurement takes.
#[derive(Debug)]
pub struct Bench {
    pub platform: Platform,
    pub clients: usize,
    pub duration: Duration,
    pub(super) accounts: Arc<[AccountId]>,
    backlog: Backlog,
}

/// A closed loop of clients, and the time until everything was told.
#[derive(Debug)]
pub struct Burst {
    pub seen: Seen,
    /// Events that waited when the clients stopped.
    pub backlog: i64,
    pub drain: Duration,
}

impl Burst {
    #[must_use]
    pub fn accepted_per_second(&self) -> f64 {
        self.seen.per_second()
    }

    #[must_use]
    pub fn drained_per_second(&self) -> f64 {
        per_second(self.backlog.unsigned_abs(), self.drain)
    }
}

impl Bench {
    /// Opens and funds this many accounts.
    ///
    /// # Errors
    /// Those of the ledger.
    pub async fn prepare(
        platform: Platform,
        accounts: usize,
        clients: usize,
        duration: Duration,
    ) -> anyhow::Result<Self> {
        let bank = platform.bank().await?;
        let opened = stream::iter(0..accounts)
            .map(|number| {
                let bank = &bank;
                async move {
                    let account = NewAccount::new(format!("holder-{number}"), Currency::EUR);
                    let account = bank.office.ledger.open_account(&fresh_key(), &account).await?;
                    bank.fund(account.id, cents(FUNDS)).await?;
                    Ok::<_, client::Error>(account.id)
                }
            })
            .buffer_unordered(OPENED_AT_ONCE)
            .try_collect::<Vec<_>>()
            .await?;
        let bench = Self::of(platform, opened.into(), clients, duration)?;
        bench.settle().await?;
        Ok(bench)
    }

    /// With accounts that are there.
    ///
    /// # Errors
    /// None in practice: the addresses are the platform's.
    pub fn of(
        platform: Platform,
        accounts: Arc<[AccountId]>,
        clients: usize,
        duration: Duration,
    ) -> anyhow::Result<Self> {
        let backlog = Backlog::of(&platform)?;
        Ok(Self { platform, clients, duration, backlog, accounts })
    }

    /// As fast as the clients are answered; then the drain.
    ///
    /// # Errors
    /// When a client is refused.
    pub async fn burst(&self, sources: Sources) -> anyhow::Result<Burst> {
        let seen = clients::run(&self.plan(sources, None)?, &Arc::default()).await?;
        let backlog = self.backlog.events().await?;
        let drain = self.backlog.drained().await?;
        Ok(Burst { seen, backlog, drain })
    }

    /// As fast as possible while the backlog stays flat: accepted and told per second.
    ///
    /// # Errors
    /// When a client is refused.
    pub async fn sustained(&self) -> anyhow::Result<f64> {
        let gauge = Arc::new(Gauge::default());
        let started = Instant::now();
        let plan = self.plan(Sources::Many, None)?;
        let seen = tokio::select! {
            seen = clients::run(&plan, &gauge) => seen?,
            stopped = self.backlog.keep_flat(FLAT, gauge.clone()) => match stopped {
                Ok(()) => anyhow::bail!("the backlog was no longer watched"),
                Err(error) => return Err(error),
            },
        };
        self.backlog.drained().await?;
        Ok(per_second(seen.answered, started.elapsed()))
    }

    /// At a fixed rate: what a create takes when the platform is not saturated.
    ///
    /// # Errors
    /// When a client is refused.
    pub async fn paced(&self, per_second: u64) -> anyhow::Result<Seen> {
        let seen = clients::run(&self.plan(Sources::Many, Some(per_second.max(1)))?, &Arc::default()).await?;
        self.backlog.drained().await?;
        Ok(seen)
    }

    /// Transactions that arrive at a fixed rate, and how soon their notifications can be read.
    ///
    /// # Errors
    /// When a create is refused.
    pub async fn readable(&self, per_second: u64) -> anyhow::Result<Readable> {
        let bank = self.platform.bank().await?;
        let mut watched = Vec::with_capacity(WATCHED);
        for number in 0..WATCHED {
            let owner = format!("watched-{number}");
            let account = NewAccount::new(&owner, Currency::EUR);
            watched.push((owner, bank.office.ledger.open_account(&fresh_key(), &account).await?.id));
        }
        let arrivals = Arrivals {
            ledger: self.ledger()?.clone(),
            inbox: self.inbox()?.clone(),
            token: self.platform.service_token()?,
            accounts: self.accounts.clone(),
            watched: watched.into(),
            per_second,
            duration: self.duration,
        };
        let readable = arrivals.run(&self.platform.pool().await?).await?;
        self.settle().await?;
        Ok(readable)
    }

    /// Waits until everything that was accepted has been told.
    ///
    /// # Errors
    /// When a service does not answer.
    pub async fn settle(&self) -> anyhow::Result<Duration> {
        self.backlog.drained().await
    }

    pub(super) fn ledger(&self) -> anyhow::Result<&Url> {
        Ok(&self.platform.transaction_svc.first().context("there is no transaction-svc")?.url)
    }

    pub(super) fn inbox(&self) -> anyhow::Result<&Url> {
        Ok(&self.platform.notification_svc.first().context("there is no notification-svc")?.url)
    }

    fn plan(&self, sources: Sources, per_second: Option<u64>) -> anyhow::Result<Plan> {
        Ok(Plan {
            service: self.ledger()?.clone(),
            token: self.platform.service_token()?,
            accounts: self.accounts.clone(),
            sources,
            clients: self.clients,
            duration: self.duration,
            per_second,
        })
    }
}

#[expect(clippy::cast_precision_loss, reason = "rates are far below 2^52")]
fn per_second(count: u64, elapsed: Duration) -> f64 {
    count as f64 / elapsed.as_secs_f64()
}
