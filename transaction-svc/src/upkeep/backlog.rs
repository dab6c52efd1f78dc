//! Watches how much waits for either way, and has commands refused once it is too much. Whoever serves the API does: so it is
//! seen, and bounded, also when no process publishes or delivers.

use std::{sync::Arc, time::Duration};

use service_kit::{clock::SharedClock, postgres::answered, tasks::TaskError, telemetry::chain};
use sqlx::PgPool;

use crate::{
    metrics::LedgerMetrics,
    store::outbox::{self, Backlogs},
    writer::Commands,
};

const INTERVAL: Duration = Duration::from_secs(1);
/// For each way: about an hour of full load. Whatever was accepted is durable; this keeps the disk from filling while NATS is
/// away, or nobody delivers.
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
        match answered(outbox::backlogs(&pool)).await {
            Ok(Backlogs { relay, dispatch }) => {
                metrics.outbox.show(relay, clock.now());
                metrics.undispatched.show(dispatch, clock.now());
                commands.set_outbox_full(relay.events.max(dispatch.events) >= MAX_EVENTS);
            }
            Err(error) => tracing::warn!(cause = chain(&error), "The outboxes cannot be measured for now."),
        }
    }
}
