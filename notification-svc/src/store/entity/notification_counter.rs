//! One row for each user who was ever notified.

#![expect(unreachable_pub, reason = "DeriveEntityModel wants its types public")]

use sea_orm::entity::prelude::*;

#[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "notification_counters")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub recipient: String,
    pub last_position: i64,
    pub unread: i64,
    pub read: i64,
    pub archived: i64,
    pub version: i64,
}

#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
