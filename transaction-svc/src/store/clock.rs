//! The database's clock: the one by which everything is decided.

use time::OffsetDateTime;

use super::{Database, StoreError};

/// The moment.
///
/// # Errors
/// Those of the database.
pub async fn now(database: &Database) -> Result<OffsetDateTime, StoreError> {
    let pool = database.get_postgres_connection_pool();
    Ok(sqlx::query_scalar("SELECT clock_timestamp()").fetch_one(pool).await?)
}
