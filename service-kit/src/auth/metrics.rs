//! What operators see of tokens and of the keys that verify them.

use prometheus::{IntCounter, IntCounterVec, IntGauge, Opts, Registry};
use time::OffsetDateTime;

#[derive(Debug, Clone)]
pub(super) struct AuthMetrics {
    /// Tokens that were verified before.
    pub(super) remembered: IntCounter,
    pub(super) verified: IntCounter,
    pub(super) refused: IntCounter,
    keys: IntGauge,
    confirmed_at: IntGauge,
    refreshed: IntCounter,
    refresh_failed: IntCounter,
}

impl AuthMetrics {
    pub(super) fn register(registry: &Registry) -> prometheus::Result<Self> {
        let counters = |name, help| {
            let counters = IntCounterVec::new(Opts::new(name, help), &["outcome"])?;
            registry.register(Box::new(counters.clone()))?;
            prometheus::Result::Ok(counters)
        };
        let gauge = |name, help| {
            let gauge = IntGauge::new(name, help)?;
            registry.register(Box::new(gauge.clone()))?;
            prometheus::Result::Ok(gauge)
        };
        let tokens = counters("token_verifications_total", "Bearer tokens that were looked at, by outcome.")?;
        let refreshes = counters("token_keys_refreshes_total", "Reads of the issuer's key set, by outcome.")?;
        Ok(Self {
            remembered: tokens.with_label_values(&["remembered"]),
            verified: tokens.with_label_values(&["verified"]),
            refused: tokens.with_label_values(&["refused"]),
            keys: gauge("token_keys", "Keys that tokens can be verified with.")?,
            confirmed_at: gauge(
                "token_keys_confirmed_timestamp_seconds",
                "When the issuer's key set was last read, in seconds since 1970.",
            )?,
            refreshed: refreshes.with_label_values(&["refreshed"]),
            refresh_failed: refreshes.with_label_values(&["failed"]),
        })
    }

    pub(super) fn refreshed(&self, keys: usize, at: OffsetDateTime) {
        self.refreshed.inc();
        self.keys.set(i64::try_from(keys).unwrap_or(i64::MAX));
        self.confirmed_at.set(at.unix_timestamp());
    }

    pub(super) fn refresh_failed(&self) {
        self.refresh_failed.inc();
    }
}
