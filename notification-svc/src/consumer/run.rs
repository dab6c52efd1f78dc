//! Runs the durable consumer and reports how it goes, to the metrics and to `/readyz?verbose`. Trouble here never takes
//! the REST API out of rotation: the other way goes on bringing events.

use std::{sync::Arc, time::Duration};

use messaging::{
    Client, Consumer, ConsumerMetrics,
    metrics::{ConsumerSnapshot, ConsumerState},
    setting::Setting,
    topology::{self, Durable},
};
use serde_json::json;
use service_kit::{clock::SharedClock, health::Component, postgres::answered, tasks::TaskError, telemetry};
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

use super::NotificationHandler;
use crate::{
    ingest::Ingest,
    metrics::ConsumerGauges,
    store::{consumer_failures, parked_messages::ParkedMessages},
};

/// How often the durable is looked for while it is not as it has to be.
const CHECK_AGAIN: Duration = Duration::from_secs(1);
const REPORT_EVERY: Duration = Duration::from_secs(1);

/// What consumption needs.
#[derive(Debug, Clone)]
pub struct Consumption {
    pub nats: Client,
    pub ingest: Ingest,
    pub parking: ParkedMessages,
    /// Where failures are noted for operators.
    pub failures: PgPool,
    pub clock: SharedClock,
    pub durable: Durable,
    pub metrics: Arc<ConsumerMetrics>,
    pub gauges: ConsumerGauges,
    pub component: Component,
}

/// Consumes until told to stop.
///
/// # Errors
/// None: it goes through every failure by itself.
pub async fn run(consumption: Consumption, stop: CancellationToken) -> Result<(), TaskError> {
    if stop.run_until_cancelled(durable_is_there(&consumption)).await.is_none() {
        return Ok(());
    }
    let Consumption { nats, ingest, parking, failures, clock, durable, metrics, gauges, component } = consumption;
    let now = clock.clone();
    let setting = Setting {
        client: nats,
        durable,
        version: env!("CARGO_PKG_VERSION"),
        clock: Arc::new(move || now.now()),
        metrics: metrics.clone(),
    };
    let consumer = Consumer::new(setting, NotificationHandler::new(ingest), parking);
    let reports = async {
        let mut noted = None;
        loop {
            tokio::time::sleep(REPORT_EVERY).await;
            let snapshot = metrics.snapshot();
            report(&snapshot, &gauges, &component);
            note_failure(&failures, durable, snapshot.last_error, &mut noted, &clock).await;
        }
    };
    tokio::join!(consumer.run(stop.clone()), stop.run_until_cancelled(reports));
    report(&metrics.snapshot(), &gauges, &component);
    Ok(())
}

/// Keeps a new failure where operators look; one that cannot be kept is tried again with the next report.
async fn note_failure(
    pool: &PgPool,
    durable: Durable,
    last: Option<String>,
    noted: &mut Option<String>,
    clock: &SharedClock,
) {
    let Some(error) = last.filter(|error| noted.as_ref() != Some(error)) else {
        return;
    };
    match answered(consumer_failures::note(pool, durable.name, &error, clock.now())).await {
        Ok(()) => *noted = Some(error),
        Err(error) => tracing::debug!(cause = telemetry::chain(&error), "A failure could not be noted yet."),
    }
}

/// Waits until the durable consumer is as this build needs it.
async fn durable_is_there(consumption: &Consumption) {
    while let Err(error) = topology::check_consumer(&consumption.nats, consumption.durable).await {
        let cause = telemetry::chain(&error);
        tracing::warn!(cause, "The durable consumer cannot be used yet.");
        consumption.component.down(cause);
        tokio::time::sleep(CHECK_AGAIN).await;
    }
}

fn report(snapshot: &ConsumerSnapshot, gauges: &ConsumerGauges, component: &Component) {
    gauges.set(snapshot);
    match (snapshot.state, &snapshot.last_error) {
        (ConsumerState::Running, _) => component.up(),
        (state, None) => component.down(format!("{state:?}")),
        (state, Some(error)) => component.down(format!("{state:?}: {error}")),
    }
    component.progress(json!({
        "pending": snapshot.pending,
        "ack_pending": snapshot.ack_pending,
        "in_hand": snapshot.in_hand,
        "acknowledged": snapshot.acknowledged,
        "dead_lettered": snapshot.dead_lettered,
        "last_progress": snapshot.last_progress.map(contract::timestamp::text),
        "last_error": snapshot.last_error,
    }));
}
