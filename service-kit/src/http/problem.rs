//! RFC 9457: the one shape in which anything fails.
//!
//! A problem says what the caller can do about it and never what caused it inside; that goes to the log. Handlers return
//! a [`Problem`]; the edge writes it out, because only the edge knows the request's id for certain. Answers that are
//! stored are written out with [`Problem::to_bytes`] instead, once, and are the same bytes for ever.

use std::borrow::Cow;

use axum::body::Body;
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::request_id::RequestId;

/// The media type of a problem.
pub const PROBLEM_JSON: HeaderValue = HeaderValue::from_static("application/problem+json");

/// What kind of thing went wrong: what callers branch on. Services define their own beside the ones of every service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProblemKind {
    /// Stable, snake case.
    pub code: &'static str,
    pub title: &'static str,
    pub status: StatusCode,
    /// Whether the same request may succeed later.
    pub retryable: bool,
}

impl ProblemKind {
    pub const MALFORMED: Self = Self::refusal("malformed", "Malformed request", StatusCode::BAD_REQUEST);
    pub const UNAUTHENTICATED: Self = Self::refusal("unauthenticated", "Not authenticated", StatusCode::UNAUTHORIZED);
    pub const FORBIDDEN: Self = Self::refusal("forbidden", "Not allowed", StatusCode::FORBIDDEN);
    /// Also for what exists and is not the caller's.
    pub const NOT_FOUND: Self = Self::refusal("not_found", "Not found", StatusCode::NOT_FOUND);
    pub const METHOD_NOT_ALLOWED: Self =
        Self::refusal("method_not_allowed", "Method not allowed", StatusCode::METHOD_NOT_ALLOWED);
    pub const PAYLOAD_TOO_LARGE: Self =
        Self::refusal("payload_too_large", "Payload too large", StatusCode::PAYLOAD_TOO_LARGE);
    pub const UNSUPPORTED_MEDIA_TYPE: Self =
        Self::refusal("unsupported_media_type", "Unsupported media type", StatusCode::UNSUPPORTED_MEDIA_TYPE);
    pub const RATE_LIMITED: Self = Self::retryable("rate_limited", "Too many requests", StatusCode::TOO_MANY_REQUESTS);
    pub const OVERLOADED: Self = Self::retryable("overloaded", "Overloaded", StatusCode::SERVICE_UNAVAILABLE);
    pub const UNAVAILABLE: Self = Self::retryable("unavailable", "Unavailable", StatusCode::SERVICE_UNAVAILABLE);
    /// It may have happened; repeating it under the same idempotency key tells.
    pub const OUTCOME_UNKNOWN: Self =
        Self::retryable("outcome_unknown", "Outcome unknown", StatusCode::SERVICE_UNAVAILABLE);
    pub const INTERNAL: Self = Self::refusal("internal", "Internal error", StatusCode::INTERNAL_SERVER_ERROR);

    /// A kind that stays refused however often it is tried.
    #[must_use]
    pub const fn refusal(code: &'static str, title: &'static str, status: StatusCode) -> Self {
        Self { code, title, status, retryable: false }
    }

    /// A kind that may succeed later.
    #[must_use]
    pub const fn retryable(code: &'static str, title: &'static str, status: StatusCode) -> Self {
        Self { code, title, status, retryable: true }
    }

    /// The kind of an error status that the framework answered by itself.
    fn of_status(status: StatusCode) -> Self {
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

/// One field of the request that was refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct FieldProblem {
    /// RFC 6901, into the request's body; `""` is the whole body.
    pub pointer: String,
    #[schema(value_type = String)]
    pub code: Cow<'static, str>,
    pub detail: String,
}

/// A failure on its way to the caller.
#[derive(Debug, Clone, PartialEq)]
pub struct Problem {
    pub kind: ProblemKind,
    detail: Cow<'static, str>,
    errors: Vec<FieldProblem>,
    members: Map<String, Value>,
    retry_after_seconds: Option<u32>,
}

/// A problem as it is sent.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Problem)]
pub struct ProblemDocument<'a> {
    /// `/problems/<code>`, relative to the API.
    r#type: String,
    title: &'a str,
    status: u16,
    code: &'a str,
    detail: &'a str,
    request_id: &'a str,
    retryable: bool,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    errors: &'a [FieldProblem],
    /// Machine-readable facts that belong to the code.
    #[serde(flatten)]
    members: &'a Map<String, Value>,
}

