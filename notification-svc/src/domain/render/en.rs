//! The English templates.

use contract::EventKind;

use super::Facts;
use crate::domain::plan::Role;

pub(super) fn title(facts: &Facts<'_>) -> String {
    let amount = &facts.amount;
    match facts.kind {
        EventKind::TransactionPending => match facts.role {
            Role::Payee => format!("{amount} is on its way to you"),
            Role::Payer | Role::Both | Role::Holder => format!("{amount} is reserved"),
        },
        EventKind::TransactionPosted => match facts.role {
            Role::Payee => format!("You received {amount}"),
            Role::Both => format!("You moved {amount}"),
            Role::Payer | Role::Holder => format!("You paid {amount}"),
        },
        EventKind::TransactionVoided | EventKind::TransactionExpired => match facts.role {
            Role::Payee => format!("{amount} will not be paid to you"),
            Role::Payer | Role::Both | Role::Holder => format!("{amount} is released"),
        },
        EventKind::TransactionRefunded => match facts.role {
            Role::Payee => format!("You refunded {amount}"),
            Role::Both => format!("{amount} was moved back"),
            Role::Payer | Role::Holder => format!("{amount} was refunded to you"),
        },
        EventKind::AccountOpened => "Your account is open".to_owned(),
        EventKind::AccountUpdated => "Your account was changed".to_owned(),
        EventKind::AccountFrozen => "Your account is frozen".to_owned(),
        EventKind::AccountUnfrozen => "Your account is open again".to_owned(),
        EventKind::AccountClosed => "Your account is closed".to_owned(),
        EventKind::WebhookEndpointDisabled => "A webhook endpoint is disabled".to_owned(),
    }
}

/// What the payer wrote, in quotation marks: these are another's words.
pub(super) fn purpose(facts: &Facts<'_>) -> Option<String> {
    match (facts.description, facts.reference) {
        (Some(description), Some(reference)) => Some(format!("“{description}”, reference {reference}.")),
        (Some(description), None) => Some(format!("“{description}”.")),
        (None, Some(reference)) => Some(format!("Reference {reference}.")),
        (None, None) => None,
    }
}

pub(super) fn explanation(facts: &Facts<'_>) -> String {
    let account = &facts.account;
    match facts.kind {
        EventKind::TransactionPending => {
            let until = facts.until.as_ref().map(|moment| format!(", until {moment} at the latest"));
            let until = until.unwrap_or_default();
            match facts.role {
                Role::Payee => format!("The payment is announced{until}, and not final yet."),
                Role::Payer | Role::Both | Role::Holder => {
                    format!("You cannot spend it until the payment is completed or cancelled{until}.")
                }
            }
        }
        EventKind::TransactionPosted => new_balance(facts),
        EventKind::TransactionVoided => "The payment was cancelled.".to_owned(),
        EventKind::TransactionExpired => "The payment was not completed in time.".to_owned(),
        EventKind::TransactionRefunded => match &facts.refunded {
            Some((refunded, captured)) => format!("{refunded} of {captured} is refunded. {}", new_balance(facts)),
            None => new_balance(facts),
        },
        EventKind::AccountOpened => format!("{account} can send and receive money."),
        EventKind::AccountUpdated => format!("The settings of {account} were changed."),
        EventKind::AccountFrozen => format!("{account} can neither send nor receive money."),
        EventKind::AccountUnfrozen => format!("{account} can send and receive money again."),
        EventKind::AccountClosed => format!("{account} can no longer be used."),
        EventKind::WebhookEndpointDisabled => "Nothing is sent to it any more.".to_owned(),
    }
}

/// The balance of the account that the notification is about.
fn new_balance(facts: &Facts<'_>) -> String {
    match facts.role {
        Role::Both => format!("{} now holds {}.", facts.account, facts.balance),
        Role::Payer | Role::Payee | Role::Holder => format!("Your new balance is {}.", facts.balance),
    }
}
