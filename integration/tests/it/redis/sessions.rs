//! Sessions: a cookie instead of a token, on both services, until it is revoked.

use anyhow::ensure;
use integration::{
    eventually::eventually,
    stack::{
        identity::{OPERATOR_SCOPES, SERVICE_SCOPES, USER_SCOPES},
        platform::Layout,
        service::ServiceKind,
    },
};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use service_kit::redis::cmd;

use crate::{
    stage::{ACCOUNTS, NOTIFICATIONS, Stage, account},
    wire::{Reply, Wire, send},
};

const SESSIONS: &str = "/v1/sessions";

/// A browser with a session.
struct Browser {
    /// Name and value.
    cookie: String,
    csrf_token: String,
    id: String,
}

impl Browser {
    async fn sign_in(stage: &Stage, user: &str, scope: &str, body: Option<Value>) -> Result<(Self, Reply), Reply> {
        let request = stage.wire_with(user, scope).request(Method::POST, SESSIONS).header("User-Agent", "a browser");
        let reply = send(match body {
            Some(body) => request.json(&body),
            None => request,
        })
        .await;
        if reply.status != 201 {
            return Err(reply);
        }
        let (cookie, _) = reply.header("Set-Cookie").unwrap().split_once(';').unwrap();
        let text = |member: &str| reply.json()[member].as_str().unwrap().to_owned();
        Ok((Self { cookie: cookie.to_owned(), csrf_token: text("csrf_token"), id: text("id") }, reply))
    }

    async fn of(stage: &Stage, user: &str) -> Self {
        Self::sign_in(stage, user, USER_SCOPES, None).await.unwrap().0
    }

    fn request(&self, wire: &Wire, method: Method, path: &str) -> RequestBuilder {
        wire.request(method, path).header("Cookie", format!("theme=dark; {}", self.cookie))
    }

    async fn get(&self, wire: &Wire, path: &str) -> Reply {
        send(self.request(wire, Method::GET, path)).await
    }

    async fn delete(&self, wire: &Wire, path: &str) -> Reply {
        send(self.request(wire, Method::DELETE, path).header("X-CSRF-Token", &self.csrf_token)).await
    }
}

/// Two replicas that have found Redis. A busy machine is no Redis that is away, so they are patient with it.
async fn staged() -> Stage {
    let patient = |kind| (kind, "REDIS__TIMEOUT_MS", "5000".to_owned());
    let settings = vec![patient(ServiceKind::Transaction), patient(ServiceKind::Notification)];
    let stage = Stage::laid_out(&Layout { replicas: 2, settings, ..Layout::default() }).await;
    eventually("every replica knows sessions", async || {
        let (probe, _) = Browser::sign_in(&stage, "probe", USER_SCOPES, None)
            .await
            .map_err(|reply| anyhow::anyhow!("signing in was answered {}", reply.body))?;
        for (wire, path) in wires(&stage).iter().zip([ACCOUNTS, ACCOUNTS, NOTIFICATIONS]) {
            let reply = probe.get(wire, path).await;
            ensure!(reply.status == 200, "{path} was answered {}", reply.body);
        }
        // Nothing of it is left behind.
        let gone = probe.delete(&wires(&stage)[0], SESSIONS).await;
        ensure!(gone.status == 204, "signing out was answered {}", gone.body);
        Ok(())
    })
    .await;
    stage
}

/// Where nobody is known yet: two ledgers and an inbox.
fn wires(stage: &Stage) -> [Wire; 3] {
    let [first, second] = [0, 1].map(|replica| Wire::to(&stage.platform.transaction_svc[replica]));
    [first, second, stage.anonymous(ServiceKind::Notification).clone()]
}

