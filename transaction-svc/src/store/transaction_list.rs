//! Lists of transactions, newest first. Whatever they are filtered by, there is an index that has the rows in this order, so a
//! page costs a page.

use contract::{AccountId, TransactionId, transaction::TransactionStatus};
use sea_orm::DatabaseConnection;
use serde::Serialize;
use sqlx::{Arguments, AssertSqlSafe, Postgres, postgres::PgArguments};
use time::OffsetDateTime;
use uuid::Uuid;

use super::{StoreError, begin::IN_ORDER, entity::transaction};
use crate::domain::{text::Reference, transaction::Transaction};

/// Whose transactions a list shows.
#[derive(Debug, Clone, Serialize)]
pub enum Whose {
    Everybodys,
    /// Those with an account of this owner on either side.
    Owner(String),
    /// Those with this account on either side.
    Account(AccountId),
}

/// Which of them.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    pub status: Option<TransactionStatus>,
    pub reference: Option<Reference>,
    pub created_gte: Option<OffsetDateTime>,
    pub created_lt: Option<OffsetDateTime>,
}

/// Transactions, newest first, older than `before`.
///
/// # Errors
/// Those of the database, and a corrupt row.
pub async fn list(
    database: &DatabaseConnection,
    whose: &Whose,
    filter: &Filter,
    before: Option<TransactionId>,
    limit: u64,
) -> Result<Vec<Transaction>, StoreError> {
    let (sql, values) = page(whose, filter, before, limit)?;
    let mut transaction = database.get_postgres_connection_pool().begin_with(IN_ORDER).await?;
    let rows: Vec<transaction::Model> =
        sqlx::query_as_with(AssertSqlSafe(sql), values).fetch_all(&mut *transaction).await?;
    transaction.commit().await?;
    rows.into_iter().map(Transaction::try_from).collect()
}

/// The query of a page, and its values.
///
/// # Errors
/// None: these values can be sent.
pub fn page(
    whose: &Whose,
    filter: &Filter,
    before: Option<TransactionId>,
    limit: u64,
) -> Result<(String, PgArguments), StoreError> {
    let mut values = Values::default();
    // Ids are made of the time of creation, to the microsecond: a time is a place among them.
    let first_at = |moment| TransactionId::new(moment, 0).uuid();
    let below = before.map_or(Uuid::max(), TransactionId::uuid);
    let below = values.place(filter.created_lt.map_or(below, |moment| below.min(first_at(moment))))?;
    let from = values.place(filter.created_gte.map_or(Uuid::nil(), first_at))?;
    let mut conditions = format!("id < {below} AND id >= {from}");
    if let Some(status) = filter.status {
        // As a literal, because only then does the planner know that the indexes of all but the posted ones will do.
        conditions += &format!(" AND status = '{}'", status.as_str());
    }
    if let Some(reference) = &filter.reference {
        conditions += &format!(" AND reference = {}", values.place(reference.as_str().to_owned())?);
    }
    let limit = values.place(i64::try_from(limit).unwrap_or(i64::MAX))?;
    let accounts = match whose {
        Whose::Everybodys => {
            let sql = format!("SELECT * FROM transactions WHERE {conditions} ORDER BY id DESC LIMIT {limit}");
            return Ok((sql, values.0));
        }
        Whose::Owner(owner) => format!("SELECT id FROM accounts WHERE owner = {}", values.place(owner.clone())?),
        Whose::Account(account) => format!("SELECT {} AS id", values.place(account.uuid())?),
    };
    // A few rows from each side of each account: never all rows of a busy account.
    let side = |side: &str| {
        format!("SELECT * FROM transactions WHERE {side} = mine.id AND {conditions} ORDER BY id DESC LIMIT {limit}")
    };
    let sql = format!(
        "WITH mine AS ({accounts}),
              side AS (SELECT found.* FROM mine CROSS JOIN LATERAL (({}) UNION ALL ({})) AS found)
         SELECT DISTINCT ON (id) * FROM side ORDER BY id DESC LIMIT {limit}",
        side("source"),
        side("destination")
    );
    Ok((sql, values.0))
}

/// The values of a query that is put together.
#[derive(Debug, Default)]
struct Values(PgArguments);

impl Values {
    /// Adds one, and gives its place.
    fn place<V>(&mut self, value: V) -> Result<String, StoreError>
    where
        V: for<'q> sqlx::Encode<'q, Postgres> + sqlx::Type<Postgres>,
    {
        self.0.add(value).map_err(sqlx::Error::Encode)?;
        Ok(format!("${}", self.0.len()))
    }
}
