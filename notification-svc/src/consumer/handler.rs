//! Decodes each message, hands the events to the ingest together, and says what is to become of each message. Never
//! acknowledges: that is messaging's.

use contract::event::DecodeError;
use messaging::{DeadLetterReason, Delivery, Disposition, Handler, Outage};
use service_kit::telemetry;

use crate::{
    domain::way::Way,
    ingest::{Arrival, Ingest, Outcome},
};

/// Makes notifications of messages.
#[derive(Debug)]
pub struct NotificationHandler {
    ingest: Ingest,
}

impl NotificationHandler {
    #[must_use]
    pub const fn new(ingest: Ingest) -> Self {
        Self { ingest }
    }
}

impl Handler for NotificationHandler {
    async fn handle(&self, batch: &[Delivery]) -> Result<Vec<Disposition>, Outage> {
        let mut arrivals = Vec::with_capacity(batch.len());
        let mut undecodable = Vec::with_capacity(batch.len());
        for delivery in batch {
            match Arrival::decode(&delivery.body) {
                Ok(arrival) => {
                    arrivals.push(arrival);
                    undecodable.push(None);
                }
                Err(error) => undecodable.push(Some(not_decoded(&error))),
            }
        }
        let outcomes = self.ingest.ingest(Way::JetStream, &arrivals).await.map_err(Outage::new)?;
        fail::fail_point!("consumer::ingested");
        let mut ingested = outcomes.into_iter().map(disposition);
        Ok(undecodable.into_iter().filter_map(|refused| refused.or_else(|| ingested.next())).collect())
    }
}

fn not_decoded(error: &DecodeError) -> Disposition {
    let reason = match error {
        DecodeError::Unsupported { .. } => DeadLetterReason::Unsupported,
        DecodeError::Envelope(_) | DecodeError::Data { .. } => DeadLetterReason::Malformed,
    };
    Disposition::Reject { reason, error: telemetry::chain(error) }
}

fn disposition(outcome: Outcome) -> Disposition {
    match outcome {
        Outcome::Created(_) | Outcome::AlreadyKnown | Outcome::TooOld => Disposition::Done,
        Outcome::Conflict => Disposition::Reject {
            reason: DeadLetterReason::Conflicting,
            error: "another event with this id was ingested before, and its notifications stand".to_owned(),
        },
        Outcome::Refused(error) => Disposition::Reject { reason: DeadLetterReason::Malformed, error },
    }
}
