//! The issuer's keys: which are good for anything, and what becomes of tokens when they change, are withdrawn, or cannot
//! be had. The issuer is a real server.

use std::fs;
use std::num::NonZeroU64;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::Algorithm;
use serde_json::{Value, json};
use service_kit::auth::{JwksError, KeyReadError, KeySourceError, TokenError, Verifier, VerifierError};
use service_kit::config::{AuthConfig, HttpConfig, TlsConfig};
use service_kit::health::Health;
use service_kit::tasks::Tasks;

use crate::issuer::{Issuer, NOW, auth_config, claims, claims_with, verifier_of, verifier_of_keys};
use crate::support::{PATIENCE, Server, StoppedClock, loopback, until};

const DAY: i64 = 24 * 60 * 60;

#[tokio::test]
async fn a_key_set_without_a_usable_key_is_refused() {
    let [ed, ec, rsa] = [Algorithm::EdDSA, Algorithm::ES256, Algorithm::RS256].map(|algorithm| {
        let jwk = Issuer::of(algorithm).jwk("key-1");
        move |name: &str, value: Value| {
            let mut jwk = jwk.clone();
            jwk[name] = value;
            jwk
        }
    });
    let weak = URL_SAFE_NO_PAD.encode([0xA5; 255]);
    let padded = URL_SAFE_NO_PAD.encode([[0; 64], [0xA5; 64], [0xA5; 64], [0xA5; 64]].concat());
    for unusable in [
        ed("use", json!("enc")),
        ed("alg", json!("RS256")),
        ed("crv", json!("X25519")),
        ed("kid", Value::Null),
        ed("kty", json!("future")),
        ed("key_ops", json!(["sign"])),
        ec("crv", json!("P-384")),
        ec("alg", json!("ES384")),
        ec("use", json!("enc")),
        rsa("alg", json!("PS256")),
        rsa("alg", json!("HS256")),
        rsa("alg", json!("RSA-OAEP")),
        rsa("n", json!(weak)),
        rsa("n", json!(padded)),
        rsa("n", json!("")),
        json!({"kty": "oct", "kid": "key-1", "k": "c2VjcmV0"}),
    ] {
        let refused = verifier_of_keys(&json!([unusable])).await;
        assert!(matches!(jwks_error(refused), JwksError::Empty), "{unusable}");
        assert!(verifier_of_keys(&json!([unusable, Issuer::new().jwk("key-2")])).await.is_ok(), "{unusable}");
    }
    for usable in [ed("alg", Value::Null), ec("use", Value::Null), rsa("key_ops", json!(["verify"]))] {
        assert!(verifier_of_keys(&json!([usable])).await.is_ok(), "{usable}");
    }
    assert!(matches!(jwks_error(verifier_of_keys(&json!([])).await), JwksError::Empty));
    assert!(matches!(jwks_error(verifier_of_keys(&json!("none")).await), JwksError::Malformed(_)));
    let twice = json!([ed("kid", json!("key-1")), ec("kid", json!("key-1"))]);
    assert!(matches!(jwks_error(verifier_of_keys(&twice).await), JwksError::Repeated { .. }));
}

fn jwks_error<T>(refused: Result<T, VerifierError>) -> JwksError {
    match refused {
        Err(VerifierError::Keys(KeyReadError::Refused(error))) => error,
        other => unreachable!("{:?}", other.err()),
    }
}

#[tokio::test]
async fn where_the_keys_are_is_said_once_and_safely() {
    let clock = StoppedClock::at(NOW);
    let refused = async |more: Value| verifier_of(&auth_config(more), &clock).await.unwrap_err();
    for more in [json!({}), json!({"jwks_file": "/etc/hostname", "jwks_url": "https://issuer.test/jwks"})] {
        assert!(matches!(refused(more).await, VerifierError::Source(KeySourceError::NotOne)));
    }
    for url in ["http://issuer.test/jwks", "http://10.0.0.1/jwks", "file:///etc/hostname", "ftp://127.0.0.1/jwks"] {
        let error = refused(json!({"jwks_url": url})).await;
        assert!(matches!(error, VerifierError::Source(KeySourceError::Insecure)), "{url}");
    }
    let nowhere = refused(json!({"jwks_file": "/nowhere/jwks.json"})).await;
    assert!(nowhere.to_string().contains("/nowhere/jwks.json"));
    let nobody = json!({"jwks_url": "https://issuer.test/jwks", "jwks_ca_file": "/nowhere/ca.pem"});
    assert!(refused(nobody).await.to_string().contains("/nowhere/ca.pem"));
}

/// What the issuer's server does when it is asked for the keys.
#[derive(Clone)]
enum Answer {
    Keys(Value),
    Text(StatusCode, String),
    RedirectTo(String),
    /// Never.
    Hang,
}

