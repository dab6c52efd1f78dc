//! The commands of the binary.

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::{app, config::Config, http, operate::webhook};

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
        Command::Openapi => print_openapi(),
        Command::Webhook(WebhookCommand::Check) => check_webhook(),
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

#[expect(clippy::print_stdout, reason = "the verdict is what the command is for")]
fn check_webhook() -> anyhow::Result<()> {
    webhook::check(std::io::stdin().lock())?;
    println!("accepted");
    Ok(())
}

#[expect(clippy::print_stderr, reason = "why a command failed is for the person who called it")]
fn complain(error: &anyhow::Error) {
    eprintln!("notification-svc: {error:#}");
}
