//! The rules, each as a query for whatever breaks it: four columns, `account`, `transaction`, `event` (ids, or null) and
//! a text that says in which way. Tables are named without their schema.
//!
//! Sums are taken and compared as `numeric`, so that a row of nonsense is an offender and no arithmetic error.

mod accounts;
mod journal;
mod references;
mod transactions;

/// A rule of the ledger.
#[derive(Debug, Clone, Copy)]
pub struct Check {
    pub name: &'static str,
    /// What holds, in a sentence.
    pub rule: &'static str,
    /// Gives a row for everything that breaks it.
    pub(super) broken_by: &'static str,
}

/// All of them, the quickest first.
pub const CHECKS: [&[Check]; 4] = [accounts::CHECKS, transactions::CHECKS, references::CHECKS, journal::CHECKS];
