//! The dead letters as operators see them: counted, read, handed to their consumer again, or thrown away.
//!
//! A letter that is handed on carries what happened to it in `Dlq-History`, and leaves [`DEAD_LETTERS`] only once
//! [`REDRIVE`](crate::topology::REDRIVE) has acknowledged it. It never goes back to its first stream, whose other readers had no trouble with it.

use std::{collections::BTreeMap, error::Error, fmt};

use async_nats::{
    Client, HeaderMap, HeaderValue,
    header::NATS_MESSAGE_ID,
    jetstream::{
        self, Context,
        message::{PublishMessage, StreamMessage},
        stream::{LastRawMessageErrorKind, Stream},
    },
};
use bytes::Bytes;
use futures_util::TryStreamExt;
use time::OffsetDateTime;

use crate::{
    dead_letter::{self, ORIGINAL},
    topology::{DEAD_LETTERS, dead_letter_subject, redrive_subject},
};

type BoxError = Box<dyn Error + Send + Sync>;

/// NATS is away, or refuses.
#[derive(Debug, thiserror::Error)]
#[error("the dead letters cannot be {what}")]
pub struct DeadLettersError {
    what: &'static str,
    #[source]
    source: BoxError,
}

/// Which dead letters.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Class {
    consumer: Option<String>,
    reason: Option<String>,
}

/// The text cannot be the name of a consumer, or a reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is not the name of a consumer or a reason")]
pub struct NoSuchClass;

impl Class {
    /// Those of one consumer, if one is named, and those set aside for one reason, if one is named.
    ///
    /// # Errors
    /// Text that cannot be one token of a subject.
    pub fn new(consumer: Option<String>, reason: Option<String>) -> Result<Self, NoSuchClass> {
        let is_token = |text: &String| {
            !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
        };
        if [&consumer, &reason].into_iter().flatten().all(is_token) {
            Ok(Self { consumer, reason })
        } else {
            Err(NoSuchClass)
        }
    }

    #[must_use]
    pub fn consumer(&self) -> Option<&str> {
        self.consumer.as_deref()
    }

    #[must_use]
    pub fn reason(&self) -> Option<&str> {
        self.reason.as_deref()
    }
}

/// How many there are of one consumer and reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClassCount {
    pub consumer: String,
    pub reason: String,
    pub count: u64,
}

/// The dead letters at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Census {
    pub classes: Vec<ClassCount>,
    /// Whatever comes later has a greater id.
    pub last_id: u64,
}

/// A message that a consumer gave up on.
#[derive(Debug, Clone)]
pub struct StoredDeadLetter {
    /// Its place in [`DEAD_LETTERS`], by which it is known.
    pub id: u64,
    pub consumer: String,
    pub reason: String,
    /// When it was given up, by the server's clock.
    pub died: OffsetDateTime,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl StoredDeadLetter {
    /// What the consumer noted, such as `Dlq-Error`.
    #[must_use]
    pub fn note(&self, name: &'static str) -> Option<&str> {
        self.headers.get(name).map(HeaderValue::as_str)
    }

    /// The id of the event, as its publisher gave it.
    #[must_use]
    pub fn message_id(&self) -> Option<&str> {
        self.headers.get(format!("{ORIGINAL}{NATS_MESSAGE_ID}").as_str()).map(HeaderValue::as_str)
    }

    /// What happened before it died this time, the oldest first.
    pub fn history(&self) -> impl Iterator<Item = &str> {
        self.headers.get_all(dead_letter::HISTORY).map(HeaderValue::as_str)
    }

    fn read(message: StreamMessage) -> Self {
        let mut tokens = message.subject.split('.').skip(1).map(ToOwned::to_owned);
        Self {
            id: message.sequence,
            consumer: tokens.next().unwrap_or_default(),
            reason: tokens.next().unwrap_or_default(),
            died: message.time,
            headers: message.headers,
            body: message.payload,
        }
    }

    /// The headers with which its consumer gets it again.
    fn headers_again(&self, operator: &str, at: OffsetDateTime) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, values) in self.headers.iter() {
            // Those that mean something to the server were about the dead letter.
            if !AsRef::<str>::as_ref(name).starts_with("Nats-") {
                values.iter().for_each(|value| headers.append(name.clone(), value.clone()));
            }
        }
        let died = contract::timestamp::text(self.died);
        let error = self.note("Dlq-Error").unwrap_or_default();
        let handed_on = contract::timestamp::text(at);
        let told = format!("{died} {}: {error}; {handed_on} handed on by {operator}", self.reason);
        headers.append(dead_letter::HISTORY, dead_letter::one_line(&told).as_str());
        headers
    }
}

/// The dead letters of all consumers.
#[derive(Clone)]
pub struct DeadLetters {
    jetstream: Context,
}

impl fmt::Debug for DeadLetters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeadLetters").finish_non_exhaustive()
    }
}

