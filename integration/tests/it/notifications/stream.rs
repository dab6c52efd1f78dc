//! The stream of a user's notifications: everything once and in order, whoever writes when, on whichever replica, and
//! wherever the reader was cut off.

use std::{sync::Arc, time::Duration};

use client::NotificationStream;
use contract::{
    EventKind,
    notification::{Locale, Notification},
};
use futures_util::{FutureExt, StreamExt};
use integration::{
    eventually::eventually,
    people::cents,
    stack::{
        backing::Backing,
        identity::USER_SCOPES,
        platform::{Layout, Platform},
        service::ServiceKind,
    },
};
use notification_svc::domain::way::Way;
use reqwest::Method;
use tokio::{task::JoinSet, time::timeout};

use super::fixture::{Store, payment};
use crate::wire::{Wire, send};

const STREAM: &str = "/v1/users/me/notifications/stream";
const PATIENCE: Duration = Duration::from_secs(45);

/// The positions of the next ones of a stream.
async fn positions(stream: &mut NotificationStream, count: usize) -> Vec<i64> {
    let next: Vec<_> = timeout(PATIENCE, stream.take(count).collect()).await.expect("they come");
    next.into_iter().map(|notification: Result<Notification, _>| notification.unwrap().position).collect()
}

/// Waits until the stream has ended, and gives what it told by then.
async fn rest(stream: NotificationStream) -> Vec<i64> {
    let rest: Vec<_> = timeout(PATIENCE, stream.collect()).await.expect("it ends");
    rest.into_iter().map(|notification| notification.unwrap().position).collect()
}

/// Opens a stream as soon as one more may be open: places of streams that were cut off come back when the service sees it.
async fn open(platform: &Platform, user: &str, after: Option<i64>) -> NotificationStream {
    let inbox = platform.person(user).unwrap().inbox;
    eventually("there is a place for the stream", async || Ok(inbox.stream("me", after).await?)).await
}

