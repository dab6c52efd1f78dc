//! Whom an event is told to: one notification for each party, and none that the holder of an account does not want.
//!
//! The id of a notification is made of the event and the recipient alone, so that an event that is read again, after
//! years or from the other way, makes the same notification and not another one.

use std::collections::HashSet;

use contract::{
    Currency, Event, EventKind, NotificationId, TransactionId,
    event::{EventData, EventEffect},
};
use sha2::{Digest, Sha256};

/// What a recipient is in an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// Holds the source of a transaction.
    Payer,
    /// Holds the destination of a transaction.
    Payee,
    /// Holds both accounts of a transaction.
    Both,
    /// Holds the account that the event is about.
    Holder,
}

/// One notification to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Planned<'e> {
    pub id: NotificationId,
    pub recipient: &'e str,
    pub role: Role,
    /// What happened to the recipient's own account: the only balances that the recipient may be told.
    pub effect: &'e EventEffect,
    pub transaction: Option<TransactionId>,
    pub currency: Currency,
}

/// The notifications of an event, the source's holder first.
///
/// An account with `notify: false` has none. Who holds both accounts gets one, about the source unless only the
/// destination is to be notified.
#[must_use]
pub fn plan(event: &Event) -> Vec<Planned<'_>> {
    if !is_told(event.kind) {
        return Vec::new();
    }
    let mut told = HashSet::new();
    event
        .data
        .effects()
        .iter()
        .filter(|effect| effect.notify && told.insert(effect.owner.as_str()))
        .filter_map(|effect| planned(event, effect))
        .collect()
}

/// Changes of an account's settings are made by its holder, who need not be told of them; endpoints are operators' business.
const fn is_told(kind: EventKind) -> bool {
    match kind {
        EventKind::TransactionPending
        | EventKind::TransactionPosted
        | EventKind::TransactionVoided
        | EventKind::TransactionExpired
        | EventKind::TransactionRefunded
        | EventKind::AccountOpened
        | EventKind::AccountFrozen
        | EventKind::AccountUnfrozen
        | EventKind::AccountClosed => true,
        EventKind::AccountUpdated | EventKind::WebhookEndpointDisabled => false,
    }
}

fn planned<'e>(event: &'e Event, effect: &'e EventEffect) -> Option<Planned<'e>> {
    let (role, transaction, currency) = match &event.data {
        EventData::WebhookEndpoint(_) => return None,
        EventData::Account(data) => (Role::Holder, None, data.account.currency),
        EventData::Transaction(data) => {
            let holds_both =
                data.effects.iter().any(|other| other.account != effect.account && other.owner == effect.owner);
            let role = if holds_both {
                Role::Both
            } else if effect.account == data.transaction.source {
                Role::Payer
            } else {
                Role::Payee
            };
            (role, Some(data.transaction.id), data.transaction.currency)
        }
    };
    let id = notification_id(event, &effect.owner);
    Some(Planned { id, recipient: &effect.owner, role, effect, transaction, currency })
}

/// A UUID of the event's time, filled up with a hash of event and recipient.
fn notification_id(event: &Event, recipient: &str) -> NotificationId {
    let hash = Sha256::new().chain_update(event.id.uuid().as_bytes()).chain_update(recipient).finalize();
    let entropy = hash.iter().take(size_of::<u64>()).fold(0, |entropy, byte| (entropy << 8) | u64::from(*byte));
    NotificationId::new(event.time, entropy)
}

#[cfg(test)]
mod tests {
    use contract::{AccountId, EventId};
    use proptest::prelude::*;
    use time::Duration;

    use super::*;
    use crate::domain::samples;

    fn told(event: &Event) -> Vec<(&str, Role, AccountId)> {
        plan(event).into_iter().map(|planned| (planned.recipient, planned.role, planned.effect.account)).collect()
    }

    #[test]
    fn both_parties_of_a_transaction_are_told_each_of_their_own_account() {
        let event = samples::event(EventKind::TransactionPosted, "alice", "bob");
        let [source, destination] = event.data.effects() else { panic!("two effects") };
        assert_eq!(told(&event), [("alice", Role::Payer, source.account), ("bob", Role::Payee, destination.account)]);
    }

    #[test]
    fn who_holds_both_accounts_is_told_once() {
        let mut event = samples::event(EventKind::TransactionPosted, "alice", "alice");
        let (source, destination) = (event.data.effects()[0].account, event.data.effects()[1].account);
        assert_eq!(told(&event), [("alice", Role::Both, source)]);
        samples::effects(&mut event)[0].notify = false;
        assert_eq!(told(&event), [("alice", Role::Both, destination)]);
    }

    #[test]
    fn an_account_that_wants_no_notifications_has_none() {
        let mut event = samples::event(EventKind::TransactionPosted, "alice", "bob");
        samples::effects(&mut event)[0].notify = false;
        assert_eq!(told(&event).len(), 1);
        samples::effects(&mut event)[1].notify = false;
        assert_eq!(told(&event), []);
    }

    #[test]
    fn every_kind_of_event_but_settings_and_endpoints_is_told() {
        for kind in EventKind::ALL {
            let event = samples::event(*kind, "alice", "bob");
            let expected = match kind.resource() {
                contract::event::Resource::Transaction => 2,
                contract::event::Resource::WebhookEndpoint => 0,
                contract::event::Resource::Account => usize::from(*kind != EventKind::AccountUpdated),
            };
            assert_eq!(plan(&event).len(), expected, "{kind}");
        }
    }

    proptest! {
        #[test]
        fn an_event_read_again_makes_the_same_notifications_and_no_two_are_the_same(
            alice in "[a-z]{1,8}", bob in "[A-Z]{1,8}", entropy: u64, microseconds in 0_i64..1_000_000_000,
        ) {
            let mut event = samples::event(EventKind::TransactionPosted, &alice, &bob);
            event.time += Duration::microseconds(microseconds);
            event.id = EventId::new(event.time, entropy);
            let read_again = Event::decode(&event.encode().unwrap()).unwrap();
            let ids = |event| plan(event).iter().map(|planned| planned.id).collect::<Vec<_>>();
            prop_assert_eq!(ids(&event), ids(&read_again));
            let mut other = event.clone();
            other.id = EventId::new(event.time, entropy ^ 1);
            let all: HashSet<_> = ids(&event).into_iter().chain(ids(&other)).collect();
            prop_assert_eq!(all.len(), 4);
        }
    }
}
