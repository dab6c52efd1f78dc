//! `load`: measures the platform beside pgbench on the same Postgres, in one run, and prints a table.

#![expect(clippy::print_stdout, reason = "the report is what the program is for")]

use std::{process::ExitCode, time::Duration};

use clap::Parser;
use comfy_table::{Table, presets::ASCII_MARKDOWN};
use integration::{
    load::{clients::Sources, pgbench, scenario::Bench},
    stack::{
        backing::Backing,
        platform::{Layout, Platform},
    },
};

#[derive(Debug, Parser)]
#[command(about = "Measures the platform beside pgbench on the same Postgres")]
struct Options {
    /// Of each measurement
    #[arg(long, default_value = "15", value_name = "SECONDS")]
    seconds: u64,
    /// With one keep-alive connection each
    #[arg(long, default_value = "64")]
    clients: usize,
    #[arg(long, default_value = "10000")]
    accounts: usize,
}

#[tokio::main]
async fn main() -> ExitCode {
    match Box::pin(run(Options::parse())).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            println!("load: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(options: Options) -> anyhow::Result<()> {
    let duration = Duration::from_secs(options.seconds);
    let platform = Platform::start_on(Backing::private().await?, &Layout::default()).await?;
    println!("{} accounts are opened and funded …", options.accounts);
    let bench = Bench::prepare(platform, options.accounts, options.clients, duration).await?;
    let backing = &bench.platform.backing;

    let before = pgbench::transactions_per_second(&backing.database, &backing.directory, duration).await?;
    let many = bench.burst(Sources::Many).await?;
    let sustained = bench.sustained().await?;
    let hot = bench.burst(Sources::One).await?;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a rate is positive and small")]
    let half = bench.paced((many.accepted_per_second() / 2.0) as u64).await?;
    let after = pgbench::transactions_per_second(&backing.database, &backing.directory, duration).await?;
    bench.platform.stop().await?;

    let yardstick = f64::midpoint(before, after);
    let mut table = Table::new();
    table.load_style(ASCII_MARKDOWN).set_header(["what", "measured", "times pgbench"]);
    let mut rate = |what: &str, per_second: f64| {
        table.add_row([what.to_owned(), format!("{per_second:.0}/s"), format!("{:.2}", per_second / yardstick)]);
    };
    rate("pgbench, two plain inserts, 16 clients (before and after)", yardstick);
    rate(&format!("accepted, {} clients", options.clients), many.accepted_per_second());
    rate("sustained: accepted and notified, flat backlog", sustained);
    rate("one hot account, accepted", hot.accepted_per_second());
    rate("drain of the backlog, everything else idle", many.drained_per_second());
    let milliseconds = |micros: u64| Duration::from_micros(micros).as_secs_f64() * 1_000.0;
    let quantiles = |histogram: &hdrhistogram::Histogram<u64>| {
        let at = |quantile| milliseconds(histogram.value_at_quantile(quantile));
        format!("{:.1} / {:.1} ms", at(0.5), at(0.99))
    };
    let mut time = |what: &str, value: String| {
        table.add_row([what.to_owned(), value, String::new()]);
    };
    time("p50 / p99 of a create at saturation", quantiles(&many.seen.latency));
    time("p50 / p99 of a create at half of it", quantiles(&half.latency));
    time("backlog after the burst", format!("{} events, drained in {:.1} s", many.backlog, many.drain.as_secs_f64()));
    println!("pgbench before {before:.0}/s, after {after:.0}/s\n\n{table}");
    Ok(())
}
