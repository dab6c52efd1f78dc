//! What a user wants to be told, and in which language.
//!
//! An event is judged by the preferences of the moment in which it is ingested: what was muted then stays hidden, and
//! what was told stays as it was told.

use std::collections::BTreeSet;

use contract::{EventKind, notification::Locale};
use time::OffsetDateTime;

/// The default tells everything, in English.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Preferences {
    pub locale: Locale,
    pub muted_types: BTreeSet<EventKind>,
    /// `None` while the user has chosen nothing.
    pub updated_at: Option<OffsetDateTime>,
}

impl Preferences {
    /// Whether notifications of such events are kept without being shown.
    #[must_use]
    pub fn mute(&self, kind: EventKind) -> bool {
        self.muted_types.contains(&kind)
    }
}