/// The server of an issuer, and a service that follows its keys.
struct Web {
    server: Server,
    answer: Arc<Mutex<Answer>>,
    asked: Arc<AtomicUsize>,
    clock: StoppedClock,
    verifier: Verifier,
    health: Health,
    tasks: Tasks,
}

impl Web {
    async fn start(answer: Answer) -> Self {
        let shared = (Arc::new(Mutex::new(answer)), Arc::new(AtomicUsize::new(0)));
        let server = Server::start(issuers_routes(shared.clone())).await;
        let url = server.url("/jwks");
        Self::follow(server, shared, &auth_config(json!({"jwks_url": url}))).await
    }

    async fn follow(server: Server, (answer, asked): Shared, config: &AuthConfig) -> Self {
        let (clock, tasks) = (StoppedClock::at(NOW), Tasks::new());
        let health = Health::new(Arc::new(clock.clone()));
        let verifier = Verifier::start(config, &prometheus::Registry::new(), &health, &tasks).await.unwrap();
        Self { server, answer, asked, clock, verifier, health, tasks }
    }

    fn answers(&self, answer: Answer) {
        *self.answer.lock().unwrap() = answer;
    }

    /// Whether a new token, signed by this issuer under this key id, is believed.
    async fn believes(&self, issuer: &Issuer, kid: &str) -> Result<(), TokenError> {
        let unique = claims_with("jti", json!(uuid::Uuid::new_v4().to_string()));
        self.verifier.verify(&issuer.sign_with(&issuer.header(kid), &unique)).await.map(drop)
    }

