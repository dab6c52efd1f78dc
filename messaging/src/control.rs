//! A durable consumer as operators see and steer it, from outside of the processes that consume.

use std::error::Error;

use async_nats::{
    Client,
    jetstream::{
        self,
        stream::{LastRawMessageErrorKind, Stream},
    },
};
use time::OffsetDateTime;

use crate::topology::Durable;

type BoxError = Box<dyn Error + Send + Sync>;

/// NATS or the durable is away, or refuses.
#[derive(Debug, thiserror::Error)]
#[error("{durable} cannot be {what}")]
pub struct ControlError {
    durable: Durable,
    what: &'static str,
    #[source]
    source: BoxError,
}

/// Where a durable stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DurableStatus {
    /// Messages that were not delivered yet.
    pub pending: u64,
    /// Messages delivered and not acknowledged.
    pub ack_pending: u64,
    /// Of these, delivered more than once.
    pub redelivered: u64,
    /// The last sequence up to which everything is acknowledged.
    pub acknowledged_to: u64,
    /// When the oldest message that is not acknowledged was stored: how far behind the consumer is in time.
    pub oldest: Option<OffsetDateTime>,
    pub paused: bool,
}

/// Where this durable stands now.
///
/// # Errors
/// [`ControlError`]
pub async fn status(client: &Client, durable: Durable) -> Result<DurableStatus, ControlError> {
    let stream = stream(client, durable, "looked at").await?;
    let info = stream.consumer_info(durable.name).await.map_err(failed(durable, "looked at"))?;
    let acknowledged_to = info.ack_floor.stream_sequence;
    let waits = info.num_pending > 0 || info.num_ack_pending > 0;
    let oldest = if waits { oldest_after(&stream, durable, acknowledged_to).await? } else { None };
    Ok(DurableStatus {
        pending: info.num_pending,
        ack_pending: info.num_ack_pending as u64,
        redelivered: info.num_redelivered as u64,
        acknowledged_to,
        oldest,
        paused: info.paused,
    })
}

/// Delivers nothing until then, or until [`resume`]. What was delivered before may still be acknowledged.
///
/// # Errors
/// [`ControlError`]
pub async fn pause(client: &Client, durable: Durable, until: OffsetDateTime) -> Result<(), ControlError> {
    let stream = stream(client, durable, "paused").await?;
    stream.pause_consumer(durable.name, until).await.map_err(failed(durable, "paused"))?;
    Ok(())
}

/// Delivers again.
///
/// # Errors
/// [`ControlError`]
pub async fn resume(client: &Client, durable: Durable) -> Result<(), ControlError> {
    let stream = stream(client, durable, "resumed").await?;
    stream.resume_consumer(durable.name).await.map_err(failed(durable, "resumed"))?;
    Ok(())
}

async fn stream(client: &Client, durable: Durable, what: &'static str) -> Result<Stream<()>, ControlError> {
    jetstream::new(client.clone()).get_stream_no_info(durable.stream).await.map_err(failed(durable, what))
}

async fn oldest_after(
    stream: &Stream<()>,
    durable: Durable,
    sequence: u64,
) -> Result<Option<OffsetDateTime>, ControlError> {
    let asked = stream.raw_message_builder().sequence(sequence + 1).next_by_subject(">".to_owned());
    match asked.send().await {
        Ok(message) => Ok(Some(message.time)),
        Err(error) if matches!(error.kind(), LastRawMessageErrorKind::NoMessageFound) => Ok(None),
        Err(error) => Err(failed(durable, "looked at")(error)),
    }
}

fn failed<E: Into<BoxError>>(durable: Durable, what: &'static str) -> impl FnOnce(E) -> ControlError {
    move |error| ControlError { durable, what, source: error.into() }
}
