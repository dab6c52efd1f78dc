//! The golden files are the contract: what was published once must decode for ever, and what is written today must not
//! differ by a byte.

use contract::{
    Event,
    event::{DecodeError, EventData},
};

const TRANSACTION_POSTED: &str = include_str!("golden/transaction.posted.v1.json");
const TRANSACTION_PENDING: &str = include_str!("golden/transaction.pending.v1.json");
const TRANSACTION_REFUNDED: &str = include_str!("golden/transaction.refunded.v1.json");
const ACCOUNT_OPENED: &str = include_str!("golden/account.opened.v1.json");
const WEBHOOK_ENDPOINT_DISABLED: &str = include_str!("golden/webhook_endpoint.disabled.v1.json");

#[test]
fn golden_events_decode_and_encode_to_the_same_bytes() {
    for golden in
        [TRANSACTION_PENDING, TRANSACTION_POSTED, TRANSACTION_REFUNDED, ACCOUNT_OPENED, WEBHOOK_ENDPOINT_DISABLED]
    {
        let event = Event::decode(golden.as_bytes()).expect("a golden event decodes");
        let encoded = String::from_utf8(event.encode().expect("an event encodes")).expect("JSON is UTF-8");
        assert_eq!(encoded, golden.trim_end());
    }
}

#[test]
fn the_parties_are_in_the_effects() {
    let event = Event::decode(TRANSACTION_POSTED.as_bytes()).expect("a golden event decodes");
    let owners: Vec<_> =
        event.data.effects().iter().map(|effect| (effect.owner.as_str(), effect.amount.get())).collect();
    assert_eq!(owners, [("alice", -1250), ("bob", 1250)]);
    assert!(matches!(event.data, EventData::Transaction(_)));
}

#[test]
fn unknown_fields_are_ignored() {
    let extended = TRANSACTION_POSTED.replacen("\"source\":", "\"later\":{\"a\":[1]},\"source\":", 1).replacen(
        "\"actor\":",
        "\"later\":1,\"actor\":",
        1,
    );
    assert_eq!(
        Event::decode(extended.as_bytes()).expect("decodes"),
        Event::decode(TRANSACTION_POSTED.as_bytes()).expect("decodes")
    );
}

#[test]
fn versions_and_types_from_the_future_are_set_aside_not_guessed() {
    for newer in [
        TRANSACTION_POSTED.replace("\"dataversion\":\"1\"", "\"dataversion\":\"2\""),
        TRANSACTION_POSTED.replace("\"type\":\"transaction.posted\"", "\"type\":\"transaction.teleported\""),
    ] {
        assert!(matches!(Event::decode(newer.as_bytes()), Err(DecodeError::Unsupported { .. })), "{newer}");
    }
}

#[test]
fn broken_events_say_what_is_broken() {
    assert!(matches!(Event::decode(b"not json"), Err(DecodeError::Envelope(_))));
    assert!(matches!(Event::decode(b"{\"id\":\"evt_1\"}"), Err(DecodeError::Envelope(_))));
    let broken = TRANSACTION_POSTED.replace("\"amount\":\"1250\"", "\"amount\":\"12.50\"");
    assert!(matches!(Event::decode(broken.as_bytes()), Err(DecodeError::Data { .. })));
}
