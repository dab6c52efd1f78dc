//! The last third of a batch: everything that was decided, stored with a few statements.

use std::collections::BTreeSet;

use sqlx::PgConnection;
use time::OffsetDateTime;

use crate::{
    domain::{
        account::Account,
        command::Command,
        decide::{Applied, Outcome},
        event::event_of,
        idempotency::Idempotency,
        transaction::Transaction,
    },
    store::{
        StoreError, accounts,
        answers::{self, StoredAnswer},
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
    pub(super) applied: Vec<(&'a Applied, &'a Command)>,
    /// Accounts that existed before.
    pub(super) changed: &'a [Account],
    /// Transactions that existed before.
    pub(super) changed_transactions: &'a [Transaction],
    pub(super) answers: Vec<(Idempotency, &'a StoredAnswer)>,
}

pub(super) async fn write_in_tx(connection: &mut PgConnection, changes: Changes<'_>) -> Result<(), WriteFailure> {
    // First, because it may show that the batch was decided on too little.
    if !changes.answers.is_empty() {
        let stored = answers::insert_in_tx(connection, changes.now, &changes.answers).await?;
        if stored != changes.answers.len() as u64 {
            return Err(WriteFailure::KeyTaken);
        }
    }
    if changes.applied.is_empty() {
        return Ok(());
    }
    let (mut opened, mut created, mut refunded) = (Vec::new(), Vec::new(), Vec::new());
    let mut relabelled = BTreeSet::new();
    for (applied, _) in &changes.applied {
        match &applied.outcome {
            Outcome::AccountOpened(account) => opened.push(account),
            Outcome::AccountChanged(account) => {
                relabelled.insert(account.id);
            }
            Outcome::TransactionCreated(transaction) => created.push(transaction),
            Outcome::TransactionChanged(_) => {}
            Outcome::TransactionRefunded(_, refund) => refunded.push(refund),
        }
    }
    if !opened.is_empty() {
        accounts::insert_in_tx(connection, &opened).await?;
    }
    if !changes.changed.is_empty() {
        accounts::update_in_tx(connection, changes.changed).await?;
    }
    if !relabelled.is_empty() {
        let relabelled: Vec<_> = changes.changed.iter().filter(|account| relabelled.contains(&account.id)).collect();
        accounts::update_labels_in_tx(connection, &relabelled).await?;
    }
    if !created.is_empty() {
        transactions::insert_in_tx(connection, &created).await?;
    }
    if !changes.changed_transactions.is_empty() {
        transitions::update_in_tx(connection, changes.changed_transactions).await?;
    }
    if !refunded.is_empty() {
        refunds::insert_in_tx(connection, &refunded).await?;
    }
    let happened: Vec<_> = changes
        .applied
        .iter()
        .flat_map(|(applied, _)| {
            let transaction = applied.outcome.transaction().map(|transaction| transaction.id);
            applied.effects.iter().map(move |effect| (effect, transaction))
        })
        .collect();
    effects::insert_in_tx(connection, &happened).await?;
    let entries = changes.applied.iter().map(|(applied, command)| entry(applied, command)).collect::<Result<_, _>>()?;
    journal::append_in_tx(connection, entries).await?;
    Ok(())
}

fn entry(applied: &Applied, command: &Command) -> Result<JournalEntry, serde_json::Error> {
    let partition_key = match &applied.outcome {
        Outcome::AccountOpened(account) | Outcome::AccountChanged(account) => account.id.uuid(),
        Outcome::TransactionCreated(transaction)
        | Outcome::TransactionChanged(transaction)
        | Outcome::TransactionRefunded(transaction, _) => transaction.source.uuid(),
    };
    let body = event_of(applied, command).encode()?;
    Ok(JournalEntry {
        id: applied.event,
        kind: applied.kind,
        partition_key,
        traceparent: command.traceparent.clone(),
        body,
    })
}
