//! The commands of the binary.

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::{app, config::Config, http};

/// Notifications: what the events of the ledger mean to each user.
///
/// Configured by environment variables that start with NOTIFICATION_SVC__.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Clone, Copy, Subcommand)]
enum Command {
    /// Serve the API, and make notifications of events.
    Serve,
    /// Bring the database schema, the streams and the consumers up to date.
    Migrate,
    /// Print the OpenAPI document of the API.
    Openapi,
}

/// Runs the command of the command line.
#[must_use]
pub fn run() -> ExitCode {
    let done = match Arguments::parse().command {
        Command::Serve => blocking(app::serve),
        Command::Migrate => blocking(app::migrate),
        Command::Openapi => print_openapi(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&error);
            ExitCode::FAILURE
        }
    }
}

fn blocking<Run: Future<Output = anyhow::Result<()>>>(command: impl FnOnce(Config) -> Run) -> anyhow::Result<()> {
    let config = Config::load()?;
    service_kit::telemetry::init("notification-svc", &config.log)?;
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(command(config))
}

#[expect(clippy::print_stdout, reason = "the document is what the command is for")]
fn print_openapi() -> anyhow::Result<()> {
    println!("{}", http::openapi().to_pretty_json()?);
    Ok(())
}

#[expect(clippy::print_stderr, reason = "why a command failed is for the person who called it")]
fn complain(error: &anyhow::Error) {
    eprintln!("notification-svc: {error:#}");
}
