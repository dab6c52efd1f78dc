//! Leases: what only one replica may do at a time, by the database's clock.

use std::time::Duration;

use sqlx::PgPool;
use uuid::Uuid;

use super::StoreError;

/// Takes or renews the lease for `term_length` from now. Gives its term, which grows with every change of holder, or `None`
/// while somebody else holds it.
///
/// # Errors
/// Those of the database.
pub async fn acquire(
    pool: &PgPool,
    name: &str,
    holder: Uuid,
    term_length: Duration,
) -> Result<Option<i64>, StoreError> {
    let term = sqlx::query_scalar(
        "INSERT INTO leases AS lease (name, holder, term, expires_at)
         VALUES ($1, $2, 1, clock_timestamp() + $3)
         ON CONFLICT (name) DO UPDATE
         SET holder = excluded.holder,
             term = lease.term + CASE WHEN lease.holder = excluded.holder THEN 0 ELSE 1 END,
             expires_at = excluded.expires_at
         WHERE lease.holder = excluded.holder OR lease.expires_at <= clock_timestamp()
         RETURNING term",
    )
    .bind(name)
    .bind(holder)
    .bind(term_length)
    .fetch_optional(pool)
    .await?;
    Ok(term)
}

/// Gives the lease back, if it is still this holder's, so that the next one need not wait for its end.
///
/// # Errors
/// Those of the database.
pub async fn release(pool: &PgPool, name: &str, holder: Uuid) -> Result<(), StoreError> {
    sqlx::query("UPDATE leases SET expires_at = clock_timestamp() WHERE name = $1 AND holder = $2")
        .bind(name)
        .bind(holder)
        .execute(pool)
        .await?;
    Ok(())
}
