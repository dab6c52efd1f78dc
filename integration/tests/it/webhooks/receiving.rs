//! `POST /v1/webhooks/transactions`: what is believed, and what every liar, latecomer and repeater is told.

use contract::{
    Event,
    signature::{Secret, sign},
};
use integration::stack::{
    backing::Backing,
    platform::{Layout, Platform},
    service::ServiceKind,
};
use reqwest::Method;
use time::Duration;

use crate::{
    notifications::fixture::{described, now, payment, payment_at},
    wire::{Reply, Wire, send},
};

const PATH: &str = "/v1/webhooks/transactions";

/// A sender; everything it says can be false.
#[derive(Clone)]
struct Sender {
    wire: Wire,
    secret: Secret,
    at: i64,
}

impl Sender {
    fn new(platform: &Platform, secret: Secret) -> Self {
        Self { wire: Wire::to(&platform.notification_svc[0]), secret, at: now().unix_timestamp() }
    }

    fn at(&self, seconds_from_now: i64) -> Self {
        Self { at: self.at + seconds_from_now, ..self.clone() }
    }

    async fn send(&self, id: &str, body: &[u8]) -> Reply {
        self.send_signed(id, body, &sign([&self.secret], id, self.at, body)).await
    }

    async fn send_signed(&self, id: &str, body: &[u8], signature: &str) -> Reply {
        let request = self.wire.request(Method::POST, PATH).body(body.to_vec());
        let request = request.header("webhook-id", id).header("webhook-timestamp", self.at);
        send(request.header("webhook-signature", signature)).await
    }

    async fn tell(&self, event: &Event) -> u16 {
        self.send(&event.id.to_string(), &event.encode().unwrap()).await.status
    }
}

#[tokio::test]
async fn what_is_new_is_accepted_what_is_known_is_fine_and_what_contradicts_is_refused() {
    let platform = Platform::start().await.unwrap();
    let sender = Sender::new(&platform, platform.backing.webhook_secret());
    let event = payment("wilma", "fred");
    assert_eq!(sender.tell(&event).await, 202);
    assert_eq!(sender.tell(&event).await, 200);
    assert_eq!(sender.at(200).tell(&event).await, 200);
    let id = event.id.to_string();
    let forged = described(event, "Something else").encode().unwrap();
    sender.send(&id, &forged).await.problem(409, "event_conflict");
    assert_eq!(sender.tell(&payment_at(now() - Duration::days(401), "wilma", "fred")).await, 200);

    let told = platform.person("wilma").unwrap().inbox.list("me", None).await.unwrap();
    assert_eq!(told.data.len(), 1, "{:?}", told.data);
}

#[tokio::test]
async fn whoever_cannot_sign_for_these_bytes_at_this_time_is_told_nothing_but_that() {
    let platform = Platform::start().await.unwrap();
    let sender = Sender::new(&platform, platform.backing.webhook_secret());
    let stranger = Sender::new(&platform, Secret::from_bytes([1; 32]).unwrap());
    let event = payment("wilma", "fred");
    let (id, body) = (event.id.to_string(), event.encode().unwrap());
    let altered = described(event, "More").encode().unwrap();
    let other = payment("wilma", "fred").id.to_string();
    let honest = sign([&sender.secret], &id, sender.at, &body);

    let mut refused = vec![
        stranger.send(&id, &body).await,
        sender.at(-310).send(&id, &body).await,
        sender.at(310).send(&id, &body).await,
        sender.send_signed(&id, &altered, &honest).await,
        sender.send_signed(&other, &body, &honest).await,
        sender.at(1).send_signed(&id, &body, &honest).await,
        sender.send_signed(&id, &body, &honest.replace("v1,", "v1a,")).await,
        sender.send_signed(&id, &body, "").await,
        sender.send_signed(&id, &body, "v1,Zm9yZ2Vk").await,
        sender.send_signed("a.b", &body, &honest).await,
    ];
    let twice = sender.wire.request(Method::POST, PATH).body(body.clone());
    let twice = twice.header("webhook-id", &id).header("webhook-timestamp", sender.at);
    refused.push(send(twice.header("webhook-signature", &honest).header("webhook-signature", &honest)).await);
    refused.push(Wire::to(&platform.notification_svc[0]).post(PATH, "key", "{}").await);
    for reply in &refused {
        reply.problem(401, "unauthenticated");
        assert_eq!(reply.body, refused[0].body);
    }

    sender.send(&id, &vec![b' '; 64 * 1024 + 1]).await.problem(413, "payload_too_large");
    sender.send(&id, b"{}").await.problem(400, "malformed");
    sender.send(&id, b"\xff").await.problem(400, "malformed");
    sender.send(&other, &body).await.problem(400, "malformed");
    let newer = String::from_utf8(body.clone()).unwrap().replace(r#""dataversion":"1""#, r#""dataversion":"2""#);
    sender.send(&id, newer.as_bytes()).await.problem(422, "unsupported_event");
    assert!(platform.person("wilma").unwrap().inbox.list("me", None).await.unwrap().data.is_empty());
    assert_eq!(sender.send_signed(&id, &body, &format!("v1,AAAA {honest}")).await.status, 202);
}

#[tokio::test]
async fn two_secrets_are_believed_while_one_is_rotated() {
    let backing = Backing::cloned().await.unwrap();
    let [old, new] = [2, 3].map(|byte| Secret::from_bytes([byte; 32]).unwrap());
    let secrets = format!("{} {}", old.reveal(), new.reveal());
    let settings = vec![(ServiceKind::Notification, "WEBHOOK__SECRETS", secrets)];
    let platform = Platform::start_on(backing, &Layout { settings, ..Layout::default() }).await.unwrap();
    for secret in [old, new] {
        assert_eq!(Sender::new(&platform, secret).tell(&payment("wilma", "fred")).await, 202);
    }
    assert_eq!(Sender::new(&platform, platform.backing.webhook_secret()).tell(&payment("wilma", "fred")).await, 401);
}

#[tokio::test]
async fn hundreds_at_once_are_each_answered_after_their_commit() {
    let platform = Platform::start().await.unwrap();
    let sender = Sender::new(&platform, platform.backing.webhook_secret());
    let events: Vec<_> = (0..200).map(|_| payment("wilma", "fred")).collect();
    let sends = events.iter().chain(&events).map(|event| sender.tell(event));
    let answers = futures_util::future::join_all(sends).await;
    let count = |status| answers.iter().filter(|answer| **answer == status).count();
    assert_eq!((count(202), count(200)), (200, 200));
    let fred = Wire::to(&platform.notification_svc[0]).bearing(platform.user_token("fred").unwrap());
    assert_eq!(fred.get("/v1/users/me/notifications/counts").await.json()["unread"], 200);
}
