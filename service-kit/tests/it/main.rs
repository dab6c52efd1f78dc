//! The edge of a service over real connections on the loopback interface.

mod auth;
mod body;
mod docs;
mod edge;
mod health;
mod issuer;
mod key_sets;
mod listener;
mod page;
mod support;