impl DeadLetters {
    /// The client needs the role of the operator.
    #[must_use]
    pub fn new(client: Client) -> Self {
        Self { jetstream: jetstream::new(client) }
    }

    /// How many there are, by consumer and reason.
    ///
    /// # Errors
    /// [`DeadLettersError`]
    pub async fn census(&self, class: &Class) -> Result<Census, DeadLettersError> {
        let stream = self.stream().await?;
        let info = stream.info_with_subjects(subject(class)).await.map_err(failed("counted"))?;
        let last_id = info.info.state.last_sequence;
        let counted: BTreeMap<String, usize> = info.try_collect().await.map_err(failed("counted"))?;
        let classes = counted.into_iter().filter_map(|(subject, count)| {
            let mut tokens = subject.split('.').skip(1).map(ToOwned::to_owned);
            Some(ClassCount { consumer: tokens.next()?, reason: tokens.next()?, count: count as u64 })
        });
        Ok(Census { classes: classes.collect(), last_id })
    }

    /// The first one after this id, the oldest first.
    ///
    /// # Errors
    /// [`DeadLettersError`]
    pub async fn next(&self, class: &Class, after: u64) -> Result<Option<StoredDeadLetter>, DeadLettersError> {
        let stream = self.stream().await?;
        let asked = stream.raw_message_builder().sequence(after + 1).next_by_subject(subject(class));
        found(asked.send().await)
    }

    /// Up to `limit` after this id, the oldest first.
    ///
    /// # Errors
    /// [`DeadLettersError`]
    pub async fn list(&self, class: &Class, after: u64, limit: u64) -> Result<Vec<StoredDeadLetter>, DeadLettersError> {
        let (mut letters, mut after) = (Vec::new(), after);
        while (letters.len() as u64) < limit
            && let Some(letter) = self.next(class, after).await?
        {
            after = letter.id;
            letters.push(letter);
        }
        Ok(letters)
    }

    /// The one of this id, if it is still there.
    ///
    /// # Errors
    /// [`DeadLettersError`]
    pub async fn get(&self, id: u64) -> Result<Option<StoredDeadLetter>, DeadLettersError> {
        // Streams count from 1, and to the server 0 is no question.
        if id == 0 {
            return Ok(None);
        }
        found(self.stream().await?.get_raw_message(id).await)
    }

    /// Hands a letter to its consumer again. If this is repeated because its end was not seen, within the stream's
    /// duplicate window the consumer gets it once.
    ///
    /// # Errors
    /// [`DeadLettersError`]; the letter may then be handed on and still be here.
    #[expect(
        clippy::disallowed_methods,
        reason = "messages leave here for one consumer, and wait for the acknowledgement"
    )]
    pub async fn redrive(
        &self,
        letter: &StoredDeadLetter,
        operator: &str,
        at: OffsetDateTime,
    ) -> Result<(), DeadLettersError> {
        let times = letter.history().count() + 1;
        let id = format!("{}:redrive:{times}:{}", letter.message_id().unwrap_or("?"), letter.id);
        let message = PublishMessage::build()
            .payload(letter.body.clone())
            .headers(letter.headers_again(operator, at))
            .message_id(id);
        let sent = self.jetstream.send_publish(redrive_subject(&letter.consumer), message).await;
        sent.map_err(failed("handed on"))?.await.map_err(failed("handed on"))?;
        self.discard(letter.id).await
    }

    /// Removes a letter for good; one that is gone already is no error.
    ///
    /// # Errors
    /// [`DeadLettersError`]
    pub async fn discard(&self, id: u64) -> Result<(), DeadLettersError> {
        let stream = self.stream().await?;
        match stream.delete_message(id).await {
            Ok(_) => Ok(()),
            Err(_) if self.get(id).await?.is_none() => Ok(()),
            Err(error) => Err(failed("removed")(error)),
        }
    }

    async fn stream(&self) -> Result<Stream<()>, DeadLettersError> {
        self.jetstream.get_stream_no_info(DEAD_LETTERS).await.map_err(failed("read"))
    }
}

fn subject(class: &Class) -> String {
    dead_letter_subject(class.consumer().unwrap_or("*"), class.reason().unwrap_or("*"))
}

fn found(
    answer: Result<StreamMessage, jetstream::stream::RawMessageError>,
) -> Result<Option<StoredDeadLetter>, DeadLettersError> {
    match answer {
        Ok(message) => Ok(Some(StoredDeadLetter::read(message))),
        Err(error) if matches!(error.kind(), LastRawMessageErrorKind::NoMessageFound) => Ok(None),
        Err(error) => Err(failed("read")(error)),
    }
}

fn failed<E: Into<BoxError>>(what: &'static str) -> impl Fn(E) -> DeadLettersError {
    move |error| DeadLettersError { what, source: error.into() }
}
