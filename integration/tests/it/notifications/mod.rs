//! Notifications: each party of each event is told exactly once, whichever ways bring the event and however often, and
//! users deal with what they were told.

mod api;
mod delivery;
pub(crate) mod fixture;
mod inbox;
mod ingest;
mod parking;
mod preferences;
mod stream;
