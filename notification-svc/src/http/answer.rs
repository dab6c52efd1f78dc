//! From what became of an event to the answer of a webhook.

use axum::{
    http::StatusCode,
    response::{IntoResponse, Response},
};

/// An event that is taken care of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Received {
    /// Its notifications were made just now.
    New,
    /// It came before; there is nothing left to do.
    Known,
}

impl IntoResponse for Received {
    fn into_response(self) -> Response {
        let status = match self {
            Self::New => StatusCode::ACCEPTED,
            Self::Known => StatusCode::OK,
        };
        status.into_response()
    }
}
