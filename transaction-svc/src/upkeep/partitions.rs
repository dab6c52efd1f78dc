//! Keeps the journal's partitions ahead of the calendar.

use std::time::Duration;

use service_kit::{clock::SharedClock, tasks::TaskError};
use sqlx::PgPool;

use crate::store::journal;

const INTERVAL: Duration = Duration::from_secs(3_600);
const MONTHS_AHEAD: i32 = 3;

/// Makes what is missing, every hour.
///
/// # Errors
/// Those of the database; the task is started again.
pub async fn keep_ahead(pool: PgPool, clock: SharedClock) -> Result<(), TaskError> {
    let mut ticks = tokio::time::interval(INTERVAL);
    loop {
        ticks.tick().await;
        journal::ensure_partitions(&pool, clock.now(), MONTHS_AHEAD).await?;
    }
}
