//! One example of each resource, for the OpenAPI documents: alice pays bob her rent. They are values of the types
//! themselves, so they cannot say what the types do not.

use time::{Duration, OffsetDateTime, macros::datetime};

use crate::{
    AccountId, Amount, Currency, DeliveryId, EventId, EventKind, MinorUnits, NotificationId, RefundId, TransactionId,
    WebhookEndpointId,
    account::{Account, AccountStatus, Balances, Metadata},
    notification::{Notification, NotificationCounts, NotificationStatus},
    outbox::{Backlog, Outbox},
    statement::{AccountEvent, BalanceAt, Entry},
    timeline::{Step, Timeline, TimelineStep},
    transaction::{Capture, Effect, EffectBalance, Refund, Transaction, TransactionStatus},
    webhook::{AttemptOutcome, Delivery, DeliveryAttempt, DeliveryStatus, WebhookEndpoint},
};

const OPENED: OffsetDateTime = datetime!(2026-11-02 09:30:00.482913 UTC);
const PAID: OffsetDateTime = datetime!(2026-11-23 06:15:37.123456 UTC);
const REFUNDED: OffsetDateTime = datetime!(2026-11-24 08:00:00.271828 UTC);
const RENT: i64 = 1_250;
const BALANCE: MinorUnits = MinorUnits::new(11_250);
const BALANCES: Balances =
    Balances { posted: BALANCE, pending_out: MinorUnits::ZERO, pending_in: MinorUnits::ZERO, available: Some(BALANCE) };

/// alice's account.
#[must_use]
pub fn account_id() -> AccountId {
    AccountId::new(OPENED, 0x5eed_a11c)
}

fn bobs_account_id() -> AccountId {
    AccountId::new(OPENED, 0x5eed_0b0b)
}

/// The payment.
#[must_use]
pub fn transaction_id() -> TransactionId {
    TransactionId::new(PAID, 0x5eed_0001)
}

/// What the payment was announced by.
#[must_use]
pub fn event_id() -> EventId {
    EventId::new(PAID, 0x5eed_0002)
}

/// alice's notification of it.
#[must_use]
pub fn notification_id() -> NotificationId {
    NotificationId::new(PAID, 0x5eed_0003)
}

/// alice's account after the payment.
#[must_use]
pub fn account() -> Account {
    Account {
        id: account_id(),
        owner: "alice".to_owned(),
        name: Some("Checking".to_owned()),
        currency: Currency::EUR,
        status: AccountStatus::Open,
        min_balance: Some(MinorUnits::ZERO),
        notify: true,
        balances: BALANCES,
        version: 8,
        settings_version: 1,
        metadata: Metadata::new(),
        created_at: OPENED,
        updated_at: PAID,
    }
}

/// The payment, as alice sees it.
#[must_use]
pub fn transaction() -> Transaction {
    let amount = Amount::new(RENT).expect("the rent is positive");
    let balance = EffectBalance { sequence: 8, posted_after: BALANCE, available_after: Some(BALANCE) };
    Transaction {
        id: transaction_id(),
        status: TransactionStatus::Posted,
        source: account_id(),
        destination: bobs_account_id(),
        amount,
        currency: Currency::EUR,
        captured_amount: amount.credit(),
        refunded_amount: MinorUnits::ZERO,
        capture: Capture::Automatic,
        expires_at: None,
        description: Some("Rent".to_owned()),
        reference: Some("inv-17".to_owned()),
        metadata: Metadata::new(),
        initiated_by: "alice".to_owned(),
        effects: vec![
            Effect { account: account_id(), amount: amount.debit(), balance: Some(balance) },
            Effect { account: bobs_account_id(), amount: amount.credit(), balance: None },
        ],
        created_at: PAID,
        updated_at: PAID,
    }
}

/// The payment, as a line of alice's statement.
#[must_use]
pub fn entry() -> Entry {
    Entry {
        sequence: 8,
        transaction: transaction_id(),
        event: event_id(),
        amount: MinorUnits::new(-RENT),
        posted_after: BALANCE,
        occurred_at: PAID,
    }
}

/// What alice had after the payment.
#[must_use]
pub fn balance_at() -> BalanceAt {
    BalanceAt { account: account_id(), currency: Currency::EUR, as_of: PAID, sequence: 8, balances: BALANCES }
}

