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
use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;

use crate::{
    dead_letter::DeadLetter,
    delivery::{Delivery, Pulled},
    disposition::{DeadLetterReason, Disposition, Outage},
    handler::Handler,
    metrics::{ConsumerMetrics, chain},
    parking::{ParkedMessage, Parking},
    retry::{self, Next},
    setting::{Clock, Setting},
    settle::{SettleError, Settler, Verdict},
    topology::{ACK_WAIT, Durable},
};

/// When a message is tried again whose dead letter could not be kept.
pub(crate) const AFTER_FAILED_BURIAL: Duration = ACK_WAIT;

pub(crate) struct Worker<H, P> {
    durable: Durable,
    version: &'static str,
    pub(crate) clock: Clock,
    pub(crate) metrics: Arc<ConsumerMetrics>,
    jetstream: Context,
    settler: Settler,
    handler: H,
    pub(crate) parking: P,
    turn_to_park: Mutex<()>,
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
        Self { durable, version, clock, metrics, jetstream, settler, handler, parking, turn_to_park: Mutex::new(()) }
    }

    /// Works on a batch until every message is settled. The broker would deliver it again after `ack_wait`.
    pub(crate) async fn work(
        &self,
        batch: Vec<Pulled>,
        ack_wait: Duration,
        stop: &CancellationToken,
    ) -> Result<(), SettleError> {
        self.metrics.in_hand.store(batch.len() as u64, Relaxed);
        let all: Vec<_> = batch.iter().map(|pulled| pulled.acknowledge_to.clone()).collect();
        let settled = tokio::select! {
            settled = self.settle(batch, stop) => settled,
            never = self.keep_alive(&all, ack_wait) => match never {},
        };
        self.metrics.in_hand.store(0, Relaxed);
        self.metrics.progressed((self.clock)());
        settled
    }

    /// Hands back what was delivered and never started.
    pub(crate) async fn hand_back(&self, batch: Vec<Pulled>) -> Result<(), SettleError> {
        let (_, messages) = split(batch);
        self.settler.settle_all(&messages, Verdict::Again(Duration::ZERO)).await
    }

    async fn settle(&self, batch: Vec<Pulled>, stop: &CancellationToken) -> Result<(), SettleError> {
        let (suspects, together): (Vec<_>, Vec<_>) =
            batch.into_iter().partition(|pulled| pulled.delivery.attempt > retry::MAX_DELIVERIES_TOGETHER);
        let isolated = join_all(suspects.iter().map(|pulled| self.isolate(pulled, stop))).await;

        let (deliveries, messages) = split(together);
        let Some(dispositions) = self.handle_patiently(&deliveries, stop).await else {
            return self.settler.settle_all(&messages, Verdict::Again(Duration::ZERO)).await;
        };
        let each = deliveries.iter().zip(&messages).zip(dispositions);
        let applied = each.map(|((delivery, message), disposition)| self.apply(delivery, message, disposition, stop));
        join_all(applied).await.into_iter().chain(isolated).collect()
    }

    /// What the handler says, as soon as it can work; nothing if told to stop while it cannot.
    async fn handle_patiently(&self, batch: &[Delivery], stop: &CancellationToken) -> Option<Vec<Disposition>> {
        let mut failures = 0;
        loop {
            match self.handle(batch).await {
                Ok(dispositions) => return Some(dispositions),
                Err(outage) => self.pause(&outage, &mut failures, stop).await?,
            }
        }
    }

    pub(crate) async fn handle(&self, batch: &[Delivery]) -> Result<Vec<Disposition>, Outage> {
        if batch.is_empty() {
            return Ok(Vec::new());
        }
        let dispositions = self.handler.handle(batch).await?;
        if dispositions.len() != batch.len() {
            return Err(Outage::new(format!("{} answers for {} messages", dispositions.len(), batch.len())));
        }
        Ok(dispositions)
    }

    /// Nothing if told to stop meanwhile.
    async fn pause(&self, outage: &Outage, failures: &mut u32, stop: &CancellationToken) -> Option<()> {
        *failures += 1;
        let pause = retry::backoff(*failures);
        self.metrics.outage(outage);
        tracing::warn!(durable = self.durable.name, error = chain(outage), "paused for {pause:?}: {outage}");
        let _paused = self.metrics.pause();
        stop.run_until_cancelled(tokio::time::sleep(pause)).await
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

    async fn apply(
        &self,
        delivery: &Delivery,
        message: &Subject,
        disposition: Disposition,
        stop: &CancellationToken,
    ) -> Result<(), SettleError> {
        let verdict = match disposition {
            Disposition::Done => Verdict::Acknowledge,
            Disposition::Retry { after, error } => match retry::next(delivery.attempt, after, rand::random()) {
                Next::Wait(pause) => Verdict::Again(pause),
                Next::Park(pause) => self.park(delivery, pause, error, stop).await,
                Next::GiveUp => self.give_up(delivery, DeadLetterReason::AttemptsExhausted, &error).await,
            },
            Disposition::Reject { reason, error } => self.give_up(delivery, reason, &error).await,
        };
        self.settler.settle(message, verdict).await
    }

    /// A message that was delivered so often may have killed the process each time. It is handled alone, and each attempt
    /// recorded before it begins: which is what parked messages are.
    async fn isolate(&self, suspect: &Pulled, stop: &CancellationToken) -> Result<(), SettleError> {
        let Pulled { delivery, acknowledge_to } = suspect;
        let error = format!("delivered {} times", delivery.attempt);
        let verdict = if delivery.attempt > retry::MAX_DELIVERIES {
            self.give_up(delivery, DeadLetterReason::DeliveredTooOften, &error).await
        } else {
            let counted = Delivery { attempt: retry::ATTEMPTS_IN_BROKER, ..delivery.clone() };
            self.park(&counted, Duration::ZERO, error, stop).await
        };
        self.settler.settle(acknowledge_to, verdict).await
    }

    /// As soon as the parking can work.
    async fn park(&self, delivery: &Delivery, pause: Duration, error: String, stop: &CancellationToken) -> Verdict {
        let now = (self.clock)();
        let message = ParkedMessage { delivery: delivery.clone(), first_failed: now, due: now + pause, error };
        // One at a time: where the database is away one message asks for it, and the others wait.
        let _turn = self.turn_to_park.lock().await;
        let mut failures = 0;
        while let Err(outage) = self.parking.park(&message).await {
            if self.pause(&outage, &mut failures, stop).await.is_none() {
                return Verdict::Again(Duration::ZERO);
            }
        }
        self.metrics.parked.fetch_add(1, Relaxed);
        Verdict::Acknowledge
    }

    async fn give_up(&self, delivery: &Delivery, reason: DeadLetterReason, error: &str) -> Verdict {
        let letter = DeadLetter { delivery, reason, error, first_failed: (self.clock)() };
        if self.bury(&letter).await { Verdict::Terminate(reason) } else { Verdict::Again(AFTER_FAILED_BURIAL) }
    }

    /// Whether the dead letter is kept.
    pub(crate) async fn bury(&self, letter: &DeadLetter<'_>) -> bool {
        let Delivery { stream, sequence, .. } = letter.delivery;
        let reason = letter.reason;
        if let Err(error) = letter.keep(&self.jetstream, self.durable, self.version).await {
            self.metrics.failed(&error);
            let error = chain(&error);
            tracing::error!(stream, sequence, %reason, error, "message {sequence} of {stream} stays for now: {error}");
            return false;
        }
        self.metrics.dead_lettered.fetch_add(1, Relaxed);
        let error = letter.error;
        tracing::error!(stream, sequence, %reason, error, "message {sequence} of {stream} is a dead letter: {reason}");
        true
    }
}

fn split(batch: Vec<Pulled>) -> (Vec<Delivery>, Vec<Subject>) {
    batch.into_iter().map(|Pulled { delivery, acknowledge_to }| (delivery, acknowledge_to)).unzip()
}
