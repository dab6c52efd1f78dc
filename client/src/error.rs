//! What can go wrong, from the caller's side.

use std::time::Duration;

use serde::Deserialize;

use super::ProblemCode;

/// A request without the wanted answer.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The service answered with a problem.
    #[error("{} ({}): {}", .0.title, .0.code, .0.detail)]
    Problem(Box<Problem>),
    /// There was no answer; whether anything happened is unknown.
    #[error("no answer")]
    NoAnswer(#[source] reqwest::Error),
    /// A stream broke off: go on after the last that it told.
    #[error("the stream broke off")]
    Interrupted(#[source] sse_stream::Error),
    /// An answer that this client does not understand.
    #[error("an answer with status {status} that cannot be read")]
    Unreadable { status: u16, source: serde_json::Error },
}

impl Error {
    /// Whether the same request, with the same key, may be sent again.
    #[must_use]
    pub fn may_retry(&self) -> bool {
        match self {
            Self::Problem(problem) => problem.retryable,
            Self::NoAnswer(_) | Self::Interrupted(_) => true,
            Self::Unreadable { .. } => false,
        }
    }

    /// How long the service asks to wait before the next attempt.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Problem(problem) => problem.retry_after,
            Self::NoAnswer(_) | Self::Interrupted(_) | Self::Unreadable { .. } => None,
        }
    }

    /// The stable code of the problem, where there is one.
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        match self {
            Self::Problem(problem) => Some(&problem.code),
            Self::NoAnswer(_) | Self::Interrupted(_) | Self::Unreadable { .. } => None,
        }
    }
}

/// A problem in the terms of RFC 9457.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Problem {
    pub r#type: String,
    pub title: String,
    pub status: u16,
    /// Stable; what a program decides by.
    pub code: String,
    pub detail: String,
    pub request_id: String,
    pub retryable: bool,
    #[serde(default)]
    pub errors: Vec<FieldProblem>,
    /// The header `Retry-After`.
    #[serde(skip)]
    pub retry_after: Option<Duration>,
    /// What the problem says besides, such as `available` and `required`.
    #[serde(flatten)]
    pub members: serde_json::Map<String, serde_json::Value>,
}

impl Problem {
    /// The code, to match on.
    #[must_use]
    pub fn kind(&self) -> ProblemCode {
        ProblemCode::of(&self.code)
    }
}

/// What is wrong with one field.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct FieldProblem {
    /// RFC 6901, such as `/amount`.
    pub pointer: String,
    pub code: String,
    pub detail: String,
}
