//! Tokens that are good, and such as no service may believe.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use integration::stack::{
    identity::{AUDIENCE, ISSUER, Issuer, SERVICE_SCOPES},
    secret::Secret,
};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Value, json};

use crate::stage::Stage;

/// Claims of a good token for alice, with one of them changed.
fn claims(name: &str, value: Value) -> Value {
    let mut claims = json!({
        "iss": ISSUER, "aud": AUDIENCE, "sub": "alice", "scope": SERVICE_SCOPES, "nbf": 0, "exp": 32_503_680_000_i64,
    });
    claims[name] = value;
    claims
}

pub(super) fn good_token(stage: &Stage) -> String {
    stage.platform.backing.issuer.sign(&claims("sub", "alice".into())).unwrap()
}

/// What no service may believe, each with what is wrong about it.
pub(super) fn bad_tokens(stage: &Stage) -> Vec<(&'static str, String)> {
    let issuer = &stage.platform.backing.issuer;
    let signed = |name, value| issuer.sign(&claims(name, value)).unwrap();
    let good = good_token(stage);
    let (head, signature) = good.rsplit_once('.').unwrap();
    let (header, payload) = head.split_once('.').unwrap();
    let part = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());

    let key_set = std::fs::read_to_string(stage.platform.backing.key_set()).unwrap();
    let key: Value = serde_json::from_str::<Value>(&key_set).unwrap()["keys"][0].clone();
    let (kid, public_key) = (key["kid"].as_str().unwrap(), key["x"].as_str().unwrap());
    let unsigned = part(json!({"alg": "none", "typ": "JWT", "kid": kid}));
    let hmac = |secret: &[u8]| {
        let header = Header { kid: Some(kid.to_owned()), ..Header::new(Algorithm::HS256) };
        encode(&header, &claims("sub", "alice".into()), &EncodingKey::from_secret(secret)).unwrap()
    };
    let forger = Issuer::new(&Secret::generate()).unwrap();
    let mallory = part(claims("sub", "mallory".into()));
    vec![
        ("rubbish", "rubbish".to_owned()),
        ("dots", "..".to_owned()),
        ("unsigned", format!("{unsigned}.{payload}.")),
        ("unsigned, with a signature", format!("{unsigned}.{payload}.{signature}")),
        ("without its signature", format!("{head}.")),
        ("HMAC with the bytes of the public key", hmac(&URL_SAFE_NO_PAD.decode(public_key).unwrap())),
        ("HMAC with the text of the public key", hmac(public_key.as_bytes())),
        ("HMAC with the key set", hmac(key_set.as_bytes())),
        ("signed by somebody else", forger.sign(&claims("sub", "alice".into())).unwrap()),
        ("another's claims", format!("{header}.{mallory}.{signature}")),
        ("expired", signed("exp", 1.into())),
        ("without an end", signed("exp", Value::Null)),
        ("not valid yet", signed("nbf", 32_503_680_000_i64.into())),
        ("of another issuer", signed("iss", "https://elsewhere.test".into())),
        ("for another audience", signed("aud", "elsewhere".into())),
        ("of no user", signed("sub", "".into())),
    ]
}
