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

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use contract::{AccountId, Currency};
    use time::{Duration, OffsetDateTime};

    use super::*;
    use crate::domain::text::Owner;

    fn text<T: TryFrom<String, Error: std::fmt::Debug>>(text: &str) -> T {
        text.to_owned().try_into().unwrap()
    }

    fn account_id(number: u64) -> AccountId {
        AccountId::new(OffsetDateTime::UNIX_EPOCH, number)
    }

    fn labels(pairs: &[(&str, &str)]) -> Metadata {
        let map: BTreeMap<_, _> = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        map.try_into().unwrap()
    }

    /// A request differs from the same with any one part changed, and these from each other.
    fn assert_each_counts<T: Clone>(plain: &T, changes: &[fn(&mut T)], action: fn(T) -> Action) {
        let mut prints = vec![fingerprint(&action(plain.clone()))];
        assert_eq!(prints[0], fingerprint(&action(plain.clone())));
        for (index, change) in changes.iter().enumerate() {
            let mut other = plain.clone();
            change(&mut other);
            let print = fingerprint(&action(other));
            assert!(!prints.contains(&print), "change {index} is not seen");
            prints.push(print);
        }
    }

    #[test]
    fn every_part_of_an_account_counts() {
        let plain = OpenAccount {
            owner: Owner::try_from("alice").unwrap(),
            name: None,
            currency: Currency::EUR,
            min_balance: None,
            notify: true,
            metadata: Metadata::default(),
        };
        let changes: [fn(&mut OpenAccount); 8] = [
            |open| open.owner = Owner::try_from("bob").unwrap(),
            |open| open.name = Some(text("")),
            |open| open.name = Some(text("Savings")),
            |open| open.currency = "JPY".parse().unwrap(),
            |open| open.min_balance = Some(MinorUnits::ZERO),
            |open| open.min_balance = Some(MinorUnits::new(-1)),
            |open| open.notify = false,
            |open| open.metadata = labels(&[("a", "b")]),
        ];
        assert_each_counts(&plain, &changes, Action::OpenAccount);
    }

    #[test]
    fn every_part_of_a_change_counts() {
        let plain = UpdateAccount {
            account: account_id(1),
            settings_version: 1,
            name: None,
            min_balance: None,
            metadata: None,
        };
        let changes: [fn(&mut UpdateAccount); 9] = [
            |update| update.account = account_id(2),
            |update| update.settings_version = 2,
            |update| update.name = Some(None),
            |update| update.name = Some(Some(text("Savings"))),
            |update| update.min_balance = Some(None),
            |update| update.min_balance = Some(Some(MinorUnits::ZERO)),
            |update| update.metadata = Some(Metadata::default()),
            |update| update.metadata = Some(labels(&[("a", "b")])),
            |update| update.metadata = Some(labels(&[("a", ""), ("b", "")])),
        ];
        assert_each_counts(&plain, &changes, Action::UpdateAccount);
    }

    #[test]
    fn every_part_of_a_transaction_counts() {
        let plain = CreateTransaction {
            source: account_id(1),
            destination: account_id(2),
            amount: Amount::new(1).unwrap(),
            currency: Currency::EUR,
            terms: CaptureTerms::Automatic,
            description: None,
            reference: None,
            metadata: Metadata::default(),
        };
        let changes: [fn(&mut CreateTransaction); 9] = [
            |create| create.source = account_id(3),
            |create| create.destination = account_id(3),
            |create| create.amount = Amount::new(2).unwrap(),
            |create| create.currency = "JPY".parse().unwrap(),
            |create| create.terms = CaptureTerms::Manual { expires_at: None },
            |create| {
                let expires_at = Some(OffsetDateTime::UNIX_EPOCH + Duration::DAY);
                create.terms = CaptureTerms::Manual { expires_at };
            },
            |create| create.description = Some(text("Rent")),
            |create| create.reference = Some(text("Rent")),
            |create| create.metadata = labels(&[("a", "b")]),
        ];
        assert_each_counts(&plain, &changes, Action::CreateTransaction);
    }
}
