//! What the stack takes from the environment, read here and nowhere else.
//!
//! Addresses in the environment win over servers of our own, so that the same commands run against a cluster at hand.

use std::env::{self, VarError};
use std::path::PathBuf;

use anyhow::{Context, bail};
use url::Url;

/// The administrator's address of the Postgres that tests share; `platform servers` sets it.
pub const POSTGRES_URL: &str = "PLATFORM_POSTGRES_URL";
pub const NATS_URL: &str = "PLATFORM_NATS_URL";
pub const REDIS_URL: &str = "PLATFORM_REDIS_URL";
pub const BROWSER: &str = "PLATFORM_BROWSER";
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
    /// Reads `PLATFORM_{POSTGRES,NATS,REDIS}_URL`.
    ///
    /// # Errors
    /// When an address is malformed.
    pub fn from_environment() -> anyhow::Result<Self> {
        let postgres = address(POSTGRES_URL)?;
        if postgres.as_ref().is_some_and(|url| url.password().is_none()) {
            bail!("{POSTGRES_URL} needs the name and password of a superuser");
        }
        Ok(Self { postgres, nats: address(NATS_URL)?, redis: address(REDIS_URL)? })
    }
}

/// Where the servers come from that the stack starts itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServerSource {
    /// Pinned, hash-checked wheels: the default.
    Wheels,
    /// Programs of this machine.
    System,
    /// Container images.
    Docker,
}

impl ServerSource {
    /// Reads `PLATFORM_SERVERS`.
    ///
    /// # Errors
    /// When it names no source that there is.
    pub fn from_environment() -> anyhow::Result<Self> {
        match variable(SERVERS)?.as_deref() {
            None | Some("wheels") => Ok(Self::Wheels),
            Some("system") => Ok(Self::System),
            Some("docker") => Ok(Self::Docker),
            Some(other) => bail!("{SERVERS} is {other}, and can be wheels, system or docker"),
        }
    }
}

/// The images of containers, `name:tag`.
#[derive(Debug, Clone)]
pub struct Images {
    pub postgres: String,
    pub nats: String,
    pub redis: String,
}

impl Images {
    /// Reads `PLATFORM_{POSTGRES,NATS,REDIS}_IMAGE`, which compose.yaml does, too, with the same defaults.
    ///
    /// # Errors
    /// When one cannot be read.
    pub fn from_environment() -> anyhow::Result<Self> {
        let named = |name, default: &str| Ok::<_, anyhow::Error>(variable(name)?.unwrap_or_else(|| default.to_owned()));
        Ok(Self {
            postgres: named("PLATFORM_POSTGRES_IMAGE", "postgres:18-bookworm")?,
            nats: named("PLATFORM_NATS_IMAGE", "nats:2.15-alpine")?,
            redis: named("PLATFORM_REDIS_IMAGE", "valkey/valkey:9-bookworm")?,
        })
    }
}

/// The directories in which a shell looks for programs.
#[expect(clippy::disallowed_methods, reason = "the one door of the environment")]
pub fn search_path() -> impl Iterator<Item = PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).collect::<Vec<_>>().into_iter()
}

/// The program of a Chromium, as `PLATFORM_BROWSER` names it.
///
/// # Errors
/// When the variable is not readable.
pub fn browser() -> anyhow::Result<Option<PathBuf>> {
    Ok(variable(BROWSER)?.map(PathBuf::from))
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
