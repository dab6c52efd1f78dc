//! What operators do to the queues of the notification service. It needs `ops:read`, and `ops:replay` to change something.

use contract::timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use time::OffsetDateTime;

use super::{Error, Page, Transport};

/// The operators' part of notification-svc.
#[derive(Debug, Clone)]
pub struct Operations(pub Transport);

/// A message that a consumer gave up on.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct DeadLetter {
    pub id: u64,
    pub consumer: String,
    /// The class of what went wrong.
    pub reason: String,
    pub error: Option<String>,
    pub attempts: Option<u64>,
    pub event_id: Option<String>,
    #[serde(with = "timestamp")]
    pub died_at: OffsetDateTime,
    /// A line for each time that it was handed to its consumer again, the oldest first.
    pub history: Vec<String>,
    /// The message, unless it is no JSON; absent in lists.
    pub event: Option<Value>,
}

/// How many there are of one consumer and reason.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct DeadLetterCount {
    pub consumer: String,
    pub reason: String,
    pub count: u64,
}

/// All counts.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct DeadLetterCounts {
    pub data: Vec<DeadLetterCount>,
}

/// Which dead letters to treat, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DeadLetterSelection {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub consumer: Option<String>,
    /// Only those set aside for this reason.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub only: Option<String>,
    /// For the audit: 1 to 500 characters.
    pub reason: String,
}

/// How many dead letters were to be treated, and were.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub struct DeadLettersTreated {
    pub planned: u64,
    pub done: u64,
}

/// One entry of the audit.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Operation {
    pub id: i64,
    pub action: String,
    pub operator: String,
    pub reason: String,
    pub selection: Value,
    pub planned: i64,
    pub done: i64,
    #[serde(with = "timestamp")]
    pub started_at: OffsetDateTime,
    #[serde(with = "timestamp::option")]
    pub finished_at: Option<OffsetDateTime>,
}

#[derive(Serialize)]
struct Reason<'a> {
    reason: &'a str,
}

impl Operations {
    /// The oldest first, without their bytes.
    ///
    /// # Errors
    /// [`Error`]
    pub async fn dead_letters(&self, cursor: Option<&str>) -> Result<Page<DeadLetter>, Error> {
        self.0.get("/v1/dead-letters", &[("cursor", cursor)]).await
    }

    /// # Errors
    /// [`Error`]
    pub async fn dead_letter_counts(&self) -> Result<DeadLetterCounts, Error> {
        self.0.get("/v1/dead-letters/counts", &()).await
    }

    /// # Errors
    /// [`Error`]
    pub async fn dead_letter(&self, id: u64) -> Result<DeadLetter, Error> {
        self.0.get(&format!("/v1/dead-letters/{id}"), &()).await
    }

    /// Hands the oldest 500 of those selected to their consumers again.
    ///
    /// # Errors
    /// [`Error`]
    pub async fn redrive_all(&self, selection: &DeadLetterSelection) -> Result<DeadLettersTreated, Error> {
        self.0.order("/v1/dead-letters/redrive", selection).await
    }

    /// Removes the oldest 500 of those selected for good.
    ///
    /// # Errors
    /// [`Error`]
    pub async fn discard_all(&self, selection: &DeadLetterSelection) -> Result<DeadLettersTreated, Error> {
        self.0.order("/v1/dead-letters/discard", selection).await
    }

    /// Hands one to its consumer again.
    ///
    /// # Errors
    /// [`Error`]
    pub async fn redrive(&self, id: u64, reason: &str) -> Result<DeadLettersTreated, Error> {
        self.0.order(&format!("/v1/dead-letters/{id}/redrive"), &Reason { reason }).await
    }

    /// Removes one for good.
    ///
    /// # Errors
    /// [`Error`]
    pub async fn discard(&self, id: u64, reason: &str) -> Result<DeadLettersTreated, Error> {
        self.0.order(&format!("/v1/dead-letters/{id}/discard"), &Reason { reason }).await
    }

    /// The audit of what operators did, the newest first.
    ///
    /// # Errors
    /// [`Error`]
    pub async fn audit(&self, cursor: Option<&str>) -> Result<Page<Operation>, Error> {
        self.0.get("/v1/operations", &[("cursor", cursor)]).await
    }
}
