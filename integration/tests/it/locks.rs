//! Sessions of the ledger that wait for somebody else's lock: how a story knows that its next step comes in time.

use anyhow::ensure;
use integration::eventually::eventually;
use sqlx::PgPool;

/// Waits until so many of them wait.
pub(crate) async fn waiting(database: &PgPool, sessions: i64) {
    eventually("the ledger waits for a lock", async || {
        let waiting: i64 = sqlx::query_scalar(
            "SELECT count(*) FROM pg_stat_activity
             WHERE datname = current_database() AND usename = 'transaction_svc' AND wait_event_type = 'Lock'",
        )
        .fetch_one(database)
        .await?;
        ensure!(waiting == sessions, "{waiting} sessions wait");
        Ok(())
    })
    .await;
}
