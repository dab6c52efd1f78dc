//! Reads a range of a stream beside its durable consumers, which never notice: through a consumer of its own that
//! acknowledges nothing, lives in memory, and is forgotten soon after its reader.
//!
//! What is not acknowledged is not delivered again either, so the reader counts: a delivery that is missing means that it
//! asks again from there. The consumer has one of a few fixed names, because a permission to create consumers of any
//! name would include the durable ones; hence no more readers than [`READERS`] at a time.

use std::{collections::HashMap, error::Error, fmt, time::Duration};

use async_nats::{
    Client,
    jetstream::{
        self, Context,
        consumer::{
            AckPolicy, DeliverPolicy, PullConsumer,
            pull::{Batch, Config},
        },
        stream::ConsumerCreateStrictErrorKind,
    },
};
use futures_util::StreamExt;
use time::OffsetDateTime;

use crate::{
    delivery::{Delivery, Pulled},
    metrics::chain,
    retry,
};

/// The consumers' names: so many readers at a time.
pub const READERS: [&str; 8] = [
    "range-reader-0",
    "range-reader-1",
    "range-reader-2",
    "range-reader-3",
    "range-reader-4",
    "range-reader-5",
    "range-reader-6",
    "range-reader-7",
];
/// The most messages that are asked for at once.
pub const LARGEST_BATCH: usize = 1_000;

/// The server forgets a consumer that asks for nothing for so long.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(5);
const SILENCE: Duration = Duration::from_secs(10);
/// Failures in a row after which the reader gives up: about a minute.
const PATIENCE: u32 = 16;

/// Which messages to read.
#[derive(Debug, Clone)]
pub struct Range {
    pub stream: &'static str,
    pub from: Start,
    /// The last sequence that belongs to the range.
    pub last: u64,
    /// With wildcards; none: all.
    pub subjects: Vec<String>,
    /// How many at a time, at most [`LARGEST_BATCH`]. A reader that is slow on purpose asks for what it uses in a second.
    pub batch: usize,
}

/// Where a range begins.
#[derive(Debug, Clone, Copy)]
pub enum Start {
    Sequence(u64),
    /// With the first message that the stream has stored at this time or later.
    Time(OffsetDateTime),
}

/// The range could not be read to its end.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    #[error("{} readers are at work, and there may be no more", READERS.len())]
    TooManyReaders,
    #[error("stream {stream} cannot be read")]
    Consumer {
        stream: &'static str,
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    #[error("the server has not said a word for {} s", SILENCE.as_secs())]
    Silent,
    #[error("a message was lost on its way")]
    Missing,
}

/// What a stream holds at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extent {
    pub first: u64,
    pub last: u64,
    /// To the microsecond, as databases keep it. A stream made at another time is another stream.
    pub created: OffsetDateTime,
}

/// What this stream holds now.
///
/// # Errors
/// [`ReadError`]
pub async fn extent(client: &Client, stream: &'static str) -> Result<Extent, ReadError> {
    let found = jetstream::new(client.clone()).get_stream(stream).await;
    let found = found.map_err(|error| ReadError::Consumer { stream, source: error.into() })?;
    let info = found.cached_info();
    let created = info.created.truncate_to_microsecond();
    Ok(Extent { first: info.state.first_sequence, last: info.state.last_sequence, created })
}

/// Reads one range, batch by batch.
pub struct RangeReader {
    jetstream: Context,
    range: Range,
    source: Option<Source>,
    is_done: bool,
}

struct Source {
    name: &'static str,
    consumer: PullConsumer,
    /// Asked for while the batch before it is worked on.
    ahead: Option<Batch>,
    delivered: u64,
}

impl fmt::Debug for RangeReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RangeReader").field("range", &self.range).finish_non_exhaustive()
    }
}

impl RangeReader {
    #[must_use]
    pub fn new(client: Client, range: Range) -> Self {
        Self { jetstream: jetstream::new(client), range, source: None, is_done: false }
    }

