//! Why the ledger says no. A refusal names no more than its caller may know.

use contract::{AccountId, Amount, Currency, MinorUnits};

use crate::domain::{account::Account, command::Caller};

/// A reason that is an answer: the same request gets it again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    UnknownAccount {
        account: AccountId,
    },
    SameAccount {
        account: AccountId,
    },
    AccountFrozen {
        account: AccountId,
    },
    AccountClosed {
        account: AccountId,
    },
    /// The account is held in this currency.
    CurrencyMismatch {
        account: AccountId,
        currency: Currency,
    },
    InsufficientFunds {
        account: AccountId,
        currency: Currency,
        required: Amount,
        /// `None` where the caller may not see the balance.
        available: Option<MinorUnits>,
    },
    /// A balance of the account would not fit 64 bits.
    AmountOutOfRange {
        account: AccountId,
    },
}

impl Refusal {
    pub(super) fn insufficient_funds(account: &Account, required: Amount, caller: &Caller) -> Self {
        Self::InsufficientFunds {
            account: account.id,
            currency: account.currency,
            required,
            available: account.available().filter(|_| caller.reads(&account.owner)),
        }
    }
}
