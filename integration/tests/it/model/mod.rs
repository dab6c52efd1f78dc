//! The ledger against a second one, which is as simple as can be: the same commands, and everything said and left must agree.
//!
//! [`naive`] is that second ledger. [`decisions`] gives both the same random sequences; [`replicas`] gives a random load
//! to two replicas at once, and asks the naive one what the journal says has happened ([`replay`]).

mod decisions;
mod naive;
mod replay;
mod replicas;
mod stored;
