//! The journal of events: their bytes as published, for ever the same.

use std::sync::Arc;

use contract::{EventId, EventKind};
use sqlx::{PgConnection, PgPool};
use time::OffsetDateTime;
use uuid::Uuid;

use super::{StoreError, batch_statement::BatchStatement, column::column};

/// An event on its way into the journal.
#[derive(Debug)]
pub struct JournalEntry {
    pub id: EventId,
    pub kind: EventKind,
    /// The account whose order the event keeps among others; of an event about anything else, its id.
    pub partition_key: Uuid,
    pub traceparent: Option<Arc<str>>,
    /// When the writer took the command that caused it.
    pub accepted_at: Option<OffsetDateTime>,
    pub body: Vec<u8>,
}

/// The part of a statement that [`append`] adds.
const JOURNALLED: &str = "journalled";

/// Journals events and points both outboxes to them, in the given order. The accounts of the events must be locked: only
/// then is the order of the outbox each account's order.
pub fn append(statement: &mut BatchStatement, entries: Vec<JournalEntry>) {
    let ids = column(&entries, |entry| entry.id.uuid());
    let kinds = column(&entries, |entry| entry.kind.as_str());
    statement
        .part(
            JOURNALLED,
            "INSERT INTO events (id, kind, partition_key, traceparent, accepted_at, body)
             SELECT * FROM UNNEST($1::uuid[], $2::text[], $3::uuid[], $4::text[], $5::timestamptz[], $6::bytea[])
             RETURNING 1",
        )
        .bind(ids.clone())
        .bind(kinds.clone())
        .bind(column(&entries, |entry| entry.partition_key))
        .bind(column(&entries, |entry| entry.traceparent.as_deref().map(str::to_owned)))
        .bind(column(&entries, |entry| entry.accepted_at))
        .bind(entries.into_iter().map(|entry| entry.body).collect::<Vec<_>>());
    statement
        .part(
            "to_dispatch",
            "INSERT INTO outbox_dispatch (event_id, kind)
             SELECT id, kind FROM UNNEST($1::uuid[], $2::text[]) WITH ORDINALITY AS new (id, kind, place) ORDER BY place",
        )
        .bind(ids.clone())
        .bind(kinds);
    statement
        .part(
            "to_publish",
            "INSERT INTO outbox_relay (event_id)
             SELECT id FROM UNNEST($1::uuid[]) WITH ORDINALITY AS new (id, place) ORDER BY place",
        )
        .bind(ids);
}

/// The same for events that no command of a batch caused.
///
/// # Errors
/// Those of the database.
pub async fn append_in_tx(connection: &mut PgConnection, entries: Vec<JournalEntry>) -> Result<(), StoreError> {
    let mut statement = BatchStatement::default();
    append(&mut statement, entries);
    statement.execute_in_tx(connection, JOURNALLED).await?;
    Ok(())
}

/// Makes the partitions for the month of `moment` and for `months_ahead` more.
///
/// # Errors
/// Those of the database.
pub async fn ensure_partitions(pool: &PgPool, moment: OffsetDateTime, months_ahead: i32) -> Result<(), StoreError> {
    sqlx::query("SELECT ensure_event_partitions($1, $2)").bind(moment).bind(months_ahead).execute(pool).await?;
    Ok(())
}

/// Drops the months that ended more than 400 days before `moment`, as far as nothing in them is still to be told. Gives
/// their number.
///
/// # Errors
/// [`StoreError::LockTimeout`] while somebody reads the journal, and those of the database.
pub async fn drop_partitions(pool: &PgPool, moment: OffsetDateTime) -> Result<i32, StoreError> {
    Ok(sqlx::query_scalar("SELECT drop_event_partitions($1)").bind(moment).fetch_one(pool).await?)
}
