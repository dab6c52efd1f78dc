//! Creating several transactions together: each on what the ones before it left, and all of them or none.

use super::{Applied, Ledger, NotApplied, Refusal, create_transaction};
use crate::domain::command::{BatchItem, Caller};

pub(super) fn apply(ledger: &mut Ledger, caller: &Caller, items: &[BatchItem]) -> Result<Vec<Applied>, NotApplied> {
    let named = items.iter().flat_map(|item| [item.create.source, item.create.destination]);
    let before: Vec<_> = named.filter_map(|id| ledger.accounts.get(&id).cloned()).collect();
    let mut created = Vec::with_capacity(items.len());
    for (index, item) in items.iter().enumerate() {
        match create_transaction::apply(ledger, caller, item.entropy, &item.create) {
            Ok(applied) => created.push(applied),
            Err(reason) => {
                ledger.accounts.extend(before.into_iter().map(|account| (account.id, account)));
                return Err(match reason {
                    NotApplied::Refused(refusal) => Refusal::OfItem { index, refusal: Box::new(refusal) }.into(),
                    NotApplied::NotFound | NotApplied::Forbidden | NotApplied::Busy => reason,
                });
            }
        }
    }
    Ok(created)
}
