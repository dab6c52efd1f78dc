//! A typed client of both APIs of the platform.
//!
//! Every change of the ledger takes an idempotency key from its caller: a request whose answer was lost is sent again
//! with the same key, and [`Error::may_retry`] says when. The client repeats nothing by itself; [`retry`] does for who
//! asks it to. `examples/pay.rs` shows all of it.

mod accounts;
mod batches;
mod code;
mod console;
mod error;
mod lifecycle;
mod notifications;
mod operations;
mod replays;
mod retry;
mod sessions;
mod stream;
mod transactions;
mod transport;
mod verification;
mod webhooks;

pub use accounts::AccountSettings;
pub use batches::TransactionFilter;
pub use code::ProblemCode;
pub use console::{Consumer, Overview};
pub use error::{Error, Problem};
pub use notifications::Notifications;
pub use operations::{
    DeadLetter, DeadLetterCount, DeadLetterCounts, DeadLetterSelection, DeadLettersTreated, Operation, Operations,
};
pub use replays::{NewReplay, Replay, ReplayPlan, ReplayProgress, ReplayStatus};
pub use retry::retry;
pub use sessions::{NewSession, Session};
pub use stream::NotificationStream;
pub use transactions::{NewAccount, NewTransaction, Transactions};
pub use transport::{Answer, Page, Transport};
pub use verification::{Finding, Offender, Verification};
pub use webhooks::{NewWebhookEndpoint, WebhookEndpointChanges};
