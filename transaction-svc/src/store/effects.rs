//! Effects: what each event did to each account. Added, never changed.

use contract::{AccountId, EventId, MinorUnits, TransactionId};
use sea_orm::{ColumnTrait, DatabaseConnection, EntityTrait, QueryFilter, QuerySelect};
use uuid::Uuid;

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
    let rows: Vec<Row> = effect::Entity::find()
        .select_only()
        .columns([
            effect::Column::AccountId,
            effect::Column::EventId,
            effect::Column::TransactionId,
            effect::Column::Sequence,
            effect::Column::Posted,
            effect::Column::PostedAfter,
            effect::Column::AvailableAfter,
        ])
        .filter(effect::Column::TransactionId.eq_any(ids))
        .into_tuple()
        .all(database)
        .await?;
    Ok(rows.into_iter().map(StoredEffect::from).collect())
}

/// The columns of a [`StoredEffect`]: a page of transactions has a hundred of them.
type Row = (Uuid, Uuid, Uuid, i64, i64, i64, Option<i64>);

impl From<Row> for StoredEffect {
    fn from((account, event, transaction, sequence, posted, posted_after, available_after): Row) -> Self {
        Self {
            account: AccountId::from_uuid(account),
            event: EventId::from_uuid(event),
            transaction: TransactionId::from_uuid(transaction),
            sequence,
            posted: MinorUnits::new(posted),
            posted_after: MinorUnits::new(posted_after),
            available_after: available_after.map(MinorUnits::new),
        }
    }
}
