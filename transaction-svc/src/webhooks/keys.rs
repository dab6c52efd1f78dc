//! How the secrets of endpoints are kept: sealed with AES-256-GCM, so that the database alone gives none away.
//!
//! The first key of the configuration seals; all of them open, so that a key is replaced without a moment in which a
//! secret cannot be read. What is sealed for one endpoint does not open for another.

use std::sync::Arc;

use aws_lc_rs::aead::{AES_256_GCM, Aad, Nonce, RandomizedNonceKey};
use base64::{Engine, engine::general_purpose::STANDARD};
use contract::{WebhookEndpointId, signature::Secret};
use secrecy::{ExposeSecret, SecretString};

use crate::store::webhooks::secrets::SealedSecret;

/// What is configured is no list of keys. Does not repeat it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("encryption keys have to be `<id>:<base64 of 32 bytes>`, several with spaces between them")]
pub struct InvalidKeys;

/// Why a secret cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    #[error("the key {key_id:?} is not configured")]
    UnknownKey { key_id: String },
    #[error("what is stored was not sealed with the key {key_id:?} for this endpoint")]
    Altered { key_id: String },
}

/// The keys, the sealing one first.
#[derive(Debug, Clone)]
pub struct EncryptionKeys(Arc<[(String, RandomizedNonceKey)]>);

impl EncryptionKeys {
    /// # Errors
    /// [`InvalidKeys`]
    pub fn parse(text: &SecretString) -> Result<Self, InvalidKeys> {
        let key = |text: &str| {
            let (id, base64) = text.split_once(':').ok_or(InvalidKeys)?;
            let bytes = STANDARD.decode(base64).map_err(|_| InvalidKeys)?;
            let key = RandomizedNonceKey::new(&AES_256_GCM, &bytes).map_err(|_| InvalidKeys)?;
            Ok((id.to_owned(), key))
        };
        let keys: Vec<_> = text.expose_secret().split_whitespace().map(key).collect::<Result<_, _>>()?;
        if keys.is_empty() { Err(InvalidKeys) } else { Ok(Self(keys.into())) }
    }

    /// Seals a secret for an endpoint.
    ///
    /// # Errors
    /// None in practice: a secret is far shorter than what can be sealed.
    pub fn seal(&self, endpoint: WebhookEndpointId, secret: &Secret) -> Result<SealedSecret, InvalidKeys> {
        let (key_id, key) = self.0.first().ok_or(InvalidKeys)?;
        let mut sealed = secret.as_bytes().to_vec();
        let nonce = key.seal_in_place_append_tag(aad(endpoint), &mut sealed).map_err(|_| InvalidKeys)?;
        Ok(SealedSecret { key_id: key_id.clone(), nonce: nonce.as_ref().to_vec(), sealed, expires_at: None })
    }

    /// Reads a secret that was sealed for this endpoint.
    ///
    /// # Errors
    /// [`OpenError`]
    pub fn open(&self, endpoint: WebhookEndpointId, sealed: &SealedSecret) -> Result<Secret, OpenError> {
        let key_id = || sealed.key_id.clone();
        let altered = || OpenError::Altered { key_id: key_id() };
        let (_, key) = self
            .0
            .iter()
            .find(|(id, _)| *id == sealed.key_id)
            .ok_or_else(|| OpenError::UnknownKey { key_id: key_id() })?;
        let nonce = Nonce::try_assume_unique_for_key(&sealed.nonce).map_err(|_| altered())?;
        let mut bytes = sealed.sealed.clone();
        let opened = key.open_in_place(nonce, aad(endpoint), &mut bytes).map_err(|_| altered())?;
        Secret::from_bytes(&*opened).map_err(|_| altered())
    }
}

fn aad(endpoint: WebhookEndpointId) -> Aad<[u8; 16]> {
    Aad::from(endpoint.uuid().into_bytes())
}

#[cfg(test)]
mod tests {
    use time::OffsetDateTime;

    use super::*;

    fn keys(text: &str) -> Result<EncryptionKeys, InvalidKeys> {
        EncryptionKeys::parse(&text.to_owned().into())
    }

    fn key(id: &str, byte: u8) -> String {
        format!("{id}:{}", STANDARD.encode([byte; 32]))
    }

    #[test]
    fn a_secret_opens_with_its_key_for_its_endpoint_only() {
        let [endpoint, other] = [1, 2].map(|entropy| WebhookEndpointId::new(OffsetDateTime::UNIX_EPOCH, entropy));
        let secret = Secret::from_bytes([9; 32]).unwrap();
        let old = keys(&key("old", 1)).unwrap();
        let sealed = old.seal(endpoint, &secret).unwrap();
        assert!(!sealed.sealed.windows(8).any(|window| window == [9; 8]));
        let rotated = keys(&format!("{} {}", key("new", 2), key("old", 1))).unwrap();
        assert_eq!(rotated.open(endpoint, &sealed).unwrap().as_bytes(), secret.as_bytes());
        assert_eq!(rotated.seal(endpoint, &secret).unwrap().key_id, "new");

        let refused = |keys: &EncryptionKeys, endpoint, sealed| keys.open(endpoint, sealed).unwrap_err();
        assert_eq!(refused(&rotated, other, &sealed), OpenError::Altered { key_id: "old".to_owned() });
        let unknown = OpenError::UnknownKey { key_id: "old".to_owned() };
        assert_eq!(refused(&keys(&key("new", 2)).unwrap(), endpoint, &sealed), unknown);
        let mut altered = sealed.clone();
        altered.sealed[0] ^= 1;
        assert_eq!(refused(&rotated, endpoint, &altered), OpenError::Altered { key_id: "old".to_owned() });
    }

    #[test]
    fn what_is_no_key_is_refused() {
        for text in ["", "old", "old:", "old:AAAA", "old:?", &format!("{} x", key("old", 1))] {
            assert_eq!(keys(text).unwrap_err(), InvalidKeys, "{text}");
        }
    }
}
