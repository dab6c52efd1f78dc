//! The rules, each as a query that finds what breaks it. A query gives one line of text for each finding.
//!
//! Which part of the promise a rule belongs to is its file: the events on the stream, the inboxes, and what clients were
//! told. The books and the journal are `transaction_svc::operate::verify`'s, which is carried out along with these.

mod answers;
mod events;
mod inbox;

use super::check::{Harm, InboxOrder};

/// Something that must always hold when nothing is under way.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rule {
    pub(super) name: &'static str,
    pub(super) harm: Harm,
    pub(super) broken_by: &'static str,
}

pub(super) fn all(inbox: InboxOrder) -> impl Iterator<Item = Rule> {
    let ordered = (inbox == InboxOrder::OfTheStream).then_some(inbox::IN_THE_ORDER_OF_THE_STREAM);
    [events::RULES, inbox::RULES, answers::RULES].into_iter().flatten().copied().chain(ordered)
}
