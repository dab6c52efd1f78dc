//! One row for each event and recipient. Of it, only `read_at` and `archived_at` ever change; `status` follows from them.

#![expect(unreachable_pub, reason = "DeriveEntityModel wants its types public")]

use sea_orm::entity::prelude::*;

#[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "notifications")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub event_id: Uuid,
    pub recipient: String,
    pub position: i64,
    pub r#type: String,
    pub transaction_id: Option<Uuid>,
    pub account_id: Uuid,
    pub account_sequence: i64,
    pub amount: i64,
    pub currency: String,
    pub title: String,
    pub body: String,
    pub muted: bool,
    pub occurred_at: TimeDateTimeWithTimeZone,
    pub created_at: TimeDateTimeWithTimeZone,
    pub read_at: Option<TimeDateTimeWithTimeZone>,
    pub archived_at: Option<TimeDateTimeWithTimeZone>,
    pub status: String,
}

#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
