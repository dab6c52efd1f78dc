//! `chaos`: faults at random, under load, and a verdict. Ends with 1 when a rule was broken, and prints how to do the same
//! again.

#![expect(clippy::print_stdout, reason = "the report is what the program is for")]

use std::{path::PathBuf, process::ExitCode, time::Duration};

use clap::{Parser, ValueEnum};
use integration::{
    chaos::{arena::Arena, report::Report},
    fault::{
        kind::Topology,
        plan::{Plan, Strike},
    },
    history::record::Load,
    stack::{
        directory::{DataDirectory, remove},
        workspace,
    },
};

#[derive(Debug, Parser)]
#[command(about = "Does faults to the platform under load, and checks afterwards that its promise was kept")]
struct Options {
    /// Decides which faults are done, and what clients want; any unless given
    #[arg(long)]
    seed: Option<u64>,
    #[arg(long, default_value = "1", value_parser = clap::value_parser!(u64).range(1..=1_000))]
    minutes: u64,
    #[arg(long, value_enum, default_value = "simple")]
    topology: Topology,
}

/// Longer runs are several, each with a seed and a platform of its own: what one finds, it finds again alone.
const LONGEST_RUN_MINUTES: u64 = 5;
/// NATS and Redis are away for this part of a run at the most.
const LONGEST_OUTAGE: u32 = 4;

#[tokio::main]
async fn main() -> ExitCode {
    match Box::pin(run(Options::parse())).await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            println!("chaos: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Whether the promise was kept.
async fn run(options: Options) -> anyhow::Result<bool> {
    let mut report = Report::default();
    let (mut seed, mut left) = (options.seed.unwrap_or_else(|| rand::random::<u32>().into()), options.minutes);
    while left > 0 {
        let minutes = left.min(LONGEST_RUN_MINUTES);
        let topology = options.topology.to_possible_value().map_or_else(String::new, |name| name.get_name().to_owned());
        println!(
            "The seed is {seed}. To do the same again: make chaos SEED={seed} MINUTES={minutes} TOPOLOGY={topology}"
        );
        Box::pin(once(seed, minutes, options.topology, &mut report)).await?;
        (seed, left) = (seed.wrapping_add(1), left - minutes);
    }
    println!("\n{report}");
    Ok(report.is_clean())
}

async fn once(seed: u64, minutes: u64, topology: Topology, report: &mut Report) -> anyhow::Result<()> {
    let length = Duration::from_secs(60 * minutes);
    let directory = directory(seed);
    remove(&directory);
    let load = Load { seed, ..Load::default() };
    let arena = Arena::set(DataDirectory::keep(&directory)?, topology, load).await?;
    if let Some(reason) = &arena.no_small_disk {
        println!("- the disk of nats is not filled: {reason}");
    }
    let plan = Plan::new(seed, arena.kinds(), length / LONGEST_OUTAGE);
    let outcome = Box::pin(arena.play(plan, length, tell)).await?;
    report.add(&outcome);
    for violation in &outcome.violations {
        println!("BROKEN: {violation}");
    }
    drop(arena);
    if outcome.violations.is_empty() {
        remove(&directory);
    } else {
        println!("Logs and data are in {}.", directory.display());
    }
    Ok(())
}

fn directory(seed: u64) -> PathBuf {
    workspace().join(".dev/chaos").join(seed.to_string())
}

fn tell(strike: &Strike) {
    let faults = strike.faults.iter().map(|fault| format!("{} for {:.1} s", fault.kind, fault.lasts.as_secs_f64()));
    println!("- {}", faults.collect::<Vec<_>>().join(", and "));
}
