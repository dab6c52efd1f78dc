//! Publishes what the journal holds, in order, and nothing else does.
//!
//! One replica leads, by a lease in the database; any other takes over within seconds of its death. The lease alone
//! would not be enough: a leader that slept through its end may still have publishes under way. The expected sequence on
//! every message makes the stream refuse those, and the first window of a new leader, stored all at once, leaves them no
//! place where they would fit by accident (`messaging::publisher` has the argument). What is published is taken out of the outbox only once the stream has
//! acknowledged it, so a crash in between publishes again, and the event's id makes the stream recognise it.

mod drain;
mod republish;

use std::sync::Arc;

use messaging::Publisher;
use service_kit::{clock::SharedClock, health::Component, seeded};
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

use crate::{
    lease::{Lease, RENEWAL},
    metrics::LedgerMetrics,
    writer::Committed,
};

const LEASE: &str = "relay";

/// The relay of one replica.
#[derive(Debug)]
pub struct Relay {
    /// For the lease, whose renewals are durable.
    pub pool: PgPool,
    /// With sessions as in `store::begin::RELAY_SESSION`.
    pub outbox: PgPool,
    pub publisher: Publisher,
    /// Told by the writer that events wait; polling finds them, too.
    pub committed: Arc<Committed>,
    pub clock: SharedClock,
    pub metrics: Arc<LedgerMetrics>,
    pub component: Component,
}

impl Relay {
    /// Leads whenever nobody else does, until it is told to stop.
    pub async fn run(&self, token: CancellationToken) {
        let mut lease = Lease::new(self.pool.clone(), LEASE);
        while !token.is_cancelled() {
            match lease.acquire().await {
                Ok(true) => self.lead(&mut lease, &token).await,
                Ok(false) => self.component.up(),
                Err(error) => {
                    let cause = service_kit::telemetry::chain(&error);
                    tracing::warn!(cause, "The relay cannot ask for its lease.");
                    self.component.down("the database is unavailable");
                }
            }
            tokio::select! {
                () = tokio::time::sleep(RENEWAL) => {}
                () = token.cancelled() => {}
            }
        }
    }

    async fn lead(&self, lease: &mut Lease, token: &CancellationToken) {
        tracing::info!(term = lease.term(), "This replica publishes from now on.");
        self.metrics.relay_is_leader.set(1);
        tokio::select! {
            () = self.drain() => {}
            () = lease.keep(), if !seeded::bug("relay::outstays_its_lease") => tracing::warn!("The lease of the relay was lost."),
            () = token.cancelled() => lease.release().await,
        }
        self.metrics.relay_is_leader.set(0);
    }
}
