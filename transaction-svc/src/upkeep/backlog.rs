//! Watches how much waits to be published, and has commands refused once it is too much.

use std::{sync::Arc, time::Duration};

use service_kit::{clock::SharedClock, tasks::TaskError, telemetry::chain};
use sqlx::PgPool;

use crate::{metrics::LedgerMetrics, store::outbox, writer::Commands};

const INTERVAL: Duration = Duration::from_secs(1);
/// About an hour of full load. Whatever was accepted is durable; this keeps the disk from filling while NATS is away.
const MAX_EVENTS: i64 = 2_000_000;

/// Looks every second, for ever.
///
/// # Errors
/// None: a failed look is logged and repeated.
pub async fn watch(
    pool: PgPool,
    clock: SharedClock,
    metrics: Arc<LedgerMetrics>,
    commands: Commands,
) -> Result<(), TaskError> {
    let mut ticks = tokio::time::interval(INTERVAL);
    loop {
        ticks.tick().await;
        match outbox::backlog(&pool).await {
            Ok(backlog) => {
                let age = backlog.oldest.map_or(0.0, |oldest| (clock.now() - oldest.time()).as_seconds_f64());
                metrics.outbox_events.set(backlog.events);
                metrics.outbox_oldest_age_seconds.set(age.max(0.0));
                commands.set_outbox_full(backlog.events >= MAX_EVENTS);
            }
            Err(error) => tracing::warn!(cause = chain(&error), "The outbox cannot be measured for now."),
        }
    }
}
