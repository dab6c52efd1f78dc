//! The last third of a batch: everything that was decided, stored with a few statements.

use sqlx::PgConnection;
use time::OffsetDateTime;

use crate::{
    domain::{
        account::Account,
        command::Command,
        decide::{Applied, Outcome},
        event::event_of,
        idempotency::Idempotency,
    },
    store::{
        StoreError, accounts,
        answers::{self, StoredAnswer},
        effects,
        journal::{self, JournalEntry},
        transactions,
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
    let (mut opened, mut created, mut happened) = (Vec::new(), Vec::new(), Vec::new());
    for (applied, _) in &changes.applied {
        let transaction = match &applied.outcome {
            Outcome::AccountOpened(account) => {
                opened.push(account);
                None
            }
            Outcome::TransactionCreated(transaction) => {
                created.push(transaction);
                Some(transaction.id)
            }
        };
        happened.extend(applied.effects.iter().map(|effect| (effect, transaction)));
    }
    if !opened.is_empty() {
        accounts::insert_in_tx(connection, &opened).await?;
    }
    if !changes.changed.is_empty() {
        accounts::update_in_tx(connection, changes.changed).await?;
    }
    if !created.is_empty() {
        transactions::insert_in_tx(connection, &created).await?;
    }
    effects::insert_in_tx(connection, &happened).await?;
    let entries = changes.applied.iter().map(|(applied, command)| entry(applied, command)).collect::<Result<_, _>>()?;
    journal::append_in_tx(connection, entries).await?;
    Ok(())
}

fn entry(applied: &Applied, command: &Command) -> Result<JournalEntry, serde_json::Error> {
    let partition_key = match &applied.outcome {
        Outcome::AccountOpened(account) => account.id,
        Outcome::TransactionCreated(transaction) => transaction.source,
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
