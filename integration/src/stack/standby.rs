//! A second Postgres that has whatever the first has acknowledged, and takes its place when that is lost.
//!
//! Clients know one address, as in production, where a name leads to whichever is the primary. Commits wait for the
//! standby (`synchronous_standby_names`) whenever there is one.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::{Context, ensure};
use sqlx::{AssertSqlSafe, Connection, PgConnection, raw_sql};
use url::Url;

use crate::eventually::within;
use crate::fault::proxy::Proxy;
use crate::fault::store;
use crate::stack::postgres::{Durability, Member, Postgres, program};
use crate::stack::process::Process;
use crate::stack::secret::Secret;
use crate::stack::servers::Programs;

const PATIENCE: Duration = Duration::from_secs(60);

/// A primary and its standby.
#[derive(Debug)]
pub struct Pair {
    programs: Programs,
    log: PathBuf,
    members: [Member; 2],
    /// Among the members.
    primary: AtomicUsize,
    front: Proxy,
}

impl Pair {
    /// Starts both; gives the address that leads to the primary.
    ///
    /// # Errors
    /// When one does not start.
    pub async fn start(programs: &Programs, data_directory: &Path, secret: &Secret) -> anyhow::Result<Postgres> {
        let durable = Durability::Machine.setting();
        let member = |name| Member::new(programs, data_directory, secret, name, durable);
        let members = [member("data")?, member("data-of-the-other")?];
        members[0].initialise(programs, data_directory, secret).await?;
        members[0].process.start().await?;
        let front = Proxy::to(address(&members[0])?).await?;
        let mut admin = members[0].admin.clone();
        admin.set_port(Some(front.port())).map_err(|()| anyhow::anyhow!("a Postgres address has a port"))?;
        let log = data_directory.join("pg_basebackup.log");
        let pair = Self { programs: programs.clone(), log, members, primary: AtomicUsize::new(0), front };
        pair.make_standby().await?;
        Ok(Postgres::of(admin, pair))
    }

    #[must_use]
    pub fn primary(&self) -> &Process {
        &self.members[self.primary.load(Ordering::Relaxed)].process
    }

    #[must_use]
    pub fn standby(&self) -> &Process {
        &self.second().process
    }

    pub fn processes(&self) -> impl Iterator<Item = &Process> {
        self.members.iter().map(|member| &member.process)
    }

    /// The primary dies for good, and its standby takes its place.
    ///
    /// # Errors
    /// When the standby cannot be promoted.
    pub async fn fail_over(&self) -> anyhow::Result<()> {
        self.primary().kill().await?;
        let heir = self.second();
        let mut connection = PgConnection::connect(heir.admin.as_str()).await?;
        let promoted: bool = sqlx::query_scalar("SELECT pg_promote()").fetch_one(&mut connection).await?;
        ensure!(promoted, "the standby is still a standby after a minute");
        self.front.lead_to(address(heir)?);
        self.primary.fetch_xor(1, Ordering::Relaxed);
        Ok(())
    }

    /// Makes the member that is not the primary a copy of it that follows it, and from now on commits wait for it.
    ///
    /// # Errors
    /// When it does not come to follow.
    pub async fn make_standby(&self) -> anyhow::Result<()> {
        let (first, second) = (&self.members[self.primary.load(Ordering::Relaxed)], self.second());
        if second.data.exists() {
            // What a killed server's own children still write ends with them.
            within(PATIENCE, "the lost server's data is gone", async || Ok(store::empty(&second.data)?)).await?;
        }
        program(&self.programs, "pg_basebackup", &self.log)
            .arguments(["--dbname", first.admin.as_str(), "--checkpoint", "fast", "--write-recovery-conf", "--pgdata"])
            .arguments([&second.data])
            .run()
            .await?;
        second.process.start().await?;
        let mut connection = PgConnection::connect(first.admin.as_str()).await?;
        within(PATIENCE, "the standby follows", async || {
            let follows: bool =
                sqlx::query_scalar("SELECT EXISTS (SELECT FROM pg_stat_replication WHERE state = 'streaming')")
                    .fetch_one(&mut connection)
                    .await?;
            ensure!(follows, "nobody follows the primary");
            Ok(())
        })
        .await?;
        for statement in ["ALTER SYSTEM SET synchronous_standby_names = '*'", "SELECT pg_reload_conf()"] {
            raw_sql(AssertSqlSafe(statement.to_owned())).execute(&mut connection).await?;
        }
        Ok(())
    }

    fn second(&self) -> &Member {
        &self.members[1 - self.primary.load(Ordering::Relaxed)]
    }
}

fn address(member: &Member) -> anyhow::Result<SocketAddr> {
    let addresses = Url::socket_addrs(&member.admin, || None)?;
    addresses.first().copied().context("a server has an address")
}
