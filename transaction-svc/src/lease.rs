//! A lease: what makes one replica the one that does something.
//!
//! Its end is decided by the database's clock. The holder counts from before it asked, by its own monotonic clock, so it
//! believes to hold the lease for less time than it does.

use std::time::Duration;

use service_kit::postgres::answered;
use sqlx::PgPool;
use tokio::time::Instant;
use uuid::Uuid;

use crate::store::{StoreError, leases};

/// For how long a holder holds it without renewal.
const TERM_LENGTH: Duration = Duration::from_secs(5);
/// How often it is renewed, and how often others ask.
pub(crate) const RENEWAL: Duration = Duration::from_millis(1_500);

#[derive(Debug)]
pub(crate) struct Lease {
    pool: PgPool,
    name: &'static str,
    /// This process, for the lease's purposes.
    holder: Uuid,
    term: i64,
    valid_until: Instant,
}

impl Lease {
    pub(crate) fn new(pool: PgPool, name: &'static str) -> Self {
        Self { pool, name, holder: Uuid::new_v4(), term: 0, valid_until: Instant::now() }
    }

    pub(crate) const fn term(&self) -> i64 {
        self.term
    }

    /// Takes or renews the lease; false while somebody else holds it.
    pub(crate) async fn acquire(&mut self) -> Result<bool, StoreError> {
        let asked = Instant::now();
        let Some(term) = answered(leases::acquire(&self.pool, self.name, self.holder, TERM_LENGTH)).await? else {
            return Ok(false);
        };
        self.term = term;
        self.valid_until = asked + TERM_LENGTH;
        Ok(true)
    }

    /// Renews the lease for as long as that works; returns once it is lost.
    pub(crate) async fn keep(&mut self) {
        let term = self.term;
        loop {
            tokio::time::sleep(RENEWAL).await;
            match tokio::time::timeout_at(self.valid_until, self.acquire()).await {
                // Another term means that it was somebody else's meanwhile.
                Ok(Ok(true)) if self.term == term => {}
                Ok(Ok(_)) => return,
                Ok(Err(error)) => {
                    let cause = service_kit::telemetry::chain(&error);
                    tracing::warn!(lease = self.name, cause, "The lease {} cannot be renewed for now.", self.name);
                }
                Err(_elapsed) => return,
            }
            if Instant::now() >= self.valid_until {
                return;
            }
        }
    }

    /// Gives the lease back, so that another replica need not wait for its end.
    pub(crate) async fn release(&mut self) {
        if let Err(error) = answered(leases::release(&self.pool, self.name, self.holder)).await {
            let cause = service_kit::telemetry::chain(&error);
            tracing::warn!(lease = self.name, cause, "The lease {} could not be given back.", self.name);
        }
    }
}
