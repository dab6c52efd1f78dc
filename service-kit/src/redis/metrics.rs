//! What operators see of Redis, from this side.

use prometheus::{IntCounter, IntCounterVec, Opts, Registry};

pub(super) struct RedisMetrics {
    pub(super) answered: IntCounter,
    /// By an error of the server, such as being full.
    pub(super) refused: IntCounter,
    /// By the network, or by silence.
    pub(super) failed: IntCounter,
    /// Not sent, because it has just failed.
    pub(super) skipped: IntCounter,
}

impl RedisMetrics {
    pub(super) fn register(registry: &Registry) -> prometheus::Result<Self> {
        let options = Opts::new("redis_commands_total", "Commands for Redis, by what became of them.");
        let commands = IntCounterVec::new(options, &["outcome"])?;
        registry.register(Box::new(commands.clone()))?;
        Ok(Self {
            answered: commands.with_label_values(&["answered"]),
            refused: commands.with_label_values(&["refused"]),
            failed: commands.with_label_values(&["failed"]),
            skipped: commands.with_label_values(&["skipped"]),
        })
    }
}
