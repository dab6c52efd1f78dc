//! Publishes events in order, for the one relay that leads.
//!
//! Every message says which sequence the stream must end with before it (`Nats-Expected-Last-Sequence`), which keeps the
//! order when one message of a window fails. A hazard remains in what was sent and not answered: a client that lost its
//! connection sends it after it reconnects, even if dropped meanwhile, and a frozen process when it thaws. It is let in
//! wherever the stream happens to have got just as far by other events. Therefore, after a change of leader and after
//! [`WindowEnd::Unknown`]:
//!
//! 1. read [`Publisher::stream_state`], and with [`Publisher::stored_after`] what was stored and not recorded;
//! 2. read the outbox, and publish its first [`WINDOW`] events, or all there are, with [`Publisher::publish_at_once`].
//!    What may still come late is among these or directly behind them, and expects a sequence that is past for ever;
//! 3. go on with [`Publisher::publish_in_order`].
//!
//! Nothing here may report success without the stream's acknowledgement. `Nats-Expected-Last-Msg-Id` must not be used: where
//! it does not match, a clustered nats-server 2.15 stops the stream on all its replicas.

mod at_once;
mod failure;
mod in_order;

use std::{error::Error, time::Duration};

use async_nats::{
    Client, HeaderMap,
    header::NATS_MESSAGE_ID,
    jetstream::{self, Context, context::ContextBuilder, message::StreamMessage},
};
use bytes::Bytes;
use contract::EventId;
use futures_util::{StreamExt, TryStreamExt, stream};
use time::OffsetDateTime;

use crate::{connect::is_connected, subject::Subject, topology::TRANSACTIONS, trace_context};

/// How many messages are in flight at once, and the most that are published at once: more only add latency.
pub const WINDOW: usize = 256;
const ACK_TIMEOUT: Duration = Duration::from_secs(5);

type BoxError = Box<dyn Error + Send + Sync>;

/// One event to publish.
#[derive(Debug, Clone)]
pub struct OutgoingMessage {
    pub id: EventId,
    pub subject: Subject,
    pub body: Bytes,
    /// The W3C trace context of the request that caused it.
    pub traceparent: Option<String>,
}

/// Where the stream ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StreamState {
    /// Of the last message ever stored; 0 where there is none yet.
    pub last_sequence: u64,
    /// When the stream was created: another time is another stream.
    pub created: OffsetDateTime,
    /// How long it keeps a message.
    pub max_age: Duration,
}

/// The stream has this message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Acknowledgement {
    pub sequence: u64,
    /// It had it before; `sequence` is that of the first time, and the stream did not advance.
    pub duplicate: bool,
}

/// What became of a window.
#[derive(Debug)]
pub struct WindowOutcome {
    /// One for each of the first messages of the window, without a gap. Of the rest nothing is known to be stored.
    pub acknowledged: Vec<Acknowledgement>,
    pub end: WindowEnd,
}

/// How a window ended. "The message" is the first that is not acknowledged.
#[derive(Debug)]
pub enum WindowEnd {
    /// Everything is acknowledged.
    Complete,
    /// The stream does not end where the message expected it to: another publisher may lead, or `expected_last_sequence`
    /// was out of date. Read [`Publisher::stream_state`] again.
    WrongLastSequence,
    /// The same, and harmless: the message before it is a duplicate, which does not advance the stream. Of messages
    /// published at once: one of them is a duplicate, and none is stored. [`Publisher::stored_after`] tells which.
    DuplicateInWindow,
    /// The message may or may not be stored, now or later: no answer came, or there is no connection. Never success.
    Unknown { source: BoxError },
    /// The stream refused the message at `index`.
    Refused {
        index: usize,
        /// It will be refused for ever: it is too large. Otherwise it may be accepted later: the stream is full, has no
        /// leader, or is not there; which subjects it captures, [`crate::topology::check_publisher`] has seen.
        permanent: bool,
        source: BoxError,
    },
}

/// There is no connection to NATS; nothing was sent.
#[derive(Debug, thiserror::Error)]
#[error("not connected to NATS")]
pub struct NotConnected;

/// A message that the stream holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stored {
    pub sequence: u64,
    pub id: EventId,
    /// When the stream stored it.
    pub stored_at: OffsetDateTime,
}

/// The stream could not be read.
#[derive(Debug, thiserror::Error)]
#[error("stream {TRANSACTIONS} could not be read")]
pub struct StateError(#[source] BoxError);

/// Publishes to [`TRANSACTIONS`].
#[derive(Debug, Clone)]
pub struct Publisher {
    client: Client,
    jetstream: Context,
}

impl Publisher {
    /// A publisher that waits 5 s for an acknowledgement.
    #[must_use]
    pub fn new(client: Client) -> Self {
        Self::with_ack_timeout(client, ACK_TIMEOUT)
    }

    /// A publisher that waits this long for an acknowledgement.
    #[must_use]
    pub fn with_ack_timeout(client: Client, ack_timeout: Duration) -> Self {
        let jetstream = ContextBuilder::new().timeout(ack_timeout).ack_timeout(ack_timeout).build(client.clone());
        Self { client, jetstream }
    }

    /// Where the stream ends now.
    ///
    /// # Errors
    /// [`StateError`] where NATS or the stream is away.
    pub async fn stream_state(&self) -> Result<StreamState, StateError> {
        let stream = self.stream().await?;
        let info = stream.cached_info();
        Ok(StreamState { last_sequence: info.state.last_sequence, created: info.created, max_age: info.config.max_age })
    }

    /// The first 1,000 events after this sequence, or all there are: an empty answer is the end of the stream.
    ///
    /// # Errors
    /// [`StateError`] where NATS or the stream is away, or a message is no event.
    pub async fn stored_after(&self, sequence: u64) -> Result<Vec<Stored>, StateError> {
        const AT_A_TIME: u64 = 1_000;
        const IN_FLIGHT: usize = 64;
        let stream = self.stream().await?;
        let state = &stream.cached_info().state;
        let first = state.first_sequence.max(sequence + 1);
        let last = state.last_sequence.min(first + AT_A_TIME - 1);
        let read = stream::iter(first..=last).map(|sequence| stream.get_raw_message(sequence)).buffered(IN_FLIGHT);
        read.map_err(unreadable).and_then(async |message| stored(&message)).try_collect().await
    }

    async fn stream(&self) -> Result<jetstream::stream::Stream, StateError> {
        if !is_connected(&self.client) {
            return Err(unreadable(NotConnected));
        }
        self.jetstream.get_stream(TRANSACTIONS).await.map_err(unreadable)
    }
}

/// Of a message, whichever way it is published.
fn headers(message: &OutgoingMessage) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(NATS_MESSAGE_ID, message.id.to_string());
    if let Some(traceparent) = &message.traceparent {
        trace_context::write(&mut headers, traceparent);
    }
    headers
}

fn stored(message: &StreamMessage) -> Result<Stored, StateError> {
    let id = message.headers.get(NATS_MESSAGE_ID).map_or("", |id| id.as_str());
    Ok(Stored { sequence: message.sequence, id: id.parse().map_err(unreadable)?, stored_at: message.time })
}

fn unreadable(error: impl Into<BoxError>) -> StateError {
    StateError(error.into())
}
