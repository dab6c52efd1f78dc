//! From failures to problems. The cause goes to the log, never to the caller.

use axum::http::StatusCode;
use service_kit::{
    http::{Problem, ProblemKind},
    telemetry::chain,
};

use crate::{intake::IntakeError, store::error::StoreError};

pub(super) const RETRY_AFTER_SECONDS: u32 = 1;

/// Other bytes were ingested before under the id of this event.
pub(super) const EVENT_CONFLICT: ProblemKind =
    ProblemKind::refusal("event_conflict", "Event conflict", StatusCode::CONFLICT);
/// An event of a version or type from the future: the sender may try again once this service is newer.
pub(super) const UNSUPPORTED_EVENT: ProblemKind =
    ProblemKind::refusal("unsupported_event", "Unsupported event", StatusCode::UNPROCESSABLE_ENTITY);
/// An event that cannot be stored, ever.
pub(super) const REFUSED_EVENT: ProblemKind =
    ProblemKind::refusal("refused_event", "Refused event", StatusCode::UNPROCESSABLE_ENTITY);

/// What is asked for does not go with how things are.
pub(super) const INVALID_STATE: ProblemKind =
    ProblemKind::refusal("invalid_state", "Invalid state", StatusCode::CONFLICT);

/// What is missing, not an id at all, or somebody else's: nobody can tell which.
pub(super) fn not_found() -> Problem {
    Problem::new(ProblemKind::NOT_FOUND, "There is nothing here that you may read.")
}

/// For `map_err` on the store.
pub(super) fn store(error: StoreError) -> Problem {
    match error {
        StoreError::Unavailable(_) => {
            tracing::warn!(cause = chain(&error), "The store failed for now.");
            Problem::new(ProblemKind::UNAVAILABLE, "The database is unavailable.").retry_after(RETRY_AFTER_SECONDS)
        }
        StoreError::Refused(_) | StoreError::Corrupt { .. } => {
            tracing::error!(cause = chain(&error), "The store failed.");
            Problem::new(ProblemKind::INTERNAL, "Something failed on our side.")
        }
    }
}

/// For `map_err` on the intake. The cause is logged there.
pub(super) fn intake(error: IntakeError) -> Problem {
    let problem = match error {
        IntakeError::Overloaded => Problem::new(ProblemKind::OVERLOADED, "Too many events wait."),
        IntakeError::Unavailable => Problem::new(ProblemKind::UNAVAILABLE, "The event cannot be stored at present."),
    };
    problem.retry_after(RETRY_AFTER_SECONDS)
}
