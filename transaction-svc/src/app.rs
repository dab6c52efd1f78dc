//! The service put together: what runs, and in which order it stops.
//!
//! On a stop the process is first taken out of rotation and lets requests finish; then the writer finishes the commands
//! it has taken; then the rest ends.

use std::{sync::Arc, time::Duration};

use anyhow::Context;
use messaging::{Publisher, Role, topology};
use secrecy::ExposeSecret;
use service_kit::{
    auth::Verifier,
    clock::{SharedClock, SystemClock},
    health::{Health, Importance, admin_router},
    http::{Cursors, Listener, edge},
    limit::CallerLimit,
    metrics::{HttpMetrics, registry},
    postgres,
    redis::Redis,
    session::Sessions,
    tasks::{Tasks, wait_for_shutdown_signal},
};
use sqlx::{Connection, PgConnection, PgPool};
use tokio::sync::Notify;

use crate::{
    cache::TransactionCache,
    config::{Config, required},
    http::{self, Api},
    metrics::LedgerMetrics,
    relay::Relay,
    upkeep::{self, verification::Verification},
    writer::{self, Writer},
};

/// How long it may take to cut the connections that are left after the drain.
const CUT_WITHIN: Duration = Duration::from_secs(1);
/// How long the writer and the rest may then take to end. With the drain, 25 s in all.
const STOP_WITHIN: Duration = Duration::from_secs(4);
const SCHEMA_POLL: Duration = Duration::from_millis(200);

static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!("./migration");

/// Serves until it is told to stop or something vital dies.
///
/// # Errors
/// What is wrong with the configuration, an address that is taken, or the vital task that died.
pub async fn serve(config: Config) -> anyhow::Result<()> {
    let _scenario = fail::FailScenario::setup();
    let clock: SharedClock = Arc::new(SystemClock);
    let registry = registry()?;
    let http_metrics = HttpMetrics::register(&registry)?;
    let metrics = Arc::new(LedgerMetrics::register(&registry)?);
    let health = Health::new(clock.clone());

    let (serving, writing, background) = (Tasks::new(), Tasks::new(), Tasks::new());
    let pool = postgres::connect(&required(config.postgres, "POSTGRES__URL")?, "transaction-svc")?;
    let nats =
        messaging::connect(&required(config.nats, "NATS__URL")?, Role::TransactionSvc, "transaction-svc").await?;
    let redis = config.redis.map(|redis| Redis::start(&redis, &registry, &health, &background)).transpose()?;
    let limit = CallerLimit::new("transaction-svc", &config.limit, redis.clone(), &registry)?;
    let verifier = Verifier::start(&required(config.auth, "AUTH__ISSUER")?, &registry, &health, &background).await?;
    let sessions = Sessions::new(redis.clone(), clock.clone());
    let cache = TransactionCache::new(postgres::orm(&pool), redis, &registry)?;
    let committed = Arc::new(Notify::new());
    let (writer, commands) = Writer::new(pool.clone(), metrics.clone(), committed.clone(), cache.clone());
    let api = Api {
        verifier: verifier.or_by(sessions.clone()).limited_by(limit),
        commands: commands.clone(),
        database: postgres::orm(&pool),
        cursors: Cursors::new(&required(config.cursor_key, "CURSOR_KEY")?)?,
        cache,
        sessions,
    };
    let relay = Relay {
        pool: pool.clone(),
        publisher: Publisher::new(nats),
        committed,
        clock: clock.clone(),
        metrics: metrics.clone(),
        component: health.component("relay", Importance::Informative),
    };

    let (serving_died, writing_died, background_died) = (serving.token(), writing.token(), background.token());
    let (routes, _) = http::router().with_state(api).split_for_parts();
    let public = Listener::public(&config.http).await?;
    let admin = Listener::admin(&config.http)?;
    tracing::info!(api = %public.address(), admin = %admin.address(), "Serving.");
    let routes = edge(routes, &config.http, http_metrics);
    serving.spawn_vital("api", move |token| async move { Ok(public.serve(routes, token).await?) });
    let admin_routes = admin_router(health.clone(), registry);
    background.spawn_vital("admin", move |token| async move { Ok(admin.serve(admin_routes, token).await?) });

    let writer = Arc::new(writer);
    for _ in 0..writer::LOOPS {
        let writer = writer.clone();
        writing.spawn_vital("writer", move |token| async move {
            writer.run(token).await;
            Ok(())
        });
    }
    let schema = health.component("schema", Importance::Required);
    let interval = Duration::from_secs(config.verification_interval_seconds.get());
    let verification = Verification { pool: pool.clone(), clock: clock.clone(), metrics: metrics.clone(), interval };
    verification.spawn(&background);
    spawn_background(&background, pool, clock, metrics, commands, relay, schema);

    tokio::select! {
        signal = wait_for_shutdown_signal() => tracing::info!(signal = signal?, "Stopping."),
        () = serving_died.cancelled() => {}
        () = writing_died.cancelled() => {}
        () = background_died.cancelled() => {}
    }
    health.drain();
    let served = serving.shutdown(config.http.drain() + CUT_WITHIN).await;
    let (written, ended) = tokio::join!(writing.shutdown(STOP_WITHIN), background.shutdown(STOP_WITHIN));
    for end in [served, written, ended] {
        anyhow::ensure!(end.is_clean(), "stopped with unfinished tasks {:?}, dead task {:?}", end.unfinished, end.died);
    }
    Ok(())
}

