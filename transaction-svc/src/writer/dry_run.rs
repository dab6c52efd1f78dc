//! What a command would be answered if it were carried out now. It is decided like any other, on what can be read without a lock,
//! and then forgotten: nothing is locked, written or kept, and a moment later the answer may be another one.

use std::collections::{BTreeMap, HashMap};

use contract::AccountId;

use super::answer;
use crate::{
    domain::{
        command::Command,
        decide::{Ledger, Missing, decide},
    },
    store::{Database, StoreError, accounts, answers::StoredAnswer, clock},
};
use service_kit::http::RequestId;

/// Why a command could not be tried.
#[derive(Debug, thiserror::Error)]
pub enum DryRunError {
    #[error("the accounts cannot be read")]
    Store(#[from] StoreError),
    #[error("the answer cannot be written as JSON")]
    Encode(#[from] serde_json::Error),
}

/// Decides a command that names accounts only. `None` where the decision would be no answer.
///
/// # Errors
/// [`DryRunError`]
pub async fn dry_run(
    database: &Database,
    command: &Command,
    request_id: &RequestId,
) -> Result<Option<StoredAnswer>, DryRunError> {
    let named: Vec<AccountId> = command.action.accounts().collect();
    let accounts = accounts::find_all(database, named).await?;
    let ledger = Ledger {
        now: clock::now(database).await?,
        accounts: accounts.into_iter().map(|account| (account.id, account)).collect(),
        missing: Missing::Unknown,
        transactions: BTreeMap::new(),
        answered: HashMap::new(),
    };
    let decisions = decide(ledger, [command]);
    let answers = decisions.each.iter().map(|decision| answer::stored(decision, &command.caller, request_id));
    Ok(answers.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().next())
}
