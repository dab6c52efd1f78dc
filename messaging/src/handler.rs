//! What a consumer hands its messages to.

use std::future::Future;

use crate::{
    delivery::Delivery,
    disposition::{Disposition, Outage},
};

/// Does the work that messages are about.
pub trait Handler: Send + Sync {
    /// Does the work of these messages and says, in their order, what is to become of each. Called again with the same
    /// messages after an [`Outage`], and with any message again after a crash. What takes longer than `ack_wait` is
    /// kept alive.
    ///
    /// # Errors
    /// [`Outage`] where no message is to blame.
    fn handle(&self, batch: &[Delivery]) -> impl Future<Output = Result<Vec<Disposition>, Outage>> + Send;
}
