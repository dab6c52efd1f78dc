//! The sections that every service's configuration is made of, with their defaults.
//!
//! What cannot have an honest default (addresses of other systems, secrets) has none. Zero is not a way to switch a
//! bound off: bounds are non-zero types.

use std::net::{Ipv4Addr, SocketAddr};
use std::num::{NonZeroU32, NonZeroU64, NonZeroUsize};
use std::path::PathBuf;
use std::time::Duration;

use governor::Quota;
use secrecy::SecretString;
use serde::Deserialize;
use url::Url;

/// The public listener and the admin listener, and what they put up with.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HttpConfig {
    /// Where the REST API is served. Port 0 takes any free port.
    pub listen: SocketAddr,
    /// Where health and metrics are served, always in plain HTTP.
    pub admin_listen: SocketAddr,
    /// TLS of the public listener; without it, TLS ends before this process.
    pub tls: Option<TlsConfig>,
    pub body_limit_bytes: NonZeroUsize,
    /// From the end of a request's head to the head of its response.
    pub request_timeout_ms: NonZeroU64,
    /// From the connection to the end of its first request's head; also the TLS handshake.
    pub header_timeout_ms: NonZeroU64,
    /// How long a connection may wait for its next request. Longer than a load balancer's (60 s is usual), so that it is
    /// the balancer that closes idle connections and no request meets a closing one.
    pub keep_alive_timeout_ms: NonZeroU64,
    pub max_connections: NonZeroUsize,
    /// How long requests in flight may take once the service is told to stop.
    pub drain_seconds: u64,
}

/// PEM files of a certificate chain and its key.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TlsConfig {
    pub certificate_file: PathBuf,
    pub key_file: PathBuf,
    /// How often the files are read again.
    #[serde(default = "default_reload_seconds")]
    pub reload_seconds: NonZeroU64,
}

impl TlsConfig {
    #[must_use]
    pub fn reload(&self) -> Duration {
        Duration::from_secs(self.reload_seconds.get())
    }
}

fn default_reload_seconds() -> NonZeroU64 {
    nonzero(60)
}

impl Default for HttpConfig {
    fn default() -> Self {
        Self {
            listen: (Ipv4Addr::UNSPECIFIED, 8080).into(),
            admin_listen: (Ipv4Addr::UNSPECIFIED, 9090).into(),
            tls: None,
            body_limit_bytes: nonzero_size(64 * 1024),
            request_timeout_ms: nonzero(10_000),
            header_timeout_ms: nonzero(5_000),
            keep_alive_timeout_ms: nonzero(75_000),
            max_connections: nonzero_size(10_000),
            drain_seconds: 20,
        }
    }
}

impl HttpConfig {
    #[must_use]
    pub fn request_timeout(&self) -> Duration {
        Duration::from_millis(self.request_timeout_ms.get())
    }

    #[must_use]
    pub fn header_timeout(&self) -> Duration {
        Duration::from_millis(self.header_timeout_ms.get())
    }

    #[must_use]
    pub fn keep_alive_timeout(&self) -> Duration {
        Duration::from_millis(self.keep_alive_timeout_ms.get())
    }

    #[must_use]
    pub fn drain(&self) -> Duration {
        Duration::from_secs(self.drain_seconds)
    }
}

/// A pool of connections to Postgres.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PostgresConfig {
    pub url: SecretString,
    #[serde(default = "default_pool")]
    pub max_connections: NonZeroU32,
    /// How long a caller may wait for a connection before it is told that the database is unavailable.
    #[serde(default = "default_acquire_timeout_ms")]
    pub acquire_timeout_ms: NonZeroU64,
}

impl PostgresConfig {
    #[must_use]
    pub fn acquire_timeout(&self) -> Duration {
        Duration::from_millis(self.acquire_timeout_ms.get())
    }
}

fn default_pool() -> NonZeroU32 {
    nonzero_u32(16)
}

fn default_acquire_timeout_ms() -> NonZeroU64 {
    nonzero(3_000)
}

/// A Redis server. Everything works without it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RedisConfig {
    /// `redis://` or, with TLS, `rediss://`.
    pub url: SecretString,
    /// How long an answer is waited for.
    #[serde(default = "default_redis_timeout_ms")]
    pub timeout_ms: NonZeroU64,
}

impl RedisConfig {
    #[must_use]
    pub fn timeout(&self) -> Duration {
        Duration::from_millis(self.timeout_ms.get())
    }
}

fn default_redis_timeout_ms() -> NonZeroU64 {
    nonzero(100)
}

/// How much one user may ask of the API.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LimitConfig {
    pub per_second: NonZeroU32,
    /// How many requests may come at once, after a pause.
    pub burst: NonZeroU32,
}

impl LimitConfig {
    /// Between two requests that come evenly, in microseconds.
    pub(crate) fn interval_us(&self) -> u64 {
        (1_000_000 / u64::from(self.per_second.get())).max(1)
    }

    pub(crate) fn quota(&self) -> Quota {
        Quota::per_second(self.per_second).allow_burst(self.burst)
    }
}

impl Default for LimitConfig {
    fn default() -> Self {
        const { Self { per_second: nonzero_u32(200), burst: nonzero_u32(400) } }
    }
}

/// What is logged and how.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LogConfig {
    pub format: LogFormat,
    /// Directives of `tracing_subscriber::EnvFilter`, such as `info,transaction_svc=debug`.
    pub filter: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// One JSON object a line, for collectors.
    Json,
    /// For people at a terminal.
    Text,
}

impl Default for LogConfig {
    fn default() -> Self {
        Self { format: LogFormat::Json, filter: "info".to_owned() }
    }
}

/// Whose bearer tokens are believed.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuthConfig {
    /// The `iss` that tokens must carry.
    pub issuer: String,
    /// The `aud` that tokens must carry, alone or among others.
    pub audience: String,
    /// The issuer's public keys, a JWK set (RFC 7517), in a file …
    pub jwks_file: Option<PathBuf>,
    /// … or, instead, at an address: https, or http on the loopback interface.
    pub jwks_url: Option<Url>,
    /// PEM: who may vouch for the address, instead of the system's authorities.
    pub jwks_ca_file: Option<PathBuf>,
    /// How often the keys are read again.
    #[serde(default = "default_jwks_refresh_seconds")]
    pub jwks_refresh_seconds: NonZeroU64,
    /// How long keys are believed that could not be read again.
    #[serde(default = "default_jwks_keep_seconds")]
    pub jwks_keep_seconds: NonZeroU64,
}

fn default_jwks_refresh_seconds() -> NonZeroU64 {
    nonzero(5 * 60)
}

fn default_jwks_keep_seconds() -> NonZeroU64 {
    nonzero(24 * 60 * 60)
}

const fn nonzero(value: u64) -> NonZeroU64 {
    NonZeroU64::new(value).expect("a default bound is not zero")
}

const fn nonzero_u32(value: u32) -> NonZeroU32 {
    NonZeroU32::new(value).expect("a default bound is not zero")
}

const fn nonzero_size(value: usize) -> NonZeroUsize {
    NonZeroUsize::new(value).expect("a default bound is not zero")
}
