//! The proof that a change was asked for by a page that the session was given to.
//!
//! A browser sends the cookie whoever makes it ask; a header it sends only where a script of ours put it. The CSRF token is
//! made from the session's own token, so nothing is stored, and a page cannot work out the one from the other.

use axum::http::HeaderMap;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::token::SessionToken;

const HEADER: &str = "x-csrf-token";
const PURPOSE: &[u8] = b"csrf token of a session";

pub(super) fn token(session: &SessionToken) -> String {
    URL_SAFE_NO_PAD.encode(mac(session).finalize().into_bytes())
}

pub(super) fn is_shown(headers: &HeaderMap, session: &SessionToken) -> bool {
    let mut values = headers.get_all(HEADER).iter();
    let (Some(shown), None) = (values.next(), values.next()) else { return false };
    // In constant time.
    URL_SAFE_NO_PAD.decode(shown).is_ok_and(|shown| mac(session).verify_slice(&shown).is_ok())
}

fn mac(session: &SessionToken) -> Hmac<Sha256> {
    let mac = Hmac::<Sha256>::new_from_slice(session.bytes()).expect("HMAC takes a key of any length");
    mac.chain_update(PURPOSE)
}
