//! Table `accounts`.

use sea_orm::entity::prelude::*;
use time::OffsetDateTime;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, sqlx::FromRow)]
#[sea_orm(table_name = "accounts")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub owner: String,
    pub name: Option<String>,
    pub currency: String,
    pub status: String,
    pub min_balance: Option<i64>,
    pub notify: bool,
    pub metadata: Json,
    pub posted: i64,
    pub pending_out: i64,
    pub pending_in: i64,
    pub version: i64,
    pub settings_version: i64,
    pub created_at: OffsetDateTime,
    pub updated_at: OffsetDateTime,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
