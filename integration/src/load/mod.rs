//! The load harness: what the platform does per second, beside what its Postgres does by itself in the same run.
//!
//! Machines differ and are shared, so what counts are ratios within one run. Clients are as lean as they can be, because
//! they share the cores with what they measure; what they send is what any client would.

pub mod arrivals;
pub mod backlog;
pub mod clients;
pub mod connection;
pub mod growth;
pub mod pgbench;
pub mod readers;
pub mod reading;
pub mod replaying;
pub mod report;
pub mod resident;
pub mod scenario;
pub mod streams;
