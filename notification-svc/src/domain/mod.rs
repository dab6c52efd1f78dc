//! What an event means to its parties: whom to tell, what to say, and what users do with it.
//!
//! Pure: values in, values out. No wire format, no database, no clock; moments and ids come from the caller.

#![deny(
    clippy::float_arithmetic,
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm
)]

pub mod handling;
pub mod plan;
pub mod preferences;
pub mod render;
pub mod way;

#[cfg(test)]
mod samples;
