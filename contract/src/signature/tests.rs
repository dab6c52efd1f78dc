//! The vectors on which the libraries of Standard Webhooks agree, its own library as an oracle, and what must be refused.

use proptest::prelude::*;

use super::*;

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const ID: &str = "msg_p5jXN8AQM9LWM0D4loKWxJek";
const AT: i64 = 1_614_265_330;
const BODY: &[u8] = br#"{"test": 2432232314}"#;
const SIGNATURE: &str = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";

fn secret(text: &str) -> Secret {
    text.parse().unwrap()
}

fn other() -> Secret {
    Secret::from_bytes([7; 32]).unwrap()
}

fn judge(presented: Presented<'_>, now: i64) -> Result<(), Refusal> {
    verify(&[secret(SECRET)], presented, now, BODY)
}

fn presented<'h>(id: &'h str, timestamp: &'h str, signature: &'h str) -> Presented<'h> {
    Presented { id, timestamp, signature }
}

#[test]
fn the_known_vectors_are_made_and_believed() {
    let vectors: [(&str, &str, i64, &[u8], &str); 2] = [
        (SECRET, ID, AT, BODY, SIGNATURE),
        (
            "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD",
            "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk",
            1_649_367_553,
            br#"{"email":"test@example.com","username":"test_user"}"#,
            "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw=",
        ),
    ];
    for (text, id, at, body, signature) in vectors {
        let secret = secret(text);
        assert_eq!(secret.reveal(), text);
        assert_eq!(sign([&secret], id, at, body), signature);
        assert_eq!(verify(&[secret], presented(id, &at.to_string(), signature), at, body), Ok(()));
    }
}

#[test]
fn any_live_secret_signs_and_any_is_believed() {
    let (old, new) = (secret(SECRET), other());
    let at = AT.to_string();
    let both = sign([&old, &new], ID, AT, BODY);
    assert_eq!(both.split(' ').next(), Some(SIGNATURE));
    for (signed, believed) in [
        (&both, vec![old.clone()]),
        (&both, vec![new.clone()]),
        (&SIGNATURE.to_owned(), vec![new.clone(), old]),
        (&format!("v1a,whatever v2,x v1,!!! {both}"), vec![new]),
    ] {
        assert_eq!(verify(&believed, presented(ID, &at, signed), AT, BODY), Ok(()), "{signed}");
    }
}

#[test]
fn the_time_may_be_five_minutes_off_either_way() {
    let at = AT.to_string();
    let seen = |now| judge(presented(ID, &at, SIGNATURE), now);
    assert_eq!([seen(AT - 300), seen(AT), seen(AT + 300)], [Ok(()); 3]);
    assert_eq!([seen(AT + 301), seen(i64::MAX)], [Err(Refusal::TooOld); 2]);
    assert_eq!([seen(AT - 301), seen(i64::MIN)], [Err(Refusal::TooNew); 2]);
}

#[test]
fn what_breaks_a_rule_is_refused_by_its_name() {
    let at = AT.to_string();
    for timestamp in
        ["", "-9223372036854775808", "99999999999999999999", "+1614265330", "1614265330.0", " 1614265330", "x"]
    {
        assert_eq!(judge(presented(ID, timestamp, SIGNATURE), AT), Err(Refusal::MalformedTimestamp), "{timestamp:?}");
    }
    let long = "x".repeat(257);
    for id in ["", "a.b", "a b", "ä", &long] {
        assert_eq!(judge(presented(id, &at, SIGNATURE), AT), Err(Refusal::MalformedId), "{id:?}");
    }
    let many = [SIGNATURE; 17].join(" ");
    let unpadded = SIGNATURE.trim_end_matches('=');
    for (signature, refusal) in [
        ("", Refusal::NoSignature),
        ("v1", Refusal::NoSignature),
        ("v2,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=", Refusal::NoSignature),
        ("V1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=", Refusal::NoSignature),
        (&many, Refusal::TooManySignatures),
        ("v1,", Refusal::WrongSignature),
        (unpadded, Refusal::WrongSignature),
        ("v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=,", Refusal::WrongSignature),
        ("v1,g0hM", Refusal::WrongSignature),
    ] {
        assert_eq!(judge(presented(ID, &at, signature), AT), Err(refusal), "{signature:?}");
    }
    assert_eq!(verify(&[], presented(ID, &at, SIGNATURE), AT, BODY), Err(Refusal::WrongSignature));
    assert_eq!(judge(presented("another", &at, SIGNATURE), AT), Err(Refusal::WrongSignature));
}

#[test]
fn headers_are_found_in_any_case_and_once() {
    let headers = [("Webhook-Id", ID), ("WEBHOOK-TIMESTAMP", "1"), ("webhook-signature", SIGNATURE), ("host", "x")];
    assert_eq!(Presented::among(headers), Ok(presented(ID, "1", SIGNATURE)));
    assert_eq!(Presented::among([("host", "x")]), Err(Refusal::Missing { header: ID_HEADER }));
    let twice = headers.into_iter().chain([("webhook-timestamp", "2")]);
    assert_eq!(Presented::among(twice), Err(Refusal::Repeated { header: TIMESTAMP_HEADER }));
}

#[test]
fn what_is_no_secret_is_refused_and_a_secret_is_not_shown() {
    for text in [
        "",
        "whsec_",
        "whsec_c2hvcnQ=",
        "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "whsec_?",
        &format!("whsec_{}", "A".repeat(88)),
    ] {
        assert!(text.parse::<Secret>().is_err(), "{text}");
    }
    assert_eq!(format!("{:?}", secret(SECRET)), "Secret(…)");
    assert_eq!(secret("whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA").reveal().len(), "whsec_".len() + 36);
}

proptest! {
    #[test]
    fn no_changed_byte_is_believed(body in prop::collection::vec(any::<u8>(), 0..64), place: usize, change in 1_u8..) {
        let (at, signature) = (AT.to_string(), sign([&secret(SECRET)], ID, AT, &body));
        let mut forged = body.clone();
        match forged.is_empty() {
            true => forged.push(change),
            false => forged[place % body.len()] ^= change,
        }
        prop_assert_eq!(verify(&[secret(SECRET)], presented(ID, &at, &signature), AT, &body), Ok(()));
        let refused = verify(&[secret(SECRET)], presented(ID, &at, &signature), AT, &forged);
        prop_assert_eq!(refused, Err(Refusal::WrongSignature));
    }

    #[test]
    fn its_own_library_makes_the_same_signatures(bytes in prop::collection::vec(any::<u8>(), 24..=64), at in 0..i64::MAX,
                                                 id in "[a-z0-9_]{1,40}", body in ".{0,64}") {
        let secret = Secret::from_bytes(bytes.clone()).unwrap();
        let oracle = standardwebhooks::Webhook::from_bytes(bytes).unwrap();
        prop_assert_eq!(sign([&secret], &id, at, body.as_bytes()), oracle.sign(&id, at, body.as_bytes()).unwrap());
    }

    #[test]
    fn nothing_that_is_presented_makes_it_fail(id: String, timestamp: String, signature: String, now: i64) {
        prop_assert!(judge(presented(&id, &timestamp, &signature), now).is_err());
    }
}
