//! How a service of the platform runs: configuration, telemetry, supervised tasks, the HTTP edge, authentication,
//! sessions, limits, health and its probe, the database pool and Redis.
//!
//! What is in here is the same for every service. Nothing in here knows what a service is about: no entities, no
//! domain, no broker.

pub mod auth;
pub mod clock;
pub mod config;
pub mod health;
pub mod http;
pub mod limit;
pub mod metrics;
pub mod openapi;
pub mod output;
pub mod postgres;
pub mod probe;
pub mod redis;
pub mod seeded;
pub mod session;
pub mod tasks;
pub mod telemetry;
