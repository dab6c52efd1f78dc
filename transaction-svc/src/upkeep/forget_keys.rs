//! Forgets the answers under idempotency keys that are older than a key's promise: many small deletions with pauses in
//! between, which hold up nobody. Replicas that do it at once do no harm.

use std::time::Duration;

use service_kit::{clock::SharedClock, tasks::TaskError};
use sqlx::PgPool;

use crate::store::answers;

/// For how long a key stands for its first answer.
const KEPT: time::Duration = time::Duration::days(30);
const INTERVAL: Duration = Duration::from_secs(600);
/// 10,000 answers a second at the most, which is more than are stored.
const STEP: u64 = 1_000;
const PAUSE: Duration = Duration::from_millis(100);

/// Looks every ten minutes, for ever.
///
/// # Errors
/// Those of the database; the task is started again.
pub async fn keep_forgetting(pool: PgPool, clock: SharedClock) -> Result<(), TaskError> {
    let mut ticks = tokio::time::interval(INTERVAL);
    loop {
        ticks.tick().await;
        let horizon = clock.now() - KEPT;
        while answers::forget(&pool, horizon, STEP).await? == STEP {
            tokio::time::sleep(PAUSE).await;
        }
    }
}
