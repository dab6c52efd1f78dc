//! The ledger's own problems: why it refuses, in the terms of RFC 9457. Those that every service has are in service-kit.

use axum::http::StatusCode;
use contract::MinorUnits;
use service_kit::http::{Problem, ProblemKind};

use crate::domain::decide::Refusal;

const fn refusal(code: &'static str, title: &'static str) -> ProblemKind {
    ProblemKind::refusal(code, title, StatusCode::UNPROCESSABLE_ENTITY)
}

pub const IDEMPOTENCY_KEY_REUSED: ProblemKind = refusal("idempotency_key_reused", "Idempotency key reused");
pub const UNKNOWN_ACCOUNT: ProblemKind = refusal("unknown_account", "Unknown account");
pub const SAME_ACCOUNT: ProblemKind = refusal("same_account", "Same account");
pub const ACCOUNT_FROZEN: ProblemKind = refusal("account_frozen", "Account frozen");
pub const ACCOUNT_CLOSED: ProblemKind = refusal("account_closed", "Account closed");
pub const CURRENCY_MISMATCH: ProblemKind = refusal("currency_mismatch", "Currency mismatch");
pub const INSUFFICIENT_FUNDS: ProblemKind = refusal("insufficient_funds", "Insufficient funds");
pub const AMOUNT_OUT_OF_RANGE: ProblemKind = refusal("amount_out_of_range", "Amount out of range");

/// The refusal as its caller reads it.
#[must_use]
pub fn of_refusal(refusal: &Refusal) -> Problem {
    match refusal {
        Refusal::UnknownAccount { account } => {
            let detail = format!("There is no account {account} that you may use here.");
            Problem::new(UNKNOWN_ACCOUNT, detail).with("account", account.to_string())
        }
        Refusal::SameAccount { account } => {
            let detail = format!("Source and destination are both account {account}.");
            Problem::new(SAME_ACCOUNT, detail).with("account", account.to_string())
        }
        Refusal::AccountFrozen { account } => {
            Problem::new(ACCOUNT_FROZEN, format!("Account {account} is frozen.")).with("account", account.to_string())
        }
        Refusal::AccountClosed { account } => {
            Problem::new(ACCOUNT_CLOSED, format!("Account {account} is closed.")).with("account", account.to_string())
        }
        Refusal::CurrencyMismatch { account, currency } => {
            let detail = format!("Account {account} is held in {currency}.");
            Problem::new(CURRENCY_MISMATCH, detail)
                .with("account", account.to_string())
                .with("currency", currency.code())
        }
        Refusal::InsufficientFunds { account, currency, required, available } => {
            let needed = currency.display(MinorUnits::from(*required));
            let problem = |detail: String| {
                Problem::new(INSUFFICIENT_FUNDS, detail)
                    .with("account", account.to_string())
                    .with("required", required.to_string())
            };
            match available {
                Some(available) => {
                    let has = currency.display(*available);
                    problem(format!("Account {account} has {has} available; {needed} is needed."))
                        .with("available", available.to_string())
                }
                None => problem(format!("Account {account} does not have the {needed} that is needed.")),
            }
        }
        Refusal::AmountOutOfRange { account } => {
            let detail = format!("The balance of account {account} would be larger than the ledger can hold.");
            Problem::new(AMOUNT_OUT_OF_RANGE, detail).with("account", account.to_string())
        }
    }
}

/// Another request was answered under the key before; `first` is the resource that it made, if it made one.
#[must_use]
pub fn key_reused(first: Option<&str>) -> Problem {
    let problem = |detail| Problem::new(IDEMPOTENCY_KEY_REUSED, detail);
    match first {
        Some(first) => {
            problem(format!("The key was used for another request, which made {first}.")).with("first", first)
        }
        None => problem("The key was used for another request, which was refused.".to_owned()),
    }
}
