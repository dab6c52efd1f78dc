//! Replays of a long stream: how soon they are planned, how fast they run and in how much memory, and what of it the live
//! consumer notices.
//!
//! The events are those of grown books ([`super::growth`]), published by the relay as an operator would have it, so that
//! their bytes are the journal's. While a replay runs, clients go on creating transactions at a pace.

use std::{
    process::Stdio,
    time::{Duration, Instant},
};

use anyhow::{Context, ensure};
use messaging::{Client, NatsConfig, Role, control, topology::NOTIFICATIONS};
use serde_json::Value;
use sqlx::PgPool;
use tokio::{process::Command, time::interval};

use super::{growth::Growth, resident, scenario::Bench};
use crate::stack::{
    record::{Record, Tokens},
    service::{ServiceKind, built_programs},
};

const BETWEEN_LOOKS: Duration = Duration::from_millis(250);

/// A stream that is full of events, all of them told.
#[derive(Debug)]
pub struct Rehearsal {
    bench: Bench,
    database: PgPool,
    nats: Client,
    /// Of operators' commands.
    environment: Vec<(String, String)>,
    pub filled: Filled,
}

/// How the stream was filled and emptied by the live consumer.
#[derive(Debug, Clone, Copy)]
pub struct Filled {
    pub events: u64,
    pub published_in: Duration,
    pub consumed_in: Duration,
}

/// One replay.
#[derive(Debug)]
pub struct Replayed {
    pub events: u64,
    /// Notifications that were given back.
    pub notifications: u64,
    pub planned_in: Duration,
    pub replayed_in: Duration,
    /// Resident memory in bytes while it ran, in order of time.
    pub memory: Vec<u64>,
    pub lag: Lag,
}

/// The most by which the live consumer was behind.
#[derive(Debug, Clone, Copy, Default)]
pub struct Lag {
    pub messages: u64,
    pub time: Duration,
}

impl Rehearsal {
    /// Fills the stream with so many events, while the consumer is paused, and lets it tell them.
    ///
    /// # Errors
    /// When a command or a server refuses.
    pub async fn prepare(mut bench: Bench, events: u32) -> anyhow::Result<Self> {
        let backing = &bench.platform.backing;
        let mut growth = Growth::begin(backing.database.admin()).await?;
        bench.accounts = growth.to(events.into()).await?;
        let login = backing.nats.login(Role::Operator);
        let config =
            NatsConfig { url: backing.nats.url.to_string(), user: login.user, password: login.password.into() };
        let nats = messaging::connect(&config, Role::Operator, "load").await?;
        let environment =
            Record::of(&bench.platform, Tokens::issue(&bench.platform.backing.issuer)?).operators.into_iter().collect();
        let database = bench.platform.pool().await?;
        let filled = Filled { events: 0, published_in: Duration::ZERO, consumed_in: Duration::ZERO };
        let mut rehearsal = Self { bench, database, nats, environment, filled };
        rehearsal.fill().await?;
        Ok(rehearsal)
    }

    async fn fill(&mut self) -> anyhow::Result<()> {
        let consumer = ServiceKind::Notification;
        self.run(consumer, &["consumer", "pause", "--minutes", "600", "--reason", "load"]).await?;
        let publish = ["republish", "--all", "--rate", "1000000", "--reason", "load"];
        let events = self.run(ServiceKind::Transaction, &publish).await?["events"].as_u64().context("no plan")?;
        let expect = events.to_string();
        self.run(ServiceKind::Transaction, &[&publish[..], &["--execute", "--expect", &expect]].concat()).await?;
        let published_in = self.until(async || self.waits_for_the_relay().await).await?;
        self.run(consumer, &["consumer", "resume", "--reason", "load"]).await?;
        let consumed_in = self.until(async || Ok(self.lag().await?.messages > 0)).await?;
        sqlx::raw_sql("VACUUM ANALYZE notifications.notifications, notifications.received_events")
            .execute(&self.database)
            .await?;
        self.filled = Filled { events, published_in, consumed_in };
        Ok(())
    }

