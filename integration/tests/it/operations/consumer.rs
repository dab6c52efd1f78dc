//! A consumer that is paused holds nothing and loses nothing, and says how far behind it is.

use integration::{
    eventually::eventually,
    stack::{platform::Platform, service::ServiceKind},
};

use super::fixture::Terminal;
use crate::notifications::fixture::{message, payment, publish};

#[tokio::test(flavor = "multi_thread")]
async fn a_paused_consumer_shows_its_lag_and_goes_on_where_it_was() {
    let platform = Platform::start().await.unwrap();
    let terminal = Terminal::of(&platform, ServiceKind::Notification);
    let refused = terminal.run("consumer pause --minutes 0 --reason maintenance").await;
    assert_eq!(refused.code, Some(2));
    terminal.lines("consumer pause --minutes 5 --reason maintenance").await;
    publish(&platform, (0..30).map(|_| message(&payment("alice", "bob"))).collect()).await;
    let status = eventually("the lag is seen", async || {
        let status = terminal.lines("consumer status").await.remove(0);
        anyhow::ensure!(status["lag_messages"] == 30, "{status}");
        Ok(status)
    })
    .await;
    assert_eq!((status["durable"].as_str(), status["paused"].as_bool()), (Some("notification-svc"), Some(true)));
    assert!(status["lag_seconds"].as_f64().unwrap() > 0.0 && status["pending"] == 30, "{status}");
    let alice = platform.person("alice").unwrap();
    assert_eq!(alice.inbox.counts("me").await.unwrap().unread, 0);

    terminal.lines("consumer resume --reason done").await;
    eventually("everything is told", async || {
        let unread = alice.inbox.counts("me").await?.unread;
        anyhow::ensure!(unread == 30, "{unread}");
        let status = terminal.lines("consumer status").await.remove(0);
        anyhow::ensure!(status["lag_messages"] == 0 && status["paused"] == false, "{status}");
        Ok(())
    })
    .await;
}
