//! What each caller of a batch is told. Answers are rendered before the commit, because they are stored with it.

use std::collections::HashMap;

use bytes::Bytes;
use contract::transaction::{Created, Transaction as TransactionView};
use service_kit::http::{Problem, RequestId};

use super::WriteError;
use crate::{
    domain::{
        command::{Caller, Command},
        decide::{Applied, Decision, Earlier, Outcome},
        idempotency::KeyDigest,
        transaction::Transaction,
    },
    problem,
    store::answers::StoredAnswer,
    view,
};

/// What a caller is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    pub content: StoredAnswer,
    /// Whether the answer was given before, to the first request under the key.
    pub replayed: bool,
}

impl Answer {
    /// The answer of a command that was only tried: without what says that something was made.
    #[must_use]
    pub fn tried(content: StoredAnswer) -> Self {
        let status = if content.status == CREATED { OK } else { content.status };
        Self { content: StoredAnswer { status, location: None, etag: None, ..content }, replayed: false }
    }

    /// Whether the command was carried out, now or before.
    #[must_use]
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.content.status)
    }
}

/// The answer that is stored under the command's key, for decisions that are answers of their own.
pub(super) fn stored(
    decision: &Decision,
    caller: &Caller,
    request_id: &RequestId,
) -> Result<Option<StoredAnswer>, serde_json::Error> {
    match decision {
        Decision::Applied(applied) => done(applied, caller).map(Some),
        Decision::AllApplied(created) => all_done(created, caller).map(Some),
        Decision::Refused(refusal) => Ok(Some(refused(&problem::of_refusal(refusal), request_id))),
        Decision::Repeated(_) | Decision::KeyReused(_) | Decision::NotFound | Decision::Forbidden | Decision::Busy => {
            Ok(None)
        }
    }
}

/// What the caller of the command at `index` is told once the batch is committed.
pub(super) fn reply(
    decision: &Decision,
    command: &Command,
    request_id: &RequestId,
    index: usize,
    new: &[Option<StoredAnswer>],
    old: &HashMap<KeyDigest, StoredAnswer>,
) -> Result<Answer, WriteError> {
    let first = |earlier: &Earlier| match earlier {
        Earlier::Stored => old.get(&command.idempotency?.key),
        Earlier::InBatch(index) => new.get(*index).and_then(Option::as_ref),
    };
    let (content, replayed) = match decision {
        Decision::Applied(_) | Decision::AllApplied(_) | Decision::Refused(_) => {
            (new.get(index).cloned().flatten(), false)
        }
        Decision::Repeated(earlier) => (first(earlier).cloned(), true),
        Decision::KeyReused(earlier) => {
            let location = first(earlier).and_then(|answer| answer.location.as_deref());
            (Some(refused(&problem::key_reused(location), request_id)), false)
        }
        Decision::NotFound => (Some(refused(&problem::not_found(), request_id)), false),
        Decision::Forbidden => (Some(refused(&problem::not_for_the_caller(), request_id)), false),
        Decision::Busy => return Err(WriteError::Unavailable),
    };
    content.map(|content| Answer { content, replayed }).ok_or(WriteError::Failed)
}

fn done(applied: &Applied, caller: &Caller) -> Result<StoredAnswer, serde_json::Error> {
    let shown = |transaction: &Transaction| {
        let effects =
            applied.effects.iter().map(|effect| view::effect(effect, caller.manages(&effect.owner))).collect();
        let body = serde_json::to_vec(&view::transaction(transaction, effects))?;
        Ok((body, view::transaction_etag(transaction).to_string()))
    };
    let (status, body, location, etag) = match &applied.outcome {
        Outcome::AccountOpened(account) => {
            let body = serde_json::to_vec(&view::account(account))?;
            (CREATED, body, Some(format!("/v1/accounts/{}", account.id)), Some(view::account_etag(account).to_string()))
        }
        Outcome::AccountChanged(account) => {
            (OK, serde_json::to_vec(&view::account(account))?, None, Some(view::account_etag(account).to_string()))
        }
        Outcome::TransactionCreated(transaction) => {
            let (body, etag) = shown(transaction)?;
            (CREATED, body, Some(format!("/v1/transactions/{}", transaction.id)), Some(etag))
        }
        Outcome::TransactionChanged(transaction) => {
            let (body, etag) = shown(transaction)?;
            (OK, body, None, Some(etag))
        }
        Outcome::TransactionRefunded(transaction, refund) => {
            let location = format!("/v1/transactions/{}/refunds/{}", transaction.id, refund.id);
            (CREATED, serde_json::to_vec(&view::refund(refund))?, Some(location), None)
        }
    };
    Ok(StoredAnswer { status, body: Bytes::from(body), location, etag })
}

/// The transactions that were created together, in the order in which they were asked for.
fn all_done(created: &[Applied], caller: &Caller) -> Result<StoredAnswer, serde_json::Error> {
    let transactions = created.iter().filter_map(|applied| Some((applied, applied.outcome.transaction()?)));
    let data = transactions.map(|(applied, transaction)| shown_to(caller, applied, transaction)).collect();
    let body = serde_json::to_vec(&Created { data })?;
    Ok(StoredAnswer { status: CREATED, body: Bytes::from(body), location: None, etag: None })
}

fn shown_to(caller: &Caller, applied: &Applied, transaction: &Transaction) -> TransactionView {
    let effects = applied.effects.iter().map(|effect| view::effect(effect, caller.manages(&effect.owner))).collect();
    view::transaction(transaction, effects)
}

const OK: i16 = 200;
const CREATED: i16 = 201;

fn refused(problem: &Problem, request_id: &RequestId) -> StoredAnswer {
    let status = i16::try_from(problem.kind.status.as_u16()).unwrap_or(i16::MAX);
    StoredAnswer { status, body: problem.to_bytes(request_id), location: None, etag: None }
}
