//! The issuer's public keys: a JWK set (RFC 7517).
//!
//! Keys that this service cannot use are passed over, so that an issuer may publish what it likes; a set without a usable
//! key is refused.

use std::collections::HashMap;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::Value;

use super::jwk::VerificationKey;

/// Why a document was refused as a key set.
#[derive(Debug, thiserror::Error)]
pub enum JwksError {
    #[error("the key set is not a JWK set")]
    Malformed(#[source] serde_json::Error),
    #[error("the key set has two keys with the id {kid:?}")]
    Repeated { kid: String },
    #[error("the key set has no key that tokens can be verified with")]
    Empty,
}

/// The keys by their id; never none.
#[derive(Debug)]
pub(super) struct Jwks(HashMap<String, Arc<VerificationKey>>);

#[derive(Deserialize)]
struct Document {
    keys: Vec<Value>,
}

impl Jwks {
    pub(super) fn parse(document: &[u8]) -> Result<Self, JwksError> {
        let document: Document = serde_json::from_slice(document).map_err(JwksError::Malformed)?;
        let mut keys = HashMap::new();
        for key in document.keys.into_iter().filter_map(VerificationKey::of_jwk) {
            let kid = key.kid.clone();
            if keys.insert(kid.clone(), Arc::new(key)).is_some() {
                return Err(JwksError::Repeated { kid });
            }
        }
        if keys.is_empty() {
            return Err(JwksError::Empty);
        }
        Ok(Self(keys))
    }

    pub(super) fn get(&self, kid: &str) -> Option<&Arc<VerificationKey>> {
        self.0.get(kid)
    }

    /// Whether this very key is still in the set.
    pub(super) fn holds(&self, key: &VerificationKey) -> bool {
        self.get(&key.kid).is_some_and(|held| held.thumbprint == key.thumbprint)
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}
