//! Accounts: locked and changed by the writer, read by everybody else.

use std::collections::{BTreeSet, HashMap};

use contract::{AccountId, MinorUnits, account::AccountStatus};
use sea_orm::{ColumnTrait, DatabaseConnection, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{
    StoreError,
    batch_statement::BatchStatement,
    column::{column, metadata, metadata_json},
    entity::account,
};
use crate::domain::{
    account::Account,
    text::{AccountName, Owner},
};

/// What to do about an account that somebody else has locked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Locking {
    /// Wait for it, as long as `lock_timeout` allows.
    Wait,
    /// Go on without it.
    Skip,
}

/// Locks these accounts in the order of their ids, which is the same for everybody, and reads what they are once locked.
///
/// # Errors
/// [`StoreError::LockTimeout`] where one stayed locked by somebody else.
pub async fn lock_in_tx(
    connection: &mut PgConnection,
    ids: &[AccountId],
    locking: Locking,
) -> Result<Vec<Account>, StoreError> {
    let sql = match locking {
        Locking::Wait => "SELECT * FROM accounts WHERE id = ANY($1) ORDER BY id FOR NO KEY UPDATE",
        Locking::Skip => "SELECT * FROM accounts WHERE id = ANY($1) ORDER BY id FOR NO KEY UPDATE SKIP LOCKED",
    };
    let ids: Vec<Uuid> = ids.iter().map(|id| id.uuid()).collect();
    let rows: Vec<account::Model> = sqlx::query_as(sql).bind(ids).fetch_all(connection).await?;
    rows.into_iter().map(Account::try_from).collect()
}

/// Stores new accounts.
pub fn insert(statement: &mut BatchStatement, accounts: &[&Account]) {
    statement
        .part(
            "opened",
            "INSERT INTO accounts (id, owner, name, currency, status, min_balance, notify, metadata, posted, pending_out,
                                    pending_in, version, settings_version, created_at, updated_at)
              SELECT id, owner, name, currency, status, min_balance, notify, metadata::jsonb, 0, 0, 0, version,
                     settings_version, at, at
              FROM UNNEST($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::bigint[], $7::bool[], $8::text[],
                          $9::bigint[], $10::bigint[], $11::timestamptz[])
                   AS new (id, owner, name, currency, status, min_balance, notify, metadata, version, settings_version, at)",
        )
        .bind(column(accounts, |account| account.id.uuid()))
        .bind(column(accounts, |account| account.owner.as_str().to_owned()))
        .bind(column(accounts, |account| account.name.as_ref().map(|name| name.as_str().to_owned())))
        .bind(column(accounts, |account| account.currency.code()))
        .bind(column(accounts, |account| account.status.as_str()))
        .bind(column(accounts, |account| account.min_balance.map(MinorUnits::get)))
        .bind(column(accounts, |account| account.notify))
        .bind(column(accounts, |account| metadata_json(&account.metadata)))
        .bind(column(accounts, |account| account.version))
        .bind(column(accounts, |account| account.settings_version))
        .bind(column(accounts, |account| account.created_at));
}

/// Stores what locked accounts have become, but for their labels. The limit goes with the balances: one is checked against
/// the other.
pub fn update(statement: &mut BatchStatement, accounts: &[Account]) {
    statement
        .part(
            "changed_accounts",
            "UPDATE accounts SET status = new.status, min_balance = new.min_balance, posted = new.posted,
                     pending_out = new.pending_out, pending_in = new.pending_in, version = new.version,
                     settings_version = new.settings_version, updated_at = new.updated_at
              FROM UNNEST($1::uuid[], $2::text[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[],
                          $8::timestamptz[], $9::bigint[])
                   AS new (id, status, posted, pending_out, pending_in, version, settings_version, updated_at, min_balance)
              WHERE accounts.id = new.id",
        )
        .bind(column(accounts, |account| account.id.uuid()))
        .bind(column(accounts, |account| account.status.as_str()))
        .bind(column(accounts, |account| account.posted.get()))
        .bind(column(accounts, |account| account.pending_out.get()))
        .bind(column(accounts, |account| account.pending_in.get()))
        .bind(column(accounts, |account| account.version))
        .bind(column(accounts, |account| account.settings_version))
        .bind(column(accounts, |account| account.updated_at))
        .bind(column(accounts, |account| account.min_balance.map(MinorUnits::get)));
}

/// Stores what the labels of locked accounts have become: what [`update`] leaves out, because it rarely changes.
/// A statement of its own: none may change a row twice.
///
/// # Errors
/// Those of the database.
pub async fn update_labels_in_tx(connection: &mut PgConnection, accounts: &[&Account]) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE accounts SET name = new.name, metadata = new.metadata::jsonb
         FROM UNNEST($1::uuid[], $2::text[], $3::text[]) AS new (id, name, metadata)
         WHERE accounts.id = new.id",
    )
    .bind(column(accounts, |account| account.id.uuid()))
    .bind(column(accounts, |account| account.name.as_ref().map(|name| name.as_str().to_owned())))
    .bind(column(accounts, |account| metadata_json(&account.metadata)))
    .execute(connection)
    .await?;
    Ok(())
}

