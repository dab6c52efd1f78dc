//! Many messages in flight, each expecting the one before it.

use std::collections::VecDeque;

use async_nats::jetstream::{context::PublishAckFuture, message::PublishMessage, publish::PublishAck};

use super::{
    Acknowledgement, NotConnected, OutgoingMessage, Publisher, WINDOW, WindowEnd, WindowOutcome, failure::Failure,
    headers,
};
use crate::connect::is_connected;

impl Publisher {
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
                && let Some((message, last_sequence)) = waiting.next()
            {
                match self.send(message, last_sequence).await {
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
            let end = failure.end(&acknowledged, expected_last_sequence);
            return WindowOutcome { acknowledged, end };
        }
    }

    /// The connection may break between the look at it and the sending; the module says what is done about that.
    #[expect(clippy::disallowed_methods, reason = "events leave here, with their id and the expected sequence")]
    async fn send(&self, message: &OutgoingMessage, last_sequence: u64) -> Result<PublishAckFuture, Failure> {
        if !is_connected(&self.client) {
            return Err(Failure::Unknown(NotConnected.into()));
        }
        let publish = PublishMessage::build()
            .payload(message.body.clone())
            .headers(headers(message))
            .expected_last_sequence(last_sequence);
        Ok(self.jetstream.send_publish(message.subject.to_string(), publish).await?)
    }
}
