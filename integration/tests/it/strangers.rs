//! Every operation of both services, walked by strangers. The operations, their scopes and their parameters are read from
//! the OpenAPI documents, so a new route is walked without being named here; one without `x-scope` fails.
//!
//! A new type of path parameter is added to `Names::of`, a new POST to `sent`.

#![expect(clippy::panic, reason = "the assertions of a test")]

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use client::NewTransaction;
use contract::{
    AccountId, Currency, DeliveryId, NotificationId, RefundId, ReplayId, SessionId, TransactionId, WebhookEndpointId,
};
use integration::{
    eventually::eventually,
    people::{cents, fresh_key},
    stack::{
        identity::{AUDIENCE, ISSUER, Issuer, OPERATOR_SCOPES, SERVICE_SCOPES, USER_SCOPES},
        secret::Secret,
        service::ServiceKind,
    },
};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use time::OffsetDateTime;

use crate::{
    openapi::{Described, SERVICES, described, printed},
    operations::fixture::{plan_replay, plant_dead_letter},
    stage::{ACCOUNTS, NOTIFICATIONS, Stage, account, payment},
    wire::{Reply, Wire, send},
};

/// One operation, as its document describes it.
#[derive(Debug)]
struct Operation {
    service: ServiceKind,
    id: String,
    method: Method,
    path: String,
    /// The names of its path parameters, and of their types where these have one.
    parameters: Vec<(String, String)>,
    /// All of these are needed, with blanks between them.
    scope: String,
}

fn operations(service: ServiceKind) -> Vec<Operation> {
    let document: Value = serde_json::from_str(&printed(service)).unwrap();
    let mut operations = Vec::new();
    for Described { method, path, operation } in described(&document) {
        let text = |member: &str| {
            let value = operation[member].as_str();
            value.unwrap_or_else(|| panic!("{method} {path} of {} has no {member}", service.program())).to_owned()
        };
        let parameters = operation["parameters"].as_array().map(Vec::as_slice).unwrap_or_default();
        operations.push(Operation {
            service,
            id: text("operationId"),
            method: method.parse().unwrap(),
            parameters: parameters.iter().filter(|parameter| parameter["in"] == "path").map(named_type).collect(),
            scope: text("x-scope"),
            path,
        });
    }
    assert!(!operations.is_empty(), "{} describes nothing", service.program());
    operations
}

fn named_type(parameter: &Value) -> (String, String) {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let reference = text(&parameter["schema"]["$ref"]);
    (text(&parameter["name"]), reference.rsplit('/').next().unwrap_or_default().to_owned())
}

/// What path parameters name.
struct Names {
    user: String,
    account: AccountId,
    to_be_frozen: AccountId,
    frozen: AccountId,
    to_be_closed: AccountId,
    transaction: TransactionId,
    refund: RefundId,
    to_be_captured: TransactionId,
    to_be_voided: TransactionId,
    notification: NotificationId,
    dead_letter: u64,
    replay: ReplayId,
    endpoint: WebhookEndpointId,
    delivery: DeliveryId,
}

impl Names {
    fn of(&self, operation: &str, name: &str, r#type: &str) -> String {
        match (operation, name, r#type) {
            (_, "user", _) => self.user.clone(),
            (_, "dead_letter", _) => self.dead_letter.to_string(),
            ("freeze_account", ..) => self.to_be_frozen.to_string(),
            ("unfreeze_account", ..) => self.frozen.to_string(),
            ("close_account", ..) => self.to_be_closed.to_string(),
            ("capture_transaction", ..) => self.to_be_captured.to_string(),
            ("void_transaction", ..) => self.to_be_voided.to_string(),
            (_, _, "AccountId") => self.account.to_string(),
            (_, _, "TransactionId") => self.transaction.to_string(),
            (_, _, "RefundId") => self.refund.to_string(),
            (_, _, "ReplayId") => self.replay.to_string(),
            (_, _, "NotificationId") => self.notification.to_string(),
            (_, _, "SessionId") => SessionId::new(OffsetDateTime::UNIX_EPOCH, 1).to_string(),
            (_, _, "WebhookEndpointId") => self.endpoint.to_string(),
            (_, _, "DeliveryId") => self.delivery.to_string(),
            _ => panic!("say in Names::of what the path parameter {name} of type {type:?} names"),
        }
    }

