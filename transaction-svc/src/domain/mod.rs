//! The business, without effects: what accounts and transactions are, and how commands change them.
//!
//! Nothing here reads a clock, a database or a request. [`decide::decide`] turns the state of a few accounts and the
//! commands that wait for them into decisions; everything else in the service carries values to it and away from it.

#![deny(clippy::float_arithmetic, clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_possible_wrap)]
#![deny(clippy::wildcard_enum_match_arm, clippy::unwrap_used, clippy::indexing_slicing)]

pub mod account;
pub mod command;
pub mod decide;
pub mod event;
pub mod fingerprint;
pub mod idempotency;
pub mod text;
pub mod transaction;
