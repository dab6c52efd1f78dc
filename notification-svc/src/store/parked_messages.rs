//! Messages of JetStream that failed here and wait for their next attempt.

use messaging::{Delivery, HeaderMap, Outage, ParkedMessage, Parking};
use service_kit::postgres::answered;
use sqlx::{FromRow, PgPool, types::Json};
use time::OffsetDateTime;

use super::error::StoreError;

/// The parked messages of this service.
#[derive(Debug, Clone)]
pub struct ParkedMessages {
    pool: PgPool,
}

impl ParkedMessages {
    #[must_use]
    pub const fn new(pool: PgPool) -> Self {
        Self { pool }
    }

    /// How many messages of this stream are parked.
    ///
    /// # Errors
    /// [`StoreError`]
    pub async fn count(&self, stream: &str) -> Result<u64, StoreError> {
        let count: i64 = sqlx::query_scalar("SELECT count(*) FROM parked_messages WHERE stream = $1")
            .bind(stream)
            .fetch_one(&self.pool)
            .await?;
        Ok(count.unsigned_abs())
    }
}

impl Parking for ParkedMessages {
    async fn park(&self, message: &ParkedMessage) -> Result<(), Outage> {
        let ParkedMessage { delivery, first_failed, due, error } = message;
        let parked = sqlx::query(
            "INSERT INTO parked_messages (stream, stream_sequence, subject, headers, body, published_at, attempts,
                                          first_failed_at, due_at, error)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
             ON CONFLICT (stream, stream_sequence, published_at) DO NOTHING",
        )
        .bind(&delivery.stream)
        .bind(stored_sequence(delivery.sequence))
        .bind(&delivery.subject)
        .bind(Json(&delivery.headers))
        .bind(delivery.body.as_ref())
        .bind(delivery.published)
        .bind(stored_attempts(delivery.attempt))
        .bind(first_failed)
        .bind(due)
        .bind(error)
        .execute(&self.pool);
        answered(parked).await.map_err(Outage::new)?;
        Ok(())
    }

    async fn take_due(&self, now: OffsetDateTime, until: OffsetDateTime) -> Result<Option<ParkedMessage>, Outage> {
        let taken = sqlx::query_as(
            "UPDATE parked_messages SET attempts = attempts + 1, due_at = $2
             WHERE (stream, stream_sequence, published_at) = (
                 SELECT stream, stream_sequence, published_at FROM parked_messages WHERE due_at <= $1
                 ORDER BY due_at LIMIT 1 FOR UPDATE SKIP LOCKED
             )
             RETURNING *",
        )
        .bind(now)
        .bind(until)
        .fetch_optional(&self.pool);
        let row: Option<Row> = answered(taken).await.map_err(Outage::new)?;
        Ok(row.map(ParkedMessage::from))
    }

    async fn reschedule(&self, message: &ParkedMessage) -> Result<(), Outage> {
        let ParkedMessage { delivery, due, error, .. } = message;
        let put_off = sqlx::query(
            "UPDATE parked_messages SET attempts = $4, due_at = $5, error = $6
             WHERE stream = $1 AND stream_sequence = $2 AND published_at = $3",
        )
        .bind(&delivery.stream)
        .bind(stored_sequence(delivery.sequence))
        .bind(delivery.published)
        .bind(stored_attempts(delivery.attempt))
        .bind(due)
        .bind(error)
        .execute(&self.pool);
        answered(put_off).await.map_err(Outage::new)?;
        Ok(())
    }

    async fn unpark(&self, message: &ParkedMessage) -> Result<(), Outage> {
        let delivery = &message.delivery;
        let unparked =
            sqlx::query("DELETE FROM parked_messages WHERE stream = $1 AND stream_sequence = $2 AND published_at = $3")
                .bind(&delivery.stream)
                .bind(stored_sequence(delivery.sequence))
                .bind(delivery.published)
                .execute(&self.pool);
        answered(unparked).await.map_err(Outage::new)?;
        Ok(())
    }
}

#[derive(FromRow)]
struct Row {
    stream: String,
    stream_sequence: i64,
    subject: String,
    headers: Json<HeaderMap>,
    body: Vec<u8>,
    published_at: OffsetDateTime,
    attempts: i32,
    first_failed_at: OffsetDateTime,
    due_at: OffsetDateTime,
    error: String,
}

impl From<Row> for ParkedMessage {
    fn from(row: Row) -> Self {
        let delivery = Delivery {
            stream: row.stream,
            sequence: row.stream_sequence.unsigned_abs(),
            subject: row.subject,
            headers: row.headers.0,
            body: row.body.into(),
            published: row.published_at,
            attempt: row.attempts.unsigned_abs(),
        };
        Self { delivery, first_failed: row.first_failed_at, due: row.due_at, error: row.error }
    }
}

/// Sequences of a stream count from 1 and stay far below 2^63.
fn stored_sequence(sequence: u64) -> i64 {
    i64::try_from(sequence).unwrap_or(i64::MAX)
}

/// Attempts are bounded by the policy, at some tens.
fn stored_attempts(attempts: u32) -> i32 {
    i32::try_from(attempts).unwrap_or(i32::MAX)
}
