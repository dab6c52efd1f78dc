//! One batch on its way through load, decide, write and commit, and what happens where one of them fails.

use std::time::Duration;

use service_kit::seeded;
use sqlx::{PgConnection, Postgres, Transaction};
use tokio::sync::{MutexGuard, mpsc};

use super::{
    Answer, WriteError, Writer, answer,
    load::{self, Loaded},
    queue::Submission,
    write::{self, Changes, WriteFailure},
};
use crate::{
    cache::Entry,
    domain::decide::{Decision, Decisions, decide},
    store::{StoreError, accounts::Locking, answers::StoredAnswer, begin},
};

/// How often a batch is decided anew because another replica was faster with one of its keys.
const MAX_ATTEMPTS: usize = 5;

/// How many events one commit carries at the most. No command alone has more.
const MAX_EVENTS: usize = 1_024;

/// Above all timeouts of the database's own: it bounds what a host that vanished without a word can hold up.
const PREPARE_WITHIN: Duration = Duration::from_secs(12);
const COMMIT_WITHIN: Duration = Duration::from_secs(6);

type Replies = Vec<Result<Answer, WriteError>>;

pub(super) struct Batch<'a> {
    writer: &'a Writer,
    /// What is still to be done, in parts that are committed together; the next part is the last.
    parts: Vec<Vec<Submission>>,
}

/// A batch that is decided and written, but not committed.
struct Prepared {
    transaction: Transaction<'static, Postgres>,
    decisions: Vec<Decision>,
    replies: Replies,
}

impl<'a> Batch<'a> {
    pub(super) fn new(writer: &'a Writer, submissions: Vec<Submission>) -> Self {
        Self { writer, parts: in_parts(submissions) }
    }

    /// Answers every submission. Gives up the turn as soon as only the commit is left to do.
    pub(super) async fn carry_out(mut self, turn: MutexGuard<'_, mpsc::Receiver<Submission>>) {
        let mut turn = Some(turn);
        while let Some(mut part) = self.parts.pop() {
            // Whoever has hung up was told nothing, and nothing was begun for them.
            part.retain(|submission| !submission.reply.is_closed());
            if part.is_empty() {
                continue;
            }
            match self.prepare(&part).await {
                Ok(prepared) => {
                    if self.parts.is_empty() {
                        turn.take();
                    }
                    self.commit(prepared, part).await;
                }
                Err(failure) => self.handle(failure, part),
            }
        }
    }

    /// Load, decide and write, again where another replica interfered.
    async fn prepare(&self, part: &[Submission]) -> Result<Prepared, WriteFailure> {
        let mut locking = Locking::Wait;
        let mut attempt = 1;
        loop {
            let prepared = tokio::time::timeout(PREPARE_WITHIN, self.try_prepare(part, locking)).await;
            match prepared.unwrap_or(Err(WriteFailure::NoAnswer)) {
                Err(WriteFailure::KeyTaken) if attempt < MAX_ATTEMPTS => attempt += 1,
                // Somebody sits on an account. The commands that name it are told so; the others go on.
                Err(WriteFailure::Store(StoreError::LockTimeout(_))) if locking == Locking::Wait => {
                    locking = Locking::Skip;
                }
                done => return done,
            }
        }
    }

    async fn try_prepare(&self, part: &[Submission], locking: Locking) -> Result<Prepared, WriteFailure> {
        let mut transaction = self.writer.pool.begin_with(begin::DURABLE).await.map_err(StoreError::from)?;
        let commands = part.iter().map(|submission| &submission.command);
        let loaded = load::load_in_tx(&mut transaction, commands.clone(), locking).await?;
        let Loaded { ledger, answers } = loaded;
        let now = ledger.now;
        let decided = decide(ledger, commands);
        let stored = decided
            .each
            .iter()
            .zip(part)
            .map(|(decision, submission)| answer::stored(decision, &submission.command.caller, &submission.request_id))
            .collect::<Result<Vec<_>, _>>()?;
        write_in_tx(&mut transaction, part, &decided, &stored, now).await?;
        let replies = decided
            .each
            .iter()
            .zip(part)
            .enumerate()
            .map(|(index, (decision, submission))| {
                answer::reply(decision, &submission.command, &submission.request_id, index, &stored, &answers)
            })
            .collect();
        Ok(Prepared { transaction, decisions: decided.each, replies })
    }

