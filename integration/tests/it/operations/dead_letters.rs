//! What a consumer gives up on can be understood, handed on once its cause is gone, and thrown away by name.

use contract::EventId;
use integration::stack::{identity::OPERATOR_SCOPES, platform::Platform, service::ServiceKind};
use serde_json::{Value, json};

use super::fixture::{Terminal, there_are, unread};
use crate::{
    notifications::fixture::{described, message, now, payment, publish},
    wire::Wire,
};

/// Among two good ones: three that are no event, one of a newer version, one for carol, and one under a known id. Gives
/// the id of carol's.
async fn publish_good_and_bad(platform: &Platform) -> String {
    let first = payment("alice", "bob");
    let newer = String::from_utf8(payment("alice", "bob").encode().unwrap()).unwrap();
    let newer = newer.replace("\"dataversion\":\"1\"", "\"dataversion\":\"2\"");
    let id = || EventId::new(now(), rand::random());
    let poison = || (id(), b"not an event".to_vec());
    let forged = described(first.clone(), "Something else");
    let carols = payment("alice", "carol");
    let messages = vec![
        message(&first),
        poison(),
        poison(),
        poison(),
        (id(), newer.into_bytes()),
        message(&carols),
        (id(), forged.encode().unwrap()),
        message(&payment("alice", "bob")),
    ];
    publish(platform, messages).await;
    carols.id.to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_told_is_set_aside_with_a_reason_and_told_once_the_cause_is_gone() {
    let platform = Platform::start().await.unwrap();
    let terminal = Terminal::of(&platform, ServiceKind::Notification);
    let database = platform.pool().await.unwrap();
    sqlx::query("ALTER TABLE notifications.notifications ADD CONSTRAINT not_to_carol CHECK (recipient <> 'carol')")
        .execute(&database)
        .await
        .unwrap();
    let carols = publish_good_and_bad(&platform).await;
    let all = [("conflicting", 1), ("malformed", 4), ("unsupported", 1)];
    there_are(&platform, &all).await;
    unread(&platform, "bob", 2).await;

    let letters = terminal.lines("dead-letters list --each").await;
    let told: Vec<_> = letters.iter().map(|letter| letter["error"].as_str().unwrap()).collect();
    for (told, reason) in told.iter().zip([
        "not a CloudEvent of the platform",
        "not a CloudEvent of the platform",
        "not a CloudEvent of the platform",
        "a transaction.posted of version 2 is not supported by this reader",
        "not_to_carol",
        "another event with this id was ingested before",
    ]) {
        assert!(told.contains(reason), "{told:?} does not say {reason}");
    }

    // Nothing has been done about it: all of them come back.
    let treated = terminal.lines("dead-letters redrive --all --reason impatience").await;
    assert_eq!(treated, [json!({"planned": 6, "done": 6})]);
    there_are(&platform, &all).await;
    let again = terminal.lines("dead-letters list --each").await;
    let carols_letter = again.iter().find(|letter| letter["event_id"] == carols).unwrap();
    let before = letters.iter().find(|letter| letter["event_id"] == carols).unwrap();
    for name in ["stream", "stream_sequence", "subject", "first_failed_at", "event_id"] {
        assert_eq!(carols_letter[name], before[name], "{name}");
    }
    let history = carols_letter["history"].as_array().unwrap();
    assert_eq!(history.len(), 1);
    let line = history[0].as_str().unwrap();
    assert!(line.contains("not_to_carol") && line.contains("handed on by olivia"), "{line}");

    sqlx::query("ALTER TABLE notifications.notifications DROP CONSTRAINT not_to_carol")
        .execute(&database)
        .await
        .unwrap();
    terminal.lines(&format!("dead-letters redrive {} --reason fixed", carols_letter["id"])).await;
    unread(&platform, "carol", 1).await;
    there_are(&platform, &[("conflicting", 1), ("malformed", 3), ("unsupported", 1)]).await;

    let exported = terminal.lines("dead-letters export --only malformed --reason evidence").await;
    assert!(exported.len() == 3 && exported.iter().all(|letter| letter["body_base64"] == "bm90IGFuIGV2ZW50"));
    assert_eq!(terminal.run("dead-letters discard --all").await.code, Some(2), "without a reason");
    assert_eq!(terminal.run("dead-letters discard --reason everything").await.code, Some(2), "without a selection");
    terminal.lines("dead-letters discard --only malformed --reason rubbish").await;
    let rest = discard_the_rest_over_http(&platform).await;
    assert_eq!(rest, json!({"planned": 2, "done": 2}));
    there_are(&platform, &[]).await;
    assert_eq!(
        audit(&platform).await,
        json!([
            ["dead_letters.discard", "operator", "over HTTP", 2, 2],
            ["dead_letters.discard", "olivia", "rubbish", 3, 3],
            ["dead_letters.export", "olivia", "evidence", 3, 3],
            ["dead_letters.redrive", "olivia", "fixed", 1, 1],
            ["dead_letters.redrive", "olivia", "impatience", 6, 6],
        ])
    );
}

fn operator(platform: &Platform) -> Wire {
    let token = platform.backing.issuer.token("operator", OPERATOR_SCOPES, std::time::Duration::from_secs(600));
    Wire::to(&platform.notification_svc[0]).bearing(token.unwrap())
}

async fn discard_the_rest_over_http(platform: &Platform) -> Value {
    let operator = operator(platform);
    let listed = operator.get("/v1/dead-letters?limit=1").await.json();
    let first = listed["data"][0]["id"].as_u64().unwrap();
    assert!(listed["next_cursor"].is_string());
    assert_eq!(operator.get(&format!("/v1/dead-letters/{first}")).await.json()["history"].as_array().unwrap().len(), 1);
    operator.get("/v1/dead-letters?reason=a.b").await.problem(400, "malformed");
    let discard = "/v1/dead-letters/discard";
    for body in
        [json!({}), json!({"reason": " "}), json!({"reason": "x", "only": ">"}), json!({"reason": "x", "all": true})]
    {
        operator.post(discard, "unused", body.to_string()).await.problem(400, "malformed");
    }
    operator.post("/v1/dead-letters/1/redrive", "unused", r#"{"reason": "gone"}"#).await.problem(404, "not_found");
    operator.post(discard, "unused", r#"{"reason": "over HTTP"}"#).await.json()
}

/// Action, who, why, planned and done; the newest first.
async fn audit(platform: &Platform) -> Value {
    let operations = operator(platform).get("/v1/operations").await.json();
    let entries = operations["data"].as_array().unwrap().iter().map(|operation| {
        assert!(operation["finished_at"].is_string(), "{operation}");
        json!(["action", "operator", "reason", "planned", "done"].map(|name| operation[name].clone()))
    });
    entries.collect()
}
