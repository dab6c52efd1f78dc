//! Lists, a page at a time: nothing is missed, nothing comes twice, and a cursor answers only the question it was given for.

use std::collections::HashSet;

use futures_util::future::join_all;
use integration::{eventually::eventually, people::fresh_key};
use serde_json::Value;

use crate::{
    stage::{ACCOUNTS, NOTIFICATIONS, Stage, TRANSACTIONS, account, payment},
    wire::{Reply, Wire},
};

/// A list, who reads it, and the filters of its query.
type List<'a> = (&'a Wire, &'a str, String);

fn items(reply: &Reply) -> Vec<Value> {
    assert_eq!(reply.status, 200, "{reply:?}");
    reply.json()["data"].as_array().unwrap().clone()
}

fn next_cursor(reply: &Reply) -> Option<String> {
    reply.json()["next_cursor"].as_str().map(str::to_owned)
}

/// Alice pays bob, and opens an account, this many times.
async fn write(stage: &Stage, replica: usize, times: usize) {
    let alice = stage.wire_at(replica, "alice");
    for _ in 0..times {
        assert_eq!(alice.post(TRANSACTIONS, &fresh_key(), payment(stage.alice, stage.bob, 1)).await.status, 201);
        assert_eq!(alice.post(ACCOUNTS, &fresh_key(), account("alice")).await.status, 201);
    }
}

/// Every item of a list, in pages of this size.
async fn walk((wire, path, filters): &List<'_>, size: usize) -> Vec<Value> {
    let mut found = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = wire.get(&format!("{path}?limit={size}{filters}{cursor}")).await;
        let page_items = items(&page);
        let count = page_items.len();
        found.extend(page_items);
        let Some(next) = next_cursor(&page) else { break };
        assert_eq!(count, size, "a page before the last is full");
        cursor = format!("&cursor={next}");
    }
    found
}

/// By what a list is sorted.
fn place(item: &Value) -> (i64, &str) {
    (item["position"].as_i64().unwrap_or_default(), item["id"].as_str().unwrap())
}

#[tokio::test]
async fn pages_show_what_was_there_exactly_once_while_others_write() {
    const FIRST: usize = 60;
    let stage = Stage::with(2).await;
    join_all([0, 1].map(|replica| write(&stage, replica, FIRST / 2))).await;
    let (alice, office, bobs_inbox) = (stage.wire("alice"), stage.office(), stage.inbox("bob"));
    eventually("bob is told of everything so far", async || {
        let told = items(&bobs_inbox.get(&format!("{NOTIFICATIONS}?limit=200")).await).len();
        anyhow::ensure!(told > FIRST, "{told} notifications");
        Ok(())
    })
    .await;

    let writers = async {
        join_all([0, 1].map(|replica| write(&stage, replica, usize::MAX))).await;
    };
    let readers = async {
        let lists: [List<'_>; 7] = [
            (&alice, TRANSACTIONS, String::new()),
            (&alice, TRANSACTIONS, format!("&account={}&status=posted", stage.alice)),
            (&office, TRANSACTIONS, String::new()),
            (&office, TRANSACTIONS, "&status=posted".to_owned()),
            (&alice, ACCOUNTS, String::new()),
            (&office, ACCOUNTS, "&owner=alice".to_owned()),
            (&bobs_inbox, NOTIFICATIONS, "&type=transaction.posted".to_owned()),
        ];
        for list in &lists {
            let (wire, path, filters) = list;
            let default = wire.get(&format!("{path}?{}", filters.trim_start_matches('&'))).await;
            assert_eq!(items(&default).len(), 50);
            let known = walk(list, 200).await;
            let found = walk(list, 12).await;
            assert!(found.is_sorted_by(|newer, older| place(newer) > place(older)), "{path}{filters}");
            let found: HashSet<_> = found.iter().map(place).collect();
            assert_eq!(known.iter().find(|item| !found.contains(&place(item))), None, "{path}{filters}");
        }
    };
    let before = stage.rows().await;
    tokio::select! {
        () = readers => {}
        () = writers => unreachable!("writers go on for ever"),
    }
    let (before, after) = (before.transactions, stage.rows().await.transactions);
    assert!(after > before + 20, "{} payments were hardly a disturbance", after - before);
}

