//! Works on what was delivered: to the handler with it, and what the handler says to the broker, the parking or the dead
//! letters. Acknowledges nothing whose work, parking or dead letter is not durable.

use std::{
    convert::Infallible,
    fmt,
    sync::{Arc, atomic::Ordering::Relaxed},
    time::Duration,
};

use async_nats::{Subject, jetstream::Context};
use futures_util::future::join_all;
use tokio_util::sync::CancellationToken;

use crate::{
    consumer::{Clock, Handler, Setting},
    dead_letter::{DeadLetter, NotKept},
    delivery::{Delivery, Pulled},
    disposition::{DeadLetterReason, Disposition, Outage},
    metrics::{ConsumerMetrics, chain},
    parking::{ParkedMessage, Parking},
    retry::{self, Next},
    settle::{SettleError, Settler, Verdict},
    topology::{ACK_WAIT, Durable},
};

/// When what could not be parked or buried is delivered again.
const AFTER_FAILED_SETTLEMENT: Duration = ACK_WAIT;

pub(crate) struct Worker<H, P> {
    durable: Durable,
    version: &'static str,
    pub(crate) clock: Clock,
    pub(crate) metrics: Arc<ConsumerMetrics>,
    jetstream: Context,
    settler: Settler,
    handler: H,
    pub(crate) parking: P,
}

impl<H, P> fmt::Debug for Worker<H, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Worker").field("durable", &self.durable).finish_non_exhaustive()
    }
}

impl<H: Handler, P: Parking> Worker<H, P> {
    pub(crate) fn new(setting: Setting, jetstream: Context, handler: H, parking: P) -> Self {
        let Setting { client, durable, version, clock, metrics } = setting;
        let settler = Settler::new(client, Arc::clone(&metrics));
        Self { durable, version, clock, metrics, jetstream, settler, handler, parking }
    }

    /// Works on a batch until every message is settled. The broker would deliver it again after `ack_wait`.
    pub(crate) async fn work(
        &self,
        batch: Vec<Pulled>,
        ack_wait: Duration,
        stop: &CancellationToken,
    ) -> Result<(), SettleError> {
        let (suspects, together): (Vec<_>, Vec<_>) =
            batch.into_iter().partition(|pulled| pulled.delivery.attempt > retry::MAX_DELIVERIES_TOGETHER);
        let isolated = join_all(suspects.iter().map(|pulled| self.isolate(pulled))).await.into_iter().collect();
        let worked = self.work_together(together, ack_wait, stop).await;
        self.metrics.progressed((self.clock)());
        worked.and(isolated)
    }

    /// Hands back what was delivered and never started.
    pub(crate) async fn hand_back(&self, batch: Vec<Pulled>) -> Result<(), SettleError> {
        let (_, messages) = split(batch);
        self.settler.settle_all(&messages, Verdict::Again(Duration::ZERO)).await
    }

    async fn work_together(
        &self,
        batch: Vec<Pulled>,
        ack_wait: Duration,
        stop: &CancellationToken,
    ) -> Result<(), SettleError> {
        if batch.is_empty() {
            return Ok(());
        }
        let (deliveries, messages) = split(batch);
        self.metrics.in_hand.store(deliveries.len() as u64, Relaxed);
        let dispositions = tokio::select! {
            dispositions = self.handle_patiently(&deliveries, stop) => dispositions,
            never = self.keep_alive(&messages, ack_wait) => match never {},
        };
        let settled = match dispositions {
            None => self.settler.settle_all(&messages, Verdict::Again(Duration::ZERO)).await,
            Some(dispositions) => {
                let each = deliveries.iter().zip(&messages).zip(dispositions);
                join_all(each.map(|((delivery, message), disposition)| self.apply(delivery, message, disposition)))
                    .await
                    .into_iter()
                    .collect()
            }
        };
        self.metrics.in_hand.store(0, Relaxed);
        settled
    }

