//! Many clients that read, each one after the other, as fast as they are answered.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context, ensure};
use hdrhistogram::Histogram;
use tokio::task::JoinSet;
use url::Url;

use super::{clients::Seen, connection::Connection};

/// Reads these paths in turn, every client beginning with another one.
///
/// # Errors
/// When a client gets anything but 200, or loses its connection.
pub async fn run(
    service: &Url,
    token: &str,
    paths: Arc<[String]>,
    clients: usize,
    duration: Duration,
) -> anyhow::Result<Seen> {
    let started = Instant::now();
    let mut reading = JoinSet::new();
    for number in 0..clients {
        let connection = Connection::open(service, token).await?;
        reading.spawn(client(connection, paths.clone(), number, started + duration));
    }
    let mut latency = Histogram::new(3)?;
    while let Some(client) = reading.join_next().await {
        latency.add(client??)?;
    }
    Ok(Seen { answered: latency.len(), elapsed: started.elapsed(), latency })
}

async fn client(
    mut connection: Connection,
    paths: Arc<[String]>,
    first: usize,
    until: Instant,
) -> anyhow::Result<Histogram<u64>> {
    let mut latency = Histogram::new(3)?;
    for path in paths.iter().cycle().skip(first) {
        if Instant::now() >= until {
            break;
        }
        let sent = Instant::now();
        let answer = connection.get(path).await.context("a client lost its connection")?;
        ensure!(answer.status == 200, "{path}: {}: {}", answer.status, String::from_utf8_lossy(&answer.body));
        latency.record(u64::try_from(sent.elapsed().as_micros())?)?;
    }
    Ok(latency)
}
