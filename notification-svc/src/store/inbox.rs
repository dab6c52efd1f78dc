//! A user's notifications: reading them, counting them, changing what the user has dealt with.
//!
//! Every change locks the user's counter row first, as the ingest does, so that counters are exact whatever happens at
//! the same time, and no two transactions wait for each other.

use contract::{
    AccountId, EventId, EventKind, MinorUnits, NotificationId, TransactionId,
    notification::{Notification, NotificationCounts, NotificationStatus},
};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, DatabaseConnection, EntityTrait, FromQueryResult, IntoActiveModel,
    QueryFilter, QueryOrder, QuerySelect, QueryTrait, Set, TransactionTrait,
    sea_query::{Asterisk, Expr, ExprTrait, JoinType, NullOrdering, Order, Query, SelectStatement},
};
use sqlx::PgPool;
use time::OffsetDateTime;

use super::{
    counters,
    entity::{notification, notification_counter},
    error::StoreError,
};
use crate::domain::handling::Handling;

/// How many notifications one transaction of [`Inbox::read_all`] changes.
const READ_ALL_CHUNK: u64 = 1_000;

const PAGE: &str = "page";
const VERSION: &str = "inbox_version";

/// Which of a user's notifications.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Filter {
    pub status: Option<NotificationStatus>,
    pub kind: Option<EventKind>,
}

/// Some of a user's notifications, all from one moment.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Listed {
    /// See [`Inbox::version`].
    pub version: i64,
    pub notifications: Vec<Notification>,
}

/// The notifications of all users.
#[derive(Debug, Clone)]
pub struct Inbox {
    database: DatabaseConnection,
}

impl Inbox {
    #[must_use]
    pub fn new(pool: &PgPool) -> Self {
        Self { database: service_kit::postgres::orm(pool) }
    }

    /// Up to `limit` notifications, newest first, from before a position, and the version of the inbox that they are of.
    ///
    /// # Errors
    /// [`StoreError`]
    pub async fn list(
        &self,
        recipient: &str,
        filter: Filter,
        before: Option<i64>,
        limit: u64,
    ) -> Result<Listed, StoreError> {
        let page = visible(recipient)
            .apply_if(filter.status, |query, status| query.filter(notification::Column::Status.eq(status_text(status))))
            .apply_if(filter.kind, |query, kind| query.filter(notification::Column::Type.eq(kind.as_str())))
            .apply_if(before, |query, position| query.filter(notification::Column::Position.lt(position)))
            .order_by_desc(notification::Column::Position)
            .limit(limit)
            .into_query();
        let statement = self.database.get_database_backend().build(&with_version(recipient, page));
        let rows = self.database.query_all_raw(statement).await?;
        let mut listed = Listed::default();
        for row in &rows {
            listed.version = row.try_get::<Option<i64>>("", VERSION)?.unwrap_or_default();
            if let Some(model) = Option::<notification::Model>::from_query_result(row, "")? {
                listed.notifications.push(from_row(model)?);
            }
        }
        Ok(listed)
    }

    /// Grows with every change of what [`Inbox::list`] and [`Inbox::counts`] say of this user.
    ///
    /// # Errors
    /// [`StoreError`]
    pub async fn version(&self, recipient: &str) -> Result<i64, StoreError> {
        Ok(self.counter(recipient).await?.map(|counter| counter.version).unwrap_or_default())
    }

    /// Up to `limit` notifications from after a position, the oldest first.
    ///
    /// # Errors
    /// [`StoreError`]
    pub async fn after(&self, recipient: &str, position: i64, limit: u64) -> Result<Vec<Notification>, StoreError> {
        let rows = visible(recipient)
            .filter(notification::Column::Position.gt(position))
            .order_by_asc(notification::Column::Position)
            .limit(limit)
            .all(&self.database)
            .await?;
        rows.into_iter().map(from_row).collect()
    }

    /// The position of the user's last notification, shown or muted; 0 if there is none. All of them up to it are
    /// committed.
    ///
    /// # Errors
    /// [`StoreError`]
    pub async fn last_position(&self, recipient: &str) -> Result<i64, StoreError> {
        Ok(self.counter(recipient).await?.map(|counter| counter.last_position).unwrap_or_default())
    }

    /// How many notifications the user has in each status.
    ///
    /// # Errors
    /// [`StoreError`]
    pub async fn counts(&self, recipient: &str) -> Result<NotificationCounts, StoreError> {
        Ok(self.counter(recipient).await?.as_ref().map(counters::counts).unwrap_or_default())
    }

