//! What the paths of operations name.

#![expect(clippy::panic, reason = "the assertions of a test")]

use client::NewTransaction;
use contract::{
    AccountId, Currency, DeliveryId, NotificationId, RefundId, ReplayId, SessionId, TransactionId, WebhookEndpointId,
};
use integration::{
    eventually::eventually,
    people::{cents, fresh_key},
};
use time::OffsetDateTime;

use crate::{
    operations::fixture::{plan_replay, plant_dead_letter},
    stage::Stage,
};

/// What path parameters name.
pub(super) struct Names {
    pub(super) user: String,
    pub(super) account: AccountId,
    pub(super) to_be_frozen: AccountId,
    pub(super) frozen: AccountId,
    pub(super) to_be_closed: AccountId,
    pub(super) transaction: TransactionId,
    pub(super) refund: RefundId,
    pub(super) to_be_captured: TransactionId,
    pub(super) to_be_voided: TransactionId,
    pub(super) notification: NotificationId,
    pub(super) dead_letter: u64,
    pub(super) replay: ReplayId,
    pub(super) endpoint: WebhookEndpointId,
    pub(super) delivery: DeliveryId,
}

impl Names {
    pub(super) fn of(&self, operation: &str, name: &str, r#type: &str) -> String {
        match (operation, name, r#type) {
            (_, "user", _) => self.user.clone(),
            (_, "dead_letter", _) => self.dead_letter.to_string(),
            ("freeze_account", ..) => self.to_be_frozen.to_string(),
            ("unfreeze_account", ..) => self.frozen.to_string(),
            ("close_account", ..) => self.to_be_closed.to_string(),
            ("capture_transaction", ..) => self.to_be_captured.to_string(),
            ("void_transaction", ..) => self.to_be_voided.to_string(),
            (_, _, "AccountId") => self.account.to_string(),
            (_, _, "TransactionId") => self.transaction.to_string(),
            (_, _, "RefundId") => self.refund.to_string(),
            (_, _, "ReplayId") => self.replay.to_string(),
            (_, _, "NotificationId") => self.notification.to_string(),
            (_, _, "SessionId") => SessionId::new(OffsetDateTime::UNIX_EPOCH, 1).to_string(),
            (_, _, "WebhookEndpointId") => self.endpoint.to_string(),
            (_, _, "DeliveryId") => self.delivery.to_string(),
            _ => panic!("say in Names::of what the path parameter {name} of type {type:?} names"),
        }
    }

    /// What belongs to nobody.
    pub(super) fn nobodys() -> Self {
        let at = OffsetDateTime::UNIX_EPOCH;
        Self {
            user: "nobody".to_owned(),
            account: AccountId::new(at, 1),
            to_be_frozen: AccountId::new(at, 1),
            frozen: AccountId::new(at, 1),
            to_be_closed: AccountId::new(at, 1),
            transaction: TransactionId::new(at, 1),
            refund: RefundId::new(at, 1),
            to_be_captured: TransactionId::new(at, 1),
            to_be_voided: TransactionId::new(at, 1),
            notification: NotificationId::new(at, 1),
            dead_letter: 1_000_000,
            replay: ReplayId::new(at, 1),
            endpoint: WebhookEndpointId::new(at, 1),
            delivery: DeliveryId::new(at, 1),
        }
    }
}

/// What alice has: an account, a payment that she has refunded a part of, two holds, and a notification.
pub(super) async fn alices(stage: &Stage) -> Names {
    let alice = stage.platform.person("alice").unwrap();
    let notification = eventually("alice is told of her money", async || {
        let page = alice.inbox.list("me", None).await?;
        page.data.into_iter().find(|one| one.transaction_id.is_some()).ok_or(anyhow::anyhow!("not yet"))
    })
    .await;
    let transaction = notification.transaction_id.unwrap();
    let refund = alice.ledger.refund(&fresh_key(), transaction, Some(cents(1))).await.unwrap().id;
    let account = async || alice.open_account().await.unwrap().id;
    let frozen = account().await;
    stage.bank.office.ledger.freeze_account(&fresh_key(), frozen).await.unwrap();
    // Captured, the first pays for what alice spends before she refunds what was paid to her.
    let held = NewTransaction::new(stage.bank.settlement, stage.alice, cents(10), Currency::EUR).held(None);
    let hold = async || stage.bank.office.ledger.create(&fresh_key(), &held).await.unwrap().id;
    Names {
        user: alice.name.clone(),
        account: stage.alice,
        to_be_frozen: account().await,
        frozen,
        to_be_closed: account().await,
        transaction,
        refund,
        to_be_captured: hold().await,
        to_be_voided: hold().await,
        notification: notification.id,
        dead_letter: plant_dead_letter(&stage.platform, "not an event").await,
        replay: plan_replay(&stage.platform).await,
        endpoint: endpoint(stage).await,
        delivery: delivery(stage).await,
    }
}

/// An endpoint that nothing is sent to.
async fn endpoint(stage: &Stage) -> WebhookEndpointId {
    let body = r#"{"url": "https://example.com/hook", "enabled": false}"#;
    let made = stage.office().post("/v1/webhook-endpoints", &fresh_key(), body).await;
    made.json()["id"].as_str().unwrap().parse().unwrap()
}

/// A delivery to it that was given up.
async fn delivery(stage: &Stage) -> DeliveryId {
    let id = sqlx::query_scalar(
        "INSERT INTO transactions.webhook_deliveries (id, endpoint_id, event_id, status)
         SELECT event.id, endpoint.id, event.id, 'failed' FROM transactions.webhook_endpoints AS endpoint,
                (SELECT id FROM transactions.events LIMIT 1) AS event
         WHERE configured_as IS NULL RETURNING id",
    );
    DeliveryId::from_uuid(id.fetch_one(&stage.platform.pool().await.unwrap()).await.unwrap())
}
