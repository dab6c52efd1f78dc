//! Verification: whether the books are what the rules of the ledger make them, asked of the tables themselves.
//!
//! Every rule is a [`Check`]: one query over whole tables that counts what breaks the rule and names the first of them. The
//! writer commits whole, so the rules hold at every moment, not only at rest, and a check sees one moment. Checks know the
//! tables and share nothing with the code that fills them. Nothing is changed, and nothing is locked.

mod checks;
pub mod command;
mod examine;
mod report;

pub use checks::{CHECKS, Check};
pub use examine::{examine_in_tx, verify};
pub use report::{Finding, Offender, OutboxState, Report};
