//! Somebody who signs tokens and publishes the keys.

use std::fs;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use prometheus::Registry;
use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ED25519, PKCS_RSA_SHA256, PublicKeyData};
use serde_json::{Value, json};
use service_kit::auth::{Verifier, VerifierError};
use service_kit::config::AuthConfig;
use service_kit::health::Health;
use service_kit::tasks::Tasks;

use crate::support::StoppedClock;

pub(crate) const NOW: i64 = 1_800_000_000;
pub(crate) const ALGORITHMS: [Algorithm; 3] = [Algorithm::EdDSA, Algorithm::ES256, Algorithm::RS256];

/// A key pair, and the algorithm that it is for.
pub(crate) struct Issuer {
    algorithm: Algorithm,
    key: EncodingKey,
    pub(crate) public: Vec<u8>,
    pub(crate) public_pem: String,
}

impl Issuer {
    pub(crate) fn new() -> Self {
        Self::of(Algorithm::EdDSA)
    }

    pub(crate) fn of(algorithm: Algorithm) -> Self {
        let kind = match algorithm {
            Algorithm::EdDSA => &PKCS_ED25519,
            Algorithm::ES256 => &PKCS_ECDSA_P256_SHA256,
            _ => &PKCS_RSA_SHA256,
        };
        let pair = KeyPair::generate_for(kind).unwrap();
        let key = match algorithm {
            Algorithm::EdDSA => EncodingKey::from_ed_der(pair.serialized_der()),
            Algorithm::ES256 => EncodingKey::from_ec_der(pair.serialized_der()),
            _ => EncodingKey::from_rsa_pem(pair.serialize_pem().as_bytes()).unwrap(),
        };
        Self { algorithm, key, public: pair.der_bytes().to_vec(), public_pem: pair.public_key_pem() }
    }

    pub(crate) fn jwk(&self, kid: &str) -> Value {
        let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        let mut jwk = match self.algorithm {
            Algorithm::EdDSA => json!({"kty": "OKP", "crv": "Ed25519", "x": encode(&self.public)}),
            // An uncompressed point: 4, x, y.
            Algorithm::ES256 => json!({
                "kty": "EC", "crv": "P-256", "x": encode(&self.public[1..33]), "y": encode(&self.public[33..]),
            }),
            // DER of an RSAPublicKey of 2048 bits: both lengths, a zero, the modulus, and the exponent 65537.
            _ => json!({"kty": "RSA", "n": encode(&self.public[9..265]), "e": "AQAB"}),
        };
        jwk["kid"] = kid.into();
        jwk["use"] = "sig".into();
        jwk["alg"] = format!("{:?}", self.algorithm).into();
        jwk
    }

    pub(crate) fn header(&self, kid: &str) -> Header {
        Header { kid: Some(kid.to_owned()), ..Header::new(self.algorithm) }
    }

    /// With the key id `key-1`.
    pub(crate) fn sign(&self, claims: &Value) -> String {
        self.sign_with(&self.header("key-1"), claims)
    }

    pub(crate) fn sign_with(&self, header: &Header, claims: &Value) -> String {
        jsonwebtoken::encode(header, claims, &self.key).unwrap()
    }
}

pub(crate) fn claims() -> Value {
    json!({"iss": "https://issuer.test", "aud": "platform", "sub": "alice", "exp": NOW + 60,
           "scope": "accounts:read transactions:any calendar:read"})
}

/// The usual claims, one of them changed, or removed by `null`.
pub(crate) fn claims_with(name: &str, value: Value) -> Value {
    let mut claims = claims();
    match value {
        Value::Null => claims.as_object_mut().unwrap().remove(name),
        value => claims.as_object_mut().unwrap().insert(name.to_owned(), value),
    };
    claims
}

/// Who is believed, without saying where the keys are; `more` are fields of the section.
pub(crate) fn auth_config(more: Value) -> AuthConfig {
    let mut config = json!({"issuer": "https://issuer.test", "audience": "platform"});
    config.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    serde_json::from_value(config).unwrap()
}

pub(crate) async fn verifier_of(config: &AuthConfig, clock: &StoppedClock) -> Result<Verifier, VerifierError> {
    let health = Health::new(Arc::new(clock.clone()));
    Verifier::start(config, &Registry::new(), &health, &Tasks::new()).await
}

/// A verifier of the keys in a file.
pub(crate) async fn verifier_of_keys(keys: &Value) -> Result<(Verifier, StoppedClock), VerifierError> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("jwks.json");
    fs::write(&file, json!({"keys": keys}).to_string()).unwrap();
    let clock = StoppedClock::at(NOW);
    Ok((verifier_of(&auth_config(json!({"jwks_file": file})), &clock).await?, clock))
}
