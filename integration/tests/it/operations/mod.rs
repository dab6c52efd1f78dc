//! What operators do to the queues, by command and over the REST API, and what the audit says about it.

mod consumer;
mod dead_letters;
pub(crate) mod fixture;
mod guide;
mod replay;
mod replay_killed;
mod republish;
mod verify;
