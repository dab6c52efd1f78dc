//! Messages that the stream takes together or not at all: an atomic batch ([ADR-50]). On a server of its own each is synced
//! to disk, which takes tens of milliseconds; hence only where the fence needs it.
//!
//! [ADR-50]: https://github.com/nats-io/nats-architecture-and-design/blob/main/adr/ADR-50.md

use async_nats::{
    header::{
        NATS_BATCH_COMMIT, NATS_BATCH_COMMIT_FINAL, NATS_BATCH_ID, NATS_BATCH_SEQUENCE, NATS_EXPECTED_LAST_SEQUENCE,
    },
    jetstream::message::PublishMessage,
};

use super::{
    Acknowledgement, NotConnected, OutgoingMessage, Publisher, WINDOW, WindowEnd, WindowOutcome, failure::Failure,
    headers,
};
use crate::{connect::is_connected, topology::MAX_EVENT_BYTES};

/// More than the headers of any event.
const HEADER_BYTES: usize = 1_024;

impl Publisher {
    /// Publishes the first [`WINDOW`] of these messages, in this order and directly after `expected_last_sequence`: all of
    /// them or none. Those behind a message too large are left out; alone, that one is refused. The outcome is complete
    /// when what was tried is acknowledged.
    pub async fn publish_at_once(&self, messages: &[OutgoingMessage], expected_last_sequence: u64) -> WindowOutcome {
        let together = messages.iter().take(WINDOW).take_while(|message| fits(message)).count();
        // One message is stored or not in any case.
        if together <= 1 {
            return self.publish_in_order(&messages[..messages.len().min(1)], expected_last_sequence).await;
        }
        match self.commit(&messages[..together], expected_last_sequence).await {
            Ok(last) => {
                let sequences = last + 1 - together as u64..=last;
                let acknowledged = sequences.map(|sequence| Acknowledgement { sequence, duplicate: false }).collect();
                WindowOutcome { acknowledged, end: WindowEnd::Complete }
            }
            Err(failure) => WindowOutcome { acknowledged: Vec::new(), end: failure.end(&[], expected_last_sequence) },
        }
    }

    /// The sequence of the last message.
    #[expect(clippy::disallowed_methods, reason = "events leave here, with their id and the expected sequence")]
    async fn commit(&self, messages: &[OutgoingMessage], expected_last_sequence: u64) -> Result<u64, Failure> {
        if !is_connected(&self.client) {
            return Err(Failure::Unknown(NotConnected.into()));
        }
        let Some((last, others)) = messages.split_last() else {
            return Ok(expected_last_sequence);
        };
        let batch = format!("{:032x}", rand::random::<u128>());
        let headers = |message: &OutgoingMessage, place: usize| {
            let mut headers = headers(message);
            headers.insert(NATS_BATCH_ID, batch.as_str());
            headers.insert(NATS_BATCH_SEQUENCE, (place + 1).to_string());
            if place == 0 {
                headers.insert(NATS_EXPECTED_LAST_SEQUENCE, expected_last_sequence.to_string());
            }
            headers
        };
        for (place, message) in others.iter().enumerate() {
            // Answered with the last.
            let sent = self.client.publish_with_headers(
                message.subject.to_string(),
                headers(message, place),
                message.body.clone(),
            );
            sent.await.map_err(|error| Failure::Unknown(error.into()))?;
        }
        let commit = PublishMessage::build()
            .payload(last.body.clone())
            .headers(headers(last, others.len()))
            .header(NATS_BATCH_COMMIT, NATS_BATCH_COMMIT_FINAL);
        Ok(self.jetstream.send_publish(last.subject.to_string(), commit).await?.await?.sequence)
    }
}

fn fits(message: &OutgoingMessage) -> bool {
    message.body.len() + HEADER_BYTES <= MAX_EVENT_BYTES
}
