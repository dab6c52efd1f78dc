//! What a user does with a notification: reads it, puts it back, files it away.
//!
//! A command names the status that the notification is to have, whatever it has now, so that every command may be
//! repeated, and an archived notification comes back by being read or unread again.

use contract::notification::NotificationStatus;
use time::OffsetDateTime;

/// The two moments from which the status of a notification follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Handling {
    pub read_at: Option<OffsetDateTime>,
    pub archived_at: Option<OffsetDateTime>,
}

impl Handling {
    #[must_use]
    pub const fn status(self) -> NotificationStatus {
        match self {
            Self { archived_at: Some(_), .. } => NotificationStatus::Archived,
            Self { read_at: Some(_), .. } => NotificationStatus::Read,
            Self { read_at: None, archived_at: None } => NotificationStatus::Unread,
        }
    }

    /// The same notification with this status. Moments that have been recorded stay as long as they still hold.
    #[must_use]
    pub fn changed_to(self, status: NotificationStatus, now: OffsetDateTime) -> Self {
        match status {
            NotificationStatus::Unread => Self::default(),
            NotificationStatus::Read => Self { read_at: self.read_at.or(Some(now)), archived_at: None },
            NotificationStatus::Archived => Self { read_at: self.read_at, archived_at: self.archived_at.or(Some(now)) },
        }
    }
}

#[cfg(test)]
mod tests {
    use NotificationStatus::{Archived, Read, Unread};
    use time::{Duration, macros::datetime};

    use super::*;

    const NOW: OffsetDateTime = datetime!(2026-11-23 06:15:37 UTC);

    #[test]
    fn a_command_leads_to_its_status_from_every_other_and_changes_nothing_when_repeated() {
        for before in [Unread, Read, Archived] {
            for command in [Unread, Read, Archived] {
                let once = Handling::default().changed_to(before, NOW).changed_to(command, NOW);
                assert_eq!(once.status(), command, "{before:?} to {command:?}");
                assert_eq!(once.changed_to(command, NOW + Duration::HOUR), once);
            }
        }
    }

    #[test]
    fn archiving_remembers_when_it_was_read() {
        let archived = Handling::default().changed_to(Read, NOW).changed_to(Archived, NOW + Duration::HOUR);
        assert_eq!(archived.read_at, Some(NOW));
        assert_eq!(archived.changed_to(Read, NOW + Duration::DAY).read_at, Some(NOW));
    }
}
