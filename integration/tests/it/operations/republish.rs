//! The journal is published again: by hand, and by itself when the stream has lost events.

use std::{collections::BTreeSet, path::Path};

use contract::EventId;
use integration::{
    eventually::eventually,
    fault::store,
    history::evidence::Evidence,
    people::cents,
    stack::{
        platform::{Layout, Platform, migrate},
        service::ServiceKind,
    },
};
use serde_json::Value;
use uuid::Uuid;

use super::fixture::Terminal;
use crate::trial::metric;

struct Story {
    platform: Platform,
    evidence: Evidence,
    terminal: Terminal,
}

impl Story {
    async fn begin() -> Self {
        let platform = Platform::start().await.unwrap();
        let (evidence, terminal) =
            (Evidence::of(&platform).await.unwrap(), Terminal::of(&platform, ServiceKind::Transaction));
        Self { platform, evidence, terminal }
    }

    /// So many payments, all of them published.
    async fn pay(&self, count: usize) {
        let bank = self.platform.bank().await.unwrap();
        let alice = bank.open_funded(&self.platform.person("alice").unwrap(), cents(1_000)).await.unwrap();
        for _ in 0..count {
            bank.fund(alice.id, cents(1)).await.unwrap();
        }
        self.all_is_published().await;
    }

    async fn journal(&self) -> BTreeSet<EventId> {
        let ids: Vec<Uuid> =
            sqlx::query_scalar("SELECT id FROM transactions.events").fetch_all(&self.evidence.database).await.unwrap();
        ids.into_iter().map(EventId::from_uuid).collect()
    }

    /// Waits until the stream has every event of the journal, and nothing waits.
    async fn all_is_published(&self) {
        let journal = self.journal().await;
        eventually("every event is on the stream", async || {
            let published: BTreeSet<_> = self.evidence.published().await?.iter().map(|message| message.event).collect();
            anyhow::ensure!(published == journal, "{} of {}", published.len(), journal.len());
            let waiting: i64 = sqlx::query_scalar("SELECT count(*) FROM transactions.outbox_relay")
                .fetch_one(&self.evidence.database)
                .await?;
            anyhow::ensure!(waiting == 0, "{waiting} wait");
            Ok(())
        })
        .await;
    }

    /// Puts another store under NATS while it is away.
    async fn replace_store(&self, replace: impl FnOnce(&Path)) {
        let nats = self.platform.backing.nats.process.as_ref().unwrap();
        nats.stop().await.unwrap();
        replace(&self.platform.backing.directory.path().join("nats"));
        nats.start().await.unwrap();
        migrate(&self.platform.backing, &Layout::default()).await.unwrap();
    }

    async fn went_back(&self) -> Value {
        let lost = metric(&self.platform.transaction_svc[0], "relay_stream_went_back_total").await.unwrap();
        assert_eq!(lost, 1.0, "one loss is answered once");
        let mut asked = self.terminal.lines("republish list").await;
        assert_eq!(asked.len(), 1);
        assert_eq!((&asked[0]["operator"], &asked[0]["status"]), (&"transaction-svc".into(), &"done".into()));
        asked.remove(0)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_was_made_anew_gets_the_journal_again() {
    let story = Story::begin().await;
    story.pay(20).await;
    story.replace_store(|kept| store::empty(kept).unwrap()).await;
    story.all_is_published().await;
    let asked = story.went_back().await;
    assert!(asked["reason"].as_str().unwrap().contains("made anew"), "{asked}");
    story.pay(3).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_restored_from_an_older_copy_gets_what_it_has_lost() {
    let story = Story::begin().await;
    story.pay(10).await;
    let copy = story.platform.backing.directory.path().join("copy");
    story.replace_store(|kept| store::copy(kept, &copy).unwrap()).await;
    story.pay(10).await;
    story
        .replace_store(|kept| {
            store::empty(kept).unwrap();
            store::copy(&copy, kept).unwrap();
        })
        .await;
    story.all_is_published().await;
    let asked = story.went_back().await;
    assert!(asked["reason"].as_str().unwrap().contains("went back"), "{asked}");
    story.pay(3).await;
    story.evidence.at_rest().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_has_the_journal_published_again_as_planned_and_nobody_is_told_twice() {
    let story = Story::begin().await;
    story.pay(10).await;
    story.evidence.at_rest().await.unwrap();
    let told = async || -> i64 {
        let told = sqlx::query_scalar("SELECT count(*) FROM notifications.notifications");
        told.fetch_one(&story.evidence.database).await.unwrap()
    };
    let (events, before) = (story.journal().await.len(), told().await);
    let planned = story.terminal.lines("republish --all --reason look").await.remove(0);
    assert_eq!(planned["events"].as_u64(), Some(events as u64));
    let wrong = story.terminal.run("republish --all --reason look --execute --expect 1").await;
    assert!(wrong.code == Some(1) && wrong.complaint.contains("not 1"), "{wrong:?}");
    for refused in ["republish --reason x", "republish --all", "republish --all --rate 0 --reason x"] {
        assert_eq!(story.terminal.run(refused).await.code, Some(2), "{refused}");
    }

    let account: Uuid = sqlx::query_scalar("SELECT id FROM transactions.accounts WHERE owner = 'alice'")
        .fetch_one(&story.evidence.database)
        .await
        .unwrap();
    let account = contract::AccountId::from_uuid(account);
    for selection in ["--all".to_owned(), format!("--account {account}")] {
        let planned = story.terminal.lines(&format!("republish {selection} --reason look")).await.remove(0);
        let expect = planned["events"].as_u64().unwrap();
        story.terminal.lines(&format!("republish {selection} --reason drill --execute --expect {expect}")).await;
        eventually("it is done", async || {
            let newest = story.terminal.lines("republish list").await.remove(0);
            anyhow::ensure!(newest["status"] == "done" && newest["events"] == expect, "{newest}");
            Ok(())
        })
        .await;
    }
    story.pay(3).await;
    story.evidence.at_rest().await.unwrap();
    // One account is opened and funded, and three more payments are made to it.
    assert_eq!(told().await, before + 5);
}
