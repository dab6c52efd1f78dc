//! What the services stand on: Postgres with the database, NATS, Redis, the issuer of tokens, and where all that is kept.

use std::path::{Path, PathBuf};

use anyhow::Context;
use contract::signature;
use tokio::try_join;

use crate::config::{POSTGRES_URL, RunningServers};
use crate::fault::disk::SmallDisk;
use crate::stack::database::Database;
use crate::stack::directory::DataDirectory;
use crate::stack::identity::Issuer;
use crate::stack::nats::Nats;
use crate::stack::postgres::{self, Durability, Postgres};
use crate::stack::process::Process;
use crate::stack::redis::Redis;
use crate::stack::secret::Secret;
use crate::stack::servers::Servers;
use crate::stack::standby::Pair;

/// The database of a Postgres of the stack's own.
const DATABASE: &str = "platform";

/// Fields are dropped in this order: the data last.
#[derive(Debug)]
pub struct Backing {
    pub redis: Redis,
    pub nats: Nats,
    pub database: Database,
    pub postgres: Postgres,
    pub issuer: Issuer,
    pub(super) secret: Secret,
    pub directory: DataDirectory,
}

impl Backing {
    /// Servers that go on with the data in `directory`, except those that the environment names.
    ///
    /// # Errors
    /// When something is missing or does not start.
    pub async fn lasting(directory: &Path) -> anyhow::Result<Self> {
        let running = RunningServers::from_environment()?;
        let directory = DataDirectory::keep(directory)?;
        let secret = Secret::kept_in(&directory.path().join("secret"))?;
        let servers = Servers::locate().await?.lasting_with(directory.path());
        let postgres = async {
            match running.postgres {
                Some(admin) => Ok(Postgres::elsewhere(admin)),
                None => Postgres::start(&servers, directory.path(), &secret, Durability::Machine).await,
            }
        };
        let nats = async {
            match running.nats {
                Some(url) => Nats::elsewhere(url),
                None => Nats::start(&servers, directory.path(), &secret).await,
            }
        };
        let redis = async {
            match running.redis {
                Some(url) => Ok(Redis::elsewhere(url)),
                None => Redis::start(&servers, directory.path()).await,
            }
        };
        let (postgres, nats, redis) = try_join!(postgres, nats, redis)?;
        let database = Database::provide(&postgres.admin, DATABASE).await?;
        Self::new(redis, nats, database, postgres, secret, directory)
    }

    /// A clone of the template in the shared Postgres, and a NATS and a Redis of one test.
    ///
    /// # Errors
    /// When there is no shared Postgres, or NATS does not start.
    pub async fn cloned() -> anyhow::Result<Self> {
        let running = RunningServers::from_environment()?;
        let admin = running.postgres.with_context(|| {
            format!("tests share a Postgres named in {POSTGRES_URL}: run them with `make test`, or `platform servers -- cargo nextest run`")
        })?;
        let database = Database::clone_template(&admin).await?;
        Self::scratch(database, Postgres::elsewhere(admin)).await
    }

    /// The template database in a shared Postgres, and a NATS to migrate it with.
    ///
    /// # Errors
    /// When Postgres is out of reach, or NATS does not start.
    pub async fn template(postgres: Postgres) -> anyhow::Result<Self> {
        let database = Database::fresh_template(&postgres.admin).await?;
        Self::scratch(database, postgres).await
    }

    /// A Postgres, a NATS and a Redis of one test, to be killed and stopped.
    ///
    /// # Errors
    /// When they do not start.
    pub async fn private() -> anyhow::Result<Self> {
        Self::private_in(DataDirectory::scratch()?, None).await
    }

