//! The development stack and the means of proof: real servers and services started, killed and looked at from outside.
//!
//! This crate sees every other one and none depends on it. It never stands in for a server or a service: what it starts
//! are the programs that run in production.

pub mod browser;
pub mod chaos;
pub mod config;
pub mod eventually;
pub mod fault;
pub mod history;
pub mod load;
pub mod people;
pub mod receivers;
pub mod stack;
