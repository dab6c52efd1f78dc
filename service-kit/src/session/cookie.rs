//! The cookie. Its prefix makes browsers refuse it without `Secure`, for another path, or from another host.

use std::time::Duration;

use axum::http::{HeaderMap, HeaderValue, header};

use super::token::SessionToken;

const NAME: &str = "__Host-session";

/// The one session that a request carries; with two, nobody knows which was meant.
pub(super) fn session_token(headers: &HeaderMap) -> Option<SessionToken> {
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut sessions = cookies
        .flat_map(|value| value.split(';'))
        .filter_map(|cookie| cookie.trim().split_once('='))
        .filter(|(name, _)| *name == NAME);
    let (Some((_, value)), None) = (sessions.next(), sessions.next()) else { return None };
    SessionToken::parse(value)
}

/// The cookie alone of the one session that a request carries, to be shown to another service of ours.
#[must_use]
pub fn cookie_of(headers: &HeaderMap) -> Option<HeaderValue> {
    let token = session_token(headers)?;
    HeaderValue::from_str(&format!("{NAME}={}", token.reveal())).ok()
}

pub(super) fn set(token: &SessionToken, lasts: Duration) -> HeaderValue {
    header_value(&token.reveal(), lasts.as_secs())
}

pub(super) fn unset() -> HeaderValue {
    header_value("", 0)
}

fn header_value(value: &str, seconds: u64) -> HeaderValue {
    let cookie = format!("{NAME}={value}; Path=/; Max-Age={seconds}; HttpOnly; Secure; SameSite=Lax");
    HeaderValue::from_str(&cookie).expect("base64 and digits are visible ASCII")
}
