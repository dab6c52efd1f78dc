//! Where commands wait for the writer, and what their callers can be told.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use service_kit::{clock::SharedClock, http::RequestId};
use time::OffsetDateTime;
use tokio::sync::{
    mpsc::{self, error::TrySendError},
    oneshot,
};

use super::Answer;
use crate::domain::command::Command;

/// Why a command has no answer. In each case the same request with the same key may be sent again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WriteError {
    #[error("too many commands wait")]
    Overloaded,
    #[error("nothing was changed: the database is unavailable")]
    Unavailable,
    #[error("the change may have been made: the connection was lost while it was committed")]
    OutcomeUnknown,
    /// A defect of ours: the database refused this very command.
    #[error("nothing was changed: the command could not be stored")]
    Failed,
}

/// A command, and who waits for its answer.
#[derive(Debug)]
pub(super) struct Submission {
    pub(super) command: Command,
    /// When it was taken.
    pub(super) accepted_at: OffsetDateTime,
    pub(super) request_id: RequestId,
    pub(super) reply: oneshot::Sender<Result<Answer, WriteError>>,
}

/// Gives commands to the writer.
#[derive(Debug, Clone)]
pub struct Commands {
    sender: mpsc::Sender<Submission>,
    clock: SharedClock,
    outbox_full: Arc<AtomicBool>,
}

impl Commands {
    pub(super) fn new(sender: mpsc::Sender<Submission>, clock: SharedClock) -> Self {
        Self { sender, clock, outbox_full: Arc::new(AtomicBool::new(false)) }
    }

    /// Has the command decided and stored.
    ///
    /// # Errors
    /// [`WriteError`], which says whether anything can have changed.
    pub async fn submit(&self, command: Command, request_id: RequestId) -> Result<Answer, WriteError> {
        if self.outbox_full.load(Ordering::Relaxed) {
            return Err(WriteError::Overloaded);
        }
        let (reply, answer) = oneshot::channel();
        let submission = Submission { command, accepted_at: self.clock.now(), request_id, reply };
        self.sender.try_send(submission).map_err(|error| match error {
            TrySendError::Full(_) => WriteError::Overloaded,
            TrySendError::Closed(_) => WriteError::Unavailable,
        })?;
        // The writer answers everybody; a lost reply means that it died in the middle.
        answer.await.unwrap_or(Err(WriteError::OutcomeUnknown))
    }

    /// Whether to refuse commands because too many events wait to be told.
    pub fn set_outbox_full(&self, full: bool) {
        self.outbox_full.store(full, Ordering::Relaxed);
    }
}
