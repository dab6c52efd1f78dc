//! The platform on one machine: servers, database, users, services, started in order and ended without a trace.

pub mod backing;
pub mod cluster;
pub mod containers;
pub mod database;
pub mod directory;
pub mod docker;
pub mod identity;
pub mod lines;
pub mod nats;
pub mod platform;
pub mod ports;
pub mod postgres;
pub mod privilege;
pub mod process;
pub mod program;
pub mod provision;
pub mod readiness;
pub mod record;
pub mod redis;
pub mod secret;
pub mod servers;
pub mod service;
pub mod settings;
pub mod standby;
pub mod supervise;
mod system;
mod verification;
mod wheels;

use std::path::Path;

/// The root of the checkout: `.dev`, `target` and the lock files are found from here.
#[must_use]
pub fn workspace() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new("."))
}
