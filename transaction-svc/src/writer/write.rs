//! The last third of a batch: everything that was decided, stored with one statement, and a second
//! one where the labels of accounts change.

use std::collections::BTreeSet;

use contract::AccountId;
use sqlx::PgConnection;
use time::OffsetDateTime;

use super::queue::Submission;
use crate::{
    domain::{
        account::Account,
        decide::{Applied, Outcome},
        event::event_of,
        idempotency::Idempotency,
        transaction::Transaction,
    },
    store::{
        StoreError, accounts,
        answers::{self, StoredAnswer},
        batch_statement::BatchStatement,
        effects,
        journal::{self, JournalEntry},
        refunds, transactions, transitions,
    },
};

/// Why a batch could not be stored. Nothing of it was.
#[derive(Debug, thiserror::Error)]
pub(super) enum WriteFailure {
    /// Another replica has just answered one of the keys: load again and see what.
    #[error("a key of the batch was answered by somebody else")]
    KeyTaken,
    /// The database does not even say that it is too late.
    #[error("the database has not answered for too long")]
    NoAnswer,
    #[error("an event could not be written as JSON")]
    Encode(#[from] serde_json::Error),
    #[error("the batch could not be stored")]
    Store(#[from] StoreError),
}

/// What a batch stores.
#[derive(Debug)]
pub(super) struct Changes<'a> {
    pub(super) now: OffsetDateTime,
    pub(super) applied: Vec<(&'a Applied, &'a Submission)>,
    /// Accounts that existed before.
    pub(super) changed: &'a [Account],
    /// Transactions that existed before.
    pub(super) changed_transactions: &'a [Transaction],
    pub(super) answers: Vec<(Idempotency, &'a StoredAnswer)>,
}

pub(super) async fn write_in_tx(connection: &mut PgConnection, changes: Changes<'_>) -> Result<(), WriteFailure> {
    if changes.answers.is_empty() && changes.applied.is_empty() {
        return Ok(());
    }
    let mut statement = BatchStatement::default();
    answers::insert(&mut statement, changes.now, &changes.answers);
    if !changes.applied.is_empty() {
        add_applied(&mut statement, &changes)?;
    }
    let stored = statement.execute_in_tx(connection, answers::STORED).await?;
    // The batch was decided on too little.
    if stored != changes.answers.len() as u64 {
        return Err(WriteFailure::KeyTaken);
    }
    let relabelled = relabelled(&changes);
    if !relabelled.is_empty() {
        accounts::update_labels_in_tx(connection, &relabelled).await?;
    }
    Ok(())
}

/// The accounts whose own fields a command may have changed, not only their balances.
fn relabelled<'a>(changes: &Changes<'a>) -> Vec<&'a Account> {
    let ids: BTreeSet<AccountId> = changes
        .applied
        .iter()
        .filter_map(|(applied, _)| match &applied.outcome {
            Outcome::AccountChanged(account) => Some(account.id),
            Outcome::AccountOpened(_)
            | Outcome::TransactionCreated(_)
            | Outcome::TransactionChanged(_)
            | Outcome::TransactionRefunded(..) => None,
        })
        .collect();
    changes.changed.iter().filter(|account| ids.contains(&account.id)).collect()
}

fn add_applied(statement: &mut BatchStatement, changes: &Changes<'_>) -> Result<(), serde_json::Error> {
    let (mut opened, mut created, mut refunded) = (Vec::new(), Vec::new(), Vec::new());
    for (applied, _) in &changes.applied {
        match &applied.outcome {
            Outcome::AccountOpened(account) => opened.push(account),
            Outcome::TransactionCreated(transaction) => created.push(transaction),
            Outcome::AccountChanged(_) | Outcome::TransactionChanged(_) => {}
            Outcome::TransactionRefunded(_, refund) => refunded.push(refund),
        }
    }
    if !opened.is_empty() {
        accounts::insert(statement, &opened);
    }
    if !changes.changed.is_empty() {
        accounts::update(statement, changes.changed);
    }
    if !created.is_empty() {
        transactions::insert(statement, &created);
    }
    if !changes.changed_transactions.is_empty() {
        transitions::update(statement, changes.changed_transactions);
    }
    if !refunded.is_empty() {
        refunds::insert(statement, &refunded);
    }
    let happened: Vec<_> = changes
        .applied
        .iter()
        .flat_map(|(applied, _)| {
            let transaction = applied.outcome.transaction().map(|transaction| transaction.id);
            applied.effects.iter().map(move |effect| (effect, transaction))
        })
        .collect();
    effects::insert(statement, &happened);
    let entries =
        changes.applied.iter().map(|(applied, submission)| entry(applied, submission)).collect::<Result<_, _>>()?;
    journal::append(statement, entries);
    Ok(())
}

fn entry(applied: &Applied, submission: &Submission) -> Result<JournalEntry, serde_json::Error> {
    let partition_key = match &applied.outcome {
        Outcome::AccountOpened(account) | Outcome::AccountChanged(account) => account.id.uuid(),
        Outcome::TransactionCreated(transaction)
        | Outcome::TransactionChanged(transaction)
        | Outcome::TransactionRefunded(transaction, _) => transaction.source.uuid(),
    };
    let body = event_of(applied, &submission.command).encode()?;
    Ok(JournalEntry {
        id: applied.event,
        kind: applied.kind,
        partition_key,
        traceparent: submission.command.traceparent.clone(),
        // Clocks of two machines: what was taken was taken before it was decided.
        accepted_at: Some(submission.accepted_at.min(applied.at)),
        body,
    })
}
