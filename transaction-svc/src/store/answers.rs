//! Stored answers: what the first request under an idempotency key was told.

use bytes::Bytes;
use sqlx::{PgConnection, PgPool};
use time::OffsetDateTime;

use super::{StoreError, batch_statement::BatchStatement, column::column};
use crate::domain::idempotency::{Fingerprint, Idempotency, KeyDigest};

/// An answer as it went out, kept in the same commit as its effect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredAnswer {
    /// The HTTP status.
    pub status: i16,
    pub body: Bytes,
    pub location: Option<String>,
    pub etag: Option<String>,
}

/// The answers found under some keys, and the database's clock at the moment of the query.
#[derive(Debug)]
pub struct Found {
    pub now: OffsetDateTime,
    pub answers: Vec<(Idempotency, StoredAnswer)>,
}

#[derive(sqlx::FromRow)]
struct Row {
    now: OffsetDateTime,
    key_digest: Option<Vec<u8>>,
    fingerprint: Option<Vec<u8>>,
    status: Option<i16>,
    body: Option<Vec<u8>>,
    location: Option<String>,
    etag: Option<String>,
}

/// Reads the answers under these keys and the clock. Run it as a statement of its own, after the locks are held: only
/// then does it see what the previous holder of the locks has committed.
///
/// # Errors
/// Those of the database, and a corrupt row.
pub async fn read_in_tx(connection: &mut PgConnection, keys: &[KeyDigest]) -> Result<Found, StoreError> {
    let rows: Vec<Row> = sqlx::query_as(
        "SELECT clock_timestamp() AS now, answer.key_digest, answer.fingerprint, answer.status, answer.body,
                answer.location, answer.etag
         FROM (VALUES (1)) AS always LEFT JOIN stored_answers AS answer ON answer.key_digest = ANY($1)",
    )
    .bind(column(keys, |key| key.0.to_vec()))
    .fetch_all(connection)
    .await?;
    let now = rows.first().map(|row| row.now).ok_or_else(|| StoreError::corrupt("stored_answers", "-", "no clock"))?;
    let answers = rows.into_iter().filter(|row| row.key_digest.is_some()).map(answer).collect::<Result<_, _>>()?;
    Ok(Found { now, answers })
}

/// The part of a statement that [`insert`] adds.
pub const STORED: &str = "answered";

/// Stores the answers, in the order of their keys so that two batches never wait for each other in a circle. Fewer rows
/// than answers mean that somebody else has just answered one of these keys.
pub fn insert(statement: &mut BatchStatement, at: OffsetDateTime, answers: &[(Idempotency, &StoredAnswer)]) {
    statement
        .part(
            STORED,
            "INSERT INTO stored_answers (key_digest, fingerprint, status, body, location, etag, created_at)
             SELECT key_digest, fingerprint, status, body, location, etag, $7
             FROM UNNEST($1::bytea[], $2::bytea[], $3::smallint[], $4::bytea[], $5::text[], $6::text[])
                  AS new (key_digest, fingerprint, status, body, location, etag)
             ORDER BY key_digest
             ON CONFLICT (key_digest) DO NOTHING
             RETURNING 1",
        )
        .bind(column(answers, |(idempotency, _)| idempotency.key.0.to_vec()))
        .bind(column(answers, |(idempotency, _)| idempotency.fingerprint.0.to_vec()))
        .bind(column(answers, |(_, answer)| answer.status))
        .bind(column(answers, |(_, answer)| answer.body.to_vec()))
        .bind(column(answers, |(_, answer)| answer.location.clone()))
        .bind(column(answers, |(_, answer)| answer.etag.clone()))
        .bind(at);
}

/// Removes at most `limit` of the answers that were stored before the horizon, the oldest first. Gives their number.
///
/// # Errors
/// Those of the database.
pub async fn forget(pool: &PgPool, horizon: OffsetDateTime, limit: u64) -> Result<u64, StoreError> {
    let done = sqlx::query(
        "DELETE FROM stored_answers WHERE key_digest = ANY (ARRAY(
             SELECT key_digest FROM stored_answers WHERE created_at < $1 ORDER BY created_at LIMIT $2))",
    )
    .bind(horizon)
    .bind(i64::try_from(limit).unwrap_or(i64::MAX))
    .execute(pool)
    .await?;
    Ok(done.rows_affected())
}

fn answer(row: Row) -> Result<(Idempotency, StoredAnswer), StoreError> {
    let corrupt = |reason: &str| StoreError::corrupt("stored_answers", "(digest)", reason);
    let digest = |bytes: Option<Vec<u8>>| {
        bytes.and_then(|bytes| <[u8; 32]>::try_from(bytes).ok()).ok_or_else(|| corrupt("not a SHA-256 digest"))
    };
    let idempotency =
        Idempotency { key: KeyDigest(digest(row.key_digest)?), fingerprint: Fingerprint(digest(row.fingerprint)?) };
    let answer = StoredAnswer {
        status: row.status.ok_or_else(|| corrupt("no status"))?,
        body: row.body.ok_or_else(|| corrupt("no body"))?.into(),
        location: row.location,
        etag: row.etag,
    };
    Ok((idempotency, answer))
}
