//! Bearer tokens: who is believed, and everything that is not.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use axum::Router;
use axum::extract::FromRef;
use axum::routing::get;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};
use service_kit::auth::{Caller, JwksError, Scope, Verifier};
use service_kit::config::AuthConfig;
use service_kit::http::Problem;
use tempfile::TempDir;

use crate::support::{Server, StoppedClock, problem};

const NOW: i64 = 1_800_000_000;

/// Somebody who signs tokens and publishes the key.
struct Issuer {
    key: EncodingKey,
    public: Vec<u8>,
}

impl Issuer {
    fn new() -> Self {
        let document = Ed25519KeyPair::generate_pkcs8(&aws_lc_rs::rand::SystemRandom::new()).unwrap();
        let pair = Ed25519KeyPair::from_pkcs8(document.as_ref()).unwrap();
        Self { key: EncodingKey::from_ed_der(document.as_ref()), public: pair.public_key().as_ref().to_vec() }
    }

    fn jwk(&self, kid: &str) -> Value {
        let x = URL_SAFE_NO_PAD.encode(&self.public);
        json!({"kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig", "kid": kid, "x": x})
    }

    fn sign(&self, claims: &Value) -> String {
        self.sign_with(&header(Algorithm::EdDSA), claims)
    }

    fn sign_with(&self, header: &Header, claims: &Value) -> String {
        jsonwebtoken::encode(header, claims, &self.key).unwrap()
    }
}

fn header(algorithm: Algorithm) -> Header {
    Header { kid: Some("key-1".to_owned()), ..Header::new(algorithm) }
}

fn claims() -> Value {
    json!({"iss": "https://issuer.test", "aud": "platform", "sub": "alice", "exp": NOW + 60,
           "scope": "accounts:read transactions:any calendar:read"})
}

/// The usual claims, one of them changed, or removed by `null`.
fn claims_with(name: &str, value: Value) -> Value {
    let mut claims = claims();
    match value {
        Value::Null => claims.as_object_mut().unwrap().remove(name),
        value => claims.as_object_mut().unwrap().insert(name.to_owned(), value),
    };
    claims
}

fn jwks(keys: &Value) -> (TempDir, AuthConfig) {
    let folder = tempfile::tempdir().unwrap();
    let jwks_file = folder.path().join("jwks.json");
    fs::write(&jwks_file, json!({"keys": keys}).to_string()).unwrap();
    (folder, AuthConfig { issuer: "https://issuer.test".to_owned(), audience: "platform".to_owned(), jwks_file })
}

fn verifier(keys: &Value) -> (Verifier, StoppedClock) {
    let (_folder, config) = jwks(keys);
    let clock = StoppedClock::at(NOW);
    (Verifier::from_jwks_file(&config, Arc::new(clock.clone())).unwrap(), clock)
}

#[test]
fn a_valid_token_names_its_user_and_scopes() {
    let issuer = Issuer::new();
    let (verifier, _) = verifier(&json!([issuer.jwk("key-1")]));
    let caller = verifier.verify(&issuer.sign(&claims())).unwrap();
    assert_eq!((&*caller.subject, &*caller.issuer), ("alice", "https://issuer.test"));
    assert!(caller.may(Scope::AccountsRead) && caller.may(Scope::TransactionsAny));
    assert!(!caller.may(Scope::AccountsWrite) && !caller.may(Scope::TransactionsRead));

    for accepted in [
        claims_with("aud", json!(["other", "platform"])),
        claims_with("nbf", json!(NOW + 5)),
        claims_with("exp", json!(NOW as f64 + 0.5 + 1.0)),
        claims_with("scope", Value::Null),
        claims_with("sub", json!("a".repeat(128))),
        claims_with("sub", json!("svc:bob_1.x@example-bank")),
    ] {
        assert!(verifier.verify(&issuer.sign(&accepted)).is_ok(), "{accepted}");
    }
}

#[test]
fn a_token_with_a_wrong_claim_is_refused() {
    let issuer = Issuer::new();
    let (verifier, _) = verifier(&json!([issuer.jwk("key-1")]));
    for (name, value) in [
        ("iss", json!("https://elsewhere.test")),
        ("iss", Value::Null),
        ("aud", json!("other")),
        ("aud", json!(["other"])),
        ("aud", json!([])),
        ("aud", Value::Null),
        ("exp", json!(NOW)),
        ("exp", json!(NOW - 1)),
        ("exp", json!("never")),
        ("exp", Value::Null),
        ("nbf", json!(NOW + 6)),
        ("nbf", json!("soon")),
        ("sub", Value::Null),
        ("sub", json!("")),
        ("sub", json!("a".repeat(129))),
        ("sub", json!("alice smith")),
        ("sub", json!("alice/bob")),
        ("sub", json!("älice")),
        ("sub", json!(7)),
        ("scope", json!(["accounts:read"])),
    ] {
        let token = issuer.sign(&claims_with(name, value.clone()));
        assert!(verifier.verify(&token).is_err(), "{name}: {value}");
    }
}

