//! Bearer tokens: signed JWTs (RFC 7519), verified with the issuer's public keys.
//!
//! Verifying a signature costs more than the rest of a small request, so a verified token is remembered, by its SHA-256,
//! until it expires. On each use its times are checked again, and that its key is still one of the issuer's. Never the
//! token's own word: the key decides the algorithm (`jwk`).

use std::fmt::Debug;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jsonwebtoken::{Validation, decode, decode_header};
use moka::Expiry;
use moka::sync::Cache;
use prometheus::Registry;
use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::caller::Caller;
use super::jwk::VerificationKey;
use super::key_source::{KeyReadError, KeySource, KeySourceError};
use super::keys::{NoKeys, TokenKeys};
use super::metrics::AuthMetrics;
use super::scope::Scopes;
use crate::clock::SharedClock;
use crate::config::AuthConfig;
use crate::health::{Health, Importance};
use crate::limit::CallerLimit;
use crate::session::Sessions;
use crate::tasks::Tasks;

/// Longer ones are refused unread.
const MAX_TOKEN_BYTES: usize = 8 * 1024;
const MAX_REMEMBERED_TOKENS: u64 = 10_000;
/// How far an issuer's clock may be ahead of ours. An expired token gets no such favour.
const NOT_BEFORE_LEEWAY_SECONDS: i64 = 60;
const MAX_SUBJECT_LENGTH: usize = 128;

/// Why a token was refused. For the log: callers learn only that it was.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    #[error("the token is not a JWT, or its signature, issuer or audience is wrong")]
    Invalid(#[source] jsonwebtoken::errors::Error),
    #[error("the token is longer than {MAX_TOKEN_BYTES} bytes")]
    TooLong,
    #[error("the token names no key, or one that the issuer does not have")]
    UnknownKey,
    #[error("the token demands extensions that nobody here knows")]
    Critical,
    #[error("the token has expired")]
    Expired,
    #[error("the token is not valid yet")]
    NotYetValid,
    #[error("the token's subject is not a user")]
    Subject,
    /// Says nothing about the token.
    #[error("the issuer's keys are not known at the moment")]
    NoKeys,
}

impl From<NoKeys> for TokenError {
    fn from(_: NoKeys) -> Self {
        Self::NoKeys
    }
}

