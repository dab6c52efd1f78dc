//! Webhooks in Postgres: endpoints and their secrets, what is due, and what became of every attempt.
//!
//! Nothing here waits for the disk except what raises an event: what a crash of Postgres takes back (a dispatch, a lease, a
//! result) is done again, and receivers recognise what comes twice by its id.

pub mod deliveries;
pub mod dispatch;
pub mod endpoints;
pub mod queue;
pub mod registry;
pub mod results;
pub mod retention;
pub mod secrets;
