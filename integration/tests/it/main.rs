//! Whole stories against real servers and services, and the rules of the house. One program, so that it links once.
//!
//! `make test` runs it beside a shared Postgres; a test gets everything else for itself and leaves nothing behind.

mod authority;
mod bad_input;
mod batches;
mod chaos;
mod conditional;
mod console;
mod crashes;
mod dashboards;
mod filters;
mod growth;
mod idempotency;
mod lifecycle;
mod lists;
mod locks;
mod messaging;
mod model;
mod notifications;
mod openapi;
mod operations;
mod outages;
mod peers;
mod proof;
mod races;
mod redis;
mod roles;
mod rows;
mod run;
mod seeded;
mod stack;
mod stage;
mod statements;
mod strangers;
mod takeover;
mod tidy;
mod timeline;
mod trial;
mod typed_client;
mod verification;
mod webhooks;
mod wire;
