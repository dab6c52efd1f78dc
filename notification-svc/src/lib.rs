//! Turns the events of the ledger into notifications, once each, and serves them to their users.
//!
//! | for | see |
//! | --- | --- |
//! | whom an event is told to, and in which words | [`domain`] |
//! | the one way in, for JetStream and webhooks | [`ingest`] |
//! | events that come over JetStream | [`consumer`] |
//! | events that come by webhook, one by one | [`intake`] |
//! | the REST API | [`http`] |
//! | notifications as they come | [`live`] |
//! | where the ledger's API is | [`ledger`] |
//! | what operators do, to the queues and by hand | [`operate`] |
//! | what is kept in Postgres | [`store`] |
//! | how the process is put together, started and stopped | [`app`], [`cli`], [`config`] |

pub mod app;
pub mod cli;
pub mod config;
pub mod consumer;
pub mod domain;
pub mod http;
pub mod ingest;
pub mod intake;
pub mod ledger;
pub mod live;
pub mod metrics;
pub mod operate;
pub mod problem;
pub mod store;
