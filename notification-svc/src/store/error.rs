//! Why the store could not answer.

use std::sync::Arc;

use sea_orm::{DbErr, RuntimeErr};
use service_kit::postgres;
use uuid::Uuid;

/// Transport-free: `http` decides what a caller is told.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database is away or too busy; later the same may succeed.
    #[error("the database is not available")]
    Unavailable(#[source] DbErr),
    #[error("the database refused a statement")]
    Refused(#[source] DbErr),
    #[error("the stored {column} of notification {id} cannot be understood")]
    Corrupt { id: Uuid, column: &'static str },
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        Self::from(DbErr::Query(RuntimeErr::SqlxError(Arc::new(error))))
    }
}

impl From<DbErr> for StoreError {
    fn from(error: DbErr) -> Self {
        let unavailable = matches!(error, DbErr::ConnectionAcquire(_))
            || postgres::sqlx_error(&error).is_some_and(postgres::is_unavailable);
        if unavailable { Self::Unavailable(error) } else { Self::Refused(error) }
    }
}
