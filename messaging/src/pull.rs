//! One durable's messages, in batches. Each request waits until there is something, is answered with all there is up to a
//! batch, and ends with that: while a batch is worked on nothing is under way, since what waits here without being worked
//! on would be delivered again.
//!
//! The library's own stream always asks for more; hence this. It never acknowledges.

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
use futures_util::StreamExt;

use crate::{delivery::Pulled, settle::SettleError, topology::Durable};

/// How many messages a handler gets at most, and how many are asked for at once.
pub(crate) const BATCH: usize = 500;
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
    /// Whether a request is under way.
    asked: bool,
    /// What it has brought so far.
    batch: Vec<Pulled>,
}

impl Pull {
    pub(crate) async fn open(client: &Client, jetstream: &Context, durable: Durable) -> Result<Self, PullError> {
        let consumer: PullConsumer = jetstream
            .get_consumer_from_stream::<Config, _, _>(durable.name, durable.stream)
            .await
            .map_err(|error| PullError::Durable { durable, source: error.into() })?;
        let inbox = Subject::from(client.new_inbox());
        let subscriber = client.subscribe(inbox.clone()).await.map_err(|error| PullError::Request(error.into()))?;
        let (jetstream, batch) = (jetstream.clone(), Vec::new());
        Ok(Self { jetstream, durable, consumer, inbox, subscriber, asked: false, batch })
    }

    /// How long a message may be worked on before it is delivered again.
    pub(crate) fn ack_wait(&self) -> Duration {
        self.consumer.cached_info().config.ack_wait
    }

    /// The next messages, at least one. Nothing is lost if this is dropped.
    pub(crate) async fn next(&mut self) -> Result<Vec<Pulled>, PullError> {
        loop {
            if !self.asked {
                self.ask().await?;
            }
            let end = match tokio::time::timeout(SILENCE, self.subscriber.next()).await {
                Ok(Some(message)) => self.read(message),
                Ok(None) => Err(PullError::Closed),
                Err(_elapsed) => Err(PullError::Silent),
            };
            self.asked = end.is_ok() && self.asked && self.batch.len() < BATCH;
            if !self.asked && !self.batch.is_empty() {
                // What is wrong, if anything is, shows again when the next are asked for.
                return Ok(std::mem::take(&mut self.batch));
            }
            end?;
        }
    }

    async fn ask(&mut self) -> Result<(), PullError> {
        let request = BatchConfig {
            batch: BATCH,
            expires: Some(EXPIRES),
            // With an expiry: wait for the first message, and for no further one.
            no_wait: true,
            idle_heartbeat: HEARTBEAT,
            ..BatchConfig::default()
        };
        let sent = self.consumer.request_batch(request, self.inbox.clone()).await;
        sent.map_err(|error| PullError::Request(error.into()))?;
        self.asked = true;
        Ok(())
    }

    /// Stops asking, and hands out what was delivered and not given out.
    pub(crate) async fn close(mut self) -> Vec<Pulled> {
        let drained = tokio::time::timeout(DRAIN, async {
            if self.subscriber.drain().await.is_ok() {
                while let Some(message) = self.subscriber.next().await {
                    // Nothing is asked any more, whatever the server says about that.
                    self.read(message).ok();
                }
            }
        });
        if drained.await.is_err() {
            tracing::debug!("what was delivered last comes again by itself");
        }
        self.batch
    }

    /// A message, or what the server has to say about the request.
    fn read(&mut self, message: async_nats::Message) -> Result<(), PullError> {
        match message.status.unwrap_or(StatusCode::OK) {
            StatusCode::OK => {
                let message = jetstream::Message { message, context: self.jetstream.clone() };
                match Pulled::read(message) {
                    Ok(pulled) => self.batch.push(pulled),
                    Err(error) => tracing::error!(%error, "ignored: {error}"),
                }
                Ok(())
            }
            StatusCode::IDLE_HEARTBEAT => Ok(()),
            StatusCode::TIMEOUT | StatusCode::NOT_FOUND => {
                self.asked = false;
                Ok(())
            }
            StatusCode::NO_RESPONDERS => Err(PullError::Gone { durable: self.durable }),
            status => Err(PullError::Ended(message.description.unwrap_or_else(|| status.to_string()))),
        }
    }
}
