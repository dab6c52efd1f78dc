//! What is stored, side by side with what the journal of the ledger says.

use std::collections::{BTreeSet, HashMap};

use contract::{EventId, NotificationId};
use sqlx::{FromRow, PgPool};
use time::OffsetDateTime;
use uuid::Uuid;

use super::error::StoreError;

/// What a notification says, apart from what its user did with it.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct StoredNotification {
    pub id: Uuid,
    pub event_id: Uuid,
    pub recipient: String,
    pub r#type: String,
    pub transaction_id: Option<Uuid>,
    pub account_id: Uuid,
    pub account_sequence: i64,
    pub amount: i64,
    pub currency: String,
    pub title: String,
    pub body: String,
    pub locale: String,
    pub template_version: i16,
    pub occurred_at: OffsetDateTime,
}

/// All notifications of events after `after` and up to `last`, muted ones included and withdrawn ones not, by their id.
///
/// # Errors
/// [`StoreError`]
pub async fn notifications_of(
    pool: &PgPool,
    after: EventId,
    last: EventId,
) -> Result<HashMap<NotificationId, StoredNotification>, StoreError> {
    let rows: Vec<StoredNotification> = sqlx::query_as(
        "SELECT id, event_id, recipient, type, transaction_id, account_id, account_sequence, amount, currency, title, body,
                locale, template_version, occurred_at
         FROM notifications
         WHERE event_id > $1 AND event_id <= $2
           AND NOT EXISTS (SELECT FROM received_events AS received
                           WHERE received.event_id = notifications.event_id AND received.withdrawn_at IS NOT NULL)",
    )
    .bind(after.uuid())
    .bind(last.uuid())
    .fetch_all(pool)
    .await?;
    Ok(rows.into_iter().map(|row| (NotificationId::from_uuid(row.id), row)).collect())
}

/// The events after `after` and up to `last` that were received, without those that were withdrawn.
///
/// # Errors
/// [`StoreError`]
pub async fn received_between(pool: &PgPool, after: EventId, last: EventId) -> Result<BTreeSet<EventId>, StoreError> {
    let ids: Vec<Uuid> = sqlx::query_scalar(
        "SELECT event_id FROM received_events WHERE event_id > $1 AND event_id <= $2 AND withdrawn_at IS NULL",
    )
    .bind(after.uuid())
    .bind(last.uuid())
    .fetch_all(pool)
    .await?;
    Ok(ids.into_iter().map(EventId::from_uuid).collect())
}
