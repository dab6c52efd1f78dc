//! The service put together: what runs, and in which order it stops.
//!
//! On a stop the process is first taken out of rotation and lets requests finish; then the writer finishes the commands
//! it has taken; then the rest ends.

mod prepare;

use std::{sync::Arc, time::Duration};

use anyhow::Context;
use messaging::{Publisher, topology};
use prometheus::Registry;
use secrecy::ExposeSecret;
use service_kit::{
    auth::Verifier,
    clock::{SharedClock, SystemClock},
    health::{Component, Health, Importance, admin_router},
    http::{Cursors, Listener, edge},
    limit::CallerLimit,
    metrics::{HttpMetrics, registry},
    postgres,
    redis::Redis,
    session::Sessions,
    tasks::{Tasks, wait_for_shutdown_signal},
};
use sqlx::{Connection, PgConnection, PgPool};

use self::prepare::OwnEndpoint;
use crate::{
    cache::TransactionCache,
    config::{Config, WebhooksConfig, required},
    http::{self, Api, Endpoints},
    metrics::{LedgerMetrics, WebhookMetrics},
    relay::Relay,
    roles::Role,
    store::begin,
    upkeep::{self, verification::Verification},
    webhooks::{Parts, Webhooks, keys::EncryptionKeys},
    writer::{self, Committed, Writer},
};

/// How long it may take to cut the connections that are left after the drain.
const CUT_WITHIN: Duration = Duration::from_secs(1);
/// How long the writer and the rest may then take to end. With the drain, 25 s in all.
const STOP_WITHIN: Duration = Duration::from_secs(4);
/// The relay does one thing at a time.
const RELAY_CONNECTIONS: u32 = 1;

static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!("./migration");

/// What the parts of a process have in common.
struct Process {
    pool: PgPool,
    clock: SharedClock,
    registry: Registry,
    health: Health,
    metrics: Arc<LedgerMetrics>,
    committed: Arc<Committed>,
    serving: Tasks,
    writing: Tasks,
    background: Tasks,
}

/// Serves until it is told to stop or something vital dies.
///
/// # Errors
/// What is wrong with the configuration, an address that is taken, or the vital task that died.
pub async fn serve(config: Config, roles: Vec<Role>) -> anyhow::Result<()> {
    let _scenario = fail::FailScenario::setup();
    let clock: SharedClock = Arc::new(SystemClock);
    let registry = registry()?;
    let process = Process {
        pool: postgres::connect(&required(config.postgres.clone(), "POSTGRES__URL")?, "transaction-svc")?,
        metrics: Arc::new(LedgerMetrics::register(&registry)?),
        health: Health::new(clock.clone()),
        committed: Arc::default(),
        serving: Tasks::new(),
        writing: Tasks::new(),
        background: Tasks::new(),
        clock,
        registry,
    };
    // Before anybody can ask: not ready until everything below has begun.
    let schema = process.health.component("schema", Importance::Required);
    let admin = Listener::admin(&config.http)?;
    tracing::info!(admin = %admin.address(), ?roles, "Starting.");
    let routes = admin_router(process.health.clone(), process.registry.clone());
    process.background.spawn_vital("admin", move |token| async move { Ok(admin.serve(routes, token).await?) });
    if roles.contains(&Role::Api) {
        process.start_api(&config).await?;
    }
    if roles.contains(&Role::Relay) {
        process.start_relay(&config).await?;
    }
    let own_endpoint = OwnEndpoint::of(&config, &roles)?;
    if roles.contains(&Role::Deliver) {
        process.start_webhooks(config.webhooks)?;
    }
    process.start_upkeep(own_endpoint, schema, Duration::from_secs(config.verification_interval_seconds.get()));
    process.run(config.http.drain()).await
}

