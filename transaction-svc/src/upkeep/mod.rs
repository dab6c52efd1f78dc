//! What has to be looked after while the service runs. Every replica does it; doing it twice does no harm.

pub mod backlog;
pub mod expire_holds;
pub mod forget_deliveries;
pub mod forget_keys;
pub mod forget_publications;
pub mod partitions;
pub mod verification;
