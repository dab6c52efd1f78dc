//! From pointers in the outbox to deliveries, one for each endpoint that wants the event.

use contract::{DeliveryId, EventId, WebhookEndpointId};
use serde_json::Value;
use sqlx::{PgConnection, PgPool};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::store::{StoreError, begin::RELAXED, column::column};

/// How many deliveries one commit makes, about.
const MAX_DELIVERIES: usize = 4_096;
const MAX_POINTERS: usize = 1_024;

/// What one commit has done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Dispatched {
    pub pointers: usize,
    pub deliveries: usize,
}

/// Whom to tell what.
#[derive(Debug, Clone)]
struct Subscription {
    endpoint: WebhookEndpointId,
    /// `None` is all.
    event_types: Option<Vec<String>>,
}

impl Subscription {
    /// Only of events since the endpoint exists: ids carry their time.
    fn wants(&self, event: EventId, kind: &str) -> bool {
        self.endpoint.uuid() < event.uuid()
            && self.event_types.as_ref().is_none_or(|types| types.iter().any(|wanted| wanted == kind))
    }
}

/// Takes pointers out of the outbox and makes deliveries of them, due now, in one commit. Several replicas may do so at a
/// time: each takes others' pointers.
///
/// # Errors
/// Those of the database.
pub async fn dispatch(pool: &PgPool, now: OffsetDateTime, entropy: impl Fn() -> u64) -> Result<Dispatched, StoreError> {
    let mut transaction = pool.begin_with(RELAXED).await?;
    let subscriptions = subscriptions_in_tx(&mut transaction).await?;
    let limit = (MAX_DELIVERIES / subscriptions.len().max(1)).clamp(1, MAX_POINTERS);
    let pointers = take_in_tx(&mut transaction, limit).await?;
    let mut deliveries = Vec::new();
    for (event, kind) in &pointers {
        let wanting = subscriptions.iter().filter(|subscription| subscription.wants(*event, kind));
        deliveries.extend(wanting.map(|one| (DeliveryId::new(now, entropy()), one.endpoint, *event)));
    }
    if !deliveries.is_empty() {
        insert_in_tx(&mut transaction, &deliveries, now).await?;
    }
    transaction.commit().await?;
    Ok(Dispatched { pointers: pointers.len(), deliveries: deliveries.len() })
}

async fn subscriptions_in_tx(connection: &mut PgConnection) -> Result<Vec<Subscription>, StoreError> {
    let rows: Vec<(Uuid, Option<Value>)> =
        sqlx::query_as("SELECT id, event_types FROM webhook_endpoints WHERE enabled").fetch_all(connection).await?;
    let subscription = |(id, event_types): (Uuid, Option<Value>)| {
        let endpoint = WebhookEndpointId::from_uuid(id);
        let event_types = event_types.map(serde_json::from_value).transpose();
        let event_types = event_types.map_err(|error| StoreError::corrupt("webhook_endpoints", endpoint, error))?;
        Ok(Subscription { endpoint, event_types })
    };
    rows.into_iter().map(subscription).collect()
}

async fn take_in_tx(connection: &mut PgConnection, limit: usize) -> Result<Vec<(EventId, String)>, StoreError> {
    let rows: Vec<(Uuid, String)> = sqlx::query_as(
        "DELETE FROM outbox_dispatch WHERE position = ANY(ARRAY(
             SELECT position FROM outbox_dispatch ORDER BY position LIMIT $1 FOR UPDATE SKIP LOCKED))
         RETURNING event_id, kind",
    )
    .bind(i64::try_from(limit).unwrap_or(i64::MAX))
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(|(event, kind)| (EventId::from_uuid(event), kind)).collect())
}

async fn insert_in_tx(
    connection: &mut PgConnection,
    deliveries: &[(DeliveryId, WebhookEndpointId, EventId)],
    now: OffsetDateTime,
) -> Result<(), StoreError> {
    sqlx::query(
        "WITH made AS (
             INSERT INTO webhook_deliveries (id, endpoint_id, event_id, status)
             SELECT id, endpoint_id, event_id, 'pending'
             FROM UNNEST($1::uuid[], $2::uuid[], $3::uuid[]) AS new (id, endpoint_id, event_id)
             ON CONFLICT (endpoint_id, event_id) DO NOTHING
             RETURNING id, endpoint_id, event_id
         )
         INSERT INTO webhook_queue (endpoint_id, due_at, delivery_id, event_id, attempts, failures)
         SELECT endpoint_id, $4, id, event_id, 0, 0 FROM made",
    )
    .bind(column(deliveries, |(id, _, _)| id.uuid()))
    .bind(column(deliveries, |(_, endpoint, _)| endpoint.uuid()))
    .bind(column(deliveries, |(_, _, event)| event.uuid()))
    .bind(now)
    .execute(connection)
    .await?;
    Ok(())
}
