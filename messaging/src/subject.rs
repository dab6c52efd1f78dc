//! Under which subject an event is published: `<resource>s.v1.<what happened>.<partition>`.
//!
//! The partition is there for later: consumers that share the work by account can filter on it, and adding it afterwards
//! would change every subject. All events of one account's payments have one partition.

use std::{collections::BTreeSet, fmt};

use contract::EventKind;
use uuid::Uuid;

/// How many partitions there are, 00 to 63.
pub const PARTITIONS: u8 = 64;

/// The subject of one event.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Subject(String);

impl Subject {
    /// The subject of an event of this kind. The partition key is the account that orders it: the source of a
    /// transaction, the account itself of an account event.
    #[must_use]
    pub fn of(kind: EventKind, partition_key: Uuid) -> Self {
        Self(format!("{}.{}.{:02}", family(kind), kind.verb(), partition(partition_key)))
    }

    /// The text of the subject.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Every subject there can be, as wildcards, one for each kind of resource.
pub(crate) fn wildcards() -> Vec<String> {
    let wildcards: BTreeSet<_> = EventKind::ALL.iter().map(|kind| format!("{}.*.*", family(*kind))).collect();
    wildcards.into_iter().collect()
}

/// All subjects of events of this kind.
#[must_use]
pub fn of_kind(kind: EventKind) -> String {
    format!("{}.{}.*", family(kind), kind.verb())
}

/// `transactions.v1` of `transaction.posted`.
fn family(kind: EventKind) -> String {
    let resource = kind.as_str().split_once('.').map_or("", |(resource, _)| resource);
    format!("{resource}s.v1")
}

/// The last six bits, which are random in every version of UUID that accounts have (4 and 7).
fn partition(key: Uuid) -> u8 {
    key.as_bytes()[15] % PARTITIONS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_event_is_captured_by_a_wildcard() {
        for kind in EventKind::ALL {
            let subject = Subject::of(*kind, Uuid::from_u128(0x3f));
            let tokens: Vec<_> = subject.as_str().split('.').collect();
            assert_eq!(tokens.len(), 4, "{subject}");
            assert!(tokens.iter().all(|token| !token.is_empty()), "{subject}");
            assert!(wildcards().contains(&format!("{}.{}.*.*", tokens[0], tokens[1])), "{subject}");
        }
    }

    #[test]
    fn the_partition_has_two_digits_and_depends_on_the_account_only() {
        let of = |key| Subject::of(EventKind::TransactionPosted, Uuid::from_u128(key)).to_string();
        assert_eq!(of(0), "transactions.v1.posted.00");
        assert_eq!(of(7 << 80 | 0x47), "transactions.v1.posted.07");
        assert_eq!(of(u128::MAX), "transactions.v1.posted.63");
    }
}
