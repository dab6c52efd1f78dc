//! From the outbox to the stream, window by window.

use std::time::Duration;

use messaging::{
    OutgoingMessage, Round, Subject,
    publisher::{Acknowledgement, Stored, StreamState, WindowEnd, WindowOutcome},
    topology::TRANSACTIONS,
};
use service_kit::{postgres::answered, seeded, telemetry::chain};
use tokio::time::Instant;

use super::{Relay, republish::Republisher};
use crate::{
    metrics::WindowFailure,
    store::{
        StoreError,
        outbox::{self, Progress, Publication, Waiting},
    },
};

/// How many events are read at a time.
const READ: u16 = 1_024;
/// Windows do not follow each other faster than this, unless the one before was full: each costs two round trips to the
/// database and one to the stream, however much it carries, and under load the next one carries what came meanwhile.
const SHORTEST_ROUND: Duration = Duration::from_millis(5);
/// How long to look away when nothing waits and nobody has told.
const POLL: Duration = Duration::from_millis(100);
/// How long to wait after something failed.
const PAUSE: Duration = Duration::from_millis(500);
/// How often a stream that nothing is published to is looked at: it may have been replaced.
const LOOK_AT_STREAM_EVERY: Duration = Duration::from_secs(5);

/// Where the leader stands.
#[derive(Debug)]
struct Position {
    stream: StreamState,
    /// What an earlier leader, or this one before it lost an answer, may still have under way is in the first window, or
    /// directly behind it: stored all at once, that window leaves it no place to slip in.
    at_once: bool,
    /// The last answer was that the stream has the event already; singly, the next one says the same or is new.
    singly: bool,
    looked_at: Instant,
}