#[test]
fn only_the_issuers_key_and_its_algorithm_are_believed() {
    let issuer = Issuer::new();
    let (verifier, _) = verifier(&json!([issuer.jwk("key-1")]));
    let valid = issuer.sign(&claims());
    let parts: Vec<_> = valid.split('.').collect();
    let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let none = encode(&json!({"alg": "none", "typ": "JWT", "kid": "key-1"}));
    let hmac = |secret: &[u8]| {
        jsonwebtoken::encode(&header(Algorithm::HS256), &claims(), &EncodingKey::from_secret(secret)).unwrap()
    };
    let no_key_id = Header { kid: None, ..header(Algorithm::EdDSA) };
    let other_key_id = Header { kid: Some("key-2".to_owned()), ..header(Algorithm::EdDSA) };
    let critical = Header { crit: Some(vec!["b64".to_owned()]), ..header(Algorithm::EdDSA) };
    let mut altered_signature = valid.clone().into_bytes();
    let middle = altered_signature.len() - 40;
    altered_signature[middle] = if altered_signature[middle] == b'A' { b'B' } else { b'A' };

    for (what, token) in [
        ("alg none", format!("{none}.{}.", parts[1])),
        ("alg none with a signature", format!("{none}.{}.{}", parts[1], parts[2])),
        ("HMAC with the public key", hmac(&issuer.public)),
        ("HMAC with the encoded public key", hmac(URL_SAFE_NO_PAD.encode(&issuer.public).as_bytes())),
        ("somebody else's signature", Issuer::new().sign(&claims())),
        ("no key id", issuer.sign_with(&no_key_id, &claims())),
        ("unknown key id", issuer.sign_with(&other_key_id, &claims())),
        ("critical extension", issuer.sign_with(&critical, &claims())),
        ("altered claims", format!("{}.{}.{}", parts[0], encode(&claims_with("sub", json!("bob"))), parts[2])),
        ("altered signature", String::from_utf8(altered_signature).unwrap()),
        ("no signature", format!("{}.{}", parts[0], parts[1])),
        ("empty signature", format!("{}.{}.", parts[0], parts[1])),
        ("four parts", format!("{valid}.{}", parts[2])),
        ("padding", format!("{valid}==")),
        ("rubbish", "rubbish".to_owned()),
        ("dots", "..".to_owned()),
        ("nothing", String::new()),
        ("too long", issuer.sign(&claims_with("extra", json!("x".repeat(8_192))))),
    ] {
        assert!(verifier.verify(&token).is_err(), "{what}");
    }
    assert!(verifier.verify(&valid).is_ok());
}

#[test]
fn a_remembered_token_still_expires() {
    let issuer = Issuer::new();
    let (verifier, clock) = verifier(&json!([issuer.jwk("key-1")]));
    let token = issuer.sign(&claims_with("nbf", json!(NOW)));
    assert!(verifier.verify(&token).is_ok());
    clock.set(NOW + 59);
    assert!(verifier.verify(&token).is_ok());
    clock.set(NOW + 60);
    assert!(verifier.verify(&token).is_err());
    clock.set(NOW - 60);
    assert!(verifier.verify(&token).is_err());
}

#[test]
fn a_key_set_without_a_usable_key_is_refused() {
    let issuer = Issuer::new();
    let with = |name: &str, value: Value| {
        let mut key = issuer.jwk("key-1");
        key[name] = value;
        key
    };
    let read = |keys: Value| {
        let (_folder, config) = jwks(&keys);
        Verifier::from_jwks_file(&config, Arc::new(StoppedClock::at(NOW)))
    };
    for unusable in [
        with("use", json!("enc")),
        with("alg", json!("RS256")),
        with("crv", json!("X25519")),
        with("kid", Value::Null),
        with("kty", json!("future")),
        json!({"kty": "oct", "kid": "key-1", "k": "c2VjcmV0"}),
    ] {
        assert!(matches!(read(json!([unusable])), Err(JwksError::Empty)), "{unusable}");
        assert!(read(json!([unusable, issuer.jwk("key-2")])).is_ok(), "{unusable}");
    }
    assert!(matches!(read(json!([])), Err(JwksError::Empty)));
    assert!(matches!(read(json!("none")), Err(JwksError::Malformed(_))));
    let twice = json!([issuer.jwk("key-1"), Issuer::new().jwk("key-1")]);
    assert!(matches!(read(twice), Err(JwksError::Repeated { .. })));
    let nowhere = AuthConfig { jwks_file: PathBuf::from("/nowhere/jwks.json"), ..jwks(&json!([])).1 };
    let error = Verifier::from_jwks_file(&nowhere, Arc::new(StoppedClock::at(NOW))).unwrap_err();
    assert!(error.to_string().contains("/nowhere/jwks.json"));
}

#[derive(Clone, FromRef)]
struct AppState {
    verifier: Verifier,
}

async fn whoami(caller: Caller) -> Result<String, Problem> {
    caller.require(Scope::AccountsRead)?;
    Ok(caller.subject.to_string())
}

#[tokio::test]
async fn requests_are_let_in_by_header_and_scope() {
    let issuer = Issuer::new();
    let (verifier, _) = verifier(&json!([issuer.jwk("key-1")]));
    let server = Server::start(Router::new().route("/", get(whoami)).with_state(AppState { verifier })).await;
    let token = issuer.sign(&claims());
    let send = async |headers: &[&str]| {
        let request = headers
            .iter()
            .fold(server.client.get(server.url("/")), |request, value| request.header("authorization", *value));
        request.send().await.unwrap()
    };

    for scheme in ["Bearer", "bearer", "BEARER"] {
        assert_eq!(send(&[&format!("{scheme} {token}")]).await.text().await.unwrap(), "alice");
    }
    let bearer = format!("Bearer {token}");
    let basic = format!("Basic {token}");
    for headers in
        [&[][..], &[""], &["Bearer"], &["Bearer "], &[&token], &[&basic], &["Bearer rubbish"], &[&bearer, &bearer]]
    {
        let response = send(headers).await;
        assert_eq!(response.headers()["www-authenticate"], "Bearer", "{headers:?}");
        assert_eq!(problem(response).await["code"], "unauthenticated", "{headers:?}");
    }
    let narrow = issuer.sign(&claims_with("scope", json!("accounts:write")));
    let forbidden = problem(send(&[&format!("Bearer {narrow}")]).await).await;
    assert_eq!((&forbidden["code"], &forbidden["scope"]), (&"forbidden".into(), &"accounts:read".into()));
}
