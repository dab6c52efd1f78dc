//! The ledger service: accounts, transactions between them, the journal of what happened, and the relay that tells it.
//!
//! The way of a command: `http` parses and authorises it, `writer` loads what it needs, `domain::decide` decides,
//! `store` keeps the decision with its event, and `relay` publishes the event; `webhooks` sends it. `app` puts the parts together.

pub mod app;
pub mod cache;
pub mod cli;
pub mod config;
pub mod domain;
pub mod http;
mod lease;
pub mod metrics;
pub mod operate;
pub mod problem;
pub mod relay;
pub mod roles;
pub mod store;
pub mod upkeep;
pub mod view;
pub mod webhooks;
pub mod writer;
