//! Bad input: its sender is told everything that is wrong with it, nothing is written, and nobody else notices.

mod body;
mod fields;
mod largest_event;
mod refusals;
mod requests;

use crate::wire::{REQUEST_ID, Reply};

/// The pointers of the refused fields.
#[track_caller]
fn refused_fields(reply: &Reply) -> Vec<String> {
    let problem = reply.problem(400, "malformed");
    assert_eq!((problem.request_id.as_str(), reply.header("X-Request-Id")), (REQUEST_ID, Some(REQUEST_ID)));
    assert!(problem.errors.iter().all(|error| !error.code.is_empty() && !error.detail.is_empty()), "{problem:?}");
    problem.errors.into_iter().map(|error| error.pointer).collect()
}
