//! The HTTP edge of a service.
//!
//! Inwards: `listener` accepts connections, `edge` wraps every request (request id, span, time limit, panics, metrics)
//! and the extractors turn bytes into types, once. Outwards: whatever fails leaves as a `problem`.

mod docs;
mod edge;
mod etag;
mod field;
mod json;
mod listener;
mod page;
mod problem;
mod problem_kind;
mod query;
mod request_id;
mod tls;
mod trace_parent;
mod value;

pub use docs::docs;
pub use edge::edge;
pub use etag::{Conditional, EntityTag, IfNoneMatch};
pub use field::{Field, Fields};
pub use json::{JsonBody, OptionalJsonBody, RawBody};
pub use listener::{ListenError, Listener};
pub use page::{CursorKeyError, Cursors, Page, PageLimit, PageQuery, PageRequest};
pub use problem::{FieldProblem, PROBLEM_JSON, Problem, ProblemDocument};
pub use problem_kind::{Explanation, ProblemKind};
pub use query::QueryParameters;
pub use request_id::RequestId;
pub use tls::install_crypto_provider;
pub use trace_parent::TraceParent;
