//! A secret that sender and receiver share.

use std::{fmt, str::FromStr};

use base64::{
    Engine, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig, general_purpose::STANDARD},
};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

const PREFIX: &str = "whsec_";
/// What Standard Webhooks allows.
const LENGTH_BYTES: std::ops::RangeInclusive<usize> = 24..=64;
/// Secrets are copied by hand, and some makers leave the padding out.
const FORGIVING: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The text is no secret. Does not repeat it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is not a secret of the form whsec_<base64 of 24 to 64 bytes>")]
pub struct InvalidSecret;

/// The key of signatures: 24 to 64 bytes, written `whsec_<base64>`.
#[derive(Clone)]
pub struct Secret {
    bytes: Vec<u8>,
    keyed: Hmac<Sha256>,
}

impl Secret {
    /// A secret of these bytes, which must come from a cryptographic source.
    ///
    /// # Errors
    /// Fewer than 24 bytes or more than 64.
    pub fn from_bytes(bytes: impl Into<Vec<u8>>) -> Result<Self, InvalidSecret> {
        let bytes = bytes.into();
        if !LENGTH_BYTES.contains(&bytes.len()) {
            return Err(InvalidSecret);
        }
        let keyed = Hmac::new_from_slice(&bytes).map_err(|_| InvalidSecret)?;
        Ok(Self { bytes, keyed })
    }

    /// The text as it is handed to the receiver, once. Not a `Display`, so that no log line has it by accident.
    #[must_use]
    pub fn reveal(&self) -> String {
        format!("{PREFIX}{}", STANDARD.encode(&self.bytes))
    }

    /// The bytes, to be kept encrypted.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The keyed hash of one attempt. Neither an id without full stops nor a number can be read as part of its neighbour.
    pub(super) fn mac(&self, id: &str, timestamp: &str, body: &[u8]) -> Hmac<Sha256> {
        let mut mac = self.keyed.clone();
        for part in [id.as_bytes(), b".", timestamp.as_bytes(), b".", body] {
            mac.update(part);
        }
        mac
    }
}

impl FromStr for Secret {
    type Err = InvalidSecret;

    fn from_str(text: &str) -> Result<Self, InvalidSecret> {
        let base64 = text.strip_prefix(PREFIX).ok_or(InvalidSecret)?;
        Self::from_bytes(FORGIVING.decode(base64).map_err(|_| InvalidSecret)?)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}
