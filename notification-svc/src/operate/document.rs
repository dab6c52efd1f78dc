//! Dead letters as operators are shown them, by both interfaces.

use base64::{Engine, engine::general_purpose::STANDARD};
use contract::timestamp;
use messaging::StoredDeadLetter;
use serde::Serialize;
use serde_json::Value;
use time::OffsetDateTime;

/// A message that a consumer gave up on.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
#[schema(as = DeadLetter, examples(json!({
    "id": 7, "consumer": "notifications", "reason": "unsupported", "error": "version 2 of its data is not known",
    "attempts": 1, "event_id": contract::example::event_id(), "subject": "transactions.v1.transaction.posted",
    "stream": "TRANSACTIONS", "stream_sequence": 41, "first_failed_at": "2026-11-23T06:15:38.000000Z",
    "died_at": "2026-11-23T06:15:38.000000Z", "version": "0.1.0", "history": []
})))]
pub struct DeadLetterDocument {
    pub id: u64,
    pub consumer: String,
    /// The class: `malformed`, `unsupported`, `conflicting`, `attempts_exhausted` or `delivered_too_often`.
    pub reason: String,
    /// What went wrong, in words.
    pub error: Option<String>,
    /// How often the consumer has tried.
    pub attempts: Option<u64>,
    /// `Nats-Msg-Id`, which is the id of the event.
    pub event_id: Option<String>,
    /// Where it comes from.
    pub subject: Option<String>,
    pub stream: Option<String>,
    pub stream_sequence: Option<u64>,
    pub first_failed_at: Option<String>,
    #[serde(with = "timestamp")]
    #[schema(value_type = String, format = DateTime)]
    pub died_at: OffsetDateTime,
    /// Of the program that gave up.
    pub version: Option<String>,
    /// A line for each time that it was handed to its consumer again, the oldest first.
    pub history: Vec<String>,
    #[serde(flatten)]
    pub body: Option<Body>,
}

/// The bytes of the message; left out of lists.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct Body {
    /// `null` where the bytes are no JSON.
    pub event: Option<Value>,
    pub body_base64: String,
}

impl DeadLetterDocument {
    /// Without the bytes of the message.
    #[must_use]
    pub fn entry(letter: &StoredDeadLetter) -> Self {
        let note = |name| letter.note(name).map(ToOwned::to_owned);
        let number = |name| letter.note(name).and_then(|text| text.parse().ok());
        Self {
            id: letter.id,
            consumer: letter.consumer.clone(),
            reason: letter.reason.clone(),
            error: note("Dlq-Error"),
            attempts: number("Dlq-Attempts"),
            event_id: letter.message_id().map(ToOwned::to_owned),
            subject: note("Dlq-Subject"),
            stream: note("Dlq-Stream"),
            stream_sequence: number("Dlq-Sequence"),
            first_failed_at: note("Dlq-First-Failed"),
            died_at: letter.died,
            version: note("Dlq-Version"),
            history: letter.history().map(ToOwned::to_owned).collect(),
            body: None,
        }
    }

    /// With the bytes of the message.
    #[must_use]
    pub fn whole(letter: &StoredDeadLetter) -> Self {
        let body =
            Body { event: serde_json::from_slice(&letter.body).ok(), body_base64: STANDARD.encode(&letter.body) };
        Self { body: Some(body), ..Self::entry(letter) }
    }
}
