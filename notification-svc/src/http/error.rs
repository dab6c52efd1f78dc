//! From failures to problems. The cause goes to the log, never to the caller.

use service_kit::{
    http::{Problem, ProblemKind},
    telemetry::chain,
};

use crate::{intake::IntakeError, store::error::StoreError};

pub(super) const RETRY_AFTER_SECONDS: u32 = 1;

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
