//! The problems of this service alone. Those that every service has are in service-kit.

use axum::http::StatusCode;
use service_kit::http::{Explanation, ProblemKind};

/// Other bytes were ingested before under the id of this event.
pub const EVENT_CONFLICT: ProblemKind = ProblemKind::refusal("event_conflict", "Event conflict", StatusCode::CONFLICT)
    .explained(&Explanation { meaning: "An event with this id came before, and its bytes were others. The first one counts.", remedy: "Never send other bytes under an id. If nobody did, tell the operators: one of the two was not the ledger's." });
/// An event of a version or type from the future: the sender may try again once this service is newer.
pub const UNSUPPORTED_EVENT: ProblemKind =
    ProblemKind::refusal("unsupported_event", "Unsupported event", StatusCode::UNPROCESSABLE_ENTITY).explained(
        &Explanation {
            meaning: "The event is of a type, or of a version of its data, that this service does not know yet.",
            remedy: "Upgrade the notification service, then send the event again.",
        },
    );
/// An event that cannot be stored, ever.
pub const REFUSED_EVENT: ProblemKind =
    ProblemKind::refusal("refused_event", "Refused event", StatusCode::UNPROCESSABLE_ENTITY).explained(&Explanation {
        meaning: "The event can be read and not be stored; the cause is in the log of the notification service.",
        remedy: "Tell the operators the id of the event.",
    });
/// What is asked for does not go with how things are.
pub const INVALID_STATE: ProblemKind = ProblemKind::refusal("invalid_state", "Invalid state", StatusCode::CONFLICT)
    .explained(&Explanation {
        meaning: "As the replay is, this cannot be done to it: it has another status, or its plan is for another number of events, which is `planned`.",
        remedy: "Read it again, and decide anew.",
    });

/// All of them, each with its page.
pub const ALL: &[ProblemKind] = &[EVENT_CONFLICT, UNSUPPORTED_EVENT, REFUSED_EVENT, INVALID_STATE];
