//! Opening an account: always possible, since who may open what is known before the ledger is asked.

use contract::{AccountId, EventId, EventKind, MinorUnits, account::AccountStatus};
use time::OffsetDateTime;

use super::{Applied, Outcome};
use crate::domain::{
    account::{Account, BalanceChange, Balances},
    command::{Command, OpenAccount},
};

pub(super) fn apply(now: OffsetDateTime, command: &Command, open: &OpenAccount) -> Applied {
    let event = EventId::new(now, command.entropy.event);
    let mut account = Account {
        id: AccountId::new(now, command.entropy.resource),
        owner: open.owner.clone(),
        name: open.name.clone(),
        currency: open.currency,
        status: AccountStatus::Open,
        min_balance: open.min_balance,
        notify: open.notify,
        metadata: open.metadata.clone(),
        posted: MinorUnits::ZERO,
        pending_out: MinorUnits::ZERO,
        pending_in: MinorUnits::ZERO,
        version: 0,
        settings_version: 1,
        created_at: now,
        updated_at: now,
    };
    let empty = Balances {
        posted: MinorUnits::ZERO,
        pending_out: MinorUnits::ZERO,
        pending_in: MinorUnits::ZERO,
        available: account.available(),
    };
    let effect = account.record(event, now, BalanceChange::default(), empty);
    Applied {
        event,
        kind: EventKind::AccountOpened,
        at: now,
        outcome: Outcome::AccountOpened(account),
        effects: vec![effect],
    }
}
