//! A transaction that a command wants to change, found for its caller.

use contract::TransactionId;

use super::{Ledger, NotApplied, movement::Sides};
use crate::domain::{command::Command, transaction::Transaction};

/// A transaction and its accounts.
#[derive(Debug, Clone, Copy)]
pub(super) struct Existing<'a> {
    pub(super) transaction: &'a Transaction,
    pub(super) sides: Sides<'a>,
}

impl<'a> Existing<'a> {
    /// For whoever receives the money, or may move anybody's. The payer, who may read the transaction, is told that this is
    /// not for him: he may not take money back. To everybody else there is no such transaction.
    pub(super) fn received_by(ledger: &'a Ledger, command: &Command, id: TransactionId) -> Result<Self, NotApplied> {
        let transaction = ledger.transactions.get(&id).ok_or(NotApplied::NotFound)?;
        let source = ledger.account(transaction.source)?;
        let destination = ledger.account(transaction.destination)?;
        let caller = &command.caller;
        if caller.moves_money_of(&destination.owner) {
            Ok(Self { transaction, sides: Sides { source, destination } })
        } else if caller.is(&source.owner) {
            Err(NotApplied::Forbidden)
        } else {
            Err(NotApplied::NotFound)
        }
    }
}
