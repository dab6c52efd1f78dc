//! Why the ledger says no. A refusal names no more than its caller may know.

use contract::{
    AccountId, Amount, Currency, MinorUnits, TransactionId, account::AccountStatus, transaction::TransactionStatus,
};
use time::OffsetDateTime;

use crate::domain::{account::Account, command::Caller, transaction::Transaction};

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
    /// One of several that were to be created together.
    OfItem {
        index: usize,
        refusal: Box<Refusal>,
    },
    /// The end of a hold does not lie ahead, or too far.
    ExpiryOutOfRange,
    /// Where the transaction is in its life, this cannot be done to it.
    InvalidState {
        transaction: TransactionId,
        status: TransactionStatus,
    },
    /// As the account is, this cannot be done to it.
    InvalidAccountState {
        account: AccountId,
        status: AccountStatus,
    },
    /// There is money in the account, or on its way.
    AccountNotEmpty {
        account: AccountId,
    },
    /// The settings are not those that the caller has seen any more.
    StaleSettings {
        account: AccountId,
        settings_version: i64,
    },
    /// The account would be below its new limit.
    LimitAboveBalance {
        account: AccountId,
    },
    HoldExpired {
        transaction: TransactionId,
        expired_at: OffsetDateTime,
    },
    /// More is to be captured than is held.
    ExceedsHold {
        currency: Currency,
        held: Amount,
        required: Amount,
    },
    /// More is to be refunded than was captured and is not refunded yet; `required` is absent for "the rest".
    ExceedsCaptured {
        currency: Currency,
        refundable: MinorUnits,
        required: Option<Amount>,
    },
}

impl Refusal {
    pub(super) const fn invalid_state(transaction: &Transaction) -> Self {
        Self::InvalidState { transaction: transaction.id, status: transaction.status }
    }

    pub(super) fn insufficient_funds(account: &Account, required: Amount, caller: &Caller) -> Self {
        Self::InsufficientFunds {
            account: account.id,
            currency: account.currency,
            required,
            available: account.available().filter(|_| caller.manages(&account.owner)),
        }
    }
}