#[tokio::test]
async fn a_session_is_its_user_on_both_services_until_it_is_revoked() {
    let stage = staged().await;
    let [ledger, other_ledger, inbox] = wires(&stage);
    let (alice, reply) = Browser::sign_in(&stage, "alice", USER_SCOPES, None).await.unwrap();
    let attributes = reply.header("Set-Cookie").unwrap().split_once(';').unwrap().1;
    assert_eq!(attributes, " Path=/; Max-Age=43200; HttpOnly; Secure; SameSite=Lax");
    assert_eq!(reply.header("Cache-Control"), Some("no-store"));

    for (wire, path) in [(&ledger, ACCOUNTS), (&other_ledger, ACCOUNTS), (&inbox, NOTIFICATIONS)] {
        let by_token = wire.bearing(stage.token("alice", USER_SCOPES)).get(path).await;
        assert_eq!(alice.get(wire, path).await.body, by_token.body, "{path}");
    }
    let phone = Browser::of(&stage, "alice").await;
    let listed = phone.get(&other_ledger, SESSIONS).await.json();
    let shown: Vec<_> = listed["data"].as_array().unwrap().iter().map(|one| (&one["id"], &one["current"])).collect();
    assert_eq!(shown, [(&json!(phone.id), &json!(true)), (&json!(alice.id), &json!(false))]);
    assert_eq!(listed["data"][0]["client"], "a browser");

    // Nobody else finds it, and one's own is gone at once.
    let mallory = Browser::of(&stage, "mallory").await;
    let path = format!("{SESSIONS}/{}", alice.id);
    let foreign = mallory.delete(&ledger, &path).await;
    assert_eq!(foreign.body, mallory.delete(&ledger, &format!("{SESSIONS}/none")).await.body);
    foreign.problem(404, "not_found");
    assert_eq!(phone.delete(&ledger, &path).await.status, 204);
    for (wire, path) in [(&ledger, ACCOUNTS), (&other_ledger, ACCOUNTS), (&inbox, NOTIFICATIONS)] {
        alice.get(wire, path).await.problem(401, "unauthenticated");
        assert_eq!(phone.get(wire, path).await.status, 200);
    }
    let all = phone.delete(&ledger, SESSIONS).await;
    assert!(all.status == 204 && all.header("Set-Cookie").unwrap().contains("Max-Age=0"));
    phone.get(&inbox, NOTIFICATIONS).await.problem(401, "unauthenticated");
    assert_eq!(mallory.get(&inbox, NOTIFICATIONS).await.status, 200);
}

#[tokio::test]
async fn a_change_needs_the_csrf_token_of_its_session() {
    let stage = staged().await;
    let [ledger, ..] = wires(&stage);
    let [alice, bob] = [Browser::of(&stage, "alice").await, Browser::of(&stage, "bob").await];
    let open = || {
        let request = alice.request(&ledger, Method::POST, ACCOUNTS).header("Content-Type", "application/json");
        request.header("Idempotency-Key", "from-a-page").body(account("alice"))
    };
    for token in ["", "rubbish", &bob.csrf_token] {
        send(open().header("X-CSRF-Token", token)).await.problem(403, "forbidden");
    }
    send(open()).await.problem(403, "forbidden");
    assert_eq!(send(open().header("X-CSRF-Token", &alice.csrf_token)).await.status, 201);
    // A bad token is not excused by a good session, and with two sessions nobody knows which was meant.
    send(alice.request(&ledger, Method::GET, ACCOUNTS).bearer_auth("rubbish")).await.problem(401, "unauthenticated");
    let two = alice.request(&ledger, Method::GET, ACCOUNTS).header("Cookie", &bob.cookie);
    send(two).await.problem(401, "unauthenticated");
    for cookie in ["__Host-session=", "__Host-session=rubbish", "session=x"] {
        let request = ledger.request(Method::GET, ACCOUNTS).header("Cookie", cookie);
        send(request).await.problem(401, "unauthenticated");
    }
}

