//! `/console`: a static page, part of the program. It needs no token; what it shows does.

use axum::{
    Router,
    extract::Path,
    http::{HeaderName, header},
    response::{IntoResponse, Response},
    routing::get,
};

use crate::http::error::not_found;

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const JAVASCRIPT: &str = "text/javascript; charset=utf-8";

macro_rules! file {
    ($name:literal, $kind:expr) => {
        ($name, $kind, include_str!(concat!("../../../console/", $name)))
    };
}

const PAGE: &str = include_str!("../../../console/index.html");
const FILES: [(&str, &str, &str); 12] = [
    file!("icon.svg", "image/svg+xml"),
    file!("layout.css", CSS),
    file!("parts.css", CSS),
    file!("main.js", JAVASCRIPT),
    file!("api.js", JAVASCRIPT),
    file!("dom.js", JAVASCRIPT),
    file!("format.js", JAVASCRIPT),
    file!("overview.js", JAVASCRIPT),
    file!("payments.js", JAVASCRIPT),
    file!("timeline.js", JAVASCRIPT),
    file!("dead-letters.js", JAVASCRIPT),
    file!("replays.js", JAVASCRIPT),
];

/// Nothing inline, nothing from elsewhere, in nobody's frame, and no text that becomes markup.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
                      form-action 'none'; base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'";

/// For whichever router has no state.
pub(in crate::http) fn router() -> Router {
    Router::new().route("/console", get(async || served(HTML, PAGE))).route("/console/{file}", get(file))
}

async fn file(Path(name): Path<String>) -> Response {
    let found = FILES.iter().find(|(known, ..)| *known == name);
    found.map_or_else(|| not_found().into_response(), |(_, kind, text)| served(kind, text))
}

fn served(kind: &'static str, text: &'static str) -> Response {
    let headers: [(HeaderName, &str); 5] = [
        (header::CONTENT_TYPE, kind),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        // Another release is another page.
        (header::CACHE_CONTROL, "no-cache"),
    ];
    (headers, text).into_response()
}
