//! Effects: what each event did to each account. Added, never changed.

use contract::{AccountId, EventId, MinorUnits, TransactionId};
use sea_orm::{ColumnTrait, DatabaseConnection, EntityTrait, QueryFilter};

use super::{StoreError, batch_statement::BatchStatement, column::column, entity::effect};
use crate::domain::account::Effect;

/// Stores effects, each with the transaction that it belongs to.
pub fn insert(statement: &mut BatchStatement, effects: &[(&Effect, Option<TransactionId>)]) {
    statement
        .part(
            "happened",
            "INSERT INTO effects (account_id, sequence, event_id, transaction_id, posted, pending_out, pending_in,
                                   posted_after, pending_out_after, pending_in_after, available_after, occurred_at)
              SELECT * FROM UNNEST($1::uuid[], $2::bigint[], $3::uuid[], $4::uuid[], $5::bigint[], $6::bigint[], $7::bigint[],
                                   $8::bigint[], $9::bigint[], $10::bigint[], $11::bigint[], $12::timestamptz[])",
        )
        .bind(column(effects, |(effect, _)| effect.account.uuid()))
        .bind(column(effects, |(effect, _)| effect.sequence))
        .bind(column(effects, |(effect, _)| effect.event.uuid()))
        .bind(column(effects, |(_, transaction)| transaction.map(TransactionId::uuid)))
        .bind(column(effects, |(effect, _)| effect.change.posted.get()))
        .bind(column(effects, |(effect, _)| effect.change.pending_out.get()))
        .bind(column(effects, |(effect, _)| effect.change.pending_in.get()))
        .bind(column(effects, |(effect, _)| effect.after.posted.get()))
        .bind(column(effects, |(effect, _)| effect.after.pending_out.get()))
        .bind(column(effects, |(effect, _)| effect.after.pending_in.get()))
        .bind(column(effects, |(effect, _)| effect.after.available.map(MinorUnits::get)))
        .bind(column(effects, |(effect, _)| effect.at));
}

/// An effect on the books, as far as readers of transactions want it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StoredEffect {
    pub account: AccountId,
    pub event: EventId,
    pub transaction: TransactionId,
    pub sequence: i64,
    pub posted: MinorUnits,
    pub posted_after: MinorUnits,
    pub available_after: Option<MinorUnits>,
}

/// All effects of these transactions, in no order.
///
/// # Errors
/// Those of the database.
pub async fn of_transactions(
    database: &DatabaseConnection,
    transactions: impl IntoIterator<Item = TransactionId>,
) -> Result<Vec<StoredEffect>, StoreError> {
    let ids = transactions.into_iter().map(TransactionId::uuid);
    let rows = effect::Entity::find().filter(effect::Column::TransactionId.is_in(ids)).all(database).await?;
    Ok(rows.into_iter().filter_map(StoredEffect::of_row).collect())
}

impl StoredEffect {
    /// `None` for an effect of an account's own event.
    fn of_row(row: effect::Model) -> Option<Self> {
        Some(Self {
            account: AccountId::from_uuid(row.account_id),
            event: EventId::from_uuid(row.event_id),
            transaction: TransactionId::from_uuid(row.transaction_id?),
            sequence: row.sequence,
            posted: MinorUnits::new(row.posted),
            posted_after: MinorUnits::new(row.posted_after),
            available_after: row.available_after.map(MinorUnits::new),
        })
    }
}
