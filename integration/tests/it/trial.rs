//! A platform under the load of recorded clients: what faults are done to, and the verdict afterwards.

use std::future::Future;

use anyhow::ensure;
use integration::{
    eventually::eventually,
    history::{
        check::{InboxOrder, check},
        evidence::Evidence,
        record::{Load, Recorder},
        told::History,
    },
    stack::{
        backing::Backing,
        platform::{Layout, Platform},
        process::Process,
        service::Service,
    },
};
use sqlx::PgPool;

pub(crate) struct Trial {
    pub(crate) evidence: Evidence,
    pub(crate) clients: Recorder,
    pub(crate) platform: Platform,
}

impl Trial {
    /// One replica of each service, a NATS of its own, and the shared Postgres.
    pub(crate) async fn start() -> Self {
        Self::of(Backing::cloned().await.unwrap(), &Layout::default(), Load::default()).await
    }

    /// The same without the push path, so that everybody is told in the order of the stream.
    pub(crate) async fn over_jetstream_alone() -> Self {
        let layout = Layout { push: false, ..Layout::default() };
        Self::of(Backing::cloned().await.unwrap(), &layout, Load::default()).await
    }

    /// Two replicas of each service.
    pub(crate) async fn of_two_replicas() -> Self {
        let layout = Layout { replicas: 2, ..Layout::default() };
        Self::of(Backing::cloned().await.unwrap(), &layout, Load::default()).await
    }

    pub(crate) async fn of(backing: Backing, layout: &Layout, load: Load) -> Self {
        let platform = Platform::start_on(backing, layout).await.unwrap();
        let clients = Recorder::new(&platform, load).await.unwrap();
        Self { evidence: Evidence::of(&platform).await.unwrap(), clients, platform }
    }

    pub(crate) fn ledger(&self) -> &Process {
        &self.platform.transaction_svc[0].process
    }

    pub(crate) fn inbox(&self) -> &Process {
        &self.platform.notification_svc[0].process
    }

    pub(crate) fn nats(&self) -> &Process {
        self.platform.backing.nats.process.as_ref().unwrap()
    }

    pub(crate) const fn database(&self) -> &PgPool {
        &self.evidence.database
    }

    /// Drives the clients while `story` goes on, and some more payments beyond it.
    pub(crate) async fn under_load(&self, story: impl Future<Output = ()>) -> History {
        let story = async {
            story.await;
            self.clients.told(20).await.unwrap();
        };
        Box::pin(self.clients.during(story)).await.0
    }

    /// Waits until everything has come to rest, and finds the promise kept.
    pub(crate) async fn assert_promise_kept(&self, history: &History, inbox: InboxOrder) {
        assert!(history.acknowledged() > 10, "only {} payments prove little", history.acknowledged());
        assert_kept(history, &self.evidence, inbox).await;
    }

    /// The same for a story that nobody recorded.
    pub(crate) async fn assert_books_in_order(&self) {
        assert_kept(&History::default(), &self.evidence, InboxOrder::Any).await;
    }

    /// Waits until a session of the ledger stands in the middle of a transaction: its process does not go on.
    pub(crate) async fn a_transaction_hangs(&self) {
        eventually("a transaction stays open, with nothing done in it", async || {
            let hanging: i64 = sqlx::query_scalar(
                "SELECT count(*) FROM pg_stat_activity
                 WHERE datname = current_database() AND usename = 'transaction_svc' AND state = 'idle in transaction'
                   AND clock_timestamp() - state_change > interval '200 ms'",
            )
            .fetch_one(self.database())
            .await?;
            ensure!(hanging > 0, "no transaction hangs: are the services built with their fail points?");
            Ok(())
        })
        .await;
    }
}

async fn assert_kept(history: &History, evidence: &Evidence, inbox: InboxOrder) {
    let violations = check(history, evidence, inbox).await.unwrap();
    let violations: Vec<_> = violations.iter().map(ToString::to_string).collect();
    assert!(violations.is_empty(), "{} violations:\n{}", violations.len(), violations.join("\n"));
}

/// Starts a process anew with these fail points, for this life only.
pub(crate) async fn restart_with_fault(process: &Process, fault: &str) {
    process.stop().await.unwrap();
    process.start_with(&[("FAILPOINTS", fault)]).await.unwrap();
}

/// A metric without labels.
pub(crate) async fn metric(service: &Service, name: &str) -> anyhow::Result<f64> {
    let text = reqwest::get(service.admin_url.join("metrics")?).await?.text().await?;
    let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    Ok(value.ok_or_else(|| anyhow::anyhow!("there is no metric {name}"))?.parse()?)
}

/// Waits until this replica publishes, or until it does not.
pub(crate) async fn leads(service: &Service, is_leader: bool) {
    eventually("the relay's leadership changes", async || {
        let leads = metric(service, "relay_is_leader").await? == 1.0;
        ensure!(leads == is_leader, "this replica leads: {leads}");
        Ok(())
    })
    .await;
}
