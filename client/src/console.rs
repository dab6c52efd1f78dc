//! What the operators' console shows. It needs `ops:read`; what the ledger knows, the notification service asks as its caller.

use contract::{TransactionId, outbox::Outbox, timeline::Timeline, timestamp, transaction::Transaction};
use serde::Deserialize;
use time::OffsetDateTime;

use super::{Error, Operations};

/// How the queues are.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Overview {
    /// `None` while the ledger does not answer.
    pub outbox: Option<Outbox>,
    /// The consumer of events, and the one of those that were redriven.
    pub consumers: [Consumer; 2],
    pub dead_letters: u64,
}

/// Where a durable consumer stands.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Consumer {
    pub durable: String,
    pub paused: bool,
    pub lag_messages: u64,
    /// Since the oldest of these was stored.
    pub lag_seconds: f64,
    pub pending: u64,
    pub ack_pending: u64,
    pub redelivered: u64,
    pub parked: u64,
    pub last_error: Option<String>,
    #[serde(with = "timestamp::option")]
    pub last_error_at: Option<OffsetDateTime>,
}

#[derive(Deserialize)]
struct Newest {
    data: Vec<Transaction>,
}

impl Operations {
    /// # Errors
    /// [`Error`]
    pub async fn overview(&self) -> Result<Overview, Error> {
        self.0.get("/v1/console/overview", &()).await
    }

    /// The 50 newest that the caller may read. It needs `transactions:read`, too.
    ///
    /// # Errors
    /// [`Error`]
    pub async fn newest_transactions(&self) -> Result<Vec<Transaction>, Error> {
        let Newest { data } = self.0.get("/v1/console/transactions", &()).await?;
        Ok(data)
    }

    /// The timeline of the ledger, and when each party's notification was stored. It needs `transactions:read`, too.
    ///
    /// # Errors
    /// [`Error`]
    pub async fn whole_timeline(&self, id: TransactionId) -> Result<Timeline, Error> {
        self.0.get(&format!("/v1/console/transactions/{id}/timeline"), &()).await
    }
}
