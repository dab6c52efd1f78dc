//! Capturing a hold: what is captured moves, the rest is free again.

use contract::{EventKind, transaction::TransactionStatus};

use super::{Applied, Ledger, NotApplied, Refusal, existing::Existing};
use crate::domain::{
    account::BalanceChange,
    command::{CaptureTransaction, Command},
    transaction::Transaction,
};

pub(super) fn apply(
    ledger: &mut Ledger,
    command: &Command,
    capture: &CaptureTransaction,
) -> Result<Applied, NotApplied> {
    let Existing { transaction, sides } = Existing::received_by(ledger, command, capture.transaction)?;
    if transaction.status != TransactionStatus::Pending {
        return Err(Refusal::invalid_state(transaction).into());
    }
    let at = sides.next_event_at(ledger.now);
    if let Some(expired_at) = transaction.expires_at.filter(|end| *end <= at) {
        // Whether or not the expiry has been carried out: a hold ends when it was said to end.
        return Err(Refusal::HoldExpired { transaction: transaction.id, expired_at }.into());
    }
    let held = transaction.amount;
    let captured = capture.amount.unwrap_or(held);
    if captured > held {
        return Err(Refusal::ExceedsHold { currency: transaction.currency, held, required: captured }.into());
    }
    sides.can_move_money()?;
    let source = BalanceChange { pending_out: held.debit(), ..BalanceChange::posted(captured.debit()) };
    let destination = BalanceChange { pending_in: held.debit(), ..BalanceChange::posted(captured.credit()) };
    let movement = sides.movement(command.entropy, at, source, destination)?;
    let changed = Transaction {
        status: TransactionStatus::Posted,
        captured_amount: captured.credit(),
        updated_at: at,
        ..transaction.clone()
    };
    Ok(Applied::transition(ledger, EventKind::TransactionPosted, movement, changed))
}
