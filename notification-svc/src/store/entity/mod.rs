//! The tables as rows of raw columns; `store` alone turns them into types.

pub(super) mod notification;
pub(super) mod notification_counter;
pub(super) mod operation;