    async fn commit(&self, prepared: Prepared, part: Vec<Submission>) {
        let Prepared { transaction, decisions, replies } = prepared;
        let (part, replies) = if seeded::bug("writer::answers_before_commit") {
            answer_each(part, replies);
            // So that they have left.
            tokio::time::sleep(Duration::from_millis(100)).await;
            (Vec::new(), Vec::new())
        } else {
            (part, replies)
        };
        fail::fail_point!("writer::before_commit");
        match tokio::time::timeout(COMMIT_WITHIN, transaction.commit()).await {
            Ok(Ok(())) => {}
            lost => {
                tracing::error!(?lost, commands = part.len(), "The connection was lost while a batch was committed.");
                return answer_all(part, WriteError::OutcomeUnknown);
            }
        }
        fail::fail_point!("writer::after_commit");
        self.writer.committed.tell();
        self.writer.cache.put(decisions.iter().flat_map(Decision::applied).filter_map(Entry::of_change)).await;
        self.writer.metrics.batch_committed(part.iter().map(|submission| &submission.command), &decisions);
        answer_each(part, replies);
    }

    fn handle(&mut self, failure: WriteFailure, part: Vec<Submission>) {
        let passing = match &failure {
            WriteFailure::KeyTaken | WriteFailure::NoAnswer => true,
            WriteFailure::Store(error) => error.is_transient(),
            WriteFailure::Encode(_) => false,
        };
        let error = &failure as &(dyn std::error::Error + 'static);
        if passing {
            tracing::warn!(error, commands = part.len(), "A batch could not be stored for now.");
            answer_all(part, WriteError::Unavailable);
        } else if part.len() > 1 {
            tracing::warn!(error, commands = part.len(), "A batch was refused and is taken apart.");
            self.parts.extend(part.into_iter().rev().map(|submission| vec![submission]));
        } else {
            tracing::error!(error, command = ?part.first().map(|one| &one.command.action), "A command could not be stored.");
            answer_all(part, WriteError::Failed);
        }
    }
}

/// In parts that one commit can hold, the first of them last.
fn in_parts(submissions: Vec<Submission>) -> Vec<Vec<Submission>> {
    let (mut parts, mut part, mut weight) = (Vec::new(), Vec::new(), 0);
    for submission in submissions {
        let added = submission.command.action.weight();
        if weight > 0 && weight + added > MAX_EVENTS {
            parts.push(std::mem::take(&mut part));
            weight = 0;
        }
        weight += added;
        part.push(submission);
    }
    parts.push(part);
    parts.reverse();
    parts
}

async fn write_in_tx(
    connection: &mut PgConnection,
    part: &[Submission],
    decided: &Decisions,
    stored: &[Option<StoredAnswer>],
    now: time::OffsetDateTime,
) -> Result<(), WriteFailure> {
    let applied = decided
        .each
        .iter()
        .zip(part)
        .flat_map(|(decision, submission)| decision.applied().iter().map(move |applied| (applied, submission)));
    let mut answers: Vec<_> = stored
        .iter()
        .zip(part)
        .filter_map(|(answer, submission)| Some((submission.command.idempotency?, answer.as_ref()?)))
        .collect();
    answers.sort_by_key(|(idempotency, _)| idempotency.key);
    let changes = Changes {
        now,
        applied: applied.collect(),
        changed: &decided.changed,
        changed_transactions: &decided.changed_transactions,
        answers,
    };
    write::write_in_tx(connection, changes).await
}

fn answer_each(part: Vec<Submission>, replies: Replies) {
    for (submission, reply) in part.into_iter().zip(replies) {
        // Nobody waits where the client has hung up; the key will tell it the truth.
        submission.reply.send(reply).ok();
    }
}

fn answer_all(part: Vec<Submission>, error: WriteError) {
    for submission in part {
        submission.reply.send(Err(error)).ok();
    }
}