    /// What the handler says, as soon as it can work; nothing if told to stop while it cannot.
    pub(crate) async fn handle_patiently(
        &self,
        batch: &[Delivery],
        stop: &CancellationToken,
    ) -> Option<Vec<Disposition>> {
        let mut failures = 0;
        loop {
            let outage = match self.handler.handle(batch).await {
                Ok(dispositions) if dispositions.len() == batch.len() => return Some(dispositions),
                Ok(dispositions) => Outage::new(format!("{} answers for {} messages", dispositions.len(), batch.len())),
                Err(outage) => outage,
            };
            failures += 1;
            let pause = retry::backoff(failures);
            self.metrics.outage(&outage);
            tracing::warn!(durable = self.durable.name, error = chain(&outage), "paused for {pause:?}: {outage}");
            let _paused = self.metrics.pause();
            stop.run_until_cancelled(tokio::time::sleep(pause)).await?;
        }
    }

    /// Tells the broker again and again that these are being worked on.
    async fn keep_alive(&self, messages: &[Subject], ack_wait: Duration) -> Infallible {
        loop {
            tokio::time::sleep(ack_wait / 3).await;
            if let Err(error) = self.settler.settle_all(messages, Verdict::Working).await {
                tracing::debug!(%error, "could not ask for more time: {error}");
            }
        }
    }

    async fn apply(&self, delivery: &Delivery, message: &Subject, disposition: Disposition) -> Result<(), SettleError> {
        let verdict = match disposition {
            Disposition::Done => Verdict::Acknowledge,
            Disposition::Retry { after, error } => match retry::next(delivery.attempt, after, rand::random()) {
                Next::Wait(pause) => Verdict::Again(pause),
                Next::Park(pause) => self.park(delivery, pause, error).await,
                Next::GiveUp => self.give_up(delivery, DeadLetterReason::AttemptsExhausted, &error).await,
            },
            Disposition::Reject { reason, error } => self.give_up(delivery, reason, &error).await,
        };
        self.settler.settle(message, verdict).await
    }

    /// A message that was delivered so often may have killed the process each time. It is handled alone, and each attempt
    /// recorded before it begins: which is what parked messages are.
    async fn isolate(&self, Pulled { delivery, acknowledge_to }: &Pulled) -> Result<(), SettleError> {
        let error = format!("delivered {} times", delivery.attempt);
        let verdict = if delivery.attempt > retry::MAX_DELIVERIES {
            self.give_up(delivery, DeadLetterReason::DeliveredTooOften, &error).await
        } else {
            let suspect = Delivery { attempt: retry::ATTEMPTS_IN_BROKER, ..delivery.clone() };
            self.park(&suspect, Duration::ZERO, error).await
        };
        self.settler.settle(acknowledge_to, verdict).await
    }

    async fn park(&self, delivery: &Delivery, pause: Duration, error: String) -> Verdict {
        let now = (self.clock)();
        let message = ParkedMessage { delivery: delivery.clone(), first_failed: now, due: now + pause, error };
        match self.parking.park(&message).await {
            Ok(()) => {
                self.metrics.parked.fetch_add(1, Relaxed);
                Verdict::Acknowledge
            }
            Err(outage) => self.unsettled(&outage),
        }
    }

    async fn give_up(&self, delivery: &Delivery, reason: DeadLetterReason, error: &str) -> Verdict {
        let letter = DeadLetter { delivery, reason, error, first_failed: (self.clock)() };
        match self.bury(&letter).await {
            Ok(()) => Verdict::Terminate(reason),
            Err(error) => self.unsettled(&error),
        }
    }

    pub(crate) async fn bury(&self, letter: &DeadLetter<'_>) -> Result<(), NotKept> {
        letter.keep(&self.jetstream, self.durable, self.version).await?;
        self.metrics.dead_lettered.fetch_add(1, Relaxed);
        let Delivery { stream, sequence, .. } = letter.delivery;
        let (reason, error) = (letter.reason, letter.error);
        tracing::error!(stream, sequence, %reason, error, "message {sequence} of {stream} is a dead letter: {reason}");
        Ok(())
    }

    fn unsettled(&self, error: &(dyn std::error::Error + 'static)) -> Verdict {
        self.metrics.failed(error);
        tracing::error!(error = chain(error), "a message stays in the stream for now: {error}");
        Verdict::Again(AFTER_FAILED_SETTLEMENT)
    }
}

fn split(batch: Vec<Pulled>) -> (Vec<Delivery>, Vec<Subject>) {
    batch.into_iter().map(|Pulled { delivery, acknowledge_to }| (delivery, acknowledge_to)).unzip()
}
