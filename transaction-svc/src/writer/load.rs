//! The first third of a batch: what must be known to decide it.
//!
//! In separate statements, because a statement that has waited for a lock still sees the rest of the database as it was
//! before: the answers and the clock are read only once every lock is held.

use std::collections::{BTreeSet, HashMap};

use contract::AccountId;
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
    let ids: BTreeSet<AccountId> = commands.clone().flat_map(|command| command.action.accounts()).collect();
    let ids: Vec<AccountId> = ids.into_iter().collect();
    let accounts = if ids.is_empty() { Vec::new() } else { accounts::lock_in_tx(connection, &ids, locking).await? };

    let keys: Vec<KeyDigest> = commands.map(|command| command.idempotency.key).collect();
    let found = answers::read_in_tx(connection, &keys).await?;

    let ledger = Ledger {
        now: found.now,
        accounts: accounts.into_iter().map(|account| (account.id, account)).collect(),
        missing: match locking {
            Locking::Wait => Missing::Unknown,
            Locking::Skip => Missing::Busy,
        },
        answered: found.answers.iter().map(|(known, _)| (known.key, known.fingerprint)).collect(),
    };
    let answers = found.answers.into_iter().map(|(known, answer)| (known.key, answer)).collect();
    Ok(Loaded { ledger, answers })
}
