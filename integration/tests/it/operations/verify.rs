//! The journal of the ledger and the notifications are compared both ways, and what is missing can be given back.

use integration::{
    eventually::eventually,
    people::cents,
    stack::{platform::Platform, service::ServiceKind},
};
use serde_json::Value;
use sqlx::PgPool;

use super::fixture::{Printed, Terminal, inboxes};

async fn verify(platform: &Platform, words: &str) -> Printed {
    let terminal = Terminal::of(platform, ServiceKind::Notification);
    let mut command = terminal.command(words);
    command.env("NOTIFICATION_SVC__LEDGER__URL", platform.transaction_svc[0].url.as_str());
    command.env("NOTIFICATION_SVC__LEDGER__TOKEN", platform.operator_token().unwrap());
    Printed::of(&command.output().await.unwrap())
}

fn counts(findings: &Value) -> [u64; 3] {
    ["missing", "extra", "differing"].map(|sort| findings[sort]["count"].as_u64().unwrap())
}

async fn change(database: &PgPool, statement: &'static str) {
    assert!(sqlx::query(statement).execute(database).await.unwrap().rows_affected() > 0, "{statement}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_missing_extra_or_different_is_told_and_the_missing_comes_back() {
    let platform = Platform::start().await.unwrap();
    let database = platform.pool().await.unwrap();
    let bank = platform.bank().await.unwrap();
    let alice = platform.person("alice").unwrap();
    let from = bank.open_funded(&alice, cents(10_000)).await.unwrap().id;
    let to = platform.person("bob").unwrap().open_account().await.unwrap().id;
    for _ in 0..210 {
        alice.pay(from, to, cents(1)).await.unwrap();
    }
    let verify_all = "verify --until 2100-01-01T00:00:00Z";
    let events = eventually("everything is notified", async || {
        let verified = verify(&platform, verify_all).await;
        anyhow::ensure!(verified.code == Some(0), "{verified:?}");
        Ok(verified.lines[0]["events"].as_u64().unwrap())
    })
    .await;
    assert!(events > 210, "{events} events are more than a page");
    let before = inboxes(&database).await;

    change(
        &database,
        "UPDATE notifications.notifications SET title = 'You won' WHERE recipient = 'bob' AND position = 9",
    )
    .await;
    change(&database, "DELETE FROM notifications.notifications WHERE recipient = 'alice' AND position % 7 = 0").await;
    let verified = verify(&platform, &format!("{verify_all} --repair")).await;
    assert_eq!(verified.code, Some(1));
    let [missing, extra, differing] = counts(&verified.lines[0]);
    assert!(missing > 20 && extra == 0 && differing == 1, "{verified:?}");

    let execute = verified.lines[1]["execute"].as_str().unwrap().strip_prefix("notification-svc ").unwrap();
    Terminal::of(&platform, ServiceKind::Notification).lines(execute).await;
    assert_eq!(counts(&verify(&platform, verify_all).await.lines[0]), [0, 0, 1]);
    change(&database, "UPDATE notifications.notifications SET title = 'You received EUR 0.01' WHERE title = 'You won'")
        .await;
    assert_eq!(inboxes(&database).await, before);

    // As if the ledger had been restored to an earlier moment.
    change(
        &database,
        "DELETE FROM transactions.events WHERE id = (SELECT id FROM transactions.events ORDER BY id DESC LIMIT 1)",
    )
    .await;
    let verified = verify(&platform, verify_all).await;
    assert_eq!((verified.code, counts(&verified.lines[0])), (Some(1), [0, 2, 0]));
    platform.transaction_svc[0].process.stop().await.unwrap();
    assert_eq!(verify(&platform, verify_all).await.code, Some(2), "nothing can be said without the ledger");
}
