//! The runtime of a durable consumer: messages in, batches to the handler, dispositions to the broker.
//!
//! A message leaves the broker only after its work is durable, or its dead letter is, or it is parked. Whatever ends this
//! process in between means that the message is delivered again: handlers must be idempotent. There is no order between
//! batches, since what is tried again comes later.

use std::{sync::Arc, time::Duration};

use async_nats::{
    Client,
    jetstream::{self, Context},
};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::{
    handler::Handler,
    metrics::{ConsumerMetrics, ConsumerState, chain},
    parking::Parking,
    pull::{BATCH, Pull, PullError},
    retry,
    round::Round,
    setting::Setting,
    topology::Durable,
    watch::watch,
    worker::Worker,
};

/// Batches do not follow each other faster than this, unless the one before was full: a handler's commit costs the same
/// however much it carries, and under load the next batch carries what came meanwhile.
const SHORTEST_ROUND: Duration = Duration::from_millis(5);

/// A durable consumer; see the module.
#[derive(Debug)]
pub struct Consumer<H, P> {
    client: Client,
    jetstream: Context,
    durable: Durable,
    metrics: Arc<ConsumerMetrics>,
    worker: Worker<H, P>,
}

impl<H: Handler, P: Parking> Consumer<H, P> {
    #[must_use]
    pub fn new(setting: Setting, handler: H, parking: P) -> Self {
        let Setting { client, durable, metrics, .. } = &setting;
        let (client, durable, metrics) = (client.clone(), *durable, metrics.clone());
        let jetstream = jetstream::new(client.clone());
        let worker = Worker::new(setting, jetstream.clone(), handler, parking);
        Self { client, jetstream, durable, metrics, worker }
    }

    /// Consumes until told to stop; then finishes the batch in hand, confirms its acknowledgements, and hands back what
    /// was delivered and not started. Goes through every failure of NATS, of the handler and of the parking by itself.
    pub async fn run(self, stop: CancellationToken) {
        let stalled = Notify::new();
        let watch = watch(&self.jetstream, self.durable, &self.metrics, &stalled);
        tokio::join!(self.consume(&stop, &stalled), self.worker.retry_parked(&stop), stop.run_until_cancelled(watch));
        self.metrics.enter(ConsumerState::Stopped);
    }

    async fn consume(&self, stop: &CancellationToken, stalled: &Notify) {
        let mut failures = 0;
        while let Err(error) = self.consume_until_broken(stop, stalled, &mut failures).await {
            failures += 1;
            self.metrics.lost(&error);
            tracing::warn!(durable = self.durable.name, error = chain(&error), "messages are asked for anew: {error}");
            stop.run_until_cancelled(tokio::time::sleep(retry::backoff(failures))).await;
        }
    }

    /// Ends well only when told to stop.
    async fn consume_until_broken(
        &self,
        stop: &CancellationToken,
        stalled: &Notify,
        failures: &mut u32,
    ) -> Result<(), PullError> {
        let opening = Pull::open(&self.client, &self.jetstream, self.durable);
        let Some(opened) = stop.run_until_cancelled(opening).await else {
            return Ok(());
        };
        let mut pull = opened?;
        self.metrics.enter(ConsumerState::Running);
        let end = self.pump(&mut pull, stop, stalled, failures).await;
        let rest = pull.close().await;
        if let Err(error) = self.worker.hand_back(rest).await {
            tracing::debug!(%error, "what was not started comes again by itself: {error}");
        }
        end
    }

    async fn pump(
        &self,
        pull: &mut Pull,
        stop: &CancellationToken,
        stalled: &Notify,
        failures: &mut u32,
    ) -> Result<(), PullError> {
        loop {
            let batch = tokio::select! {
                biased;
                () = stop.cancelled() => return Ok(()),
                () = stalled.notified() => return Err(PullError::Stalled),
                batch = pull.next() => batch?,
            };
            *failures = 0;
            let (round, full) = (Round::begin(SHORTEST_ROUND), batch.len() >= BATCH);
            self.metrics.received(&batch);
            self.worker.work(batch, pull.ack_wait(), stop).await?;
            if !full {
                round.rest().await;
            }
        }
    }
}
