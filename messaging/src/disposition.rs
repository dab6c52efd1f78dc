//! What a handler says of a message, and what it says when it cannot work at all.

use std::{error::Error, fmt, time::Duration};

/// What is to become of one message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Disposition {
    /// The work is durable: acknowledge.
    Done,
    /// Not now. Tried again by the retry policy, and not sooner than this.
    Retry {
        /// The least time to wait; zero where the handler has no opinion.
        after: Duration,
        /// For operators, kept with the message.
        error: String,
    },
    /// Never. Goes to the dead letters.
    Reject {
        /// The class, by which operators group dead letters.
        reason: DeadLetterReason,
        /// For operators, kept with the message.
        error: String,
    },
}

/// Why a message is a dead letter; the last token of its subject and its `Dlq-Reason`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DeadLetterReason {
    /// The bytes are no event.
    Malformed,
    /// An event of a type or version that this build does not know.
    Unsupported,
    /// Another event with the same id was seen before.
    Conflicting,
    /// Every attempt that the policy allows has failed.
    AttemptsExhausted,
    /// Delivered again and again without an attempt being recorded.
    DeliveredTooOften,
}

impl DeadLetterReason {
    /// Every reason there is.
    pub const ALL: [Self; 5] =
        [Self::Malformed, Self::Unsupported, Self::Conflicting, Self::AttemptsExhausted, Self::DeliveredTooOften];

    /// The reason as one token of a subject.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::Unsupported => "unsupported",
            Self::Conflicting => "conflicting",
            Self::AttemptsExhausted => "attempts_exhausted",
            Self::DeliveredTooOften => "delivered_too_often",
        }
    }
}

impl fmt::Display for DeadLetterReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Something outside that every message needs is away, such as the database. No message is to blame: the consumer pauses
/// and hands the same messages in again, and no attempt is counted.
#[derive(Debug, thiserror::Error)]
#[error("the handler cannot work at present")]
pub struct Outage(#[source] Box<dyn Error + Send + Sync>);

impl Outage {
    /// The outage that this error stands for.
    pub fn new(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self(error.into())
    }
}