#[tokio::test]
async fn the_powerful_get_a_session_for_the_console_only_and_for_an_hour() {
    let stage = staged().await;
    let [ledger, ..] = wires(&stage);
    for (user, scope) in [("service", SERVICE_SCOPES), ("operator", OPERATOR_SCOPES)] {
        let refused = Browser::sign_in(&stage, user, scope, None).await.err().unwrap();
        refused.problem(403, "forbidden");
    }
    let console = Some(json!({"console": true}));
    let refused = Browser::sign_in(&stage, "alice", USER_SCOPES, console.clone()).await.err().unwrap();
    refused.problem(403, "forbidden");
    let misspelt = Browser::sign_in(&stage, "alice", USER_SCOPES, Some(json!({"consol": true}))).await.err().unwrap();
    misspelt.problem(400, "malformed");
    let (operator, reply) = Browser::sign_in(&stage, "operator", OPERATOR_SCOPES, console).await.unwrap();
    assert!(reply.header("Set-Cookie").unwrap().contains("Max-Age=3600;"));
    assert_eq!(operator.get(&ledger, "/v1/transactions").await.status, 200);
    // No session begets another.
    let again = operator.request(&ledger, Method::POST, SESSIONS).header("X-CSRF-Token", &operator.csrf_token);
    send(again).await.problem(403, "forbidden");

    for _ in 0..32 {
        Browser::of(&stage, "bob").await;
    }
    let refused = Browser::sign_in(&stage, "bob", USER_SCOPES, None).await.err().unwrap();
    refused.problem(409, "too_many_sessions");
}

#[tokio::test]
async fn redis_knows_digests_and_ends_what_is_over_and_without_it_there_are_no_sessions() {
    let stage = staged().await;
    let [ledger, ..] = wires(&stage);
    let server = stage.redis();
    let alice = Browser::of(&stage, "alice").await;
    let keys: Vec<String> = server.command(cmd("KEYS").arg("session*")).await.unwrap();
    let record = keys.iter().find(|key| key.starts_with("session:")).unwrap();
    let index = keys.iter().find(|key| key.starts_with("sessions:")).unwrap();
    let text: String = server.command(cmd("GET").arg(record)).await.unwrap();
    let digests: Vec<String> = server.command(cmd("HVALS").arg(index)).await.unwrap();
    let secret = alice.cookie.split_once('=').unwrap().1;
    assert!(![&text, record, &digests[0]].iter().any(|kept| kept.contains(secret) || kept.contains(&alice.csrf_token)));
    let left: i64 = server.command(cmd("PTTL").arg(record)).await.unwrap();
    assert!((1..=30 * 60 * 1_000).contains(&left), "{left} ms");

    // Used again a while later, it may lie unused for as long again; but not beyond its end.
    let mut changed: Value = serde_json::from_str(&text).unwrap();
    let began = changed["created_at"].as_i64().unwrap();
    changed["last_seen_at"] = (began - 61).into();
    let set = |value: &Value| cmd("SET").arg(record).arg(value.to_string()).arg("PX").arg(60_000).to_owned();
    let _: () = server.command(&set(&changed)).await.unwrap();
    assert_eq!(alice.get(&ledger, ACCOUNTS).await.status, 200);
    assert!(server.command::<i64>(cmd("PTTL").arg(record)).await.unwrap() > 60_000);
    changed["ends_at"] = began.into();
    let _: () = server.command(&set(&changed)).await.unwrap();
    alice.get(&ledger, ACCOUNTS).await.problem(401, "unauthenticated");

    stage.platform.backing.redis.process.as_ref().unwrap().kill().await.unwrap();
    alice.get(&ledger, ACCOUNTS).await.problem(503, "unavailable");
    Browser::sign_in(&stage, "alice", USER_SCOPES, None).await.err().unwrap().problem(503, "unavailable");
    assert_eq!(stage.wire("alice").get(ACCOUNTS).await.status, 200, "tokens go on working");
    stage.platform.backing.redis.process.as_ref().unwrap().start().await.unwrap();
    eventually("people can sign in again", async || {
        let signed_in = Browser::sign_in(&stage, "alice", USER_SCOPES, None).await.is_ok();
        ensure!(signed_in, "not yet");
        Ok(())
    })
    .await;
}
