//! The proof of the promise: what clients were told, held against what the platform has, whatever was done to it.
//!
//! [`record`] drives clients and writes down what each was told; [`check`] waits until everything has come to rest and
//! names whatever breaks a rule, those of the ledger's own verification among them. The rules are an auditor's queries:
//! they know the tables and the wire, and use none of the code that they judge.

pub mod check;
pub mod evidence;
pub mod players;
pub mod record;
mod rules;
mod testimony;
pub mod told;
