//! The one door through which the ledger changes: load, decide, write, commit, for as many commands as wait.
//!
//! Two of these loops run in a process. One takes its turn at the queue and prepares a batch while the other commits, so
//! batches grow by themselves under load and a lone command never waits (group commit without linger). The rules:
//! nothing is answered before its commit; a decision that may have been committed is never sent again; and no command
//! fails its neighbours: a batch that the database refuses is taken apart, and an account that stays locked
//! fails only the commands that name it (the others wait as long as `lock_timeout` allows, once).

#![deny(clippy::float_arithmetic, clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_possible_wrap)]
#![deny(clippy::wildcard_enum_match_arm, clippy::unwrap_used, clippy::indexing_slicing)]

mod answer;
mod batch;
mod committed;
mod dry_run;
mod load;
mod queue;
mod write;

use std::{num::NonZeroU16, sync::Arc};

use service_kit::clock::SharedClock;
use sqlx::PgPool;
use tokio::sync::{Mutex, mpsc};
use tokio_util::sync::CancellationToken;

pub use answer::Answer;
pub use committed::Committed;
pub use dry_run::{DryRunError, dry_run};
pub use queue::{Commands, WriteError};

use crate::{cache::TransactionCache, metrics::LedgerMetrics};
use batch::Batch;
use queue::Submission;

/// How many commands one commit carries at the most.
const MAX_BATCH: usize = 512;
/// How many loops share the queue.
pub const LOOPS: usize = 2;

/// The loops' shared state.
#[derive(Debug)]
pub struct Writer {
    pool: PgPool,
    waiting: Mutex<mpsc::Receiver<Submission>>,
    metrics: Arc<LedgerMetrics>,
    committed: Arc<Committed>,
    cache: TransactionCache,
}

impl Writer {
    /// The writer, and where commands are given to it: so many may wait. `committed` is told whenever events wait.
    #[must_use]
    pub fn new(
        max_waiting: NonZeroU16,
        pool: PgPool,
        clock: SharedClock,
        metrics: Arc<LedgerMetrics>,
        committed: Arc<Committed>,
        cache: TransactionCache,
    ) -> (Self, Commands) {
        let (sender, receiver) = mpsc::channel(max_waiting.get().into());
        (Self { pool, waiting: Mutex::new(receiver), metrics, committed, cache }, Commands::new(sender, clock))
    }

    /// One of the loops. Once it is told to stop it takes no new commands, and ends when it has answered those that wait.
    pub async fn run(&self, token: CancellationToken) {
        loop {
            let mut turn = self.waiting.lock().await;
            let mut submissions = Vec::new();
            let received = tokio::select! {
                biased;
                received = turn.recv_many(&mut submissions, MAX_BATCH) => received,
                () = token.cancelled(), if !turn.is_closed() => {
                    turn.close();
                    continue;
                }
            };
            if received == 0 {
                return;
            }
            Batch::new(self, submissions).carry_out(turn).await;
        }
    }
}
