//! The German templates.

use contract::EventKind;

use super::Facts;
use crate::domain::plan::Role;

pub(super) fn title(facts: &Facts<'_>) -> String {
    let amount = &facts.amount;
    match facts.kind {
        EventKind::TransactionPending => match facts.role {
            Role::Payee => format!("{amount} sind zu Ihnen unterwegs"),
            Role::Payer | Role::Both | Role::Holder => format!("{amount} sind reserviert"),
        },
        EventKind::TransactionPosted => match facts.role {
            Role::Payee => format!("Sie haben {amount} erhalten"),
            Role::Both => format!("Sie haben {amount} umgebucht"),
            Role::Payer | Role::Holder => format!("Sie haben {amount} gezahlt"),
        },
        EventKind::TransactionVoided | EventKind::TransactionExpired => match facts.role {
            Role::Payee => format!("{amount} werden Ihnen nicht gezahlt"),
            Role::Payer | Role::Both | Role::Holder => format!("{amount} sind wieder verfügbar"),
        },
        EventKind::TransactionRefunded => match facts.role {
            Role::Payee => format!("Sie haben {amount} erstattet"),
            Role::Both => format!("{amount} wurden zurückgebucht"),
            Role::Payer | Role::Holder => format!("Ihnen wurden {amount} erstattet"),
        },
        EventKind::AccountOpened => "Ihr Konto ist eröffnet".to_owned(),
        EventKind::AccountUpdated => "Ihr Konto wurde geändert".to_owned(),
        EventKind::AccountFrozen => "Ihr Konto ist gesperrt".to_owned(),
        EventKind::AccountUnfrozen => "Ihr Konto ist wieder frei".to_owned(),
        EventKind::AccountClosed => "Ihr Konto ist geschlossen".to_owned(),
        EventKind::WebhookEndpointDisabled => "Ein Webhook-Endpunkt ist abgeschaltet".to_owned(),
    }
}

/// What the payer wrote, in quotation marks: these are another's words.
pub(super) fn purpose(facts: &Facts<'_>) -> Option<String> {
    match (facts.description, facts.reference) {
        (Some(description), Some(reference)) => Some(format!("„{description}“, Referenz {reference}.")),
        (Some(description), None) => Some(format!("„{description}“.")),
        (None, Some(reference)) => Some(format!("Referenz {reference}.")),
        (None, None) => None,
    }
}

pub(super) fn explanation(facts: &Facts<'_>) -> String {
    let account = &facts.account;
    match facts.kind {
        EventKind::TransactionPending => {
            let until = facts.until.as_ref().map(|moment| format!(", längstens bis {moment}"));
            let until = until.unwrap_or_default();
            match facts.role {
                Role::Payee => format!("Die Zahlung ist angekündigt{until}, und noch nicht endgültig."),
                Role::Payer | Role::Both | Role::Holder => format!(
                    "Sie können nicht darüber verfügen, bis die Zahlung abgeschlossen oder abgebrochen ist{until}."
                ),
            }
        }
        EventKind::TransactionPosted => new_balance(facts),
        EventKind::TransactionVoided => "Die Zahlung wurde abgebrochen.".to_owned(),
        EventKind::TransactionExpired => "Die Zahlung wurde nicht rechtzeitig abgeschlossen.".to_owned(),
        EventKind::TransactionRefunded => match &facts.refunded {
            Some((refunded, captured)) => {
                format!("{refunded} von {captured} sind erstattet. {}", new_balance(facts))
            }
            None => new_balance(facts),
        },
        EventKind::AccountOpened => format!("{account} kann Geld senden und empfangen."),
        EventKind::AccountUpdated => format!("Die Einstellungen von {account} wurden geändert."),
        EventKind::AccountFrozen => format!("{account} kann Geld weder senden noch empfangen."),
        EventKind::AccountUnfrozen => format!("{account} kann wieder Geld senden und empfangen."),
        EventKind::AccountClosed => format!("{account} kann nicht mehr verwendet werden."),
        EventKind::WebhookEndpointDisabled => "Es wird nichts mehr dorthin gesendet.".to_owned(),
    }
}

/// The balance of the account that the notification is about.
fn new_balance(facts: &Facts<'_>) -> String {
    match facts.role {
        Role::Both => format!("Der Kontostand von {} ist jetzt {}.", facts.account, facts.balance),
        Role::Payer | Role::Payee | Role::Holder => format!("Ihr neuer Kontostand ist {}.", facts.balance),
    }
}
