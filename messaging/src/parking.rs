//! Where messages wait whose retry is further away than the broker should remember. A delayed redelivery occupies
//! `max_ack_pending`, so that a few thousand of them stop the consumer; a row in the service's database does not.

use std::future::Future;

use time::OffsetDateTime;

use crate::{delivery::Delivery, disposition::Outage};

/// A message that waits for its next attempt outside the broker, where it is acknowledged already.
#[derive(Debug, Clone)]
pub struct ParkedMessage {
    /// The message; `delivery.attempt` counts the attempts begun so far.
    pub delivery: Delivery,
    pub first_failed: OffsetDateTime,
    /// When to try again.
    pub due: OffsetDateTime,
    /// The last failure, for operators.
    pub error: String,
}

/// The durable place of one consumer's parked messages; implemented by the service, in its database.
///
/// A message is known by its stream, its sequence and when it was published: a stream that was lost and made anew counts
/// from 1 again.
pub trait Parking: Send + Sync {
    /// Keeps the message, durably before this returns; does nothing where it is parked already.
    fn park(&self, message: &ParkedMessage) -> impl Future<Output = Result<(), Outage>> + Send;

    /// Takes one message that is due at `now`, the longest due first. Before this returns, its attempts are one more and it
    /// is not due again before `until`, durably: a message that kills the process is counted, and no other replica takes
    /// it meanwhile.
    fn take_due(
        &self,
        now: OffsetDateTime,
        until: OffsetDateTime,
    ) -> impl Future<Output = Result<Option<ParkedMessage>, Outage>> + Send;

    /// Replaces what is kept of a parked message: its attempts, due time and error.
    fn reschedule(&self, message: &ParkedMessage) -> impl Future<Output = Result<(), Outage>> + Send;

    /// Forgets a parked message: it is done, or a dead letter.
    fn unpark(&self, message: &ParkedMessage) -> impl Future<Output = Result<(), Outage>> + Send;
}
