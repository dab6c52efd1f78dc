//! Which events were ingested, and with which bytes.

use std::collections::{HashMap, HashSet};

use contract::EventId;
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::domain::way::Way;

/// SHA-256 of an event's bytes.
pub type BodyHash = [u8; 32];

/// An event as it is recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReceivedEvent {
    pub id: EventId,
    pub body_sha256: BodyHash,
}

/// Records the events that are not known yet and returns their ids. Waits for other transactions that are recording one
/// of the same events; in the order of ids, so that two of them never wait for each other.
///
/// # Errors
/// Those of the database.
pub async fn record_in_tx(
    connection: &mut PgConnection,
    events: &[ReceivedEvent],
    way: Way,
    now: OffsetDateTime,
) -> sqlx::Result<HashSet<EventId>> {
    let ids: Vec<_> = events.iter().map(|event| event.id.uuid()).collect();
    let hashes: Vec<_> = events.iter().map(|event| event.body_sha256.as_slice()).collect();
    let recorded: Vec<Uuid> = sqlx::query_scalar(
        "INSERT INTO received_events (event_id, body_sha256, way, received_at)
         SELECT event_id, body_sha256, $3, $4 FROM UNNEST($1::uuid[], $2::bytea[]) AS event (event_id, body_sha256)
         ORDER BY event_id
         ON CONFLICT (event_id) DO NOTHING
         RETURNING event_id",
    )
    .bind(ids)
    .bind(hashes)
    .bind(way.as_str())
    .bind(now)
    .fetch_all(connection)
    .await?;
    Ok(recorded.into_iter().map(EventId::from_uuid).collect())
}

/// With which bytes these known events were recorded. A statement of its own, because one that has waited for another
/// transaction does not see what that transaction wrote.
///
/// # Errors
/// Those of the database.
pub async fn body_hashes_in_tx(
    connection: &mut PgConnection,
    events: &[EventId],
) -> sqlx::Result<HashMap<EventId, BodyHash>> {
    let ids: Vec<_> = events.iter().map(|event| event.uuid()).collect();
    // A subquery for each id is always planned as a look-up in the primary key; a join planned while the table was empty
    // goes on scanning it when it is full.
    let recorded: Vec<(Uuid, Option<BodyHash>)> = sqlx::query_as(
        "SELECT event_id, (SELECT body_sha256 FROM received_events WHERE received_events.event_id = known.event_id)
         FROM UNNEST($1::uuid[]) AS known (event_id)",
    )
    .bind(ids)
    .fetch_all(connection)
    .await?;
    Ok(recorded.into_iter().filter_map(|(id, hash)| Some((EventId::from_uuid(id), hash?))).collect())
}

/// Marks these events as ones that the ledger does not have.
///
/// # Errors
/// Those of the database.
pub async fn withdraw_in_tx(
    connection: &mut PgConnection,
    events: &[EventId],
    now: OffsetDateTime,
) -> sqlx::Result<()> {
    let ids: Vec<_> = events.iter().map(|event| event.uuid()).collect();
    sqlx::query("UPDATE received_events SET withdrawn_at = $2 WHERE event_id = ANY($1) AND withdrawn_at IS NULL")
        .bind(ids)
        .bind(now)
        .execute(connection)
        .await?;
    Ok(())
}
