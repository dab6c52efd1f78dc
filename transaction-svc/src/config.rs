//! Configuration: environment variables that start with `TRANSACTION_SVC__`.

use std::num::{NonZeroU16, NonZeroU64, NonZeroUsize};

use messaging::{NatsConfig, TopologySettings};
use secrecy::SecretString;
use serde::Deserialize;
use service_kit::config::{
    AuthConfig, ConfigError, HttpConfig, LimitConfig, LogConfig, PostgresConfig, RedisConfig, load,
};

const PREFIX: &str = "TRANSACTION_SVC";

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
    pub auth: Option<AuthConfig>,
    /// Everything works without it.
    pub redis: Option<RedisConfig>,
    #[serde(default)]
    pub limit: LimitConfig,
    /// Authenticates the cursors of lists: at least 32 bytes, the same for all replicas.
    pub cursor_key: Option<SecretString>,
    /// How many commands may wait for the writer; more are refused, so that those that wait are answered in time.
    #[serde(default = "default_max_waiting_commands")]
    pub max_waiting_commands: NonZeroU16,
    /// From one verification of the books in the background to the next.
    #[serde(default = "every_hour")]
    pub verification_interval_seconds: NonZeroU64,
    pub webhooks: Option<WebhooksConfig>,
    /// `migrate`: the schema's owner.
    pub migrator_url: Option<SecretString>,
    /// `migrate`: who makes streams and consumers.
    pub provisioner: Option<NatsConfig>,
    #[serde(default)]
    pub topology: TopologySettings,
}

/// Eight full batches.
const fn default_max_waiting_commands() -> NonZeroU16 {
    NonZeroU16::new(4_096).unwrap()
}

const fn every_hour() -> NonZeroU64 {
    NonZeroU64::new(3_600).unwrap()
}

/// Webhooks that are sent.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WebhooksConfig {
    /// Seal the secrets of endpoints: `<id>:<base64 of 32 bytes>`, several with spaces between them; the first one seals.
    pub encryption_keys: SecretString,
    /// `host:port` where endpoints may be private and without TLS, several with commas between them.
    #[serde(default)]
    pub allowed_addresses: String,
    /// The platform's own receiver; without it, only endpoints of callers are sent to.
    pub own_endpoint: Option<OwnEndpointConfig>,
}

/// The notification service as a receiver.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OwnEndpointConfig {
    pub url: String,
    /// Sign what is sent to it: `whsec_…`, several with spaces between them while one is rotated.
    pub secrets: SecretString,
    /// How many requests to it may be under way.
    #[serde(default = "default_own_concurrency")]
    pub concurrency: NonZeroUsize,
}

/// It commits together what comes together, so many at a time are fast.
fn default_own_concurrency() -> NonZeroUsize {
    const { NonZeroUsize::new(64).expect("a default bound is not zero") }
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
