//! The issuer's public keys: a JWK set (RFC 7517).
//!
//! A key decides by itself which algorithm it is good for. The `alg` of a token's header chooses nothing; it only has to
//! agree. Keys that this service cannot use (another use, another curve) are passed over, so that an issuer may publish
//! what it likes; a set without a usable key is refused.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey};
use serde::Deserialize;
use serde_json::Value;

/// Why a key set was refused.
#[derive(Debug, thiserror::Error)]
pub enum JwksError {
    #[error("the key set {} cannot be read", file.display())]
    Unreadable { file: PathBuf, source: io::Error },
    #[error("the key set is not a JWK set")]
    Malformed(#[source] serde_json::Error),
    #[error("the key set has two keys with the id {kid:?}")]
    Repeated { kid: String },
    #[error("the key set has no key that tokens can be verified with")]
    Empty,
}

/// The keys by their id.
#[derive(Debug)]
pub(super) struct Jwks(HashMap<String, VerificationKey>);

#[derive(Debug)]
pub(super) struct VerificationKey {
    pub(super) algorithm: Algorithm,
    pub(super) key: DecodingKey,
}

#[derive(Deserialize)]
struct Document {
    keys: Vec<Value>,
}

impl Jwks {
    pub(super) fn read(file: &Path) -> Result<Self, JwksError> {
        let document = fs::read(file).map_err(|source| JwksError::Unreadable { file: file.to_owned(), source })?;
        Self::parse(&document)
    }

    pub(super) fn parse(document: &[u8]) -> Result<Self, JwksError> {
        let document: Document = serde_json::from_slice(document).map_err(JwksError::Malformed)?;
        let mut keys = HashMap::new();
        for (kid, key) in document.keys.into_iter().filter_map(usable_key) {
            if keys.insert(kid.clone(), key).is_some() {
                return Err(JwksError::Repeated { kid });
            }
        }
        if keys.is_empty() {
            return Err(JwksError::Empty);
        }
        Ok(Self(keys))
    }

    pub(super) fn get(&self, kid: &str) -> Option<&VerificationKey> {
        self.0.get(kid)
    }
}

fn usable_key(key: Value) -> Option<(String, VerificationKey)> {
    let jwk: Jwk = serde_json::from_value(key).ok()?;
    let kid = jwk.common.key_id.clone()?;
    if !matches!(jwk.common.public_key_use, None | Some(PublicKeyUse::Signature)) {
        return None;
    }
    let (algorithm, name) = match &jwk.algorithm {
        AlgorithmParameters::OctetKeyPair(parameters) if parameters.curve == EllipticCurve::Ed25519 => {
            (Algorithm::EdDSA, KeyAlgorithm::EdDSA)
        }
        _ => return None,
    };
    if jwk.common.key_algorithm.is_some_and(|named| named != name) {
        return None;
    }
    let key = DecodingKey::from_jwk(&jwk).ok()?;
    Some((kid, VerificationKey { algorithm, key }))
}
