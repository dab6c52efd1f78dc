//! What a process does. All of it in a small installation; in a large one, only the pods that deliver may reach the internet.

use clap::ValueEnum;

/// One of the things that a process may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Role {
    /// Serve the REST API, and so change the ledger.
    Api,
    /// Publish events to JetStream, whenever no other process does.
    Relay,
    /// Send events to the endpoints of webhooks.
    Deliver,
}

impl Role {
    /// Every one.
    pub const ALL: [Self; 3] = [Self::Api, Self::Relay, Self::Deliver];
}
