//! The first third of a batch: what must be known to decide it.
//!
//! In separate statements, because a statement that has waited for a lock still sees the rest of the database as it was
//! before: the answers, the clock and the state of transactions are read only once every lock is held. What commands name
//! decides which statements there are; a batch that creates transactions needs two.

use std::collections::{BTreeSet, HashMap};

use contract::{AccountId, TransactionId};
use sqlx::PgConnection;

use crate::{
    domain::{
        command::Command,
        decide::{Ledger, Missing},
        idempotency::KeyDigest,
    },
    store::{
        StoreError,
        accounts::{self, Locking},
        answers::{self, StoredAnswer},
        transitions,
    },
};

/// The state that a batch is decided on, and the answers that were given before.
#[derive(Debug)]
pub(super) struct Loaded {
    pub(super) ledger: Ledger,
    pub(super) answers: HashMap<KeyDigest, StoredAnswer>,
}

pub(super) async fn load_in_tx<'a>(
    connection: &mut PgConnection,
    commands: impl Iterator<Item = &'a Command> + Clone,
    locking: Locking,
) -> Result<Loaded, StoreError> {
    let named: BTreeSet<TransactionId> = commands.clone().filter_map(|command| command.action.transaction()).collect();
    let sides = match named.is_empty() {
        true => Vec::new(),
        false => transitions::sides_in_tx(connection, &named.into_iter().collect::<Vec<_>>()).await?,
    };
    let mut ids: BTreeSet<AccountId> = commands.clone().flat_map(|command| command.action.accounts()).collect();
    ids.extend(sides.iter().flat_map(|sides| [sides.source, sides.destination]));
    let ids: Vec<AccountId> = ids.into_iter().collect();
    let accounts = if ids.is_empty() { Vec::new() } else { accounts::lock_in_tx(connection, &ids, locking).await? };

    let keys: Vec<KeyDigest> = commands.filter_map(|command| Some(command.idempotency?.key)).collect();
    let found = answers::read_in_tx(connection, &keys).await?;
    // Only those whose accounts are locked: a transaction that has appeared since is younger than these commands.
    let existing: Vec<TransactionId> = sides.iter().map(|sides| sides.transaction).collect();
    let transactions =
        if existing.is_empty() { Vec::new() } else { transitions::read_in_tx(connection, &existing).await? };

    let ledger = Ledger {
        now: found.now,
        accounts: accounts.into_iter().map(|account| (account.id, account)).collect(),
        missing: match locking {
            Locking::Wait => Missing::Unknown,
            Locking::Skip => Missing::Busy,
        },
        transactions: transactions.into_iter().map(|transaction| (transaction.id, transaction)).collect(),
        answered: found.answers.iter().map(|(known, _)| (known.key, known.fingerprint)).collect(),
    };
    let answers = found.answers.into_iter().map(|(known, answer)| (known.key, answer)).collect();
    Ok(Loaded { ledger, answers })
}
