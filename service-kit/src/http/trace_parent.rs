//! W3C Trace Context: which trace a request belongs to (<https://www.w3.org/TR/trace-context/#traceparent-header>).

use std::fmt;
use std::str::FromStr;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName};
use uuid::Uuid;

use super::problem::Problem;
use super::problem_kind::ProblemKind;

const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
/// Version, trace id, parent id and flags with their dashes.
const LENGTH: usize = 55;

/// The caller's `traceparent`, or that of a new trace. Handlers pass it on in what they cause, such as events. An
/// extractor in every handler behind the edge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TraceParent {
    trace_id: u128,
    parent_id: u64,
    flags: u8,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a W3C traceparent")]
pub struct TraceParentError;

impl TraceParent {
    /// The start of a trace, not sampled.
    #[must_use]
    pub fn generate() -> Self {
        let trace_id = Uuid::now_v7();
        Self {
            trace_id: trace_id.as_u128(),
            // Never zero: the variant bits of a UUID are `10`.
            parent_id: trace_id.as_u64_pair().1,
            flags: 0,
        }
    }

    /// 32 lower-case hexadecimal digits.
    #[must_use]
    pub fn trace_id(&self) -> String {
        format!("{:032x}", self.trace_id)
    }

    pub(super) fn of(headers: &HeaderMap) -> Self {
        headers.get(TRACEPARENT).and_then(|value| value.to_str().ok()?.parse().ok()).unwrap_or_else(Self::generate)
    }
}

impl FromStr for TraceParent {
    type Err = TraceParentError;

    /// Later versions may append to the four fields of version 00.
    fn from_str(text: &str) -> Result<Self, TraceParentError> {
        let (fields, rest) = text.split_at_checked(LENGTH).ok_or(TraceParentError)?;
        let mut fields = fields.split('-');
        let mut field = |digits: usize| {
            let field = fields.next().filter(|field| field.len() == digits);
            field.and_then(hexadecimal).ok_or(TraceParentError)
        };
        let (version, trace_id, parent_id, flags) = (field(2)?, field(32)?, field(16)?, field(2)?);
        let rest_is_allowed = rest.is_empty() || (version > 0 && rest.starts_with('-'));
        if version == 0xff || trace_id == 0 || parent_id == 0 || !rest_is_allowed {
            return Err(TraceParentError);
        }
        Ok(Self {
            trace_id,
            parent_id: u64::try_from(parent_id).map_err(|_| TraceParentError)?,
            flags: u8::try_from(flags).map_err(|_| TraceParentError)?,
        })
    }
}

/// Lower case only, as the recommendation demands.
fn hexadecimal(digits: &str) -> Option<u128> {
    let valid = digits.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    valid.then(|| u128::from_str_radix(digits, 16).ok()).flatten()
}

impl fmt::Display for TraceParent {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { trace_id, parent_id, flags } = self;
        write!(formatter, "00-{trace_id:032x}-{parent_id:016x}-{flags:02x}")
    }
}

impl<S: Sync> FromRequestParts<S> for TraceParent {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        let trace = parts.extensions.get().copied();
        trace.ok_or_else(|| Problem::new(ProblemKind::INTERNAL, "The request has no trace."))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const VALID: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    #[test]
    fn a_valid_header_comes_back_as_version_00() {
        for (text, written) in [
            (VALID.to_owned(), VALID.to_owned()),
            (VALID.replacen("00-", "cc-", 1) + "-what-the-future-will-be-like", VALID.to_owned()),
            (TraceParent::generate().to_string(), String::new()),
        ] {
            let parsed: TraceParent = text.parse().unwrap();
            assert_eq!(parsed.to_string(), if written.is_empty() { text } else { written });
        }
        assert_eq!(VALID.parse::<TraceParent>().unwrap().trace_id(), "0af7651916cd43dd8448eb211c80319c");
    }

    #[test]
    fn a_malformed_header_is_refused() {
        for text in [
            "",
            "00",
            &VALID[..54],
            &format!("{VALID}-00"),
            &VALID.replacen("00-", "ff-", 1),
            &VALID.replacen("00-", "cc-", 1).replace("-01", "-01."),
            &VALID.to_uppercase(),
            &VALID.replace("0af7", "0ag7"),
            &VALID.replace("0af7", "+af7"),
            &VALID.replace('-', "_"),
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
            "00-0af7651916cd43dd8448eb211c80319-cb7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b71692033é-01",
        ] {
            assert_eq!(text.parse::<TraceParent>(), Err(TraceParentError), "{text}");
        }
    }
}
