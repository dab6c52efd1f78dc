//! What is kept in Postgres, schema `notifications`. A function named `*_in_tx` takes a connection inside a transaction
//! and never commits; everything else is a transaction of its own.
//!
//! SQL by hand where events come in by the thousand (`received_events`, `counters`, `notifications`), sea-orm where users
//! read and change a few rows (`inbox`). An array of text, which `preferences` has, is beyond what sea-orm is built with
//! here. Rows are input too: what cannot be understood is refused as corrupt.

pub mod audit;
pub mod comparison;
pub mod consumer_failures;
pub mod counters;
mod entity;
pub mod error;
pub mod inbox;
pub mod notifications;
pub mod parked_messages;
pub mod preferences;
pub mod received_events;
pub mod replays;
pub mod schema;
pub mod told;
