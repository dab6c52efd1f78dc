//! What has to be so before a process may be sent requests.

use std::time::Duration;

use anyhow::Context;
use service_kit::{health::Component, postgres};
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;
use url::Url;

use super::MIGRATIONS;
use crate::{config::Config, roles::Role, webhooks::configure_own_endpoint};

const POLL: Duration = Duration::from_millis(200);

/// What this process is to make of the platform's own endpoint.
#[derive(Debug, Clone)]
pub(super) enum OwnEndpoint {
    /// `None`: nothing is sent to it any more.
    Is(Option<Url>),
    /// Other processes know.
    IsLeft,
}

impl OwnEndpoint {
    /// Whoever knows it makes it, and not only whoever delivers: it has to be older than the first event. Only who delivers
    /// may take it away.
    pub(super) fn of(config: &Config, roles: &[Role]) -> anyhow::Result<Self> {
        let own = config.webhooks.as_ref().and_then(|webhooks| webhooks.own_endpoint.as_ref());
        let url = own.map(|own| own.url.parse()).transpose().context("the URL of the own endpoint is malformed")?;
        Ok(if url.is_some() || roles.contains(&Role::Deliver) { Self::Is(url) } else { Self::IsLeft })
    }
}

/// Reports the schema up once everything is so; a database that goes away later takes nobody out of rotation.
pub(super) async fn until_ready(pool: PgPool, own_endpoint: OwnEndpoint, schema: Component, token: CancellationToken) {
    while !token.is_cancelled() {
        match prepare(&pool, &own_endpoint).await {
            Ok(()) => {
                schema.up();
                token.cancelled().await;
            }
            Err(error) => {
                schema.down(format!("{error:#}"));
                token.run_until_cancelled(tokio::time::sleep(POLL)).await;
            }
        }
    }
}

/// Whether the database is as this process needs it; the platform's own endpoint is there before anything can happen that
/// it would have to be told of.
async fn prepare(pool: &PgPool, own_endpoint: &OwnEndpoint) -> anyhow::Result<()> {
    check_schema(pool).await?;
    match own_endpoint {
        OwnEndpoint::Is(url) => {
            configure_own_endpoint(pool, url.as_ref()).await.context("the own endpoint cannot be configured")
        }
        OwnEndpoint::IsLeft => Ok(()),
    }
}

/// Whether the database is as this binary needs it: migrated at least as far, and with bounded sessions.
async fn check_schema(pool: &PgPool) -> anyhow::Result<()> {
    let (version,): (Option<i64>,) = sqlx::query_as("SELECT max(version) FROM _sqlx_migrations WHERE success")
        .fetch_one(pool)
        .await
        .context("the schema cannot be read")?;
    let wanted = MIGRATIONS.iter().map(|migration| migration.version).max();
    anyhow::ensure!(version >= wanted, "the schema is at version {version:?}, this binary needs {wanted:?}");
    postgres::check_session_timeouts(pool).await?;
    Ok(())
}
