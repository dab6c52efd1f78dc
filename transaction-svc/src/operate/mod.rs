//! What operators do beside serving, as commands of the binary and as tasks in the background.

pub mod republish;
pub mod verify;
