//! Whose notifications a caller may see and change: one's own, and with `notifications:any` anybody's.

use serde::Deserialize;
use service_kit::{
    auth::{Caller, Scope},
    http::Problem,
};

use super::error::not_found;

/// How callers name themselves in a path.
const ME: &str = "me";
const MAX_USER_LENGTH: usize = 128;

/// The path of what belongs to a user.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct OfUser {
    /// The `sub` of the user, or `me`.
    pub(super) user: String,
}

/// The user that the path names, if the caller may act for that user.
///
/// # Errors
/// `forbidden` without the scope; `not_found` for another user, whether there is one or not.
pub(super) fn user_of_path(caller: &Caller, scope: Scope, path: String) -> Result<String, Problem> {
    caller.require(scope)?;
    if path == ME || path == *caller.subject {
        Ok(caller.subject.to_string())
    } else if caller.may(Scope::NotificationsAny) && is_user(&path) {
        Ok(path)
    } else {
        Err(not_found())
    }
}

/// What can be the subject of a token.
pub(super) fn is_user(text: &str) -> bool {
    (1..=MAX_USER_LENGTH).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.:@-".contains(&byte))
}
