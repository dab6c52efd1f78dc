//! The Postgres of the stack: initialised once per data directory, durable as in production.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;
use rustix::process::Signal;
use url::Url;

use crate::stack::docker::Container;
use crate::stack::ports::Port;
use crate::stack::privilege;
use crate::stack::process::Process;
use crate::stack::program::{Death, Program};
use crate::stack::readiness::Readiness;
use crate::stack::secret::Secret;
use crate::stack::servers::{Programs, Servers};
use crate::stack::standby::Pair;

pub(super) const SUPERUSER: &str = "postgres";

/// Where a server on this machine listens.
const LISTENING: [&str; 2] = ["listen_addresses=127.0.0.1", "unix_socket_directories="];
/// What else differs from Postgres's defaults, wherever it runs.
pub const SETTINGS: [&str; 4] =
    ["max_connections=300", "shared_buffers=256MB", "max_wal_size=4GB", "log_line_prefix=%m [%p] %q%u@%d "];

/// What a commit outlives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// A power cut, as in production: the promise is kept and measured with it.
    Machine,
    /// `kill -9` of Postgres, and no more. Enough for the many databases of tests, each of which is dropped a second sooner.
    Process,
}

impl Durability {
    /// As Postgres has it.
    pub(super) const fn setting(self) -> &'static str {
        match self {
            Self::Machine => "fsync=on",
            Self::Process => "fsync=off",
        }
    }
}

/// A Postgres: one server or two of ours, to be started and killed, or one that runs elsewhere.
#[derive(Debug)]
pub struct Postgres {
    /// The administrator's address, of the database `postgres`.
    pub admin: Url,
    /// The only server; `None` when it is not ours, or in a container.
    pub process: Option<Process>,
    pub pair: Option<Box<Pair>>,
    _port: Option<Port>,
    _container: Option<Container>,
}

/// A server of ours.
#[derive(Debug)]
pub(super) struct Member {
    pub(super) process: Process,
    pub(super) data: PathBuf,
    pub(super) admin: Url,
    port: Port,
}

impl Member {
    /// A server with its data in this directory below `data_directory`, which may not exist yet; it is not started.
    pub(super) fn new(
        programs: &Programs,
        data_directory: &Path,
        secret: &Secret,
        name: &str,
        fsync: &str,
    ) -> anyhow::Result<Self> {
        let data = privilege::private_directory(&data_directory.join("postgres"))?.join(name);
        let port = Port::any()?;
        let admin = address(&secret.derive(SUPERUSER), "127.0.0.1", port.number())?;
        let program = program(programs, "postgres", &data_directory.join("postgres.log"))
            .arguments([Path::new("-D"), &data])
            .arguments(["-p".to_owned(), port.number().to_string()])
            .arguments([&LISTENING[..], &SETTINGS, &[fsync]].concat().into_iter().flat_map(|setting| ["-c", setting]));
        let process = Process::new(program, Readiness::Postgres(admin.clone()));
        Ok(Self { process, data, admin, port })
    }

    /// Makes its data, unless it has some.
    pub(super) async fn initialise(
        &self,
        programs: &Programs,
        data_directory: &Path,
        secret: &Secret,
    ) -> anyhow::Result<()> {
        if self.data.exists() {
            return Ok(());
        }
        let home = self.data.parent().context("the data has a home")?;
        initialise(programs, home, &self.data, &data_directory.join("postgres.log"), &secret.derive(SUPERUSER)).await
    }
}

impl Postgres {
    /// A server that runs already.
    #[must_use]
    pub const fn elsewhere(admin: Url) -> Self {
        Self { admin, process: None, pair: None, _port: None, _container: None }
    }

    /// Starts the server whose data is below `data_directory`.
    ///
    /// # Errors
    /// When it cannot be initialised or does not start.
    pub async fn start(
        servers: &Servers,
        data_directory: &Path,
        secret: &Secret,
        durability: Durability,
    ) -> anyhow::Result<Self> {
        let fsync = durability.setting();
        match servers {
            Servers::Programs(programs) => {
                let member = Member::new(programs, data_directory, secret, "data", fsync)?;
                member.initialise(programs, data_directory, secret).await?;
                let Member { process, admin, port, .. } = member;
                process.start().await?;
                Ok(Self { process: Some(process), _port: Some(port), ..Self::elsewhere(admin) })
            }
            Servers::Containers(containers) => {
                let password = secret.derive(SUPERUSER);
                let options = [&SETTINGS[..], &[fsync]].concat();
                let container = containers.postgres(&password, &options).await?;
                let (host, port) = container.published(5432).await?;
                let admin = address(&password, &host, port)?;
                Readiness::Postgres(admin.clone()).waited_for("Postgres in its container").await?;
                Ok(Self { _container: Some(container), ..Self::elsewhere(admin) })
            }
        }
    }

    pub(super) fn of(admin: Url, pair: Pair) -> Self {
        Self { pair: Some(Box::new(pair)), ..Self::elsewhere(admin) }
    }

    /// The server that is written to.
    #[must_use]
    pub fn primary(&self) -> Option<&Process> {
        self.pair.as_ref().map(|pair| pair.primary()).or(self.process.as_ref())
    }

    /// The servers that are ours.
    pub fn processes(&self) -> impl Iterator<Item = &Process> {
        self.process.iter().chain(self.pair.iter().flat_map(|pair| pair.processes()))
    }
}

/// The superuser's address of a server.
pub(super) fn address(password: &str, host: &str, port: u16) -> anyhow::Result<Url> {
    Ok(Url::parse(&format!("postgres://{SUPERUSER}:{password}@{host}:{port}/postgres"))?)
}

/// SIGINT is Postgres's fast shutdown. SIGQUIT ends it at once, with its backends and its shared memory, which SIGKILL
/// would leave for them to find out.
pub(super) fn program(programs: &Programs, name: &str, log: &Path) -> Program {
    let mut program = Program::new(name, programs.postgres_programs.join(name), log.to_owned());
    program.user = privilege::database_user();
    program.stop_signal = Signal::INT;
    program.death = Death::Quit;
    program
}

async fn initialise(programs: &Programs, home: &Path, data: &Path, log: &Path, password: &str) -> anyhow::Result<()> {
    let unfinished = home.join("unfinished");
    if unfinished.exists() {
        fs::remove_dir_all(&unfinished).context("cannot remove an unfinished database")?;
    }
    let password_file = password_file(home, password)?;
    program(programs, "initdb", log)
        .arguments(["--username", SUPERUSER, "--auth", "scram-sha-256", "--encoding", "UTF8"])
        .arguments(["--locale-provider", "builtin", "--locale", "C.UTF-8"])
        .arguments([Path::new("--pwfile"), &password_file, Path::new("--pgdata"), &unfinished])
        .run()
        .await?;
    fs::remove_file(&password_file)?;
    fs::rename(&unfinished, data).context("cannot put the new database in its place")
}

/// Readable by the user that `initdb` runs as, and by nobody else: its directory is private.
fn password_file(home: &Path, password: &str) -> anyhow::Result<PathBuf> {
    let path = home.join("password");
    fs::write(&path, password).with_context(|| format!("cannot write {}", path.display()))?;
    Ok(path)
}
