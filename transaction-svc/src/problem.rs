//! The ledger's own problems: why it refuses, in the terms of RFC 9457. Those that every service has are in service-kit.

use axum::http::StatusCode;
use contract::{AccountId, Amount, Currency, MinorUnits, timestamp};
use service_kit::http::{Explanation, Problem, ProblemKind};
use service_kit::session::TOO_MANY_SESSIONS;

use crate::{
    domain::decide::{LONGEST_HOLD, Refusal},
    store::webhooks::registry::MAX_ENDPOINTS,
};

const fn refusal(code: &'static str, title: &'static str) -> ProblemKind {
    ProblemKind::refusal(code, title, StatusCode::UNPROCESSABLE_ENTITY)
}

pub const UNKNOWN_ACCOUNT: ProblemKind = refusal("unknown_account", "Unknown account").explained(&Explanation {
    meaning: "There is no such account, or not one that the caller may pay from; `account` names it.",
    remedy: "Check the id, and whose token the request carries.",
});
pub const SAME_ACCOUNT: ProblemKind = refusal("same_account", "Same account").explained(&Explanation {
    meaning: "Source and destination are the same account.",
    remedy: "Name two different accounts.",
});
pub const ACCOUNT_FROZEN: ProblemKind = refusal("account_frozen", "Account frozen").explained(&Explanation {
    meaning: "The account that `account` names is frozen: money neither leaves nor reaches it.",
    remedy: "Wait until it is unfrozen, then send the request with a new key.",
});
pub const ACCOUNT_CLOSED: ProblemKind = refusal("account_closed", "Account closed").explained(&Explanation {
    meaning: "The account that `account` names is closed for good.",
    remedy: "Use another account.",
});
pub const CURRENCY_MISMATCH: ProblemKind = refusal("currency_mismatch", "Currency mismatch").explained(&Explanation {
    meaning: "The account that `account` names is held in `currency`, not in the currency of the transaction.",
    remedy: "Move money only between accounts of one currency, and name that.",
});
pub const INSUFFICIENT_FUNDS: ProblemKind =
    refusal("insufficient_funds", "Insufficient funds").explained(&Explanation {
        meaning: "The source has less available than `required`. Who may read the account is told `available`, too.",
        remedy: "Fund the account or move less, with a new key.",
    });
pub const AMOUNT_OUT_OF_RANGE: ProblemKind =
    refusal("amount_out_of_range", "Amount out of range").explained(&Explanation {
        meaning: "More is to be captured than is held, a limit is above the balance, or a balance would not fit 64 bits of minor units.",
        remedy: "Move less, or set a lower limit.",
    });
pub const EXPIRY_OUT_OF_RANGE: ProblemKind =
    refusal("expiry_out_of_range", "Expiry out of range").explained(&Explanation {
        meaning: "A hold ends in the future, and not later than `detail` says.",
        remedy: "Name an earlier or a later end, or none for the usual one.",
    });
pub const EXCEEDS_CAPTURED: ProblemKind =
    refusal("exceeds_captured", "More than was captured").explained(&Explanation {
        meaning: "More is to be refunded than was captured and is not refunded yet; that is `refundable`.",
        remedy: "Refund at most what is left.",
    });
pub const STALE_SETTINGS: ProblemKind = ProblemKind::refusal("stale_settings", "Stale settings", StatusCode::CONFLICT)
    .explained(&Explanation {
        meaning: "Somebody changed the settings of the account after the caller had read them.",
        remedy: "Read the account again, and send the change with its `settings_version` and a new key.",
    });
pub const INVALID_STATE: ProblemKind = ProblemKind::refusal("invalid_state", "Invalid state", StatusCode::CONFLICT)
    .explained(&Explanation {
        meaning: "As the transaction or the account is, this cannot be done to it: it is in `state`, its hold has expired, or there is money in it.",
        remedy: "Read it again, and decide anew.",
    });

