//! A message as a handler sees it: plain data, whether it comes from the stream or from the parked retries.

use async_nats::{HeaderMap, header::NATS_MESSAGE_ID, jetstream};
use bytes::Bytes;
use time::OffsetDateTime;

use crate::trace_context;

/// One message for a handler.
#[derive(Debug, Clone)]
pub struct Delivery {
    /// The stream that holds it.
    pub stream: String,
    /// Its place in that stream.
    pub sequence: u64,
    pub subject: String,
    pub headers: HeaderMap,
    pub body: Bytes,
    /// When the stream stored it, by the server's clock.
    pub published: OffsetDateTime,
    /// Which attempt this is, from 1. An estimate as long as the stream delivers it, which counts its deliveries.
    pub attempt: u32,
}

impl Delivery {
    /// The id that the publisher gave the message, `Nats-Msg-Id`.
    #[must_use]
    pub fn message_id(&self) -> Option<&str> {
        self.headers.get(NATS_MESSAGE_ID).map(async_nats::HeaderValue::as_str)
    }

    /// The W3C trace context that the message came with, where it is well formed.
    #[must_use]
    pub fn traceparent(&self) -> Option<&str> {
        trace_context::read(&self.headers)
    }
}

/// A delivery and where its acknowledgement goes.
#[derive(Debug)]
pub(crate) struct Pulled {
    pub(crate) delivery: Delivery,
    pub(crate) acknowledge_to: async_nats::Subject,
}

/// The message did not come from a stream.
#[derive(Debug, thiserror::Error)]
#[error("a message on {subject} has no acknowledgement subject of JetStream")]
pub(crate) struct NotADelivery {
    subject: async_nats::Subject,
}

impl Pulled {
    pub(crate) fn read(message: jetstream::Message) -> Result<Self, NotADelivery> {
        let Ok(info) = message.info() else {
            return Err(NotADelivery { subject: message.message.subject });
        };
        let (stream, sequence, published) = (info.stream.to_owned(), info.stream_sequence, info.published);
        let attempt = u32::try_from(info.delivered).unwrap_or(u32::MAX);
        let async_nats::Message { subject, reply, payload, headers, .. } = message.message;
        let Some(acknowledge_to) = reply else {
            return Err(NotADelivery { subject });
        };
        let headers = headers.unwrap_or_default();
        let delivery =
            Delivery { stream, sequence, subject: subject.into_string(), headers, body: payload, published, attempt };
        Ok(Self { delivery, acknowledge_to })
    }
}
