//! What is due: leased to be sent, and handed back if it was not.

use bytes::Bytes;
use contract::{DeliveryId, EventId, WebhookEndpointId};
use sqlx::PgPool;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::store::{StoreError, begin::RELAXED, column::column};

/// A delivery that this process may attempt until the lease ends. The attempt is on the books already.
#[derive(Debug, Clone)]
pub struct Leased {
    pub place: Place,
    pub event: EventId,
    /// Failures so far, for the schedule.
    pub failures: i16,
    pub endpoint_version: i64,
    /// The platform's own, which is part of the configuration.
    pub endpoint_is_configured: bool,
    pub url: String,
    pub traceparent: Option<String>,
    /// As the journal has it; `None` where retention is done with it.
    pub body: Option<Bytes>,
}

/// Where a delivery is in the queue, and which attempt has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    pub endpoint: WebhookEndpointId,
    pub due_at: OffsetDateTime,
    pub delivery: DeliveryId,
    pub attempt: i16,
}

/// How many deliveries to lease.
#[derive(Debug, Clone)]
pub struct Room {
    /// Of endpoints of which some are in hand already.
    pub of_known: Vec<(WebhookEndpointId, i32)>,
    /// Of any other.
    pub of_others: i32,
    /// Of the platform's own, unless it is known.
    pub of_configured: i32,
    pub in_all: i32,
}

#[derive(sqlx::FromRow)]
struct Row {
    endpoint_id: Uuid,
    due_at: OffsetDateTime,
    delivery_id: Uuid,
    event_id: Uuid,
    attempts: i16,
    failures: i16,
    version: i64,
    configured: bool,
    url: String,
    traceparent: Option<String>,
    body: Option<Vec<u8>>,
}

/// Leases what is due, the longest due of each endpoint first, and writes down that an attempt begins.
///
/// # Errors
/// Those of the database.
pub async fn lease(
    pool: &PgPool,
    room: &Room,
    now: OffsetDateTime,
    until: OffsetDateTime,
) -> Result<Vec<Leased>, StoreError> {
    let mut transaction = pool.begin_with(RELAXED).await?;
    let rows: Vec<Row> = sqlx::query_as(
        "WITH due AS (
             SELECT one.*, endpoint.url, endpoint.version, endpoint.configured_as IS NOT NULL AS configured
             FROM webhook_endpoints AS endpoint
             LEFT JOIN UNNEST($1::uuid[], $2::int[]) AS known (id, room) ON known.id = endpoint.id
             CROSS JOIN LATERAL (
                 SELECT endpoint_id, due_at, delivery_id FROM webhook_queue
                 WHERE endpoint_id = endpoint.id AND due_at <= $6 AND (leased_until IS NULL OR leased_until <= $6)
                 ORDER BY due_at
                 LIMIT coalesce(known.room, CASE WHEN endpoint.configured_as IS NULL THEN $3 ELSE $4 END)
                 FOR UPDATE SKIP LOCKED
             ) AS one
             WHERE endpoint.enabled AND (endpoint.not_before IS NULL OR endpoint.not_before <= $6)
             LIMIT $5
         ), leased AS (
             UPDATE webhook_queue AS queued SET leased_until = $7, attempts = queued.attempts + 1
             FROM due
             WHERE (queued.endpoint_id, queued.due_at, queued.delivery_id) = (due.endpoint_id, due.due_at, due.delivery_id)
             RETURNING queued.endpoint_id, queued.due_at, queued.delivery_id, queued.event_id, queued.attempts,
                       queued.failures, due.url, due.version, due.configured
         ), begun AS (
             INSERT INTO webhook_attempts (delivery_id, number, started_at) SELECT delivery_id, attempts, $6 FROM leased
         )
         SELECT leased.*, event.traceparent, event.body
         FROM leased LEFT JOIN events AS event ON event.id = leased.event_id
         ORDER BY leased.due_at, leased.event_id",
    )
    .bind(column(&room.of_known, |(endpoint, _)| endpoint.uuid()))
    .bind(column(&room.of_known, |(_, room)| *room))
    .bind(room.of_others)
    .bind(room.of_configured)
    .bind(room.in_all)
    .bind(now)
    .bind(until)
    .fetch_all(&mut *transaction)
    .await?;
    transaction.commit().await?;
    Ok(rows.into_iter().map(Leased::from).collect())
}

/// Gives back what was leased and not begun: it is due as before, and no attempt was made.
///
/// # Errors
/// Those of the database.
pub async fn give_back(pool: &PgPool, places: &[Place]) -> Result<(), StoreError> {
    let mut transaction = pool.begin_with(RELAXED).await?;
    sqlx::query(
        "WITH returned AS (
             UPDATE webhook_queue AS queued SET leased_until = NULL, attempts = queued.attempts - 1
             FROM UNNEST($1::uuid[], $2::timestamptz[], $3::uuid[], $4::smallint[])
                  AS back (endpoint_id, due_at, delivery_id, attempt)
             WHERE (queued.endpoint_id, queued.due_at, queued.delivery_id)
                 = (back.endpoint_id, back.due_at, back.delivery_id) AND queued.attempts = back.attempt
             RETURNING back.delivery_id, back.attempt
         )
         DELETE FROM webhook_attempts AS begun USING returned
         WHERE (begun.delivery_id, begun.number) = (returned.delivery_id, returned.attempt)",
    )
    .bind(column(places, |place| place.endpoint.uuid()))
    .bind(column(places, |place| place.due_at))
    .bind(column(places, |place| place.delivery.uuid()))
    .bind(column(places, |place| place.attempt))
    .execute(&mut *transaction)
    .await?;
    transaction.commit().await?;
    Ok(())
}

/// Since when the delivery that has waited longest is due, of endpoints that are sent to.
///
/// # Errors
/// Those of the database.
pub async fn oldest_due(pool: &PgPool) -> Result<Option<OffsetDateTime>, StoreError> {
    let oldest = sqlx::query_scalar(
        "SELECT min(first.due_at) FROM webhook_endpoints AS endpoint
         CROSS JOIN LATERAL (
             SELECT due_at FROM webhook_queue WHERE endpoint_id = endpoint.id ORDER BY due_at LIMIT 1
         ) AS first
         WHERE endpoint.enabled",
    )
    .fetch_one(pool)
    .await?;
    Ok(oldest)
}

impl From<Row> for Leased {
    fn from(row: Row) -> Self {
        Self {
            place: Place {
                endpoint: WebhookEndpointId::from_uuid(row.endpoint_id),
                due_at: row.due_at,
                delivery: DeliveryId::from_uuid(row.delivery_id),
                attempt: row.attempts,
            },
            event: EventId::from_uuid(row.event_id),
            failures: row.failures,
            endpoint_version: row.version,
            endpoint_is_configured: row.configured,
            url: row.url,
            traceparent: row.traceparent,
            body: row.body.map(Bytes::from),
        }
    }
}
