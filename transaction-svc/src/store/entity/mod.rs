//! The tables as sea-orm sees them: raw columns only. What they mean is decided beside, in the module of each table.

pub(super) mod account;
pub(super) mod effect;
pub(super) mod refund;
pub(super) mod transaction;