fn spawn_background(
    tasks: &Tasks,
    pool: PgPool,
    clock: SharedClock,
    metrics: Arc<LedgerMetrics>,
    commands: writer::Commands,
    relay: Relay,
    schema: service_kit::health::Component,
) {
    let relay = Arc::new(relay);
    tasks.spawn_restarting("relay", move |token| {
        let relay = relay.clone();
        async move {
            relay.run(token).await;
            Ok(())
        }
    });
    let (watched, now, expiring) = (pool.clone(), clock.clone(), commands.clone());
    tasks.spawn_restarting("outbox backlog", move |token| {
        let watch = upkeep::backlog::watch(watched.clone(), now.clone(), metrics.clone(), commands.clone());
        async move { token.run_until_cancelled(watch).await.unwrap_or(Ok(())) }
    });
    let due = pool.clone();
    tasks.spawn_restarting("expiry of holds", move |token| {
        let watch = upkeep::expire_holds::watch(due.clone(), expiring.clone());
        async move { token.run_until_cancelled(watch).await.unwrap_or(Ok(())) }
    });
    let (partitioned, now) = (pool.clone(), clock.clone());
    tasks.spawn_restarting("event partitions", move |token| {
        let keep = upkeep::partitions::keep(partitioned.clone(), now.clone());
        async move { token.run_until_cancelled(keep).await.unwrap_or(Ok(())) }
    });
    let forgetful = pool.clone();
    tasks.spawn_restarting("old keys", move |token| {
        let forget = upkeep::forget_keys::keep_forgetting(forgetful.clone(), clock.clone());
        async move { token.run_until_cancelled(forget).await.unwrap_or(Ok(())) }
    });
    tasks.spawn_restarting("schema check", move |token| {
        let (pool, schema) = (pool.clone(), schema.clone());
        async move {
            // Ready once the schema is seen; a database that goes away later takes nobody out of rotation.
            while !token.is_cancelled() {
                match check_schema(&pool).await {
                    Ok(()) => {
                        schema.up();
                        token.cancelled().await;
                    }
                    Err(error) => {
                        schema.down(format!("{error:#}"));
                        token.run_until_cancelled(tokio::time::sleep(SCHEMA_POLL)).await;
                    }
                }
            }
            Ok(())
        }
    });
}

/// Whether the database is as this binary needs it: migrated at least as far, and with bounded sessions.
async fn check_schema(pool: &PgPool) -> anyhow::Result<()> {
    let (version,): (Option<i64>,) = sqlx::query_as("SELECT max(version) FROM _sqlx_migrations WHERE success")
        .fetch_one(pool)
        .await
        .context("the schema cannot be read")?;
    let wanted = MIGRATIONS.iter().map(|migration| migration.version).max();
    anyhow::ensure!(version >= wanted, "the schema is at version {version:?}, this binary needs {wanted:?}");
    postgres::check_session_timeouts(pool).await?;
    Ok(())
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
    let nats = messaging::connect(&provisioner, Role::Provisioner, "transaction-svc migrate").await?;
    topology::ensure(&nats, &config.topology).await.context("the streams cannot be brought up to date")?;
    tracing::info!("The streams are up to date.");
    Ok(())
}
