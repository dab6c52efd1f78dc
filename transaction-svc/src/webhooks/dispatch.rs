//! The dispatcher: from what the writer has committed to what is due for each endpoint.

use std::time::Duration;

use messaging::Round;
use service_kit::{postgres::answered, telemetry::chain};
use tokio_util::sync::CancellationToken;

use super::{SHORTEST_ROUND, Webhooks};
use crate::store::webhooks::dispatch;

/// How long to look away when nothing waits and nobody has told.
const POLL: Duration = Duration::from_millis(100);
/// How long to wait after something failed.
const PAUSE: Duration = Duration::from_millis(500);

impl Webhooks {
    /// Dispatches until it is told to stop. Any number of replicas may do so at a time.
    pub(super) async fn dispatch(&self, token: CancellationToken) {
        while !token.is_cancelled() {
            let round = Round::begin(SHORTEST_ROUND);
            let pause = match answered(dispatch::dispatch(&self.pool, self.clock.now(), rand::random)).await {
                Ok(dispatched) => {
                    if dispatched.deliveries > 0 {
                        self.due.notify_one();
                    }
                    if dispatched.pointers > 0 {
                        round.rest().await;
                        continue;
                    }
                    POLL
                }
                Err(error) => {
                    tracing::warn!(cause = chain(&error), "Events cannot be dispatched for now.");
                    PAUSE
                }
            };
            // Polling is the truth; the writer's word only makes it sooner.
            tokio::select! {
                () = self.committed.dispatcher.notified(), if pause == POLL => {}
                () = tokio::time::sleep(pause) => {}
                () = token.cancelled() => {}
            }
        }
    }
}
