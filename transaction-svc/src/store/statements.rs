//! An account's history: its entries, its balance at any moment, everything that happened to it.

use contract::{
    AccountId, EventId, EventKind, MinorUnits, TransactionId,
    account::Balances,
    statement::{AccountEvent, Entry},
};
use sea_orm::DatabaseConnection;
use sqlx::{FromRow, PgConnection};
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use super::StoreError;

/// Which entries of an account.
#[derive(Debug, Clone, Copy)]
pub struct Period {
    pub account: AccountId,
    pub occurred_gte: Option<OffsetDateTime>,
    pub occurred_lt: Option<OffsetDateTime>,
}

#[derive(FromRow)]
struct EntryRow {
    sequence: i64,
    transaction_id: Uuid,
    event_id: Uuid,
    posted: i64,
    posted_after: i64,
    occurred_at: OffsetDateTime,
}

/// In which direction a statement is read, and from where on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    NewestFirst { before: Option<i64> },
    OldestFirst { after: Option<i64> },
}

/// Entries of this period, at most `limit`.
///
/// # Errors
/// Those of the database.
pub async fn entries(
    database: &DatabaseConnection,
    period: Period,
    direction: Direction,
    limit: u64,
) -> Result<Vec<Entry>, StoreError> {
    let (order, after, before) = match direction {
        Direction::NewestFirst { before } => ("DESC", None, before),
        Direction::OldestFirst { after } => ("ASC", after, None),
    };
    let sql = format!(
        "SELECT sequence, transaction_id, event_id, posted, posted_after, occurred_at FROM effects
         WHERE account_id = $1 AND posted <> 0 AND transaction_id IS NOT NULL
           AND sequence > greatest($2, CASE WHEN $4::timestamptz IS NULL THEN 0 ELSE last_sequence_at($1, $4) END)
           AND sequence < least($3, CASE WHEN $5::timestamptz IS NULL THEN $3 ELSE last_sequence_at($1, $5) + 1 END)
         ORDER BY sequence {order} LIMIT $6"
    );
    let rows: Vec<EntryRow> = sqlx::query_as(sqlx::AssertSqlSafe(sql))
        .bind(period.account.uuid())
        .bind(after.unwrap_or(0))
        .bind(before.unwrap_or(i64::MAX))
        .bind(period.occurred_gte.map(just_before))
        .bind(period.occurred_lt.map(just_before))
        .bind(i64::try_from(limit).unwrap_or(i64::MAX))
        .fetch_all(database.get_postgres_connection_pool())
        .await?;
    Ok(rows.into_iter().map(Entry::from).collect())
}

/// Times are kept in microseconds.
fn just_before(moment: OffsetDateTime) -> OffsetDateTime {
    moment - Duration::MICROSECOND
}

impl From<EntryRow> for Entry {
    fn from(row: EntryRow) -> Self {
        Self {
            sequence: row.sequence,
            transaction: TransactionId::from_uuid(row.transaction_id),
            event: EventId::from_uuid(row.event_id),
            amount: MinorUnits::new(row.posted),
            posted_after: MinorUnits::new(row.posted_after),
            occurred_at: row.occurred_at,
        }
    }
}

/// For how long a decision can be on its way into the database, and more: sessions that sleep on it are ended after seconds.
const SETTLED_AFTER: Duration = Duration::MINUTE;

/// What an account had at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Past {
    /// The moment has not come.
    Future,
    /// The account was not open yet.
    Nothing,
    Balances {
        sequence: i64,
        balances: Balances,
    },
}

