//! Starts again what dies, as Kubernetes would: at once, and with growing pauses while it does not get ready.
//!
//! It ends with the future: whoever stops the platform in order must drop the supervision first.

use std::time::Duration;

use backon::{ExponentialBuilder, Retryable};
use futures_util::future::join_all;

use crate::stack::platform::Platform;
use crate::stack::process::Process;

/// What the supervision has to tell.
#[derive(Debug)]
pub enum Incident<'a> {
    Ended { process: &'a Process, status: String },
    StartFailed { process: &'a Process, error: anyhow::Error },
    Ready { process: &'a Process, pid: u32 },
}

/// Watches every process for ever, and tells `report` what happens.
pub async fn supervise(platform: &Platform, report: impl Fn(Incident<'_>)) {
    join_all(platform.processes().map(|process| keep_running(process, &report))).await;
}

async fn keep_running(process: &Process, report: &impl Fn(Incident<'_>)) {
    let pauses = ExponentialBuilder::new()
        .with_min_delay(Duration::from_millis(100))
        .with_max_delay(Duration::from_secs(10))
        .without_max_times();
    loop {
        let status = process.ended().await;
        report(Incident::Ended { process, status });
        let started = (|| process.start()).retry(pauses).notify(|error, _pause| {
            report(Incident::StartFailed { process, error: anyhow::anyhow!("{error:#}") });
        });
        // Without a bound on the tries this ends only with success.
        if started.await.is_ok()
            && let Some(pid) = process.pid()
        {
            report(Incident::Ready { process, pid });
        }
    }
}
