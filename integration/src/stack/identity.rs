//! The issuer of the development stack: signs tokens with a key of its own data directory, and publishes the public half
//! for the services, as any OpenID provider would.

use std::path::Path;
use std::time::Duration;

use anyhow::Context;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde::Serialize;
use serde_json::json;
use time::OffsetDateTime;

use crate::stack::secret::{Secret, write_private};

pub const ISSUER: &str = "https://issuer.platform.test";
pub const AUDIENCE: &str = "platform";
const KEY_ID: &str = "development";
/// How long tokens are good for whose holder says nothing else.
const TOKEN_LIFETIME: Duration = Duration::from_secs(30 * 24 * 3600);

/// What a user's app may do.
pub const USER_SCOPES: &str = "accounts:read accounts:write transactions:read transactions:write \
                               notifications:read notifications:write";
/// What a back office may do: everything, for everybody.
pub const SERVICE_SCOPES: &str = "accounts:read accounts:write transactions:read transactions:write \
                                  notifications:read notifications:write accounts:any transactions:any \
                                  notifications:any accounts:unlimited webhooks:manage";
/// What an operator may do: look at everything, and replay.
pub const OPERATOR_SCOPES: &str = "ops:read ops:replay accounts:read transactions:read notifications:read \
                                   accounts:any transactions:any notifications:any";

/// Signs tokens.
#[derive(Debug)]
pub struct Issuer {
    key: EncodingKey,
    public_key: [u8; 32],
}

#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    aud: &'a str,
    sub: &'a str,
    scope: &'a str,
    iat: i64,
    nbf: i64,
    exp: i64,
}

impl Issuer {
    /// The same secret makes the same issuer, so that tokens outlive a restart.
    ///
    /// # Errors
    /// When the cryptographic library refuses the key.
    pub fn new(secret: &Secret) -> anyhow::Result<Self> {
        let seed = hex::decode(secret.derive("token signing key"))?;
        let pair = Ed25519KeyPair::from_seed_unchecked(&seed).context("an Ed25519 seed is 32 bytes")?;
        let document = pair.to_pkcs8().context("an Ed25519 key can be written down")?;
        let public_key = pair.public_key().as_ref().try_into().context("an Ed25519 public key is 32 bytes")?;
        Ok(Self { key: EncodingKey::from_ed_der(document.as_ref()), public_key })
    }

    /// Writes the public key as a JWK set (RFC 7517).
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write_key_set(&self, path: &Path) -> anyhow::Result<()> {
        let x = URL_SAFE_NO_PAD.encode(self.public_key);
        let set = json!({"keys": [
            {"kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig", "kid": KEY_ID, "x": x}
        ]});
        write_private(path, set.to_string().as_bytes())
    }

    /// A token of a user's app.
    ///
    /// # Errors
    /// When the cryptographic library cannot sign.
    pub fn user_token(&self, user: &str) -> anyhow::Result<String> {
        self.token(user, USER_SCOPES, TOKEN_LIFETIME)
    }

    /// A token of the back office.
    ///
    /// # Errors
    /// When the cryptographic library cannot sign.
    pub fn service_token(&self) -> anyhow::Result<String> {
        self.token("service", SERVICE_SCOPES, TOKEN_LIFETIME)
    }

    /// A token of an operator.
    ///
    /// # Errors
    /// When the cryptographic library cannot sign.
    pub fn operator_token(&self) -> anyhow::Result<String> {
        self.token("operator", OPERATOR_SCOPES, TOKEN_LIFETIME)
    }

    /// A token for `subject`, valid from now on for `lifetime`.
    ///
    /// # Errors
    /// When the cryptographic library cannot sign.
    #[expect(clippy::disallowed_methods, reason = "the development issuer stands outside the services and their clock")]
    pub fn token(&self, subject: &str, scope: &str, lifetime: Duration) -> anyhow::Result<String> {
        let now = OffsetDateTime::now_utc();
        self.sign(&Claims {
            iss: ISSUER,
            aud: AUDIENCE,
            sub: subject,
            scope,
            iat: now.unix_timestamp(),
            nbf: now.unix_timestamp(),
            exp: (now + lifetime).unix_timestamp(),
        })
    }

    /// A token with exactly these claims, whatever they are worth.
    ///
    /// # Errors
    /// When the cryptographic library cannot sign.
    pub fn sign(&self, claims: &impl Serialize) -> anyhow::Result<String> {
        let header = Header { kid: Some(KEY_ID.to_owned()), ..Header::new(Algorithm::EdDSA) };
        encode(&header, claims, &self.key).context("cannot sign a token")
    }
}
