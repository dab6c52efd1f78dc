//! The life of a transaction, step by step, as the API shows it.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::{
    DeliveryId, EventId, EventKind, NotificationId, TransactionId, WebhookEndpointId, webhook::DeliveryAttempt,
};

/// What became of a transaction, and of everything that was told of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(examples(crate::example::timeline)))]
pub struct Timeline {
    pub transaction: TransactionId,
    /// In the order of time; whatever clocks say, nothing of an event comes before its commit except that it was accepted.
    pub steps: Vec<TimelineStep>,
    /// False where there is more: these are the first steps then.
    pub complete: bool,
}

/// One step of one event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TimelineStep {
    #[serde(with = "crate::timestamp")]
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub at: OffsetDateTime,
    pub event_id: EventId,
    /// Null where the journal does not go back so far any more.
    pub r#type: Option<EventKind>,
    #[serde(flatten)]
    pub step: Step,
}

/// What was done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "step", rename_all = "snake_case")]
pub enum Step {
    /// The request was taken, to be decided.
    Accepted,
    /// It was decided, under the locks of its accounts; at once after that it was durable, and only then answered. This is
    /// the ledger's own time of it, as in the event.
    Committed,
    /// JetStream has acknowledged the event. Again, where it was published again.
    Published { stream_sequence: i64 },
    /// The event was sent to an endpoint.
    Attempted {
        delivery_id: DeliveryId,
        endpoint_id: WebhookEndpointId,
        /// The endpoint is the notification service: delivered means that the parties are notified.
        configured: bool,
        attempt: DeliveryAttempt,
    },
    /// A party's notification was stored. Only the notification service knows.
    Notified {
        user: String,
        notification_id: NotificationId,
        /// The user does not want to see it.
        muted: bool,
    },
}
