//! The largest event that a caller can cause.

use std::time::Duration;

use integration::{
    eventually::eventually,
    people::fresh_key,
    stack::{identity::SERVICE_SCOPES, platform::Platform},
};

use super::body::{Body, object, text};
use crate::{
    stage::{ACCOUNTS, TRANSACTIONS},
    wire::Wire,
};

/// What every receiver can count on.
const MAX_EVENT_BYTES: i32 = 32 * 1_024;

/// As much metadata as is allowed, made of this letter.
fn largest_metadata(letter: &str) -> String {
    let letters = (4_096 - 20) / letter.len();
    let values = (0..20).map(|key| letter.repeat(letters / 20 + usize::from(key < letters % 20)));
    object(('a'..='t').map(String::from).zip(values))
}

#[tokio::test]
async fn the_largest_event_is_below_32_kib_and_arrives() {
    let platform = Platform::start().await.unwrap();
    let [payer, payee] = ["a", "b"].map(|letter| letter.repeat(128));
    let token = platform.backing.issuer.token(&payer, SERVICE_SCOPES, Duration::from_secs(600)).unwrap();
    let wire = Wire::to(&platform.transaction_svc[0]).bearing(token);
    let created = async |path, body: Body| {
        let reply = wire.post(path, &format!("{:k<255}", fresh_key()), body).await;
        assert_eq!(reply.status, 201, "{reply:?}");
        reply.json()["id"].to_string()
    };

    // Four bytes for a character; six in JSON for a byte.
    for letter in ["\u{1f600}", "\u{1}"] {
        let metadata = largest_metadata(letter);
        let open =
            |owner| Body::account(owner).with("name", text(&letter.repeat(128))).with("metadata", metadata.clone());
        let source = created(ACCOUNTS, open(&payer).with("min_balance", "null")).await;
        let destination = created(ACCOUNTS, open(&payee)).await;
        let payment = Body(vec![("source", source), ("destination", destination), ("currency", text("EUR"))])
            .with("amount", text(&i64::MAX.to_string()))
            .with("description", text(&letter.repeat(500)))
            .with("reference", text(&letter.repeat(128)))
            .with("metadata", metadata);
        created(TRANSACTIONS, payment).await;
    }
    let largest: i32 = sqlx::query_scalar("SELECT max(octet_length(body)) FROM transactions.events")
        .fetch_one(&platform.pool().await.unwrap())
        .await
        .unwrap();
    println!("the largest event has {largest} bytes");
    assert!(largest < MAX_EVENT_BYTES);

    let payee = platform.person(&payee).unwrap();
    eventually("the payee is told of two accounts and two payments", async || {
        let unread = payee.inbox.counts("me").await?.unread;
        anyhow::ensure!(unread == 4, "{unread} notifications");
        Ok(())
    })
    .await;
}
