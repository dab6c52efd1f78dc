//! Keeps the journal's partitions ahead of the calendar, and drops those that retention is done with.

use std::time::Duration;

use service_kit::{clock::SharedClock, tasks::TaskError};
use sqlx::PgPool;

use crate::store::{StoreError, journal};

const INTERVAL: Duration = Duration::from_secs(3_600);
const MONTHS_AHEAD: i32 = 3;

/// Makes what is missing and drops what is old, every hour.
///
/// # Errors
/// Those of the database; the task is started again.
pub async fn keep(pool: PgPool, clock: SharedClock) -> Result<(), TaskError> {
    let mut ticks = tokio::time::interval(INTERVAL);
    loop {
        ticks.tick().await;
        journal::ensure_partitions(&pool, clock.now(), MONTHS_AHEAD).await?;
        match journal::drop_partitions(&pool, clock.now()).await {
            Ok(0) => {}
            Ok(months) => {
                tracing::info!(months, "The journal has dropped {months} months that were over 400 days old.")
            }
            // Somebody reads the journal; the writers do not wait for them.
            Err(StoreError::LockTimeout(_)) => {
                tracing::info!("The journal is being read; old months are dropped later.")
            }
            Err(error) => return Err(error.into()),
        }
    }
}