    fn reads(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

type Shared = (Arc<Mutex<Answer>>, Arc<AtomicUsize>);

fn issuers_routes(shared: Shared) -> Router {
    async fn keys(State((answer, asked)): State<Shared>) -> Response {
        asked.fetch_add(1, Ordering::SeqCst);
        let answer = answer.lock().unwrap().clone();
        match answer {
            Answer::Keys(keys) => json!({"keys": keys}).to_string().into_response(),
            Answer::Text(status, text) => (status, text).into_response(),
            Answer::RedirectTo(url) => Redirect::temporary(&url).into_response(),
            Answer::Hang => std::future::pending().await,
        }
    }
    Router::new().route("/jwks", get(keys)).route("/elsewhere", get(keys)).with_state(shared)
}

#[tokio::test]
async fn a_new_key_is_believed_at_once_and_a_withdrawn_one_no_longer() {
    let [old, new] = [Issuer::of(Algorithm::RS256), Issuer::of(Algorithm::ES256)];
    let web = Web::start(Answer::Keys(json!([old.jwk("old")]))).await;
    let remembered = old.sign_with(&old.header("old"), &claims());
    assert!(web.verifier.verify(&remembered).await.is_ok());
    assert!(web.health.is_ready());

    web.answers(Answer::Keys(json!([new.jwk("new")])));
    web.believes(&new, "new").await.unwrap();
    assert!(matches!(web.believes(&old, "old").await, Err(TokenError::UnknownKey)));
    assert!(matches!(web.verifier.verify(&remembered).await, Err(TokenError::UnknownKey)));
    assert!(web.tasks.shutdown(PATIENCE).await.is_clean());
}

#[tokio::test]
async fn a_remembered_token_is_not_believed_by_another_key_of_the_same_name() {
    let [old, new] = [Issuer::new(), Issuer::new()];
    let web = Web::start(Answer::Keys(json!([old.jwk("key-1")]))).await;
    let remembered = old.sign(&claims());
    assert!(web.verifier.verify(&remembered).await.is_ok());
    web.answers(Answer::Keys(json!([new.jwk("key-1")])));
    // A key that is not there has the set read again.
    assert!(web.believes(&new, "key-2").await.is_err());
    assert!(matches!(web.verifier.verify(&remembered).await, Err(TokenError::Invalid(_))));
    web.believes(&new, "key-1").await.unwrap();
}

#[tokio::test]
async fn made_up_keys_cause_one_read_however_many_ask() {
    let issuer = Issuer::new();
    let web = Web::start(Answer::Keys(json!([issuer.jwk("key-1")]))).await;
    web.believes(&issuer, "key-1").await.unwrap();
    let before = web.reads();
    let strangers = (0..200).map(|number| {
        let (issuer, web) = (&issuer, &web);
        async move { web.believes(issuer, &format!("made-up-{number}")).await }
    });
    for outcome in futures_util::future::join_all(strangers).await {
        assert!(matches!(outcome, Err(TokenError::UnknownKey)));
    }
    assert_eq!(web.reads(), before + 1);
}

#[tokio::test]
async fn keys_outlive_an_issuer_that_is_away_for_a_day_and_no_longer() {
    let issuer = Issuer::of(Algorithm::ES256);
    let web = Web::start(Answer::Keys(json!([issuer.jwk("key-1")]))).await;
    web.believes(&issuer, "key-1").await.unwrap();
    let remembered = issuer.sign(&claims_with("exp", json!(NOW + 2 * DAY)));
    web.verifier.verify(&remembered).await.unwrap();
    assert!(web.server.stop().await.is_clean());

    web.clock.set(NOW + DAY - 1);
    web.verifier.verify(&remembered).await.unwrap();
    assert!(matches!(web.believes(&issuer, "key-2").await, Err(TokenError::UnknownKey)));
    web.clock.set(NOW + DAY);
    assert!(matches!(web.verifier.verify(&remembered).await, Err(TokenError::NoKeys)));
    assert!(web.health.is_ready(), "an issuer that is away takes nobody out of rotation");
}

#[tokio::test]
async fn what_is_not_a_key_set_replaces_none() {
    let issuer = Issuer::new();
    let elsewhere = Answer::Keys(json!([Issuer::new().jwk("key-2")]));
    let good = json!({"keys": [issuer.jwk("key-1")], "padding": "x".repeat(300_000)}).to_string();
    for answer in [
        Answer::Text(StatusCode::OK, "garbage".to_owned()),
        Answer::Text(StatusCode::OK, good.clone()),
        Answer::Text(StatusCode::INTERNAL_SERVER_ERROR, good.replace(&"x".repeat(300_000), "")),
        Answer::Keys(json!([])),
        Answer::Hang,
        Answer::RedirectTo("/elsewhere".to_owned()),
    ] {
        let web = Web::start(Answer::Keys(json!([issuer.jwk("key-1")]))).await;
        web.believes(&issuer, "key-1").await.unwrap();
        let before = web.reads();
        web.answers(answer);
        assert!(web.believes(&issuer, "key-2").await.is_err());
        assert_eq!(web.reads(), before + 1, "a redirect is not followed, and what hangs is given up");
        web.believes(&issuer, "key-1").await.unwrap();

        // It is tried again by itself.
        web.answers(elsewhere.clone());
        until("the new set is read", async || web.believes(&issuer, "key-1").await.is_err()).await;
    }
}

#[tokio::test]
async fn a_service_starts_without_its_issuer_and_is_ready_once_it_has_keys() {
    let issuer = Issuer::new();
    let web = Web::start(Answer::Text(StatusCode::SERVICE_UNAVAILABLE, String::new())).await;
    assert!(matches!(web.believes(&issuer, "key-1").await, Err(TokenError::NoKeys)));
    assert!(!web.health.is_ready());
    web.answers(Answer::Keys(json!([issuer.jwk("key-1")])));
    until("it gets ready", async || web.health.is_ready()).await;
    web.believes(&issuer, "key-1").await.unwrap();
}

#[tokio::test]
async fn keys_are_read_again_from_time_to_time_from_files_too() {
    let [old, new] = [Issuer::new(), Issuer::new()];
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("jwks.json");
    let publish = |issuer: &Issuer| fs::write(&file, json!({"keys": [issuer.jwk("key-1")]}).to_string()).unwrap();
    publish(&old);
    let config = AuthConfig { jwks_refresh_seconds: NonZeroU64::MIN, ..auth_config(json!({"jwks_file": file})) };
    let verifier = verifier_of(&config, &StoppedClock::at(NOW)).await.unwrap();
    assert!(verifier.verify(&old.sign(&claims())).await.is_ok());
    publish(&new);
    until("the new key is read", async || verifier.verify(&new.sign(&claims())).await.is_ok()).await;
}

#[tokio::test]
async fn https_is_believed_by_the_configured_authority_alone() {
    let folder = tempfile::tempdir().unwrap();
    let [certificate_file, key_file] = ["tls.crt", "tls.key"].map(|name| folder.path().join(name));
    let certified = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).unwrap();
    fs::write(&certificate_file, certified.cert.pem()).unwrap();
    fs::write(&key_file, certified.signing_key.serialize_pem()).unwrap();
    let tls = TlsConfig { certificate_file: certificate_file.clone(), key_file, reload_seconds: NonZeroU64::MAX };

    let issuer = Issuer::of(Algorithm::RS256);
    let shared = (Arc::new(Mutex::new(Answer::Keys(json!([issuer.jwk("key-1")])))), Arc::new(AtomicUsize::new(0)));
    let config = HttpConfig { tls: Some(tls), ..loopback() };
    let server = Server::start_with(config, issuers_routes(shared.clone())).await;
    let url = server.url("/jwks").replace("http:", "https:");
    let stranger = verifier_of(&auth_config(json!({"jwks_url": url})), &StoppedClock::at(NOW)).await.unwrap();
    assert!(matches!(stranger.verify(&issuer.sign(&claims())).await, Err(TokenError::NoKeys)));

    let config = auth_config(json!({"jwks_url": url, "jwks_ca_file": certificate_file}));
    let web = Web::follow(server, shared, &config).await;
    web.believes(&issuer, "key-1").await.unwrap();
}
