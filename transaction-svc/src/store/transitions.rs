//! Transactions on their way through life: found, read and changed by the writer.

use contract::{AccountId, TransactionId};
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use super::{StoreError, batch_statement::BatchStatement, column::column, entity::transaction};
use crate::domain::transaction::Transaction;

/// The accounts of a transaction. They never change, so they can be read before anything is locked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sides {
    pub transaction: TransactionId,
    pub source: AccountId,
    pub destination: AccountId,
}

/// Between which accounts these transactions are, as far as they exist.
///
/// # Errors
/// Those of the database.
pub async fn sides_in_tx(connection: &mut PgConnection, ids: &[TransactionId]) -> Result<Vec<Sides>, StoreError> {
    let rows: Vec<(Uuid, Uuid, Uuid)> =
        sqlx::query_as("SELECT id, source, destination FROM transactions WHERE id = ANY($1)")
            .bind(column(ids, |id| id.uuid()))
            .fetch_all(connection)
            .await?;
    let sides = rows.into_iter().map(|(id, source, destination)| Sides {
        transaction: TransactionId::from_uuid(id),
        source: AccountId::from_uuid(source),
        destination: AccountId::from_uuid(destination),
    });
    Ok(sides.collect())
}

/// These transactions as they are now. Run it as a statement of its own, after their accounts are locked: whoever changes
/// a transaction holds them, so only then is this what the next event changes.
///
/// # Errors
/// Those of the database, and a corrupt row.
pub async fn read_in_tx(connection: &mut PgConnection, ids: &[TransactionId]) -> Result<Vec<Transaction>, StoreError> {
    let rows: Vec<transaction::Model> = sqlx::query_as("SELECT * FROM transactions WHERE id = ANY($1)")
        .bind(column(ids, |id| id.uuid()))
        .fetch_all(connection)
        .await?;
    rows.into_iter().map(Transaction::try_from).collect()
}

/// Holds whose time is over, by the database's clock, those that have waited longest first.
///
/// # Errors
/// Those of the database.
pub async fn due(pool: &PgPool, limit: i64) -> Result<Vec<TransactionId>, StoreError> {
    let ids: Vec<Uuid> = sqlx::query_scalar(
        "SELECT id FROM transactions WHERE status = 'pending' AND expires_at <= statement_timestamp()
         ORDER BY expires_at LIMIT $1",
    )
    .bind(limit)
    .fetch_all(pool)
    .await?;
    Ok(ids.into_iter().map(TransactionId::from_uuid).collect())
}

/// Stores what transactions have become whose accounts are locked.
pub fn update(statement: &mut BatchStatement, transactions: &[Transaction]) {
    statement
        .part(
            "changed_transactions",
            "UPDATE transactions
              SET status = new.status, captured_amount = new.captured_amount, refunded_amount = new.refunded_amount,
                  updated_at = new.updated_at
              FROM UNNEST($1::uuid[], $2::text[], $3::bigint[], $4::bigint[], $5::timestamptz[])
                   AS new (id, status, captured_amount, refunded_amount, updated_at)
              WHERE transactions.id = new.id",
        )
        .bind(column(transactions, |transaction| transaction.id.uuid()))
        .bind(column(transactions, |transaction| transaction.status.as_str()))
        .bind(column(transactions, |transaction| transaction.captured_amount.get()))
        .bind(column(transactions, |transaction| transaction.refunded_amount.get()))
        .bind(column(transactions, |transaction| transaction.updated_at));
}
