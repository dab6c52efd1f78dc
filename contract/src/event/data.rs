//! The data of version 1 events. Receivers see every effect in full: an event is for the platform and its operators' own
//! receivers, not for the parties, who read notifications.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::{
    AccountId, Amount, Currency, MinorUnits, RefundId, TransactionId, WebhookEndpointId,
    account::{AccountStatus, Metadata},
    transaction::TransactionStatus,
    webhook::DisabledReason,
};

/// Who caused the event: the issuer and subject of the caller's token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Actor {
    pub iss: String,
    pub sub: String,
}

/// What one event did to one account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventEffect {
    pub account: AccountId,
    pub owner: String,
    /// Whether the owner is to be notified.
    pub notify: bool,
    /// Negative where the account pays.
    pub amount: MinorUnits,
    /// 1, 2, 3 … without a gap, one for each event that touches the account.
    pub sequence: i64,
    pub posted_after: MinorUnits,
    /// Null where the account has no limit.
    pub available_after: Option<MinorUnits>,
}

/// Data of `transaction.*`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TransactionData {
    pub transaction: TransactionSnapshot,
    /// Of `transaction.refunded`: what was given back by this event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refund: Option<RefundSnapshot>,
    pub actor: Actor,
    /// The source first.
    pub effects: Vec<EventEffect>,
}

/// The transaction after the event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TransactionSnapshot {
    pub id: TransactionId,
    pub status: TransactionStatus,
    pub source: AccountId,
    pub destination: AccountId,
    pub amount: Amount,
    pub currency: Currency,
    pub captured_amount: MinorUnits,
    pub refunded_amount: MinorUnits,
    /// Until when the money of a hold is reserved.
    #[serde(default, with = "crate::timestamp::option", skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<OffsetDateTime>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    #[serde(default)]
    pub metadata: Metadata,
}

/// One of the refunds of a transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefundSnapshot {
    pub id: RefundId,
    pub amount: Amount,
}

/// Data of `account.*`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountData {
    pub account: AccountSnapshot,
    pub actor: Actor,
    pub effects: Vec<EventEffect>,
}

/// The account after the event, without its balances: those are in the effect.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountSnapshot {
    pub id: AccountId,
    pub owner: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    pub currency: Currency,
    pub status: AccountStatus,
    /// Null is no limit.
    pub min_balance: Option<MinorUnits>,
    pub settings_version: i64,
    #[serde(default)]
    pub metadata: Metadata,
}

/// Data of `webhook_endpoint.*`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WebhookEndpointData {
    pub webhook_endpoint: WebhookEndpointSnapshot,
    pub reason: DisabledReason,
}

/// The endpoint after the event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WebhookEndpointSnapshot {
    pub id: WebhookEndpointId,
    pub url: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}