    /// What belongs to nobody.
    fn nobodys() -> Self {
        let at = OffsetDateTime::UNIX_EPOCH;
        Self {
            user: "nobody".to_owned(),
            account: AccountId::new(at, 1),
            to_be_frozen: AccountId::new(at, 1),
            frozen: AccountId::new(at, 1),
            to_be_closed: AccountId::new(at, 1),
            transaction: TransactionId::new(at, 1),
            refund: RefundId::new(at, 1),
            to_be_captured: TransactionId::new(at, 1),
            to_be_voided: TransactionId::new(at, 1),
            notification: NotificationId::new(at, 1),
            dead_letter: 1_000_000,
            replay: ReplayId::new(at, 1),
            endpoint: WebhookEndpointId::new(at, 1),
            delivery: DeliveryId::new(at, 1),
        }
    }
}

/// What alice sends to an operation that changes something.
struct Sent {
    body: Option<String>,
    /// What another is told who sends the same; `None`, as for all reading: that there is no such thing.
    refusal: Option<(u16, &'static str)>,
}

fn sent(stage: &Stage, operation: &str) -> Sent {
    let (body, refusal) = match operation {
        "open_account" => (Some(account("alice")), Some((403, "forbidden"))),
        "replace_preferences" => (Some(json!({"locale": "de", "muted_types": []}).to_string()), None),
        "create_transaction" => (Some(payment(stage.alice, stage.bob, 1)), Some((422, "unknown_account"))),
        "create_transactions" => {
            let one: Value = serde_json::from_str(&payment(stage.alice, stage.bob, 1)).unwrap();
            (Some(json!({"mode": "atomic", "transactions": [one]}).to_string()), Some((422, "unknown_account")))
        }
        "redrive_dead_letters" | "discard_dead_letters" => {
            (Some(json!({"only": "none_of_these", "reason": "a story"}).to_string()), None)
        }
        "redrive_dead_letter" | "discard_dead_letter" => (Some(json!({"reason": "a story"}).to_string()), None),
        "plan_replay" => (Some(json!({"user": "nobody", "reason": "a story"}).to_string()), None),
        "execute_replay" => (Some(json!({"expect": 0}).to_string()), None),
        "cancel_replay" => (None, None),
        "update_account" => (Some(json!({"settings_version": 1}).to_string()), None),
        "freeze_account" | "unfreeze_account" => (None, Some((403, "forbidden"))),
        "close_account" => (None, None),
        "capture_transaction" | "void_transaction" | "refund_transaction" => (None, None),
        "read_notification" | "unread_notification" | "archive_notification" | "read_all_notifications" => (None, None),
        "create_session" | "revoke_session" | "revoke_sessions" => (None, None),
        "receive_event" => (Some("{}".to_owned()), None),
        "create_webhook_endpoint" => {
            (Some(r#"{"url": "https://example.com/hook", "enabled": false}"#.to_owned()), None)
        }
        "change_webhook_endpoint" => (Some(r#"{"description": "Books"}"#.to_owned()), None),
        "recover_webhook_deliveries" => (Some(r#"{"since": "2026-01-01T00:00:00Z"}"#.to_owned()), None),
        "rotate_webhook_secret" | "resend_webhook_delivery" | "delete_webhook_endpoint" => (None, None),
        _ => panic!("say in strangers.rs, in `sent`, what {operation} is sent"),
    };
    Sent { body, refusal }
}

impl Operation {
    /// The request, of somebody who has no token yet.
    fn request(&self, stage: &Stage, names: &Names, wire: &Wire) -> RequestBuilder {
        let path = self.parameters.iter().fold(self.path.clone(), |path, (name, r#type)| {
            path.replace(&format!("{{{name}}}"), &names.of(&self.id, name, r#type))
        });
        let request = wire.request(self.method.clone(), &path);
        if self.method == Method::GET {
            return request;
        }
        let request = request.header("Idempotency-Key", fresh_key());
        match sent(stage, &self.id).body {
            Some(body) => request.header("Content-Type", "application/json").body(body),
            None => request,
        }
    }

    async fn answer(&self, stage: &Stage, names: &Names, user: &str, scope: &str) -> Reply {
        let token = stage.token(user, scope);
        send(self.request(stage, names, &stage.anonymous(self.service).bearing(token))).await
    }
}

/// Claims of a good token for alice, with one of them changed.
fn claims(name: &str, value: Value) -> Value {
    let mut claims = json!({
        "iss": ISSUER, "aud": AUDIENCE, "sub": "alice", "scope": SERVICE_SCOPES, "nbf": 0, "exp": 32_503_680_000_i64,
    });
    claims[name] = value;
    claims
}

fn good_token(stage: &Stage) -> String {
    stage.platform.backing.issuer.sign(&claims("sub", "alice".into())).unwrap()
}

/// What no service may believe, each with what is wrong about it.
fn bad_tokens(stage: &Stage) -> Vec<(&'static str, String)> {
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

#[tokio::test]
async fn strangers_get_nowhere_and_users_where_their_scope_lets_them() {
    let stage = Stage::with(1).await;
    let mut alices = alices(&stage).await;
    let operations: Vec<_> = SERVICES.into_iter().flat_map(operations).collect();
    assert_eq!(stage.wire("alice").bearing(good_token(&stage)).get(ACCOUNTS).await.status, 200);
    let (before, inbox) = (stage.rows().await, stage.inbox("alice").get(NOTIFICATIONS).await);
    // What is signed instead has its own story (`webhooks`); a token is worth nothing there.
    let (signed, operations): (Vec<_>, Vec<_>) =
        operations.into_iter().partition(|operation| operation.scope == "signature");
    for operation in &signed {
        operation.answer(&stage, &alices, "service", SERVICE_SCOPES).await.problem(401, "unauthenticated");
    }
    // What every user may do to what is the user's own, too (`redis::sessions`).
    let (of_oneself, operations): (Vec<_>, Vec<_>) =
        operations.into_iter().partition(|operation| operation.scope == "none");
    for operation in &of_oneself {
        assert_nobody_unknown_is_let_in(&stage, &alices, operation).await;
    }
    for operation in &operations {
        assert_nobody_unknown_is_let_in(&stage, &alices, operation).await;
        assert_its_scope_is_needed(&stage, &alices, operation).await;
        assert_nothing_of_alices_is_found_by_another(&stage, &alices, operation).await;
    }
    assert_eq!(stage.rows().await, before.after(0, 2), "only the refused payments were answered for good");
    assert_eq!(stage.inbox("alice").get(NOTIFICATIONS).await.body, inbox.body);

    // What is deleted is gone for the others.
    let (last, first): (Vec<_>, Vec<_>) = operations.iter().partition(|operation| operation.method == Method::DELETE);
    for operation in first.into_iter().chain(last) {
        // Some of these end them.
        match operation.parameters.first().map(|(name, _)| name.as_str()) {
            Some("dead_letter") => alices.dead_letter = plant_dead_letter(&stage.platform, "not an event").await,
            Some("replay") => alices.replay = plan_replay(&stage.platform).await,
            _ => {}
        }
        let reply = operation.answer(&stage, &alices, "alice", &operation.scope).await;
        assert!((200..300).contains(&reply.status), "{}: {reply:?}", operation.id);
    }
}

/// What alice has: an account, a payment that she has refunded a part of, two holds, and a notification.
async fn alices(stage: &Stage) -> Names {
    let alice = stage.platform.person("alice").unwrap();
    let notification = eventually("alice is told of her money", async || {
        let page = alice.inbox.list("me", None).await?;
        page.data.into_iter().find(|one| one.transaction_id.is_some()).ok_or(anyhow::anyhow!("not yet"))
    })
    .await;
    let transaction = notification.transaction_id.unwrap();
    let refund = alice.ledger.refund(&fresh_key(), transaction, Some(cents(1))).await.unwrap().id;
    let account = async || alice.open_account().await.unwrap().id;
    let frozen = account().await;
    stage.bank.office.ledger.freeze_account(&fresh_key(), frozen).await.unwrap();
    // Captured, the first pays for what alice spends before she refunds what was paid to her.
    let held = NewTransaction::new(stage.bank.settlement, stage.alice, cents(10), Currency::EUR).held(None);
    let hold = async || stage.bank.office.ledger.create(&fresh_key(), &held).await.unwrap().id;
    Names {
        user: alice.name.clone(),
        account: stage.alice,
        to_be_frozen: account().await,
        frozen,
        to_be_closed: account().await,
        transaction,
        refund,
        to_be_captured: hold().await,
        to_be_voided: hold().await,
        notification: notification.id,
        dead_letter: plant_dead_letter(&stage.platform, "not an event").await,
        replay: plan_replay(&stage.platform).await,
        endpoint: endpoint(stage).await,
        delivery: delivery(stage).await,
    }
}

/// An endpoint that nothing is sent to.
async fn endpoint(stage: &Stage) -> WebhookEndpointId {
    let body = r#"{"url": "https://example.com/hook", "enabled": false}"#;
    let made = stage.office().post("/v1/webhook-endpoints", &fresh_key(), body).await;
    made.json()["id"].as_str().unwrap().parse().unwrap()
}

/// A delivery to it that was given up.
async fn delivery(stage: &Stage) -> DeliveryId {
    let id = sqlx::query_scalar(
        "INSERT INTO transactions.webhook_deliveries (id, endpoint_id, event_id, status)
         SELECT event.id, endpoint.id, event.id, 'failed' FROM transactions.webhook_endpoints AS endpoint,
                (SELECT id FROM transactions.events LIMIT 1) AS event
         WHERE configured_as IS NULL RETURNING id",
    );
    DeliveryId::from_uuid(id.fetch_one(&stage.platform.pool().await.unwrap()).await.unwrap())
}

async fn assert_nobody_unknown_is_let_in(stage: &Stage, alices: &Names, operation: &Operation) {
    let anonymous = stage.anonymous(operation.service);
    let good = good_token(stage);
    let mut requests = vec![
        ("no token", operation.request(stage, alices, anonymous)),
        ("a password", operation.request(stage, alices, anonymous).basic_auth("alice", Some("secret"))),
        ("two tokens", operation.request(stage, alices, &anonymous.bearing(&good)).bearer_auth(&good)),
        ("no scheme", operation.request(stage, alices, anonymous).header("Authorization", &good)),
    ];
    for (what, token) in bad_tokens(stage) {
        requests.push((what, operation.request(stage, alices, &anonymous.bearing(token))));
    }
    for (what, request) in requests {
        let reply = send(request).await;
        assert_eq!(reply.status, 401, "{} with a token {what}: {reply:?}", operation.id);
        reply.problem(401, "unauthenticated");
        assert_eq!(reply.header("WWW-Authenticate"), Some("Bearer"));
    }
}

async fn assert_its_scope_is_needed(stage: &Stage, alices: &Names, operation: &Operation) {
    let all = [USER_SCOPES, SERVICE_SCOPES, OPERATOR_SCOPES].join(" ");
    let refused = async |scopes: &str| {
        let reply = operation.answer(stage, alices, "alice", scopes).await;
        assert_eq!(reply.status, 403, "{} with the scopes {scopes:?}: {reply:?}", operation.id);
        reply.problem(403, "forbidden").members["scope"].as_str().unwrap().to_owned()
    };
    for needed in operation.scope.split(' ') {
        assert!(all.split_whitespace().any(|scope| scope == needed), "{needed} is no scope");
        let others: Vec<_> = all.split_whitespace().filter(|scope| *scope != needed).collect();
        assert_eq!(refused(&others.join(" ")).await, needed, "{}", operation.id);
    }
    assert!(operation.scope.split(' ').collect::<Vec<_>>().contains(&refused("").await.as_str()));
}

/// A user with every scope that users have.
async fn assert_nothing_of_alices_is_found_by_another(stage: &Stage, alices: &Names, operation: &Operation) {
    let reply = operation.answer(stage, alices, "mallory", USER_SCOPES).await;
    if operation.scope.split(' ').any(|scope| !USER_SCOPES.split(' ').any(|has| has == scope)) {
        reply.problem(403, "forbidden");
        return;
    }
    let refusal = if operation.method == Method::GET { None } else { sent(stage, &operation.id).refusal };
    if let Some((status, code)) = refusal {
        reply.problem(status, code);
    } else if operation.parameters.is_empty() {
        assert_eq!(reply.json()["data"], json!([]), "{}", operation.id);
    } else {
        assert_eq!(reply.status, 404, "{}: {reply:?}", operation.id);
        let missing = operation.answer(stage, &Names::nobodys(), "mallory", USER_SCOPES).await;
        assert_eq!(reply.body, missing.body);
        assert_eq!(reply.problem(404, "not_found").request_id, missing.problem(404, "not_found").request_id);
        // Of a thing of alice's that mallory claims for himself there is no trace either.
        if operation.parameters.len() > 1 {
            let claimed = Names { user: "mallory".to_owned(), ..*alices };
            let reply = operation.answer(stage, &claimed, "mallory", USER_SCOPES).await;
            assert_eq!((reply.status, &reply.body), (404, &missing.body), "{}", operation.id);
        }
    }
}
