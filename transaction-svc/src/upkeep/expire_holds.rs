//! Ends holds whose time is over, through the writer like everything else.
//!
//! A hold expires once whoever asks and however often: the writer decides on what the transaction is under the locks. The
//! lease only keeps replicas from asking the same.

use std::time::Duration;

use contract::TransactionId;
use futures_util::future::join_all;
use rand::random;
use service_kit::{http::RequestId, postgres::answered, tasks::TaskError, telemetry::chain};
use sqlx::PgPool;
use uuid::Uuid;

use crate::{
    domain::{
        command::{Action, Caller, Command, Entropy},
        transaction::Actor,
    },
    store::{StoreError, leases, transitions},
    writer::{Answer, Commands, WriteError},
};

const LEASE: &str = "expire_holds";
/// After a replica dies, another goes on when this is over.
const TERM_LENGTH: Duration = Duration::from_secs(5);
const INTERVAL: Duration = Duration::from_secs(1);
/// How many are asked for at a time: one batch of the writer.
const AT_ONCE: i64 = 512;

/// Who expires holds, as events name it.
const ISSUER: &str = "transaction-svc";

#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("holds cannot be looked for")]
    Store(#[from] StoreError),
    #[error("a hold cannot be expired")]
    Write(#[from] WriteError),
}

/// Looks every second, for ever.
///
/// # Errors
/// None: what fails is logged and done at a later look.
pub async fn watch(pool: PgPool, commands: Commands) -> Result<(), TaskError> {
    let holder = Uuid::new_v4();
    let mut ticks = tokio::time::interval(INTERVAL);
    loop {
        ticks.tick().await;
        if let Err(failure) = expire_due(&pool, &commands, holder).await {
            tracing::warn!(cause = chain(&failure), "Holds could not be expired for now.");
        }
    }
}

/// Expires all that are due, unless another replica does.
async fn expire_due(pool: &PgPool, commands: &Commands, holder: Uuid) -> Result<(), Failure> {
    while answered(leases::acquire(pool, LEASE, holder, TERM_LENGTH)).await?.is_some() {
        let due = answered(transitions::due(pool, AT_ONCE)).await?;
        let asked = due.into_iter().map(|hold| commands.submit(expire(hold), RequestId::generate()));
        let answers: Vec<Answer> = join_all(asked).await.into_iter().collect::<Result<_, _>>()?;
        // What was ended by somebody else meanwhile is refused; if anything else ever is, it is not asked for in a loop.
        if answers.is_empty() || answers.iter().any(|answer| !answer.is_success()) {
            break;
        }
    }
    Ok(())
}

/// Without a key, and so without a stored answer: that a hold is over is no answer to anybody.
fn expire(transaction: TransactionId) -> Command {
    Command {
        caller: Caller {
            actor: Actor { issuer: ISSUER.into(), subject: LEASE.into() },
            any_account: true,
            moves_any_money: true,
        },
        idempotency: None,
        entropy: Entropy { resource: random(), event: random() },
        traceparent: None,
        action: Action::ExpireTransaction(transaction),
    }
}
