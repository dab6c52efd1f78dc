//! Replaying restores what is lost, as it was, and changes nothing else.

use contract::Event;
use integration::{
    eventually::eventually,
    stack::{platform::Platform, service::ServiceKind},
};
use serde_json::{Value, json};
use time::Duration;

use super::fixture::{Terminal, inboxes, lose_half, unread};
use crate::{
    notifications::fixture::{Store, message, now, payment_at, publish},
    wire::Wire,
};

/// Payments between three people, ingested: alice is told of all of them.
async fn ingested(platform: &Platform, count: usize) -> Vec<Event> {
    let partners = ["bob", "carol"];
    // A microsecond apart, so that a moment tells two of them from each other.
    let first = now();
    let event = |number: usize| {
        let later = Duration::MICROSECOND * u16::try_from(number).unwrap();
        payment_at(first + later, "alice", partners[number % 2])
    };
    let events: Vec<_> = (0..count).map(event).collect();
    publish(platform, events.iter().map(message).collect()).await;
    unread(platform, "alice", i64::try_from(count).unwrap()).await;
    events
}

#[tokio::test(flavor = "multi_thread")]
async fn lost_notifications_come_back_as_they_were_and_a_healthy_inbox_is_left_alone() {
    let platform = Platform::start().await.unwrap();
    let (terminal, database) = (Terminal::of(&platform, ServiceKind::Notification), platform.pool().await.unwrap());
    // More than one batch.
    ingested(&platform, 1_200).await;
    let before = inboxes(&database).await;
    let lost = lose_half(&database).await;

    let planned = terminal.lines("replay --reason lost").await.pop().unwrap();
    assert_eq!(planned["status"], "planned");
    let plan = &planned["plan"];
    assert_eq!((plan["events"].as_u64(), plan["known_events"].as_u64()), (Some(1_200), Some(1_200)));
    assert_eq!(plan["missing_notifications"].as_u64(), Some(lost));
    let wrong = terminal.run("replay --reason lost --execute --expect 1199").await;
    assert!(wrong.code == Some(1) && wrong.complaint.contains("1200 events, not 1199"), "{wrong:?}");
    assert_ne!(inboxes(&database).await, before, "nothing was restored yet");

    let done = terminal.lines("replay --reason lost --execute --expect 1200").await.pop().unwrap();
    assert_eq!(done["status"], "done");
    assert_eq!(done["progress"]["notifications"].as_u64(), Some(lost));
    assert_eq!(inboxes(&database).await, before);

    let again = terminal.lines("replay --reason again --execute --expect 1200").await.pop().unwrap();
    assert_eq!((&again["progress"]["unchanged"], &again["progress"]["restored"]), (&json!(1_200), &json!(0)));
    assert_eq!(inboxes(&database).await, before);
    Store::of(&platform.backing.database).await.is_consistent().await;
    let status = terminal.lines("consumer status").await.remove(0);
    assert_eq!((&status["lag_messages"], &status["redelivered"]), (&json!(0), &json!(0)), "the live consumer noticed");
}

#[tokio::test(flavor = "multi_thread")]
async fn events_are_selected_by_time_sequence_account_user_and_type_together() {
    let platform = Platform::start().await.unwrap();
    let terminal = Terminal::of(&platform, ServiceKind::Notification);
    let events = ingested(&platform, 40).await;
    let time = contract::timestamp::text(events[10].time);
    let account = events[7].data.effects()[0].account;
    for (selection, expected) in [
        (String::new(), 40),
        ("--user bob".to_owned(), 20),
        ("--user nobody".to_owned(), 0),
        (format!("--account {account}"), 1),
        ("--type transaction.posted --type account.opened".to_owned(), 40),
        ("--type account.opened".to_owned(), 0),
        ("--from-seq 11 --to-seq 20".to_owned(), 10),
        ("--from-seq 11 --to-seq 20 --user carol".to_owned(), 5),
        ("--from-seq 1000".to_owned(), 0),
        (format!("--since {time}"), 30),
        (format!("--until {time}"), 10),
        (format!("--since {time} --to-seq 20 --user bob --type transaction.posted"), 5),
    ] {
        let planned = terminal.lines(&format!("replay {selection} --reason look")).await.remove(0);
        assert_eq!(planned["plan"]["events"], expected, "{selection}: {planned}");
    }
    for refused in
        ["replay", "replay --since yesterday --reason x", "replay --execute --reason x", "replay --rate 0 --reason x"]
    {
        assert_eq!(terminal.run(refused).await.code, Some(2), "{refused}");
    }
    assert_eq!(terminal.lines("replay list").await.len(), 12);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replay_that_is_asked_for_over_http_is_planned_and_run_by_the_service() {
    let platform = Platform::start().await.unwrap();
    let database = platform.pool().await.unwrap();
    ingested(&platform, 50).await;
    let before = inboxes(&database).await;
    lose_half(&database).await;
    let operator = Wire::to(&platform.notification_svc[0]).bearing(platform.operator_token().unwrap());
    for body in [json!({}), json!({"reason": "x", "user": "a b"}), json!({"reason": "x", "since": "now"})] {
        operator.post("/v1/replays", "unused", body.to_string()).await.problem(400, "malformed");
    }
    let body = json!({"user": "alice", "reason": "over HTTP", "events_per_second": 1_000});
    let asked = operator.post("/v1/replays", "unused", body.to_string()).await.json();
    let path = format!("/v1/replays/{}", asked["id"].as_str().unwrap());
    let becomes = async |status: &'static str| -> Value {
        eventually("the replay gets on", async || {
            let replay = operator.get(&path).await.json();
            anyhow::ensure!(replay["status"] == status, "{replay}");
            Ok(replay)
        })
        .await
    };
    assert_eq!(becomes("planned").await["plan"]["events"], 50);
    let execute = format!("{path}/execute");
    let refused = operator.post(&execute, "unused", r#"{"expect": 49}"#).await.problem(409, "invalid_state");
    assert_eq!(refused.members["planned"], 50);
    operator.post(&execute, "unused", r#"{"expect": 50}"#).await;
    let done = becomes("done").await;
    assert_eq!((&done["operator"], &done["progress"]["events"]), (&json!("operator"), &json!(50)));
    assert_eq!(inboxes(&database).await, before);
    operator.post(&format!("{path}/cancel"), "unused", "").await.problem(409, "invalid_state");
}
