//! The REST API of the running service.

use integration::stack::platform::Platform;
use notification_svc::domain::way::Way;
use serde_json::Value;

use super::fixture::{Store, payment};
use crate::wire::Wire;

#[tokio::test(flavor = "multi_thread")]
async fn pages_show_each_notification_once_whatever_is_told_meanwhile() {
    let platform = Platform::start().await.unwrap();
    let store = Store::of(&platform.backing.database).await;
    let events: Vec<_> = (0..25).map(|_| payment("alice", "bob")).collect();
    store.ingest(Way::JetStream, &events).await;
    let alice = Wire::to(&platform.notification_svc[0]).bearing(platform.user_token("alice").unwrap());

    let (mut seen, mut cursor) = (Vec::new(), None::<String>);
    loop {
        let cursor_parameter = cursor.as_ref().map(|cursor| format!("&cursor={cursor}")).unwrap_or_default();
        let page = alice.get(&format!("/v1/users/me/notifications?limit=10{cursor_parameter}")).await.json();
        seen.extend(page["data"].as_array().unwrap().iter().map(|item| item["position"].as_i64().unwrap()));
        cursor = page["next_cursor"].as_str().map(str::to_owned);
        if cursor.is_none() {
            break;
        }
        store.ingest(Way::JetStream, &[payment("alice", "bob")]).await;
    }
    assert_eq!(seen, (1..=25).rev().collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn filters_and_strange_questions_are_answered_as_documented() {
    let platform = Platform::start().await.unwrap();
    let store = Store::of(&platform.backing.database).await;
    store.ingest(Way::JetStream, &[payment("alice", "bob"), payment("bob", "alice"), payment("alice", "bob")]).await;
    let service = Wire::to(&platform.notification_svc[0]);
    let alice = service.bearing(platform.user_token("alice").unwrap());
    let positions = async |query: &str| -> Vec<i64> {
        let page = alice.get(&format!("/v1/users/me/notifications{query}")).await.json();
        page["data"].as_array().unwrap().iter().map(|item| item["position"].as_i64().unwrap()).collect()
    };
    let second = store.ids("alice").await[1];
    platform.person("alice").unwrap().inbox.mark_read("me", second).await.unwrap();
    assert_eq!(positions("?status=unread").await, [3, 1]);
    assert_eq!(positions("?status=read&type=transaction.posted").await, [2]);
    assert_eq!(positions("?type=account.opened").await, Vec::<i64>::new());

    let first = alice.get("/v1/users/me/notifications?limit=1").await.json();
    let cursor = first["next_cursor"].as_str().unwrap().to_owned();
    let altered = if cursor.ends_with('A') { "B" } else { "A" };
    let altered = format!("{}{altered}", &cursor[..cursor.len() - 1]);
    for query in [
        "?limit=0".to_owned(),
        "?limit=201".to_owned(),
        "?status=lost".to_owned(),
        "?type=transaction.teleported".to_owned(),
        "?stauts=read".to_owned(),
        format!("?limit=1&cursor={altered}"),
        format!("?limit=1&status=unread&cursor={cursor}"),
    ] {
        alice.get(&format!("/v1/users/me/notifications{query}")).await.problem(400, "malformed");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_see_and_change_nothing_and_cannot_tell_what_is_there() {
    let platform = Platform::start().await.unwrap();
    let store = Store::of(&platform.backing.database).await;
    store.ingest(Way::JetStream, &[payment("alice", "bob")]).await;
    let alices = store.ids("alice").await[0];
    let service = Wire::to(&platform.notification_svc[0]);
    let bob = service.bearing(platform.user_token("bob").unwrap());

    let missing = bob.get("/v1/users/nobody/notifications").await.problem(404, "not_found").detail;
    for path in ["/v1/users/alice/notifications", "/v1/users/alice/notifications/counts"] {
        assert_eq!(bob.get(path).await.problem(404, "not_found").detail, missing);
    }
    for command in ["read", "unread", "archive"] {
        for path in [
            format!("/v1/users/alice/notifications/{alices}/{command}"),
            format!("/v1/users/me/notifications/{alices}/{command}"),
            format!("/v1/users/me/notifications/ntf_nonsense/{command}"),
        ] {
            assert_eq!(bob.post(&path, "-", "").await.problem(404, "not_found").detail, missing);
        }
    }
    bob.post("/v1/users/alice/notifications/read-all", "-", "").await.problem(404, "not_found");
    service.get("/v1/users/alice/notifications").await.problem(401, "unauthenticated");

    let back_office = service.bearing(platform.service_token().unwrap());
    assert_eq!(back_office.get("/v1/users/alice/notifications").await.json()["data"].as_array().unwrap().len(), 1);
    back_office.get("/v1/users/al%00ice/notifications").await.problem(404, "not_found");
    let operator = service.bearing(platform.operator_token().unwrap());
    operator.post("/v1/users/alice/notifications/read-all", "-", "").await.problem(403, "forbidden");
    let counts = back_office.get("/v1/users/alice/notifications/counts").await.json();
    assert_eq!((&counts["unread"], &counts["read"]), (&Value::from(1), &Value::from(0)));
}
