//! The two ways of an event from the ledger to its parties, and when each of them brought it: JetStream, as the consumer
//! there says, and the signed webhook, as the ledger's record of deliveries says.

use anyhow::{Context, ensure};
use async_nats::jetstream;
use contract::transaction::Transaction;
use contract::webhook::AttemptOutcome;
use contract::{EventId, EventKind, WebhookEndpointId};
use integration::people::Person;
use integration::stack::platform::Platform;
use messaging::topology::NOTIFICATIONS;
use messaging::{NatsConfig, Role, Subject};
use time::OffsetDateTime;
use tokio::try_join;

/// What notification-svc answers to a webhook whose event it did not know.
const TAKEN_AS_NEW: i16 = 202;

/// Who looks at both ways: the back office, and an operator at NATS.
pub(crate) struct Ways {
    office: Person,
    own_endpoint: WebhookEndpointId,
    jetstream: jetstream::Context,
}

/// When an event was brought: acknowledged to JetStream, and answered as a webhook.
pub(crate) struct Brought {
    pub(crate) over_jetstream: OffsetDateTime,
    pub(crate) by_webhook: OffsetDateTime,
    pub(crate) webhook_was_first: bool,
}

impl Ways {
    pub(crate) async fn watch(platform: &Platform, office: Person) -> anyhow::Result<Self> {
        let endpoints = office.ledger.webhook_endpoints(None).await?.data;
        let own = endpoints.into_iter().find(|endpoint| endpoint.configured);
        let own_endpoint = own.context("the ledger sends no webhooks to notification-svc")?.id;
        let nats = &platform.backing.nats;
        let login = nats.login(Role::Operator);
        let config = NatsConfig { url: nats.url.to_string(), user: login.user, password: login.password.into() };
        let client = messaging::connect(&config, Role::Operator, "platform run").await?;
        Ok(Self { office, own_endpoint, jetstream: jetstream::new(client) })
    }

    /// Looks once.
    ///
    /// # Errors
    /// As long as the payment's event was not brought over both ways.
    pub(crate) async fn brought(&self, payment: &Transaction, event: EventId) -> anyhow::Result<Brought> {
        let (over_jetstream, (by_webhook, status)) =
            try_join!(self.acknowledged(payment, event), self.answered(event))?;
        Ok(Brought { over_jetstream, by_webhook, webhook_was_first: status == Some(TAKEN_AS_NEW) })
    }

    /// When notification-svc acknowledged everything up to this event.
    async fn acknowledged(&self, payment: &Transaction, event: EventId) -> anyhow::Result<OffsetDateTime> {
        let stream = self.jetstream.get_stream_no_info(NOTIFICATIONS.stream).await?;
        let subject = Subject::of(EventKind::TransactionPosted, payment.source.uuid());
        let newest = stream.get_last_raw_message_by_subject(subject.as_str()).await?;
        let id = newest.headers.get(async_nats::header::NATS_MESSAGE_ID);
        ensure!(id.is_some_and(|id| id.as_str() == event.to_string()), "the event is not in the stream");
        let durable = stream.consumer_info(NOTIFICATIONS.name).await?;
        ensure!(durable.ack_floor.stream_sequence >= newest.sequence, "the event is not acknowledged");
        durable.ack_floor.last_active.context("the consumer has acknowledged nothing")
    }

    /// When notification-svc answered the webhook with this event, and how.
    async fn answered(&self, event: EventId) -> anyhow::Result<(OffsetDateTime, Option<i16>)> {
        let newest = self.office.ledger.deliveries(self.own_endpoint, None).await?.data;
        let delivery = newest.into_iter().find(|delivery| delivery.event_id == event);
        let mut attempts = delivery.context("the event is not on its way as a webhook")?.attempts.into_iter();
        let attempt = attempts.find(|attempt| attempt.outcome == AttemptOutcome::Delivered);
        let attempt = attempt.context("the webhook is not delivered")?;
        Ok((attempt.finished_at.context("a delivered webhook has its time")?, attempt.response_status))
    }
}
