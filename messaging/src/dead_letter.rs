//! Keeps a message that a consumer gave up on: the same bytes and headers, and why. Only when the stream has acknowledged
//! it may the message be terminated.
//!
//! Headers that mean something to the server (`Nats-*`: id, expected sequence, time to live) would act on this publish, so
//! they are kept as `Dlq-Original-Nats-*`. A message that an operator handed to the consumer again and that dies again
//! keeps where it came from, when it failed first, and its history.

use async_nats::{
    HeaderMap, HeaderValue,
    jetstream::{Context, context::PublishError, message::PublishMessage},
};
use time::OffsetDateTime;

use crate::{
    delivery::Delivery,
    disposition::DeadLetterReason,
    topology::{Durable, dead_letter_subject},
};

const LONGEST_ERROR_CHARACTERS: usize = 1_000;
/// What the names of headers begin with that meant something to the server.
pub(crate) const ORIGINAL: &str = "Dlq-Original-";
/// A line for each time that an operator handed the message to its consumer again.
pub(crate) const HISTORY: &str = "Dlq-History";

/// A message to be given up, and why.
#[derive(Debug)]
pub(crate) struct DeadLetter<'a> {
    pub(crate) delivery: &'a Delivery,
    pub(crate) reason: DeadLetterReason,
    pub(crate) error: &'a str,
    pub(crate) first_failed: OffsetDateTime,
}

/// The stream of dead letters did not take it.
#[derive(Debug, thiserror::Error)]
#[error("the dead letter was not acknowledged")]
pub(crate) struct NotKept(#[from] PublishError);

impl DeadLetter<'_> {
    /// Publishes and waits for the acknowledgement. A second time within the stream's duplicate window changes nothing.
    #[expect(clippy::disallowed_methods, reason = "dead letters leave here, and wait for the acknowledgement")]
    pub(crate) async fn keep(&self, jetstream: &Context, durable: Durable, version: &str) -> Result<(), NotKept> {
        let subject = dead_letter_subject(durable.consumer, self.reason.as_str());
        let message = PublishMessage::build()
            .payload(self.delivery.body.clone())
            .headers(self.headers(durable, version))
            .message_id(self.id(durable));
        jetstream.send_publish(subject, message).await?.await?;
        Ok(())
    }

    /// One for each message of a stream and consumer; the time tells a recreated stream from its predecessor.
    fn id(&self, durable: Durable) -> String {
        let Delivery { stream, sequence, published, .. } = self.delivery;
        format!("{}:{stream}:{sequence}:{}", durable.consumer, published.unix_timestamp_nanos())
    }

    fn headers(&self, durable: Durable, version: &str) -> HeaderMap {
        let delivery = self.delivery;
        let died_before = delivery.headers.get(HISTORY).is_some();
        let mut headers = HeaderMap::new();
        for (name, values) in delivery.headers.iter() {
            let name: &str = name.as_ref();
            let name = match name.starts_with("Nats-") {
                // The server's headers of a message that died before are about its being handed on.
                true if died_before => continue,
                true => format!("{ORIGINAL}{name}"),
                false => name.to_owned(),
            };
            for value in values {
                headers.append(name.as_str(), value.clone());
            }
        }
        headers.insert("Dlq-Reason", self.reason.as_str());
        headers.insert("Dlq-Error", one_line(self.error).as_str());
        headers.insert("Dlq-Attempts", HeaderValue::from(u64::from(delivery.attempt)));
        headers.insert("Dlq-Consumer", durable.consumer);
        headers.insert("Dlq-Version", version);
        if !died_before {
            headers.insert("Dlq-Stream", delivery.stream.as_str());
            headers.insert("Dlq-Sequence", HeaderValue::from(delivery.sequence));
            headers.insert("Dlq-Subject", delivery.subject.as_str());
            headers.insert("Dlq-First-Failed", contract::timestamp::text(self.first_failed).as_str());
        }
        headers
    }
}

/// Header values are one line.
pub(crate) fn one_line(text: &str) -> String {
    text.chars()
        .map(|character| if character.is_control() { ' ' } else { character })
        .take(LONGEST_ERROR_CHARACTERS)
        .collect()
}