/// The account, where there is one.
///
/// # Errors
/// Those of the database, and a corrupt row.
pub async fn find(database: &DatabaseConnection, id: AccountId) -> Result<Option<Account>, StoreError> {
    account::Entity::find_by_id(id.uuid()).one(database).await?.map(Account::try_from).transpose()
}

/// These accounts, as far as they exist, all of the same moment.
///
/// # Errors
/// Those of the database, and a corrupt row.
pub async fn find_all(
    database: &DatabaseConnection,
    ids: impl IntoIterator<Item = AccountId>,
) -> Result<Vec<Account>, StoreError> {
    let ids: BTreeSet<Uuid> = ids.into_iter().map(AccountId::uuid).collect();
    let rows = account::Entity::find().filter(account::Column::Id.eq_any(ids)).all(database).await?;
    rows.into_iter().map(Account::try_from).collect()
}

/// Who holds these accounts, as far as they exist.
///
/// # Errors
/// Those of the database.
pub async fn owners(
    database: &DatabaseConnection,
    ids: impl IntoIterator<Item = AccountId>,
) -> Result<HashMap<AccountId, String>, StoreError> {
    let ids: BTreeSet<Uuid> = ids.into_iter().map(AccountId::uuid).collect();
    let rows: Vec<(Uuid, String)> = account::Entity::find()
        .select_only()
        .columns([account::Column::Id, account::Column::Owner])
        .filter(account::Column::Id.eq_any(ids))
        .into_tuple()
        .all(database)
        .await?;
    Ok(rows.into_iter().map(|(id, owner)| (AccountId::from_uuid(id), owner)).collect())
}

/// The accounts of this owner, newest first, older than `before`.
///
/// # Errors
/// Those of the database, and a corrupt row.
pub async fn list(
    database: &DatabaseConnection,
    owner: &str,
    before: Option<AccountId>,
    limit: u64,
) -> Result<Vec<Account>, StoreError> {
    let mut query = account::Entity::find().filter(account::Column::Owner.eq(owner));
    if let Some(before) = before {
        query = query.filter(account::Column::Id.lt(before.uuid()));
    }
    let rows = query.order_by_desc(account::Column::Id).limit(limit).all(database).await?;
    rows.into_iter().map(Account::try_from).collect()
}

impl TryFrom<account::Model> for Account {
    type Error = StoreError;

    fn try_from(row: account::Model) -> Result<Self, StoreError> {
        let id = AccountId::from_uuid(row.id);
        let corrupt = |reason: &dyn ToString| StoreError::corrupt("accounts", id, reason.to_string());
        Ok(Self {
            id,
            owner: Owner::try_from(row.owner.as_str()).map_err(|error| corrupt(&error))?,
            name: row.name.map(AccountName::try_from).transpose().map_err(|error| corrupt(&error))?,
            currency: row.currency.parse().map_err(|error| corrupt(&error))?,
            status: status(&row.status).ok_or_else(|| corrupt(&"unknown status"))?,
            min_balance: row.min_balance.map(MinorUnits::new),
            notify: row.notify,
            metadata: metadata(row.metadata).map_err(|reason| corrupt(&reason))?,
            posted: MinorUnits::new(row.posted),
            pending_out: MinorUnits::new(row.pending_out),
            pending_in: MinorUnits::new(row.pending_in),
            version: row.version,
            settings_version: row.settings_version,
            created_at: row.created_at,
            updated_at: row.updated_at,
        })
    }
}

fn status(text: &str) -> Option<AccountStatus> {
    AccountStatus::ALL.into_iter().find(|status| status.as_str() == text)
}
