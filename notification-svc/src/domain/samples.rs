//! Events to test with.

use contract::{
    AccountId, Amount, Currency, Event, EventId, EventKind, MinorUnits, TransactionId, WebhookEndpointId,
    account::{AccountStatus, Metadata},
    event::{
        AccountData, AccountSnapshot, Actor, EventData, EventEffect, Resource, TransactionData, TransactionSnapshot,
        WebhookEndpointData, WebhookEndpointSnapshot,
    },
    transaction::TransactionStatus,
    webhook::DisabledReason,
};
use time::{OffsetDateTime, macros::datetime};

const TIME: OffsetDateTime = datetime!(2026-11-23 06:15:37.123456 UTC);

/// An event of this kind between accounts of these two owners, who are all to be notified. Of an event about an account,
/// the first owns it.
pub(crate) fn event(kind: EventKind, source_owner: &str, destination_owner: &str) -> Event {
    let effects = vec![effect(1, source_owner, -1250, 11_250), effect(2, destination_owner, 1250, 31_250)];
    let actor = Actor { iss: "https://issuer.example".to_owned(), sub: source_owner.to_owned() };
    let data = match kind.resource() {
        Resource::Transaction => {
            EventData::Transaction(TransactionData { transaction: rent(), refund: None, actor, effects })
        }
        Resource::Account => EventData::Account(AccountData {
            account: checking(source_owner),
            actor,
            effects: effects.into_iter().take(1).collect(),
        }),
        Resource::WebhookEndpoint => EventData::WebhookEndpoint(WebhookEndpointData {
            webhook_endpoint: WebhookEndpointSnapshot {
                id: WebhookEndpointId::new(TIME, 5),
                url: "https://example.test/hook".to_owned(),
                description: None,
            },
            reason: DisabledReason::Gone,
        }),
    };
    Event { id: EventId::new(TIME, 17), kind, time: TIME, traceparent: None, data }
}

/// The effects of an event, to be changed.
pub(crate) fn effects(event: &mut Event) -> &mut [EventEffect] {
    match &mut event.data {
        EventData::Transaction(data) => &mut data.effects,
        EventData::Account(data) => &mut data.effects,
        EventData::WebhookEndpoint(_) => &mut [],
    }
}

fn account_id(number: u64) -> AccountId {
    AccountId::new(TIME, number)
}

fn effect(account: u64, owner: &str, amount: i64, posted_after: i64) -> EventEffect {
    EventEffect {
        account: account_id(account),
        owner: owner.to_owned(),
        notify: true,
        amount: MinorUnits::new(amount),
        sequence: 8,
        posted_after: MinorUnits::new(posted_after),
        available_after: Some(MinorUnits::new(posted_after)),
    }
}

fn rent() -> TransactionSnapshot {
    TransactionSnapshot {
        id: TransactionId::new(TIME, 3),
        status: TransactionStatus::Posted,
        source: account_id(1),
        destination: account_id(2),
        amount: Amount::new(2000).expect("is positive"),
        currency: Currency::EUR,
        captured_amount: MinorUnits::new(1750),
        refunded_amount: MinorUnits::new(1500),
        expires_at: Some(TIME + time::Duration::days(7)),
        description: Some("Rent".to_owned()),
        reference: Some("inv-17".to_owned()),
        metadata: Metadata::new(),
    }
}

fn checking(owner: &str) -> AccountSnapshot {
    AccountSnapshot {
        id: account_id(1),
        owner: owner.to_owned(),
        name: Some("Checking".to_owned()),
        currency: Currency::EUR,
        status: AccountStatus::Open,
        min_balance: Some(MinorUnits::ZERO),
        settings_version: 1,
        metadata: Metadata::new(),
    }
}
