//! Whole stories against real servers and services, and the rules of the house. One program, so that it links once.
//!
//! `make test` runs it beside a shared Postgres; a test gets everything else for itself and leaves nothing behind.

mod messaging;
mod stack;
mod tidy;
