//! Notifications as they are stored, to whoever has a stream open.
//!
//! A stream is a reader of the database by position and nothing else: positions are assigned under the lock of the user's
//! counter, so whoever has read up to one has missed none below it, however late a transaction commits. Everything else
//! here only says when it is worth reading again: the ingest of this process at once, [`poll`] for the other replicas.

pub mod feed;
pub mod poll;
pub mod registry;

pub use feed::Feed;
pub use registry::Registry;
