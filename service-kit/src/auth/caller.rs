//! The caller of a request, as handlers see it.

use std::sync::Arc;

use contract::SessionId;

use super::scope::{Scope, Scopes};
use crate::http::{Problem, ProblemKind};

/// Who is asking; also an extractor, see `authenticate`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    pub issuer: Arc<str>,
    /// The user: 1 to 128 characters of `[A-Za-z0-9_.:@-]`.
    pub subject: Arc<str>,
    pub scopes: Scopes,
    /// Until when they may be believed without being asked again, in seconds since 1970: the end of a token; of a session,
    /// which may be revoked, a few moments.
    pub expires: i64,
    /// The session that spoke for them; `None` for a bearer token.
    pub session: Option<SessionId>,
}

impl Caller {
    #[must_use]
    pub fn may(&self, scope: Scope) -> bool {
        self.scopes.contains(scope)
    }

    /// # Errors
    /// `forbidden` for a caller without the scope.
    pub fn require(&self, scope: Scope) -> Result<(), Problem> {
        if self.may(scope) {
            return Ok(());
        }
        let detail = format!("This needs the scope {scope}.");
        Err(Problem::new(ProblemKind::FORBIDDEN, detail).with("scope", scope.as_str()))
    }
}
