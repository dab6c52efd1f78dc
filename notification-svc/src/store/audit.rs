//! The audit of what operators do: written before anything is done, so that whatever happens then has an author.

use contract::timestamp;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, DatabaseConnection, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Set,
};
use serde::Serialize;
use serde_json::Value;
use sqlx::PgPool;
use time::OffsetDateTime;

use super::{entity::operation, error::StoreError};

/// What was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    RedriveDeadLetters,
    DiscardDeadLetters,
    ExportDeadLetters,
    PauseConsumer,
    ResumeConsumer,
    WithdrawEvents,
}

impl Action {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::RedriveDeadLetters => "dead_letters.redrive",
            Self::DiscardDeadLetters => "dead_letters.discard",
            Self::ExportDeadLetters => "dead_letters.export",
            Self::PauseConsumer => "consumer.pause",
            Self::ResumeConsumer => "consumer.resume",
            Self::WithdrawEvents => "events.withdraw",
        }
    }
}

/// Who wants it, and why.
#[derive(Debug, Clone)]
pub struct Order {
    pub operator: String,
    pub reason: String,
}

/// One entry of the audit, as it is shown.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
#[schema(examples(json!({
    "id": 3, "action": "redrive", "operator": "olga", "reason": "Upgraded to 0.2", "selection": {"reason": "unsupported"},
    "planned": 2, "done": 2, "started_at": "2026-11-23T07:00:00.000000Z", "finished_at": "2026-11-23T07:00:01.000000Z"
})))]
pub struct Operation {
    pub id: i64,
    pub action: String,
    pub operator: String,
    pub reason: String,
    /// What it was done to.
    pub selection: Value,
    pub planned: i64,
    pub done: i64,
    #[serde(with = "timestamp")]
    #[schema(value_type = String, format = DateTime)]
    pub started_at: OffsetDateTime,
    /// `null`: it goes on, or its process died on the way.
    #[serde(with = "timestamp::option")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub finished_at: Option<OffsetDateTime>,
}

/// The audit of all operators.
#[derive(Debug, Clone)]
pub struct Audit {
    database: DatabaseConnection,
}

impl Audit {
    #[must_use]
    pub fn new(pool: &PgPool) -> Self {
        Self { database: service_kit::postgres::orm(pool) }
    }

    /// Notes what is about to be done to so many things. Gives the entry's id.
    ///
    /// # Errors
    /// [`StoreError`]; then nothing may be done.
    pub async fn begin(
        &self,
        action: Action,
        order: &Order,
        selection: Value,
        planned: u64,
        now: OffsetDateTime,
    ) -> Result<i64, StoreError> {
        let entry = operation::ActiveModel {
            action: Set(action.as_str().to_owned()),
            operator: Set(order.operator.clone()),
            reason: Set(order.reason.clone()),
            selection: Set(selection),
            planned: Set(count(planned)),
            done: Set(0),
            started_at: Set(now),
            ..Default::default()
        };
        Ok(entry.insert(&self.database).await?.id)
    }

    /// Notes how much was done so far; with a time, that it has ended.
    ///
    /// # Errors
    /// [`StoreError`]
    pub async fn note(&self, id: i64, done: u64, finished_at: Option<OffsetDateTime>) -> Result<(), StoreError> {
        let entry = operation::ActiveModel {
            id: Set(id),
            done: Set(count(done)),
            finished_at: Set(finished_at),
            ..Default::default()
        };
        operation::Entity::update(entry).exec(&self.database).await?;
        Ok(())
    }

    /// The newest first, from before this id.
    ///
    /// # Errors
    /// [`StoreError`]
    pub async fn list(&self, before: Option<i64>, limit: u64) -> Result<Vec<Operation>, StoreError> {
        let mut query = operation::Entity::find().order_by_desc(operation::Column::Id).limit(limit);
        if let Some(before) = before {
            query = query.filter(operation::Column::Id.lt(before));
        }
        Ok(query.all(&self.database).await?.into_iter().map(Operation::from).collect())
    }
}

impl From<operation::Model> for Operation {
    fn from(row: operation::Model) -> Self {
        let operation::Model { id, action, operator, reason, selection, planned, done, started_at, finished_at } = row;
        Self { id, action, operator, reason, selection, planned, done, started_at, finished_at }
    }
}

fn count(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
