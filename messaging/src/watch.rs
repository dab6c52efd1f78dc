//! Looks at a durable from outside: how far behind it is, and whether its consumer is stuck though the server talks to it.

use std::{sync::atomic::Ordering::Relaxed, time::Duration};

use async_nats::jetstream::{Context, consumer};
use tokio::sync::Notify;

use crate::{metrics::ConsumerMetrics, topology::Durable};

const INTERVAL: Duration = Duration::from_secs(5);
/// So many looks in a row must find messages waiting and none arriving.
const LOOKS_UNTIL_STALLED: u32 = 3;

/// Never ends.
pub(crate) async fn watch(jetstream: &Context, durable: Durable, metrics: &ConsumerMetrics, stalled: &Notify) {
    let (mut received, mut looks) = (0, 0);
    loop {
        match look(jetstream, durable).await {
            Ok(info) => {
                metrics.pending.store(info.num_pending, Relaxed);
                metrics.ack_pending.store(info.num_ack_pending as u64, Relaxed);
                let before = std::mem::replace(&mut received, metrics.received.load(Relaxed));
                let stuck = received == before && metrics.in_hand.load(Relaxed) == 0 && could_deliver(&info);
                looks = if stuck { looks + 1 } else { 0 };
            }
            Err(error) => tracing::debug!(%error, "the lag of {durable} is unknown: {error}"),
        }
        if looks == LOOKS_UNTIL_STALLED {
            looks = 0;
            stalled.notify_one();
        }
        tokio::time::sleep(INTERVAL).await;
    }
}

async fn look(jetstream: &Context, durable: Durable) -> Result<consumer::Info, async_nats::Error> {
    Ok(jetstream.get_stream_no_info(durable.stream).await?.consumer_info(durable.name).await?)
}

fn could_deliver(info: &consumer::Info) -> bool {
    let room = usize::try_from(info.config.max_ack_pending).is_ok_and(|most| info.num_ack_pending < most);
    info.num_pending > 0 && room && !info.paused
}
