//! Asking the relay to publish events of the journal again.

pub mod command;

use contract::{AccountId, EventId};
use service_kit::{clock::Clock, postgres};
use sqlx::PgPool;
use time::OffsetDateTime;

use crate::{
    config::{Config, required},
    store::republications::{self, Republication, Request, Selection},
};

/// The most that a list shows.
const LISTED: i64 = 200;

/// The journal, as operators publish from it.
#[derive(Debug)]
pub struct Republishing<C> {
    pool: PgPool,
    clock: C,
}

/// Which events an operator wants, and whose account they touch.
#[derive(Debug, Clone, Copy, Default)]
pub struct Wanted {
    /// Those that happened at this time or later; `None`: all of the journal.
    pub since: Option<OffsetDateTime>,
    pub account: Option<AccountId>,
}

/// What would be published again.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    pub selection: Selection,
    pub events: i64,
}

impl<C: Clock> Republishing<C> {
    /// # Errors
    /// What is missing from the configuration.
    pub fn of_command(config: Config, clock: C) -> anyhow::Result<Self> {
        let pool = postgres::connect(&required(config.postgres, "POSTGRES__URL")?, "transaction-svc operator")?;
        Ok(Self { pool, clock })
    }

    /// Counts, and changes nothing. Events from now on are not among them: those are published anyway.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn plan(&self, wanted: Wanted) -> anyhow::Result<Plan> {
        let since = wanted.since.unwrap_or(OffsetDateTime::UNIX_EPOCH);
        let (first, last) = (EventId::new(since, 0), EventId::new(self.clock.now(), u64::MAX));
        let selection = Selection { account: wanted.account, first, last };
        Ok(Plan { selection, events: republications::count(&self.pool, selection).await? })
    }

    /// Asks the relay. Gives the request's id.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn request(&self, request: &Request) -> anyhow::Result<i64> {
        Ok(republications::request(&self.pool, request, self.clock.now()).await?)
    }

    /// # Errors
    /// Those of the database.
    pub async fn list(&self) -> anyhow::Result<Vec<Republication>> {
        Ok(republications::list(&self.pool, LISTED).await?)
    }

    /// # Errors
    /// Those of the database, and where none of this id runs.
    pub async fn cancel(&self, id: i64) -> anyhow::Result<()> {
        let cancelled = republications::cancel(&self.pool, id, self.clock.now()).await?;
        anyhow::ensure!(cancelled, "there is no republication {id} that runs");
        Ok(())
    }
}
