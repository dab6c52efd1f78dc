//! Looking at the durable consumers, pausing them and letting them go on.

use contract::timestamp;
use messaging::{
    control,
    topology::{Durable, NOTIFICATIONS, NOTIFICATIONS_REDRIVE},
};
use serde::Serialize;
use serde_json::json;
use time::{Duration, OffsetDateTime};

use super::{OperateError, Operations};
use crate::store::{
    audit::{Action, Order},
    consumer_failures,
    parked_messages::ParkedMessages,
};

/// Where a durable consumer stands.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
#[schema(examples(json!(example("notification-svc"))))]
pub struct ConsumerStatus {
    pub durable: &'static str,
    pub paused: bool,
    /// Messages not delivered yet, and delivered and not acknowledged: how far behind it is.
    pub lag_messages: u64,
    /// Since the oldest of these was stored.
    pub lag_seconds: f64,
    pub pending: u64,
    pub ack_pending: u64,
    pub redelivered: u64,
    /// Messages that wait in the database for their next attempt.
    pub parked: u64,
    /// The last failure of any replica, which may be over.
    pub last_error: Option<String>,
    #[serde(with = "timestamp::option")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub last_error_at: Option<OffsetDateTime>,
}

/// One that has as good as caught up, for the documents.
#[must_use]
pub fn example(durable: &'static str) -> ConsumerStatus {
    ConsumerStatus {
        durable,
        paused: false,
        lag_messages: 3,
        lag_seconds: 0.012,
        pending: 1,
        ack_pending: 2,
        redelivered: 0,
        parked: 0,
        last_error: None,
        last_error_at: None,
    }
}

impl Operations {
    /// Where both durables stand.
    ///
    /// # Errors
    /// [`OperateError`]
    pub async fn consumer_status(&self) -> Result<[ConsumerStatus; 2], OperateError> {
        Ok([self.status_of(NOTIFICATIONS).await?, self.status_of(NOTIFICATIONS_REDRIVE).await?])
    }

    async fn status_of(&self, durable: Durable) -> Result<ConsumerStatus, OperateError> {
        let found = control::status(&self.nats, durable).await?;
        let failure = consumer_failures::last(&self.pool, durable.name).await?;
        let lag = found.oldest.map_or(0.0, |oldest| (self.clock.now() - oldest).as_seconds_f64().max(0.0));
        Ok(ConsumerStatus {
            durable: durable.name,
            paused: found.paused,
            lag_messages: found.pending + found.ack_pending,
            lag_seconds: lag,
            pending: found.pending,
            ack_pending: found.ack_pending,
            redelivered: found.redelivered,
            parked: ParkedMessages::new(self.pool.clone()).count(durable.stream).await?,
            last_error_at: failure.as_ref().map(|failure| failure.occurred_at),
            last_error: failure.map(|failure| failure.error),
        })
    }

    /// Lets no more events be delivered for so long. Those in hand are finished, and nothing is lost. Gives the end.
    ///
    /// # Errors
    /// [`OperateError`]
    pub async fn pause_consumer(&self, length: Duration, order: &Order) -> Result<OffsetDateTime, OperateError> {
        let until = self.clock.now() + length;
        let selection = json!({ "durable": NOTIFICATIONS.name, "until": timestamp::text(until) });
        let entry = self.begin(Action::PauseConsumer, order, selection, 1).await?;
        control::pause(&self.nats, NOTIFICATIONS, until).await?;
        self.end(entry, 1).await?;
        Ok(until)
    }

    /// Ends a pause.
    ///
    /// # Errors
    /// [`OperateError`]
    pub async fn resume_consumer(&self, order: &Order) -> Result<(), OperateError> {
        let selection = json!({ "durable": NOTIFICATIONS.name });
        let entry = self.begin(Action::ResumeConsumer, order, selection, 1).await?;
        control::resume(&self.nats, NOTIFICATIONS).await?;
        Ok(self.end(entry, 1).await?)
    }
}
