//! A served router, and waiting for a condition.

#![expect(clippy::panic, reason = "the assertions of a test")]

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use prometheus::Registry;
use serde_json::Value;
use service_kit::clock::Clock;
use service_kit::config::HttpConfig;
use service_kit::http::{self, Listener};
use service_kit::metrics::HttpMetrics;
use service_kit::tasks::{Shutdown, Tasks};
use time::OffsetDateTime;

/// Long enough for a busy machine, and only ever waited for in full by a test that fails.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// Waits until the condition holds.
pub(crate) async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let waited = tokio::time::timeout(PATIENCE, async {
        while !holds().await {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    });
    waited.await.unwrap_or_else(|_| panic!("waited in vain: {what}"));
}

/// A router behind the edge, on a port of its own.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) registry: Registry,
    pub(crate) client: reqwest::Client,
    tasks: Tasks,
}

impl Server {
    pub(crate) async fn start(router: Router) -> Self {
        Self::start_with(loopback(), router).await
    }

    pub(crate) async fn start_with(config: HttpConfig, router: Router) -> Self {
        let registry = Registry::new();
        let metrics = HttpMetrics::register(&registry).unwrap();
        let router = http::edge(router, &config, metrics);
        let listener = Listener::public(&config).await.unwrap();
        let address = listener.address();
        let tasks = Tasks::new();
        tasks.spawn_vital("http", async |stop| Ok(listener.serve(router, stop).await?));
        Self { address, registry, client: reqwest::Client::new(), tasks }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(crate) async fn get(&self, path: &str) -> reqwest::Response {
        self.client.get(self.url(path)).send().await.unwrap()
    }

    pub(crate) async fn stop(&self) -> Shutdown {
        self.tasks.shutdown(PATIENCE).await
    }
}

pub(crate) fn loopback() -> HttpConfig {
    HttpConfig { listen: ([127, 0, 0, 1], 0).into(), admin_listen: ([127, 0, 0, 1], 0).into(), ..HttpConfig::default() }
}

/// The body of a problem after checking what holds for every problem.
pub(crate) async fn problem(response: reqwest::Response) -> Value {
    let status = response.status();
    assert_eq!(response.headers()["content-type"], "application/problem+json");
    let id = response.headers()["x-request-id"].to_str().unwrap().to_owned();
    let problem: Value = response.json().await.unwrap();
    assert_eq!(problem["status"], status.as_u16());
    assert_eq!(problem["request_id"], id.as_str());
    assert_eq!(problem["type"], format!("/problems/{}", problem["code"].as_str().unwrap()));
    assert!(problem["title"].is_string() && problem["detail"].is_string() && problem["retryable"].is_boolean());
    problem
}

/// A clock that stands still until it is set.
#[derive(Debug, Clone)]
pub(crate) struct StoppedClock(Arc<Mutex<OffsetDateTime>>);

impl StoppedClock {
    pub(crate) fn at(unix_seconds: i64) -> Self {
        Self(Arc::new(Mutex::new(OffsetDateTime::from_unix_timestamp(unix_seconds).unwrap())))
    }

    pub(crate) fn set(&self, unix_seconds: i64) {
        *self.0.lock().unwrap() = OffsetDateTime::from_unix_timestamp(unix_seconds).unwrap();
    }
}

impl Clock for StoppedClock {
    fn now(&self) -> OffsetDateTime {
        *self.0.lock().unwrap()
    }
}
