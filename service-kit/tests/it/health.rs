//! The admin port.

use std::net::Ipv4Addr;
use std::sync::Arc;

use serde_json::{Value, json};
use service_kit::health::{Health, Importance, admin_router};
use service_kit::http::Listener;
use service_kit::metrics;
use service_kit::probe::{self, ProbeError};
use service_kit::tasks::Tasks;
use tokio::task::spawn_blocking;

use crate::support::{PATIENCE, StoppedClock, loopback};

#[tokio::test]
async fn readiness_follows_required_components_and_draining() {
    let health = Health::new(Arc::new(StoppedClock::at(1_800_000_000)));
    let schema = health.component("schema", Importance::Required);
    let relay = health.component("relay", Importance::Informative);
    let listener = Listener::admin(&loopback()).unwrap();
    let address = listener.address();
    let router = admin_router(health.clone(), metrics::registry().unwrap());
    let tasks = Tasks::new();
    tasks.spawn_vital("admin", async |stop| Ok(listener.serve(router, stop).await?));
    let get = async |path: &str| reqwest::get(format!("http://{address}{path}")).await.unwrap();
    let everywhere = (Ipv4Addr::UNSPECIFIED, address.port()).into();
    let ask = async || spawn_blocking(move || probe::readiness(everywhere)).await.unwrap();

    assert_eq!(get("/healthz").await.status(), 200);
    assert_eq!(get("/readyz").await.status(), 503);
    assert!(matches!(ask().await, Err(ProbeError::NotReady(answer)) if answer.contains("not yet reported")));
    schema.up();
    relay.down("not the leader");
    relay.progress(json!({"position": 41}));
    assert_eq!(get("/readyz").await.status(), 200);
    ask().await.unwrap();

    health.drain();
    assert_eq!(get("/healthz").await.status(), 200);
    let draining = get("/readyz?verbose").await;
    assert_eq!(draining.status(), 503);
    let since = "2027-01-15T08:00:00Z";
    assert_eq!(
        draining.json::<Value>().await.unwrap(),
        json!({"draining": true, "components": {
            "schema": {"up": true, "required": true, "since": since},
            "relay": {"up": false, "required": false, "since": since, "reason": "not the leader", "progress": {"position": 41}},
        }})
    );

    let metrics = get("/metrics").await;
    assert!(metrics.headers()["content-type"].to_str().unwrap().starts_with("text/plain"));
    assert!(metrics.text().await.unwrap().contains("process_resident_memory_bytes"));
    assert!(tasks.shutdown(PATIENCE).await.is_clean());
    assert!(matches!(ask().await, Err(ProbeError::Silent(..))));
}
