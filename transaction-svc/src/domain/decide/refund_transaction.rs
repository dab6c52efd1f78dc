//! Refunding a transaction: its destination gives back to its source, never more than was captured.

use contract::{Amount, EventKind, RefundId, transaction::TransactionStatus};

use super::{Applied, Ledger, NotApplied, Outcome, Refusal, existing::Existing};
use crate::domain::{
    account::BalanceChange,
    command::{Command, RefundTransaction},
    transaction::{Refund, Transaction},
};

pub(super) fn apply(ledger: &mut Ledger, command: &Command, wanted: &RefundTransaction) -> Result<Applied, NotApplied> {
    let Existing { transaction, sides } = Existing::received_by(ledger, command, wanted.transaction)?;
    match transaction.status {
        TransactionStatus::Posted | TransactionStatus::PartiallyRefunded | TransactionStatus::Refunded => {}
        TransactionStatus::Pending | TransactionStatus::Voided | TransactionStatus::Expired => {
            return Err(Refusal::invalid_state(transaction).into());
        }
    }
    let exceeds = || Refusal::ExceedsCaptured {
        currency: transaction.currency,
        refundable: transaction.refundable(),
        required: wanted.amount,
    };
    // Where nothing is left there is no rest to be given back either.
    let amount = wanted.amount.or(Amount::try_from(transaction.refundable()).ok()).ok_or_else(exceeds)?;
    let refunded_amount = transaction.refunded_amount.checked_add(amount.credit()).ok_or_else(exceeds)?;
    if refunded_amount > transaction.captured_amount {
        return Err(exceeds().into());
    }
    sides.can_move_money()?;
    if !sides.destination.covers(amount.credit()) {
        return Err(Refusal::insufficient_funds(sides.destination, amount, &command.caller).into());
    }
    let at = sides.next_event_at(ledger.now);
    let (source, destination) = (BalanceChange::posted(amount.credit()), BalanceChange::posted(amount.debit()));
    let movement = sides.movement(command.entropy, at, source, destination)?;
    let status = if refunded_amount == transaction.captured_amount {
        TransactionStatus::Refunded
    } else {
        TransactionStatus::PartiallyRefunded
    };
    let refund = Refund {
        id: RefundId::new(at, command.entropy.resource),
        transaction: transaction.id,
        amount,
        currency: transaction.currency,
        initiator: command.caller.actor.clone(),
        created_at: at,
    };
    let changed = Transaction { status, refunded_amount, updated_at: at, ..transaction.clone() };
    let applied = Applied::transition(ledger, EventKind::TransactionRefunded, movement, changed.clone());
    Ok(Applied { outcome: Outcome::TransactionRefunded(changed, refund), ..applied })
}
