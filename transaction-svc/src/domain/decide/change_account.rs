//! Changing an account itself: its settings, and whether money may move to and from it. Each change is an effect that leaves
//! the balances as they are.

use contract::{AccountId, EventId, EventKind, MinorUnits, account::AccountStatus};

use super::{Applied, Ledger, NotApplied, Outcome, Refusal};
use crate::domain::{
    account::{Account, BalanceChange},
    command::{Command, UpdateAccount},
};

pub(super) fn update(ledger: &mut Ledger, command: &Command, update: &UpdateAccount) -> Result<Applied, NotApplied> {
    let account = managed(ledger, command, update.account)?;
    if account.settings_version != update.settings_version {
        let (account, settings_version) = (account.id, account.settings_version);
        return Err(Refusal::StaleSettings { account, settings_version }.into());
    }
    if account.status == AccountStatus::Closed {
        return Err(Refusal::AccountClosed { account: account.id }.into());
    }
    let changed = Account {
        name: update.name.clone().unwrap_or_else(|| account.name.clone()),
        min_balance: update.min_balance.unwrap_or(account.min_balance),
        metadata: update.metadata.clone().unwrap_or_else(|| account.metadata.clone()),
        ..account.clone()
    };
    if changed.available().is_some_and(|available| available < MinorUnits::ZERO) {
        return Err(Refusal::LimitAboveBalance { account: account.id }.into());
    }
    record(ledger, command, EventKind::AccountUpdated, changed)
}

/// Frozen and freed by the back office only: whoever is frozen cannot free himself.
pub(super) fn freeze(ledger: &mut Ledger, command: &Command, id: AccountId) -> Result<Applied, NotApplied> {
    let (from, to) = (AccountStatus::Open, AccountStatus::Frozen);
    set_status(ledger, command, administered(ledger, command, id)?.clone(), (from, to), EventKind::AccountFrozen)
}

pub(super) fn unfreeze(ledger: &mut Ledger, command: &Command, id: AccountId) -> Result<Applied, NotApplied> {
    let (from, to) = (AccountStatus::Frozen, AccountStatus::Open);
    set_status(ledger, command, administered(ledger, command, id)?.clone(), (from, to), EventKind::AccountUnfrozen)
}

/// For good, and only once nothing is in it or on its way.
pub(super) fn close(ledger: &mut Ledger, command: &Command, id: AccountId) -> Result<Applied, NotApplied> {
    let account = managed(ledger, command, id)?.clone();
    let zero = MinorUnits::ZERO;
    let empty = (account.posted, account.pending_out, account.pending_in) == (zero, zero, zero);
    if account.status == AccountStatus::Open && !empty {
        return Err(Refusal::AccountNotEmpty { account: id }.into());
    }
    set_status(ledger, command, account, (AccountStatus::Open, AccountStatus::Closed), EventKind::AccountClosed)
}

fn set_status(
    ledger: &mut Ledger,
    command: &Command,
    account: Account,
    (from, to): (AccountStatus, AccountStatus),
    kind: EventKind,
) -> Result<Applied, NotApplied> {
    if account.status != from {
        return Err(Refusal::InvalidAccountState { account: account.id, status: account.status }.into());
    }
    record(ledger, command, kind, Account { status: to, ..account })
}

fn record(ledger: &mut Ledger, command: &Command, kind: EventKind, changed: Account) -> Result<Applied, NotApplied> {
    let at = changed.next_effect_at(ledger.now);
    let event = EventId::new(at, command.entropy.event);
    let nothing = BalanceChange::default();
    let out_of_range = |_| Refusal::AmountOutOfRange { account: changed.id };
    let balances = changed.balances_after(nothing).map_err(out_of_range)?;
    let mut account = Account { settings_version: changed.settings_version + 1, ..changed };
    let effect = account.record(event, at, nothing, balances);
    ledger.accounts.insert(account.id, account.clone());
    Ok(Applied { event, kind, at, outcome: Outcome::AccountChanged(account), effects: vec![effect] })
}

/// The account, for its owner and the back office. To everybody else there is none.
fn managed<'a>(ledger: &'a Ledger, command: &Command, id: AccountId) -> Result<&'a Account, NotApplied> {
    let account = ledger.existing(id)?;
    if command.caller.manages(&account.owner) { Ok(account) } else { Err(NotApplied::NotFound) }
}

/// The account, for the back office. Its owner, who may read it, is told that this is not for him.
fn administered<'a>(ledger: &'a Ledger, command: &Command, id: AccountId) -> Result<&'a Account, NotApplied> {
    let account = managed(ledger, command, id)?;
    if command.caller.any_account { Ok(account) } else { Err(NotApplied::Forbidden) }
}