/// What stopped the leader for a moment.
#[derive(Debug, thiserror::Error)]
pub(super) enum Stumble {
    #[error("the outbox cannot be read or cleared")]
    Outbox(#[from] StoreError),
    #[error("the stream cannot be read")]
    Stream(#[from] messaging::publisher::StateError),
    #[error("the stream is not as it was left")]
    Replaced,
    #[error("the stream did not take an event: {reason}")]
    Window { reason: &'static str, source: Option<Box<dyn std::error::Error + Send + Sync>> },
}

impl Relay {
    /// Publishes for ever; a failure makes it look anew at where the stream stands.
    pub(super) async fn drain(&self) {
        let mut republisher = Republisher::new();
        loop {
            let stumble = match self.locate().await {
                Ok(mut position) => self.follow(&mut position, &mut republisher).await,
                Err(stumble) => stumble,
            };
            tracing::warn!(cause = chain(&stumble), "The relay stumbled and looks anew.");
            self.component.down(stumble.to_string());
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Finds where the stream ends, and settles what it has taken without anybody noting it.
    async fn locate(&self) -> Result<Position, Stumble> {
        let stream = self.publisher.stream_state().await?;
        let known = answered(outbox::progress(&self.outbox, TRANSACTIONS)).await?;
        let created_at = truncated(stream.created);
        let went_back =
            |known: Progress| known.created_at != created_at || known.last_sequence > signed(stream.last_sequence);
        let mut noted = match known {
            Some(known) if went_back(known) => self.answer_loss(known, stream).await?,
            Some(known) => known.last_sequence,
            None => 0,
        };
        loop {
            let stored = self.publisher.stored_after(u64::try_from(noted).unwrap_or(0)).await?;
            let Some(last) = stored.last() else { break };
            noted = signed(last.sequence);
            let publications = stored.iter().map(Publication::from).collect::<Vec<_>>();
            let progress = Progress { created_at, last_sequence: noted };
            let settled = answered(outbox::found(&self.outbox, TRANSACTIONS, &publications, progress)).await?;
            self.metrics.relay_duplicates.inc_by(settled);
        }
        Ok(Position { stream, at_once: true, singly: false, looked_at: Instant::now() })
    }

    async fn follow(&self, position: &mut Position, republisher: &mut Republisher) -> Stumble {
        loop {
            if let Err(stumble) = self.republish_some(republisher).await {
                return stumble;
            }
            if let Err(stumble) = self.step(position).await {
                return stumble;
            }
            self.component.up();
        }
    }

    /// Publishes what waits now, or waits until something does.
    async fn step(&self, position: &mut Position) -> Result<(), Stumble> {
        let round = Round::begin(SHORTEST_ROUND);
        let mut waiting = answered(outbox::waiting(&self.outbox, i64::from(READ))).await?;
        if seeded::bug("relay::reorders") {
            waiting.reverse();
        }
        if waiting.is_empty() {
            self.look_at_stream(position).await?;
            // Polling is the truth; the writer's word only makes it sooner.
            tokio::time::timeout(POLL, self.committed.relay.notified()).await.ok();
            return Ok(());
        }
        let mut rest = &waiting[..];
        while !rest.is_empty() {
            let settled = self.publish(rest, position).await?;
            rest = &rest[settled..];
        }
        if waiting.len() < usize::from(READ) {
            round.rest().await;
        }
        Ok(())
    }

    /// Whether an idle stream still ends where it was left.
    async fn look_at_stream(&self, position: &mut Position) -> Result<(), Stumble> {
        if position.looked_at.elapsed() < LOOK_AT_STREAM_EVERY {
            return Ok(());
        }
        position.looked_at = Instant::now();
        let found = self.publisher.stream_state().await?;
        if found == position.stream { Ok(()) } else { Err(Stumble::Replaced) }
    }

    /// Publishes from the front of what waits, and takes what was acknowledged out of the outbox. Gives their number.
    async fn publish(&self, waiting: &[Waiting], position: &mut Position) -> Result<usize, Stumble> {
        let messages: Vec<OutgoingMessage> = waiting.iter().map(message).collect();
        let mut expected = position.stream.last_sequence;
        fail::fail_point!("relay::before_publish");
        if seeded::bug("relay::is_not_fenced") {
            expected = self.publisher.stream_state().await?.last_sequence;
        }
        if seeded::bug("relay::drops_an_event") {
            let first: Vec<_> = waiting.iter().take(1).map(|event| event.position).collect();
            return self.note(&first, &[], position).await;
        }
        let mut outcome = match (position.singly, position.at_once) {
            (true, _) => self.publisher.publish_in_order(&messages[..messages.len().min(1)], expected).await,
            (false, true) => self.publisher.publish_at_once(&messages, expected).await,
            (false, false) => self.publisher.publish_in_order(&messages, expected).await,
        };
        if position.at_once && matches!(outcome.end, WindowEnd::DuplicateInWindow) {
            // The stream knows one of them from before what is noted; singly, it says which.
            outcome = self.publisher.publish_in_order(&messages[..1], expected).await;
        } else if !position.singly && matches!(outcome.end, WindowEnd::Complete) {
            position.at_once = false;
        }
        fail::fail_point!("relay::acknowledged");
        let WindowOutcome { acknowledged, end } = outcome;
        if seeded::bug("relay::takes_silence_for_yes") && matches!(end, WindowEnd::Unknown { .. }) {
            let all: Vec<_> = waiting.iter().map(|event| event.position).collect();
            return self.note(&all, &[], position).await;
        }
        let settled = acknowledged.len();
        if settled > 0 {
            let (known, new): (Vec<&Acknowledgement>, Vec<_>) = acknowledged.iter().partition(|one| one.duplicate);
            self.metrics.relay_duplicates.inc_by(known.len() as u64);
            position.singly = acknowledged.last().is_some_and(|last| last.duplicate);
            position.stream.last_sequence = new.iter().map(|one| one.sequence).max().unwrap_or(expected);
            let at = self.clock.now();
            let (positions, publications): (Vec<_>, Vec<_>) = waiting
                .iter()
                .zip(&acknowledged)
                .map(|(event, one)| {
                    (event.position, Publication { event: event.id, sequence: signed(one.sequence), at })
                })
                .unzip();
            self.note(&positions, &publications, position).await?;
        }
        self.judge(end, waiting, settled).await
    }

    /// Takes what the stream has out of the outbox, and notes where it has it, and where it ends. Gives its number.
    async fn note(
        &self,
        positions: &[i64],
        publications: &[Publication],
        position: &Position,
    ) -> Result<usize, Stumble> {
        let progress = Progress {
            created_at: truncated(position.stream.created),
            last_sequence: signed(position.stream.last_sequence),
        };
        answered(outbox::published(&self.outbox, TRANSACTIONS, positions, publications, progress)).await?;
        self.metrics.relay_published.inc_by(positions.len() as u64);
        Ok(positions.len())
    }

    /// What the end of a window means for the next one.
    async fn judge(&self, end: WindowEnd, waiting: &[Waiting], settled: usize) -> Result<usize, Stumble> {
        let (reason, source) = match end {
            WindowEnd::Complete => return Ok(settled),
            WindowEnd::DuplicateInWindow if settled > 0 => return Ok(settled),
            WindowEnd::DuplicateInWindow => (WindowFailure::Duplicate, None),
            WindowEnd::WrongLastSequence => (WindowFailure::SomebodyElse, None),
            WindowEnd::Unknown { source } => (WindowFailure::Unacknowledged, Some(source)),
            WindowEnd::Refused { index, permanent: true, source } => {
                let Some(event) = waiting.get(index) else { return Ok(settled) };
                let cause = chain(&*source);
                tracing::error!(event = %event.id, cause, "The stream refuses event {} for good.", event.id);
                answered(outbox::refused(&self.outbox, event, &source.to_string(), self.clock.now())).await?;
                return Ok(settled + 1);
            }
            WindowEnd::Refused { permanent: false, source, .. } => (WindowFailure::Refused, Some(source)),
        };
        let reason = reason.as_str();
        self.metrics.relay_windows_failed.with_label_values(&[reason]).inc();
        Err(Stumble::Window { reason, source })
    }
}

fn message(event: &Waiting) -> OutgoingMessage {
    OutgoingMessage {
        id: event.id,
        subject: Subject::of(event.kind, event.partition_key),
        body: event.body.clone(),
        traceparent: event.traceparent.clone(),
    }
}

impl From<&Stored> for Publication {
    fn from(stored: &Stored) -> Self {
        Self { event: stored.id, sequence: signed(stored.sequence), at: stored.stored_at }
    }
}

/// Sequences as Postgres counts.
pub(super) fn signed(sequence: u64) -> i64 {
    i64::try_from(sequence).unwrap_or(i64::MAX)
}

/// Moments as Postgres keeps them.
pub(super) fn truncated(moment: time::OffsetDateTime) -> time::OffsetDateTime {
    moment.replace_nanosecond(moment.nanosecond() / 1_000 * 1_000).unwrap_or(moment)
}
