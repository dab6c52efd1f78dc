//! Takes back what was told of events that the ledger does not have: the events stay known, so that nobody is told of
//! them again, and their notifications stay in their places, hidden.
//!
//! The order of locks is that of the ingest: events by id, then the counters of all recipients, by name.

use std::collections::BTreeSet;

use contract::EventId;

use super::{
    Arrival, Ingest, first_bodies,
    restore::{Mended, missing_in_tx, restore_in_tx},
};
use crate::{
    domain::{plan::plan, way::Way},
    store::{
        counters, notifications,
        received_events::{self, ReceivedEvent},
    },
};

impl Ingest {
    /// Withdraws these events, of which some come along because they were never received: they are received hidden.
    ///
    /// # Errors
    /// Those of the database; then none is withdrawn.
    pub async fn withdraw(&self, events: &[EventId], arrivals: &[Arrival]) -> sqlx::Result<()> {
        let now = self.clock.now();
        let mut transaction = self.pool.begin_with("BEGIN; SET LOCAL enable_seqscan = off").await?;
        let bodies = first_bodies(arrivals, time::OffsetDateTime::UNIX_EPOCH);
        let received: Vec<_> = bodies.into_iter().map(|(id, body_sha256)| ReceivedEvent { id, body_sha256 }).collect();
        received_events::record_in_tx(&mut transaction, &received, Way::JetStream, now).await?;
        received_events::withdraw_in_tx(&mut transaction, events, now).await?;
        let told = notifications::recipients_in_tx(&mut transaction, events).await?;
        let planned: Vec<_> = arrivals
            .iter()
            .flat_map(|arrival| plan(&arrival.event).into_iter().map(move |planned| (&arrival.event, planned)))
            .collect();
        let recipients: BTreeSet<_> =
            told.iter().map(String::as_str).chain(planned.iter().map(|(_, planned)| planned.recipient)).collect();
        counters::lock_all_in_tx(&mut transaction, &recipients).await?;
        let planned = missing_in_tx(&mut transaction, planned).await?;
        restore_in_tx(&mut transaction, planned, &Mended::default(), now).await?;
        notifications::hide_in_tx(&mut transaction, events).await?;
        counters::recount_in_tx(&mut transaction, &recipients.into_iter().collect::<Vec<_>>()).await?;
        transaction.commit().await
    }
}