async fn platform_with(settings: &[(&'static str, &str)]) -> Platform {
    let settings = settings.iter().map(|(field, value)| (ServiceKind::Notification, *field, (*value).to_owned()));
    let layout = Layout { settings: settings.collect(), ..Layout::default() };
    Platform::start_on(Backing::cloned().await.unwrap(), &layout).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_that_comes_late_is_in_its_place_in_the_stream() {
    let platform = Platform::start().await.unwrap();
    let store = Arc::new(Store::of(&platform.backing.database).await);
    store.ingest(Way::JetStream, &[payment("alice", "zoe")]).await;
    let mut alice = open(&platform, "alice", None).await;
    // Who writes to alice and then to zoe has alice's next position in hand, and cannot commit.
    let mut holder = store.pool.begin().await.unwrap();
    sqlx::query("SELECT FROM notification_counters WHERE recipient = 'zoe' FOR UPDATE")
        .execute(&mut *holder)
        .await
        .unwrap();
    let (early, late) = (payment("alice", "zoe"), payment("alice", "bob"));
    let mut writers = JoinSet::new();
    for (waiting, event) in [(1, early.clone()), (2, late.clone())] {
        let writer = store.clone();
        writers.spawn(async move { writer.ingest(Way::Webhook, &[event]).await });
        eventually("the writer waits for a lock", async || {
            let seen = store.waiting_for_locks().await;
            anyhow::ensure!(seen == waiting, "{seen} wait");
            Ok(())
        })
        .await;
    }
    store.ingest(Way::JetStream, &[payment("carol", "dave")]).await;
    holder.rollback().await.unwrap();
    writers.join_all().await;
    for (position, event) in [(2, early), (3, late)] {
        let told = timeout(PATIENCE, alice.next()).await.unwrap().unwrap().unwrap();
        assert_eq!((told.position, told.event_id), (position, event.id));
    }
    store.is_consistent().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn wherever_a_stream_is_cut_the_next_one_goes_on_with_what_follows() {
    let platform = Platform::start().await.unwrap();
    let store = Arc::new(Store::of(&platform.backing.database).await);
    // More than a page, with muted ones between and at the end.
    for muted in [false, true, false, true] {
        store.choose("alice", Locale::En, if muted { &[EventKind::TransactionPosted] } else { &[] }).await;
        let payments: Vec<_> = (0..if muted { 5 } else { 30 }).map(|_| payment("alice", "bob")).collect();
        store.ingest(Way::JetStream, &payments).await;
    }
    let shown: Vec<i64> = (1..=30).chain(36..=65).collect();
    for cut in 0..70 {
        let expected: Vec<_> = shown.iter().copied().filter(|position| *position > cut).collect();
        let mut stream = open(&platform, "alice", Some(cut)).await;
        assert_eq!(positions(&mut stream, expected.len()).await, expected, "after {cut}");
    }

    store.choose("alice", Locale::En, &[]).await;
    let writer = store.clone();
    let writing = JoinSet::from_iter([async move {
        for _ in 0..40 {
            writer.ingest(Way::Webhook, &[payment("alice", "bob"), payment("bob", "alice")]).await;
        }
    }]);
    let (mut told, mut last) = (Vec::new(), 70);
    while last < 150 {
        let mut stream = open(&platform, "alice", Some(last)).await;
        told.extend(positions(&mut stream, 7.min(150 - usize::try_from(last).unwrap())).await);
        last = *told.last().unwrap();
    }
    assert_eq!(told, (71..=150).collect::<Vec<_>>());
    writing.join_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn both_replicas_tell_what_either_has_stored() {
    let layout = Layout { replicas: 2, ..Layout::default() };
    let platform = Platform::start_on(Backing::cloned().await.unwrap(), &layout).await.unwrap();
    let bank = platform.bank().await.unwrap();
    let alice = platform.person("alice").unwrap();
    let account = alice.open_account().await.unwrap().id;
    let mut streams = Vec::new();
    for replica in 0..2 {
        streams.push(platform.person_at(replica, "alice").unwrap().inbox.stream("me", Some(0)).await.unwrap());
    }
    for _ in 0..20 {
        bank.fund(account, cents(1)).await.unwrap();
    }
    for stream in &mut streams {
        assert_eq!(positions(stream, 21).await, (1..=21).collect::<Vec<_>>());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_outlives_the_time_limit_of_requests_and_ends_with_its_token() {
    let platform =
        platform_with(&[("HTTP__REQUEST_TIMEOUT_MS", "1000"), ("HTTP__KEEP_ALIVE_TIMEOUT_MS", "1000")]).await;
    let store = Store::of(&platform.backing.database).await;
    let token = platform.backing.issuer.token("alice", USER_SCOPES, Duration::from_secs(8)).unwrap();
    let inbox = platform.caller(0, "alice", &token).unwrap().inbox;
    let mut stream = inbox.stream("me", None).await.unwrap();
    let mut told = 0;
    // Until the token ends, long after the limit.
    while let Some(next) = {
        store.ingest(Way::JetStream, &[payment("alice", "bob")]).await;
        timeout(PATIENCE, stream.next()).await.expect("the next one, or the end")
    } {
        told += 1;
        assert_eq!(next.unwrap().position, told);
    }
    assert!(told > 1, "it was cut after {told}");
    assert_eq!(inbox.stream("me", None).await.err().unwrap().code(), Some("unauthenticated"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_ends_streams_before_anybody_waits_for_them() {
    // Longer than anybody's patience.
    let platform = platform_with(&[("HTTP__DRAIN_SECONDS", "3600")]).await;
    let store = Store::of(&platform.backing.database).await;
    store.ingest(Way::JetStream, &[payment("alice", "bob")]).await;
    let streams = [open(&platform, "alice", Some(0)).await, open(&platform, "bob", None).await];
    platform.notification_svc[0].process.stop().await.unwrap();
    let [alice, bob] = streams.map(|stream| rest(stream).map(|told| told.len()));
    assert_eq!((alice.await, bob.await), (1, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_has_eight_streams_and_another_user_eight_more() {
    let platform = Platform::start().await.unwrap();
    let [alice, bob] = ["alice", "bob"].map(|user| platform.person(user).unwrap().inbox);
    let mut streams = Vec::new();
    for _ in 0..8 {
        streams.push(alice.stream("me", None).await.unwrap());
    }
    assert_eq!(alice.stream("me", None).await.err().unwrap().code(), Some("rate_limited"));
    let wire = Wire::to(&platform.notification_svc[0]).bearing(platform.user_token("alice").unwrap());
    let refused = wire.get(STREAM).await;
    assert_eq!((refused.problem(429, "rate_limited").retryable, refused.header("Retry-After")), (true, Some("5")));
    drop(bob.stream("me", None).await.unwrap());
    streams.pop();
    drop(open(&platform, "alice", None).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_says_from_where_it_tells_and_strange_places_are_refused() {
    let platform = Platform::start().await.unwrap();
    let store = Store::of(&platform.backing.database).await;
    store.ingest(Way::JetStream, &[payment("alice", "bob"), payment("alice", "bob")]).await;
    let alice = Wire::to(&platform.notification_svc[0]).bearing(platform.user_token("alice").unwrap());
    for (query, header, first) in [
        ("", None, "id: 2\nretry: "),
        ("", Some("1"), "id: 1\nretry: "),
        ("?last_event_id=0", None, "id: 0\nretry: "),
        ("?last_event_id=0", Some("1"), "id: 1\nretry: "),
        ("", Some("1000"), "id: 2\nretry: "),
    ] {
        let request = alice.request(Method::GET, &format!("{STREAM}{query}"));
        let request = header.into_iter().fold(request, |request, id| request.header("Last-Event-ID", id));
        let mut response = request.send().await.unwrap();
        assert_eq!(response.headers()["Content-Type"], "text/event-stream");
        let mut text = String::new();
        while !text.ends_with("\n\n") {
            text.push_str(std::str::from_utf8(&response.chunk().await.unwrap().unwrap()).unwrap());
        }
        assert!(text.starts_with(first), "{text}");
    }
    for request in [
        alice.request(Method::GET, STREAM).header("Last-Event-ID", "ntf_1"),
        alice.request(Method::GET, &format!("{STREAM}?last_event_id=first")),
        alice.request(Method::GET, &format!("{STREAM}?since=1")),
    ] {
        send(request).await.problem(400, "malformed");
    }
}