pub const SEQUENCE_TOO_OLD: ProblemKind =
    ProblemKind::refusal("sequence_too_old", "Sequence too old", StatusCode::GONE).explained(&Explanation {
        meaning: "The journal begins after the place from which the caller wants to go on.",
        remedy: "Read the present state, and go on from there.",
    });
pub const CONFIGURED_ENDPOINT: ProblemKind =
    ProblemKind::refusal("configured_endpoint", "Configured endpoint", StatusCode::CONFLICT).explained(&Explanation {
        meaning: "The endpoint is part of the platform's configuration: it can be read here, not changed.",
        remedy: "Change the configuration of the platform.",
    });
pub const TOO_MANY_ENDPOINTS: ProblemKind =
    ProblemKind::refusal("too_many_endpoints", "Too many endpoints", StatusCode::CONFLICT).explained(&Explanation {
        meaning: "There are as many endpoints as there may be.",
        remedy: "Delete one: `DELETE /v1/webhook-endpoints/{id}`.",
    });

/// Why a transaction is not created.
pub const OF_CREATION: &[ProblemKind] = &[
    UNKNOWN_ACCOUNT,
    SAME_ACCOUNT,
    ACCOUNT_FROZEN,
    ACCOUNT_CLOSED,
    CURRENCY_MISMATCH,
    INSUFFICIENT_FUNDS,
    AMOUNT_OUT_OF_RANGE,
    EXPIRY_OUT_OF_RANGE,
];

/// The ledger's own, each with its page.
pub const ALL: &[ProblemKind] = &[
    UNKNOWN_ACCOUNT,
    SAME_ACCOUNT,
    ACCOUNT_FROZEN,
    ACCOUNT_CLOSED,
    CURRENCY_MISMATCH,
    INSUFFICIENT_FUNDS,
    AMOUNT_OUT_OF_RANGE,
    EXPIRY_OUT_OF_RANGE,
    EXCEEDS_CAPTURED,
    STALE_SETTINGS,
    INVALID_STATE,
    SEQUENCE_TOO_OLD,
    CONFIGURED_ENDPOINT,
    TOO_MANY_ENDPOINTS,
    TOO_MANY_SESSIONS,
];

/// What is missing, not an id at all, or somebody else's: nobody can tell which.
#[must_use]
pub fn not_found() -> Problem {
    Problem::new(ProblemKind::NOT_FOUND, "There is nothing here that you may read.")
}

/// The caller knows of it and may not do this to it: a payer does not take money back, an owner does not free an account.
#[must_use]
pub fn not_for_the_caller() -> Problem {
    Problem::new(ProblemKind::FORBIDDEN, "You may read this, but this is not for you to do.")
}

/// The platform's own endpoint belongs to its operator.
#[must_use]
pub fn configured_endpoint() -> Problem {
    Problem::new(CONFIGURED_ENDPOINT, "The endpoint is part of the platform's configuration and can only be read here.")
}

#[must_use]
pub fn too_many_endpoints() -> Problem {
    Problem::new(TOO_MANY_ENDPOINTS, format!("There are {MAX_ENDPOINTS} endpoints already; delete one first."))
}

