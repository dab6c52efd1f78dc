//! The rules, each as a query that finds what breaks it. A query gives one line of text for each finding.
//!
//! Which part of the promise a rule belongs to is its file: the books of the ledger, the events, the inboxes, and what
//! clients were told. They read the tables themselves and share nothing with the services.

mod answers;
mod events;
mod inbox;
mod ledger;

use super::check::InboxOrder;

/// Something that must always hold when nothing is under way.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rule {
    pub(super) name: &'static str,
    pub(super) broken_by: &'static str,
}

pub(super) fn all(inbox: InboxOrder) -> impl Iterator<Item = Rule> {
    let ordered = (inbox == InboxOrder::OfTheStream).then_some(inbox::IN_THE_ORDER_OF_THE_STREAM);
    [ledger::RULES, events::RULES, inbox::RULES, answers::RULES].into_iter().flatten().copied().chain(ordered)
}