/// The payment, as alice's account has it.
#[must_use]
pub fn account_event() -> AccountEvent {
    AccountEvent {
        sequence: 8,
        event: event_id(),
        r#type: EventKind::TransactionPosted,
        transaction: Some(transaction_id()),
        amount: MinorUnits::new(-RENT),
        pending_out: MinorUnits::ZERO,
        pending_in: MinorUnits::ZERO,
        balances: BALANCES,
        occurred_at: PAID,
    }
}

/// A shop that is told of payments.
#[must_use]
pub fn webhook_endpoint() -> WebhookEndpoint {
    WebhookEndpoint {
        id: WebhookEndpointId::new(OPENED, 0x5eed_0007),
        url: "https://shop.example/hooks/payments".to_owned(),
        description: Some("The shop".to_owned()),
        event_types: Some(vec![EventKind::TransactionPosted, EventKind::TransactionRefunded]),
        enabled: true,
        disabled_reason: None,
        configured: false,
        failing_since: None,
        created_at: OPENED,
        updated_at: OPENED,
        secret: None,
    }
}

/// The same with its secret, which is shown once.
#[must_use]
pub fn webhook_endpoint_with_secret() -> WebhookEndpoint {
    WebhookEndpoint { secret: Some("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".to_owned()), ..webhook_endpoint() }
}

/// The payment on its way to the shop.
#[must_use]
pub fn delivery() -> Delivery {
    Delivery {
        id: DeliveryId::new(PAID, 0x5eed_0005),
        endpoint_id: webhook_endpoint().id,
        event_id: event_id(),
        status: DeliveryStatus::Delivered,
        next_attempt_at: None,
        created_at: PAID,
        attempts: vec![attempt()],
    }
}

fn attempt() -> DeliveryAttempt {
    DeliveryAttempt {
        number: 1,
        started_at: PAID + Duration::milliseconds(8),
        finished_at: Some(PAID + Duration::milliseconds(31)),
        outcome: AttemptOutcome::Delivered,
        response_status: Some(204),
        error: None,
    }
}

/// The payment's life until the shop knew of it.
#[must_use]
pub fn timeline() -> Timeline {
    let Delivery { id: delivery_id, endpoint_id, .. } = delivery();
    let after = |milliseconds, step| TimelineStep {
        at: PAID + Duration::milliseconds(milliseconds),
        event_id: event_id(),
        r#type: Some(EventKind::TransactionPosted),
        step,
    };
    let attempted = Step::Attempted { delivery_id, endpoint_id, configured: false, attempt: attempt() };
    Timeline {
        transaction: transaction_id(),
        steps: vec![
            after(-2, Step::Accepted),
            after(0, Step::Committed),
            after(6, Step::Published { stream_sequence: 4_711 }),
            after(8, attempted),
        ],
        complete: true,
    }
}

/// Three events wait to be published.
#[must_use]
pub const fn outbox() -> Outbox {
    Outbox {
        relay: Backlog { events: 3, oldest_age_milliseconds: Some(12) },
        dispatch: Backlog { events: 0, oldest_age_milliseconds: None },
    }
}

/// What bob gives back of it.
#[must_use]
pub fn refund() -> Refund {
    Refund {
        id: RefundId::new(REFUNDED, 0x5eed_0004),
        transaction: transaction_id(),
        amount: Amount::new(250).expect("what is given back is positive"),
        currency: Currency::EUR,
        initiated_by: "bob".to_owned(),
        created_at: REFUNDED,
    }
}

/// What alice is told.
#[must_use]
pub fn notification() -> Notification {
    Notification {
        id: notification_id(),
        user: "alice".to_owned(),
        r#type: EventKind::TransactionPosted,
        status: NotificationStatus::Unread,
        title: "You paid EUR 12.50".to_owned(),
        body: "Your new balance is EUR 112.50.".to_owned(),
        event_id: event_id(),
        transaction_id: Some(transaction_id()),
        account_id: account_id(),
        account_sequence: 8,
        amount: MinorUnits::new(-RENT),
        currency: Currency::EUR,
        position: 41,
        occurred_at: PAID,
        created_at: PAID,
        read_at: None,
        archived_at: None,
    }
}

/// How many notifications alice has.
#[must_use]
pub fn notification_counts() -> NotificationCounts {
    NotificationCounts { unread: 3, read: 37, archived: 1 }
}

/// An event, as the golden files keep it.
#[must_use]
pub fn event() -> serde_json::Value {
    serde_json::from_str(include_str!("../tests/golden/transaction.posted.v1.json")).expect("a golden event is JSON")
}
