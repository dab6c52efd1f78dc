//! The journal as a feed: every event once, in the order of ids, which is the order of each account.
//!
//! An event commits a moment after its id was made, so that a later id may be there before an earlier one. Whoever reads up to
//! the latest would skip the earlier one for ever. The feed therefore ends at a horizon: when the oldest database transaction of
//! ours began that is still open. What such a transaction decides, it decides after it began; what began later decides
//! later; so every event from before the horizon is there, or never will be.

use contract::EventId;
use sea_orm::DatabaseConnection;
use sqlx::FromRow;
use time::OffsetDateTime;
use uuid::Uuid;

use super::StoreError;

/// An event as published.
#[derive(Debug, Clone)]
pub struct Journalled {
    pub id: EventId,
    pub body: Vec<u8>,
}

#[derive(FromRow)]
struct Row {
    id: Uuid,
    body: Vec<u8>,
}

/// The events after this one, up to the horizon; `None` where the journal does not go back that far any more.
///
/// # Errors
/// Those of the database.
pub async fn after(
    database: &DatabaseConnection,
    after: Option<EventId>,
    limit: u64,
) -> Result<Option<Vec<Journalled>>, StoreError> {
    let pool = database.get_postgres_connection_pool();
    if let Some(after) = after {
        let is_gone: bool = sqlx::query_scalar(
            "SELECT $1 < (SELECT id FROM events ORDER BY id LIMIT 1) AND NOT EXISTS (SELECT FROM events WHERE id = $1)",
        )
        .bind(after.uuid())
        .fetch_optional(pool)
        .await?
        .flatten()
        .unwrap_or(false);
        if is_gone {
            return Ok(None);
        }
    }
    // Read first, in a statement of its own: what was open then and has committed since is seen by the next one, but need not be.
    let horizon: OffsetDateTime = sqlx::query_scalar(
        "SELECT least(statement_timestamp(), min(xact_start)) FROM pg_stat_activity
         WHERE datname = current_database() AND usename = current_user AND pid <> pg_backend_pid()",
    )
    .fetch_one(pool)
    .await?;
    let rows: Vec<Row> = sqlx::query_as("SELECT id, body FROM events WHERE id > $1 AND id < $2 ORDER BY id LIMIT $3")
        .bind(after.map_or(Uuid::nil(), EventId::uuid))
        .bind(EventId::new(horizon, 0).uuid())
        .bind(i64::try_from(limit).unwrap_or(i64::MAX))
        .fetch_all(pool)
        .await?;
    Ok(Some(rows.into_iter().map(|row| Journalled { id: EventId::from_uuid(row.id), body: row.body }).collect()))
}
