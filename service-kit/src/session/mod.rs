//! Sessions, for people in browsers: an `EventSource` cannot send a header, and a page should not keep a token.
//!
//! A user's bearer token is traded for a cookie that holds 256 random bits (`token`); who that is, Redis knows (`store`),
//! under the digest of the bits only. Every request asks Redis, so that a revoked session is gone at once on every
//! replica; where Redis is away there are no sessions (503), and bearer tokens go on working. A request that changes
//! something also has to show that it comes from a page that was given the session, not from elsewhere (`csrf`).

mod cookie;
mod csrf;
mod record;
mod routes;
mod store;
mod token;

use std::time::Duration;

use axum::http::request::Parts;

pub use cookie::cookie_of;
pub use routes::{TOO_MANY_SESSIONS, router};
pub use store::Sessions;

use crate::auth::Caller;
use crate::http::{Problem, ProblemKind};

/// How long a session may lie unused.
pub(crate) const IDLE: Duration = Duration::from_secs(30 * 60);
/// How long it lasts, however much it is used.
const ABSOLUTE: Duration = Duration::from_secs(12 * 60 * 60);
/// The same, of those that may look into everything.
const ABSOLUTE_OF_CONSOLE: Duration = Duration::from_secs(60 * 60);

impl Sessions {
    /// The caller whose session a request carries; `None` for a request without one.
    ///
    /// # Errors
    /// `unauthenticated` for a session that is over, `forbidden` for a change without the session's CSRF token,
    /// `unavailable` while Redis is away.
    pub(crate) async fn caller(&self, parts: &Parts) -> Result<Option<Caller>, Problem> {
        let Some(token) = cookie::session_token(&parts.headers) else { return Ok(None) };
        let over = || Problem::new(ProblemKind::UNAUTHENTICATED, "The session is over.");
        let record = self.find(&token).await?.ok_or_else(over)?;
        if !parts.method.is_safe() && !csrf::is_shown(&parts.headers, &token) {
            let detail = "A change with a session needs its CSRF token in the header X-CSRF-Token.";
            return Err(Problem::new(ProblemKind::FORBIDDEN, detail));
        }
        Ok(Some(record.caller(self.now())))
    }
}
