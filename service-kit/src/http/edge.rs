//! What happens around every request, in one middleware: its id and trace, its span, its time limit, a panic in it, its
//! metric, and the problem it may end in.
//!
//! One function instead of a stack of layers: the order is visible, and a request pays for one boxed future.

use std::panic::AssertUnwindSafe;
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::{DefaultBodyLimit, MatchedPath, Request, State};
use axum::http::Method;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;
use tracing::{Instrument, info_span};

use super::problem::{Problem, write_out};
use super::problem_kind::ProblemKind;
use super::request_id::{RequestId, X_REQUEST_ID};
use super::trace_parent::TraceParent;
use crate::config::HttpConfig;
use crate::metrics::HttpMetrics;

/// The route of a request that no route matched.
const UNMATCHED: &str = "unmatched";
const RETRY_AFTER_SECONDS: u32 = 1;

#[derive(Debug, Clone)]
struct Edge {
    request_timeout: Duration,
    metrics: HttpMetrics,
}

/// Wraps all routes of a service. To be called last, once.
pub fn edge(router: Router, config: &HttpConfig, metrics: HttpMetrics) -> Router {
    let edge = Edge { request_timeout: config.request_timeout(), metrics };
    router.layer(DefaultBodyLimit::max(config.body_limit_bytes.get())).layer(from_fn_with_state(edge, around))
}

async fn around(State(edge): State<Edge>, mut request: Request, next: Next) -> Response {
    let started = Instant::now();
    let request_id = RequestId::of(request.headers());
    let trace_parent = TraceParent::of(request.headers());
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().cloned();
    let route = route.as_ref().map_or(UNMATCHED, MatchedPath::as_str);
    let span = info_span!("request", %request_id, trace_id = trace_parent.trace_id(), %method, route);
    request.extensions_mut().insert(request_id.clone());
    request.extensions_mut().insert(trace_parent);

    let response = edge.answer(&method, next.run(request)).instrument(span.clone()).await;
    let mut response = write_out(response, &request_id);
    if let Some(id) = request_id.header_value() {
        response.headers_mut().insert(X_REQUEST_ID, id);
    }
    let (status, duration) = (response.status(), started.elapsed());
    edge.metrics.observe(&method, route, status, duration);
    span.in_scope(|| {
        let duration_ms = duration.as_secs_f64() * 1_000.0;
        tracing::debug!(status = status.as_u16(), duration_ms, "Request answered.");
    });
    response
}

impl Edge {
    /// Runs the handler within its time limit; a panic is an internal error and the panic hook logs it.
    async fn answer(&self, method: &Method, handler: impl Future<Output = Response>) -> Response {
        let handler = AssertUnwindSafe(handler).catch_unwind();
        match tokio::time::timeout(self.request_timeout, handler).await {
            Ok(Ok(response)) => response,
            Ok(Err(_panic)) => Problem::new(ProblemKind::INTERNAL, "Something failed on our side.").into_response(),
            Err(_elapsed) => {
                tracing::warn!(timeout_seconds = self.request_timeout.as_secs_f64(), "Request met its time limit.");
                out_of_time(method).retry_after(RETRY_AFTER_SECONDS).into_response()
            }
        }
    }
}

/// A request that changes something may still do so after its caller was given up.
fn out_of_time(method: &Method) -> Problem {
    if method.is_safe() {
        Problem::new(ProblemKind::UNAVAILABLE, "The answer took too long.")
    } else {
        let detail = "The answer took too long. Repeat the request under the same key to learn its outcome.";
        Problem::new(ProblemKind::OUTCOME_UNKNOWN, detail)
    }
}
