//! One stream of notifications that is listened to among many that nothing happens on.

use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use client::NotificationStream;
use futures_util::{StreamExt, TryStreamExt, stream};
use hdrhistogram::Histogram;

use super::resident;
use crate::{
    people::{Bank, cents},
    stack::platform::Platform,
};

const OPENED_AT_ONCE: usize = 16;

/// What the listener saw.
#[derive(Debug)]
pub struct Heard {
    /// From sending a create until its notification came over the stream, in microseconds.
    pub latency: Histogram<u64>,
    /// What the idle streams added to the resident memory of the service, in bytes for each.
    pub bytes_per_idle_stream: u64,
}

/// Opens so many idle streams, one for each of as many users, and pays the listener again and again.
///
/// # Errors
/// When a stream is refused or breaks off, or a payment is refused.
pub async fn listen(platform: &Platform, bank: &Bank, idle: usize, duration: Duration) -> anyhow::Result<Heard> {
    let before = resident_bytes(platform)?;
    let office = &bank.office.inbox;
    let open = |number| async move { office.stream(&format!("idle-{number}"), None).await };
    let streams: Vec<NotificationStream> =
        stream::iter(0..idle).map(open).buffer_unordered(OPENED_AT_ONCE).try_collect().await?;
    let grown = resident_bytes(platform)?.saturating_sub(before);

    let listener = platform.person("listener")?;
    let account = listener.open_account().await?.id;
    let mut heard = listener.inbox.stream("me", None).await?;
    let (mut latency, started) = (Histogram::new(3)?, Instant::now());
    while started.elapsed() < duration {
        let sent = Instant::now();
        let paid = bank.fund(account, cents(1)).await?;
        loop {
            let told = heard.next().await.context("the stream ended")??;
            if told.transaction_id == Some(paid.id) {
                break;
            }
            // The account itself may be told of after the stream has begun.
            ensure!(told.transaction_id.is_none(), "{told:?} came before its turn");
        }
        latency.record(u64::try_from(sent.elapsed().as_micros())?)?;
    }
    drop(streams);
    Ok(Heard { latency, bytes_per_idle_stream: grown / idle as u64 })
}

/// Of the first replica of notification-svc.
fn resident_bytes(platform: &Platform) -> anyhow::Result<u64> {
    let process = platform.notification_svc.first().and_then(|service| service.process.pid());
    resident::bytes(process.context("notification-svc is not running")?)
}
