//! The service put together: what runs, and in which order it stops.
//!
//! On a stop the process is first taken out of rotation; then requests and the batch in hand are finished; then NATS and
//! the database are left; the admin port goes last, so that the stop can be watched.

use std::{sync::Arc, time::Duration};

use anyhow::Context;
use messaging::{
    Role,
    topology::{self, NOTIFICATIONS, NOTIFICATIONS_REDRIVE},
};
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
    telemetry,
};
use sqlx::{Connection, PgConnection, PgPool};

use crate::{
    config::{Config, required},
    consumer::{self, Consumption},
    http::{self, Api, Ledger, Secrets},
    ingest::Ingest,
    intake,
    ledger::LedgerApi,
    live,
    metrics::{ConsumerGauges, IngestMetrics, WebhookMetrics, open_streams},
    operate::{Operations, replay},
    store::{inbox::Inbox, parked_messages::ParkedMessages, preferences::PreferenceStore, schema},
};

/// How long each other step of a stop may take, besides the drain of requests.
const STOP_WITHIN: Duration = Duration::from_secs(1);
/// One connection in so many may be a stream: the others are for requests.
const STREAMS_OF_CONNECTIONS: usize = 2;
const CHECK_SCHEMA_AGAIN: Duration = Duration::from_millis(200);

/// Serves until it is told to stop or something vital dies.
///
/// # Errors
/// What is wrong with the configuration, an address that is taken, or the vital task that died.
pub async fn serve(config: Config) -> anyhow::Result<()> {
    let _scenario = fail::FailScenario::setup();
    let clock: SharedClock = Arc::new(SystemClock);
    let registry = registry()?;
    let health = Health::new(clock.clone());

    let (working, watched) = (Tasks::new(), Tasks::new());
    let (verifier, sessions) = verifier(&config, clock.clone(), &registry, &health, &watched).await?;
    let pool = postgres::connect(&required(config.postgres, "POSTGRES__URL")?, "notification-svc")?;
    let nats =
        messaging::connect(&required(config.nats, "NATS__URL")?, Role::NotificationSvc, "notification-svc").await?;
    let live =
        live::Registry::new(config.http.max_connections.get() / STREAMS_OF_CONNECTIONS, open_streams(&registry)?);
    let ingest = Ingest::new(pool.clone(), clock.clone(), IngestMetrics::register(&registry)?, live.clone());
    let (intake, waiting) = intake::queue(ingest.clone());
    let operations = Operations::connect(config.operator, pool.clone(), ingest.clone(), clock.clone()).await?;
    let api = Api {
        verifier,
        inbox: Inbox::new(&pool),
        preferences: PreferenceStore::new(pool.clone()),
        live: live.clone(),
        stop: working.token(),
        operations: operations.clone(),
        ledger: Ledger::new(config.ledger.map(|ledger| LedgerApi::new(ledger.url)).transpose()?),
        sessions,
        cursors: Cursors::new(&required(config.cursor_key, "CURSOR_KEY")?)?,
        clock: clock.clone(),
        secrets: Secrets::new(required(config.webhook, "WEBHOOK__SECRETS")?.secrets()?),
        intake,
        webhook_metrics: WebhookMetrics::register(&registry)?,
    };
    let consumption = Consumption {
        nats: nats.clone(),
        ingest,
        parking: ParkedMessages::new(pool.clone()),
        failures: pool.clone(),
        clock,
        durable: NOTIFICATIONS,
        metrics: Arc::default(),
        gauges: ConsumerGauges::register(&registry, "consumer")?,
        component: health.component("consumer", Importance::Informative),
    };

    let (public, admin) = (Listener::public(&config.http).await?, Listener::admin(&config.http)?);
    tracing::info!(api = %public.address(), admin = %admin.address(), "Serving.");
    let (routes, _) = http::router().with_state(api).split_for_parts();
    let routes = edge(routes.merge(http::documentation()), &config.http, HttpMetrics::register(&registry)?);
    working.spawn_vital("api", move |stop| async move { Ok(public.serve(routes, stop).await?) });
    // Not told to stop: it ends when the API has, so that requests that are being finished still find it.
    working.spawn_vital("intake", move |_stop| async move {
        waiting.run().await;
        Ok(())
    });
    let streamed = (pool.clone(), live);
    working.spawn_restarting("live poll", move |stop| live::poll::run(streamed.0.clone(), streamed.1.clone(), stop));
    spawn_consumers(&working, consumption, &registry, &health)?;
    spawn_background(&working, operations, pool.clone(), health.component("schema", Importance::Required));
    let admin_routes = admin_router(health.clone(), registry);
    watched.spawn_vital("admin", move |stop| async move { Ok(admin.serve(admin_routes, stop).await?) });

    let (working_died, watched_died) = (working.token(), watched.token());
    tokio::select! {
        signal = wait_for_shutdown_signal() => tracing::info!(signal = signal?, "Stopping."),
        () = working_died.cancelled() => {}
        () = watched_died.cancelled() => {}
    }
    health.drain();
    let worked = working.shutdown(config.http.drain() + STOP_WITHIN).await;
    leave(&nats, &pool).await;
    for end in [worked, watched.shutdown(STOP_WITHIN).await] {
        anyhow::ensure!(end.is_clean(), "stopped with unfinished tasks {:?}, dead task {:?}", end.unfinished, end.died);
    }
    Ok(())
}

