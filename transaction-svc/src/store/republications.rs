//! Events of the journal that are to be published again.

use contract::{AccountId, EventId, timestamp};
use serde::Serialize;
use sqlx::{FromRow, PgConnection, PgPool};
use time::OffsetDateTime;
use uuid::Uuid;

use super::{
    StoreError,
    outbox::{self, Progress},
};

/// Which events of the journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Selection {
    /// Those that touch this account; `None`: all.
    pub account: Option<AccountId>,
    /// Those with this id or a greater one: ids sort by the events' times.
    pub first: EventId,
    /// Those with this id or a smaller one.
    pub last: EventId,
}

/// What is asked of the relay.
#[derive(Debug, Clone)]
pub struct Request {
    pub selection: Selection,
    pub events_per_second: u32,
    pub operator: String,
    pub reason: String,
}

/// A request, and how far it has come.
#[derive(Debug, Clone, Serialize, FromRow)]
pub struct Republication {
    pub id: i64,
    pub status: String,
    /// Events that are in the outbox again, or were published from it.
    pub events: i64,
    pub events_per_second: i32,
    pub operator: String,
    pub reason: String,
    #[serde(with = "timestamp")]
    pub requested_at: OffsetDateTime,
    #[serde(with = "timestamp::option")]
    pub finished_at: Option<OffsetDateTime>,
}

/// What one step of the leader has put into the outbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    pub republication: i64,
    pub events: u32,
    pub events_per_second: u32,
    /// There are no more.
    pub is_done: bool,
}

/// How many events the selection has.
///
/// # Errors
/// Those of the database.
pub async fn count(pool: &PgPool, selection: Selection) -> Result<i64, StoreError> {
    let Selection { account, first, last } = selection;
    let statement = match account {
        None => "SELECT count(*) FROM events WHERE id BETWEEN $1 AND $2 AND $3::uuid IS NULL",
        Some(_) => "SELECT count(*) FROM effects WHERE event_id BETWEEN $1 AND $2 AND account_id = $3",
    };
    let count = sqlx::query_scalar(statement)
        .bind(first.uuid())
        .bind(last.uuid())
        .bind(account.map(AccountId::uuid))
        .fetch_one(pool)
        .await?;
    Ok(count)
}

/// Asks the leader of the relay to publish these events again. Gives the request's id.
///
/// # Errors
/// Those of the database.
pub async fn request(pool: &PgPool, request: &Request, now: OffsetDateTime) -> Result<i64, StoreError> {
    let mut connection = pool.acquire().await?;
    request_in_tx(&mut connection, request, now).await
}

/// The same because the stream went back, together with where it stands now, so that one loss is answered once.
///
/// # Errors
/// Those of the database.
pub async fn request_after_loss(
    pool: &PgPool,
    stream: &str,
    stands: Progress,
    request: &Request,
    now: OffsetDateTime,
) -> Result<i64, StoreError> {
    let mut transaction = pool.begin().await?;
    outbox::reset_in_tx(&mut transaction, stream, stands).await?;
    let id = request_in_tx(&mut transaction, request, now).await?;
    transaction.commit().await?;
    Ok(id)
}

async fn request_in_tx(
    connection: &mut PgConnection,
    request: &Request,
    now: OffsetDateTime,
) -> Result<i64, StoreError> {
    let Request { selection: Selection { account, first, last }, events_per_second, operator, reason } = request;
    let id = sqlx::query_scalar(
        "INSERT INTO republications (status, account_id, first_event, last_event, events_per_second, operator, reason,
                                     requested_at)
         VALUES ('running', $1, $2, $3, $4, $5, $6, $7) RETURNING id",
    )
    .bind(account.map(AccountId::uuid))
    .bind(first.uuid())
    .bind(last.uuid())
    .bind(i32::try_from(*events_per_second).unwrap_or(i32::MAX))
    .bind(operator)
    .bind(reason)
    .bind(now)
    .fetch_one(connection)
    .await?;
    Ok(id)
}

/// The newest first.
///
/// # Errors
/// Those of the database.
pub async fn list(pool: &PgPool, limit: i64) -> Result<Vec<Republication>, StoreError> {
    let rows = sqlx::query_as("SELECT * FROM republications ORDER BY id DESC LIMIT $1").bind(limit);
    Ok(rows.fetch_all(pool).await?)
}