    /// Gives one notification this status and returns it; `None` if the user has no such notification.
    ///
    /// # Errors
    /// [`StoreError`]
    pub async fn change(
        &self,
        recipient: &str,
        id: NotificationId,
        status: NotificationStatus,
        now: OffsetDateTime,
    ) -> Result<Option<Notification>, StoreError> {
        let transaction = self.database.begin().await?;
        let Some(counter) = counters::lock_in_tx(&transaction, recipient).await? else {
            return Ok(None);
        };
        let row = notification::Entity::find_by_id(id.uuid()).one(&transaction).await?;
        let Some(row) = row.filter(|row| row.recipient == recipient && !row.muted) else {
            return Ok(None);
        };
        let before = Handling { read_at: row.read_at, archived_at: row.archived_at };
        let after = before.changed_to(status, now);
        if after == before {
            return from_row(row).map(Some);
        }
        counters::move_in_tx(&transaction, counter, before.status(), after.status(), 1).await?;
        let mut changed = row.into_active_model();
        changed.read_at = Set(after.read_at);
        changed.archived_at = Set(after.archived_at);
        let row = changed.update(&transaction).await?;
        transaction.commit().await?;
        from_row(row).map(Some)
    }

    /// Marks everything read that was there when this began, in transactions of bounded size, and returns the counts.
    ///
    /// # Errors
    /// [`StoreError`]; what was marked by then stays marked.
    pub async fn read_all(&self, recipient: &str, now: OffsetDateTime) -> Result<NotificationCounts, StoreError> {
        let Some(counter) = self.counter(recipient).await? else {
            return Ok(NotificationCounts::default());
        };
        while self.read_chunk(recipient, counter.last_position, now).await? == READ_ALL_CHUNK {}
        self.counts(recipient).await
    }

    async fn counter(&self, recipient: &str) -> Result<Option<notification_counter::Model>, StoreError> {
        Ok(notification_counter::Entity::find_by_id(recipient).one(&self.database).await?)
    }

    async fn read_chunk(&self, recipient: &str, last_position: i64, now: OffsetDateTime) -> Result<u64, StoreError> {
        let transaction = self.database.begin().await?;
        let Some(counter) = counters::lock_in_tx(&transaction, recipient).await? else {
            return Ok(0);
        };
        let chunk = visible(recipient)
            .filter(notification::Column::Status.eq(status_text(NotificationStatus::Unread)))
            .filter(notification::Column::Position.lte(last_position))
            .order_by_asc(notification::Column::Position)
            .limit(READ_ALL_CHUNK)
            .select_only()
            .column(notification::Column::Id)
            .into_query();
        let marked = notification::Entity::update_many()
            .col_expr(notification::Column::ReadAt, Expr::value(now))
            .filter(notification::Column::Id.in_subquery(chunk))
            .exec(&transaction)
            .await?
            .rows_affected;
        let count = i64::try_from(marked).unwrap_or(i64::MAX);
        counters::move_in_tx(&transaction, counter, NotificationStatus::Unread, NotificationStatus::Read, count)
            .await?;
        transaction.commit().await?;
        Ok(marked)
    }
}

/// What the user may see of the user's notifications.
fn visible(recipient: &str) -> sea_orm::Select<notification::Entity> {
    notification::Entity::find()
        .filter(notification::Column::Recipient.eq(recipient))
        .filter(notification::Column::Muted.into_expr().not())
}

/// A page and the version of the inbox in one statement, so that no change comes between them. A page without rows is one
/// row of the version alone.
fn with_version(recipient: &str, page: SelectStatement) -> SelectStatement {
    let version = Query::select()
        .column(notification_counter::Column::Version)
        .from(notification_counter::Entity)
        .and_where(notification_counter::Column::Recipient.eq(recipient))
        .take();
    Query::select()
        .expr_as(version, VERSION)
        .column((PAGE, Asterisk))
        .from_subquery(Query::select().expr(Expr::val(1)).take(), "always")
        .join_subquery(JoinType::LeftJoin, page, PAGE, Expr::val(true))
        .order_by_with_nulls((PAGE, notification::Column::Position), Order::Desc, NullOrdering::Last)
        .take()
}

/// A row as the API shows it.
fn from_row(row: notification::Model) -> Result<Notification, StoreError> {
    let id = row.id;
    let corrupt = |column| StoreError::Corrupt { id, column };
    let handling = Handling { read_at: row.read_at, archived_at: row.archived_at };
    Ok(Notification {
        id: NotificationId::from_uuid(row.id),
        user: row.recipient,
        r#type: row.r#type.parse().map_err(|_| corrupt("type"))?,
        status: handling.status(),
        title: row.title,
        body: row.body,
        event_id: EventId::from_uuid(row.event_id),
        transaction_id: row.transaction_id.map(TransactionId::from_uuid),
        account_id: AccountId::from_uuid(row.account_id),
        account_sequence: row.account_sequence,
        amount: MinorUnits::new(row.amount),
        currency: row.currency.parse().map_err(|_| corrupt("currency"))?,
        position: row.position,
        occurred_at: row.occurred_at,
        created_at: row.created_at,
        read_at: row.read_at,
        archived_at: row.archived_at,
    })
}

/// The generated column `status`.
const fn status_text(status: NotificationStatus) -> &'static str {
    match status {
        NotificationStatus::Unread => "unread",
        NotificationStatus::Read => "read",
        NotificationStatus::Archived => "archived",
    }
}