    /// The same, with its data in this empty directory, except for the streams when they have a disk of their own.
    ///
    /// # Errors
    /// When they do not start.
    pub async fn private_in(directory: DataDirectory, disk: Option<SmallDisk>) -> anyhow::Result<Self> {
        let secret = Secret::generate();
        let servers = Servers::locate().await?;
        let postgres = Postgres::start(&servers, directory.path(), &secret, Durability::Machine);
        let nats = async {
            match disk {
                None => Nats::start(&servers, directory.path(), &secret).await,
                disk => Nats::start_on(&servers.clone().programs()?, directory.path(), &secret, disk).await,
            }
        };
        let redis = Redis::start(&servers, directory.path());
        let (postgres, nats, redis) = try_join!(postgres, nats, redis)?;
        let database = Database::provide(&postgres.admin, DATABASE).await?;
        Self::new(redis, nats, database, postgres, secret, directory)
    }

    /// What production stands on, of one run, with its data in this empty directory: three servers for the streams, and a
    /// primary with a standby for the database.
    ///
    /// # Errors
    /// When they do not start.
    pub async fn highly_available_in(directory: DataDirectory) -> anyhow::Result<Self> {
        let secret = Secret::generate();
        let servers = Servers::locate().await?;
        let programs = servers.clone().programs()?;
        let postgres = Box::pin(Pair::start(&programs, directory.path(), &secret));
        let nats = Box::pin(Nats::start_cluster(&programs, directory.path(), &secret));
        let redis = Redis::start(&servers, directory.path());
        let (postgres, nats, redis) = try_join!(postgres, nats, redis)?;
        let database = Database::provide(&postgres.admin, DATABASE).await?;
        Self::new(redis, nats, database, postgres, secret, directory)
    }

    /// What services in containers of `compose.yaml` stand on; nothing is started.
    ///
    /// # Errors
    /// When the directory cannot be used.
    pub(super) fn in_containers(directory: &Path) -> anyhow::Result<Self> {
        let directory = DataDirectory::keep(directory)?;
        let secret = Secret::kept_in(&directory.path().join("secret"))?;
        let postgres = Postgres::elsewhere(postgres::address(&secret.derive(postgres::SUPERUSER), "postgres", 5432)?);
        let database = Database::at(&postgres.admin, DATABASE);
        let nats = Nats::configured("nats://nats:4222".parse()?, None, &secret);
        Self::new(Redis::elsewhere("redis://redis:6379".parse()?), nats, database, postgres, secret, directory)
    }

    async fn scratch(database: Database, postgres: Postgres) -> anyhow::Result<Self> {
        let directory = DataDirectory::scratch()?;
        let secret = Secret::generate();
        let servers = Servers::locate().await?;
        let nats = Nats::start(&servers, directory.path(), &secret);
        let redis = Redis::start(&servers, directory.path());
        let (nats, redis) = try_join!(nats, redis)?;
        Self::new(redis, nats, database, postgres, secret, directory)
    }

    fn new(
        redis: Redis,
        nats: Nats,
        database: Database,
        postgres: Postgres,
        secret: Secret,
        directory: DataDirectory,
    ) -> anyhow::Result<Self> {
        let issuer = Issuer::new(&secret)?;
        let backing = Self { redis, nats, database, postgres, issuer, secret, directory };
        backing.issuer.write_key_set(&backing.key_set())?;
        Ok(backing)
    }

    /// The file with the issuer's public keys.
    #[must_use]
    pub fn key_set(&self) -> PathBuf {
        self.directory.path().join("jwks.json")
    }

    /// With which the ledger signs what it sends to the platform's own receiver.
    #[must_use]
    pub fn webhook_secret(&self) -> signature::Secret {
        signature::Secret::from_bytes(self.secret_bytes("webhook")).expect("32 bytes are a secret")
    }

    /// 32 bytes for this purpose.
    pub(super) fn secret_bytes(&self, purpose: &str) -> Vec<u8> {
        hex::decode(self.secret.derive(purpose)).expect("what is derived is hexadecimal")
    }

    /// Ends everything but Postgres.
    #[must_use]
    pub fn into_postgres(self) -> Postgres {
        self.postgres
    }

    /// The servers that are ours.
    pub fn processes(&self) -> impl Iterator<Item = &Process> {
        let Self { postgres, nats, redis, .. } = self;
        postgres.processes().chain(nats.processes()).chain(&redis.process)
    }
}
