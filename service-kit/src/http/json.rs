//! The body of a request, as bytes or as a wire struct.

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse;
use serde::de::{self, DeserializeOwned};
use serde_json::Value;

use super::problem::Problem;
use super::problem_kind::ProblemKind;
use super::value::{UNKNOWN_FIELD, from_value};

/// The bytes of a body within the body limit, as they came.
#[derive(Debug, Clone)]
pub struct RawBody(pub Bytes);

impl<S: Send + Sync> FromRequest<S> for RawBody {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let body = Bytes::from_request(request, state).await;
        body.map(Self).map_err(|rejection| match rejection.into_response().status() {
            StatusCode::PAYLOAD_TOO_LARGE => {
                Problem::new(ProblemKind::PAYLOAD_TOO_LARGE, "The body is larger than this operation accepts.")
            }
            _ => Problem::new(ProblemKind::MALFORMED, "The body ended early."),
        })
    }
}

/// A JSON body, of `Content-Type: application/json` and within the body limit.
///
/// Wire structs have `deny_unknown_fields` and a [`Field`](super::Field) for each member, so that the only things that
/// can fail here are those about the body as a whole.
#[derive(Debug, Clone, Copy)]
pub struct JsonBody<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for JsonBody<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        if !is_json(request.headers()) {
            return Err(not_json());
        }
        let RawBody(body) = RawBody::from_request(request, state).await?;
        read(&body).map(Self)
    }
}

/// The same of an operation that needs nothing to be said: without a body it is the default.
#[derive(Debug, Clone, Copy)]
pub struct OptionalJsonBody<T>(pub T);

impl<T: DeserializeOwned + Default, S: Send + Sync> FromRequest<S> for OptionalJsonBody<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let is_json = is_json(request.headers());
        let RawBody(body) = RawBody::from_request(request, state).await?;
        match (body.is_empty(), is_json) {
            (true, _) => Ok(Self(T::default())),
            (false, true) => read(&body).map(Self),
            (false, false) => Err(not_json()),
        }
    }
}

fn not_json() -> Problem {
    let detail = "The body has to be of Content-Type application/json.";
    Problem::new(ProblemKind::UNSUPPORTED_MEDIA_TYPE, detail)
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
    parse(body).map_err(|error| explain::<T>(body, &error))
}

fn is_json(headers: &HeaderMap) -> bool {
    let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    content_type
        .and_then(|text| text.split(';').next())
        .is_some_and(|essence| essence.trim().eq_ignore_ascii_case("application/json"))
}

/// An object: serde would also take an array for a struct's fields in order.
fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, serde_json::Error> {
    match body.trim_ascii_start().first() {
        Some(b'{') => serde_json::from_slice(body),
        _ => Err(de::Error::custom("expected an object")),
    }
}

/// Reads a refused body again, slowly, to say what is wrong where.
fn explain<T: DeserializeOwned>(body: &[u8], error: &serde_json::Error) -> Problem {
    let mut problems = Vec::new();
    if let Ok(mut value) = serde_json::from_slice::<Value>(body) {
        // Serde stops at the first field that it does not know: each is named, taken out, and the rest read again.
        while let Err(problem) = from_value::<T>(value.clone()) {
            let unknown = problem.pointer.strip_prefix('/').filter(|_| problem.code == UNKNOWN_FIELD);
            let removed = unknown.and_then(|name| value.as_object_mut()?.remove(name));
            problems.push(problem);
            if removed.is_none() {
                break;
            }
        }
    }
    if !problems.is_empty() {
        return Problem::new(ProblemKind::MALFORMED, "Some fields of the body were refused.").with_errors(problems);
    }
    Problem::new(ProblemKind::MALFORMED, format!("The body is not the expected JSON: {error}."))
}
