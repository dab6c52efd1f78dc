//! Lists, a page at a time.
//!
//! A cursor holds the position after which the next page begins. It is authenticated together with the list and the
//! filters it was made for: an altered cursor, or one used with other filters, is refused instead of skipping rows.

use std::fmt;

use axum::extract::FromRequestParts;
use axum::http::Uri;
use axum::http::request::Parts;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use serde::de::{DeserializeOwned, Deserializer, Unexpected};
use serde::{Deserialize, Serialize, de};
use sha2::Sha256;
use url::form_urlencoded;
use utoipa::ToSchema;

use super::problem::Problem;
use super::problem_kind::ProblemKind;
use super::query;

const DEFAULT_LIMIT: u16 = 50;
const MAX_LIMIT: u16 = 200;

/// Half of SHA-256, which RFC 2104 allows; cursors stay short.
const TAG_BYTES: usize = 16;
const MIN_KEY_BYTES: usize = 32;

/// How many items a page may have: 1 to 200, 50 if the caller does not say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageLimit(u16);

impl PageLimit {
    /// How many items fit.
    #[must_use]
    pub fn rows(self) -> usize {
        usize::from(self.0)
    }

    /// How many rows to fetch for a page: one more than fits, to see whether there is a next page.
    #[must_use]
    pub fn rows_to_fetch(self) -> u64 {
        u64::from(self.0) + 1
    }
}

impl Default for PageLimit {
    fn default() -> Self {
        Self(DEFAULT_LIMIT)
    }
}

impl<'de> Deserialize<'de> for PageLimit {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let limit = u16::deserialize(deserializer)?;
        if !(1..=MAX_LIMIT).contains(&limit) {
            return Err(de::Error::invalid_value(Unexpected::Unsigned(limit.into()), &"a number from 1 to 200"));
        }
        Ok(Self(limit))
    }
}

/// The page that a caller asks for.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PageRequest {
    pub limit: PageLimit,
    pub cursor: Option<String>,
}

/// The query of a list: `limit` and `cursor`, and everything else as `F`, which has `deny_unknown_fields`.
#[derive(Debug, Clone)]
pub struct PageQuery<F> {
    pub page: PageRequest,
    pub filters: F,
}

impl<F: DeserializeOwned, S: Sync> FromRequestParts<S> for PageQuery<F> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        // serde's `flatten` would turn numbers into text and switch off `deny_unknown_fields`.
        let (page, filters): (Vec<_>, Vec<_>) =
            form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes())
                .partition(|(name, _)| matches!(name.as_ref(), "limit" | "cursor"));
        Ok(Self { page: query::parse(&uri(&page)?)?, filters: query::parse(&uri(&filters)?)? })
    }
}

fn uri<N: AsRef<str>, V: AsRef<str>>(parameters: &[(N, V)]) -> Result<Uri, Problem> {
    let query = form_urlencoded::Serializer::new(String::from("/?")).extend_pairs(parameters).finish();
    query.parse().map_err(|_| Problem::new(ProblemKind::MALFORMED, "The query is malformed."))
}

/// One page of a list as it is sent.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Page<T> {
    pub data: Vec<T>,
    /// `null` on the last page.
    pub next_cursor: Option<String>,
}

impl<T> Page<T> {
    /// Makes a page of up to [`PageLimit::rows_to_fetch`] rows. `cursor_after` seals the position of the page's last row;
    /// it is not called for the last page.
    pub fn of_rows<R>(
        mut rows: Vec<R>,
        limit: PageLimit,
        cursor_after: impl FnOnce(&R) -> String,
        present: impl FnMut(R) -> T,
    ) -> Self {
        let size = usize::from(limit.0);
        let more = rows.len() > size;
        rows.truncate(size);
        let next_cursor = rows.last().filter(|_| more).map(cursor_after);
        Self { data: rows.into_iter().map(present).collect(), next_cursor }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the key of cursors needs at least {MIN_KEY_BYTES} bytes")]
pub struct CursorKeyError;

/// Seals and opens cursors. All replicas of a service share the key.
#[derive(Clone)]
pub struct Cursors {
    keyed: Hmac<Sha256>,
}

impl Cursors {
    /// # Errors
    /// A key of fewer than 32 bytes.
    pub fn new(key: &SecretString) -> Result<Self, CursorKeyError> {
        let key = key.expose_secret().as_bytes();
        if key.len() < MIN_KEY_BYTES {
            return Err(CursorKeyError);
        }
        let keyed = Hmac::new_from_slice(key).map_err(|_| CursorKeyError)?;
        Ok(Self { keyed })
    }

    /// The cursor of `position` in `list` under `filters`. What else the list depends on, such as whose it is, belongs
    /// to the filters.
    pub fn seal(&self, list: &'static str, filters: &impl Serialize, position: &impl Serialize) -> String {
        let position = json(position);
        let mut cursor = self.authenticate(list, filters, &position).finalize().into_bytes().to_vec();
        cursor.truncate(TAG_BYTES);
        cursor.extend_from_slice(&position);
        URL_SAFE_NO_PAD.encode(cursor)
    }

    /// The position after which the page begins; `None` on the first page.
    ///
    /// # Errors
    /// `malformed` for a cursor that was altered, or made for another list or other filters.
    pub fn open<P: DeserializeOwned>(
        &self,
        list: &'static str,
        filters: &impl Serialize,
        page: &PageRequest,
    ) -> Result<Option<P>, Problem> {
        let Some(cursor) = &page.cursor else {
            return Ok(None);
        };
        let refused = || {
            let detail = "The cursor is not one that this list gave out for these filters.";
            Problem::new(ProblemKind::MALFORMED, detail)
        };
        let cursor = URL_SAFE_NO_PAD.decode(cursor).map_err(|_| refused())?;
        let (tag, position) = cursor.split_at_checked(TAG_BYTES).ok_or_else(refused)?;
        self.authenticate(list, filters, position).verify_truncated_left(tag).map_err(|_| refused())?;
        serde_json::from_slice(position).map(Some).map_err(|_| refused())
    }

    /// The parts are told apart by U+0000, which is in none of them.
    fn authenticate(&self, list: &'static str, filters: &impl Serialize, position: &[u8]) -> Hmac<Sha256> {
        let filters = json(filters);
        let mut mac = self.keyed.clone();
        for part in [list.as_bytes(), &filters, position] {
            mac.update(part);
            mac.update(&[0]);
        }
        mac
    }
}

impl fmt::Debug for Cursors {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Cursors").finish_non_exhaustive()
    }
}

fn json(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).expect("positions and filters are structs that JSON can hold")
}
