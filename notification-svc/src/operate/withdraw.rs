//! Withdraws events that the ledger does not have, after it was restored to a moment before them: they are remembered as
//! withdrawn, so that neither the stream nor a replay nor a webhook tells them again, and what was told of them is hidden.
//! Nothing is deleted.

use contract::timestamp;
use serde_json::json;

use super::{
    OperateError, Operations,
    dead_letters::Treated,
    verify::{Ledger, Orphans, Period, VerifyError},
};
use crate::{
    ingest::Arrival,
    store::audit::{Action, Order},
};

/// How many events are withdrawn in one commit.
const BATCH: usize = 200;

/// Why events were not, or not all, withdrawn.
#[derive(Debug, thiserror::Error)]
pub enum WithdrawError {
    #[error("there are {found} events that the ledger does not have, not {expected}: look again")]
    NotAsExpected { found: u64, expected: u64 },
    #[error(transparent)]
    Verify(#[from] VerifyError),
    #[error(transparent)]
    Operate(#[from] OperateError),
}

impl Operations {
    /// How many events of the period would be withdrawn.
    ///
    /// # Errors
    /// [`VerifyError`]
    pub async fn count_orphans(&self, ledger: &Ledger, period: Period) -> Result<u64, VerifyError> {
        let mut count = 0;
        let counted = self.each_orphan(ledger, period, async |orphans| {
            count += orphans.len();
            Ok(())
        });
        Box::pin(counted).await?;
        Ok(count)
    }

    /// Withdraws them, if there are as many as expected.
    ///
    /// # Errors
    /// [`WithdrawError`]; the audit says how many were withdrawn before.
    pub async fn withdraw(
        &self,
        ledger: &Ledger,
        period: Period,
        expected: u64,
        order: &Order,
    ) -> Result<Treated, WithdrawError> {
        let found = self.count_orphans(ledger, period).await?;
        if found != expected {
            return Err(WithdrawError::NotAsExpected { found, expected });
        }
        let selection = json!({
            "since": period.since.map(timestamp::text), "until": timestamp::text(period.until),
        });
        let entry = self.begin(Action::WithdrawEvents, order, selection, found).await.map_err(OperateError::from)?;
        let mut done = 0;
        let withdrawing = self.each_orphan(ledger, period, async |orphans| {
            done += orphans.len();
            self.withdraw_some(&orphans).await?;
            Ok(self.audit.note(entry, done, None).await?)
        });
        Box::pin(withdrawing).await?;
        self.end(entry, done).await.map_err(OperateError::from)?;
        Ok(Treated { planned: found, done })
    }

    async fn withdraw_some(&self, orphans: &Orphans) -> sqlx::Result<()> {
        match orphans {
            Orphans::Received(ids) => {
                for ids in ids.chunks(BATCH) {
                    self.ingest.withdraw(ids, &[]).await?;
                }
            }
            Orphans::OnStream(arrivals) => {
                for arrivals in arrivals.chunks(BATCH) {
                    let ids: Vec<_> = arrivals.iter().map(|Arrival { event, .. }| event.id).collect();
                    self.ingest.withdraw(&ids, arrivals).await?;
                }
            }
        }
        Ok(())
    }
}