impl Process {
    /// Until the end.
    async fn run(self, drain: Duration) -> anyhow::Result<()> {
        let Self { serving, writing, background, health, .. } = self;
        let (serving_died, writing_died, background_died) = (serving.token(), writing.token(), background.token());
        tokio::select! {
            signal = wait_for_shutdown_signal() => tracing::info!(signal = signal?, "Stopping."),
            () = serving_died.cancelled() => {}
            () = writing_died.cancelled() => {}
            () = background_died.cancelled() => {}
        }
        health.drain();
        let served = serving.shutdown(drain + CUT_WITHIN).await;
        let (written, ended) = tokio::join!(writing.shutdown(STOP_WITHIN), background.shutdown(STOP_WITHIN));
        for end in [served, written, ended] {
            anyhow::ensure!(
                end.is_clean(),
                "stopped with unfinished tasks {:?}, dead task {:?}",
                end.unfinished,
                end.died
            );
        }
        Ok(())
    }

    async fn start_api(&self, config: &Config) -> anyhow::Result<()> {
        let webhooks = required(config.webhooks.as_ref(), "WEBHOOKS__ENCRYPTION_KEYS")?;
        let (registry, health, background) = (&self.registry, &self.health, &self.background);
        let redis = config.redis.as_ref().map(|redis| Redis::start(redis, registry, health, background)).transpose()?;
        let limit = CallerLimit::new("transaction-svc", &config.limit, redis.clone(), registry)?;
        let auth = required(config.auth.clone(), "AUTH__ISSUER")?;
        let verifier = Verifier::start(&auth, registry, health, background).await?;
        let sessions = Sessions::new(redis.clone(), self.clock.clone());
        let cache = TransactionCache::new(postgres::orm(&self.pool), redis, registry)?;
        let (pool, clock, metrics) = (self.pool.clone(), self.clock.clone(), self.metrics.clone());
        let (max_waiting, committed) = (config.max_waiting_commands, self.committed.clone());
        let (writer, commands) = Writer::new(max_waiting, pool, clock, metrics, committed, cache.clone());
        let api = Api {
            verifier: verifier.or_by(sessions.clone()).limited_by(limit),
            commands: commands.clone(),
            database: postgres::orm(&self.pool),
            cursors: Cursors::new(&required(config.cursor_key.clone(), "CURSOR_KEY")?)?,
            cache,
            sessions,
            endpoints: Endpoints {
                pool: self.pool.clone(),
                keys: EncryptionKeys::parse(&webhooks.encryption_keys)?,
                allowed: webhooks.allowed_addresses.parse()?,
                clock: self.clock.clone(),
            },
        };
        let (routes, _) = http::router().with_state(api).split_for_parts();
        let public = Listener::public(&config.http).await?;
        tracing::info!(api = %public.address(), "Serving.");
        let routes = edge(routes.merge(http::documentation()), &config.http, HttpMetrics::register(&self.registry)?);
        self.serving.spawn_vital("api", move |token| async move { Ok(public.serve(routes, token).await?) });

        let writer = Arc::new(writer);
        for _ in 0..writer::LOOPS {
            let writer = writer.clone();
            self.writing.spawn_vital("writer", move |token| async move {
                writer.run(token).await;
                Ok(())
            });
        }
        let (due, expiring) = (self.pool.clone(), commands.clone());
        self.background.spawn_restarting("expiry of holds", move |token| {
            let watch = upkeep::expire_holds::watch(due.clone(), expiring.clone());
            async move { token.run_until_cancelled(watch).await.unwrap_or(Ok(())) }
        });
        let (watched, clock, metrics) = (self.pool.clone(), self.clock.clone(), self.metrics.clone());
        self.background.spawn_restarting("outbox backlog", move |token| {
            let watch = upkeep::backlog::watch(watched.clone(), clock.clone(), metrics.clone(), commands.clone());
            async move { token.run_until_cancelled(watch).await.unwrap_or(Ok(())) }
        });
        Ok(())
    }

