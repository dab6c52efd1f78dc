//! The life of a transaction, gathered from everything that keeps a part of it.

use std::collections::HashMap;

use contract::{
    DeliveryId, EventId, EventKind, TransactionId, WebhookEndpointId,
    timeline::{Step, Timeline, TimelineStep},
};
use sea_orm::DatabaseConnection;
use sqlx::PgPool;
use time::OffsetDateTime;
use uuid::Uuid;

use super::{StoreError, column::column, webhooks::deliveries::AttemptRow};

/// A transaction may be refunded cent by cent, and told to hundreds: of the rest a timeline says only that there is more.
const MAX_EVENTS: usize = 100;
const MAX_ATTEMPTS: usize = 1_000;

#[derive(sqlx::FromRow)]
struct EventRow {
    event_id: Uuid,
    occurred_at: OffsetDateTime,
    kind: Option<String>,
    accepted_at: Option<OffsetDateTime>,
}

#[derive(sqlx::FromRow)]
struct PublicationRow {
    event_id: Uuid,
    stream_sequence: i64,
    published_at: OffsetDateTime,
}

#[derive(sqlx::FromRow)]
struct SentRow {
    event_id: Uuid,
    endpoint_id: Uuid,
    configured: bool,
    #[sqlx(flatten)]
    attempt: AttemptRow,
}

/// What is known of an event wherever it is told.
struct Told {
    kind: Option<EventKind>,
    committed_at: OffsetDateTime,
}

/// The timeline, with the attempts to the notification service, or with `every_endpoint` to all there are now.
///
/// # Errors
/// Those of the database, and a corrupt row.
pub async fn timeline(
    database: &DatabaseConnection,
    transaction: TransactionId,
    every_endpoint: bool,
) -> Result<Timeline, StoreError> {
    let pool = database.get_postgres_connection_pool();
    let mut events = events(pool, transaction).await?;
    let mut complete = events.len() <= MAX_EVENTS;
    events.truncate(MAX_EVENTS);
    let ids = column(&events, |event| event.event_id);
    let mut sent = attempts(pool, &ids, every_endpoint).await?;
    complete &= sent.len() <= MAX_ATTEMPTS;
    sent.truncate(MAX_ATTEMPTS);

    let (mut told, mut steps) = (HashMap::new(), Vec::new());
    for event in events {
        let id = EventId::from_uuid(event.event_id);
        let kind = event.kind.map(|kind| kind.parse()).transpose();
        let kind = kind.map_err(|error| StoreError::corrupt("events", id, error))?;
        told.insert(id, Told { kind, committed_at: event.occurred_at });
        steps.extend(event.accepted_at.map(|at| (id, at, Step::Accepted)));
        steps.push((id, event.occurred_at, Step::Committed));
    }
    for PublicationRow { event_id, stream_sequence, published_at } in publications(pool, &ids).await? {
        steps.push((EventId::from_uuid(event_id), published_at, Step::Published { stream_sequence }));
    }
    for SentRow { event_id, endpoint_id, configured, attempt } in sent {
        let delivery_id = DeliveryId::from_uuid(attempt.delivery_id);
        let endpoint_id = WebhookEndpointId::from_uuid(endpoint_id);
        let at = attempt.started_at;
        let step = Step::Attempted { delivery_id, endpoint_id, configured, attempt: attempt.try_into()? };
        steps.push((EventId::from_uuid(event_id), at, step));
    }
    Ok(Timeline { transaction, steps: in_order(steps, &told), complete })
}

/// By time; but nothing that follows from a commit comes before it, whatever another machine's clock says.
fn in_order(mut steps: Vec<(EventId, OffsetDateTime, Step)>, told: &HashMap<EventId, Told>) -> Vec<TimelineStep> {
    let committed_at = |event: &EventId| told.get(event).map(|told| told.committed_at);
    steps.sort_by_key(|(event, at, step)| match step {
        Step::Accepted => (Some(*at), 0, *event),
        Step::Committed => (Some(*at), 1, *event),
        Step::Published { .. } => (Some(*at).max(committed_at(event)), 2, *event),
        Step::Attempted { .. } | Step::Notified { .. } => (Some(*at).max(committed_at(event)), 3, *event),
    });
    let shown = |(event_id, at, step): (EventId, _, _)| {
        let r#type = told.get(&event_id).and_then(|told| told.kind);
        TimelineStep { at, event_id, r#type, step }
    };
    steps.into_iter().map(shown).collect()
}

/// The first events of a transaction, and one more than are shown.
async fn events(pool: &PgPool, transaction: TransactionId) -> Result<Vec<EventRow>, StoreError> {
    let rows = sqlx::query_as(
        "SELECT happened.*, event.kind, event.accepted_at
         FROM (SELECT event_id, min(occurred_at) AS occurred_at FROM effects WHERE transaction_id = $1
               GROUP BY event_id ORDER BY event_id LIMIT $2) AS happened
         LEFT JOIN events AS event ON event.id = happened.event_id
         ORDER BY happened.event_id",
    )
    .bind(transaction.uuid())
    .bind(i64::try_from(MAX_EVENTS + 1).unwrap_or(i64::MAX))
    .fetch_all(pool)
    .await?;
    Ok(rows)
}

async fn publications(pool: &PgPool, events: &[Uuid]) -> Result<Vec<PublicationRow>, StoreError> {
    Ok(sqlx::query_as("SELECT * FROM publications WHERE event_id = ANY($1)").bind(events).fetch_all(pool).await?)
}

/// The first attempts, and one more than are shown. Of endpoints that were deleted since there are none.
async fn attempts(pool: &PgPool, events: &[Uuid], every_endpoint: bool) -> Result<Vec<SentRow>, StoreError> {
    // One look into the unique index for each event and endpoint, whatever the planner thinks of the tables' sizes.
    let rows = sqlx::query_as(
        "SELECT told.event_id, endpoint.id AS endpoint_id, endpoint.configured_as IS NOT NULL AS configured, attempt.*
         FROM webhook_endpoints AS endpoint
         CROSS JOIN UNNEST($1::uuid[]) AS told (event_id)
         CROSS JOIN LATERAL (SELECT id FROM webhook_deliveries
                             WHERE endpoint_id = endpoint.id AND event_id = told.event_id LIMIT 1) AS delivery
         JOIN webhook_attempts AS attempt ON attempt.delivery_id = delivery.id
         WHERE $2 OR endpoint.configured_as IS NOT NULL
         ORDER BY attempt.started_at, attempt.delivery_id LIMIT $3",
    )
    .bind(events)
    .bind(every_endpoint)
    .bind(i64::try_from(MAX_ATTEMPTS + 1).unwrap_or(i64::MAX))
    .fetch_all(pool)
    .await?;
    Ok(rows)
}
