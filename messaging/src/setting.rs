//! The identity and surroundings of a consumer.

use std::{fmt, sync::Arc};

use async_nats::Client;
use time::OffsetDateTime;

use crate::{metrics::ConsumerMetrics, topology::Durable};

/// Tells the time. Injected, so that tests can set it.
pub type Clock = Arc<dyn Fn() -> OffsetDateTime + Send + Sync>;

/// See the module.
pub struct Setting {
    pub client: Client,
    pub durable: Durable,
    /// Of the program, for dead letters: which build gave up.
    pub version: &'static str,
    pub clock: Clock,
    pub metrics: Arc<ConsumerMetrics>,
}

impl fmt::Debug for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Setting")
            .field("durable", &self.durable)
            .field("version", &self.version)
            .finish_non_exhaustive()
    }
}
