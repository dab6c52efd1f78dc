//! The kinds of problems that every service has. A service defines its own beside them, in its `problem.rs`.
//!
//! Each kind is explained where it is defined; the page `/problems/<code>` and the OpenAPI document are made of that.

use axum::http::StatusCode;
use serde::{Serialize, Serializer};

/// What kind of thing went wrong: what callers branch on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProblemKind {
    /// Stable, snake case.
    pub code: &'static str,
    pub title: &'static str,
    pub status: StatusCode,
    /// Whether the same request may succeed later.
    pub retryable: bool,
    /// What its page says.
    pub explanation: &'static Explanation,
}

/// A kind of problem in words. They may have `code` in them, and nothing else that is not text.
#[derive(Debug, PartialEq, Eq)]
pub struct Explanation {
    /// Why a request meets it: a sentence or two.
    pub meaning: &'static str,
    /// What the caller does about it.
    pub remedy: &'static str,
}

impl ProblemKind {
    pub const MALFORMED: Self = Self::refusal("malformed", "Malformed request", StatusCode::BAD_REQUEST).explained(&Explanation { meaning: "The request cannot be read: its JSON, a field, a query parameter, its cursor or its idempotency key.", remedy: "Correct what `detail` says and, where there are `errors`, every field that they point to." });
    pub const UNAUTHENTICATED: Self =
        Self::refusal("unauthenticated", "Not authenticated", StatusCode::UNAUTHORIZED).explained(&Explanation { meaning: "There is no bearer token, or not one that this service believes: unknown key, wrong issuer or audience, expired.", remedy: "Get a new token and send it as `Authorization: Bearer …`." });
    pub const FORBIDDEN: Self =
        Self::refusal("forbidden", "Not allowed", StatusCode::FORBIDDEN).explained(&Explanation {
            meaning: "The token is good and lacks the scope that this needs; `scope` names it.",
            remedy: "Ask for a token with that scope.",
        });
    /// Also for what exists and is not the caller's.
    pub const NOT_FOUND: Self =
        Self::refusal("not_found", "Not found", StatusCode::NOT_FOUND).explained(&Explanation {
            meaning: "There is no such thing, or it is not the caller's to see: nobody can tell which.",
            remedy: "Check the id, and whose token the request carries.",
        });
    pub const METHOD_NOT_ALLOWED: Self =
        Self::refusal("method_not_allowed", "Method not allowed", StatusCode::METHOD_NOT_ALLOWED).explained(
            &Explanation {
                meaning: "The path exists, and this method does not apply to it.",
                remedy: "Use one of the methods in the header `Allow`.",
            },
        );
    pub const PAYLOAD_TOO_LARGE: Self =
        Self::refusal("payload_too_large", "Payload too large", StatusCode::PAYLOAD_TOO_LARGE).explained(
            &Explanation { meaning: "The body is larger than this operation accepts.", remedy: "Send less at once." },
        );
    pub const UNSUPPORTED_MEDIA_TYPE: Self =
        Self::refusal("unsupported_media_type", "Unsupported media type", StatusCode::UNSUPPORTED_MEDIA_TYPE)
            .explained(&Explanation {
                meaning: "The body is not declared to be JSON.",
                remedy: "Send `Content-Type: application/json`.",
            });
    pub const IDEMPOTENCY_KEY_REUSED: Self = Self::refusal(
        "idempotency_key_reused",
        "Idempotency key reused",
        StatusCode::UNPROCESSABLE_ENTITY,
    )
    .explained(&Explanation {
        meaning: "Another request was answered under this key before; `first` names what it made, if it made anything.",
        remedy: "Use one key for each change that is wanted, and the same key only to repeat the same request.",
    });
    pub const RATE_LIMITED: Self = Self::retryable("rate_limited", "Too many requests", StatusCode::TOO_MANY_REQUESTS)
        .explained(&Explanation {
            meaning: "The caller has sent more requests than it may.",
            remedy: "Wait as long as `Retry-After` says, then send the same request with the same key.",
        });
    pub const OVERLOADED: Self = Self::retryable("overloaded", "Overloaded", StatusCode::SERVICE_UNAVAILABLE)
        .explained(&Explanation {
            meaning: "Too much waits to be done. Nothing was changed.",
            remedy: "Wait as long as `Retry-After` says, then send the same request with the same key.",
        });
    pub const UNAVAILABLE: Self = Self::retryable("unavailable", "Unavailable", StatusCode::SERVICE_UNAVAILABLE)
        .explained(&Explanation {
            meaning: "Something that the answer needs is away for now. Nothing was changed.",
            remedy: "Wait as long as `Retry-After` says, then send the same request with the same key.",
        });
    /// It may have happened; repeating it under the same idempotency key tells.
    pub const OUTCOME_UNKNOWN: Self =
        Self::retryable("outcome_unknown", "Outcome unknown", StatusCode::SERVICE_UNAVAILABLE).explained(&Explanation { meaning: "The connection to the database was lost, or the time limit met, while the change was being committed. It may have been made.", remedy: "Send the same request with the same key: the answer tells whether it was made, and makes it if not." });
    pub const INTERNAL: Self = Self::refusal("internal", "Internal error", StatusCode::INTERNAL_SERVER_ERROR)
        .explained(&Explanation {
            meaning: "Something failed on our side; the cause is in our log under the `request_id`.",
            remedy: "Tell the operators the `request_id`.",
        });

