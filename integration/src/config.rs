//! What the stack takes from the environment, read here and nowhere else.
//!
//! Addresses in the environment win over servers of our own, so that the same commands run against a cluster at hand.

use std::env::{self, VarError};

use anyhow::{Context, bail};
use url::Url;

/// The administrator's address of the Postgres that tests share; `platform servers` sets it.
pub const POSTGRES_URL: &str = "PLATFORM_POSTGRES_URL";
pub const NATS_URL: &str = "PLATFORM_NATS_URL";
pub const REDIS_URL: &str = "PLATFORM_REDIS_URL";
const SERVERS: &str = "PLATFORM_SERVERS";

/// Servers that run already. What is `None` the stack starts itself.
#[derive(Debug, Clone, Default)]
pub struct RunningServers {
    /// With the name and password of a superuser.
    pub postgres: Option<Url>,
    /// With the name and password that every role is to use.
    pub nats: Option<Url>,
    pub redis: Option<Url>,
}

impl RunningServers {
    /// Reads `PLATFORM_{POSTGRES,NATS,REDIS}_URL` and `PLATFORM_SERVERS`.
    ///
    /// # Errors
    /// When an address is malformed, or `PLATFORM_SERVERS` asks for a way to get servers that does not exist.
    pub fn from_environment() -> anyhow::Result<Self> {
        if let Some(source) = variable(SERVERS)?
            && source != "wheels"
        {
            bail!(
                "{SERVERS}={source} is not supported: leave it out or say `wheels`, or name running servers in {POSTGRES_URL}, {NATS_URL} and {REDIS_URL}"
            );
        }
        let postgres = address(POSTGRES_URL)?;
        if postgres.as_ref().is_some_and(|url| url.password().is_none()) {
            bail!("{POSTGRES_URL} needs the name and password of a superuser");
        }
        Ok(Self { postgres, nats: address(NATS_URL)?, redis: address(REDIS_URL)? })
    }
}

fn address(name: &str) -> anyhow::Result<Option<Url>> {
    let value = variable(name)?;
    value.map(|value| value.parse().with_context(|| format!("{name} is not an address"))).transpose()
}

/// An empty variable counts as absent, as shells make it easy to set one by accident.
#[expect(clippy::disallowed_methods, reason = "the one door of the environment")]
fn variable(name: &str) -> anyhow::Result<Option<String>> {
    match env::var(name) {
        Ok(value) if value.is_empty() => Ok(None),
        Ok(value) => Ok(Some(value)),
        Err(VarError::NotPresent) => Ok(None),
        Err(error @ VarError::NotUnicode(_)) => Err(error).with_context(|| format!("{name} is not readable")),
    }
}
