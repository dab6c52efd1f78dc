//! What operators see of the cache.

use prometheus::{IntCounter, IntCounterVec, Opts, Registry};
use service_kit::redis::Unanswered;

use super::shelf::Found;

#[derive(Debug)]
pub(super) struct CacheMetrics {
    hit: IntCounter,
    miss: IntCounter,
    unanswered: IntCounter,
    stored: IntCounter,
    /// Because a newer state was there, or the reader's mark no longer.
    outdated: IntCounter,
    lost: IntCounter,
}

impl CacheMetrics {
    pub(super) fn register(registry: &Registry) -> prometheus::Result<Self> {
        let counters = |name, help| {
            let counters = IntCounterVec::new(Opts::new(name, help), &["outcome"])?;
            registry.register(Box::new(counters.clone()))?;
            prometheus::Result::Ok(counters)
        };
        let looks = counters("transaction_cache_looks_total", "Looks for a transaction in the cache, by outcome.")?;
        let puts = counters("transaction_cache_puts_total", "States that were put into the cache, by outcome.")?;
        Ok(Self {
            hit: looks.with_label_values(&["hit"]),
            miss: looks.with_label_values(&["miss"]),
            unanswered: looks.with_label_values(&["unanswered"]),
            stored: puts.with_label_values(&["stored"]),
            outdated: puts.with_label_values(&["outdated"]),
            lost: puts.with_label_values(&["lost"]),
        })
    }

    pub(super) fn looked(&self, found: &Result<Found, Unanswered>) {
        match found {
            Ok(Found::Entry(_)) => self.hit.inc(),
            Ok(Found::Nothing) => self.miss.inc(),
            Err(Unanswered) => self.unanswered.inc(),
        }
    }

    pub(super) fn put(&self, outcomes: Result<Vec<bool>, Unanswered>) {
        match outcomes {
            Ok(outcomes) => {
                for stored in outcomes {
                    if stored { self.stored.inc() } else { self.outdated.inc() }
                }
            }
            Err(Unanswered) => self.lost.inc(),
        }
    }
}
