//! What a notification says: text from a versioned template, in the language of its reader.
//!
//! A text speaks of the recipient's own account alone: of the other side it never tells a balance, a name or a limit. It
//! is kept with the notification, so that what a user was told stays what it was when templates change.

mod de;
mod en;

use contract::{Currency, Event, EventKind, MinorUnits, event::EventData, notification::Locale};
use time::{OffsetDateTime, UtcOffset};

use super::plan::{Planned, Role};

/// Kept with each notification; a change of any wording is a new version.
pub const TEMPLATE_VERSION: i16 = 1;

/// What the user reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text {
    pub title: String,
    pub body: String,
}

/// The text of a planned notification of this event.
#[must_use]
pub fn render(event: &Event, planned: &Planned<'_>, locale: Locale) -> Text {
    let facts = Facts::of(event, planned, locale);
    let (title, purpose, explanation) = match locale {
        Locale::En => (en::title(&facts), en::purpose(&facts), en::explanation(&facts)),
        Locale::De => (de::title(&facts), de::purpose(&facts), de::explanation(&facts)),
    };
    let body = purpose.map(|purpose| format!("{purpose} {explanation}")).unwrap_or(explanation);
    Text { title, body }
}

/// An amount as readers of this language write it: `EUR -12.50`, `-12,50 EUR`.
fn money(locale: Locale, currency: Currency, units: MinorUnits) -> String {
    match locale {
        Locale::En => currency.display(units),
        Locale::De => format!("{} {currency}", currency.decimal(units, ",")),
    }
}

/// What there is to say, with amounts as people read them.
struct Facts<'e> {
    kind: EventKind,
    role: Role,
    /// What was reserved, moved, released or given back, without a sign.
    amount: String,
    /// Of a hold: when it ends.
    until: Option<String>,
    /// Of a refund: what has been given back so far, and of how much.
    refunded: Option<(String, String)>,
    /// What the recipient's own account holds now.
    balance: String,
    /// The recipient's account, by its name where it has one.
    account: String,
    description: Option<&'e str>,
    reference: Option<&'e str>,
}

impl<'e> Facts<'e> {
    fn of(event: &'e Event, planned: &Planned<'_>, locale: Locale) -> Self {
        let shown = |units| money(locale, planned.currency, units);
        let own = planned.effect.amount;
        let mut facts = Self {
            kind: event.kind,
            role: planned.role,
            amount: shown(without_sign(own)),
            until: None,
            refunded: None,
            balance: shown(planned.effect.posted_after),
            account: planned.effect.account.to_string(),
            description: None,
            reference: None,
        };
        match &event.data {
            EventData::WebhookEndpoint(_) => {}
            EventData::Account(data) => facts.account = data.account.name.clone().unwrap_or(facts.account),
            EventData::Transaction(data) => {
                let transaction = &data.transaction;
                facts.description = transaction.description.as_deref();
                facts.reference = transaction.reference.as_deref();
                match event.kind {
                    EventKind::TransactionPosted => facts.amount = shown(transaction.captured_amount),
                    EventKind::TransactionRefunded => {
                        facts.refunded = Some((shown(transaction.refunded_amount), shown(transaction.captured_amount)));
                    }
                    EventKind::TransactionPending | EventKind::TransactionVoided | EventKind::TransactionExpired => {
                        facts.until = transaction.expires_at.map(minute);
                        facts.amount = shown(transaction.amount.credit());
                    }
                    EventKind::AccountOpened
                    | EventKind::AccountUpdated
                    | EventKind::AccountFrozen
                    | EventKind::AccountUnfrozen
                    | EventKind::AccountClosed
                    | EventKind::WebhookEndpointDisabled => {}
                }
            }
        }
        facts
    }
}

/// The moment to the minute, as it is written everywhere: the reader's time zone is not known.
fn minute(at: OffsetDateTime) -> String {
    let at = at.to_offset(UtcOffset::UTC);
    format!("{} {:02}:{:02} UTC", at.date(), at.hour(), at.minute())
}

fn without_sign(units: MinorUnits) -> MinorUnits {
    if units < MinorUnits::ZERO { MinorUnits::ZERO.checked_sub(units).unwrap_or(units) } else { units }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write;

    use contract::event::Resource;
    use proptest::prelude::*;

    use super::*;
    use crate::domain::{plan::plan, samples};

    /// What users are told in version 1, word for word. A change of it is a new version and a new file.
    const GOLDEN: [(Locale, &str); 2] =
        [(Locale::En, include_str!("en.v1.txt")), (Locale::De, include_str!("de.v1.txt"))];

    #[test]
    fn every_text_is_as_the_golden_files_say() {
        assert_eq!(TEMPLATE_VERSION, 1);
        for (locale, golden) in GOLDEN {
            let all = all_texts(locale);
            assert!(all == golden, "the texts in {locale:?} are now:\n{all}");
        }
    }

    fn all_texts(locale: Locale) -> String {
        let mut all = String::new();
        for kind in EventKind::ALL {
            let owners = match kind.resource() {
                Resource::Transaction => &[("alice", "bob"), ("alice", "alice")][..],
                Resource::Account | Resource::WebhookEndpoint => &[("alice", "bob")],
            };
            for (source_owner, destination_owner) in owners {
                let event = samples::event(*kind, source_owner, destination_owner);
                for planned in plan(&event) {
                    let Text { title, body } = render(&event, &planned, locale);
                    writeln!(all, "{kind} to {} ({:?})\n  {title}\n  {body}", planned.recipient, planned.role).unwrap();
                }
            }
        }
        all
    }

    #[test]
    fn amounts_are_written_as_their_currency_is() {
        for (code, en, de) in [
            ("EUR", "You received EUR 17.50", "Sie haben 17,50 EUR erhalten"),
            ("JPY", "You received JPY 1750", "Sie haben 1750 JPY erhalten"),
            ("BHD", "You received BHD 1.750", "Sie haben 1,750 BHD erhalten"),
        ] {
            let mut event = samples::event(EventKind::TransactionPosted, "alice", "bob");
            if let EventData::Transaction(data) = &mut event.data {
                data.transaction.currency = code.parse().unwrap();
            }
            for (locale, title) in [(Locale::En, en), (Locale::De, de)] {
                assert_eq!(render(&event, &plan(&event)[1], locale).title, title);
            }
        }
    }

    proptest! {
        #[test]
        fn nobody_is_told_anothers_balance_or_name(
            kind in prop::sample::select(EventKind::ALL),
            locale in prop::sample::select(&Locale::ALL[..]),
            balances in [1_000_000_i64..2_000_000, 3_000_000_i64..4_000_000],
        ) {
            let mut event = samples::event(kind, "alice", "bob");
            for (effect, balance) in samples::effects(&mut event).iter_mut().zip(balances) {
                effect.posted_after = MinorUnits::new(balance);
                effect.available_after = Some(MinorUnits::new(balance + 1));
            }
            for planned in plan(&event) {
                let Text { title, body } = render(&event, &planned, locale);
                let text = format!("{title} {body}");
                for other in event.data.effects().iter().filter(|effect| effect.owner != planned.recipient) {
                    prop_assert!(!text.contains(&other.owner));
                    for balance in [Some(other.posted_after), other.available_after].into_iter().flatten() {
                        prop_assert!(!text.contains(&money(locale, planned.currency, balance)), "{}", text);
                    }
                }
            }
        }
    }
}
