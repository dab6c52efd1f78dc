//! Verifies the books now and then, on one replica, and tells on all of them what was found.

use std::{sync::Arc, time::Duration};

use service_kit::{
    clock::SharedClock,
    postgres,
    tasks::{TaskError, Tasks},
};
use sqlx::PgPool;

use crate::{
    lease::Lease,
    metrics::LedgerMetrics,
    operate::verify::{Report, verify},
    store::{StoreError, verifications},
};

const LEASE: &str = "verification";
/// How often a replica looks whether the next verification is due, unless they are more frequent.
const LOOK: Duration = Duration::from_secs(30);

/// The verifications of one replica.
#[derive(Debug, Clone)]
pub struct Verification {
    pub pool: PgPool,
    pub clock: SharedClock,
    pub metrics: Arc<LedgerMetrics>,
    /// From the beginning of one verification to that of the next.
    pub interval: Duration,
}

impl Verification {
    /// Begins to look whether a verification is due, until the tasks are to stop.
    pub fn spawn(self, tasks: &Tasks) {
        tasks.spawn_restarting("verification", move |token| {
            let verification = self.clone();
            async move { token.run_until_cancelled(verification.keep()).await.unwrap_or(Ok(())) }
        });
    }

    async fn keep(self) -> Result<(), TaskError> {
        let mut lease = Lease::new(self.pool.clone(), LEASE);
        let mut looks = tokio::time::interval(LOOK.min(self.interval));
        loop {
            looks.tick().await;
            if self.is_due().await? && lease.acquire().await? {
                let verified = tokio::select! {
                    verified = self.verify() => verified,
                    () = lease.keep() => Ok(()),
                };
                lease.release().await;
                verified?;
            }
            if let Some(report) = verifications::newest(&postgres::orm(&self.pool)).await? {
                self.metrics.verified(&report);
            }
        }
    }

    async fn is_due(&self) -> Result<bool, StoreError> {
        let began = verifications::newest_began(&self.pool).await?;
        Ok(began.is_none_or(|began| self.clock.now() - began >= self.interval))
    }

    async fn verify(&self) -> Result<(), StoreError> {
        // Another replica may have done it between the look and the lease.
        if !self.is_due().await? {
            return Ok(());
        }
        let mut connection = self.pool.acquire().await?;
        let report = verify(&mut connection, &*self.clock, |_| ()).await?;
        verifications::keep(&self.pool, report.started_at, report.violations, &report).await?;
        log(&report);
        Ok(())
    }
}

fn log(report: &Report) {
    let (violations, milliseconds) = (report.violations, report.duration_milliseconds);
    if report.is_clean() {
        tracing::debug!(milliseconds, "The books are in order.");
    }
    for finding in report.checks.iter().filter(|finding| finding.violations > 0) {
        let (check, offenders) = (&finding.check, &finding.offenders);
        tracing::error!(check, violations, ?offenders, "The books are not in order: {check} is violated.");
    }
}
