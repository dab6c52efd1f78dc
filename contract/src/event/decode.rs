//! From bytes to an [`Event`], telling what is broken from what is merely newer than this reader.

use serde::{Deserialize, de::DeserializeOwned};
use serde_json::value::RawValue;
use time::OffsetDateTime;

use super::{DATA_VERSION, Event, EventData, EventKind, kind::Resource};
use crate::EventId;

/// The bytes are not an event that this reader understands.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    #[error("not a CloudEvent of the platform")]
    Envelope(#[source] serde_json::Error),
    #[error("a {kind} of version {version} is not supported by this reader")]
    Unsupported { kind: String, version: String },
    #[error("the data of the {kind} is malformed")]
    Data {
        kind: EventKind,
        #[source]
        source: serde_json::Error,
    },
}

#[derive(Deserialize)]
struct Envelope<'a> {
    id: EventId,
    r#type: String,
    dataversion: String,
    #[serde(with = "crate::timestamp")]
    time: OffsetDateTime,
    #[serde(default)]
    traceparent: Option<String>,
    #[serde(borrow)]
    data: &'a RawValue,
}

pub(super) fn decode(bytes: &[u8]) -> Result<Event, DecodeError> {
    let envelope: Envelope<'_> = serde_json::from_slice(bytes).map_err(DecodeError::Envelope)?;
    let kind = match envelope.r#type.parse::<EventKind>() {
        Ok(kind) if envelope.dataversion == DATA_VERSION => kind,
        _ => return Err(DecodeError::Unsupported { kind: envelope.r#type, version: envelope.dataversion }),
    };
    let data = match kind.resource() {
        Resource::Transaction => EventData::Transaction(data(kind, envelope.data)?),
        Resource::Account => EventData::Account(data(kind, envelope.data)?),
        Resource::WebhookEndpoint => EventData::WebhookEndpoint(data(kind, envelope.data)?),
    };
    Ok(Event { id: envelope.id, kind, time: envelope.time, traceparent: envelope.traceparent, data })
}

fn data<Data: DeserializeOwned>(kind: EventKind, raw: &RawValue) -> Result<Data, DecodeError> {
    serde_json::from_str(raw.get()).map_err(|source| DecodeError::Data { kind, source })
}
