//! `platform`: the development stack on the command line.

mod compose;
mod demo;
mod environment;
mod run;
mod servers;
mod stop_signal;
mod tally;
mod terminal;
mod token;
mod ways;
mod welcome;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(about = "Runs the whole platform on this machine")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Start servers and services, show a payment, and keep everything running until Ctrl-C
    Run(run::Options),
    /// Print a bearer token signed with the development key
    Token(token::Options),
    /// Print shell variables with addresses and tokens: eval "$(platform env)"
    Env(environment::Options),
    /// Write what compose.yaml needs: passwords, and all that follows from them
    Compose(compose::Options),
    /// Run a command beside a Postgres for tests, and end as it ends
    Servers(servers::Options),
}

const DEFAULT_DATA_DIRECTORY: &str = ".dev";

/// Where a platform keeps its data.
#[derive(clap::Args)]
struct DataDirectory {
    #[arg(long = "data-dir", default_value = DEFAULT_DATA_DIRECTORY, value_name = "DIRECTORY")]
    path: PathBuf,
}

#[tokio::main]
async fn main() -> ExitCode {
    let outcome = match Arguments::parse().command {
        Command::Run(options) => Box::pin(run::run(options)).await.map(|()| ExitCode::SUCCESS),
        Command::Token(options) => token::print(&options).map(|()| ExitCode::SUCCESS),
        Command::Env(options) => environment::print(&options).map(|()| ExitCode::SUCCESS),
        Command::Compose(options) => compose::prepare(&options).map(|()| ExitCode::SUCCESS),
        Command::Servers(options) => servers::run_beside(&options).await,
    };
    outcome.unwrap_or_else(|error| {
        complain(&error);
        ExitCode::FAILURE
    })
}

#[expect(clippy::print_stderr, reason = "a command tells its failure on the terminal")]
fn complain(error: &anyhow::Error) {
    eprintln!("platform: {error:#}");
}
