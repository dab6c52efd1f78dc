//! The end of a hold without a capture: voided by whoever was to receive the money, or expired. All of it is free again.
//!
//! No money moves, so it is done for frozen accounts, too.

use contract::{EventKind, TransactionId, transaction::TransactionStatus};
use time::OffsetDateTime;

use super::{Applied, Ledger, NotApplied, Refusal, existing::Existing};
use crate::domain::{account::BalanceChange, command::Command, transaction::Transaction};

pub(super) fn void(ledger: &mut Ledger, command: &Command, id: TransactionId) -> Result<Applied, NotApplied> {
    release(ledger, command, id, |_, _| Ok((TransactionStatus::Voided, EventKind::TransactionVoided)))
}

pub(super) fn expire(ledger: &mut Ledger, command: &Command, id: TransactionId) -> Result<Applied, NotApplied> {
    release(ledger, command, id, |transaction, at| match transaction.expires_at {
        Some(end) if end <= at => Ok((TransactionStatus::Expired, EventKind::TransactionExpired)),
        Some(_) | None => Err(Refusal::invalid_state(transaction)),
    })
}

fn release(
    ledger: &mut Ledger,
    command: &Command,
    id: TransactionId,
    end: impl FnOnce(&Transaction, OffsetDateTime) -> Result<(TransactionStatus, EventKind), Refusal>,
) -> Result<Applied, NotApplied> {
    let Existing { transaction, sides } = Existing::received_by(ledger, command, id)?;
    if transaction.status != TransactionStatus::Pending {
        return Err(Refusal::invalid_state(transaction).into());
    }
    let at = sides.next_event_at(ledger.now);
    let (status, kind) = end(transaction, at)?;
    let released = transaction.amount.debit();
    let (source, destination) = (BalanceChange::pending_out(released), BalanceChange::pending_in(released));
    let movement = sides.movement(command.entropy, at, source, destination)?;
    let changed = Transaction { status, updated_at: at, ..transaction.clone() };
    Ok(Applied::transition(ledger, kind, movement, changed))
}
