//! Plans and runs what was asked for over the REST API, in whichever replica has nothing else to replay.

use std::time::Duration;

use service_kit::{tasks::TaskError, telemetry};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{Replay, ReplayError, Status};
use crate::operate::Operations;

const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Looks for replays to plan and to run, until told to stop; one that is interrupted goes on in another replica.
///
/// # Errors
/// None: a failed look is logged and repeated.
pub async fn run_requested(operations: Operations, stop: CancellationToken) -> Result<(), TaskError> {
    let looking = async {
        loop {
            match operations.work_on_next().await {
                Ok(true) => {}
                Ok(false) => tokio::time::sleep(LOOK_EVERY).await,
                Err(error) => {
                    tracing::warn!(cause = telemetry::chain(&error), "A replay does not go on for now.");
                    tokio::time::sleep(LOOK_EVERY).await;
                }
            }
        }
    };
    Box::pin(stop.run_until_cancelled(looking)).await;
    Ok(())
}

impl Operations {
    /// Whether there was one.
    async fn work_on_next(&self) -> Result<bool, ReplayError> {
        let Some(Replay { id, status, .. }) = self.replays.next_for_service(self.clock.now()).await? else {
            return Ok(false);
        };
        let ended = match status {
            Status::Planning => {
                // While it plans, no other replica does.
                let holder = Uuid::new_v4();
                if !self.replays.hold_for_planning(id, holder, self.clock.now()).await? {
                    return Ok(true);
                }
                self.plan_replay(id, |_| {}).await
            }
            _ => self.run_replay(id, false, |_, _| {}).await,
        };
        match ended {
            // Somebody was faster, or somebody cancelled it.
            Ok(_) | Err(ReplayError::Held | ReplayError::WrongStatus(_)) => Ok(true),
            Err(error) => Err(error),
        }
    }
}
