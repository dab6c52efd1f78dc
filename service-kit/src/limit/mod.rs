//! How much one caller may ask of the public API: the same budget whichever replica answers.
//!
//! The fleet's count is kept in Redis (`fleet`). Asking there for each request would cost a round trip each, so a replica
//! takes some permits at a time and keeps them in the caller's `purse`. Without Redis each replica counts for itself: the
//! budget is then as many times as large as there are replicas, and still bounded.

mod fleet;
mod purse;

use std::sync::Arc;
use std::time::Duration;

use moka::sync::Cache;
use prometheus::{IntCounter, IntCounterVec, Opts, Registry};

use crate::auth::{Caller, Scope};
use crate::config::LimitConfig;
use crate::http::{Problem, ProblemKind};
use crate::redis::Redis;
use fleet::Fleet;
use purse::{Purse, Verdict};

/// More callers than a replica sees in a moment; the purse of one who is forgotten is filled anew.
const MAX_PURSES: u64 = 100_000;
/// By then the fleet has forgotten the caller, too.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(60);

/// The limit of all callers. Cheap to clone: all clones are one.
#[derive(Debug, Clone)]
pub struct CallerLimit(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    config: LimitConfig,
    fleet: Option<Fleet>,
    purses: Cache<Name, Arc<Purse>>,
    admitted: IntCounter,
    limited: IntCounter,
}

/// Issuer and subject.
type Name = (Arc<str>, Arc<str>);

impl CallerLimit {
    /// `service` keeps the budgets of services apart.
    ///
    /// # Errors
    /// When the registry already has its metric.
    pub fn new(
        service: &'static str,
        config: &LimitConfig,
        redis: Option<Redis>,
        registry: &Registry,
    ) -> prometheus::Result<Self> {
        let options = Opts::new("limited_requests_total", "Requests of callers who have a limit, by outcome.");
        let requests = IntCounterVec::new(options, &["outcome"])?;
        registry.register(Box::new(requests.clone()))?;
        Ok(Self(Arc::new(Inner {
            config: config.clone(),
            fleet: redis.map(|redis| Fleet::new(service, config, redis)),
            purses: Cache::builder().max_capacity(MAX_PURSES).time_to_idle(FORGOTTEN_AFTER).build(),
            admitted: requests.with_label_values(&["admitted"]),
            limited: requests.with_label_values(&["limited"]),
        })))
    }

    /// Counts a request. Those who act for everybody, such as a back office, have no limit.
    ///
    /// # Errors
    /// `rate_limited`, with the time after which it is worth asking again.
    pub(crate) async fn admit(&self, caller: &Caller) -> Result<(), Problem> {
        if caller.may(Scope::TransactionsAny) {
            return Ok(());
        }
        let name: Name = (caller.issuer.clone(), caller.subject.clone());
        let purse = self.0.purses.get_with_by_ref(&name, || Arc::new(Purse::new(&self.0.config)));
        match purse.spend(&name, self.0.fleet.as_ref()).await {
            Verdict::Admitted => {
                self.0.admitted.inc();
                Ok(())
            }
            Verdict::Limited { wait } => {
                self.0.limited.inc();
                let seconds = wait.as_millis().div_ceil(1_000).max(1);
                let detail = format!("More than {} requests per second are too many.", self.0.config.per_second);
                Err(Problem::new(ProblemKind::RATE_LIMITED, detail)
                    .retry_after(u32::try_from(seconds).unwrap_or(u32::MAX)))
            }
        }
    }
}
