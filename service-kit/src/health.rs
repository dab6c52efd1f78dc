//! What a process says about itself on its admin port: `/healthz`, `/readyz` and `/metrics`.
//!
//! Healthy is a process that answers. Ready is one that may be sent requests: every required component is up and the
//! process is not draining. Other components are shown and never take the service out of rotation. Status is reported by
//! the tasks that know it; a probe never asks another system, so it is cheap and cannot hang.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::extract::{RawQuery, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Json, Response};
use axum::routing::get;
use prometheus::{Registry, TEXT_FORMAT, TextEncoder};
use serde::Serialize;
use serde_json::Value;
use time::OffsetDateTime;

use crate::clock::SharedClock;

/// The state of a process, shared by those who report it and the admin port.
#[derive(Debug, Clone)]
pub struct Health {
    clock: SharedClock,
    report: Arc<Mutex<Report>>,
}

/// The handle through which a task reports about one component.
#[derive(Debug, Clone)]
pub struct Component {
    name: &'static str,
    health: Health,
}

/// Whether requests can be answered without a component.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Importance {
    /// Not ready while it is down.
    Required,
    /// Shown only.
    Informative,
}

/// The verbose answer of `/readyz`.
#[derive(Debug, Clone, Default, Serialize)]
struct Report {
    draining: bool,
    components: BTreeMap<&'static str, Status>,
}

#[derive(Debug, Clone, Serialize)]
struct Status {
    up: bool,
    required: bool,
    #[serde(with = "time::serde::rfc3339")]
    since: OffsetDateTime,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(skip_serializing_if = "Value::is_null")]
    progress: Value,
}

impl Health {
    #[must_use]
    pub fn new(clock: SharedClock) -> Self {
        Self { clock, report: Arc::default() }
    }

    pub(crate) fn clock(&self) -> SharedClock {
        self.clock.clone()
    }

    /// Adds a component. It is down until it is reported up.
    #[must_use]
    pub fn component(&self, name: &'static str, importance: Importance) -> Component {
        let status = Status {
            up: false,
            required: importance == Importance::Required,
            since: self.clock.now(),
            reason: Some("not yet reported".to_owned()),
            progress: Value::Null,
        };
        self.lock().components.insert(name, status);
        Component { name, health: self.clone() }
    }

    /// Not ready from now on: the process is on its way out.
    pub fn drain(&self) {
        self.lock().draining = true;
    }

    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.lock().is_ready()
    }

    fn lock(&self) -> MutexGuard<'_, Report> {
        self.report.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Report {
    fn is_ready(&self) -> bool {
        !self.draining && self.components.values().all(|status| status.up || !status.required)
    }
}

impl Component {
    pub fn up(&self) {
        self.report(true, None);
    }

    /// `reason` is for operators and must not carry secrets.
    pub fn down(&self, reason: impl Into<String>) {
        self.report(false, Some(reason.into()));
    }

    /// Details that the verbose answer shows, such as a position or a lag.
    pub fn progress(&self, details: Value) {
        if let Some(status) = self.health.lock().components.get_mut(self.name) {
            status.progress = details;
        }
    }

    fn report(&self, up: bool, reason: Option<String>) {
        let now = self.health.clock.now();
        if let Some(status) = self.health.lock().components.get_mut(self.name) {
            if status.up != up {
                status.since = now;
            }
            status.up = up;
            status.reason = reason;
        }
    }
}

/// The routes of the admin port.
pub fn admin_router(health: Health, registry: Registry) -> Router {
    Router::new()
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(readyz))
        .with_state(health)
        .route("/metrics", get(metrics))
        .with_state(registry)
}

async fn readyz(State(health): State<Health>, RawQuery(query): RawQuery) -> Response {
    let report = health.lock().clone();
    let status = match report.is_ready() {
        true => StatusCode::OK,
        false => StatusCode::SERVICE_UNAVAILABLE,
    };
    match query.as_deref() {
        Some("verbose") => (status, Json(report)).into_response(),
        _ if status == StatusCode::OK => (status, "ready\n").into_response(),
        _ => (status, "not ready\n").into_response(),
    }
}

async fn metrics(State(registry): State<Registry>) -> Response {
    match TextEncoder::new().encode_to_string(&registry.gather()) {
        Ok(text) => ([(header::CONTENT_TYPE, TEXT_FORMAT)], text).into_response(),
        Err(error) => {
            tracing::error!(cause = %error, "Metrics cannot be written.");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}
