//! Bearer tokens: who is believed, and everything that is not.

use axum::Router;
use axum::extract::FromRef;
use axum::routing::get;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};
use service_kit::auth::{Caller, Scope, Verifier};
use service_kit::http::Problem;

use crate::issuer::{ALGORITHMS, Issuer, NOW, claims, claims_with, verifier_of_keys};
use crate::support::{Server, StoppedClock, problem};

async fn verifier(keys: &Value) -> (Verifier, StoppedClock) {
    verifier_of_keys(keys).await.unwrap()
}

#[tokio::test]
async fn a_valid_token_names_its_user_and_scopes() {
    let issuer = Issuer::new();
    let (verifier, _) = verifier(&json!([issuer.jwk("key-1")])).await;
    let caller = verifier.verify(&issuer.sign(&claims())).await.unwrap();
    assert_eq!((&*caller.subject, &*caller.issuer), ("alice", "https://issuer.test"));
    assert!(caller.may(Scope::AccountsRead) && caller.may(Scope::TransactionsAny));
    assert!(!caller.may(Scope::AccountsWrite) && !caller.may(Scope::TransactionsRead));

    for accepted in [
        claims_with("aud", json!(["other", "platform"])),
        claims_with("nbf", json!(NOW + 60)),
        claims_with("exp", json!(NOW as f64 + 0.5 + 1.0)),
        claims_with("scope", Value::Null),
        claims_with("sub", json!("a".repeat(128))),
        claims_with("sub", json!("svc:bob_1.x@example-bank")),
    ] {
        assert!(verifier.verify(&issuer.sign(&accepted)).await.is_ok(), "{accepted}");
    }
}

#[tokio::test]
async fn a_token_with_a_wrong_claim_is_refused() {
    let issuer = Issuer::new();
    let (verifier, _) = verifier(&json!([issuer.jwk("key-1")])).await;
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
        ("nbf", json!(NOW + 61)),
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
        assert!(verifier.verify(&token).await.is_err(), "{name}: {value}");
    }
}

#[tokio::test]
async fn only_the_issuers_key_and_its_algorithm_are_believed() {
    for algorithm in ALGORITHMS {
        let issuer = Issuer::of(algorithm);
        let others: Vec<_> = ALGORITHMS.into_iter().filter(|other| *other != algorithm).map(Issuer::of).collect();
        // All keys are published: one's own key id is what binds a token to its key, and the key to its algorithm.
        let (verifier, _) =
            verifier(&json!([issuer.jwk("key-1"), others[0].jwk("key-2"), others[1].jwk("key-3")])).await;
        let mut forged = forgeries(&issuer);
        forged.push(("signed by another of the issuer's keys", others[0].sign(&claims())));
        forged.push(("signed by a third of the issuer's keys", others[1].sign(&claims())));
        for (what, token) in forged {
            assert!(verifier.verify(&token).await.is_err(), "{algorithm:?}: {what}");
        }
        assert!(verifier.verify(&issuer.sign(&claims())).await.is_ok(), "{algorithm:?}");
        assert!(verifier.verify(&others[0].sign_with(&others[0].header("key-2"), &claims())).await.is_ok());
    }
}

/// Tokens that look as if the issuer had signed them with `key-1`.
fn forgeries(issuer: &Issuer) -> Vec<(&'static str, String)> {
    let valid = issuer.sign(&claims());
    let parts: Vec<_> = valid.split('.').collect();
    let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let none = encode(&json!({"alg": "none", "typ": "JWT", "kid": "key-1"}));
    let hmac = |secret: &[u8]| {
        let header = Header { kid: Some("key-1".to_owned()), ..Header::new(Algorithm::HS256) };
        jsonwebtoken::encode(&header, &claims(), &EncodingKey::from_secret(secret)).unwrap()
    };
    let header = issuer.header("key-1");
    let no_key_id = Header { kid: None, ..header.clone() };
    let critical = Header { crit: Some(vec!["b64".to_owned()]), ..header };
    let mut altered_signature = valid.clone().into_bytes();
    let middle = altered_signature.len() - 40;
    altered_signature[middle] = if altered_signature[middle] == b'A' { b'B' } else { b'A' };
    vec![
        ("alg none", format!("{none}.{}.", parts[1])),
        ("alg none with a signature", format!("{none}.{}.{}", parts[1], parts[2])),
        ("HMAC with the public key", hmac(&issuer.public)),
        ("HMAC with the encoded public key", hmac(URL_SAFE_NO_PAD.encode(&issuer.public).as_bytes())),
        ("HMAC with the public key as PEM", hmac(issuer.public_pem.as_bytes())),
        ("HMAC with the JWK", hmac(issuer.jwk("key-1").to_string().as_bytes())),
        ("somebody else's signature", Issuer::new().sign(&claims())),
        ("no key id", issuer.sign_with(&no_key_id, &claims())),
        ("unknown key id", issuer.sign_with(&issuer.header("key-9"), &claims())),
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
    ]
}

#[tokio::test]
async fn a_remembered_token_still_expires() {
    let issuer = Issuer::new();
    let (verifier, clock) = verifier(&json!([issuer.jwk("key-1")])).await;
    let token = issuer.sign(&claims_with("nbf", json!(NOW)));
    assert!(verifier.verify(&token).await.is_ok());
    clock.set(NOW + 59);
    assert!(verifier.verify(&token).await.is_ok());
    clock.set(NOW + 60);
    assert!(verifier.verify(&token).await.is_err());
    clock.set(NOW - 61);
    assert!(verifier.verify(&token).await.is_err());
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
    let (verifier, _) = verifier(&json!([issuer.jwk("key-1")])).await;
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