    /// Those above: every service may answer with each.
    pub const COMMON: [Self; 13] = [
        Self::MALFORMED,
        Self::UNAUTHENTICATED,
        Self::FORBIDDEN,
        Self::NOT_FOUND,
        Self::METHOD_NOT_ALLOWED,
        Self::PAYLOAD_TOO_LARGE,
        Self::UNSUPPORTED_MEDIA_TYPE,
        Self::IDEMPOTENCY_KEY_REUSED,
        Self::RATE_LIMITED,
        Self::OVERLOADED,
        Self::UNAVAILABLE,
        Self::OUTCOME_UNKNOWN,
        Self::INTERNAL,
    ];

    /// A kind that stays refused however often it is tried.
    #[must_use]
    pub const fn refusal(code: &'static str, title: &'static str, status: StatusCode) -> Self {
        Self { code, title, status, retryable: false, explanation: &Explanation { meaning: "", remedy: "" } }
    }

    /// A kind that may succeed later.
    #[must_use]
    pub const fn retryable(code: &'static str, title: &'static str, status: StatusCode) -> Self {
        Self { retryable: true, ..Self::refusal(code, title, status) }
    }

    /// The same with what its page says.
    #[must_use]
    pub const fn explained(self, explanation: &'static Explanation) -> Self {
        Self { explanation, ..self }
    }

    /// The kind of an error status that the framework answered by itself.
    pub(super) fn of_status(status: StatusCode) -> Self {
        match status {
            StatusCode::UNAUTHORIZED => Self::UNAUTHENTICATED,
            StatusCode::FORBIDDEN => Self::FORBIDDEN,
            StatusCode::NOT_FOUND => Self::NOT_FOUND,
            StatusCode::METHOD_NOT_ALLOWED => Self::METHOD_NOT_ALLOWED,
            StatusCode::PAYLOAD_TOO_LARGE => Self::PAYLOAD_TOO_LARGE,
            StatusCode::UNSUPPORTED_MEDIA_TYPE => Self::UNSUPPORTED_MEDIA_TYPE,
            StatusCode::TOO_MANY_REQUESTS => Self::RATE_LIMITED,
            StatusCode::SERVICE_UNAVAILABLE => Self::UNAVAILABLE,
            other if other.is_client_error() => Self::MALFORMED,
            _ => Self::INTERNAL,
        }
    }
}

/// Its code, so that a route can list its problems: `("x-problems" = json!([problem::SAME_ACCOUNT]))`.
impl Serialize for ProblemKind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.code)
    }
}
