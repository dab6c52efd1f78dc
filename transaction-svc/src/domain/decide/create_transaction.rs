//! Creating a transaction, whose money moves at once or is held until it is captured.

use contract::{
    EventKind, MinorUnits, TransactionId,
    transaction::{Capture, TransactionStatus},
};
use time::{Duration, OffsetDateTime};

use super::{Applied, Ledger, NotApplied, Outcome, Refusal, movement::Sides};
use crate::domain::{
    account::BalanceChange,
    command::{Caller, CaptureTerms, CreateTransaction, Entropy},
    transaction::Transaction,
};

/// For how long money is held unless its payer says otherwise.
const HOLD: Duration = Duration::days(7);
/// For how long it may be held.
pub const LONGEST_HOLD: Duration = Duration::days(365);

pub(super) fn apply(
    ledger: &mut Ledger,
    caller: &Caller,
    entropy: Entropy,
    create: &CreateTransaction,
) -> Result<Applied, NotApplied> {
    let sides = sides(ledger, caller, create)?;
    if !sides.source.covers(create.amount.credit()) {
        return Err(Refusal::insufficient_funds(sides.source, create.amount, caller).into());
    }
    let at = sides.next_event_at(ledger.now);
    let (debit, credit) = (create.amount.debit(), create.amount.credit());
    let created = |status, captured_amount, capture, expires_at| Transaction {
        id: TransactionId::new(at, entropy.resource),
        status,
        source: create.source,
        destination: create.destination,
        amount: create.amount,
        currency: create.currency,
        captured_amount,
        refunded_amount: MinorUnits::ZERO,
        capture,
        expires_at,
        description: create.description.clone(),
        reference: create.reference.clone(),
        metadata: create.metadata.clone(),
        initiator: caller.actor.clone(),
        created_at: at,
        updated_at: at,
    };
    let (kind, transaction, changes) = match create.terms {
        CaptureTerms::Automatic => (
            EventKind::TransactionPosted,
            created(TransactionStatus::Posted, credit, Capture::Automatic, None),
            (BalanceChange::posted(debit), BalanceChange::posted(credit)),
        ),
        CaptureTerms::Manual { expires_at } => (
            EventKind::TransactionPending,
            created(TransactionStatus::Pending, MinorUnits::ZERO, Capture::Manual, Some(hold_until(at, expires_at)?)),
            (BalanceChange::pending_out(credit), BalanceChange::pending_in(credit)),
        ),
    };
    let movement = sides.movement(entropy, at, changes.0, changes.1)?;
    Ok(Applied {
        event: movement.event,
        kind,
        at,
        outcome: Outcome::TransactionCreated(transaction),
        effects: movement.carry_out(ledger),
    })
}

/// When a hold that begins now is over.
fn hold_until(now: OffsetDateTime, wanted: Option<OffsetDateTime>) -> Result<OffsetDateTime, Refusal> {
    let until = wanted.unwrap_or(now + HOLD);
    if until > now && until <= now + LONGEST_HOLD { Ok(until) } else { Err(Refusal::ExpiryOutOfRange) }
}

/// Source and destination, where money may move from one to the other.
fn sides<'a>(ledger: &'a Ledger, caller: &Caller, create: &CreateTransaction) -> Result<Sides<'a>, NotApplied> {
    if create.source == create.destination {
        return Err(Refusal::SameAccount { account: create.source }.into());
    }
    let source = ledger.account(create.source)?;
    if !caller.moves_money_of(&source.owner) {
        // Like an account that does not exist: nobody learns which ids are taken.
        return Err(Refusal::UnknownAccount { account: create.source }.into());
    }
    let sides = Sides { source, destination: ledger.account(create.destination)? };
    sides.can_move_money()?;
    for account in sides.both() {
        if account.currency != create.currency {
            return Err(Refusal::CurrencyMismatch { account: account.id, currency: account.currency }.into());
        }
    }
    Ok(sides)
}
