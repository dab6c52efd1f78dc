//! The push path in both directions: what the notification service believes, and what the ledger sends.

mod endpoints;
pub(crate) mod fixture;
mod receiving;
mod recovering;
mod sending;
mod ways;
