//! A typed client of both APIs of the platform.
//!
//! Every change of the ledger takes an idempotency key from its caller: a request whose answer was lost is sent again
//! with the same key, and [`Error::may_retry`] says when. The client never repeats anything by itself.

mod accounts;
mod batches;
mod error;
mod lifecycle;
mod notifications;
mod stream;
mod transactions;
mod transport;

pub use accounts::AccountSettings;
pub use batches::TransactionFilter;
pub use error::{Error, Problem};
pub use notifications::Notifications;
pub use stream::NotificationStream;
pub use transactions::{NewAccount, NewTransaction, Transactions};
pub use transport::{Answer, Page, Transport};
