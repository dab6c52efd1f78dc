//! What became of each event on its way to an endpoint, and sending it again.

use std::collections::HashMap;

use contract::{
    DeliveryId, EventId, WebhookEndpointId,
    webhook::{AttemptOutcome, Delivery, DeliveryAttempt, DeliveryStatus},
};
use sqlx::PgPool;
use time::OffsetDateTime;
use uuid::Uuid;

use super::results::outcome_text;
use crate::store::{StoreError, column::column};

/// How many deliveries one commit of a recovery puts back.
const RECOVERED_AT_ONCE: i64 = 2_000;

#[derive(sqlx::FromRow)]
struct Row {
    id: Uuid,
    endpoint_id: Uuid,
    event_id: Uuid,
    status: String,
}

#[derive(sqlx::FromRow)]
pub(in crate::store) struct AttemptRow {
    pub(in crate::store) delivery_id: Uuid,
    number: i16,
    pub(in crate::store) started_at: OffsetDateTime,
    finished_at: Option<OffsetDateTime>,
    outcome: Option<String>,
    response_status: Option<i16>,
    error: Option<String>,
}

/// The deliveries to an endpoint with their attempts, those of the newest events first, of events older than `before`.
///
/// # Errors
/// Those of the database, and a corrupt row.
pub async fn list(
    pool: &PgPool,
    endpoint: WebhookEndpointId,
    status: Option<DeliveryStatus>,
    before: Option<EventId>,
    limit: u64,
) -> Result<Vec<Delivery>, StoreError> {
    let rows: Vec<Row> = sqlx::query_as(
        "SELECT id, endpoint_id, event_id, status FROM webhook_deliveries
         WHERE endpoint_id = $1 AND ($2 IS NULL OR event_id < $2) AND ($3 IS NULL OR status = $3)
         ORDER BY event_id DESC LIMIT $4",
    )
    .bind(endpoint.uuid())
    .bind(before.map(EventId::uuid))
    .bind(status.map(status_text))
    .bind(i64::try_from(limit).unwrap_or(i64::MAX))
    .fetch_all(pool)
    .await?;
    with_attempts(pool, rows).await
}

/// Sends one again, now. One that is pending is tried at once; one that is under way is left alone. `None`: the endpoint has
/// no such delivery.
///
/// # Errors
/// Those of the database, and a corrupt row.
pub async fn resend(
    pool: &PgPool,
    endpoint: WebhookEndpointId,
    id: DeliveryId,
    now: OffsetDateTime,
) -> Result<Option<Delivery>, StoreError> {
    let mut transaction = pool.begin().await?;
    let row: Option<Row> = sqlx::query_as(
        "SELECT id, endpoint_id, event_id, status FROM webhook_deliveries
         WHERE id = $1 AND endpoint_id = $2 FOR UPDATE",
    )
    .bind(id.uuid())
    .bind(endpoint.uuid())
    .fetch_optional(&mut *transaction)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let place = match row.status == status_text(DeliveryStatus::Pending) {
        true => {
            "UPDATE webhook_queue SET due_at = $3
             WHERE endpoint_id = $2 AND delivery_id = $1 AND due_at > $3 AND (leased_until IS NULL OR leased_until <= $3)"
        }
        false => {
            "WITH again AS (
                 UPDATE webhook_deliveries SET status = 'pending', finished_at = NULL WHERE id = $1
                 RETURNING id, endpoint_id, event_id
             )
             INSERT INTO webhook_queue (endpoint_id, due_at, delivery_id, event_id, attempts, failures)
             SELECT $2, $3, id, event_id,
                    (SELECT coalesce(max(number), 0) FROM webhook_attempts WHERE delivery_id = again.id), 0
             FROM again"
        }
    };
    sqlx::query(place).bind(id.uuid()).bind(endpoint.uuid()).bind(now).execute(&mut *transaction).await?;
    transaction.commit().await?;
    let status = status_text(DeliveryStatus::Pending).to_owned();
    Ok(with_attempts(pool, vec![Row { status, ..row }]).await?.pop())
}

