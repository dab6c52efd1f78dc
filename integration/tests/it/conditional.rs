//! Reading again what one has: 304 as long as it is the same, and never when it is not.

use std::collections::BTreeMap;

use integration::{eventually::eventually, people::cents};
use reqwest::Method;

use crate::{
    stage::{ACCOUNTS, NOTIFICATIONS, Stage, TRANSACTIONS},
    wire::{Reply, Wire, send},
};

async fn read_again(wire: &Wire, path: &str, had: &str) -> Reply {
    send(wire.request(Method::GET, path).header("If-None-Match", had)).await
}

/// What a reader has of these paths.
async fn tags(wire: &Wire, paths: &[String]) -> BTreeMap<String, String> {
    let mut tags = BTreeMap::new();
    for path in paths {
        let reply = wire.get(path).await;
        assert_eq!((reply.status, reply.header("Cache-Control")), (200, Some("private, no-cache")), "{reply:?}");
        let tag = reply.header("ETag").unwrap().to_owned();
        let unchanged = read_again(wire, path, &format!("\"another\", W/{tag}")).await;
        assert_eq!((unchanged.status, unchanged.header("ETag"), unchanged.body.as_str()), (304, Some(&*tag), ""));
        tags.insert(path.clone(), tag);
    }
    tags
}

/// Which of these paths show something else by now.
async fn changed<'t>(wire: &Wire, had: &'t BTreeMap<String, String>) -> Vec<&'t str> {
    let mut changed = Vec::new();
    for (path, tag) in had {
        let reply = read_again(wire, path, tag).await;
        match reply.status {
            304 => {}
            200 if reply.header("ETag") != Some(tag) => changed.push(path.as_str()),
            _ => unreachable!("{path}: {reply:?}"),
        }
    }
    changed
}

#[tokio::test]
async fn accounts_and_transactions_are_sent_again_only_when_they_have_changed() {
    let stage = Stage::with(1).await;
    let alice = stage.wire("alice");
    let paid = stage.platform.person("alice").unwrap().pay(stage.alice, stage.bob, cents(1)).await.unwrap();
    let (account, transaction) = (format!("{ACCOUNTS}/{}", stage.alice), format!("{TRANSACTIONS}/{}", paid.id));
    let had = tags(&alice, &[account.clone(), transaction.clone()]).await;
    stage.platform.person("alice").unwrap().pay(stage.alice, stage.bob, cents(1)).await.unwrap();
    assert_eq!(changed(&alice, &had).await, [account]);
    // Having it is no permission to learn that it is there.
    read_again(&stage.wire("mallory"), &transaction, &had[&transaction]).await.problem(404, "not_found");
}

#[tokio::test]
async fn an_inbox_is_sent_again_only_when_something_in_it_has_changed() {
    let stage = Stage::with(1).await;
    let (alice, person) = (stage.inbox("alice"), stage.platform.person("alice").unwrap());
    let told = eventually("alice is told of her account and her money", async || {
        let told = person.inbox.list("me", None).await?.data;
        anyhow::ensure!(told.len() == 2, "{}", told.len());
        Ok(told)
    })
    .await;
    let [newer, older] = [told[0].id, told[1].id];
    person.inbox.mark_read("me", newer).await.unwrap();

    let first = alice.get(&format!("{NOTIFICATIONS}?limit=1")).await.json();
    let second = format!("{NOTIFICATIONS}?limit=1&cursor={}", first["next_cursor"].as_str().unwrap());
    let [counts, empty] = [format!("{NOTIFICATIONS}/counts"), format!("{NOTIFICATIONS}?status=archived")];
    let lists = [NOTIFICATIONS.to_owned(), format!("{NOTIFICATIONS}?status=unread"), second, empty];
    let mut had = tags(&alice, &lists).await;
    had.extend(tags(&alice, std::slice::from_ref(&counts)).await);
    let bobs = stage.inbox("bob");
    for path in [NOTIFICATIONS, &counts] {
        assert_eq!(read_again(&bobs, path, &had[path]).await.status, 200, "what alice has is not what bob has");
        read_again(&bobs, &path.replace("/me/", "/alice/"), &had[path]).await.problem(404, "not_found");
    }

    // As many are read and unread as before, and others.
    person.inbox.mark_unread("me", newer).await.unwrap();
    person.inbox.mark_read("me", older).await.unwrap();
    let mut expected: Vec<_> = lists.iter().map(String::as_str).collect();
    expected.sort_unstable();
    assert_eq!(changed(&alice, &had).await, expected);
    person.inbox.mark_all_read("me").await.unwrap();
    assert_eq!(changed(&alice, &had).await.len(), had.len());
}
