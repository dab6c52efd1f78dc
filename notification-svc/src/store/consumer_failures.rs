//! The last failure of each durable consumer, so that operators see it who do not ask the process that had it.

use sqlx::PgPool;
use time::OffsetDateTime;

use super::error::StoreError;

/// What went wrong last, with whichever replica.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct ConsumerFailure {
    pub error: String,
    pub occurred_at: OffsetDateTime,
}

/// # Errors
/// [`StoreError`]
pub async fn note(pool: &PgPool, durable: &str, error: &str, now: OffsetDateTime) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO consumer_failures (durable, error, occurred_at) VALUES ($1, $2, $3)
         ON CONFLICT (durable) DO UPDATE SET error = excluded.error, occurred_at = excluded.occurred_at",
    )
    .bind(durable)
    .bind(error)
    .bind(now)
    .execute(pool)
    .await?;
    Ok(())
}

/// # Errors
/// [`StoreError`]
pub async fn last(pool: &PgPool, durable: &str) -> Result<Option<ConsumerFailure>, StoreError> {
    let row = sqlx::query_as("SELECT error, occurred_at FROM consumer_failures WHERE durable = $1");
    Ok(row.bind(durable).fetch_optional(pool).await?)
}
