//! The pool of connections to Postgres, and what its errors mean.
//!
//! A service starts with Postgres away and recovers without a restart: the pool connects when it is first used, and
//! again after every loss. Nothing here knows a table.

mod failure;

use std::{io, time::Duration};

use sea_orm::{DatabaseConnection, SqlxPostgresConnector};
use secrecy::ExposeSecret;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{ConnectOptions, Connection, PgPool};
use tokio::time::timeout;
use url::Url;

use crate::config::PostgresConfig;

pub use failure::{is_unavailable, sqlx_error};

/// A connection that was idle for longer is asked whether it is still there before it is used. Asking every time costs
/// a round trip for each use: 13 to 48 % of the throughput.
const TRUSTED_IDLE_TIME: Duration = Duration::from_secs(1);

/// How long the server may take over everything that is asked of it for one purpose: above the timeouts of its own
/// sessions, below the 30 s after which somebody else is handed the same message.
const ANSWER_WITHIN: Duration = Duration::from_secs(20);
/// How long a connection may take to finish what its user has given up.
const TIDY_WITHIN: Duration = Duration::from_secs(2);

/// The bounds without which one stuck session can freeze accounts for everybody.
const SESSION_TIMEOUTS: [&str; 3] = ["idle_in_transaction_session_timeout", "lock_timeout", "statement_timeout"];

#[derive(Debug, thiserror::Error)]
pub enum PostgresError {
    /// Without its source, which would repeat the address with its password.
    #[error("the address of Postgres is malformed")]
    Address,
    #[error("the session's timeouts cannot be read")]
    Unreadable(#[source] sqlx::Error),
    #[error("{setting} is 0 for this role: provisioning has to set it with ALTER ROLE")]
    Unbounded { setting: String },
}

/// A pool that connects when it is first used. `application_name` is what operators see in `pg_stat_activity`.
///
/// # Errors
/// A malformed address.
pub fn connect(config: &PostgresConfig, application_name: &str) -> Result<PgPool, PostgresError> {
    connect_with(config, application_name, config.max_connections.get(), &[])
}

/// A pool of at most `max_connections` whose sessions have these settings from their start, so that a single statement
/// has them without a transaction around it.
///
/// # Errors
/// A malformed address.
pub fn connect_with(
    config: &PostgresConfig,
    application_name: &str,
    max_connections: u32,
    settings: &[(&str, &str)],
) -> Result<PgPool, PostgresError> {
    let options = address(config)
        .ok_or(PostgresError::Address)?
        .application_name(application_name)
        .options(settings.iter().copied())
        .disable_statement_logging();
    let pool = PgPoolOptions::new()
        .max_connections(max_connections)
        .acquire_timeout(config.acquire_timeout())
        .test_before_acquire(false)
        .before_acquire(|connection, metadata| {
            Box::pin(async move {
                if metadata.idle_for > TRUSTED_IDLE_TIME {
                    connection.ping().await?;
                }
                Ok(true)
            })
        })
        // What was given up in the middle of a statement may never come to an end; it must not keep its place for ever.
        .after_release(|connection, _| {
            Box::pin(async move {
                timeout(TIDY_WITHIN, connection.flush()).await.unwrap_or_else(|_elapsed| Err(silence()))?;
                Ok(true)
            })
        })
        .connect_lazy_with(options);
    Ok(pool)
}

/// Waits for the database as long as it may take. Where a connection breaks without a word (a host that is gone, a proxy
/// that lost its other end), the server's own timeouts end nothing, and a loop of ours would wait for ever.
///
/// # Errors
/// Those of the work; an I/O error when there is no answer.
pub async fn answered<T, E: From<sqlx::Error>>(work: impl Future<Output = Result<T, E>>) -> Result<T, E> {
    timeout(ANSWER_WITHIN, work).await.unwrap_or_else(|_elapsed| Err(silence().into()))
}

fn silence() -> sqlx::Error {
    sqlx::Error::Io(io::Error::new(io::ErrorKind::TimedOut, "the database has not answered"))
}

fn address(config: &PostgresConfig) -> Option<PgConnectOptions> {
    let url = Url::parse(config.url.expose_secret()).ok()?;
    // sqlx would take any scheme.
    let scheme_is_known = matches!(url.scheme(), "postgres" | "postgresql");
    scheme_is_known.then(|| PgConnectOptions::from_url(&url).ok()).flatten()
}

/// The same pool as sea-orm sees it.
#[must_use]
pub fn orm(pool: &PgPool) -> DatabaseConnection {
    SqlxPostgresConnector::from_sqlx_postgres_pool(pool.clone())
}

/// Refuses a role whose sessions may hold locks, wait or run without end.
///
/// # Errors
/// The first setting that is 0, or that the settings cannot be read.
pub async fn check_session_timeouts(pool: &PgPool) -> Result<(), PostgresError> {
    for setting in SESSION_TIMEOUTS {
        let (milliseconds,): (i64,) = sqlx::query_as("SELECT setting::bigint FROM pg_settings WHERE name = $1")
            .bind(setting)
            .fetch_one(pool)
            .await
            .map_err(PostgresError::Unreadable)?;
        if milliseconds == 0 {
            let setting = setting.to_owned();
            return Err(PostgresError::Unbounded { setting });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(url: &str) -> PostgresConfig {
        let milliseconds = std::num::NonZeroU64::MIN;
        PostgresConfig { url: url.into(), max_connections: std::num::NonZeroU32::MIN, acquire_timeout_ms: milliseconds }
    }

    #[tokio::test]
    async fn a_malformed_address_is_refused_without_its_password() {
        for url in ["", "localhost", "mysql://u:hunter2@localhost/pay", "postgres://u:hunter2@localhost:port/pay"] {
            let error = connect(&config(url), "pay-svc").unwrap_err();
            assert!(!format!("{error} {error:?}").contains("hunter2"), "{url}");
        }
    }

    #[tokio::test]
    async fn a_database_that_is_away_is_no_reason_not_to_start() {
        // Port 9 (discard) is not served by a database.
        let pool = connect(&config("postgres://u:hunter2@127.0.0.1:9/pay"), "pay-svc").unwrap();
        let error = check_session_timeouts(&pool).await.unwrap_err();
        let PostgresError::Unreadable(error) = error else { panic!("{error:?}") };
        assert!(is_unavailable(&error), "{error:?}");
    }
}
