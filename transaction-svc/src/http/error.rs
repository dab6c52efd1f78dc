//! From failures to problems. The cause goes to the log, never to the caller.

use std::borrow::Borrow;

use contract::EventId;
use service_kit::{
    http::{Problem, ProblemKind},
    telemetry::chain,
};

pub(super) use crate::problem::not_found;
use crate::{
    store::StoreError,
    writer::{DryRunError, WriteError},
};

const RETRY_AFTER_SECONDS: u32 = 1;

/// For `map_err` on what cannot fail.
pub(super) fn internal(error: impl std::error::Error) -> Problem {
    tracing::error!(cause = %error, "Something failed that cannot.");
    Problem::new(ProblemKind::INTERNAL, "Something failed on our side.")
}

/// For `map_err` on queries.
pub(super) fn store(error: impl Borrow<StoreError>) -> Problem {
    let error = error.borrow();
    if error.is_transient() {
        tracing::warn!(cause = chain(error), "A query failed for now.");
        Problem::new(ProblemKind::UNAVAILABLE, "The database is unavailable.").retry_after(RETRY_AFTER_SECONDS)
    } else {
        tracing::error!(cause = chain(error), "A query failed.");
        Problem::new(ProblemKind::INTERNAL, "Something failed on our side.")
    }
}

/// For `map_err` on commands that are only tried.
pub(super) fn dry_run(error: DryRunError) -> Problem {
    match error {
        DryRunError::Store(error) => store(error),
        DryRunError::Encode(error) => {
            tracing::error!(cause = chain(&error), "An answer cannot be written.");
            Problem::new(ProblemKind::INTERNAL, "Something failed on our side; nothing was changed.")
        }
    }
}

/// An answer of the ledger is no JSON.
pub(super) fn unreadable_answer() -> Problem {
    tracing::error!("An answer of the ledger is not JSON.");
    Problem::new(ProblemKind::INTERNAL, "Something failed on our side.")
}

/// What the journal holds is no event.
pub(super) fn corrupt_event(event: EventId) -> Problem {
    tracing::error!(%event, "Event {event} in the journal is not JSON.");
    Problem::new(ProblemKind::INTERNAL, "Something failed on our side.")
}

/// For `map_err` on commands. The writer has logged the cause.
pub(super) fn write(error: WriteError) -> Problem {
    let later = |kind, detail| Problem::new(kind, detail).retry_after(RETRY_AFTER_SECONDS);
    match error {
        WriteError::Overloaded => later(ProblemKind::OVERLOADED, "Too much waits to be done; nothing was changed."),
        WriteError::Unavailable => later(ProblemKind::UNAVAILABLE, "The ledger is unavailable; nothing was changed."),
        WriteError::OutcomeUnknown => later(
            ProblemKind::OUTCOME_UNKNOWN,
            "The change may have been made. Repeat the request under the same key to learn its outcome.",
        ),
        WriteError::Failed => Problem::new(ProblemKind::INTERNAL, "Something failed on our side; nothing was changed."),
    }
}
