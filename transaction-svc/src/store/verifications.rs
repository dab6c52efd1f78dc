//! What the verifications in the background found. The newest is what all replicas tell.

use serde::{Serialize, de::DeserializeOwned};
use sqlx::{PgPool, types::Json};
use time::{Duration, OffsetDateTime};

use super::{Database, StoreError};

/// For how long results are kept.
const KEPT: Duration = Duration::days(90);

/// Keeps a result, and removes those that are old.
///
/// # Errors
/// Those of the database.
pub async fn keep<Report: Serialize + Sync>(
    pool: &PgPool,
    started_at: OffsetDateTime,
    violations: u64,
    report: &Report,
) -> Result<(), StoreError> {
    sqlx::query(
        "WITH gone AS (DELETE FROM verifications WHERE started_at < $4)
         INSERT INTO verifications (started_at, violations, report) VALUES ($1, $2, $3)",
    )
    .bind(started_at)
    .bind(i64::try_from(violations).unwrap_or(i64::MAX))
    .bind(Json(report))
    .bind(started_at - KEPT)
    .execute(pool)
    .await?;
    Ok(())
}

/// The newest result.
///
/// # Errors
/// Those of the database.
pub async fn newest<Report>(database: &Database) -> Result<Option<Report>, StoreError>
where
    Report: DeserializeOwned + Send + Unpin + 'static,
{
    let report = sqlx::query_scalar("SELECT report FROM verifications ORDER BY id DESC LIMIT 1");
    let report: Option<Json<Report>> = report.fetch_optional(database.get_postgres_connection_pool()).await?;
    Ok(report.map(|Json(report)| report))
}

/// The moment at which the newest began.
///
/// # Errors
/// Those of the database.
pub async fn newest_began(pool: &PgPool) -> Result<Option<OffsetDateTime>, StoreError> {
    Ok(sqlx::query_scalar("SELECT max(started_at) FROM verifications").fetch_one(pool).await?)
}