    /// Takes every second notification away, as if a table had been damaged. Gives how many.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn lose_half(&self) -> anyhow::Result<u64> {
        let lost = "DELETE FROM notifications.notifications WHERE get_byte(uuid_send(id), 15) % 2 = 0";
        Ok(sqlx::query(lost).execute(&self.database).await?.rows_affected())
    }

    /// Plans a replay of the whole stream and runs it, while so many transactions arrive per second.
    ///
    /// # Errors
    /// When the replay fails, or a client is refused.
    pub async fn replay(&self, arrivals: u64) -> anyhow::Result<Replayed> {
        let live = async {
            loop {
                self.bench.paced(arrivals).await?;
            }
        };
        let mut lag = Lag::default();
        let watching = async {
            let mut ticks = interval(BETWEEN_LOOKS);
            loop {
                ticks.tick().await;
                let now = self.lag().await?;
                lag = Lag { messages: lag.messages.max(now.messages), time: lag.time.max(now.time) };
            }
        };
        let replayed = tokio::select! {
            replayed = self.plan_and_run() => replayed?,
            stopped = live => return stopped,
            stopped = watching => return stopped,
        };
        Ok(Replayed { lag, ..replayed })
    }

    async fn plan_and_run(&self) -> anyhow::Result<Replayed> {
        let mut memory = Vec::new();
        let started = Instant::now();
        let planned = self.run(ServiceKind::Notification, &["replay", "--reason", "load"]).await?;
        let planned_in = started.elapsed();
        let (id, events) = (planned["id"].as_str().context("no id")?, planned["plan"]["events"].to_string());
        let started = Instant::now();
        let done = self.run_watched(&["replay", "execute", id, "--expect", &events], &mut memory).await?;
        let replayed_in = started.elapsed();
        let count = |name: &str| done["progress"][name].as_u64().context("no count");
        let (events, notifications) = (count("events")?, count("notifications")?);
        Ok(Replayed { events, notifications, planned_in, replayed_in, memory, lag: Lag::default() })
    }

    async fn waits_for_the_relay(&self) -> anyhow::Result<bool> {
        let waits = "SELECT EXISTS (SELECT FROM transactions.outbox_relay)
                         OR EXISTS (SELECT FROM transactions.republications WHERE status = 'running')";
        Ok(sqlx::query_scalar(waits).fetch_one(&self.database).await?)
    }

    async fn lag(&self) -> anyhow::Result<Lag> {
        let status = control::status(&self.nats, NOTIFICATIONS).await?;
        let oldest = status.oldest.filter(|_| status.pending > 0);
        let now: time::OffsetDateTime =
            sqlx::query_scalar("SELECT clock_timestamp()").fetch_one(&self.database).await?;
        let time = oldest.map_or(Duration::ZERO, |oldest| (now - oldest).try_into().unwrap_or_default());
        Ok(Lag { messages: status.pending + status.ack_pending, time })
    }

    /// How long it goes on.
    async fn until(&self, goes_on: impl AsyncFn() -> anyhow::Result<bool>) -> anyhow::Result<Duration> {
        let (started, mut ticks) = (Instant::now(), interval(BETWEEN_LOOKS));
        while goes_on().await? {
            ticks.tick().await;
        }
        Ok(started.elapsed())
    }

    /// Runs an operator's command, and gives the last line that it prints.
    async fn run(&self, kind: ServiceKind, arguments: &[&str]) -> anyhow::Result<Value> {
        last_line(&self.command(kind, arguments)?.output().await?)
    }

    /// The same for the notification service, with an eye on its memory.
    async fn run_watched(&self, arguments: &[&str], memory: &mut Vec<u64>) -> anyhow::Result<Value> {
        let mut command = self.command(ServiceKind::Notification, arguments)?;
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
        let pid = child.id().context("it has ended")?;
        let mut output = std::pin::pin!(child.wait_with_output());
        let mut ticks = interval(BETWEEN_LOOKS);
        loop {
            tokio::select! {
                output = &mut output => return last_line(&output?),
                // A process that is just ending has no memory to show.
                _ = ticks.tick() => memory.extend(resident::bytes(pid)),
            }
        }
    }

    fn command(&self, kind: ServiceKind, arguments: &[&str]) -> anyhow::Result<Command> {
        let mut command = Command::new(built_programs()?.join(kind.program()));
        command.args(arguments).envs(self.environment.iter().cloned()).kill_on_drop(true);
        Ok(command)
    }

    /// Ends the platform.
    ///
    /// # Errors
    /// What had to be killed.
    pub async fn stop(&self) -> anyhow::Result<()> {
        self.bench.platform.stop().await
    }
}

fn last_line(output: &std::process::Output) -> anyhow::Result<Value> {
    ensure!(output.status.success(), "a command failed: {}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8_lossy(&output.stdout);
    let last = text.trim().lines().last().unwrap_or("null");
    serde_json::from_str(last).with_context(|| format!("a command printed {last}"))
}
