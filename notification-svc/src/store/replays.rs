//! Replays as rows: asked for, planned, running, ended.

use contract::ReplayId;
use sqlx::{FromRow, PgConnection, PgPool, types::Json};
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use super::{audit::Order, error::StoreError};
use crate::operate::replay::{Plan, Progress, Replay, RunsIn, Selection, Status};

/// A holder that has committed nothing for so long is thought dead.
const THOUGHT_DEAD_AFTER: Duration = Duration::seconds(30);
/// Planning commits nothing on its way.
const PLANNED_WITHIN: Duration = Duration::minutes(10);

/// What is asked for.
#[derive(Debug)]
pub struct Requested {
    pub id: ReplayId,
    pub selection: Selection,
    pub events_per_second: Option<u32>,
    pub order: Order,
    pub runs_in: RunsIn,
}

/// A replay that this process runs.
#[derive(Debug)]
pub struct Held {
    id: ReplayId,
    holder: Uuid,
    pub checkpoint: u64,
    pub progress: Progress,
}

/// The replays of all operators.
#[derive(Debug, Clone)]
pub struct Replays {
    pool: PgPool,
}

impl Replays {
    #[must_use]
    pub const fn new(pool: PgPool) -> Self {
        Self { pool }
    }

    /// # Errors
    /// [`StoreError`]
    pub async fn request(&self, requested: &Requested, now: OffsetDateTime) -> Result<Replay, StoreError> {
        let Requested { id, selection, events_per_second, order, runs_in } = requested;
        let row: Row = sqlx::query_as(
            "INSERT INTO replays (id, status, runs_in, selection, events_per_second, operator, reason, progress,
                                  requested_at)
             VALUES ($1, 'planning', $2, $3, $4, $5, $6, $7, $8)
             RETURNING *",
        )
        .bind(id.uuid())
        .bind(match runs_in {
            RunsIn::Command => "command",
            RunsIn::Service => "service",
        })
        .bind(Json(selection))
        .bind(events_per_second.map(|rate| i32::try_from(rate).unwrap_or(i32::MAX)))
        .bind(&order.operator)
        .bind(&order.reason)
        .bind(Json(Progress::default()))
        .bind(now)
        .fetch_one(&self.pool)
        .await?;
        row.try_into()
    }

    /// # Errors
    /// [`StoreError`]
    pub async fn get(&self, id: ReplayId) -> Result<Option<Replay>, StoreError> {
        let row = sqlx::query_as("SELECT * FROM replays WHERE id = $1").bind(id.uuid());
        one(row.fetch_optional(&self.pool).await?)
    }

    /// The newest first, from before this one.
    ///
    /// # Errors
    /// [`StoreError`]
    pub async fn list(&self, before: Option<ReplayId>, limit: u64) -> Result<Vec<Replay>, StoreError> {
        let rows: Vec<Row> =
            sqlx::query_as("SELECT * FROM replays WHERE $1::uuid IS NULL OR id < $1 ORDER BY id DESC LIMIT $2")
                .bind(before.map(ReplayId::uuid))
                .bind(i64::try_from(limit).unwrap_or(i64::MAX))
                .fetch_all(&self.pool)
                .await?;
        rows.into_iter().map(Replay::try_from).collect()
    }

    /// Keeps the plan of a replay, unless it was cancelled meanwhile.
    ///
    /// # Errors
    /// [`StoreError`]
    pub async fn planned(&self, id: ReplayId, plan: &Plan) -> Result<Option<Replay>, StoreError> {
        let row = sqlx::query_as(
            "UPDATE replays SET status = 'planned', plan = $2, holder = NULL, held_until = NULL
             WHERE id = $1 AND status = 'planning' RETURNING *",
        );
        one(row.bind(id.uuid()).bind(Json(plan)).fetch_optional(&self.pool).await?)
    }

    /// Lets a planned replay run.
    ///
    /// # Errors
    /// [`StoreError`]
    pub async fn start(&self, id: ReplayId, now: OffsetDateTime) -> Result<Option<Replay>, StoreError> {
        let row = sqlx::query_as(
            "UPDATE replays SET status = 'running', started_at = $2 WHERE id = $1 AND status = 'planned' RETURNING *",
        );
        one(row.bind(id.uuid()).bind(now).fetch_optional(&self.pool).await?)
    }

    /// Ends one that has not ended.
    ///
    /// # Errors
    /// [`StoreError`]
    pub async fn cancel(&self, id: ReplayId, now: OffsetDateTime) -> Result<Option<Replay>, StoreError> {
        let row = sqlx::query_as(
            "UPDATE replays SET status = 'cancelled', finished_at = $2, holder = NULL, held_until = NULL
             WHERE id = $1 AND status IN ('planning', 'planned', 'running') RETURNING *",
        );
        one(row.bind(id.uuid()).bind(now).fetch_optional(&self.pool).await?)
    }

    /// # Errors
    /// [`StoreError`]
    pub async fn fail(&self, id: ReplayId, failure: &str, now: OffsetDateTime) -> Result<(), StoreError> {
        sqlx::query(
            "UPDATE replays SET status = 'failed', failure = $2, finished_at = $3
             WHERE id = $1 AND status IN ('planning', 'planned', 'running')",
        )
        .bind(id.uuid())
        .bind(failure)
        .bind(now)
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// The one that the services are to plan or to run and that nobody holds, the longest waiting first.
    ///
    /// # Errors
    /// [`StoreError`]
    pub async fn next_for_service(&self, now: OffsetDateTime) -> Result<Option<Replay>, StoreError> {
        let row = sqlx::query_as(
            "SELECT * FROM replays
             WHERE status IN ('planning', 'running') AND runs_in = 'service' AND (held_until IS NULL OR held_until <= $1)
             ORDER BY requested_at LIMIT 1",
        );
        one(row.bind(now).fetch_optional(&self.pool).await?)
    }

    /// Whether this process plans the replay from now on.
    ///
    /// # Errors
    /// [`StoreError`]
    pub async fn hold_for_planning(&self, id: ReplayId, holder: Uuid, now: OffsetDateTime) -> Result<bool, StoreError> {
        let held = sqlx::query(
            "UPDATE replays SET holder = $2, held_until = $3
             WHERE id = $1 AND status = 'planning' AND (held_until IS NULL OR held_until <= $4)",
        )
        .bind(id.uuid())
        .bind(holder)
        .bind(now + PLANNED_WITHIN)
        .bind(now)
        .execute(&self.pool)
        .await?;
        Ok(held.rows_affected() == 1)
    }

    /// Makes this process the one that runs the replay, unless another holds it and is not to be replaced.
    ///
    /// # Errors
    /// [`StoreError`]
    pub async fn hold(
        &self,
        id: ReplayId,
        holder: Uuid,
        take_over: bool,
        now: OffsetDateTime,
    ) -> Result<Option<(Held, Replay)>, StoreError> {
        let row = sqlx::query_as(
            "UPDATE replays SET holder = $2, held_until = $3
             WHERE id = $1 AND status = 'running' AND ($4 OR held_until IS NULL OR held_until <= $5) RETURNING *",
        )
        .bind(id.uuid())
        .bind(holder)
        .bind(now + THOUGHT_DEAD_AFTER)
        .bind(take_over)
        .bind(now);
        let replay = one(row.fetch_optional(&self.pool).await?)?;
        Ok(replay.map(|replay| (Held { id, holder, checkpoint: replay.checkpoint, progress: replay.progress }, replay)))
    }

    /// Ends a replay that has come to its end, if it is still held.
    ///
    /// # Errors
    /// [`StoreError`]
    pub async fn finish(&self, held: &Held, now: OffsetDateTime) -> Result<Option<Replay>, StoreError> {
        let row = sqlx::query_as(
            "UPDATE replays SET status = 'done', finished_at = $3, holder = NULL, held_until = NULL
             WHERE id = $1 AND holder = $2 AND status = 'running' RETURNING *",
        );
        one(row.bind(held.id.uuid()).bind(held.holder).bind(now).fetch_optional(&self.pool).await?)
    }
}

