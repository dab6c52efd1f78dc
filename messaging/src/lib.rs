//! How events travel over NATS JetStream, and nothing else: what they say is the business of [`contract`].
//!
//! | for | see |
//! | --- | --- |
//! | streams, durable consumers and who may do what | [`topology`], [`permissions`], [`subject`] |
//! | a connection that never gives up | [`mod@connect`] |
//! | publishing in order, fenced against a second publisher | [`publisher`] |
//! | consuming: batches in, dispositions out | [`consumer`], [`setting`], [`disposition`], [`parking`], [`metrics`] |
//! | operating: dead letters, ranges of a stream, pauses | [`dead_letters`], [`range_reader`], [`control`] |
//! | how often loops look that follow somebody | [`round`] |
//!
//! A message is acknowledged in one file only (`settle.rs`), and leaves in three (`publisher.rs`, `dead_letter.rs`,
//! `dead_letters.rs`). This crate knows no web framework, no database and no task tracker: every future is driven by its
//! caller.

pub mod connect;
pub mod consumer;
pub mod control;
mod dead_letter;
pub mod dead_letters;
pub mod delivery;
pub mod disposition;
mod handler;
pub mod metrics;
mod parked;
pub mod parking;
pub mod permissions;
pub mod publisher;
mod pull;
pub mod range_reader;
mod retry;
pub mod round;
pub mod setting;
mod settle;
pub mod subject;
pub mod topology;
mod trace_context;
mod watch;
mod worker;

pub use async_nats::{Client, HeaderMap};
pub use connect::{NatsConfig, connect};
pub use consumer::Consumer;
pub use dead_letters::{DeadLetters, StoredDeadLetter};
pub use delivery::Delivery;
pub use disposition::{DeadLetterReason, Disposition, Outage};
pub use handler::Handler;
pub use metrics::ConsumerMetrics;
pub use parking::{ParkedMessage, Parking};
pub use permissions::Role;
pub use publisher::{OutgoingMessage, Publisher};
pub use range_reader::RangeReader;
pub use round::Round;
pub use subject::Subject;
pub use topology::TopologySettings;
