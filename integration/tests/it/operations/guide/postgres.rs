//! Postgres is killed under load, and comes back with everything that it had acknowledged.

use integration::{
    eventually::eventually,
    history::{check::InboxOrder, record::Load},
    stack::{backing::Backing, platform::Layout},
};

use super::chapter::Chapter;
use crate::{stage::next_second, trial::Trial};

pub(super) const CHAPTER: &str = "Postgres failed over";

#[tokio::test(flavor = "multi_thread")]
async fn what_to_do_when_postgres_failed_over() {
    let trial = Trial::of(Backing::private().await.unwrap(), &Layout::default(), Load::default()).await;
    let postgres = trial.platform.backing.postgres.process.as_ref().unwrap();
    let history = trial
        .under_load(async {
            trial.clients.told(50).await.unwrap();
            postgres.kill().await.unwrap();
            eventually("Postgres starts again once its backends are gone", async || postgres.start().await).await;
            trial.clients.told(50).await.unwrap();
        })
        .await;
    trial.evidence.at_rest().await.unwrap();
    next_second(trial.database()).await;
    let mut chapter = Chapter::open(&trial.platform, CHAPTER).await;
    let said = chapter.run(0).await;
    assert!(said.contains("\"orphaned\":{\"count\":0"), "{said}");
    chapter.close();
    trial.assert_promise_kept(&history, InboxOrder::Any).await;
}
