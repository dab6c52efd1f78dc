//! Waiting for a condition with a deadline: what tests and the stack do instead of sleeping.
//!
//! A probe answers with what was waited for, or says why not yet; the last reason is in the failure.

use std::time::Duration;

use anyhow::Context;
use tokio::time::{Instant, sleep, timeout_at};

/// How long [`eventually`] waits. Long, because a passing test never waits for it, and a busy machine must not fail one.
const PATIENCE: Duration = Duration::from_secs(45);
const BETWEEN_PROBES: Duration = Duration::from_millis(10);

/// Waits until `probe` succeeds.
///
/// # Panics
/// When it has not after 45 seconds, with `what` was waited for and the last reason against it.
#[expect(clippy::panic, reason = "the assertion of a test")]
pub async fn eventually<T>(what: &str, probe: impl AsyncFnMut() -> anyhow::Result<T>) -> T {
    match within(PATIENCE, what, probe).await {
        Ok(found) => found,
        Err(error) => panic!("{error:#}"),
    }
}

/// Waits until `probe` succeeds, at most for `patience`.
///
/// # Errors
/// The probe's last reason, when it has not succeeded by then.
pub async fn within<T>(
    patience: Duration,
    what: &str,
    mut probe: impl AsyncFnMut() -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    let deadline = Instant::now() + patience;
    let mut last = anyhow::anyhow!("the first look did not come back");
    loop {
        match timeout_at(deadline, probe()).await {
            Ok(Ok(found)) => return Ok(found),
            Ok(Err(reason)) => last = reason,
            Err(_elapsed) => break,
        }
        if Instant::now() >= deadline {
            break;
        }
        sleep(BETWEEN_PROBES).await;
    }
    Err(last).with_context(|| format!("waited {patience:?} in vain: {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_condition_that_comes_true_is_waited_for() {
        let mut looks = 0;
        let found = eventually("three looks", async || {
            looks += 1;
            anyhow::ensure!(looks == 3, "only {looks} looks");
            Ok(looks)
        })
        .await;
        assert_eq!(found, 3);
    }

    #[tokio::test]
    async fn the_last_reason_is_told_when_the_patience_ends() {
        let outcome = within(Duration::from_millis(30), "a miracle", async || {
            anyhow::bail!("nothing happened");
            #[expect(unreachable_code, reason = "gives the closure its type")]
            Ok(())
        })
        .await;
        let text = format!("{:#}", outcome.unwrap_err());
        assert_eq!(text, "waited 30ms in vain: a miracle: nothing happened");
    }
}
