//! What Redis is for, against a real one: and that nobody's answer depends on it.

mod cache;
mod limits;
mod readers;
mod sessions;