/// Cursors that nobody was given, made of one that somebody was.
fn altered(cursor: &str) -> Vec<String> {
    let (longer, twice) = (format!("{cursor}A"), format!("{cursor}&cursor={cursor}"));
    let mut altered =
        ["", "7", "%00", &longer, &twice, &cursor[1..], &cursor[..cursor.len() - 1]].map(str::to_owned).to_vec();
    altered.extend(cursor.char_indices().map(|(at, letter)| {
        let other = if letter == 'A' { "B" } else { "A" };
        [&cursor[..at], other, &cursor[at + 1..]].concat()
    }));
    altered
}

#[tokio::test]
async fn a_cursor_is_good_for_the_one_question_it_was_given_for() {
    let stage = Stage::with(1).await;
    write(&stage, 0, 2).await;
    let (alice, bob, office, inbox_of_bob) =
        (stage.wire("alice"), stage.wire("bob"), stage.office(), stage.inbox("bob"));
    eventually("bob is told", async || {
        anyhow::ensure!(items(&inbox_of_bob.get(NOTIFICATIONS).await).len() > 1);
        Ok(())
    })
    .await;

    let mut cursors = Vec::new();
    for (wire, path) in [(&alice, TRANSACTIONS), (&alice, ACCOUNTS), (&inbox_of_bob, NOTIFICATIONS)] {
        let cursor = next_cursor(&wire.get(&format!("{path}?limit=1")).await).unwrap();
        assert_eq!(wire.get(&format!("{path}?limit=200&cursor={cursor}")).await.status, 200);
        for other in altered(&cursor) {
            let reply = wire.get(&format!("{path}?cursor={other}")).await;
            assert_eq!(reply.status, 400, "{other} instead of {cursor}");
            reply.problem(400, "malformed");
        }
        cursors.push(cursor);
    }
    let [of_transactions, of_accounts, of_notifications] = cursors.as_slice() else { unreachable!() };

    for (wire, question) in [
        (&alice, format!("{TRANSACTIONS}?cursor={of_accounts}")),
        (&alice, format!("{TRANSACTIONS}?cursor={of_notifications}")),
        (&alice, format!("{TRANSACTIONS}?account={}&cursor={of_transactions}", stage.alice)),
        (&alice, format!("{TRANSACTIONS}?status=posted&cursor={of_transactions}")),
        (&bob, format!("{TRANSACTIONS}?cursor={of_transactions}")),
        (&office, format!("{TRANSACTIONS}?cursor={of_transactions}")),
        (&alice, format!("{ACCOUNTS}?cursor={of_transactions}")),
        (&bob, format!("{ACCOUNTS}?cursor={of_accounts}")),
        (&office, format!("{ACCOUNTS}?owner=bob&cursor={of_accounts}")),
        (&inbox_of_bob, format!("{NOTIFICATIONS}?status=unread&cursor={of_notifications}")),
        (&inbox_of_bob, format!("{NOTIFICATIONS}?cursor={of_transactions}")),
        (&stage.inbox("alice"), format!("{NOTIFICATIONS}?cursor={of_notifications}")),
    ] {
        assert_eq!(wire.get(&question).await.status, 400, "{question}");
    }
    questions_that_make_no_sense_are_refused(&stage).await;
}

async fn questions_that_make_no_sense_are_refused(stage: &Stage) {
    let (alice, office, alices_inbox) = (stage.wire("alice"), stage.office(), stage.inbox("alice"));
    for (wire, path) in [(&alice, TRANSACTIONS), (&alice, ACCOUNTS), (&alices_inbox, NOTIFICATIONS)] {
        for limit in ["0", "201", "-1", "ten", "", "1e1", "1.0", "65536", "%00", "1&limit=2"] {
            wire.get(&format!("{path}?limit={limit}")).await.problem(400, "malformed");
        }
        for limit in [1, 200] {
            assert_eq!(wire.get(&format!("{path}?limit={limit}")).await.status, 200);
        }
        wire.get(&format!("{path}?limits=5")).await.problem(400, "malformed");
    }
    for (wire, question) in [
        (&alice, format!("{TRANSACTIONS}?account=acc_7")),
        (&alice, format!("{TRANSACTIONS}?account=")),
        (&alice, format!("{TRANSACTIONS}?status=lost")),
        (&alice, format!("{TRANSACTIONS}?status=posted&status=posted")),
        (&office, format!("{ACCOUNTS}?owner=%00")),
        (&alices_inbox, format!("{NOTIFICATIONS}?status=lost")),
        (&alices_inbox, format!("{NOTIFICATIONS}?type=transaction.lost")),
    ] {
        wire.get(&question).await.problem(400, "malformed");
    }
}