/// The refusal as its caller reads it.
#[must_use]
pub fn of_refusal(refusal: &Refusal) -> Problem {
    let about = |account: &AccountId, kind, detail| Problem::new(kind, detail).with("account", account.to_string());
    match refusal {
        Refusal::UnknownAccount { account } => {
            about(account, UNKNOWN_ACCOUNT, format!("There is no account {account} that you may use here."))
        }
        Refusal::SameAccount { account } => {
            about(account, SAME_ACCOUNT, format!("Source and destination are both account {account}."))
        }
        Refusal::AccountFrozen { account } => about(account, ACCOUNT_FROZEN, format!("Account {account} is frozen.")),
        Refusal::AccountClosed { account } => about(account, ACCOUNT_CLOSED, format!("Account {account} is closed.")),
        Refusal::CurrencyMismatch { account, currency } => {
            about(account, CURRENCY_MISMATCH, format!("Account {account} is held in {currency}."))
                .with("currency", currency.code())
        }
        Refusal::InsufficientFunds { account, currency, required, available } => {
            insufficient_funds(*account, *currency, *required, *available)
        }
        Refusal::AmountOutOfRange { account } => {
            let detail = format!("The balance of account {account} would be larger than the ledger can hold.");
            about(account, AMOUNT_OUT_OF_RANGE, detail)
        }
        Refusal::OfItem { index, refusal } => of_refusal(refusal).with("index", *index),
        Refusal::ExpiryOutOfRange => {
            let days = LONGEST_HOLD.whole_days();
            Problem::new(EXPIRY_OUT_OF_RANGE, format!("A hold ends in the future, at most {days} days from now."))
        }
        Refusal::InvalidState { transaction, status } => {
            let status = status.as_str();
            Problem::new(INVALID_STATE, format!("Transaction {transaction} is {status}.")).with("state", status)
        }
        Refusal::InvalidAccountState { account, status } => {
            let state = status.as_str();
            about(account, INVALID_STATE, format!("Account {account} is {state}.")).with("state", state)
        }
        Refusal::AccountNotEmpty { account } => {
            about(account, INVALID_STATE, format!("Money is in account {account}, or on its way."))
        }
        Refusal::StaleSettings { account, settings_version } => {
            let detail = format!("The settings of account {account} are at version {settings_version} by now.");
            about(account, STALE_SETTINGS, detail).with("settings_version", *settings_version)
        }
        Refusal::LimitAboveBalance { account } => {
            about(account, AMOUNT_OUT_OF_RANGE, format!("Account {account} holds less than the new limit."))
        }
        Refusal::HoldExpired { transaction, expired_at } => {
            let expired_at = timestamp::text(*expired_at);
            Problem::new(INVALID_STATE, format!("The hold of transaction {transaction} expired at {expired_at}."))
                .with("expired_at", expired_at)
        }
        Refusal::ExceedsHold { currency, held, required } => {
            let [is_held, needed] = [*held, *required].map(|amount| currency.display(amount.credit()));
            Problem::new(AMOUNT_OUT_OF_RANGE, format!("{is_held} is held; {needed} cannot be captured."))
                .with("held", held.to_string())
                .with("required", required.to_string())
        }
        Refusal::ExceedsCaptured { currency, refundable, required } => {
            let left = currency.display(*refundable);
            let problem =
                Problem::new(EXCEEDS_CAPTURED, format!("{left} of what was captured is left to be refunded."))
                    .with("refundable", refundable.to_string());
            match required {
                Some(required) => problem.with("required", required.to_string()),
                None => problem,
            }
        }
    }
}

fn insufficient_funds(
    account: AccountId,
    currency: Currency,
    required: Amount,
    available: Option<MinorUnits>,
) -> Problem {
    let needed = currency.display(MinorUnits::from(required));
    let problem = |detail: String| {
        Problem::new(INSUFFICIENT_FUNDS, detail)
            .with("account", account.to_string())
            .with("required", required.to_string())
    };
    match available {
        Some(available) => {
            let has = currency.display(available);
            problem(format!("Account {account} has {has} available; {needed} is needed."))
                .with("available", available.to_string())
        }
        None => problem(format!("Account {account} does not have the {needed} that is needed.")),
    }
}

/// The journal begins after the place from which somebody wants to go on.
#[must_use]
pub fn sequence_too_old() -> Problem {
    let detail = "The journal does not go back that far. Read the present state, and go on from there.";
    Problem::new(SEQUENCE_TOO_OLD, detail)
}

/// Another request was answered under the key before; `first` is the resource that it made, if it made one.
#[must_use]
pub fn key_reused(first: Option<&str>) -> Problem {
    let problem = |detail| Problem::new(ProblemKind::IDEMPOTENCY_KEY_REUSED, detail);
    match first {
        Some(first) => {
            problem(format!("The key was used for another request, which made {first}.")).with("first", first)
        }
        None => problem("The key was used for another request, which was refused.".to_owned()),
    }
}
