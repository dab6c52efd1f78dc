//! What an event does to both sides of a transaction: worked out first, and carried out only if both can take it.

use contract::{AccountId, EventId, account::AccountStatus};
use time::OffsetDateTime;

use super::{Ledger, Refusal};
use crate::domain::{
    account::{Account, BalanceChange, Balances, Effect},
    command::Entropy,
};

/// The two accounts of a transaction.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sides<'a> {
    pub(super) source: &'a Account,
    pub(super) destination: &'a Account,
}

/// Changes that fit, of accounts that are not changed yet.
#[derive(Debug)]
pub(super) struct Movement {
    pub(super) at: OffsetDateTime,
    pub(super) event: EventId,
    changes: [(AccountId, BalanceChange, Balances); 2],
}

impl<'a> Sides<'a> {
    /// The moment of the next event of both accounts.
    pub(super) fn next_event_at(self, now: OffsetDateTime) -> OffsetDateTime {
        self.destination.next_effect_at(self.source.next_effect_at(now))
    }

    /// Money moves only between open accounts.
    pub(super) fn can_move_money(self) -> Result<(), Refusal> {
        self.both().into_iter().try_for_each(|account| match account.status {
            AccountStatus::Open => Ok(()),
            AccountStatus::Frozen => Err(Refusal::AccountFrozen { account: account.id }),
            AccountStatus::Closed => Err(Refusal::AccountClosed { account: account.id }),
        })
    }

    /// The source first.
    pub(super) fn both(self) -> [&'a Account; 2] {
        [self.source, self.destination]
    }

    /// The changes of both at this moment, where their balances can hold them.
    pub(super) fn movement(
        self,
        entropy: Entropy,
        at: OffsetDateTime,
        source_change: BalanceChange,
        destination_change: BalanceChange,
    ) -> Result<Movement, Refusal> {
        let change = |account: &Account, change| {
            let after = account.balances_after(change);
            after
                .map(|after| (account.id, change, after))
                .map_err(|_| Refusal::AmountOutOfRange { account: account.id })
        };
        let changes = [change(self.source, source_change)?, change(self.destination, destination_change)?];
        Ok(Movement { at, event: EventId::new(at, entropy.event), changes })
    }
}

impl Movement {
    /// Changes both accounts. Gives the effects, that on the source first.
    pub(super) fn carry_out(self, ledger: &mut Ledger) -> Vec<Effect> {
        let Self { at, event, changes } = self;
        changes
            .into_iter()
            .filter_map(|(id, change, after)| Some(ledger.accounts.get_mut(&id)?.record(event, at, change, after)))
            .collect()
    }
}
