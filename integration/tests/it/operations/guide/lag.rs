//! The consumer was paused and forgotten, and later a replica hangs.

use integration::{
    fault::signal,
    stack::{service::ServiceKind, supervise::supervise},
};

use super::chapter::Chapter;
use crate::{operations::fixture::Terminal, stage::Stage};

pub(super) const CHAPTER: &str = "Lag grows";

#[tokio::test(flavor = "multi_thread")]
async fn what_to_do_when_lag_grows() {
    let stage = Stage::over_jetstream_alone().await;
    stage.assert_in_order().await;
    let mut chapter = Chapter::open(&stage.platform, CHAPTER).await;
    let terminal = Terminal::of(&stage.platform, ServiceKind::Notification);
    terminal.lines("consumer pause --minutes 600 --reason forgotten").await;
    stage.pay(5).await;
    let said = chapter.run(0).await;
    assert!(said.contains("\"paused\":true") && said.contains("outbox_oldest_age_seconds"), "{said}");
    let said = chapter.run(1).await;
    assert!(said.contains("forgotten") && said.contains("olivia"), "{said}");
    chapter.run(3).await;

    let pid = stage.platform.notification_svc[0].process.pid().unwrap();
    signal::freeze(pid).unwrap();
    stage.pay(5).await;
    let said = chapter.run(0).await;
    assert!(said.contains("notification-svc does not answer"), "{said}");
    tokio::select! {
        () = supervise(&stage.platform, |_| {}) => {}
        () = async { chapter.run(2).await; chapter.run(3).await; } => {}
    }
    chapter.close();
    stage.assert_in_order().await;
}
