//! Table `effects`.

#![expect(unreachable_pub, reason = "DeriveEntityModel writes `pub` into a private module")]

use sea_orm::entity::prelude::*;
use time::OffsetDateTime;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "effects")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub account_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub sequence: i64,
    pub event_id: Uuid,
    pub transaction_id: Option<Uuid>,
    pub posted: i64,
    pub pending_out: i64,
    pub pending_in: i64,
    pub posted_after: i64,
    pub pending_out_after: i64,
    pub pending_in_after: i64,
    pub available_after: Option<i64>,
    pub occurred_at: OffsetDateTime,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
