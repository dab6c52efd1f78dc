//! Tells the broker what became of a message: the only file that does. Every word is confirmed by a request, because
//! an acknowledgement that is merely published, and even the library's `double_ack`, succeeds when the consumer is gone.

use std::{
    sync::{Arc, atomic::Ordering::Relaxed},
    time::Duration,
};

use async_nats::{
    Client, Request, Subject,
    client::{RequestError, RequestErrorKind},
    jetstream::AckKind,
};
use bytes::Bytes;
use futures_util::future::join_all;

use crate::{disposition::DeadLetterReason, metrics::ConsumerMetrics};

const CONFIRMATION_TIMEOUT: Duration = Duration::from_secs(5);

/// What the broker is told of a message.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Verdict {
    Acknowledge,
    /// Deliver it again after this time.
    Again(Duration),
    /// Never deliver it again: it is a dead letter.
    Terminate(DeadLetterReason),
    /// It is still being worked on.
    Working,
}

/// The broker did not confirm; the message will be delivered again unless it was acknowledged after all.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SettleError {
    #[error("the consumer is gone, or has no leader at present")]
    NoConsumer,
    #[error("an acknowledgement was not confirmed")]
    Unconfirmed(#[source] RequestError),
}

pub(crate) struct Settler {
    client: Client,
    metrics: Arc<ConsumerMetrics>,
}

impl Settler {
    pub(crate) const fn new(client: Client, metrics: Arc<ConsumerMetrics>) -> Self {
        Self { client, metrics }
    }

    pub(crate) async fn settle(&self, message: &Subject, verdict: Verdict) -> Result<(), SettleError> {
        let (payload, counter): (Bytes, _) = match verdict {
            Verdict::Acknowledge => (AckKind::Ack.into(), Some(&self.metrics.acknowledged)),
            Verdict::Again(delay) => {
                (AckKind::Nak(Some(delay).filter(|delay| !delay.is_zero())).into(), Some(&self.metrics.returned))
            }
            Verdict::Terminate(reason) => (format!("+TERM {reason}").into(), None),
            Verdict::Working => (AckKind::Progress.into(), None),
        };
        let request = Request::new().payload(payload).timeout(Some(CONFIRMATION_TIMEOUT));
        let error = match self.client.send_request(message.clone(), request).await {
            Ok(_) => {
                counter.map(|counter| counter.fetch_add(1, Relaxed));
                return Ok(());
            }
            Err(error) => error,
        };
        self.metrics.unconfirmed.fetch_add(1, Relaxed);
        match error.kind() {
            RequestErrorKind::NoResponders => Err(SettleError::NoConsumer),
            _ => Err(SettleError::Unconfirmed(error)),
        }
    }

    /// The same for many messages; the first failure, if any, after all were tried.
    pub(crate) async fn settle_all(&self, messages: &[Subject], verdict: Verdict) -> Result<(), SettleError> {
        join_all(messages.iter().map(|message| self.settle(message, verdict))).await.into_iter().collect()
    }
}
