//! Accounts and the effects of events on them.

use contract::{AccountId, Currency, EventId, MinorUnits, account::AccountStatus};
use time::{Duration, OffsetDateTime};

use super::text::{AccountName, Metadata, Owner};

/// An account as the ledger keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    pub id: AccountId,
    pub owner: Owner,
    pub name: Option<AccountName>,
    pub currency: Currency,
    pub status: AccountStatus,
    /// How far the balance may fall; `None` is without limit.
    pub min_balance: Option<MinorUnits>,
    pub notify: bool,
    pub metadata: Metadata,
    pub posted: MinorUnits,
    pub pending_out: MinorUnits,
    pub pending_in: MinorUnits,
    /// The sequence of the last effect.
    pub version: i64,
    pub settings_version: i64,
    pub created_at: OffsetDateTime,
    /// The time of the last effect.
    pub updated_at: OffsetDateTime,
}

/// A balance would no longer fit 64 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OutOfRange;

impl Account {
    /// What may still be spent: `posted - pending_out - min_balance`; `None` is without limit.
    #[must_use]
    pub fn available(&self) -> Option<MinorUnits> {
        let limit = self.min_balance?;
        // `balances_after` lets no account get where this overflows.
        self.posted.checked_sub(self.pending_out)?.checked_sub(limit)
    }

    /// Whether `amount` can be taken without falling below the limit.
    #[must_use]
    pub fn covers(&self, amount: MinorUnits) -> bool {
        match self.min_balance {
            None => true,
            Some(_) => self.available() >= Some(amount),
        }
    }

    /// The balances that `change` would leave.
    ///
    /// # Errors
    /// [`OutOfRange`] where one of them, or what is available, would not fit.
    pub fn balances_after(&self, change: BalanceChange) -> Result<Balances, OutOfRange> {
        let posted = self.posted.checked_add(change.posted).ok_or(OutOfRange)?;
        let pending_out = self.pending_out.checked_add(change.pending_out).ok_or(OutOfRange)?;
        let pending_in = self.pending_in.checked_add(change.pending_in).ok_or(OutOfRange)?;
        let unreserved = posted.checked_sub(pending_out).ok_or(OutOfRange)?;
        let available = match self.min_balance {
            Some(limit) => Some(unreserved.checked_sub(limit).ok_or(OutOfRange)?),
            None => None,
        };
        Ok(Balances { posted, pending_out, pending_in, available })
    }

    /// Takes over the balances that `change` leaves, as the account's next effect.
    pub fn record(&mut self, event: EventId, at: OffsetDateTime, change: BalanceChange, after: Balances) -> Effect {
        self.posted = after.posted;
        self.pending_out = after.pending_out;
        self.pending_in = after.pending_in;
        self.version += 1;
        self.updated_at = at;
        Effect {
            account: self.id,
            owner: self.owner.clone(),
            notify: self.notify,
            event,
            sequence: self.version,
            at,
            change,
            after,
        }
    }

    /// The first moment at which a further effect may happen: effects of an account have increasing times.
    #[must_use]
    pub fn next_effect_at(&self, now: OffsetDateTime) -> OffsetDateTime {
        now.max(self.updated_at + Duration::MICROSECOND)
    }
}

/// By how much an event changes the balances of an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct BalanceChange {
    pub posted: MinorUnits,
    pub pending_out: MinorUnits,
    pub pending_in: MinorUnits,
}

impl BalanceChange {
    /// Posted money moved, nothing reserved.
    #[must_use]
    pub fn posted(amount: MinorUnits) -> Self {
        Self { posted: amount, ..Self::default() }
    }

    /// Money is reserved on its way out, or released where negative.
    #[must_use]
    pub fn pending_out(amount: MinorUnits) -> Self {
        Self { pending_out: amount, ..Self::default() }
    }

    /// Money is announced on its way in, or no longer where negative.
    #[must_use]
    pub fn pending_in(amount: MinorUnits) -> Self {
        Self { pending_in: amount, ..Self::default() }
    }
}

/// The balances of an account at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Balances {
    pub posted: MinorUnits,
    pub pending_out: MinorUnits,
    pub pending_in: MinorUnits,
    /// `None` is without limit.
    pub available: Option<MinorUnits>,
}

/// What one event did to one account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Effect {
    pub account: AccountId,
    pub owner: Owner,
    pub notify: bool,
    pub event: EventId,
    /// 1, 2, 3 … for each account, without a gap.
    pub sequence: i64,
    pub at: OffsetDateTime,
    pub change: BalanceChange,
    pub after: Balances,
}
