//! Events: what happened in the ledger, as [CloudEvents 1.0](https://github.com/cloudevents/spec) in JSON structured mode.
//!
//! The bytes of an event are made once, by the writer of the ledger, and are the same in the journal, on JetStream and in
//! webhooks. Within a `dataversion` only optional fields are added; a new meaning is a new version. Readers ignore fields
//! they do not know, and set aside versions they do not know ([`DecodeError::Unsupported`]) instead of guessing. A golden
//! file of each version must decode for ever.

mod data;
mod decode;
mod kind;

use serde::Serialize;
use time::OffsetDateTime;

pub use data::{
    AccountData, AccountSnapshot, Actor, EventEffect, RefundSnapshot, TransactionData, TransactionSnapshot,
    WebhookEndpointData, WebhookEndpointSnapshot,
};
pub use decode::DecodeError;
pub use kind::{EventKind, Resource, UnknownEventKind};

use crate::EventId;

/// The `source` of every event of the ledger.
pub const SOURCE: &str = "transaction-svc";
/// The version of `data` that this crate writes.
pub const DATA_VERSION: &str = "1";

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    pub id: EventId,
    pub kind: EventKind,
    /// When it was decided; for one account, later events have later times.
    pub time: OffsetDateTime,
    /// The W3C trace context of the request that caused it.
    pub traceparent: Option<String>,
    pub data: EventData,
}

/// What an event says; the kind of the event decides which.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EventData {
    Transaction(TransactionData),
    Account(AccountData),
    WebhookEndpoint(WebhookEndpointData),
}

impl EventData {
    /// Every account that the event touched.
    #[must_use]
    pub fn effects(&self) -> &[EventEffect] {
        match self {
            Self::Transaction(data) => &data.effects,
            Self::Account(data) => &data.effects,
            Self::WebhookEndpoint(_) => &[],
        }
    }
}

#[derive(Serialize)]
struct Envelope<'a, Data> {
    specversion: &'static str,
    id: EventId,
    source: &'static str,
    r#type: EventKind,
    dataversion: &'static str,
    datacontenttype: &'static str,
    subject: String,
    #[serde(with = "crate::timestamp")]
    time: OffsetDateTime,
    #[serde(skip_serializing_if = "Option::is_none")]
    traceparent: Option<&'a str>,
    data: &'a Data,
}

impl Event {
    /// The bytes of the event, as journalled, published and sent.
    ///
    /// # Errors
    /// None in practice: nothing in an event can fail to serialize.
    pub fn encode(&self) -> Result<Vec<u8>, serde_json::Error> {
        match &self.data {
            EventData::Transaction(data) => self.encode_with(data.transaction.id.to_string(), data),
            EventData::Account(data) => self.encode_with(data.account.id.to_string(), data),
            EventData::WebhookEndpoint(data) => self.encode_with(data.webhook_endpoint.id.to_string(), data),
        }
    }

    fn encode_with<Data: Serialize>(&self, subject: String, data: &Data) -> Result<Vec<u8>, serde_json::Error> {
        serde_json::to_vec(&Envelope {
            specversion: "1.0",
            id: self.id,
            source: SOURCE,
            r#type: self.kind,
            dataversion: DATA_VERSION,
            datacontenttype: "application/json",
            subject,
            time: self.time,
            traceparent: self.traceparent.as_deref(),
            data,
        })
    }

    /// The event that these bytes are.
    ///
    /// # Errors
    /// [`DecodeError`], which says whether the bytes are no event at all or one of a version or type from the future.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        decode::decode(bytes)
    }
}
