//! Receivers of webhooks, and what became of each event on its way to them, as the API shows them.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::{DeliveryId, EventId, EventKind, WebhookEndpointId};

/// Why nothing is sent to an endpoint any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum DisabledReason {
    /// Somebody who may manage endpoints asked for it.
    Requested,
    /// It answered 410.
    Gone,
    /// Nothing has reached it for five days.
    Failing,
}

/// A receiver of webhooks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(examples(crate::example::webhook_endpoint)))]
pub struct WebhookEndpoint {
    pub id: WebhookEndpointId,
    pub url: String,
    pub description: Option<String>,
    /// Which events it is told of; null is all of them.
    pub event_types: Option<Vec<EventKind>>,
    pub enabled: bool,
    pub disabled_reason: Option<DisabledReason>,
    /// The platform's own receiver: part of its configuration, neither changed nor deleted here.
    pub configured: bool,
    /// Since when nothing has reached it.
    #[serde(with = "crate::timestamp::option")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime))]
    pub failing_since: Option<OffsetDateTime>,
    #[serde(with = "crate::timestamp")]
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub created_at: OffsetDateTime,
    #[serde(with = "crate::timestamp")]
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub updated_at: OffsetDateTime,
    /// With which its webhooks are signed, `whsec_…`: shown once, when it is made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<String>,
}

/// Where an event is on its way to an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum DeliveryStatus {
    /// It waits for its first or next attempt.
    Pending,
    /// It was answered with 2xx.
    Delivered,
    /// All attempts failed.
    Failed,
}

/// One event on its way to one endpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(examples(crate::example::delivery)))]
pub struct Delivery {
    pub id: DeliveryId,
    pub endpoint_id: WebhookEndpointId,
    pub event_id: EventId,
    pub status: DeliveryStatus,
    /// When it is tried next, if it is pending.
    #[serde(with = "crate::timestamp::option")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime))]
    pub next_attempt_at: Option<OffsetDateTime>,
    #[serde(with = "crate::timestamp")]
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub created_at: OffsetDateTime,
    /// The oldest first.
    pub attempts: Vec<DeliveryAttempt>,
}

/// What became of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum AttemptOutcome {
    /// Begun, and not ended as far as is known: under way, or the process that made it has died.
    Unknown,
    Delivered,
    /// Answered with another status than 2xx.
    Refused,
    /// Not answered in full within 15 s.
    TimedOut,
    /// No connection, or one that broke.
    Unreachable,
    /// The address is not one that webhooks are sent to, or the secret cannot be read.
    NotSent,
}

/// One request to an endpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DeliveryAttempt {
    /// 1, 2, 3 …
    pub number: i16,
    #[serde(with = "crate::timestamp")]
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub started_at: OffsetDateTime,
    #[serde(with = "crate::timestamp::option")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime))]
    pub finished_at: Option<OffsetDateTime>,
    pub outcome: AttemptOutcome,
    /// The status of the answer, if there was one.
    pub response_status: Option<i16>,
    /// What went wrong, with the beginning of the answer.
    pub error: Option<String>,
}
