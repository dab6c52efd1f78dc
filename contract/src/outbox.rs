//! What waits to be told, as the API shows it.

use serde::{Deserialize, Serialize};

/// How much waits for each of the two ways on which events are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(examples(crate::example::outbox)))]
pub struct Outbox {
    /// To be published to JetStream.
    pub relay: Backlog,
    /// To become deliveries of webhooks.
    pub dispatch: Backlog,
}

/// How much waits for one of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Backlog {
    /// At most: positions that were drawn and rolled back are counted, too.
    pub events: i64,
    /// How long the oldest has waited; null where none waits.
    pub oldest_age_milliseconds: Option<i64>,
}
