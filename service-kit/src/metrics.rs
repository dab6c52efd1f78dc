//! The registry of a process and the one metric of its HTTP edge.
//!
//! Labels are bounded: routes are patterns, never paths, and methods outside of the standard are one.

use std::time::Duration;

use axum::http::{Method, StatusCode};
use prometheus::process_collector::ProcessCollector;
use prometheus::{HistogramOpts, HistogramVec, Registry};

/// From a read that the cache answers to a request that meets its timeout.
const DURATION_BUCKETS_SECONDS: [f64; 12] =
    [0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 2.5, 10.0];

/// A registry that already knows the process: memory, file descriptors, CPU time.
///
/// # Errors
/// None in practice: the registry is new.
pub fn registry() -> prometheus::Result<Registry> {
    let registry = Registry::new();
    registry.register(Box::new(ProcessCollector::for_self()))?;
    Ok(registry)
}

/// `http_request_duration_seconds`, whose count is the number of requests.
#[derive(Debug, Clone)]
pub struct HttpMetrics {
    duration_seconds: HistogramVec,
}

impl HttpMetrics {
    /// # Errors
    /// When the registry already has them.
    pub fn register(registry: &Registry) -> prometheus::Result<Self> {
        let options = HistogramOpts::new(
            "http_request_duration_seconds",
            "Time from the head of a request to the head of its response, by method, route and class of status.",
        )
        .buckets(DURATION_BUCKETS_SECONDS.to_vec());
        let duration_seconds = HistogramVec::new(options, &["method", "route", "status"])?;
        registry.register(Box::new(duration_seconds.clone()))?;
        Ok(Self { duration_seconds })
    }

    pub(crate) fn observe(&self, method: &Method, route: &str, status: StatusCode, duration: Duration) {
        self.duration_seconds
            .with_label_values(&[method_label(method), route, status_label(status)])
            .observe(duration.as_secs_f64());
    }
}

fn method_label(method: &Method) -> &str {
    match *method {
        Method::GET | Method::POST | Method::PUT | Method::PATCH | Method::DELETE | Method::HEAD | Method::OPTIONS => {
            method.as_str()
        }
        _ => "other",
    }
}

fn status_label(status: StatusCode) -> &'static str {
    match status.as_u16() {
        100..=199 => "1xx",
        200..=299 => "2xx",
        300..=399 => "3xx",
        400..=499 => "4xx",
        _ => "5xx",
    }
}
