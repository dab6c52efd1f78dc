//! Looks for what other replicas have stored, for the users who have a stream open here and for nobody else. What this
//! process stores itself is announced without it.

use std::time::Duration;

use service_kit::{postgres::answered, tasks::TaskError, telemetry};
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

use super::registry::Registry;
use crate::store::counters;

/// How much later than on its own replica a notification is seen, at most.
const POLL_EVERY: Duration = Duration::from_millis(200);
/// While the database is away.
const POLL_AGAIN: Duration = Duration::from_secs(1);
/// A look-up in a primary key each.
const USERS_AT_ONCE: usize = 1_000;

/// Polls until told to stop.
///
/// # Errors
/// None: a database that is away is asked again.
pub async fn run(pool: PgPool, registry: Registry, stop: CancellationToken) -> Result<(), TaskError> {
    let mut pause = POLL_EVERY;
    while stop.run_until_cancelled(tokio::time::sleep(pause)).await.is_some() {
        pause = match answered(look(&pool, &registry)).await {
            Ok(()) => POLL_EVERY,
            Err(error) => {
                tracing::warn!(
                    cause = telemetry::chain(&error),
                    "What other replicas have stored cannot be seen for now."
                );
                POLL_AGAIN
            }
        };
    }
    Ok(())
}

async fn look(pool: &PgPool, registry: &Registry) -> sqlx::Result<()> {
    for users in registry.watched().chunks(USERS_AT_ONCE) {
        for (user, last_position) in counters::last_positions(pool, users).await? {
            registry.announce(&user, last_position);
        }
    }
    Ok(())
}
