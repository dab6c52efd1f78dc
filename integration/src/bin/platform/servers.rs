//! `platform servers -- <command>`: a Postgres with the migrated template database, for as long as a command runs.

use std::os::unix::process::ExitStatusExt;
use std::process::{ExitCode, ExitStatus};

use anyhow::Context;
use integration::config::{POSTGRES_URL, RunningServers};
use integration::fault::signal;
use integration::stack::backing::Backing;
use integration::stack::directory::DataDirectory;
use integration::stack::platform::{Layout, migrate};
use integration::stack::postgres::{Durability, Postgres};
use integration::stack::secret::Secret;
use integration::stack::servers::Servers;
use tokio::process::{Child, Command};
use tokio::signal::unix::SignalKind;

use crate::stop_signal::StopSignal;

#[derive(clap::Args)]
pub(crate) struct Options {
    /// The command and its arguments
    #[arg(required = true, last = true)]
    command: Vec<String>,
}

/// Its exit code is the command's, or 128 and the signal's number, as a shell has it.
pub(crate) async fn run_beside(options: &Options) -> anyhow::Result<ExitCode> {
    let mut stop = StopSignal::listen()?;
    // Dropped last: Postgres ends before its data goes.
    let directory = DataDirectory::scratch()?;
    let postgres = tokio::select! {
        started = start(&directory) => started?,
        _ = stop.received() => return Ok(ExitCode::FAILURE),
    };
    let [program, arguments @ ..] = options.command.as_slice() else { anyhow::bail!("no command") };
    let mut command = Command::new(program);
    command.args(arguments).env(POSTGRES_URL, postgres.admin.as_str()).kill_on_drop(true);
    let mut child = command.spawn().with_context(|| format!("cannot run {program}"))?;
    let status = loop {
        tokio::select! {
            status = child.wait() => break status?,
            which = stop.received() => pass_on(which, &child),
        }
    };
    Ok(exit_code(status))
}

/// The Postgres that the environment names, or a new one; with a fresh template either way.
async fn start(directory: &DataDirectory) -> anyhow::Result<Postgres> {
    let postgres = match RunningServers::from_environment()?.postgres {
        Some(admin) => Postgres::elsewhere(admin),
        None => {
            let servers = Servers::locate().await?;
            Postgres::start(&servers, directory.path(), &Secret::generate(), Durability::Process).await?
        }
    };
    let backing = Backing::template(postgres).await?;
    migrate(&backing, &Layout::default()).await?;
    Ok(backing.into_postgres())
}

/// A Ctrl-C reached the command already, as it is in the terminal's foreground group with us.
fn pass_on(which: SignalKind, child: &Child) {
    if which == SignalKind::terminate()
        && let Some(pid) = child.id()
    {
        // It may just have ended, which is as good.
        drop(signal::terminate(pid));
    }
}

fn exit_code(status: ExitStatus) -> ExitCode {
    let code = status.code().or_else(|| status.signal().map(|signal| 128 + signal));
    code.and_then(|code| u8::try_from(code).ok()).map_or(ExitCode::FAILURE, ExitCode::from)
}