impl Problem {
    /// `detail` is a sentence for the caller about this occurrence.
    #[must_use]
    pub fn new(kind: ProblemKind, detail: impl Into<Cow<'static, str>>) -> Self {
        Self { kind, detail: detail.into(), errors: Vec::new(), members: Map::new(), retry_after_seconds: None }
    }

    /// All refused fields, not the first.
    #[must_use]
    pub fn with_errors(mut self, errors: Vec<FieldProblem>) -> Self {
        self.errors = errors;
        self
    }

    /// A machine-readable fact that belongs to the code, such as `available`.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<Value>) -> Self {
        self.members.insert(name.to_owned(), value.into());
        self
    }

    /// When it is worth trying again.
    #[must_use]
    pub fn retry_after(mut self, seconds: u32) -> Self {
        self.retry_after_seconds = Some(seconds);
        self
    }

    /// The body, as it is sent and stored.
    #[must_use]
    pub fn to_bytes(&self, request_id: &RequestId) -> Bytes {
        let document = ProblemDocument {
            r#type: format!("/problems/{}", self.kind.code),
            title: self.kind.title,
            status: self.kind.status.as_u16(),
            code: self.kind.code,
            detail: &self.detail,
            request_id: request_id.as_str(),
            retryable: self.kind.retryable,
            errors: &self.errors,
            members: &self.members,
        };
        serde_json::to_vec(&document).expect("a problem consists of what JSON can hold").into()
    }

    /// For an error status that the framework answered by itself.
    fn of_framework(status: StatusCode) -> Self {
        let kind = ProblemKind::of_status(status);
        let detail = match kind {
            ProblemKind::NOT_FOUND => "There is nothing at this path.",
            ProblemKind::METHOD_NOT_ALLOWED => "The path exists, and this method does not apply to it.",
            ProblemKind::PAYLOAD_TOO_LARGE => "The body is larger than this operation accepts.",
            ProblemKind::INTERNAL => "Something failed on our side.",
            _ => "The request was refused.",
        };
        Self::new(kind, detail)
    }
}

impl IntoResponse for Problem {
    /// Status and headers; the edge adds the body.
    fn into_response(self) -> Response {
        let mut response = self.kind.status.into_response();
        if self.kind.status == StatusCode::UNAUTHORIZED {
            let scheme = HeaderValue::from_static("Bearer");
            response.headers_mut().insert(WWW_AUTHENTICATE, scheme);
        }
        if let Some(seconds) = self.retry_after_seconds {
            response.headers_mut().insert(RETRY_AFTER, seconds.into());
        }
        response.extensions_mut().insert(self);
        response
    }
}

/// Gives every failing response a problem for its body: the handler's, or one for what the framework answered by
/// itself. Other headers stay (`Allow`, `Retry-After`).
pub(super) fn write_out(mut response: Response, request_id: &RequestId) -> Response {
    let failed = response.status().is_client_error() || response.status().is_server_error();
    if !failed || is_problem_json(response.headers()) {
        return response;
    }
    let status = response.status();
    let problem = response.extensions_mut().remove::<Problem>();
    let problem = problem.unwrap_or_else(|| Problem::of_framework(status));
    *response.status_mut() = problem.kind.status;
    *response.body_mut() = Body::from(problem.to_bytes(request_id));
    response.headers_mut().remove(CONTENT_LENGTH);
    response.headers_mut().insert(CONTENT_TYPE, PROBLEM_JSON);
    response
}

fn is_problem_json(headers: &HeaderMap) -> bool {
    headers.get(CONTENT_TYPE) == Some(&PROBLEM_JSON)
}
