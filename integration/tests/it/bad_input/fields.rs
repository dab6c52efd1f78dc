//! Wrong fields, one by one and all at once.

use integration::people::fresh_key;

use super::{
    body::{Body, object, text},
    refused_fields,
};
use crate::stage::{ACCOUNTS, Stage, TRANSACTIONS};

/// A member, a value that it must not have, as JSON text, and where that is reported.
type Wrong = (&'static str, String, &'static str);

/// Each of these values, which stand with blanks between them.
fn each(name: &'static str, pointer: &'static str, values: &str) -> impl Iterator<Item = Wrong> {
    values.split_whitespace().map(move |value| (name, value.to_owned(), pointer))
}

fn wrong_everywhere() -> Vec<Wrong> {
    let keys = |count: usize| object((0..count).map(|key| (key.to_string(), "v".to_owned())));
    let mut wrong = vec![
        ("metadata", keys(21), "/metadata"),
        ("metadata", object([("k".to_owned(), "v".repeat(4_096))]), "/metadata"),
        ("colour", text("red"), "/colour"),
        ("Amount", text("1"), "/Amount"),
    ];
    wrong.extend(each("metadata", "/metadata", r#"7 [] "note" {"a":"b\u0000"} {"a\u0000":"b"}"#));
    wrong.extend(each("metadata", "/metadata/a", r#"{"a":1} {"a":null} {"a":{"b":"c"}}"#));
    wrong.extend(each("currency", "/currency", r#"null 978 [] "" "eur" "EURO" "ZZZ" "XAU" "EU\u0000""#));
    wrong
}

fn wrong_in_a_payment() -> Vec<Wrong> {
    let mut wrong = wrong_everywhere();
    let numbers = "0 -1 0.5 12.5 1.0 1e3 9007199254740992 18446744073709551616";
    let texts = r#""" "0" "-1" "-" "12.5" "1e3" "+5" "05" "\u00205" "٣" "5\u0000" "9223372036854775808""#;
    for values in ["null true [] {}", numbers, texts] {
        wrong.extend(each("amount", "/amount", values));
    }
    let ids =
        r#"null 7 "" "acc_" "acc_\u0000" "0193a7f6-5f5e-7c3a-8000-000000000000" "txn_01kaqmd2c5e8hbz5nqg3bfkvxd""#;
    wrong.extend(each("source", "/source", ids));
    wrong.extend(each("destination", "/destination", ids));
    wrong.extend(each("capture", "/capture", r#"1 "later" "AUTOMATIC""#));
    wrong.extend(each("expires_at", "/expires_at", r#"7 "" "tomorrow" "2026-11-23" "2999-01-01T00:00:00Z""#));
    for (name, pointer, most) in [("description", "/description", 500), ("reference", "/reference", 128)] {
        wrong.extend(each(name, pointer, r#"5 [] "a\u0000b""#));
        wrong.push((name, text(&"é".repeat(most + 1)), pointer));
    }
    wrong
}

fn wrong_in_an_account() -> Vec<Wrong> {
    let mut wrong = wrong_everywhere();
    wrong.extend(each("owner", "/owner", r#"null 5 "" "a\u0020b" "a/b" "é" "alice\u0000""#));
    wrong.push(("owner", text(&"a".repeat(129)), "/owner"));
    wrong.extend(each("name", "/name", r#"5 [] "a\u0000""#));
    wrong.push(("name", text(&"é".repeat(129)), "/name"));
    // Above zero an empty account would be overdrawn; at the lowest i64 nothing could be counted from it.
    let limits = r#""1" 1 0.5 [] "x" "-0" -9007199254740992 "-9223372036854775808""#;
    wrong.extend(each("min_balance", "/min_balance", limits));
    wrong.extend(each("notify", "/notify", r#"0 "yes" []"#));
    wrong
}

#[tokio::test]
async fn whoever_sends_wrong_fields_is_told_all_of_them_and_nothing_is_written() {
    let stage = Stage::with(1).await;
    let before = stage.rows().await;
    let wire = stage.wire("alice");
    let payment = ["source", "destination", "amount", "currency", "capture", "description", "reference", "metadata"];
    let account = ["owner", "currency", "name", "min_balance", "notify", "metadata"];
    for (path, right, members, wrong) in [
        (TRANSACTIONS, Body::payment(stage.alice, stage.bob), payment.as_slice(), wrong_in_a_payment()),
        (ACCOUNTS, Body::account("alice"), account.as_slice(), wrong_in_an_account()),
    ] {
        for (name, value, pointer) in wrong {
            let reply = wire.post(path, &fresh_key(), right.with(name, value.as_str())).await;
            assert_eq!(refused_fields(&reply), [pointer], "{name}: {value}");
        }
        for (name, _) in &right.0 {
            let reply = wire.post(path, &fresh_key(), right.without(name)).await;
            assert_eq!(refused_fields(&reply), [format!("/{name}")]);
        }
        let all_wrong = Body(members.iter().map(|name| (*name, "7.5".to_owned())).collect());
        let pointers: Vec<_> = members.iter().map(|name| format!("/{name}")).collect();
        assert_eq!(refused_fields(&wire.post(path, &fresh_key(), all_wrong).await), pointers);
    }
    assert_eq!(stage.rows().await, before);
}
