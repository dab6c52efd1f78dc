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

use super::problem_kind::ProblemKind;
use super::request_id::RequestId;

/// The media type of a problem.
pub const PROBLEM_JSON: HeaderValue = HeaderValue::from_static("application/problem+json");

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
    errors: Box<[FieldProblem]>,
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
        Self { kind, detail: detail.into(), errors: Box::default(), members: Map::new(), retry_after_seconds: None }
    }

    /// All refused fields, not the first.
    #[must_use]
    pub fn with_errors(mut self, errors: Vec<FieldProblem>) -> Self {
        self.errors = errors.into();
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
