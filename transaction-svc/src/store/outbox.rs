//! The outboxes: pointers to events that the stream does not have yet, how far the stream is known to have come, and how
//! much waits for either way.

use bytes::Bytes;
use contract::{EventId, EventKind};
use sqlx::{AssertSqlSafe, PgConnection, PgExecutor, PgPool, Postgres, postgres::PgArguments, query::Query};
use time::OffsetDateTime;
use uuid::Uuid;

use super::{StoreError, column::column};

/// An event that waits to be published.
#[derive(Debug, Clone)]
pub struct Waiting {
    pub position: i64,
    pub id: EventId,
    pub kind: EventKind,
    pub partition_key: Uuid,
    pub traceparent: Option<String>,
    pub body: Bytes,
}

#[derive(sqlx::FromRow)]
struct Row {
    position: i64,
    id: Uuid,
    kind: String,
    partition_key: Uuid,
    traceparent: Option<String>,
    body: Vec<u8>,
}

/// The first `limit` events that wait, in the order in which they must be published.
///
/// # Errors
/// Those of the database, and a corrupt row.
pub async fn waiting(pool: &PgPool, limit: i64) -> Result<Vec<Waiting>, StoreError> {
    let rows: Vec<Row> = sqlx::query_as(
        "SELECT pointer.position, event.id, event.kind, event.partition_key, event.traceparent, event.body
         FROM (SELECT position, event_id FROM outbox_relay ORDER BY position LIMIT $1) AS pointer
         JOIN events AS event ON event.id = pointer.event_id
         ORDER BY pointer.position",
    )
    .bind(limit)
    .fetch_all(pool)
    .await?;
    rows.into_iter().map(Waiting::try_from).collect()
}

impl TryFrom<Row> for Waiting {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        let id = EventId::from_uuid(row.id);
        Ok(Self {
            position: row.position,
            id,
            kind: row.kind.parse().map_err(|error| StoreError::corrupt("events", id, error))?,
            partition_key: row.partition_key,
            traceparent: row.traceparent,
            body: row.body.into(),
        })
    }
}

/// How far a stream is known to have come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::FromRow)]
pub struct Progress {
    /// When the stream was made; another time means that it is another stream.
    pub created_at: OffsetDateTime,
    pub last_sequence: i64,
}

/// Where the stream has an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Publication {
    pub event: EventId,
    pub sequence: i64,
    pub at: OffsetDateTime,
}

/// Notes where the stream has events, and how far it has come. What it has twice is known.
const NOTED: &str = "noted AS (
         INSERT INTO publications (event_id, stream_sequence, published_at)
         SELECT * FROM UNNEST($1::uuid[], $2::bigint[], $3::timestamptz[]) ON CONFLICT DO NOTHING
     ), known AS (
         INSERT INTO relay_progress AS known (stream, created_at, last_sequence) VALUES ($4, $5, $6)
         ON CONFLICT (stream) DO UPDATE
         SET created_at = excluded.created_at,
             last_sequence = CASE WHEN known.created_at = excluded.created_at
                                  THEN greatest(known.last_sequence, excluded.last_sequence)
                                  ELSE excluded.last_sequence END
     )";

/// Takes events that the stream has acknowledged out of the outbox and notes where they are and how far the stream has
/// come, in one commit.
///
/// # Errors
/// Those of the database.
pub async fn published(
    pool: &PgPool,
    stream: &str,
    positions: &[i64],
    publications: &[Publication],
    progress: Progress,
) -> Result<(), StoreError> {
    let sql = format!("WITH {NOTED} DELETE FROM outbox_relay WHERE position = ANY($7)");
    noting(&sql, stream, publications, progress).bind(positions).execute(pool).await?;
    Ok(())
}

/// The same for events that were found in the stream. Gives the number of those that still waited.
///
/// # Errors
/// Those of the database.
pub async fn found(
    pool: &PgPool,
    stream: &str,
    publications: &[Publication],
    progress: Progress,
) -> Result<u64, StoreError> {
    // Reads the whole outbox: there is no index on events, because this happens only after a change of leader.
    let sql = format!("WITH {NOTED} DELETE FROM outbox_relay WHERE event_id = ANY($1)");
    Ok(noting(&sql, stream, publications, progress).execute(pool).await?.rows_affected())
}

