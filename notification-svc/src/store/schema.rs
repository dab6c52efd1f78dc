//! The schema: made by its owner with `migrate`, and compared by a service that starts.

use sqlx::{
    PgConnection, PgPool,
    migrate::{MigrateError, Migrator},
};

static MIGRATIONS: Migrator = sqlx::migrate!("./migration");

/// The schema is not as this build needs it.
#[derive(Debug, thiserror::Error)]
pub enum SchemaError {
    #[error("the schema cannot be read")]
    Unreadable(#[source] sqlx::Error),
    #[error("the schema is at version {found:?}, this build needs {wanted:?}: run `migrate`")]
    Outdated { found: Option<i64>, wanted: Option<i64> },
}

/// Brings the schema up to date. Roles and the schema itself are provisioned before.
///
/// # Errors
/// A migration that fails, or that was changed after it was run.
pub async fn migrate(connection: &mut PgConnection) -> Result<(), MigrateError> {
    MIGRATIONS.run(connection).await
}

/// Whether every migration that this build knows was run. Newer ones are no obstacle: they keep to what the builds that
/// are still running need.
///
/// # Errors
/// [`SchemaError`]
pub async fn check(pool: &PgPool) -> Result<(), SchemaError> {
    let found = sqlx::query_scalar("SELECT max(version) FROM _sqlx_migrations WHERE success")
        .fetch_one(pool)
        .await
        .map_err(SchemaError::Unreadable)?;
    let wanted = MIGRATIONS.iter().map(|migration| migration.version).max();
    if found < wanted { Err(SchemaError::Outdated { found, wanted }) } else { Ok(()) }
}
