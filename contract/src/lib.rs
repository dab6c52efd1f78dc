//! What is said on every wire of the platform: ids, money, resources and events, and how webhooks are signed.
//!
//! Pure. A receiver of events or a client of the API needs this crate and nothing else of ours; it must never depend
//! on a runtime, a web framework, a database or a broker. Shapes change by the rules in [`event`]: optional fields may
//! be added, meanings never change.

#![deny(clippy::float_arithmetic, clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_possible_wrap)]
#![deny(clippy::unwrap_used, clippy::indexing_slicing)]

pub mod account;
pub mod currency;
pub mod event;
#[cfg(feature = "openapi")]
pub mod example;
pub mod id;
pub mod money;
pub mod notification;
pub mod outbox;
pub mod signature;
pub mod statement;
pub mod timeline;
pub mod timestamp;
pub mod transaction;
pub mod webhook;

pub use currency::Currency;
pub use event::{Event, EventKind};
pub use id::{
    AccountId, DeliveryId, EventId, NotificationId, RefundId, ReplayId, SessionId, TransactionId, WebhookEndpointId,
};
pub use money::{Amount, MinorUnits};