/// Why tokens cannot be verified at all.
#[derive(Debug, thiserror::Error)]
pub enum VerifierError {
    #[error(transparent)]
    Source(#[from] KeySourceError),
    #[error(transparent)]
    Keys(#[from] KeyReadError),
    #[error("the metrics of tokens are registered already")]
    Metrics(#[from] prometheus::Error),
}

/// Verifies tokens. Cheap to clone: all clones share keys and memory.
#[derive(Debug, Clone)]
pub struct Verifier {
    inner: Arc<Inner>,
    sessions: Option<Sessions>,
    limit: Option<CallerLimit>,
}

#[derive(Debug)]
struct Inner {
    issuer: Arc<str>,
    audience: String,
    keys: TokenKeys,
    metrics: AuthMetrics,
    clock: SharedClock,
    verified: Cache<Fingerprint, Verified>,
}

type Fingerprint = [u8; 32];

/// What is remembered of a verified token. Times are in seconds since 1970.
#[derive(Debug, Clone)]
struct Verified {
    caller: Caller,
    key: Arc<VerificationKey>,
    not_before: Option<i64>,
}

/// What we read; issuer and audience are compared while decoding. RFC 7519 allows fractions of seconds.
#[derive(Debug, Deserialize)]
struct Claims {
    sub: String,
    exp: f64,
    nbf: Option<f64>,
    #[serde(default)]
    scope: String,
}

impl Verifier {
    /// Believes tokens that are signed with a key of the configured file or address, and keeps these keys up to date in a
    /// task of its own.
    ///
    /// # Errors
    /// A source that cannot be used, and a file without a usable key. An address may be out of reach for now.
    pub async fn start(
        config: &AuthConfig,
        registry: &Registry,
        health: &Health,
        tasks: &Tasks,
    ) -> Result<Self, VerifierError> {
        let verifier = Self::new(config, health.clock(), registry).await?;
        let (keys, component) = (verifier.inner.keys.clone(), health.component("token keys", Importance::Required));
        tasks.spawn_restarting("token keys", move |stop| keys.clone().follow(component.clone(), stop));
        Ok(verifier)
    }

    async fn new(config: &AuthConfig, clock: SharedClock, registry: &Registry) -> Result<Self, VerifierError> {
        let metrics = AuthMetrics::register(registry)?;
        let source = KeySource::of(config)?;
        let is_local = matches!(source, KeySource::File(_));
        let keys = TokenKeys::new(source, config, clock.clone(), metrics.clone());
        if is_local {
            keys.refresh().await?;
        }
        let verified =
            Cache::builder().max_capacity(MAX_REMEMBERED_TOKENS).expire_after(AtExpiry(clock.clone())).build();
        let inner = Inner {
            issuer: config.issuer.as_str().into(),
            audience: config.audience.clone(),
            keys,
            metrics,
            clock,
            verified,
        };
        Ok(Self { inner: Arc::new(inner), sessions: None, limit: None })
    }

    /// Believes sessions, too.
    #[must_use]
    pub fn or_by(self, sessions: Sessions) -> Self {
        Self { sessions: Some(sessions), ..self }
    }

    pub(super) const fn sessions(&self) -> Option<&Sessions> {
        self.sessions.as_ref()
    }

    /// Lets each caller ask only so much.
    #[must_use]
    pub fn limited_by(self, limit: CallerLimit) -> Self {
        Self { limit: Some(limit), ..self }
    }

    pub(super) const fn limit(&self) -> Option<&CallerLimit> {
        self.limit.as_ref()
    }

    /// The caller that a token speaks for.
    ///
    /// # Errors
    /// Why the token is not believed.
    pub async fn verify(&self, token: &str) -> Result<Caller, TokenError> {
        let caller = self.caller_of(token).await;
        if caller.is_err() {
            self.inner.metrics.refused.inc();
        }
        caller
    }

    async fn caller_of(&self, token: &str) -> Result<Caller, TokenError> {
        if token.len() > MAX_TOKEN_BYTES {
            return Err(TokenError::TooLong);
        }
        let fingerprint = Sha256::digest(token).into();
        if let Some(verified) = self.inner.verified.get(&fingerprint)
            && self.inner.keys.still_hold(&verified.key)?
        {
            verified.check_times(self.now())?;
            self.inner.metrics.remembered.inc();
            return Ok(verified.caller);
        }
        let header = decode_header(token).map_err(TokenError::Invalid)?;
        if header.crit.is_some() {
            return Err(TokenError::Critical);
        }
        let kid = header.kid.ok_or(TokenError::UnknownKey)?;
        let key = self.inner.keys.find(&kid).await?.ok_or(TokenError::UnknownKey)?;
        let verified = self.decode(token, key)?;
        verified.check_times(self.now())?;
        self.inner.metrics.verified.inc();
        let caller = verified.caller.clone();
        self.inner.verified.insert(fingerprint, verified);
        Ok(caller)
    }

    fn decode(&self, token: &str, key: Arc<VerificationKey>) -> Result<Verified, TokenError> {
        let mut validation = Validation::new(key.algorithm);
        validation.set_issuer(&[&self.inner.issuer]);
        validation.set_audience(&[&self.inner.audience]);
        validation.set_required_spec_claims(&["iss", "aud", "sub", "exp"]);
        // Times are compared with our clock, which this library does not know.
        validation.validate_exp = false;
        validation.validate_nbf = false;
        let claims: Claims = decode(token, &key.key, &validation).map_err(TokenError::Invalid)?.claims;
        if !is_user(&claims.sub) {
            return Err(TokenError::Subject);
        }
        Ok(Verified {
            caller: Caller {
                issuer: self.inner.issuer.clone(),
                subject: claims.sub.into(),
                scopes: Scopes::parse(&claims.scope),
                expires: whole_seconds(claims.exp),
                session: None,
            },
            key,
            not_before: claims.nbf.map(whole_seconds),
        })
    }

    fn now(&self) -> i64 {
        self.inner.clock.now().unix_timestamp()
    }
}

impl Verified {
    fn check_times(&self, now: i64) -> Result<(), TokenError> {
        if now >= self.caller.expires {
            return Err(TokenError::Expired);
        }
        let not_before = self.not_before.unwrap_or(i64::MIN);
        if now.saturating_add(NOT_BEFORE_LEEWAY_SECONDS) < not_before {
            return Err(TokenError::NotYetValid);
        }
        Ok(())
    }
}

/// Forgets a token when it expires.
struct AtExpiry(SharedClock);

impl Expiry<Fingerprint, Verified> for AtExpiry {
    fn expire_after_create(&self, _: &Fingerprint, verified: &Verified, _: Instant) -> Option<Duration> {
        let seconds = verified.caller.expires.saturating_sub(self.0.now().unix_timestamp());
        Some(Duration::from_secs(u64::try_from(seconds).unwrap_or(0)))
    }
}

/// Saturates: a date beyond the range of `i64` is as good as never.
fn whole_seconds(date: f64) -> i64 {
    date.floor() as i64
}

fn is_user(subject: &str) -> bool {
    (1..=MAX_SUBJECT_LENGTH).contains(&subject.len())
        && subject.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.:@-".contains(&byte))
}
