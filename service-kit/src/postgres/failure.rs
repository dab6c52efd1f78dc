//! Whose fault a database error is: the database's (try again later) or the statement's (never).
//!
//! Decided by SQLSTATE (PostgreSQL, appendix A) and kind, never by message: messages are translated and reworded.

use sea_orm::{ConnAcquireErr, DbErr, RuntimeErr};

static POOL_TIMED_OUT: sqlx::Error = sqlx::Error::PoolTimedOut;
static POOL_CLOSED: sqlx::Error = sqlx::Error::PoolClosed;

/// True when the same statement may succeed later: the database is away, starting, stopping, read-only after a
/// failover, out of resources, or took too long; or another transaction was in the way. False when the statement or its
/// data is at fault.
///
/// When it happened in `COMMIT`, the transaction may have been committed all the same.
#[must_use]
pub fn is_unavailable(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::Protocol(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed
        | sqlx::Error::BeginFailed => true,
        sqlx::Error::Database(error) => error.code().is_some_and(|code| is_transient(&code)),
        _ => false,
    }
}

/// The error of the driver inside one of sea-orm, for [`is_unavailable`] and for the name of a violated constraint.
#[must_use]
pub fn sqlx_error(error: &DbErr) -> Option<&sqlx::Error> {
    match error {
        DbErr::Conn(RuntimeErr::SqlxError(error))
        | DbErr::Exec(RuntimeErr::SqlxError(error))
        | DbErr::Query(RuntimeErr::SqlxError(error)) => Some(error),
        // sea-orm has its own names for these two.
        DbErr::ConnectionAcquire(ConnAcquireErr::Timeout) => Some(&POOL_TIMED_OUT),
        DbErr::ConnectionAcquire(ConnAcquireErr::ConnectionClosed) => Some(&POOL_CLOSED),
        _ => None,
    }
}

fn is_transient(sqlstate: &str) -> bool {
    let class = sqlstate.get(..2).unwrap_or_default();
    // Connection exceptions, refused log-ins (a password that is being rotated), insufficient resources, operator
    // intervention (shutdown, starting up, statement timeout), system errors such as a failing disk.
    matches!(class, "08" | "28" | "53" | "57" | "58")
        || matches!(
            sqlstate,
            // Read-only transaction: a primary that has become a standby.
            "25006"
            // The session was ended by its idle-in-transaction or transaction timeout.
            | "25P03" | "25P04"
            // Serialization failure, deadlock, lock timeout.
            | "40001" | "40P01" | "55P03"
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_passes_by_itself_is_told_from_what_never_will() {
        for sqlstate in
            ["08006", "25006", "25P03", "28P01", "40001", "40P01", "53300", "55P03", "57014", "57P01", "57P03"]
        {
            assert!(is_transient(sqlstate), "{sqlstate}");
        }
        for sqlstate in ["22003", "22P05", "23505", "23514", "25P02", "42501", "42P01", "XX000", ""] {
            assert!(!is_transient(sqlstate), "{sqlstate}");
        }
    }

    #[test]
    fn a_pool_without_a_free_connection_is_unavailable_through_sea_orm_too() {
        let error = DbErr::ConnectionAcquire(ConnAcquireErr::Timeout);
        assert!(sqlx_error(&error).is_some_and(is_unavailable));
        assert!(!is_unavailable(&sqlx::Error::RowNotFound));
    }
}
