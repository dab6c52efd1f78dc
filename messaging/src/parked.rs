//! Tries parked messages again when they are due: one at a time and alone, each attempt recorded before it begins, so that
//! a message which kills the process is counted and harms no other.

use std::{slice, time::Duration};

use tokio_util::sync::CancellationToken;

use crate::{
    consumer::Handler,
    dead_letter::DeadLetter,
    disposition::{DeadLetterReason, Disposition, Outage},
    metrics::chain,
    parking::{ParkedMessage, Parking},
    retry::{self, Next},
    worker::Worker,
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
            let pause = match self.retry_next(stop).await {
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
    async fn retry_next(&self, stop: &CancellationToken) -> Result<bool, Outage> {
        let now = (self.clock)();
        let Some(mut message) = self.parking.take_due(now, now + LEASE).await? else {
            return Ok(false);
        };
        let attempt = message.delivery.attempt;
        if attempt > retry::MAX_ATTEMPTS {
            // Each attempt began and none ended.
            let error = message.error.clone();
            return self.bury_parked(message, DeadLetterReason::AttemptsExhausted, error).await;
        }
        let answer = self.handle_patiently(slice::from_ref(&message.delivery), stop).await;
        match answer.and_then(|mut dispositions| dispositions.pop()) {
            None => {
                message.delivery.attempt -= 1;
                self.reschedule(message, Duration::ZERO).await
            }
            Some(Disposition::Done) => self.parking.unpark(&message).await.map(|()| true),
            Some(Disposition::Retry { after, error }) => match retry::next(attempt, after, rand::random()) {
                Next::Wait(pause) | Next::Park(pause) => {
                    self.reschedule(ParkedMessage { error, ..message }, pause).await
                }
                Next::GiveUp => self.bury_parked(message, DeadLetterReason::AttemptsExhausted, error).await,
            },
            Some(Disposition::Reject { reason, error }) => self.bury_parked(message, reason, error).await,
        }
    }

    async fn reschedule(&self, message: ParkedMessage, pause: Duration) -> Result<bool, Outage> {
        let due = (self.clock)() + pause;
        self.parking.reschedule(&ParkedMessage { due, ..message }).await?;
        Ok(true)
    }

    async fn bury_parked(
        &self,
        message: ParkedMessage,
        reason: DeadLetterReason,
        error: String,
    ) -> Result<bool, Outage> {
        let ParkedMessage { delivery, first_failed, .. } = &message;
        let letter = DeadLetter { delivery, reason, error: &error, first_failed: *first_failed };
        self.bury(&letter).await.map_err(Outage::new)?;
        self.parking.unpark(&message).await?;
        Ok(true)
    }
}
