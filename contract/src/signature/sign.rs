//! The sender's half.

use base64::{Engine, engine::general_purpose::STANDARD};
use hmac::Mac;

use super::{Secret, VERSION};

/// The `webhook-signature` of one attempt: a signature under each secret. `timestamp` is in seconds since 1970 and goes out
/// as `webhook-timestamp`.
#[must_use]
pub fn sign<'s>(secrets: impl IntoIterator<Item = &'s Secret>, id: &str, timestamp: i64, body: &[u8]) -> String {
    let timestamp = timestamp.to_string();
    let signature = |secret: &Secret| {
        let hash = secret.mac(id, &timestamp, body).finalize().into_bytes();
        format!("{VERSION},{}", STANDARD.encode(hash))
    };
    secrets.into_iter().map(signature).collect::<Vec<_>>().join(" ")
}
