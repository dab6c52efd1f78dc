//! What operators do by hand, on the command line.

pub mod webhook;
