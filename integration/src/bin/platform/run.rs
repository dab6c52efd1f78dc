//! `platform run`: the platform in the foreground, kept running until it is asked to stop.

use std::path::PathBuf;
use std::time::Duration;

use integration::stack::backing::Backing;
use integration::stack::platform::{Layout, Platform};
use integration::stack::record::{Record, Tokens};
use integration::stack::service::built_programs;
use integration::stack::supervise::{Incident, supervise};
use tokio::time::{MissedTickBehavior, interval};

use crate::DataDirectory;
use crate::demo;
use crate::stop_signal::StopSignal;
use crate::tally::Tally;
use crate::terminal::Terminal;
use crate::welcome;

const BETWEEN_LOOKS: Duration = Duration::from_secs(1);

#[derive(clap::Args)]
pub(crate) struct Options {
    #[command(flatten)]
    pub(crate) data: DataDirectory,
    /// Show a payment first (the default)
    #[arg(long, overrides_with = "no_demo")]
    demo: bool,
    /// Move no money for show
    #[arg(long)]
    no_demo: bool,
    /// Run the services' release builds
    #[arg(long)]
    release: bool,
    /// How many of each service
    #[arg(long, default_value = "1", value_name = "NUMBER", value_parser = clap::value_parser!(u8).range(1..=16))]
    replicas: u8,
}

pub(crate) async fn run(options: Options) -> anyhow::Result<()> {
    let mut stop = StopSignal::listen()?;
    let terminal = Terminal::default();
    terminal.say("Starting Postgres, NATS, Redis and the services …");
    let platform = tokio::select! {
        started = Box::pin(start(&options)) => started?,
        _ = stop.received() => return Ok(()),
    };
    let outcome = tokio::select! {
        outcome = Box::pin(serve(&platform, &options, &terminal)) => outcome,
        _ = stop.received() => Ok(()),
    };
    terminal.say("Stopping …");
    outcome.and(platform.stop().await)
}

async fn start(options: &Options) -> anyhow::Result<Platform> {
    let layout = Layout {
        replicas: usize::from(options.replicas),
        programs: options.release.then(release_programs).transpose()?,
        well_known_ports: true,
        ..Layout::default()
    };
    Platform::start_on(Backing::lasting(&options.data.path).await?, &layout).await
}

/// Ends only with an error.
async fn serve(platform: &Platform, options: &Options, terminal: &Terminal) -> anyhow::Result<()> {
    let tokens = Tokens::issue(&platform.backing.issuer)?;
    record(platform, &tokens)?;
    let watching = supervise(platform, |incident| report(&incident, platform, &tokens, terminal));
    let showing = async {
        let show = options.demo || !options.no_demo;
        let accounts = if show { Some(demo::play(platform, terminal).await?) } else { None };
        welcome::say(platform, accounts.as_ref(), &options.data.path, terminal)?;
        count(platform, terminal).await
    };
    tokio::select! {
        () = watching => Ok(()),
        outcome = showing => outcome,
    }
}

/// One live line, for ever. While a server is away it says so, and counts on afterwards.
async fn count(platform: &Platform, terminal: &Terminal) -> anyhow::Result<()> {
    let mut tally = Tally::new(platform)?;
    let mut ticks = interval(BETWEEN_LOOKS);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        match tally.look().await {
            Ok(progress) => terminal.show(format!(
                "accepted {} · notified {} · lost {}",
                progress.accepted, progress.notified, progress.lost
            )),
            Err(_away) => terminal.show("waiting for the servers to answer …".to_owned()),
        }
    }
}

fn report(incident: &Incident<'_>, platform: &Platform, tokens: &Tokens, terminal: &Terminal) {
    match incident {
        Incident::Ended { process, status } => terminal.say(&format!("{} ended: {status}", process.name())),
        Incident::StartFailed { error, .. } => terminal.say(&format!("{error:#}")),
        Incident::Ready { process, pid } => {
            terminal.say(&format!("{} runs again, pid {pid}", process.name()));
            if let Err(error) = record(platform, tokens) {
                terminal.say(&format!("{error:#}"));
            }
        }
    }
}

fn record(platform: &Platform, tokens: &Tokens) -> anyhow::Result<()> {
    Record::of(platform, tokens.clone()).write(platform.backing.directory.path())
}

fn release_programs() -> anyhow::Result<PathBuf> {
    Ok(built_programs()?.with_file_name("release"))
}
