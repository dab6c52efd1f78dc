//! Conditional reading (RFC 9110, 13.1.2): a caller that has the current representation is told just that, with 304.
//!
//! Tags are strong: under one URL, equal tags promise equal bytes to the same caller. `If-None-Match` is compared weakly,
//! as the RFC wants it, because proxies that compress mark tags as weak on their way.

use std::convert::Infallible;
use std::fmt;

use axum::extract::FromRequestParts;
use axum::http::header::{CACHE_CONTROL, ETAG, IF_NONE_MATCH, VARY};
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use sha2::{Digest, Sha256};

/// Half of SHA-256: tags stay short, and nobody gains by a collision with a representation of their own.
const DIGEST_BYTES: usize = 16;

/// Kept by the caller's own cache alone, and asked for again before each use.
const PRIVATE: HeaderValue = HeaderValue::from_static("private, no-cache");
/// What a path shows depends on who asks.
const BY_CALLER: HeaderValue = HeaderValue::from_static("authorization, cookie");

/// A strong entity tag, in its quotation marks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntityTag(String);

impl EntityTag {
    /// The tag of a version that is a number.
    pub fn numbered(version: impl Into<i128>) -> Self {
        Self(format!("\"{}\"", version.into()))
    }

    /// The tag of what follows from these parts and from nothing else.
    pub fn digest(parts: &impl Serialize) -> Self {
        let parts = serde_json::to_vec(parts).expect("what a representation follows from is what JSON can hold");
        let mut digest = Sha256::digest(parts).to_vec();
        digest.truncate(DIGEST_BYTES);
        Self(format!("\"{}\"", URL_SAFE_NO_PAD.encode(digest)))
    }

    fn header(&self) -> Option<HeaderValue> {
        HeaderValue::from_str(&self.0).ok()
    }
}

impl fmt::Display for EntityTag {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// The representations that a caller has: the header `If-None-Match`. One that cannot be read names none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct IfNoneMatch(Vec<HeaderValue>);

impl IfNoneMatch {
    /// Whether the caller has any representation at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether the caller has this one.
    #[must_use]
    pub fn has(&self, tag: &EntityTag) -> bool {
        self.0.iter().filter_map(|value| value.to_str().ok()).any(|list| lists(list, &tag.0))
    }

    /// The answer to a caller that is owed a representation with this tag, which is made only if it is needed.
    pub fn unless_had<T>(&self, tag: EntityTag, representation: impl FnOnce() -> T) -> Conditional<T> {
        if self.has(&tag) { Conditional::Unchanged(tag) } else { Conditional::Changed(tag, representation()) }
    }
}

/// Whether a list of tags has this one, or is `*`. Commas may be inside of tags, so the list is read tag by tag.
fn lists(list: &str, tag: &str) -> bool {
    let mut rest = list;
    loop {
        rest = rest.trim_start_matches([' ', '\t', ',']);
        if rest == "*" {
            return true;
        }
        let strong = rest.strip_prefix("W/").unwrap_or(rest);
        let Some(end) = strong.strip_prefix('"').and_then(|opened| opened.find('"')) else {
            return false;
        };
        let (one, others) = strong.split_at(end + 2);
        if one == tag {
            return true;
        }
        rest = others;
    }
}

impl<S: Sync> FromRequestParts<S> for IfNoneMatch {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Infallible> {
        Ok(Self(parts.headers.get_all(IF_NONE_MATCH).iter().cloned().collect()))
    }
}

/// A representation with its tag, or 304 for who has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Conditional<T> {
    Unchanged(EntityTag),
    Changed(EntityTag, T),
}

impl<T: IntoResponse> IntoResponse for Conditional<T> {
    fn into_response(self) -> Response {
        let (tag, mut response) = match self {
            Self::Unchanged(tag) => (tag, StatusCode::NOT_MODIFIED.into_response()),
            Self::Changed(tag, representation) => (tag, representation.into_response()),
        };
        let headers = response.headers_mut();
        headers.extend(tag.header().map(|tag| (ETAG, tag)));
        headers.insert(CACHE_CONTROL, PRIVATE);
        headers.insert(VARY, BY_CALLER);
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_found_in_every_form_of_the_header_and_in_nothing_else() {
        let tag = EntityTag::numbered(7);
        let header =
            |values: &[&'static str]| IfNoneMatch(values.iter().copied().map(HeaderValue::from_static).collect());
        for values in [
            &["\"7\""][..],
            &["*"],
            &["W/\"7\""],
            &["\"6\", \"7\""],
            &["W/\"a,b\",\t\"7\" "],
            &["\"6\"", "\"7\", \"8\""],
            &[", ,\"7\""],
        ] {
            assert!(header(values).has(&tag), "{values:?}");
        }
        for values in [
            &[][..],
            &[""],
            &["7"],
            &["\"7"],
            &["\"77\""],
            &["\"6,\"7\"\""],
            &["w/\"7\""],
            &["\"*\""],
            &["rubbish \"7\""],
        ] {
            assert!(!header(values).has(&tag), "{values:?}");
        }
    }

    #[test]
    fn tags_of_other_parts_are_other_tags() {
        let tag = EntityTag::digest(&("alice", 7));
        assert_eq!(tag, EntityTag::digest(&("alice", 7)));
        assert_ne!(tag, EntityTag::digest(&("alice", 8)));
        assert!(tag.to_string().len() == 24 && tag.header().is_some(), "{tag}");
    }

    #[test]
    fn the_representation_is_made_only_for_who_lacks_it() {
        let had = IfNoneMatch(vec![HeaderValue::from_static("\"7\"")]);
        let unneeded = || -> &str { unreachable!("the caller has it") };
        let unchanged = had.unless_had(EntityTag::numbered(7), unneeded).into_response();
        assert_eq!(unchanged.status(), StatusCode::NOT_MODIFIED);
        let changed = had.unless_had(EntityTag::numbered(8), || "eight").into_response();
        assert_eq!(changed.status(), StatusCode::OK);
        assert_eq!(changed.headers()[ETAG], "\"8\"");
        assert_eq!(changed.headers()[CACHE_CONTROL], "private, no-cache");
    }
}
