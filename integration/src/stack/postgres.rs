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

/// A Postgres server: ours to start and kill, or one that runs elsewhere.
#[derive(Debug)]
pub struct Postgres {
    /// The administrator's address, of the database `postgres`.
    pub admin: Url,
    /// `None` when it is not ours, or in a container.
    pub process: Option<Process>,
    _port: Option<Port>,
    _container: Option<Container>,
}

impl Postgres {
    /// A server that runs already.
    #[must_use]
    pub const fn elsewhere(admin: Url) -> Self {
        Self { admin, process: None, _port: None, _container: None }
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
        let password = secret.derive(SUPERUSER);
        let fsync = if durability == Durability::Machine { "fsync=on" } else { "fsync=off" };
        match servers {
            Servers::Programs(programs) => Self::start_program(programs, data_directory, &password, fsync).await,
            Servers::Containers(containers) => {
                let options = [&SETTINGS[..], &[fsync]].concat();
                let container = containers.postgres(&password, &options).await?;
                let (host, port) = container.published(5432).await?;
                let admin = address(&password, &host, port)?;
                Readiness::Postgres(admin.clone()).waited_for("Postgres in its container").await?;
                Ok(Self { admin, process: None, _port: None, _container: Some(container) })
            }
        }
    }

    async fn start_program(
        programs: &Programs,
        data_directory: &Path,
        password: &str,
        fsync: &str,
    ) -> anyhow::Result<Self> {
        let home = privilege::private_directory(&data_directory.join("postgres"))?;
        let log = data_directory.join("postgres.log");
        let data = home.join("data");
        if !data.exists() {
            initialise(programs, &home, &data, &log, password).await?;
        }
        let port = Port::any()?;
        let admin = address(password, "127.0.0.1", port.number())?;
        let program = program(programs, "postgres", &log)
            .arguments([Path::new("-D"), &data])
            .arguments(["-p".to_owned(), port.number().to_string()])
            .arguments([&LISTENING[..], &SETTINGS, &[fsync]].concat().into_iter().flat_map(|setting| ["-c", setting]));
        let process = Process::new(program, Readiness::Postgres(admin.clone()));
        process.start().await?;
        Ok(Self { admin, process: Some(process), _port: Some(port), _container: None })
    }
}

/// The superuser's address of a server.
pub(super) fn address(password: &str, host: &str, port: u16) -> anyhow::Result<Url> {
    Ok(Url::parse(&format!("postgres://{SUPERUSER}:{password}@{host}:{port}/postgres"))?)
}

/// SIGINT is Postgres's fast shutdown. SIGQUIT ends it at once, with its backends and its shared memory, which SIGKILL
/// would leave for them to find out.
fn program(programs: &Programs, name: &str, log: &Path) -> Program {
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
