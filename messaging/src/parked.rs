//! Tries parked messages again when they are due: one at a time and alone, each attempt recorded before it begins, so that
//! a message which kills the process is counted and harms no other.

use std::{slice, time::Duration};

use tokio_util::sync::CancellationToken;

use crate::{
    dead_letter::DeadLetter,
    disposition::{DeadLetterReason, Disposition, Outage},
    handler::Handler,
    metrics::chain,
    parking::{ParkedMessage, Parking},
    retry::{self, Next},
    worker::{AFTER_FAILED_BURIAL, Worker},
};

/// How often to look for due messages when there were none.
const INTERVAL: Duration = Duration::from_secs(1);
/// For so long a message that was taken is nobody else's.
const LEASE: Duration = Duration::from_secs(60);

impl<H: Handler, P: Parking> Worker<H, P> {
    /// Until told to stop.
    pub(crate) async fn retry_parked(&self, stop: &CancellationToken) {
        let mut failures = 0;
        while !stop.is_cancelled() {
            let pause = match self.retry_next().await {
                Ok(found) => {
                    failures = 0;
                    if found { Duration::ZERO } else { INTERVAL }
                }
                Err(outage) => {
                    failures += 1;
                    self.metrics.outage(&outage);
                    tracing::warn!(error = chain(&outage), "parked messages wait: {outage}");
                    retry::backoff(failures)
                }
            };
            stop.run_until_cancelled(tokio::time::sleep(pause)).await;
        }
    }

    /// Whether there was one.
    async fn retry_next(&self) -> Result<bool, Outage> {
        let now = (self.clock)();
        let Some(message) = self.parking.take_due(now, now + LEASE).await? else {
            return Ok(false);
        };
        let attempt = message.delivery.attempt;
        if attempt > retry::MAX_ATTEMPTS {
            // The last attempts began and never ended.
            let error = message.error.clone();
            self.bury_parked(message, DeadLetterReason::AttemptsExhausted, error).await?;
            return Ok(true);
        }
        let answer = self.handle(slice::from_ref(&message.delivery)).await;
        let disposition = match answer.and_then(|mut one| one.pop().ok_or_else(|| Outage::new("no answer"))) {
            Ok(disposition) => disposition,
            Err(outage) => {
                self.put_back(message, Duration::ZERO).await?;
                return Err(outage);
            }
        };
        match disposition {
            Disposition::Done => self.parking.unpark(&message).await?,
            Disposition::Retry { after, error } => match retry::next(attempt, after, rand::random()) {
                Next::Wait(pause) | Next::Park(pause) => {
                    let due = (self.clock)() + pause;
                    self.parking.reschedule(&ParkedMessage { due, error, ..message }).await?;
                }
                Next::GiveUp => self.bury_parked(message, DeadLetterReason::AttemptsExhausted, error).await?,
            },
            Disposition::Reject { reason, error } => self.bury_parked(message, reason, error).await?,
        }
        Ok(true)
    }

    /// As if it had not been taken: no attempt was made.
    async fn put_back(&self, mut message: ParkedMessage, pause: Duration) -> Result<(), Outage> {
        message.delivery.attempt -= 1;
        message.due = (self.clock)() + pause;
        self.parking.reschedule(&message).await
    }

    async fn bury_parked(&self, message: ParkedMessage, reason: DeadLetterReason, error: String) -> Result<(), Outage> {
        let ParkedMessage { delivery, first_failed, .. } = &message;
        let letter = DeadLetter { delivery, reason, error: &error, first_failed: *first_failed };
        if self.bury(&letter).await {
            self.parking.unpark(&message).await
        } else {
            self.put_back(message, AFTER_FAILED_BURIAL).await
        }
    }
}