    /// The next messages, in the stream's order; `None` after the last.
    ///
    /// # Errors
    /// [`ReadError`] once trying again for about a minute has not helped.
    pub async fn next(&mut self) -> Result<Option<Vec<Delivery>>, ReadError> {
        let mut failures = 0;
        while !self.is_done {
            match self.read().await {
                Ok(batch) if batch.is_empty() => {}
                Ok(batch) => return Ok(Some(batch)),
                Err(error) if failures == PATIENCE => return Err(error),
                Err(error) => {
                    failures += 1;
                    self.source = None;
                    tracing::warn!(error = chain(&error), "the range is asked for anew: {error}");
                    tokio::time::sleep(retry::backoff(failures)).await;
                }
            }
        }
        Ok(None)
    }

    async fn read(&mut self) -> Result<Vec<Delivery>, ReadError> {
        let stream = self.range.stream;
        let size = self.range.batch.clamp(1, LARGEST_BATCH);
        let mut source = match self.source.take() {
            Some(source) => source,
            None => self.open().await?,
        };
        let batch = match source.ahead.take() {
            Some(batch) => batch,
            None => ask(&source.consumer, size, stream).await?,
        };
        let messages = tokio::time::timeout(SILENCE, batch.collect::<Vec<_>>()).await.map_err(|_| ReadError::Silent)?;
        let mut deliveries = Vec::with_capacity(messages.len());
        self.is_done = messages.is_empty();
        for message in messages {
            let message = message.map_err(|source| ReadError::Consumer { stream, source })?;
            let info = message.info().map_err(|source| ReadError::Consumer { stream, source })?;
            source.delivered += 1;
            if info.consumer_sequence != source.delivered {
                return Err(ReadError::Missing);
            }
            self.is_done = info.pending == 0 || info.stream_sequence >= self.range.last;
            if info.stream_sequence > self.range.last {
                break;
            }
            let pulled = Pulled::read(message).map_err(|error| ReadError::Consumer { stream, source: error.into() })?;
            deliveries.push(pulled.delivery);
        }
        if let Some(last) = deliveries.last() {
            self.range.from = Start::Sequence(last.sequence + 1);
        }
        if self.is_done {
            self.close(source.name).await;
        } else {
            source.ahead = Some(ask(&source.consumer, size, stream).await?);
            self.source = Some(source);
        }
        Ok(deliveries)
    }

    async fn open(&self) -> Result<Source, ReadError> {
        let stream = self.range.stream;
        for name in READERS {
            match self.jetstream.create_consumer_strict_on_stream(self.config(name), stream).await {
                Ok(consumer) => return Ok(Source { name, consumer, ahead: None, delivered: 0 }),
                Err(error) if matches!(error.kind(), ConsumerCreateStrictErrorKind::AlreadyExists) => {}
                Err(error) => return Err(ReadError::Consumer { stream, source: error.into() }),
            }
        }
        Err(ReadError::TooManyReaders)
    }

    fn config(&self, name: &str) -> Config {
        Config {
            name: Some(name.to_owned()),
            description: Some("Reads a range for an operator".to_owned()),
            deliver_policy: match self.range.from {
                Start::Sequence(start_sequence) => DeliverPolicy::ByStartSequence { start_sequence },
                Start::Time(start_time) => DeliverPolicy::ByStartTime { start_time },
            },
            ack_policy: AckPolicy::None,
            filter_subjects: self.range.subjects.clone(),
            inactive_threshold: FORGOTTEN_AFTER,
            memory_storage: true,
            num_replicas: 1,
            // Two readers of the same range must not be taken for one.
            metadata: HashMap::from([("reader".to_owned(), format!("{:032x}", rand::random::<u128>()))]),
            ..Config::default()
        }
    }

    /// Makes room for the next reader at once; the server does so by itself a little later.
    async fn close(&self, name: &str) {
        if let Err(error) = self.jetstream.delete_consumer_from_stream(name, self.range.stream).await {
            tracing::debug!(%error, "{name} is forgotten by itself: {error}");
        }
    }
}

async fn ask(consumer: &PullConsumer, size: usize, stream: &'static str) -> Result<Batch, ReadError> {
    let asked = consumer.fetch().max_messages(size).messages().await;
    asked.map_err(|error| ReadError::Consumer { stream, source: error.into() })
}
