//! What operators do, and its audit: `ops:read` to look, `ops:replay` to change.

mod audit;
mod dead_letters;
mod order;
mod replays;

use service_kit::http::{Problem, ProblemKind};
use service_kit::telemetry::chain;
use utoipa_axum::router::OpenApiRouter;

use super::{Api, error};
use crate::operate::OperateError;

pub(super) fn router() -> OpenApiRouter<Api> {
    OpenApiRouter::new().merge(dead_letters::router()).merge(replays::router()).merge(audit::router())
}

/// For `map_err` on operations.
pub(super) fn failed(failure: OperateError) -> Problem {
    match failure {
        OperateError::Store(failure) => error::store(failure),
        OperateError::DeadLetters(_) | OperateError::Consumer(_) => {
            tracing::warn!(cause = chain(&failure), "An operation failed for now.");
            Problem::new(ProblemKind::UNAVAILABLE, "The queues are unavailable.")
                .retry_after(error::RETRY_AFTER_SECONDS)
        }
    }
}
