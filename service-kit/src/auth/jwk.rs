//! One public key of the issuer's.
//!
//! A key decides by itself which algorithm it is good for. The `alg` of a token's header chooses nothing; it only has to
//! agree: so neither `alg: none`, nor an HMAC made with a public key, nor a signature of another family is ever tried.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::{
    AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm, KeyOperations, PublicKeyUse, ThumbprintHash,
};
use jsonwebtoken::{Algorithm, DecodingKey};
use serde_json::Value;

/// What NIST SP 800-131A still accepts.
const MIN_RSA_BITS: usize = 2_048;

/// A key, and the one algorithm that it verifies.
#[derive(Debug)]
pub(super) struct VerificationKey {
    pub(super) kid: String,
    pub(super) algorithm: Algorithm,
    pub(super) key: DecodingKey,
    /// Of the key itself (RFC 7638), whatever it is called.
    pub(super) thumbprint: String,
}

impl VerificationKey {
    /// `None` for a key that tokens cannot be verified with: of another use, family or curve, too weak, or without a name.
    pub(super) fn of_jwk(key: Value) -> Option<Self> {
        let jwk: Jwk = serde_json::from_value(key).ok()?;
        let (algorithm, name) = match &jwk.algorithm {
            AlgorithmParameters::OctetKeyPair(pair) if pair.curve == EllipticCurve::Ed25519 => {
                (Algorithm::EdDSA, KeyAlgorithm::EdDSA)
            }
            AlgorithmParameters::EllipticCurve(point) if point.curve == EllipticCurve::P256 => {
                (Algorithm::ES256, KeyAlgorithm::ES256)
            }
            AlgorithmParameters::RSA(rsa) if bits(&rsa.n)? >= MIN_RSA_BITS => (Algorithm::RS256, KeyAlgorithm::RS256),
            _ => return None,
        };
        let named = &jwk.common;
        let is_for_signatures = matches!(named.public_key_use, None | Some(PublicKeyUse::Signature))
            && named.key_operations.as_ref().is_none_or(|allowed| allowed.contains(&KeyOperations::Verify))
            && named.key_algorithm.is_none_or(|named| named == name);
        if !is_for_signatures {
            return None;
        }
        Some(Self {
            kid: named.key_id.clone()?,
            algorithm,
            key: DecodingKey::from_jwk(&jwk).ok()?,
            thumbprint: jwk.thumbprint(ThumbprintHash::SHA256).ok()?,
        })
    }
}

/// The length of a number in base64url, big end first.
fn bits(number: &str) -> Option<usize> {
    let bytes = URL_SAFE_NO_PAD.decode(number).ok()?;
    let leading: usize = bytes.iter().take_while(|byte| **byte == 0).count();
    let first = bytes.get(leading)?;
    Some((bytes.len() - leading) * 8 - first.leading_zeros() as usize)
}
