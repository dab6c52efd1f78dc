//! The keys that tokens are verified with now, kept up to date in the background.
//!
//! The issuer may change its keys at any time: they are read again every few minutes, and at once when a token names a
//! key that is not there. Only [`TokenKeys::follow`] reads, so however many requests ask, one read is under way. While
//! the issuer is out of reach the last set stays in use, but not for ever: keys that nobody has confirmed for a day may
//! have been withdrawn, because they were stolen.

use std::num::NonZeroU32;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder};
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use time::OffsetDateTime;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::jwk::VerificationKey;
use super::jwks::Jwks;
use super::key_source::{KeyReadError, KeySource, READ_WITHIN};
use super::metrics::AuthMetrics;
use crate::clock::SharedClock;
use crate::config::AuthConfig;
use crate::health::Component;
use crate::tasks::TaskError;
use crate::telemetry::chain;

/// How often unknown keys may cause a read of their own: strangers can make up as many as they like.
const UNKNOWN_KEY_QUOTA: Quota = Quota::per_minute(NonZeroU32::new(6).expect("a quota is not zero"))
    .allow_burst(NonZeroU32::new(1).expect("a burst is not zero"));
const FIRST_RETRY: Duration = Duration::from_millis(200);

/// There is no set, or nobody has confirmed it for too long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NoKeys;

/// The issuer's keys. Cheap to clone: all clones are one.
#[derive(Debug, Clone)]
pub(super) struct TokenKeys(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    source: KeySource,
    /// Between two reads, before jitter.
    every: Duration,
    keep: time::Duration,
    clock: SharedClock,
    metrics: AuthMetrics,
    held: RwLock<Option<Held>>,
    /// Whether a read was asked for and has not ended.
    wanted: watch::Sender<bool>,
    allowance: DefaultDirectRateLimiter,
}

#[derive(Debug)]
struct Held {
    keys: Jwks,
    confirmed_at: OffsetDateTime,
}

impl TokenKeys {
    pub(super) fn new(source: KeySource, config: &AuthConfig, clock: SharedClock, metrics: AuthMetrics) -> Self {
        Self(Arc::new(Inner {
            source,
            every: Duration::from_secs(config.jwks_refresh_seconds.get()),
            keep: time::Duration::try_from(Duration::from_secs(config.jwks_keep_seconds.get()))
                .unwrap_or(time::Duration::MAX),
            clock,
            metrics,
            held: RwLock::new(None),
            wanted: watch::Sender::new(true),
            allowance: RateLimiter::direct(UNKNOWN_KEY_QUOTA),
        }))
    }

    /// The key of this id; one that is not there is looked for where the keys come from.
    pub(super) async fn find(&self, kid: &str) -> Result<Option<Arc<VerificationKey>>, NoKeys> {
        match self.now(|keys| keys.get(kid).cloned()) {
            Ok(Some(key)) => Ok(Some(key)),
            _ => {
                self.look_again().await;
                self.now(|keys| keys.get(kid).cloned())
            }
        }
    }

    /// Whether this very key is still one of the issuer's.
    pub(super) fn still_hold(&self, key: &VerificationKey) -> Result<bool, NoKeys> {
        self.now(|keys| keys.holds(key))
    }

    fn now<T>(&self, ask: impl FnOnce(&Jwks) -> T) -> Result<T, NoKeys> {
        let held = self.0.held.read().unwrap_or_else(PoisonError::into_inner);
        let held = held.as_ref().filter(|held| self.0.clock.now() - held.confirmed_at < self.0.keep);
        held.map(|held| ask(&held.keys)).ok_or(NoKeys)
    }

    /// Has the keys read again, unless that was done a moment ago, and waits for the end of it.
    async fn look_again(&self) {
        let mut wanted = self.0.wanted.subscribe();
        self.0.wanted.send_if_modified(|wanted| {
            let newly = !*wanted && self.0.allowance.check().is_ok();
            *wanted |= newly;
            newly
        });
        // Without the follower nobody answers; then the keys stay as they are.
        drop(tokio::time::timeout(READ_WITHIN, wanted.wait_for(|wanted| !wanted)).await);
    }

    /// Keeps the keys up to date until it is told to stop. `component` is up once there are keys; an issuer that is out of
    /// reach afterwards takes nobody out of rotation.
    pub(super) async fn follow(self, component: Component, stop: CancellationToken) -> Result<(), TaskError> {
        let mut retries = self.retries();
        while !stop.is_cancelled() {
            let delay = match self.refresh().await {
                Ok(()) => {
                    component.up();
                    retries = self.retries();
                    self.0.every.mul_f64(rand::random_range(0.9..1.1))
                }
                Err(error) => {
                    tracing::warn!(cause = chain(&error), "The issuer's keys cannot be read.");
                    if self.now(|_| ()).is_err() {
                        component.down(chain(&error));
                    }
                    retries.next().unwrap_or(self.0.every)
                }
            };
            let mut wanted = self.0.wanted.subscribe();
            tokio::select! {
                () = tokio::time::sleep(delay) => {}
                _ = wanted.wait_for(|wanted| *wanted) => {}
                () = stop.cancelled() => {}
            }
        }
        Ok(())
    }

    fn retries(&self) -> impl Iterator<Item = Duration> + use<> {
        let longest = self.0.every.max(FIRST_RETRY);
        ExponentialBuilder::new()
            .with_min_delay(FIRST_RETRY)
            .with_max_delay(longest)
            .with_jitter()
            .without_max_times()
            .build()
    }

    /// Reads the keys once; what cannot be read replaces nothing.
    pub(super) async fn refresh(&self) -> Result<(), KeyReadError> {
        let read = self.0.source.read().await;
        let outcome = match read {
            Ok(keys) => {
                let confirmed_at = self.0.clock.now();
                self.0.metrics.refreshed(keys.len(), confirmed_at);
                *self.0.held.write().unwrap_or_else(PoisonError::into_inner) = Some(Held { keys, confirmed_at });
                Ok(())
            }
            Err(error) => {
                self.0.metrics.refresh_failed();
                Err(error)
            }
        };
        self.0.wanted.send_replace(false);
        outcome
    }
}
