//! One durable's messages, asked for in batches: never more than one request is under way, and the next is sent when the
//! last is used up, so that at most two batches are on this side of the wire.
//!
//! The library's own stream asks for more whenever half is used up and cannot hand back what was not started; hence this.
//! It never acknowledges.

use std::{error::Error, time::Duration};

use async_nats::{
    Client, StatusCode, Subject, Subscriber,
    jetstream::{
        self, Context,
        consumer::{
            PullConsumer,
            pull::{BatchConfig, Config},
        },
    },
};
use futures_util::{FutureExt, StreamExt};

use crate::{
    consumer::BATCH,
    delivery::Pulled,
    settle::SettleError,
    topology::{ACK_WAIT, Durable},
};

/// How long the server keeps a request that it has nothing for.
const EXPIRES: Duration = Duration::from_secs(30);
/// While it has nothing, it says so this often.
const HEARTBEAT: Duration = Duration::from_secs(2);
/// A request that is silent for so long is lost, for instance because the server restarted.
const SILENCE: Duration = Duration::from_secs(5);
/// For handing back what was delivered and never started.
const DRAIN: Duration = Duration::from_secs(2);

/// The request for messages ended; asking anew is the answer to all of these.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PullError {
    #[error("{durable} cannot be read")]
    Durable {
        durable: Durable,
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    #[error("the request for messages could not be sent")]
    Request(#[source] Box<dyn Error + Send + Sync>),
    #[error("the server has not said a word for {} s", SILENCE.as_secs())]
    Silent,
    #[error("the server ended the request: {0}")]
    Ended(String),
    #[error("the connection to NATS was closed")]
    Closed,
    #[error("messages wait and none arrive")]
    Stalled,
    #[error("{durable} is gone, or has no leader at present")]
    Gone { durable: Durable },
    #[error("what was worked on could not be settled")]
    Unsettled(#[from] SettleError),
}

pub(crate) struct Pull {
    jetstream: Context,
    durable: Durable,
    consumer: PullConsumer,
    inbox: Subject,
    subscriber: Subscriber,
    /// How many messages the server may still send for the request under way.
    outstanding: usize,
}

impl Pull {
    pub(crate) async fn open(client: &Client, jetstream: &Context, durable: Durable) -> Result<Self, PullError> {
        let unreadable = |source| PullError::Durable { durable, source };
        let consumer: PullConsumer = jetstream
            .get_consumer_from_stream::<Config, _, _>(durable.name, durable.stream)
            .await
            .map_err(|error| unreadable(error.into()))?;
        let inbox = Subject::from(client.new_inbox());
        let subscriber = client.subscribe(inbox.clone()).await.map_err(|error| PullError::Request(error.into()))?;
        Ok(Self { jetstream: jetstream.clone(), durable, consumer, inbox, subscriber, outstanding: 0 })
    }

    /// How long a message may be worked on before it is delivered again.
    pub(crate) fn ack_wait(&self) -> Duration {
        self.consumer.cached_info().config.ack_wait
    }

    /// Asks for another batch if the last request is used up.
    pub(crate) async fn ask(&mut self) -> Result<(), PullError> {
        if self.outstanding > 0 {
            return Ok(());
        }
        let request =
            BatchConfig { batch: BATCH, expires: Some(EXPIRES), idle_heartbeat: HEARTBEAT, ..BatchConfig::default() };
        self.consumer
            .request_batch(request, self.inbox.clone())
            .await
            .map_err(|error| PullError::Request(error.into()))?;
        self.outstanding = BATCH;
        Ok(())
    }

    /// The next messages: as soon as there is one, and with it all that have arrived. Nothing is lost if this is dropped.
    pub(crate) async fn next(&mut self) -> Result<Vec<Pulled>, PullError> {
        let mut batch = Vec::new();
        while batch.is_empty() {
            self.ask().await?;
            let message = tokio::time::timeout(SILENCE, self.subscriber.next()).await.map_err(|_| PullError::Silent)?;
            batch.extend(self.read(message.ok_or(PullError::Closed)?)?);
        }
        while batch.len() < BATCH
            && let Some(Some(message)) = self.subscriber.next().now_or_never()
        {
            match self.read(message) {
                Ok(pulled) => batch.extend(pulled),
                // The messages come first; what is wrong shows again when the next are asked for.
                Err(error) => {
                    tracing::debug!(%error, "the request for messages ended: {error}");
                    break;
                }
            }
        }
        Ok(batch)
    }

    /// Stops asking, and hands out what was delivered in the meantime.
    pub(crate) async fn close(mut self) -> Vec<Pulled> {
        let mut rest = Vec::new();
        let drained = tokio::time::timeout(DRAIN, async {
            if self.subscriber.drain().await.is_ok() {
                while let Some(message) = self.subscriber.next().await {
                    rest.extend(self.read(message).ok().flatten());
                }
            }
        });
        if drained.await.is_err() {
            tracing::debug!("what was delivered last comes again after {} s", ACK_WAIT.as_secs());
        }
        rest
    }

    /// A message, or what the server has to say about the request.
    fn read(&mut self, message: async_nats::Message) -> Result<Option<Pulled>, PullError> {
        let status = message.status.unwrap_or(StatusCode::OK);
        self.outstanding = match status {
            StatusCode::OK => self.outstanding.saturating_sub(1),
            StatusCode::IDLE_HEARTBEAT => self.outstanding,
            _ => 0,
        };
        match status {
            StatusCode::OK => {
                let message = jetstream::Message { message, context: self.jetstream.clone() };
                Ok(Pulled::read(message).inspect_err(|error| tracing::error!(%error, "ignored: {error}")).ok())
            }
            StatusCode::IDLE_HEARTBEAT | StatusCode::TIMEOUT | StatusCode::NOT_FOUND => Ok(None),
            StatusCode::NO_RESPONDERS => Err(PullError::Gone { durable: self.durable }),
            status => Err(PullError::Ended(message.description.unwrap_or_else(|| status.to_string()))),
        }
    }
}
