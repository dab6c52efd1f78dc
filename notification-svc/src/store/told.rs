//! Who was told of an event.

use contract::{EventId, EventKind, NotificationId};
use sqlx::PgPool;
use time::OffsetDateTime;
use uuid::Uuid;

use super::error::StoreError;

/// One party's notification of an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    pub event: EventId,
    pub kind: EventKind,
    pub user: String,
    pub notification: NotificationId,
    /// The user does not want to see it.
    pub muted: bool,
    pub at: OffsetDateTime,
}

#[derive(sqlx::FromRow)]
struct Row {
    id: Uuid,
    event_id: Uuid,
    r#type: String,
    recipient: String,
    muted: bool,
    created_at: OffsetDateTime,
}

/// The notifications of these events, in the order in which they were stored.
///
/// # Errors
/// [`StoreError`]
pub async fn of_events(pool: &PgPool, events: &[EventId]) -> Result<Vec<Told>, StoreError> {
    let ids: Vec<Uuid> = events.iter().map(|event| event.uuid()).collect();
    let rows: Vec<Row> = sqlx::query_as(
        "SELECT id, event_id, type, recipient, muted, created_at FROM notifications
         WHERE event_id = ANY($1) ORDER BY created_at, recipient",
    )
    .bind(ids)
    .fetch_all(pool)
    .await?;
    rows.into_iter().map(Told::try_from).collect()
}

impl TryFrom<Row> for Told {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        Ok(Self {
            event: EventId::from_uuid(row.event_id),
            kind: row.r#type.parse().map_err(|_| StoreError::Corrupt { id: row.id, column: "type" })?,
            user: row.recipient,
            notification: NotificationId::from_uuid(row.id),
            muted: row.muted,
            at: row.created_at,
        })
    }
}