/// Puts every delivery that was given up back into the queue, of events since then, in commits of bounded size. Gives
/// their number. What is in the queue is not put there twice, however often and however many at a time ask for it.
///
/// # Errors
/// Those of the database; what was put back by then stays there.
pub async fn recover(
    pool: &PgPool,
    endpoint: WebhookEndpointId,
    since: OffsetDateTime,
    now: OffsetDateTime,
) -> Result<u64, StoreError> {
    let mut recovered = 0;
    loop {
        let put_back = sqlx::query(
            "WITH given_up AS (
                 SELECT id FROM webhook_deliveries
                 WHERE endpoint_id = $1 AND event_id >= first_id_at($2) AND status = 'failed'
                 ORDER BY event_id LIMIT $4 FOR UPDATE
             ), again AS (
                 UPDATE webhook_deliveries AS delivery SET status = 'pending', finished_at = NULL
                 FROM given_up WHERE delivery.id = given_up.id
                 RETURNING delivery.id, delivery.event_id
             )
             INSERT INTO webhook_queue (endpoint_id, due_at, delivery_id, event_id, attempts, failures)
             SELECT $1, $3, id, event_id,
                    (SELECT coalesce(max(number), 0) FROM webhook_attempts WHERE delivery_id = again.id), 0
             FROM again",
        )
        .bind(endpoint.uuid())
        .bind(since)
        .bind(now)
        .bind(RECOVERED_AT_ONCE)
        .execute(pool)
        .await?
        .rows_affected();
        recovered += put_back;
        if put_back < RECOVERED_AT_ONCE.unsigned_abs() {
            return Ok(recovered);
        }
    }
}

async fn with_attempts(pool: &PgPool, rows: Vec<Row>) -> Result<Vec<Delivery>, StoreError> {
    let ids = column(&rows, |row| row.id);
    let made: Vec<AttemptRow> =
        sqlx::query_as("SELECT * FROM webhook_attempts WHERE delivery_id = ANY($1) ORDER BY delivery_id, number")
            .bind(&ids)
            .fetch_all(pool)
            .await?;
    let mut attempts: HashMap<Uuid, Vec<DeliveryAttempt>> = HashMap::new();
    for attempt in made {
        attempts.entry(attempt.delivery_id).or_default().push(attempt.try_into()?);
    }
    let pending: Vec<_> = rows.iter().filter(|row| row.status == status_text(DeliveryStatus::Pending)).collect();
    let due: HashMap<Uuid, OffsetDateTime> = match pending.first() {
        None => HashMap::new(),
        Some(first) => sqlx::query_as::<_, (Uuid, OffsetDateTime)>(
            "SELECT delivery_id, due_at FROM webhook_queue WHERE endpoint_id = $1 AND delivery_id = ANY($2)",
        )
        .bind(first.endpoint_id)
        .bind(column(&pending, |row| row.id))
        .fetch_all(pool)
        .await?
        .into_iter()
        .collect(),
    };
    let delivery = |row: Row| {
        let statuses = [DeliveryStatus::Pending, DeliveryStatus::Delivered, DeliveryStatus::Failed];
        let status = statuses.into_iter().find(|status| status_text(*status) == row.status);
        let id = DeliveryId::from_uuid(row.id);
        Ok(Delivery {
            id,
            endpoint_id: WebhookEndpointId::from_uuid(row.endpoint_id),
            event_id: EventId::from_uuid(row.event_id),
            status: status.ok_or_else(|| StoreError::corrupt("webhook_deliveries", id, "unknown status"))?,
            next_attempt_at: due.get(&row.id).copied(),
            created_at: id.time(),
            attempts: attempts.remove(&row.id).unwrap_or_default(),
        })
    };
    rows.into_iter().map(delivery).collect()
}

impl TryFrom<AttemptRow> for DeliveryAttempt {
    type Error = StoreError;

    fn try_from(row: AttemptRow) -> Result<Self, StoreError> {
        const OUTCOMES: [AttemptOutcome; 6] = [
            AttemptOutcome::Unknown,
            AttemptOutcome::Delivered,
            AttemptOutcome::Refused,
            AttemptOutcome::TimedOut,
            AttemptOutcome::Unreachable,
            AttemptOutcome::NotSent,
        ];
        let outcome = OUTCOMES.into_iter().find(|outcome| outcome_text(*outcome) == row.outcome.as_deref());
        let corrupt = || StoreError::corrupt("webhook_attempts", row.delivery_id, "unknown outcome");
        Ok(Self {
            number: row.number,
            started_at: row.started_at,
            finished_at: row.finished_at,
            outcome: outcome.ok_or_else(corrupt)?,
            response_status: row.response_status,
            error: row.error,
        })
    }
}

const fn status_text(status: DeliveryStatus) -> &'static str {
    match status {
        DeliveryStatus::Pending => "pending",
        DeliveryStatus::Delivered => "delivered",
        DeliveryStatus::Failed => "failed",
    }
}
