//! The recorder: what became of attempts, written down many at a time, and what follows from it.

use std::time::Duration;

use contract::{
    WebhookEndpointId,
    webhook::{AttemptOutcome, DisabledReason},
};
use messaging::Round;
use service_kit::{postgres::answered, telemetry::chain};
use time::OffsetDateTime;
use tokio::{sync::mpsc, time::sleep};

use super::{SHORTEST_ROUND, Webhooks, deliver::Report, schedule::next_attempt, send::Answer};
use crate::store::{
    StoreError,
    webhooks::{
        endpoints,
        queue::{self, Leased},
        results::{self, Ended, Then},
    },
};

const MAX_BATCH: usize = 512;
/// An endpoint that nothing has reached for so long is not sent to any more.
const FAILING_LIMIT: time::Duration = time::Duration::days(5);
/// A receiver that is overloaded and says for how long is left alone that long, with everything, within reason.
const LONGEST_QUIET: Duration = Duration::from_secs(3_600);
const TRIES: usize = 3;
const PAUSE: Duration = Duration::from_millis(250);

const TOO_MANY_REQUESTS: u16 = 429;
const SERVICE_UNAVAILABLE: u16 = 503;
const GONE: u16 = 410;

impl Webhooks {
    /// Records until nobody reports any more.
    pub(super) async fn record(&self, mut reports: mpsc::Receiver<Report>) {
        let mut batch = Vec::new();
        while reports.recv_many(&mut batch, MAX_BATCH).await > 0 {
            let (round, full) = (Round::begin(SHORTEST_ROUND), batch.len() >= MAX_BATCH);
            let (mut ended, mut not_begun, mut gone) = (Vec::new(), Vec::new(), Vec::new());
            for report in batch.drain(..) {
                match report {
                    Report::NotBegun(place) => not_begun.push(place),
                    Report::Ended { leased, took, finished_at, answer } => {
                        self.metrics.attempted(answer.outcome, took);
                        if answer.status == Some(GONE) && !leased.endpoint_is_configured {
                            gone.push(leased.place.endpoint);
                        }
                        ended.push(judge(&leased, finished_at, answer));
                    }
                }
            }
            for try_number in 1..=TRIES {
                match answered(Box::pin(self.store(&ended, &not_begun, &gone))).await {
                    Ok(()) => break,
                    Err(error) if try_number < TRIES => {
                        tracing::warn!(cause = chain(&error), "Results of webhooks cannot be recorded for now.");
                        sleep(PAUSE).await;
                    }
                    Err(error) => {
                        let attempts = ended.len();
                        let cause = chain(&error);
                        tracing::error!(
                            cause,
                            attempts,
                            "The results of {attempts} webhooks are lost; they are sent again."
                        );
                    }
                }
            }
            if !full {
                round.rest().await;
            }
        }
    }

    async fn store(
        &self,
        ended: &[Ended],
        not_begun: &[queue::Place],
        gone: &[WebhookEndpointId],
    ) -> Result<(), StoreError> {
        if !not_begun.is_empty() {
            queue::give_back(&self.pool, not_begun).await?;
        }
        if ended.is_empty() {
            return Ok(());
        }
        let failing = results::record(&self.pool, ended, self.clock.now() - FAILING_LIMIT).await?;
        for one in ended {
            self.metrics.settled(one.then);
        }
        let failing = failing.into_iter().map(|endpoint| (endpoint, DisabledReason::Failing));
        for (endpoint, reason) in gone.iter().map(|endpoint| (*endpoint, DisabledReason::Gone)).chain(failing) {
            if endpoints::disable(&self.pool, endpoint, reason, rand::random()).await? {
                tracing::warn!(%endpoint, ?reason, "Endpoint {endpoint} is sent nothing any more.");
                self.committed.tell();
            }
        }
        Ok(())
    }
}

fn judge(leased: &Leased, finished_at: OffsetDateTime, answer: Answer) -> Ended {
    let then = if answer.outcome == AttemptOutcome::Delivered {
        Then::Delivered
    } else if leased.body.is_none() {
        Then::EventIsGone
    } else {
        let failures = leased.failures.saturating_add(1);
        match next_attempt(failures, finished_at, answer.retry_after, rand::random()) {
            Some(due_at) => Then::Retry { failures, due_at },
            None => Then::GiveUp,
        }
    };
    let is_overloaded = matches!(answer.status, Some(TOO_MANY_REQUESTS | SERVICE_UNAVAILABLE));
    let quiet = answer.retry_after.filter(|_| is_overloaded);
    Ended {
        place: leased.place,
        finished_at,
        outcome: answer.outcome,
        response_status: answer.status.and_then(|status| i16::try_from(status).ok()),
        error: answer.error,
        then,
        not_before: quiet.map(|asked| finished_at + asked.min(LONGEST_QUIET)),
    }
}
