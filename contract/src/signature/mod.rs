//! Signatures of webhooks, as [Standard Webhooks](https://www.standardwebhooks.com) has them: HMAC-SHA256 over id, time
//! and body, under a secret that sender and receiver share.
//!
//! Several secrets may be live at a time: the sender signs with each, the receiver believes each, so that a secret is
//! rotated without a moment in which neither side knows the other's. A receiver verifies the bytes as they came, before
//! it reads them; it keeps the ids it has seen, because within [`TOLERANCE_SECONDS`] a captured request can be sent again.
//! Nothing here reads a clock.

mod secret;
mod sign;
mod verify;

pub use secret::{InvalidSecret, Secret};
pub use sign::sign;
pub use verify::{Presented, Refusal, verify};

/// The id of what is told, the same in every attempt: receivers recognise repeats by it.
pub const ID_HEADER: &str = "webhook-id";
/// When this attempt was signed, in seconds since 1970.
pub const TIMESTAMP_HEADER: &str = "webhook-timestamp";
/// `v1,<base64>` for each live secret, with spaces between them.
pub const SIGNATURE_HEADER: &str = "webhook-signature";

/// How far the time of an attempt may be from the receiver's clock, either way.
pub const TOLERANCE_SECONDS: u64 = 300;

/// The version of signatures that this crate makes and believes.
const VERSION: &str = "v1";

#[cfg(test)]
mod tests;
