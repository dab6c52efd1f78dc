//! From answers to responses: the writer's, which are bytes, and resources of our own.

use axum::{
    Json,
    body::Body,
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use service_kit::http::PROBLEM_JSON;

use crate::writer::Answer;

const IDEMPOTENT_REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");
const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// The stored bytes, as they went out the first time.
impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        let status = u16::try_from(self.content.status).ok().and_then(|status| StatusCode::from_u16(status).ok());
        let status = status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = Response::new(Body::from(self.content.body));
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, if status.is_success() { JSON } else { PROBLEM_JSON });
        for (name, value) in [(header::LOCATION, self.content.location), (header::ETAG, self.content.etag)] {
            if let Some(value) = value.and_then(|value| HeaderValue::from_str(&value).ok()) {
                headers.insert(name, value);
            }
        }
        if self.replayed {
            headers.insert(IDEMPOTENT_REPLAYED, HeaderValue::from_static("true"));
        }
        response
    }
}

/// A resource that was made, and where it is.
#[derive(Debug)]
pub(super) struct Created<T> {
    pub(super) location: String,
    pub(super) body: T,
}

impl<T: Serialize> IntoResponse for Created<T> {
    fn into_response(self) -> Response {
        (StatusCode::CREATED, [(header::LOCATION, self.location)], Json(self.body)).into_response()
    }
}

/// Something that is going to be done.
#[derive(Debug)]
pub(super) struct Accepted<T>(pub(super) T);

impl<T: Serialize> IntoResponse for Accepted<T> {
    fn into_response(self) -> Response {
        (StatusCode::ACCEPTED, Json(self.0)).into_response()
    }
}