/// Ends one that runs; what is in the outbox by then is published. False if there is none.
///
/// # Errors
/// Those of the database.
pub async fn cancel(pool: &PgPool, id: i64, now: OffsetDateTime) -> Result<bool, StoreError> {
    let statement =
        "UPDATE republications SET status = 'cancelled', finished_at = $2 WHERE id = $1 AND status = 'running'";
    Ok(sqlx::query(statement).bind(id).bind(now).execute(pool).await?.rows_affected() == 1)
}

#[derive(FromRow)]
struct Running {
    id: i64,
    account_id: Option<Uuid>,
    first_event: Uuid,
    last_event: Uuid,
    checkpoint: Option<Uuid>,
    account_sequence: i64,
    events_per_second: i32,
}

/// Puts the next events of the oldest running request into the outbox again, at most `limit` and no more than a second's,
/// in one commit with how far that has come. `None`: nothing is asked for.
///
/// # Errors
/// Those of the database.
pub async fn step(pool: &PgPool, limit: u32, now: OffsetDateTime) -> Result<Option<Step>, StoreError> {
    let mut transaction = pool.begin().await?;
    let running: Option<Running> =
        sqlx::query_as("SELECT * FROM republications WHERE status = 'running' ORDER BY id LIMIT 1 FOR UPDATE")
            .fetch_optional(&mut *transaction)
            .await?;
    let Some(running) = running else { return Ok(None) };
    let rate = running.events_per_second.unsigned_abs();
    let limit = i64::from(limit.min(rate));
    let next = next_in_tx(&mut transaction, &running, limit).await?;
    let ids: Vec<_> = next.iter().map(|(id, _)| *id).collect();
    sqlx::query(
        "INSERT INTO outbox_relay (event_id, again)
         SELECT id, true FROM UNNEST($1::uuid[]) WITH ORDINALITY AS next (id, place) ORDER BY place",
    )
    .bind(&ids)
    .execute(&mut *transaction)
    .await?;
    let put = i64::try_from(ids.len()).unwrap_or(i64::MAX);
    let is_done = put < limit;
    let (checkpoint, sequence) = next.last().copied().map_or((None, 0), |(id, sequence)| (Some(id), sequence));
    sqlx::query(
        "UPDATE republications
         SET checkpoint = coalesce($2, checkpoint), account_sequence = greatest($3, account_sequence),
             events = events + $4,
             status = CASE WHEN $5 THEN 'done' ELSE status END, finished_at = CASE WHEN $5 THEN $6 END
         WHERE id = $1",
    )
    .bind(running.id)
    .bind(checkpoint)
    .bind(sequence)
    .bind(put)
    .bind(is_done)
    .bind(now)
    .execute(&mut *transaction)
    .await?;
    transaction.commit().await?;
    let events = u32::try_from(ids.len()).unwrap_or(u32::MAX);
    Ok(Some(Step { republication: running.id, events, events_per_second: rate, is_done }))
}

/// In the order of ids, which for each account is the order of its sequence.
async fn next_in_tx(connection: &mut PgConnection, running: &Running, limit: i64) -> sqlx::Result<Vec<(Uuid, i64)>> {
    if let Some(account) = running.account_id {
        return sqlx::query_as(
            "SELECT event_id, sequence FROM effects
             WHERE account_id = $1 AND sequence > $2 AND event_id BETWEEN $3 AND $4 ORDER BY sequence LIMIT $5",
        )
        .bind(account)
        .bind(running.account_sequence)
        .bind(running.first_event)
        .bind(running.last_event)
        .bind(limit)
        .fetch_all(connection)
        .await;
    }
    sqlx::query_as(
        "SELECT id, 0::bigint FROM events
         WHERE id >= $1 AND id <= $2 AND ($3::uuid IS NULL OR id > $3) ORDER BY id LIMIT $4",
    )
    .bind(running.checkpoint.unwrap_or(running.first_event))
    .bind(running.last_event)
    .bind(running.checkpoint)
    .bind(limit)
    .fetch_all(connection)
    .await
}