    async fn start_relay(&self, config: &Config) -> anyhow::Result<()> {
        let postgres = required(config.postgres.as_ref(), "POSTGRES__URL")?;
        let nats = required(config.nats.clone(), "NATS__URL")?;
        let nats = messaging::connect(&nats, messaging::Role::TransactionSvc, "transaction-svc").await?;
        let relay = Arc::new(Relay {
            pool: self.pool.clone(),
            outbox: postgres::connect_with(
                postgres,
                "transaction-svc relay",
                RELAY_CONNECTIONS,
                &begin::RELAY_SESSION,
            )?,
            publisher: Publisher::new(nats),
            committed: self.committed.clone(),
            clock: self.clock.clone(),
            metrics: self.metrics.clone(),
            component: self.health.component("relay", Importance::Informative),
        });
        self.background.spawn_restarting("relay", move |token| {
            let relay = relay.clone();
            async move {
                relay.run(token).await;
                Ok(())
            }
        });
        Ok(())
    }

    fn start_webhooks(&self, config: Option<WebhooksConfig>) -> anyhow::Result<()> {
        let config = required(config, "WEBHOOKS__ENCRYPTION_KEYS")?;
        let webhooks = Arc::new(Webhooks::new(Parts {
            pool: self.pool.clone(),
            clock: self.clock.clone(),
            metrics: Arc::new(WebhookMetrics::register(&self.registry)?),
            committed: self.committed.clone(),
            keys: EncryptionKeys::parse(&config.encryption_keys)?,
            allowed: config.allowed_addresses.parse()?,
            own_endpoint: config.own_endpoint,
        })?);
        webhooks.spawn(&self.background);
        Ok(())
    }

    fn start_upkeep(&self, own_endpoint: OwnEndpoint, schema: Component, verify_every: Duration) {
        let verification = Verification {
            pool: self.pool.clone(),
            clock: self.clock.clone(),
            metrics: self.metrics.clone(),
            interval: verify_every,
        };
        verification.spawn(&self.background);
        let (partitioned, now) = (self.pool.clone(), self.clock.clone());
        self.background.spawn_restarting("event partitions", move |token| {
            let keep = upkeep::partitions::keep(partitioned.clone(), now.clone());
            async move { token.run_until_cancelled(keep).await.unwrap_or(Ok(())) }
        });
        let (forgetful, clock) = (self.pool.clone(), self.clock.clone());
        self.background.spawn_restarting("old keys", move |token| {
            let forget = upkeep::forget_keys::keep_forgetting(forgetful.clone(), clock.clone());
            async move { token.run_until_cancelled(forget).await.unwrap_or(Ok(())) }
        });
        let (forgetful, clock) = (self.pool.clone(), self.clock.clone());
        self.background.spawn_restarting("old publications", move |token| {
            let forget = upkeep::forget_publications::keep_forgetting(forgetful.clone(), clock.clone());
            async move { token.run_until_cancelled(forget).await.unwrap_or(Ok(())) }
        });
        let pool = self.pool.clone();
        self.background.spawn_restarting("schema check", move |token| {
            let check = prepare::until_ready(pool.clone(), own_endpoint.clone(), schema.clone(), token);
            async move {
                check.await;
                Ok(())
            }
        });
    }
}

/// Brings the schema up to date as its owner, and the streams as the provisioner.
///
/// # Errors
/// What could not be migrated, and why.
pub async fn migrate(config: Config) -> anyhow::Result<()> {
    let url = required(config.migrator_url, "MIGRATOR_URL")?;
    let mut connection = PgConnection::connect(url.expose_secret()).await.context("the database cannot be reached")?;
    MIGRATIONS.run(&mut connection).await.context("the schema cannot be migrated")?;
    tracing::info!("The schema is up to date.");
    let provisioner = required(config.provisioner, "PROVISIONER__URL")?;
    let nats = messaging::connect(&provisioner, messaging::Role::Provisioner, "transaction-svc migrate").await?;
    topology::ensure(&nats, &config.topology).await.context("the streams cannot be brought up to date")?;
    tracing::info!("The streams are up to date.");
    Ok(())
}
