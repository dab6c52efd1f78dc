//! Publishes events in order, for the one relay that leads.
//!
//! Every message says which sequence the stream must end with before it (`Nats-Expected-Last-Sequence`). That keeps the
//! order when one message of a window fails, and it fences a relay that lost its lease: what a client still holds when it
//! loses its connection is sent after it reconnects, even if the client is dropped meanwhile, and is refused then.
//! Nothing here may report success without the stream's acknowledgement.

use std::{collections::VecDeque, error::Error, time::Duration};

use async_nats::{
    Client, HeaderMap,
    jetstream::{
        self, Context, ErrorCode,
        context::{ContextBuilder, PublishAckFuture, PublishError, PublishErrorKind},
        message::PublishMessage,
        publish::PublishAck,
    },
};
use bytes::Bytes;
use contract::EventId;
use time::OffsetDateTime;

use crate::{connect::is_connected, subject::Subject, topology::TRANSACTIONS, trace_context};

/// How many messages are in flight at once: more only add latency.
const WINDOW: usize = 256;
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
    /// The same, and harmless: duplicates before it did not advance the stream, so that it expected too much. Go on after
    /// the sequence of the last acknowledgement that is no duplicate, or with `expected_last_sequence` if all are.
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

/// The state of the stream could not be read.
#[derive(Debug, thiserror::Error)]
#[error("the state of stream {TRANSACTIONS} could not be read")]
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
        if !is_connected(&self.client) {
            return Err(StateError(NotConnected.into()));
        }
        let stream = self.jetstream.get_stream(TRANSACTIONS).await.map_err(|error| StateError(error.into()))?;
        let info = stream.cached_info();
        Ok(StreamState { last_sequence: info.state.last_sequence, created: info.created })
    }

    /// Publishes these messages in this order, the first directly after `expected_last_sequence`, with 256 in flight.
    ///
    /// Returns at the first that is not acknowledged. Those behind it may still be under way: they are refused, unless it
    /// is stored after all.
    pub async fn publish_in_order(&self, messages: &[OutgoingMessage], expected_last_sequence: u64) -> WindowOutcome {
        let mut acknowledged = Vec::with_capacity(messages.len());
        let mut waiting = messages.iter().zip(expected_last_sequence..);
        let mut in_flight = VecDeque::with_capacity(WINDOW.min(messages.len()));
        let mut unsent = None;
        loop {
            while unsent.is_none()
                && in_flight.len() < WINDOW
                && let Some((message, expected)) = waiting.next()
            {
                match self.send(message, expected).await {
                    Ok(answer) => in_flight.push_back(answer),
                    Err(failure) => unsent = Some(failure),
                }
            }
            let failure = match in_flight.pop_front() {
                Some(answer) => match answer.await {
                    Ok(PublishAck { sequence, duplicate, .. }) => {
                        acknowledged.push(Acknowledgement { sequence, duplicate });
                        continue;
                    }
                    Err(error) => Failure::from(error),
                },
                None => match unsent {
                    Some(failure) => failure,
                    None => return WindowOutcome { acknowledged, end: WindowEnd::Complete },
                },
            };
            let end = failure.ends(&acknowledged, expected_last_sequence);
            return WindowOutcome { acknowledged, end };
        }
    }

    /// The connection may break between the look at it and the sending: what is sent then is fenced.
    #[expect(clippy::disallowed_methods, reason = "events leave here, with their id and the expected sequence")]
    async fn send(&self, message: &OutgoingMessage, expected_last_sequence: u64) -> Result<PublishAckFuture, Failure> {
        if !is_connected(&self.client) {
            return Err(Failure::Unknown(NotConnected.into()));
        }
        let mut headers = HeaderMap::new();
        if let Some(traceparent) = &message.traceparent {
            trace_context::write(&mut headers, traceparent);
        }
        let publish = PublishMessage::build()
            .payload(message.body.clone())
            .headers(headers)
            .message_id(message.id.to_string())
            .expected_last_sequence(expected_last_sequence);
        self.jetstream.send_publish(message.subject.to_string(), publish).await.map_err(Failure::from)
    }
}

/// Why one message was not acknowledged.
enum Failure {
    WrongLastSequence,
    Unknown(BoxError),
    Refused { permanent: bool, source: BoxError },
}

impl From<PublishError> for Failure {
    fn from(error: PublishError) -> Self {
        match error.kind() {
            PublishErrorKind::WrongLastSequence => Self::WrongLastSequence,
            PublishErrorKind::MaxPayloadExceeded => Self::Refused { permanent: true, source: error.into() },
            PublishErrorKind::StreamNotFound => Self::Refused { permanent: false, source: error.into() },
            PublishErrorKind::Other => Self::from_answer(error),
            PublishErrorKind::TimedOut
            | PublishErrorKind::BrokenPipe
            | PublishErrorKind::MaxAckPending
            | PublishErrorKind::WrongLastMessageId => Self::Unknown(error.into()),
        }
    }
}

impl Failure {
    /// An error that the library has no kind for.
    fn from_answer(error: PublishError) -> Self {
        let code = error
            .source()
            .and_then(|source| source.downcast_ref::<jetstream::Error>())
            .map(jetstream::Error::error_code);
        match code {
            // Said by servers that do not tell which sequence would have been right.
            Some(ErrorCode::STREAM_WRONG_LAST_SEQUENCE_CONSTANT) => Self::WrongLastSequence,
            Some(ErrorCode::STREAM_MESSAGE_EXCEEDS_MAXIMUM | ErrorCode::STREAM_HEADER_EXCEEDS_MAXIMUM) => {
                Self::Refused { permanent: true, source: error.into() }
            }
            Some(_) => Self::Refused { permanent: false, source: error.into() },
            None => Self::Unknown(error.into()),
        }
    }

    /// How a window ends with this, after these acknowledgements.
    fn ends(self, acknowledged: &[Acknowledgement], expected_last_sequence: u64) -> WindowEnd {
        let expected = expected_last_sequence + acknowledged.len() as u64;
        match self {
            Self::WrongLastSequence if acknowledged.last().is_some_and(|last| last.sequence != expected) => {
                WindowEnd::DuplicateInWindow
            }
            Self::WrongLastSequence => WindowEnd::WrongLastSequence,
            Self::Unknown(source) => WindowEnd::Unknown { source },
            Self::Refused { permanent, source } => WindowEnd::Refused { index: acknowledged.len(), permanent, source },
        }
    }
}