/// A statement with the parameters of [`NOTED`].
fn noting<'q>(
    sql: &str,
    stream: &'q str,
    publications: &[Publication],
    progress: Progress,
) -> Query<'q, Postgres, PgArguments> {
    sqlx::query(AssertSqlSafe(sql))
        .bind(column(publications, |publication| publication.event.uuid()))
        .bind(column(publications, |publication| publication.sequence))
        .bind(column(publications, |publication| publication.at))
        .bind(stream)
        .bind(progress.created_at)
        .bind(progress.last_sequence)
}

/// Forgets where the stream had at most `limit` of the events from before the horizon, the oldest first. Gives their number.
///
/// # Errors
/// Those of the database.
pub async fn forget_publications(pool: &PgPool, horizon: OffsetDateTime, limit: u64) -> Result<u64, StoreError> {
    let done = sqlx::query(
        "DELETE FROM publications WHERE event_id = ANY (ARRAY(
             SELECT event_id FROM publications WHERE event_id < first_id_at($1) ORDER BY event_id LIMIT $2))",
    )
    .bind(horizon)
    .bind(i64::try_from(limit).unwrap_or(i64::MAX))
    .execute(pool)
    .await?;
    Ok(done.rows_affected())
}

/// Notes where the stream stands though it was known to have come further: it went back.
///
/// # Errors
/// Those of the database.
pub(super) async fn reset_in_tx(
    connection: &mut PgConnection,
    stream: &str,
    stands: Progress,
) -> Result<(), StoreError> {
    sqlx::query("UPDATE relay_progress SET created_at = $2, last_sequence = $3 WHERE stream = $1")
        .bind(stream)
        .bind(stands.created_at)
        .bind(stands.last_sequence)
        .execute(connection)
        .await?;
    Ok(())
}

/// Sets an event aside that the stream refuses for good.
///
/// # Errors
/// Those of the database.
pub async fn refused(pool: &PgPool, event: &Waiting, reason: &str, at: OffsetDateTime) -> Result<(), StoreError> {
    sqlx::query(
        "WITH gone AS (DELETE FROM outbox_relay WHERE position = $1 RETURNING event_id)
         INSERT INTO outbox_refused (event_id, reason, refused_at) SELECT event_id, $2, $3 FROM gone",
    )
    .bind(event.position)
    .bind(reason)
    .bind(at)
    .execute(pool)
    .await?;
    Ok(())
}

/// How far the stream was known to have come, if anything was ever published to it.
///
/// # Errors
/// Those of the database.
pub async fn progress(pool: &PgPool, stream: &str) -> Result<Option<Progress>, StoreError> {
    let progress = sqlx::query_as("SELECT created_at, last_sequence FROM relay_progress WHERE stream = $1")
        .bind(stream)
        .fetch_optional(pool)
        .await?;
    Ok(progress)
}

/// How much waits in an outbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backlog {
    /// How many events wait, at most: positions that were drawn and rolled back are counted, too.
    pub events: i64,
    /// The event that has waited longest; those that are published again do not count.
    pub oldest: Option<EventId>,
}

/// How much waits for each of the two ways.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backlogs {
    /// To be published.
    pub relay: Backlog,
    /// To become deliveries of webhooks.
    pub dispatch: Backlog,
}

/// How much waits. Reads the ends of the outboxes only, so it costs the same for one event as for millions.
///
/// # Errors
/// Those of the database.
pub async fn backlogs(executor: impl PgExecutor<'_>) -> Result<Backlogs, StoreError> {
    let (to_publish, unpublished, to_dispatch, undispatched): (i64, Option<Uuid>, i64, Option<Uuid>) = sqlx::query_as(
        "SELECT (SELECT coalesce(max(position) - min(position) + 1, 0) FROM outbox_relay),
                (SELECT event_id FROM outbox_relay WHERE NOT again ORDER BY position LIMIT 1),
                (SELECT coalesce(max(position) - min(position) + 1, 0) FROM outbox_dispatch),
                (SELECT event_id FROM outbox_dispatch ORDER BY position LIMIT 1)",
    )
    .fetch_one(executor)
    .await?;
    let backlog = |events, oldest: Option<Uuid>| Backlog { events, oldest: oldest.map(EventId::from_uuid) };
    Ok(Backlogs { relay: backlog(to_publish, unpublished), dispatch: backlog(to_dispatch, undispatched) })
}
