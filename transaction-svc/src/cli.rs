//! The commands of the binary.

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use service_kit::output::print_line;

use crate::{app, config::Config, http, operate, roles::Role};

/// What `verify` exits with when it cannot tell.
const NOT_VERIFIED: u8 = 2;

/// The ledger: accounts, and transactions that move money between them.
///
/// Configured by environment variables that start with TRANSACTION_SVC__.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve the API, publish events, and send webhooks.
    Serve {
        /// What of that this process does.
        #[arg(long, value_enum, value_delimiter = ',', default_values_t = Role::ALL)]
        roles: Vec<Role>,
    },
    /// Bring the database schema and the streams up to date.
    Migrate,
    /// Verify the books. Exits with 1 when a rule is broken, with 2 when they could not be verified.
    Verify {
        /// Print the report as JSON instead of a table
        #[arg(long)]
        json: bool,
    },
    /// Publish events of the journal again: the relay does it, at a rate, and receivers of webhooks hear nothing of it.
    Republish(operate::republish::command::Command),
    /// Ask the service that runs here whether it is ready: the health check of its container.
    Ready,
    /// Print the OpenAPI document of the API.
    Openapi,
}

/// Runs the command of the command line.
#[must_use]
pub fn run() -> ExitCode {
    let done = match Arguments::parse().command {
        Command::Serve { roles } => blocking(|config| app::serve(config, roles)),
        Command::Migrate => blocking(app::migrate),
        Command::Verify { json } => return verify(json),
        Command::Republish(command) => blocking(async |config| operate::republish::command::run(config, command).await),
        Command::Ready => ask_whether_ready(),
        Command::Openapi => print_openapi(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => complain(&error, ExitCode::FAILURE),
    }
}

fn verify(json: bool) -> ExitCode {
    match blocking(async |config| operate::verify::command::run(config, json).await) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => complain(&error, NOT_VERIFIED.into()),
    }
}

fn blocking<Done>(command: impl AsyncFnOnce(Config) -> anyhow::Result<Done>) -> anyhow::Result<Done> {
    let config = Config::load()?;
    service_kit::telemetry::init("transaction-svc", &config.log)?;
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(command(config))
}

fn ask_whether_ready() -> anyhow::Result<()> {
    Ok(service_kit::probe::readiness(Config::load()?.http.admin_listen)?)
}

fn print_openapi() -> anyhow::Result<()> {
    Ok(print_line(serde_json::to_string_pretty(&http::document())?)?)
}

#[expect(clippy::print_stderr, reason = "why a command failed is for the person who called it")]
fn complain(error: &anyhow::Error, code: ExitCode) -> ExitCode {
    eprintln!("transaction-svc: {error:#}");
    code
}
