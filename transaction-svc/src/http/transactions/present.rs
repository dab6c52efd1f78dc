//! Transactions as one caller may see them.

use std::collections::HashMap;

use contract::{AccountId, TransactionId, transaction::Transaction as TransactionView};

use service_kit::auth::{Caller, Scope};

use crate::{
    domain::transaction::Transaction,
    store::{
        Database, StoreError, accounts,
        effects::{self, StoredEffect},
    },
    view,
};

/// What has to be known besides some transactions to show them to a caller.
#[derive(Debug)]
pub(super) struct Presenter<'a> {
    caller: &'a Caller,
    owners: HashMap<AccountId, String>,
    effects: HashMap<TransactionId, Vec<StoredEffect>>,
}

impl<'a> Presenter<'a> {
    pub(super) async fn load(
        database: &Database,
        caller: &'a Caller,
        transactions: &[Transaction],
    ) -> Result<Self, StoreError> {
        let ids = transactions.iter().map(|transaction| transaction.id);
        let mut effects: HashMap<TransactionId, Vec<StoredEffect>> = HashMap::new();
        for effect in effects::of_transactions(database, ids).await? {
            effects.entry(effect.transaction).or_default().push(effect);
        }
        let sides = transactions.iter().flat_map(|transaction| [transaction.source, transaction.destination]);
        let owners = accounts::owners(database, sides).await?;
        Ok(Self { caller, owners, effects })
    }

    pub(super) fn present(&self, transaction: &Transaction) -> TransactionView {
        let effects = self.effects.get(&transaction.id).map(Vec::as_slice).unwrap_or_default();
        let effects = view::last_effects(transaction, effects, |account| self.may_read_account(account));
        view::transaction(transaction, effects)
    }

    fn may_read_account(&self, account: AccountId) -> bool {
        self.caller.may(Scope::AccountsAny) || self.owns(account)
    }

    fn owns(&self, account: AccountId) -> bool {
        self.owners.get(&account).is_some_and(|owner| **owner == *self.caller.subject)
    }
}