/// One for the events of the ledger, and one for what operators hand to it again.
fn spawn_consumers(
    tasks: &Tasks,
    consumption: Consumption,
    registry: &Registry,
    health: &Health,
) -> prometheus::Result<()> {
    let redriven = Consumption {
        durable: NOTIFICATIONS_REDRIVE,
        metrics: Arc::default(),
        gauges: ConsumerGauges::register(registry, "redrive_consumer")?,
        component: health.component("redrive consumer", Importance::Informative),
        ..consumption.clone()
    };
    tasks.spawn_restarting("consumer", move |stop| consumer::run(consumption.clone(), stop));
    tasks.spawn_restarting("redrive consumer", move |stop| consumer::run(redriven.clone(), stop));
    Ok(())
}

fn spawn_background(tasks: &Tasks, operations: Operations, pool: PgPool, component: Component) {
    tasks.spawn_restarting("replays", move |stop| replay::run_requested(operations.clone(), stop));
    tasks.spawn_restarting("schema check", move |stop| {
        let (pool, component) = (pool.clone(), component.clone());
        async move {
            stop.run_until_cancelled(schema_is_there(&pool, &component)).await;
            stop.cancelled().await;
            Ok(())
        }
    });
}

/// Who is let in, and how much they may ask.
async fn verifier(
    config: &Config,
    clock: SharedClock,
    registry: &Registry,
    health: &Health,
    tasks: &Tasks,
) -> anyhow::Result<(Verifier, Sessions)> {
    let redis = config.redis.as_ref().map(|redis| Redis::start(redis, registry, health, tasks)).transpose()?;
    let limit = CallerLimit::new("notification-svc", &config.limit, redis.clone(), registry)?;
    let auth = required(config.auth.as_ref(), "AUTH__ISSUER")?;
    let verifier = Verifier::start(auth, registry, health, tasks).await?;
    let sessions = Sessions::new(redis, clock);
    Ok((verifier.or_by(sessions.clone()).limited_by(limit), sessions))
}

/// Ready once the schema is seen; a database that goes away later takes nobody out of rotation.
async fn schema_is_there(pool: &PgPool, component: &Component) {
    while let Err(error) = check_schema(pool).await {
        component.down(format!("{error:#}"));
        tokio::time::sleep(CHECK_SCHEMA_AGAIN).await;
    }
    component.up();
}

/// Whether the database is as this build needs it: migrated at least as far, and with bounded sessions.
async fn check_schema(pool: &PgPool) -> anyhow::Result<()> {
    schema::check(pool).await?;
    Ok(postgres::check_session_timeouts(pool).await?)
}

/// Closes the connections, as far as the other sides let it in time.
async fn leave(nats: &messaging::Client, pool: &PgPool) {
    let closing = async {
        if let Err(error) = nats.drain().await {
            tracing::warn!(cause = telemetry::chain(&error), "NATS was left without draining.");
        }
        pool.close().await;
    };
    if tokio::time::timeout(STOP_WITHIN, closing).await.is_err() {
        tracing::warn!("Connections were cut: closing them took too long.");
    }
}

/// Brings the schema up to date as its owner, and the streams and consumers as the provisioner.
///
/// # Errors
/// What could not be brought up to date, and why.
pub async fn migrate(config: Config) -> anyhow::Result<()> {
    let url = required(config.migrator_url, "MIGRATOR_URL")?;
    let mut connection = PgConnection::connect(url.expose_secret()).await.context("the database cannot be reached")?;
    schema::migrate(&mut connection).await.context("the schema cannot be migrated")?;
    tracing::info!("The schema is up to date.");
    let provisioner = required(config.provisioner, "PROVISIONER__URL")?;
    let nats = messaging::connect(&provisioner, Role::Provisioner, "notification-svc migrate").await?;
    topology::ensure(&nats, &config.topology)
        .await
        .context("the streams and consumers cannot be brought up to date")?;
    tracing::info!("The streams and consumers are up to date.");
    Ok(())
}
