//! What is sent to each operation that changes something.

#![expect(clippy::panic, reason = "the assertions of a test")]

use serde_json::{Value, json};

use crate::stage::{Stage, account, payment};

/// What alice sends to an operation that changes something.
pub(super) struct Sent {
    pub(super) body: Option<String>,
    /// What another is told who sends the same; `None`, as for all reading: that there is no such thing.
    pub(super) refusal: Option<(u16, &'static str)>,
}

pub(super) fn sent(stage: &Stage, operation: &str) -> Sent {
    let (body, refusal) = match operation {
        "open_account" => (Some(account("alice")), Some((403, "forbidden"))),
        "replace_preferences" => (Some(json!({"locale": "de", "muted_types": []}).to_string()), None),
        "create_transaction" => (Some(payment(stage.alice, stage.bob, 1)), Some((422, "unknown_account"))),
        "create_transactions" => {
            let one: Value = serde_json::from_str(&payment(stage.alice, stage.bob, 1)).unwrap();
            (Some(json!({"mode": "atomic", "transactions": [one]}).to_string()), Some((422, "unknown_account")))
        }
        "redrive_dead_letters" | "discard_dead_letters" => {
            (Some(json!({"only": "none_of_these", "reason": "a story"}).to_string()), None)
        }
        "redrive_dead_letter" | "discard_dead_letter" => (Some(json!({"reason": "a story"}).to_string()), None),
        "plan_replay" => (Some(json!({"user": "nobody", "reason": "a story"}).to_string()), None),
        "execute_replay" => (Some(json!({"expect": 0}).to_string()), None),
        "cancel_replay" => (None, None),
        "update_account" => (Some(json!({"settings_version": 1}).to_string()), None),
        "freeze_account" | "unfreeze_account" => (None, Some((403, "forbidden"))),
        "close_account" => (None, None),
        "capture_transaction" | "void_transaction" | "refund_transaction" => (None, None),
        "read_notification" | "unread_notification" | "archive_notification" | "read_all_notifications" => (None, None),
        "create_session" | "revoke_session" | "revoke_sessions" => (None, None),
        "receive_event" => (Some("{}".to_owned()), None),
        "create_webhook_endpoint" => {
            (Some(r#"{"url": "https://example.com/hook", "enabled": false}"#.to_owned()), None)
        }
        "change_webhook_endpoint" => (Some(r#"{"description": "Books"}"#.to_owned()), None),
        "recover_webhook_deliveries" => (Some(r#"{"since": "2026-01-01T00:00:00Z"}"#.to_owned()), None),
        "rotate_webhook_secret" | "resend_webhook_delivery" | "delete_webhook_endpoint" => (None, None),
        _ => panic!("say in strangers/sent.rs what {operation} is sent"),
    };
    Sent { body, refusal }
}
