//! Faults done to processes of the stack, from outside, as the operating system or a bad day would.

pub mod signal;
