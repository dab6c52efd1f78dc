//! The lease that makes one replica the leader.
//!
//! Its end is decided by the database's clock. The holder counts from before it asked, by its own monotonic clock, so it
//! believes to hold the lease for less time than it does.

use std::time::Duration;

use sqlx::PgPool;
use tokio::time::Instant;
use uuid::Uuid;

use crate::store::{StoreError, leases};

const NAME: &str = "relay";
/// For how long a leader leads without renewal.
const TERM_LENGTH: Duration = Duration::from_secs(5);
/// How often it renews, and how often others ask.
pub(super) const RENEWAL: Duration = Duration::from_millis(1_500);

#[derive(Debug)]
pub(super) struct Lease {
    pool: PgPool,
    /// This process, for the lease's purposes.
    holder: Uuid,
    term: i64,
    valid_until: Instant,
}

impl Lease {
    pub(super) fn new(pool: PgPool) -> Self {
        Self { pool, holder: Uuid::new_v4(), term: 0, valid_until: Instant::now() }
    }

    pub(super) const fn term(&self) -> i64 {
        self.term
    }

    /// Takes or renews the lease; false while somebody else holds it.
    pub(super) async fn acquire(&mut self) -> Result<bool, StoreError> {
        let asked = Instant::now();
        let Some(term) = leases::acquire(&self.pool, NAME, self.holder, TERM_LENGTH).await? else {
            return Ok(false);
        };
        self.term = term;
        self.valid_until = asked + TERM_LENGTH;
        Ok(true)
    }

    /// Renews the lease for as long as that works; returns once it is lost.
    pub(super) async fn keep(&mut self) {
        let term = self.term;
        loop {
            tokio::time::sleep(RENEWAL).await;
            match tokio::time::timeout_at(self.valid_until, self.acquire()).await {
                // Another term means that it was somebody else's meanwhile.
                Ok(Ok(true)) if self.term == term => {}
                Ok(Ok(_)) => return,
                Ok(Err(error)) => {
                    let cause = service_kit::telemetry::chain(&error);
                    tracing::warn!(cause, "The relay cannot renew its lease for now.");
                }
                Err(_elapsed) => return,
            }
            if Instant::now() >= self.valid_until {
                return;
            }
        }
    }

    /// Gives the lease back, so that another replica need not wait for its end.
    pub(super) async fn release(&mut self) {
        if let Err(error) = leases::release(&self.pool, NAME, self.holder).await {
            let cause = service_kit::telemetry::chain(&error);
            tracing::warn!(cause, "The relay could not give its lease back.");
        }
    }
}
