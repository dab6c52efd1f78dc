//! How each fault is done, and undone.

use std::time::Duration;

use anyhow::Context;
use messaging::topology::TRANSACTIONS;
use rustix::process::Signal;
use sqlx::{Connection, PgConnection, raw_sql};
use tokio::time::sleep;

use super::arena::Arena;
use crate::{
    eventually::within,
    fault::{
        kind::{Kind, Trouble, Victim, manner, seconds_off},
        plan::Fault,
        proxy::Weather,
        signal, store,
    },
    receivers::Manner,
    stack::{
        lines::Server,
        platform::{Layout, migrate},
        process::Process,
        service::ServiceKind,
    },
};

/// How long something may take to work again, once nothing stands in its way.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);

impl Arena {
    /// Does a fault, lets it last, and undoes it.
    pub(super) async fn inflict(&self, fault: &Fault) -> anyhow::Result<()> {
        let Fault { kind, lasts, choice } = *fault;
        match kind {
            Kind::Killed(victim) => self.kill(self.process(victim, choice)?, lasts).await,
            Kind::Frozen(Victim::Server(Server::Postgres)) => self.freeze_postgres(lasts).await,
            Kind::Frozen(victim) => freeze(self.process(victim, choice)?, lasts).await,
            Kind::Line(server, trouble) => {
                self.disturb(server, trouble, lasts, choice).await;
                Ok(())
            }
            Kind::LeaseStolen => self.steal_lease().await,
            Kind::StreamDeleted => self.delete_stream(lasts).await,
            Kind::StoreRestored => self.restore_store(lasts).await,
            Kind::DiskFull => self.fill_disk(lasts).await,
            Kind::KeeperKilled(rank) => self.kill(self.keeper(rank).await?, lasts).await,
            Kind::KeeperApart => self.set_apart(lasts, choice).await,
            Kind::PrimaryLost => self.lose_primary(lasts).await,
            Kind::StandbyKilled => self.kill(self.pair()?.standby(), lasts).await,
            Kind::ClockOff(service) => {
                set_clock_off(self.process(Victim::Service(service), choice / 3)?, lasts, choice).await
            }
            Kind::Receiver => {
                let receiver = self.audience.receiver(choice);
                receiver.behave(manner(choice / 7));
                sleep(lasts).await;
                receiver.behave(Manner::Status(200));
                Ok(())
            }
        }
    }

    fn process(&self, victim: Victim, choice: u32) -> anyhow::Result<&Process> {
        let backing = &self.platform.backing;
        let replicas = match victim {
            Victim::Service(ServiceKind::Transaction) => &self.platform.transaction_svc,
            Victim::Service(ServiceKind::Notification) => &self.platform.notification_svc,
            Victim::Server(server) => {
                let process = match server {
                    Server::Postgres => backing.postgres.primary(),
                    Server::Nats => backing.nats.processes().nth(choice as usize % backing.nats.processes().count()),
                    Server::Redis => backing.redis.process.as_ref(),
                };
                return process.context("the server is not ours");
            }
        };
        Ok(&replicas[choice as usize % replicas.len()].process)
    }

    pub(super) async fn kill(&self, process: &Process, down: Duration) -> anyhow::Result<()> {
        process.kill().await?;
        sleep(down).await;
        start(process).await
    }

    /// The postmaster first, so that nobody new comes, then everybody it has brought forth: each has a group of its own.
    async fn freeze_postgres(&self, lasts: Duration) -> anyhow::Result<()> {
        let postmaster = self.process(Victim::Server(Server::Postgres), 0)?;
        let admin = self.platform.backing.postgres.admin.as_str();
        let mut connection =
            within(PATIENCE, "Postgres answers", async || Ok(PgConnection::connect(admin).await?)).await?;
        postmaster.signal(Signal::STOP)?;
        let backends: Vec<i32> = sqlx::query_scalar("SELECT pid FROM pg_stat_activity WHERE pid <> pg_backend_pid()")
            .fetch_all(&mut connection)
            .await?;
        // One may have ended by itself meanwhile.
        let all = |what| backends.iter().for_each(|pid| drop(signal::send(pid.unsigned_abs(), what)));
        all(Signal::STOP);
        sleep(lasts).await;
        all(Signal::CONT);
        postmaster.signal(Signal::CONT)
    }

    /// One replica's line, or those of all.
    async fn disturb(&self, server: Server, trouble: Trouble, lasts: Duration, choice: u32) {
        let lines: Vec<_> = self.platform.lines.iter().filter(|line| line.server == server).collect();
        let chosen = choice as usize % (lines.len() + 1);
        let lines = lines.get(chosen..=chosen).unwrap_or(&lines);
        lines.iter().for_each(|line| line.proxy.becomes(trouble.weather(choice)));
        sleep(lasts).await;
        lines.iter().for_each(|line| line.proxy.becomes(Weather::Clear));
    }

    /// Whoever asks next has it; the leader finds out with its next renewal, and until then there may be two.
    async fn steal_lease(&self) -> anyhow::Result<()> {
        let theft = "UPDATE transactions.leases SET holder = gen_random_uuid(), term = term + 1,
                                                    expires_at = clock_timestamp() WHERE name = 'relay'";
        within(PATIENCE, "the lease is stolen", async || Ok(raw_sql(theft).execute(&self.evidence.database).await?))
            .await?;
        Ok(())
    }

    async fn delete_stream(&self, gone: Duration) -> anyhow::Result<()> {
        self.platform.backing.nats.administer().await?.delete_stream(TRANSACTIONS).await?;
        sleep(gone).await;
        within(PATIENCE, "the stream is made anew", async || migrate(&self.platform.backing, &Layout::default()).await)
            .await
    }

    /// A server that could not write stops serving its streams until somebody makes room and starts it again.
    async fn fill_disk(&self, lasts: Duration) -> anyhow::Result<()> {
        let nats = self.process(Victim::Server(Server::Nats), 0)?;
        let disk = self.platform.backing.nats.disk.as_ref().context("the disk of NATS is not ours to fill")?;
        disk.fill().await?;
        sleep(lasts).await;
        disk.clear()?;
        nats.kill().await?;
        start(nats).await
    }

    async fn restore_store(&self, age: Duration) -> anyhow::Result<()> {
        let nats = self.process(Victim::Server(Server::Nats), 0)?;
        let backing = &self.platform.backing;
        let kept = backing.nats.store(backing.directory.path())?;
        let older = backing.directory.path().join("nats-older");
        nats.stop().await?;
        store::copy(&kept, &older)?;
        start(nats).await?;
        sleep(age).await;
        nats.kill().await?;
        store::empty(&kept)?;
        store::copy(&older, &kept)?;
        store::empty(&older)?;
        start(nats).await
    }
}

/// For this life of it.
async fn set_clock_off(process: &Process, lasts: Duration, choice: u32) -> anyhow::Result<()> {
    process.stop().await?;
    let fault = format!("clock::off_by=return({})", seconds_off(choice));
    let environment = [("FAILPOINTS", fault.as_str())];
    within(PATIENCE, "it runs again", || process.start_with(&environment)).await?;
    sleep(lasts).await;
    process.stop().await?;
    start(process).await
}

async fn freeze(process: &Process, lasts: Duration) -> anyhow::Result<()> {
    process.signal(Signal::STOP)?;
    sleep(lasts).await;
    process.signal(Signal::CONT)
}

/// As often as it takes: Postgres, for one, waits until the backends of its last life are gone.
pub(super) async fn start(process: &Process) -> anyhow::Result<()> {
    within(PATIENCE, "it runs again", || process.start()).await
}
