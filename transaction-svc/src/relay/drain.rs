//! From the outbox to the stream, window by window.

use std::time::Duration;

use messaging::{
    OutgoingMessage, Subject,
    publisher::{StreamState, WindowEnd, WindowOutcome},
    topology::TRANSACTIONS,
};
use service_kit::telemetry::chain;

use super::Relay;
use crate::store::{
    StoreError,
    outbox::{self, Progress, Waiting},
};

/// How many events are read at a time.
const READ: i64 = 1_024;
/// How long to look away when nothing waits and nobody has told.
const POLL: Duration = Duration::from_millis(100);
/// How long to wait after something failed.
const PAUSE: Duration = Duration::from_millis(500);

/// Where the leader stands.
#[derive(Debug)]
struct Position {
    stream: StreamState,
    /// After a change of leader the stream may hold events that the outbox still does. Until one of them turns out to be new,
    /// they are published singly: a duplicate does not advance the stream, so a window would break at each.
    singly: bool,
}

/// What stopped the leader for a moment.
#[derive(Debug, thiserror::Error)]
enum Stumble {
    #[error("the outbox cannot be read or cleared")]
    Outbox(#[from] StoreError),
    #[error("the stream's state cannot be read")]
    State(#[from] messaging::publisher::StateError),
    #[error("the stream did not take an event: {reason}")]
    Window { reason: &'static str, source: Option<Box<dyn std::error::Error + Send + Sync>> },
}

impl Relay {
    /// Publishes for ever; a failure makes it look anew at where the stream stands.
    pub(super) async fn drain(&self) {
        loop {
            let stumble = match self.locate().await {
                Ok(mut position) => self.follow(&mut position).await,
                Err(stumble) => stumble,
            };
            tracing::warn!(cause = chain(&stumble), "The relay stumbled and looks anew.");
            self.component.down(stumble.to_string());
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Finds where the stream ends, and whether that is where it ought to.
    async fn locate(&self) -> Result<Position, Stumble> {
        let stream = self.publisher.stream_state().await?;
        if let Some(known) = outbox::progress(&self.pool, TRANSACTIONS).await?
            && (known.created_at != truncated(stream.created) || known.last_sequence > signed(stream.last_sequence))
        {
            self.metrics.stream_went_back.inc();
            tracing::error!(
                known_sequence = known.last_sequence,
                last_sequence = stream.last_sequence,
                "The stream has lost events that it had acknowledged."
            );
        }
        Ok(Position { stream, singly: true })
    }

    async fn follow(&self, position: &mut Position) -> Stumble {
        loop {
            if let Err(stumble) = self.step(position).await {
                return stumble;
            }
            self.component.up();
        }
    }

    /// Publishes what waits now, or waits until something does.
    async fn step(&self, position: &mut Position) -> Result<(), Stumble> {
        let waiting = outbox::waiting(&self.pool, READ).await?;
        if waiting.is_empty() {
            // Polling is the truth; the writer's word only makes it sooner.
            tokio::time::timeout(POLL, self.committed.notified()).await.ok();
            return Ok(());
        }
        let mut rest = &waiting[..];
        while !rest.is_empty() {
            let window = if position.singly { &rest[..1] } else { rest };
            let published = self.publish(window, position).await?;
            rest = &rest[published..];
        }
        Ok(())
    }

    /// Publishes a window and takes what was acknowledged out of the outbox. Gives the number of events settled.
    async fn publish(&self, window: &[Waiting], position: &mut Position) -> Result<usize, Stumble> {
        let messages: Vec<OutgoingMessage> = window.iter().map(message).collect();
        fail::fail_point!("relay::before_publish");
        let WindowOutcome { acknowledged, end } =
            self.publisher.publish_in_order(&messages, position.stream.last_sequence).await;
        fail::fail_point!("relay::acknowledged");
        let duplicates = acknowledged.iter().filter(|one| one.duplicate).count();
        if let Some(last) = acknowledged.iter().filter(|one| !one.duplicate).map(|one| one.sequence).max() {
            position.stream.last_sequence = last;
            position.singly = false;
        }
        let settled = acknowledged.len();
        if settled > 0 {
            let progress = Progress {
                created_at: truncated(position.stream.created),
                last_sequence: signed(position.stream.last_sequence),
            };
            outbox::published(&self.pool, TRANSACTIONS, &window[..settled], progress).await?;
            self.metrics.relay_published.inc_by(settled as u64);
            self.metrics.relay_duplicates.inc_by(duplicates as u64);
        }
        self.judge(end, window, settled, position).await
    }

    /// What the end of a window means for the next one.
    async fn judge(
        &self,
        end: WindowEnd,
        window: &[Waiting],
        settled: usize,
        position: &mut Position,
    ) -> Result<usize, Stumble> {
        let (reason, source) = match end {
            WindowEnd::Complete => return Ok(settled),
            WindowEnd::DuplicateInWindow => {
                position.singly = true;
                return Ok(settled);
            }
            WindowEnd::WrongLastSequence => ("somebody else has published", None),
            WindowEnd::Unknown { source } => ("no acknowledgement", Some(source)),
            WindowEnd::Refused { index, permanent: true, source } => {
                let Some(event) = window.get(index) else { return Ok(settled) };
                tracing::error!(event = %event.id, cause = chain(&*source), "The stream refuses event {} for good.", event.id);
                outbox::refused(&self.pool, event, &source.to_string(), self.clock.now()).await?;
                return Ok(settled + 1);
            }
            WindowEnd::Refused { permanent: false, source, .. } => ("refused for now", Some(source)),
        };
        self.metrics.relay_windows_failed.with_label_values(&[reason]).inc();
        Err(Stumble::Window { reason, source })
    }
}

fn message(event: &Waiting) -> OutgoingMessage {
    OutgoingMessage {
        id: event.id,
        subject: Subject::of(event.kind, event.partition_key.uuid()),
        body: event.body.clone(),
        traceparent: event.traceparent.clone(),
    }
}

/// Sequences as Postgres counts.
fn signed(sequence: u64) -> i64 {
    i64::try_from(sequence).unwrap_or(i64::MAX)
}

/// Moments as Postgres keeps them.
fn truncated(moment: time::OffsetDateTime) -> time::OffsetDateTime {
    moment.replace_nanosecond(moment.nanosecond() / 1_000 * 1_000).unwrap_or(moment)
}
