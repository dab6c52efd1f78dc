//! The commands of the binary: one that serves, one that prepares, and those of operators.

mod consumer;
mod dead_letters;
mod output;
mod progress;
mod replay;
mod verify;
mod who;
mod withdraw;

use std::{process::ExitCode, sync::Arc};

use clap::{Parser, Subcommand};
use service_kit::{clock::SystemClock, output::print_line};

use crate::{
    app,
    config::Config,
    http,
    operate::{Operations, webhook},
};

/// What `verify` exits with when it cannot tell.
const NOT_VERIFIED: u8 = 2;

/// Notifications: what the events of the ledger mean to each user.
///
/// Configured by environment variables that start with NOTIFICATION_SVC__.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve the API, and make notifications of events.
    Serve,
    /// Bring the database schema, the streams and the consumers up to date.
    Migrate,
    /// Ask the service that runs here whether it is ready: the health check of its container.
    Ready,
    /// Print the OpenAPI document of the API.
    Openapi,
    /// Look at what consumers gave up on, and decide what becomes of it.
    #[command(subcommand)]
    DeadLetters(dead_letters::Command),
    /// Look at the consumers of events, pause them, and let them go on.
    #[command(subcommand)]
    Consumer(consumer::Command),
    /// Hand events of the stream to the service once more: what it knows stays, what is lost comes back.
    Replay(replay::Command),
    /// Compare the journal of the ledger with what is stored here. Exits with 1 when something is missing, differs, or is
    /// not in the journal, with 2 when that cannot be told.
    Verify(verify::Command),
    /// Hide what was told of events that the ledger does not have, since it was restored to an earlier moment, and see to
    /// it that they are not told again.
    Withdraw(withdraw::Command),
    /// What operators do about webhooks.
    #[command(subcommand)]
    Webhook(WebhookCommand),
}

#[derive(Debug, Clone, Copy, Subcommand)]
enum WebhookCommand {
    /// Say whether a captured request would be accepted, or which rule refuses it.
    ///
    /// Reads JSON from standard input: `secret` (or a list of them), `now` (seconds since 1970), `headers` (names and
    /// values) and `body_b64`. Ends with 0 if it is accepted, else with 1.
    Check,
}

/// Runs the command of the command line.
#[must_use]
pub fn run() -> ExitCode {
    let done = match Arguments::parse().command {
        Command::Serve => blocking(app::serve),
        Command::Migrate => blocking(app::migrate),
        Command::Ready => ask_whether_ready(),
        Command::Openapi => print_openapi(),
        Command::Webhook(WebhookCommand::Check) => check_webhook(),
        Command::DeadLetters(command) => operating(async |operations| dead_letters::run(command, &operations).await),
        Command::Replay(command) => operating(async |operations| replay::run(command, &operations).await),
        Command::Verify(command) => return verified(command),
        Command::Withdraw(command) => blocking(async |mut config| {
            let ledger = config.ledger.take();
            let operations = Operations::of_command(config, Arc::new(SystemClock)).await?;
            Box::pin(withdraw::run(command, &operations, ledger)).await
        }),
        Command::Consumer(command) => operating(async |operations| consumer::run(command, &operations).await),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => complain(&error, ExitCode::FAILURE),
    }
}

fn verified(command: verify::Command) -> ExitCode {
    let is_clean = blocking(async |mut config| {
        let ledger = config.ledger.take();
        let operations = Operations::of_command(config, Arc::new(SystemClock)).await?;
        Box::pin(verify::run(command, &operations, ledger)).await
    });
    match is_clean {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => complain(&error, NOT_VERIFIED.into()),
    }
}

fn blocking<Done>(command: impl AsyncFnOnce(Config) -> anyhow::Result<Done>) -> anyhow::Result<Done> {
    let config = Config::load()?;
    service_kit::telemetry::init("notification-svc", &config.log)?;
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(command(config))
}

/// A command of an operator, with the configuration of the service.
fn operating(command: impl AsyncFnOnce(Operations) -> anyhow::Result<()>) -> anyhow::Result<()> {
    blocking(async |config| {
        let operations = Operations::of_command(config, Arc::new(SystemClock)).await?;
        Box::pin(command(operations)).await
    })
}

fn ask_whether_ready() -> anyhow::Result<()> {
    Ok(service_kit::probe::readiness(Config::load()?.http.admin_listen)?)
}

fn print_openapi() -> anyhow::Result<()> {
    Ok(print_line(serde_json::to_string_pretty(&http::document())?)?)
}

fn check_webhook() -> anyhow::Result<()> {
    webhook::check(std::io::stdin().lock())?;
    Ok(print_line("accepted")?)
}

#[expect(clippy::print_stderr, reason = "why a command failed is for the person who called it")]
fn complain(error: &anyhow::Error, code: ExitCode) -> ExitCode {
    eprintln!("notification-svc: {error:#}");
    code
}
