//! Forgets where the stream had events, once it has forgotten them itself: as `forget_keys` does it, and for as long as
//! deliveries are kept, so that a timeline is whole or has no ways any more.

use std::time::Duration;

use service_kit::{clock::SharedClock, tasks::TaskError};
use sqlx::PgPool;

use crate::store::outbox;

const KEPT: time::Duration = time::Duration::days(90);
const INTERVAL: Duration = Duration::from_secs(600);
const STEP: u64 = 1_000;
const PAUSE: Duration = Duration::from_millis(50);

/// Looks every ten minutes, for ever.
///
/// # Errors
/// Those of the database; the task is started again.
pub async fn keep_forgetting(pool: PgPool, clock: SharedClock) -> Result<(), TaskError> {
    let mut ticks = tokio::time::interval(INTERVAL);
    loop {
        ticks.tick().await;
        let horizon = clock.now() - KEPT;
        while outbox::forget_publications(&pool, horizon, STEP).await? >= STEP {
            tokio::time::sleep(PAUSE).await;
        }
    }
}
