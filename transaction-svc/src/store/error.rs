//! What can go wrong with a query, as far as a caller does something different about it.

use service_kit::postgres;

/// Why the store could not answer.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database is away or too busy: the same request may succeed later.
    #[error("the database is unavailable")]
    Unavailable(#[source] sqlx::Error),
    /// Somebody held a lock for longer than this session waits.
    #[error("a row stayed locked for too long")]
    LockTimeout(#[source] sqlx::Error),
    #[error("the database refused the statement or its data")]
    Refused(#[source] sqlx::Error),
    #[error("the database access layer failed")]
    Orm(#[source] sea_orm::DbErr),
    /// A stored row that the domain does not accept.
    #[error("the stored {table} row {id} makes no sense: {reason}")]
    Corrupt { table: &'static str, id: String, reason: String },
}

/// SQLSTATE `lock_not_available`.
const LOCK_NOT_AVAILABLE: &str = "55P03";

impl StoreError {
    pub(crate) fn corrupt(table: &'static str, id: impl ToString, reason: impl ToString) -> Self {
        Self::Corrupt { table, id: id.to_string(), reason: reason.to_string() }
    }

    /// Whether the same request may succeed later.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Unavailable(_) | Self::LockTimeout(_) => true,
            Self::Orm(error) => postgres::sqlx_error(error).is_some_and(postgres::is_unavailable),
            Self::Refused(_) | Self::Corrupt { .. } => false,
        }
    }
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        let is_lock_timeout = error
            .as_database_error()
            .and_then(sqlx::error::DatabaseError::code)
            .is_some_and(|code| code == LOCK_NOT_AVAILABLE);
        if is_lock_timeout {
            Self::LockTimeout(error)
        } else if postgres::is_unavailable(&error) {
            Self::Unavailable(error)
        } else {
            Self::Refused(error)
        }
    }
}

impl From<sea_orm::DbErr> for StoreError {
    fn from(error: sea_orm::DbErr) -> Self {
        Self::Orm(error)
    }
}
