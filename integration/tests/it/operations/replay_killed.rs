//! A replay that is killed goes on where it was, and its counts add up.

use std::{process::Stdio, time::Duration};

use integration::stack::{platform::Platform, service::ServiceKind};
use rand::RngExt;
use serde_json::Value;

use super::fixture::{Terminal, inboxes, lose_half, unread};
use crate::notifications::fixture::{Store, message, payment, publish};

const EVENTS: u64 = 2_000;
const KILLS: usize = 20;
/// How long each life may last at most.
const LIFE: Duration = Duration::from_millis(500);

#[tokio::test(flavor = "multi_thread")]
async fn a_replay_that_is_killed_twenty_times_restores_everything_once_and_counts_it_once() {
    let platform = Platform::start().await.unwrap();
    let (terminal, database) = (Terminal::of(&platform, ServiceKind::Notification), platform.pool().await.unwrap());
    let events: Vec<_> = (0..EVENTS).map(|_| payment("alice", "bob")).collect();
    publish(&platform, events.iter().map(message).collect()).await;
    unread(&platform, "alice", 2_000).await;
    let before = inboxes(&database).await;
    let lost = lose_half(&database).await;

    let start = format!("replay --reason killed --rate 1000 --execute --expect {EVENTS}");
    let mut killed_on_the_way = 0;
    for life in 0..KILLS {
        let id = newest(&terminal).await;
        let words = match &id {
            Some(replay) if replay["status"] == "running" => {
                format!("replay resume {} --take-over", replay["id"].as_str().unwrap())
            }
            Some(replay) if replay["status"] == "done" => break,
            _ => start.clone(),
        };
        let mut process = terminal.command(&words).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        // At any moment of its life: this is the fault, not a wait for something.
        let moment = LIFE.mul_f64(rand::rng().random::<f64>()) * if life == 0 { 4 } else { 1 };
        if tokio::time::timeout(moment, process.wait()).await.is_err() {
            process.kill().await.unwrap();
            killed_on_the_way += 1;
        }
    }
    assert!(killed_on_the_way > 0);
    // None where every life ended before its plan was kept.
    let done = match newest(&terminal).await {
        Some(last) if last["status"] == "done" => last,
        Some(last) => {
            let resumed = terminal.lines(&format!("replay resume {} --take-over", last["id"].as_str().unwrap())).await;
            resumed.last().unwrap().clone()
        }
        None => terminal.lines(&start).await.pop().unwrap(),
    };
    let count = |name: &str| done["progress"][name].as_u64().unwrap();
    assert_eq!(count("events"), EVENTS, "{done}");
    assert_eq!(count("restored") + count("unchanged"), EVENTS, "{done}");
    assert_eq!(count("notifications"), lost, "{done}");
    assert_eq!(inboxes(&database).await, before);
    Store::of(&platform.backing.database).await.is_consistent().await;
}

async fn newest(terminal: &Terminal) -> Option<Value> {
    let replays = terminal.lines("replay list").await;
    replays.into_iter().find(|replay| matches!(replay["status"].as_str(), Some("running" | "done")))
}
