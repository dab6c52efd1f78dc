//! Keeps the history of webhooks from growing for ever.

use service_kit::{clock::SharedClock, tasks::TaskError};
use sqlx::PgPool;

use crate::store::webhooks::retention;

const INTERVAL: std::time::Duration = std::time::Duration::from_secs(600);
/// For how long it can be told what became of a delivery.
const KEPT: time::Duration = time::Duration::days(90);

/// Looks every ten minutes, for ever.
///
/// # Errors
/// Those of the database; the task is started again.
pub async fn keep_short(pool: PgPool, clock: SharedClock) -> Result<(), TaskError> {
    let mut ticks = tokio::time::interval(INTERVAL);
    loop {
        ticks.tick().await;
        let given_up = retention::give_up_deleted(&pool).await?;
        let forgotten = retention::forget_before(&pool, clock.now() - KEPT).await?;
        tracing::debug!(given_up, forgotten, "The history of webhooks was shortened.");
    }
}
