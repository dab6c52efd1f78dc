//! Redis, of which nothing is promised: it may be off, slow, full or empty at any time, and nobody waits for it.
//!
//! One multiplexed connection, opened when it is first needed and again whenever it is lost. A question that is not
//! answered within the time limit has no answer, and then the `circuit` keeps everybody from asking for a moment. Callers
//! have to have another way.

mod circuit;
mod metrics;

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use ::redis::aio::{ConnectionManager, ConnectionManagerConfig};
use ::redis::{Client, RedisResult, ScriptInvocation};
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use prometheus::Registry;
use secrecy::ExposeSecret;

pub use ::redis::{Cmd, FromRedisValue, Pipeline, Script, cmd, pipe};

use crate::config::RedisConfig;
use crate::health::{Component, Health, Importance};
use crate::http::install_crypto_provider;
use crate::tasks::Tasks;
use circuit::Circuit;
use metrics::RedisMetrics;

/// How often it is asked whether it is there, so that its state is known without requests, too.
const PING_EVERY: Duration = Duration::from_secs(1);
/// For how long nobody asks after an answer that did not come.
const PAUSE: Duration = Duration::from_millis(500);
/// How many commands may wait in the process for the one connection.
const PIPELINE: usize = 1_024;
/// Refused commands may come by the thousand; a few of them are worth a line in the log.
const LOGGED_REFUSALS: Quota = Quota::per_minute(NonZeroU32::new(6).expect("a quota is not zero"));

/// Why Redis cannot be used at all.
#[derive(Debug, thiserror::Error)]
pub enum RedisError {
    /// Without its source, which would repeat the address with its password.
    #[error("the address of Redis is malformed")]
    Address,
    #[error("the metrics of Redis are registered already")]
    Metrics(#[from] prometheus::Error),
}

/// There is no answer, and nobody knows whether the command was carried out. The cause is logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("Redis has not answered")]
pub struct Unanswered;

/// A Redis server. Cheap to clone: all clones share the connection.
#[derive(Clone)]
pub struct Redis(Arc<Inner>);

struct Inner {
    connection: ConnectionManager,
    timeout: Duration,
    circuit: Circuit,
    metrics: RedisMetrics,
    component: Component,
    logged_refusals: DefaultDirectRateLimiter,
}

impl std::fmt::Debug for Redis {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Redis").finish_non_exhaustive()
    }
}

impl Redis {
    /// Connects when it is first used, and watches in a task of its own whether the server is there.
    ///
    /// # Errors
    /// A malformed address.
    pub fn start(
        config: &RedisConfig,
        registry: &Registry,
        health: &Health,
        tasks: &Tasks,
    ) -> Result<Self, RedisError> {
        install_crypto_provider();
        let client = Client::open(config.url.expose_secret()).map_err(|_| RedisError::Address)?;
        let timeout = config.timeout();
        let manager = ConnectionManagerConfig::new()
            .set_number_of_retries(0)
            .set_connection_timeout(Some(timeout))
            .set_response_timeout(Some(timeout))
            .set_pipeline_buffer_size(PIPELINE);
        let redis = Self(Arc::new(Inner {
            connection: ConnectionManager::new_lazy_with_config(client, manager).map_err(|_| RedisError::Address)?,
            timeout,
            circuit: Circuit::new(PAUSE),
            metrics: RedisMetrics::register(registry)?,
            component: health.component("redis", Importance::Informative),
            logged_refusals: RateLimiter::direct(LOGGED_REFUSALS),
        }));
        let watched = redis.clone();
        tasks.spawn_restarting("redis", move |stop| {
            let redis = watched.clone();
            async move {
                stop.run_until_cancelled(redis.watch()).await;
                Ok(())
            }
        });
        Ok(redis)
    }

    /// The answer to one command.
    ///
    /// # Errors
    /// [`Unanswered`].
    pub async fn command<T: FromRedisValue>(&self, command: &Cmd) -> Result<T, Unanswered> {
        let mut connection = self.0.connection.clone();
        self.guarded(command.query_async(&mut connection)).await
    }

    /// The answer of a script. It is sent in full only where the server does not know it yet.
    ///
    /// # Errors
    /// [`Unanswered`].
    pub async fn script<T: FromRedisValue>(&self, script: &ScriptInvocation<'_>) -> Result<T, Unanswered> {
        let mut connection = self.0.connection.clone();
        self.guarded(script.invoke_async(&mut connection)).await
    }

    /// The answers to several commands that are sent together.
    ///
    /// # Errors
    /// [`Unanswered`]: some of them may have been carried out.
    pub async fn pipeline<T: FromRedisValue>(&self, commands: &Pipeline) -> Result<T, Unanswered> {
        let mut connection = self.0.connection.clone();
        self.guarded(commands.query_async(&mut connection)).await
    }

    async fn guarded<T>(&self, question: impl Future<Output = RedisResult<T>>) -> Result<T, Unanswered> {
        let Inner { circuit, metrics, component, .. } = &*self.0;
        if !circuit.lets_ask() {
            metrics.skipped.inc();
            return Err(Unanswered);
        }
        let cause = match tokio::time::timeout(self.0.timeout, question).await {
            Ok(Ok(answer)) => {
                metrics.answered.inc();
                if circuit.close() {
                    component.up();
                    tracing::info!("Redis answers.");
                }
                return Ok(answer);
            }
            Ok(Err(error)) if error.is_io_error() => error.to_string(),
            Ok(Err(error)) => {
                metrics.refused.inc();
                if self.0.logged_refusals.check().is_ok() {
                    tracing::warn!(cause = %error, "Redis refuses a command; what it is for goes on without it.");
                }
                return Err(Unanswered);
            }
            Err(_elapsed) => format!("no answer within {} ms", self.0.timeout.as_millis()),
        };
        metrics.failed.inc();
        if circuit.open() {
            tracing::warn!(cause, "Redis does not answer; everything goes on without it.");
            component.down(cause);
        }
        Err(Unanswered)
    }

    async fn watch(&self) {
        let ping = cmd("PING");
        loop {
            // The answer is of interest to the circuit.
            drop(self.command::<String>(&ping).await);
            tokio::time::sleep(PING_EVERY).await;
        }
    }
}
