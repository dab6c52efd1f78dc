//! `webhook check`: why was this webhook refused? Judges a captured request by the rules of the push path.

use std::{collections::BTreeMap, io::Read};

use anyhow::Context;
use base64::{Engine, engine::general_purpose::STANDARD};
use contract::signature::{Presented, Secret, verify};
use serde::Deserialize;

/// What the push path takes unless it is configured otherwise.
const MAX_BODY_BYTES: usize = 64 * 1024;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Captured {
    secret: OneOrSeveral,
    /// In seconds since 1970.
    now: i64,
    headers: BTreeMap<String, String>,
    body_b64: String,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrSeveral {
    One(String),
    Several(Vec<String>),
}

/// Reads the request, and returns where it would be accepted.
///
/// # Errors
/// The rule that refuses it, or what is wrong with the description of the request.
pub fn check(mut input: impl Read) -> anyhow::Result<()> {
    let mut text = String::new();
    input.read_to_string(&mut text).context("the request cannot be read")?;
    // Not with its source: that would repeat what was in the place of a secret.
    let captured: Captured =
        serde_json::from_str(&text).map_err(|error| anyhow::anyhow!("the request is not described: {error}"))?;
    let secrets = match captured.secret {
        OneOrSeveral::One(secret) => vec![secret],
        OneOrSeveral::Several(secrets) => secrets,
    };
    let secrets: Vec<Secret> = secrets.iter().map(|text| text.parse()).collect::<Result<_, _>>().context("secret")?;
    let body = STANDARD.decode(captured.body_b64).context("body_b64 is not base64")?;
    anyhow::ensure!(body.len() <= MAX_BODY_BYTES, "refused: the body is larger than {MAX_BODY_BYTES} bytes");
    let headers = captured.headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let presented = Presented::among(headers).map_err(|rule| anyhow::anyhow!("refused: {rule}"))?;
    verify(&secrets, presented, captured.now, &body).map_err(|rule| anyhow::anyhow!("refused: {rule}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(now: i64, headers: &str) -> String {
        let request = format!(
            r#"{{"secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "now": {now}, "headers": {{{headers}}},
                 "body_b64": "eyJ0ZXN0IjogMjQzMjIzMjMxNH0="}}"#
        );
        check(request.as_bytes()).map_or_else(|error| format!("{error:#}"), |()| "accepted".to_owned())
    }

    #[test]
    fn a_captured_request_is_judged_and_the_rule_named() {
        let headers = r#""Webhook-Id": "msg_p5jXN8AQM9LWM0D4loKWxJek", "webhook-timestamp": "1614265330",
                         "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=", "Host": "example.test""#;
        assert_eq!(verdict(1_614_265_330, headers), "accepted");
        assert_eq!(verdict(1_614_265_631, headers), "refused: webhook-timestamp is more than 300 s in the past");
        assert_eq!(verdict(1_614_265_330, r#""host": "x""#), "refused: the header webhook-id is missing");
        assert!(verdict(0, r#""host": 7"#).starts_with("the request is not described"));
    }
}
