//! What makes two requests under one idempotency key the same request: their parsed content, whatever its spelling.

use contract::{Amount, MinorUnits, TransactionId};

use super::{
    command::{Action, CaptureTerms, CreateTransaction, OpenAccount, UpdateAccount},
    idempotency::{Fingerprint, Parts},
    text::{AccountName, Description, Metadata, Reference},
};

/// The digest of what this asks for.
#[must_use]
pub fn fingerprint(action: &Action) -> Fingerprint {
    let mut parts = Parts::of(action.operation());
    match action {
        Action::OpenAccount(open) => account(&mut parts, open),
        Action::CreateTransaction(create) => transaction(&mut parts, create),
        Action::CreateTransactions(items) => {
            for item in items {
                let mut single = Parts::of("create_transaction");
                transaction(&mut single, &item.create);
                parts.part(single.fingerprint());
            }
        }
        Action::CaptureTransaction(capture) => part_of(&mut parts, capture.transaction, capture.amount),
        Action::RefundTransaction(refund) => part_of(&mut parts, refund.transaction, refund.amount),
        Action::UpdateAccount(update) => settings(&mut parts, update),
        Action::FreezeAccount(id) | Action::UnfreezeAccount(id) | Action::CloseAccount(id) => {
            parts.text(&id.to_string());
        }
        Action::VoidTransaction(id) | Action::ExpireTransaction(id) => part_of(&mut parts, *id, None),
    }
    parts.fingerprint()
}

fn account(parts: &mut Parts, open: &OpenAccount) {
    parts.text(open.owner.as_str()).optional(open.name.as_ref().map(AccountName::as_str)).text(open.currency.code());
    limit(parts, open.min_balance);
    parts.number(i64::from(open.notify));
    metadata(parts, &open.metadata);
}

fn settings(parts: &mut Parts, update: &UpdateAccount) {
    parts.text(&update.account.to_string()).number(update.settings_version);
    // Each part says first whether it is there at all.
    parts.number(i64::from(update.name.is_some()));
    parts.optional(update.name.as_ref().and_then(Option::as_ref).map(AccountName::as_str));
    parts.number(i64::from(update.min_balance.is_some()));
    limit(parts, update.min_balance.flatten());
    parts.number(i64::from(update.metadata.is_some()));
    if let Some(changed) = &update.metadata {
        metadata(parts, changed);
    }
}

fn limit(parts: &mut Parts, limit: Option<MinorUnits>) {
    match limit {
        Some(limit) => parts.number(1).number(limit.get()),
        None => parts.number(0),
    };
}

fn transaction(parts: &mut Parts, create: &CreateTransaction) {
    parts
        .text(&create.source.to_string())
        .text(&create.destination.to_string())
        .number(create.amount.get())
        .text(create.currency.code());
    match create.terms {
        CaptureTerms::Automatic => parts.text("automatic"),
        CaptureTerms::Manual { expires_at } => {
            parts.text("manual").optional(expires_at.map(contract::timestamp::text).as_deref())
        }
    };
    parts
        .optional(create.description.as_ref().map(Description::as_str))
        .optional(create.reference.as_ref().map(Reference::as_str));
    metadata(parts, &create.metadata);
}

fn part_of(parts: &mut Parts, transaction: TransactionId, amount: Option<Amount>) {
    // No amount is 0: "the rest" is another request than the same sum by its number.
    parts.text(&transaction.to_string()).number(amount.map_or(0, Amount::get));
}

fn metadata(parts: &mut Parts, metadata: &Metadata) {
    for (name, value) in metadata.as_map() {
        parts.text(name).text(value);
    }
}