impl Held {
    /// Notes how far the replay has come; false if it is no longer this process's.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn note_in_tx(
        &self,
        connection: &mut PgConnection,
        checkpoint: u64,
        progress: Progress,
        now: OffsetDateTime,
    ) -> sqlx::Result<bool> {
        let noted = sqlx::query(
            "UPDATE replays SET checkpoint = $3, progress = $4, held_until = $5
             WHERE id = $1 AND holder = $2 AND status = 'running'",
        )
        .bind(self.id.uuid())
        .bind(self.holder)
        .bind(i64::try_from(checkpoint).unwrap_or(i64::MAX))
        .bind(Json(progress))
        .bind(now + THOUGHT_DEAD_AFTER)
        .execute(connection)
        .await?;
        Ok(noted.rows_affected() == 1)
    }
}

#[derive(FromRow)]
struct Row {
    id: Uuid,
    status: String,
    selection: Json<Selection>,
    events_per_second: Option<i32>,
    operator: String,
    reason: String,
    plan: Option<Json<Plan>>,
    checkpoint: i64,
    progress: Json<Progress>,
    requested_at: OffsetDateTime,
    started_at: Option<OffsetDateTime>,
    finished_at: Option<OffsetDateTime>,
    failure: Option<String>,
}

fn one(row: Option<Row>) -> Result<Option<Replay>, StoreError> {
    row.map(Replay::try_from).transpose()
}

impl TryFrom<Row> for Replay {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        let status = match row.status.as_str() {
            "planning" => Status::Planning,
            "planned" => Status::Planned,
            "running" => Status::Running,
            "done" => Status::Done,
            "cancelled" => Status::Cancelled,
            "failed" => Status::Failed,
            _ => return Err(StoreError::Corrupt { id: row.id, column: "status" }),
        };
        Ok(Self {
            id: ReplayId::from_uuid(row.id),
            status,
            selection: row.selection.0,
            events_per_second: row.events_per_second.map(i32::unsigned_abs),
            operator: row.operator,
            reason: row.reason,
            plan: row.plan.map(|plan| plan.0),
            checkpoint: row.checkpoint.unsigned_abs(),
            progress: row.progress.0,
            requested_at: row.requested_at,
            started_at: row.started_at,
            finished_at: row.finished_at,
            failure: row.failure,
        })
    }
}
