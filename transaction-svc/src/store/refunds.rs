//! Refunds: added by the writer, never changed.

use contract::{Amount, RefundId, transaction::Transaction as TransactionView};
use sea_orm::{ColumnTrait, DatabaseConnection, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use super::{StoreError, batch_statement::BatchStatement, column::column, entity::refund};
use crate::domain::transaction::{Actor, Refund};

/// Stores new refunds.
pub fn insert(statement: &mut BatchStatement, refunds: &[&Refund]) {
    statement
        .part(
            "refunded",
            "INSERT INTO refunds (id, transaction_id, amount, initiator_issuer, initiated_by, created_at)
              SELECT * FROM UNNEST($1::uuid[], $2::uuid[], $3::bigint[], $4::text[], $5::text[], $6::timestamptz[])",
        )
        .bind(column(refunds, |refund| refund.id.uuid()))
        .bind(column(refunds, |refund| refund.transaction.uuid()))
        .bind(column(refunds, |refund| refund.amount.get()))
        .bind(column(refunds, |refund| refund.initiator.issuer.to_string()))
        .bind(column(refunds, |refund| refund.initiator.subject.to_string()))
        .bind(column(refunds, |refund| refund.created_at));
}

/// This refund of the transaction, where there is one.
///
/// # Errors
/// Those of the database, and a corrupt row.
pub async fn find(
    database: &DatabaseConnection,
    transaction: &TransactionView,
    id: RefundId,
) -> Result<Option<Refund>, StoreError> {
    let row = refund::Entity::find_by_id(id.uuid()).one(database).await?;
    row.filter(|row| row.transaction_id == transaction.id.uuid()).map(|row| refund(transaction, row)).transpose()
}

/// The refunds of the transaction, newest first, older than `before`.
///
/// # Errors
/// Those of the database, and a corrupt row.
pub async fn list(
    database: &DatabaseConnection,
    transaction: &TransactionView,
    before: Option<RefundId>,
    limit: u64,
) -> Result<Vec<Refund>, StoreError> {
    let mut query = refund::Entity::find().filter(refund::Column::TransactionId.eq(transaction.id.uuid()));
    if let Some(before) = before {
        query = query.filter(refund::Column::Id.lt(before.uuid()));
    }
    let rows = query.order_by_desc(refund::Column::Id).limit(limit).all(database).await?;
    rows.into_iter().map(|row| refund(transaction, row)).collect()
}

/// A refund is in the currency of its transaction.
fn refund(transaction: &TransactionView, row: refund::Model) -> Result<Refund, StoreError> {
    let id = RefundId::from_uuid(row.id);
    Ok(Refund {
        id,
        transaction: transaction.id,
        amount: Amount::new(row.amount).map_err(|error| StoreError::corrupt("refunds", id, error))?,
        currency: transaction.currency,
        initiator: Actor { issuer: row.initiator_issuer.into(), subject: row.initiated_by.into() },
        created_at: row.created_at,
    })
}
