//! The ways that lead an event here.

use std::fmt;

/// How an event came: both ways carry the same bytes, and whichever is first creates the notifications.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Way {
    JetStream,
    Webhook,
}

impl Way {
    /// The name in the database and in metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::JetStream => "jetstream",
            Self::Webhook => "webhook",
        }
    }
}

impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
