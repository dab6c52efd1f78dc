//! Configuration: environment variables that start with `NOTIFICATION_SVC__`.

use contract::signature::{InvalidSecret, Secret};
use messaging::{NatsConfig, TopologySettings};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use service_kit::config::{
    AuthConfig, ConfigError, HttpConfig, LimitConfig, LogConfig, PostgresConfig, RedisConfig, load,
};
use url::Url;

const PREFIX: &str = "NOTIFICATION_SVC";

/// Everything that can be configured. What only one command needs may be absent for the other.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    #[serde(default)]
    pub log: LogConfig,
    #[serde(default)]
    pub http: HttpConfig,
    pub postgres: Option<PostgresConfig>,
    pub nats: Option<NatsConfig>,
    /// As whom operators' commands and routes speak to NATS.
    pub operator: Option<NatsConfig>,
    pub auth: Option<AuthConfig>,
    /// Everything works without it.
    pub redis: Option<RedisConfig>,
    #[serde(default)]
    pub limit: LimitConfig,
    /// Authenticates the cursors of lists: at least 32 bytes, the same for all replicas.
    pub cursor_key: Option<SecretString>,
    pub webhook: Option<WebhookConfig>,
    /// What the console shows, and whose journal `verify` compares.
    pub ledger: Option<LedgerConfig>,
    /// `migrate`: the schema's owner.
    pub migrator_url: Option<SecretString>,
    /// `migrate`: who makes streams and consumers.
    pub provisioner: Option<NatsConfig>,
    #[serde(default)]
    pub topology: TopologySettings,
}

/// The API of the ledger.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LedgerConfig {
    pub url: Url,
    /// For `verify`: has the scope `ops:read`. The console asks as its operator.
    pub token: Option<SecretString>,
}

/// The push path.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WebhookConfig {
    /// Whose signatures are believed: `whsec_…`, several with spaces between them while one is rotated.
    pub secrets: SecretString,
}

impl WebhookConfig {
    /// # Errors
    /// Where one of them is no secret, or there is none.
    pub fn secrets(&self) -> Result<Vec<Secret>, InvalidSecret> {
        let secrets = self.secrets.expose_secret().split_whitespace().map(str::parse);
        let secrets = secrets.collect::<Result<Vec<_>, _>>()?;
        if secrets.is_empty() { Err(InvalidSecret) } else { Ok(secrets) }
    }
}

impl Config {
    /// # Errors
    /// The variable that is unknown or malformed, by name.
    pub fn load() -> Result<Self, ConfigError> {
        load(PREFIX)
    }
}

/// What this command needs, or which variable is missing.
///
/// # Errors
/// [`ConfigError::Missing`] with the full name of the variable.
pub fn required<T>(value: Option<T>, field: &str) -> Result<T, ConfigError> {
    service_kit::config::required(PREFIX, value, field)
}
