//! Chaos: two replicas of each service, clients that pay each other, receivers of webhooks, and a plan of faults that all
//! of them live through. Afterwards the history is checked.

pub mod arena;
mod audience;
mod members;
pub mod report;
mod strike;
