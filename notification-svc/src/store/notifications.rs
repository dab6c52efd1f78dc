//! Adding notifications, many at a time.

use std::collections::HashSet;

use contract::{Currency, Event, EventId, EventKind, MinorUnits, NotificationId, notification::Locale};
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::domain::{
    plan::Planned,
    render::{TEMPLATE_VERSION, Text},
};

/// A notification that is to be stored.
#[derive(Debug)]
pub struct NewNotification<'e> {
    pub event: &'e Event,
    pub planned: Planned<'e>,
    pub text: Text,
    pub locale: Locale,
    /// Kept, and not shown.
    pub muted: bool,
    pub position: i64,
}

/// Which of these are not there.
///
/// # Errors
/// Those of the database.
pub async fn missing_in_tx(
    connection: &mut PgConnection,
    ids: &[NotificationId],
) -> sqlx::Result<HashSet<NotificationId>> {
    // A subquery for each id is always planned as a look-up in the primary key.
    let missing: Vec<Uuid> = sqlx::query_scalar(
        "SELECT id FROM UNNEST($1::uuid[]) AS wanted (id)
         WHERE (SELECT true FROM notifications WHERE notifications.id = wanted.id) IS NULL",
    )
    .bind(column(ids, |id| id.uuid()))
    .fetch_all(connection)
    .await?;
    Ok(missing.into_iter().map(NotificationId::from_uuid).collect())
}

/// Adds the notifications, unread.
///
/// # Errors
/// Those of the database.
pub async fn insert_in_tx(
    connection: &mut PgConnection,
    new: &[NewNotification<'_>],
    now: OffsetDateTime,
) -> sqlx::Result<()> {
    sqlx::query(
        "INSERT INTO notifications (id, event_id, recipient, position, type, transaction_id, account_id, account_sequence,
                                    amount, currency, title, body, locale, occurred_at, muted, template_version,
                                    created_at)
         SELECT *, $16, $17
         FROM UNNEST($1::uuid[], $2::uuid[], $3::text[], $4::bigint[], $5::text[], $6::uuid[], $7::uuid[], $8::bigint[],
                     $9::bigint[], $10::text[], $11::text[], $12::text[], $13::text[], $14::timestamptz[],
                     $15::boolean[])",
    )
    .bind(column(new, |row| row.planned.id.uuid()))
    .bind(column(new, |row| row.event.id.uuid()))
    .bind(column(new, |row| row.planned.recipient))
    .bind(column(new, |row| row.position))
    .bind(column(new, |row| EventKind::as_str(row.event.kind)))
    .bind(column(new, |row| row.planned.transaction.map(contract::TransactionId::uuid)))
    .bind(column(new, |row| row.planned.effect.account.uuid()))
    .bind(column(new, |row| row.planned.effect.sequence))
    .bind(column(new, |row| MinorUnits::get(row.planned.effect.amount)))
    .bind(column(new, |row| Currency::code(row.planned.currency)))
    .bind(column(new, |row| row.text.title.as_str()))
    .bind(column(new, |row| row.text.body.as_str()))
    .bind(column(new, |row| Locale::as_str(row.locale)))
    .bind(column(new, |row| row.event.time))
    .bind(column(new, |row| row.muted))
    .bind(TEMPLATE_VERSION)
    .bind(now)
    .execute(connection)
    .await?;
    Ok(())
}

/// Who was told of these events.
///
/// # Errors
/// Those of the database.
pub async fn recipients_in_tx(connection: &mut PgConnection, events: &[EventId]) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar("SELECT DISTINCT recipient FROM notifications WHERE event_id = ANY($1)")
        .bind(column(events, |event| event.uuid()))
        .fetch_all(connection)
        .await
}

/// Hides the notifications of these events. The counters of their recipients have to be locked, and counted again.
///
/// # Errors
/// Those of the database.
pub async fn hide_in_tx(connection: &mut PgConnection, events: &[EventId]) -> sqlx::Result<()> {
    sqlx::query("UPDATE notifications SET muted = true WHERE event_id = ANY($1) AND NOT muted")
        .bind(column(events, |event| event.uuid()))
        .execute(connection)
        .await?;
    Ok(())
}

fn column<'r, Row, Value>(rows: &'r [Row], value: impl Fn(&'r Row) -> Value) -> Vec<Value> {
    rows.iter().map(value).collect()
}
