//! Faults done to the stack, from outside, as the operating system, the network or a bad day would.

pub mod disk;
pub mod kind;
pub mod plan;
pub mod proxy;
pub mod signal;
pub mod store;