/// The balances at this moment, by the database's clock, as they will be told for ever: what is being decided just now may
/// still become part of the last minute, so for that the account is locked for a moment, like by a payment.
///
/// # Errors
/// Those of the database; [`StoreError::LockTimeout`] where the account stayed locked by somebody else.
pub async fn balances_at(
    database: &DatabaseConnection,
    account: AccountId,
    moment: OffsetDateTime,
) -> Result<Past, StoreError> {
    let mut transaction = database.get_postgres_connection_pool().begin().await?;
    let now: OffsetDateTime = sqlx::query_scalar("SELECT clock_timestamp()").fetch_one(&mut *transaction).await?;
    if moment > now {
        return Ok(Past::Future);
    }
    if now - moment < SETTLED_AFTER {
        // Whoever gets the lock after us reads a later clock, and so has a later effect.
        sqlx::query("SELECT FROM accounts WHERE id = $1 FOR SHARE")
            .bind(account.uuid())
            .execute(&mut *transaction)
            .await?;
    }
    let past = read_in_tx(&mut transaction, account, moment).await?;
    transaction.commit().await?;
    Ok(past)
}

/// In a statement of its own: one that has waited for a lock sees everything else as it was before.
async fn read_in_tx(
    connection: &mut PgConnection,
    account: AccountId,
    moment: OffsetDateTime,
) -> Result<Past, StoreError> {
    let row: Option<(i64, i64, i64, i64, Option<i64>)> = sqlx::query_as(
        "SELECT sequence, posted_after, pending_out_after, pending_in_after, available_after FROM effects
         WHERE account_id = $1 AND sequence = (SELECT last_sequence_at($1, $2))",
    )
    .bind(account.uuid())
    .bind(moment)
    .fetch_optional(connection)
    .await?;
    Ok(row.map_or(Past::Nothing, |(sequence, posted, pending_out, pending_in, available)| Past::Balances {
        sequence,
        balances: balances(posted, pending_out, pending_in, available),
    }))
}

fn balances(posted: i64, pending_out: i64, pending_in: i64, available: Option<i64>) -> Balances {
    Balances {
        posted: MinorUnits::new(posted),
        pending_out: MinorUnits::new(pending_out),
        pending_in: MinorUnits::new(pending_in),
        available: available.map(MinorUnits::new),
    }
}

#[derive(FromRow)]
struct EventRow {
    sequence: i64,
    event_id: Uuid,
    kind: Option<String>,
    transaction_id: Option<Uuid>,
    posted: i64,
    pending_out: i64,
    pending_in: i64,
    posted_after: i64,
    pending_out_after: i64,
    pending_in_after: i64,
    available_after: Option<i64>,
    occurred_at: OffsetDateTime,
}

/// What happened to the account after this sequence, as far as the journal goes back; `None` where it does not any more.
///
/// # Errors
/// Those of the database, and a corrupt row.
pub async fn events_after(
    database: &DatabaseConnection,
    account: AccountId,
    sequence: i64,
    limit: u64,
) -> Result<Option<Vec<AccountEvent>>, StoreError> {
    let rows: Vec<EventRow> = sqlx::query_as(
        "SELECT effect.*, event.kind
         FROM (SELECT * FROM effects WHERE account_id = $1 AND sequence > $2 ORDER BY sequence LIMIT $3) AS effect
         LEFT JOIN events AS event ON event.id = effect.event_id
         ORDER BY effect.sequence",
    )
    .bind(account.uuid())
    .bind(sequence)
    .bind(i64::try_from(limit).unwrap_or(i64::MAX))
    .fetch_all(database.get_postgres_connection_pool())
    .await?;
    rows.into_iter().map(account_event).collect()
}

fn account_event(row: EventRow) -> Result<Option<AccountEvent>, StoreError> {
    let Some(kind) = row.kind else { return Ok(None) };
    let event = EventId::from_uuid(row.event_id);
    let kind: EventKind = kind.parse().map_err(|error| StoreError::corrupt("events", event, error))?;
    Ok(Some(AccountEvent {
        sequence: row.sequence,
        event,
        r#type: kind,
        transaction: row.transaction_id.map(TransactionId::from_uuid),
        amount: MinorUnits::new(row.posted),
        pending_out: MinorUnits::new(row.pending_out),
        pending_in: MinorUnits::new(row.pending_in),
        balances: balances(row.posted_after, row.pending_out_after, row.pending_in_after, row.available_after),
        occurred_at: row.occurred_at,
    }))
}
