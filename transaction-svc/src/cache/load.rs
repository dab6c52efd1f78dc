//! An entry from the database.

use contract::TransactionId;

use super::entry::Entry;
use crate::{
    store::{Database, StoreError, accounts, effects, transactions},
    view,
};

pub(super) async fn load(database: &Database, id: TransactionId) -> Result<Option<Entry>, StoreError> {
    let Some(transaction) = transactions::find(database, id).await? else { return Ok(None) };
    let effects = effects::of_transactions(database, [id]).await?;
    let mut owners = accounts::owners(database, [transaction.source, transaction.destination]).await?;
    let mut owner = |account| {
        let missing = || StoreError::corrupt("transactions", id, format!("its account {account} is missing"));
        owners.remove(&account).ok_or_else(missing)
    };
    let (source_owner, destination_owner) = (owner(transaction.source)?, owner(transaction.destination)?);
    let effects = view::last_effects(&transaction, &effects, |_| true);
    Ok(Some(Entry { transaction: view::transaction(&transaction, effects), source_owner, destination_owner }))
}
