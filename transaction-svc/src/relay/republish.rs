//! Publishes again: what an operator asks for, and what the stream has lost.
//!
//! Only the leader does, by putting pointers into the outbox behind what waits there, a few at a time: new events are held
//! up by no more than those few, there is still one publisher and one order, and a leader that dies leaves a checkpoint.
//! Receivers of webhooks hear nothing of it.

use std::time::Duration;

use contract::EventId;
use messaging::{publisher::StreamState, topology::TRANSACTIONS};
use service_kit::postgres::answered;
use time::OffsetDateTime;
use tokio::time::Instant;

use super::{
    Relay,
    drain::{Stumble, signed, truncated},
};
use crate::store::{
    outbox::Progress,
    republications::{self, Request, Selection},
};

/// How many pointers are put into the outbox at a time.
const STEP: u32 = 256;
/// How often to look whether something is asked for.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Of what is published again without being asked for.
const EVENTS_PER_SECOND: u32 = 5_000;
/// The order of publishing is not exactly that of ids: transactions overlap, and clocks differ.
const OVERLAP: time::Duration = time::Duration::minutes(1);
const OPERATOR: &str = "transaction-svc";

/// When the next pointers are due.
#[derive(Debug)]
pub(super) struct Republisher {
    due: Instant,
}

impl Republisher {
    pub(super) fn new() -> Self {
        Self { due: Instant::now() }
    }
}

impl Relay {
    /// Puts some of what is asked for into the outbox, if it is time.
    pub(super) async fn republish_some(&self, republisher: &mut Republisher) -> Result<(), Stumble> {
        let now = Instant::now();
        if now < republisher.due {
            return Ok(());
        }
        let Some(step) = answered(republications::step(&self.pool, STEP, self.clock.now())).await? else {
            republisher.due = now + LOOK_EVERY;
            return Ok(());
        };
        self.metrics.relay_republished.inc_by(step.events.into());
        republisher.due = now + Duration::from_secs(1) * step.events / step.events_per_second.max(1);
        if step.is_done {
            let republication = step.republication;
            tracing::info!(republication, "Everything of republication {republication} is in the outbox again.");
        }
        Ok(())
    }

    /// Has everything published again that the stream may have lost. Gives the sequence up to which nothing in it waits in
    /// the outbox.
    pub(super) async fn answer_loss(&self, known: Progress, stream: StreamState) -> Result<i64, Stumble> {
        let (was_remade, ends_at) = (known.created_at != truncated(stream.created), stream.last_sequence);
        let now = self.clock.now();
        // 0 is for ever.
        let oldest_kept = if stream.max_age.is_zero() { OffsetDateTime::UNIX_EPOCH } else { now - stream.max_age };
        let since = match self.publisher.stored_after(ends_at.saturating_sub(1)).await?.last() {
            Some(last) if !was_remade => last.id.time().saturating_sub(OVERLAP),
            _ => oldest_kept,
        };
        let noted = if was_remade { 0 } else { signed(ends_at) };
        let acknowledged = known.last_sequence;
        let what = if was_remade { "was made anew" } else { "went back" };
        let reason = format!("the stream {what}: it ends at {ends_at}, and had acknowledged {acknowledged}");
        let request = Request {
            selection: Selection { account: None, first: EventId::new(since, 0), last: EventId::new(now, u64::MAX) },
            events_per_second: EVENTS_PER_SECOND,
            operator: OPERATOR.to_owned(),
            reason,
        };
        let stands = Progress { created_at: truncated(stream.created), last_sequence: noted };
        let asked = republications::request_after_loss(&self.pool, TRANSACTIONS, stands, &request, now);
        let republication = answered(asked).await?;
        self.metrics.stream_went_back.inc();
        let (reason, since) = (request.reason, contract::timestamp::text(since));
        tracing::error!(
            republication,
            acknowledged,
            ends_at,
            since,
            "Events were lost, because {reason}. Those since {since} are published again (republication {republication})."
        );
        Ok(noted)
    }
}
