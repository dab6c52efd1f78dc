//! What is kept of webhooks, and for how long.

use sqlx::PgPool;
use time::OffsetDateTime;

use crate::store::StoreError;

/// How many rows one commit removes.
const AT_ONCE: i64 = 2_000;

/// Forgets deliveries that were made before this moment and have ended, with their attempts.
///
/// # Errors
/// Those of the database; what was forgotten by then stays so.
pub async fn forget_before(pool: &PgPool, moment: OffsetDateTime) -> Result<u64, StoreError> {
    let mut forgotten = 0;
    loop {
        let gone = sqlx::query(
            "WITH old AS (
                 SELECT id FROM webhook_deliveries WHERE id < first_id_at($1) AND status <> 'pending' ORDER BY id LIMIT $2
             ), attempts AS (
                 DELETE FROM webhook_attempts USING old WHERE delivery_id = old.id
             )
             DELETE FROM webhook_deliveries AS delivery USING old WHERE delivery.id = old.id",
        )
        .bind(moment)
        .bind(AT_ONCE)
        .execute(pool)
        .await?
        .rows_affected();
        forgotten += gone;
        if gone < AT_ONCE.unsigned_abs() {
            return Ok(forgotten);
        }
    }
}

/// Takes what waits for endpoints that were deleted out of the queue: it is not going to be delivered.
///
/// # Errors
/// Those of the database; what was taken out by then stays so.
pub async fn give_up_deleted(pool: &PgPool) -> Result<u64, StoreError> {
    let mut given_up = 0;
    loop {
        let gone = sqlx::query(
            "WITH orphaned AS (
                 DELETE FROM webhook_queue WHERE (endpoint_id, due_at, delivery_id) IN (
                     SELECT endpoint_id, due_at, delivery_id FROM webhook_queue AS queued
                     WHERE NOT EXISTS (SELECT FROM webhook_endpoints WHERE id = queued.endpoint_id) LIMIT $1)
                 RETURNING delivery_id
             )
             UPDATE webhook_deliveries AS delivery SET status = 'failed', finished_at = clock_timestamp()
             FROM orphaned WHERE delivery.id = orphaned.delivery_id",
        )
        .bind(AT_ONCE)
        .execute(pool)
        .await?
        .rows_affected();
        given_up += gone;
        if gone < AT_ONCE.unsigned_abs() {
            return Ok(given_up);
        }
    }
}
