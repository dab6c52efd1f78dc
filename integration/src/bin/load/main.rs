//! `load`: measures the platform, beside pgbench on the same Postgres, in one run, and prints a table.

#![expect(clippy::print_stdout, reason = "the report is what the program is for")]

use std::{process::ExitCode, sync::Arc, time::Duration};

use clap::{Parser, ValueEnum};
use integration::{
    load::{
        clients::Sources,
        growth::Growth,
        pgbench,
        replaying::{Rehearsal, Replayed},
        report::Report,
        scenario::Bench,
        streams,
    },
    stack::{
        backing::Backing,
        platform::{Layout, Platform},
    },
};

#[derive(Debug, Parser)]
#[command(about = "Measures the platform, beside pgbench on the same Postgres")]
struct Options {
    /// What to measure; everything but growth and replay unless given
    #[arg(value_enum)]
    scenarios: Vec<Scenario>,
    /// Of each measurement
    #[arg(long, default_value = "15", value_name = "SECONDS")]
    seconds: u64,
    /// That create as fast as they can, with one keep-alive connection each
    #[arg(long, default_value = "64")]
    clients: usize,
    #[arg(long, default_value = "10000")]
    accounts: usize,
    /// That read as fast as they can
    #[arg(long, default_value = "16", value_name = "CLIENTS")]
    readers: usize,
    /// Of creates whose notification is waited for
    #[arg(long, default_value = "1000", value_name = "PER_SECOND")]
    arrivals: u64,
    /// Beside the one that is listened to
    #[arg(long, default_value = "1000", value_name = "STREAMS")]
    idle: usize,
    /// Transactions that the books grow to, ascending
    #[arg(long, default_value = "0,1000000,5000000", value_delimiter = ',', value_name = "TRANSACTIONS")]
    sizes: Vec<i64>,
    /// On the stream that is replayed
    #[arg(long, default_value = "1000000")]
    events: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Scenario {
    /// Creates as fast as they are answered, and at a pace
    Create,
    /// From a create to its notification
    Readable,
    /// Lists, counts and single resources
    Read,
    /// From a create to its notification on a stream, with idle ones beside it
    Stream,
    /// Creates, reads and verification while the books grow; by itself, with accounts of its own
    Growth,
    /// Replays of a long stream, while transactions arrive; by itself
    Replay,
}

impl Scenario {
    /// Whether it needs a platform of its own.
    const fn is_alone(self) -> bool {
        matches!(self, Self::Growth | Self::Replay)
    }
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

async fn run(mut options: Options) -> anyhow::Result<()> {
    if options.scenarios.is_empty() {
        let all = Scenario::value_variants().iter().copied();
        options.scenarios = all.filter(|scenario| !scenario.is_alone()).collect();
    }
    let duration = Duration::from_secs(options.seconds);
    // What is replayed came over the stream, and so does what is live meanwhile.
    let layout = Layout { push: options.scenarios != [Scenario::Replay], ..Layout::default() };
    let platform = Platform::start_on(Backing::private().await?, &layout).await?;
    let mut report = Report::default();
    if let [alone] = options.scenarios[..]
        && alone.is_alone()
    {
        let bench = Bench::of(platform, Arc::default(), options.clients, duration)?;
        return match alone {
            Scenario::Growth => Box::pin(grow(bench, &options, report)).await,
            _ => Box::pin(replay(bench, &options, report)).await,
        };
    }
    println!("{} accounts are opened and funded …", options.accounts);
    let bench = Bench::prepare(platform, options.accounts, options.clients, duration).await?;
    for scenario in &options.scenarios {
        println!("{scenario:?} …");
        match scenario {
            Scenario::Create => Box::pin(create(&bench, &mut report)).await?,
            Scenario::Readable => readable(&bench, &options, &mut report).await?,
            Scenario::Read => read(&bench, &options, &mut report).await?,
            Scenario::Stream => stream(&bench, &options, &mut report).await?,
            Scenario::Growth | Scenario::Replay => anyhow::bail!("{scenario:?} is measured by itself"),
        }
    }
    bench.platform.stop().await?;
    println!("\n{report}");
    Ok(())
}

async fn create(bench: &Bench, report: &mut Report) -> anyhow::Result<()> {
    let backing = &bench.platform.backing;
    let before = pgbench::transactions_per_second(&backing.database, &backing.directory, bench.duration).await?;
    let many = bench.burst(Sources::Many).await?;
    let sustained = bench.sustained().await?;
    let hot = bench.burst(Sources::One).await?;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a rate is positive and small")]
    let rate = (many.accepted_per_second() / 2.0) as u64;
    let half = bench.paced(rate).await?;
    let plain = pgbench::paced(&backing.database, &backing.directory, bench.duration, rate).await?;
    let after = pgbench::transactions_per_second(&backing.database, &backing.directory, bench.duration).await?;
    println!("pgbench before {before:.0}/s, after {after:.0}/s");

    report.yardstick(f64::midpoint(before, after));
    report.rate(&format!("accepted, {} clients", bench.clients), many.accepted_per_second());
    report.rate("sustained: accepted and notified, flat backlog", sustained);
    report.rate("one hot account, accepted", hot.accepted_per_second());
    report.rate("drain of the backlog, everything else idle", many.drained_per_second());
    report.quantiles("p50 / p99 of a create at saturation", &many.seen.latency);
    report.quantiles("p50 / p99 of a create at half of it", &half.latency);
    report.quantiles("p50 / p99 of pgbench's two inserts at that rate", &plain);
    let drain = format!("{} events, drained in {:.1} s", many.backlog, many.drain.as_secs_f64());
    report.note("backlog after the burst", &drain);
    Ok(())
}

async fn readable(bench: &Bench, options: &Options, report: &mut Report) -> anyhow::Result<()> {
    let rate = options.arrivals;
    let seen = bench.readable(rate).await?;
    report.quantiles(&format!("p50 / p99 of a create, {rate} arriving per second"), &seen.created);
    for (way, latency) in &seen.readable {
        let what = format!("p50 / p99 until its notification is readable, {} that came first by {way}", latency.len());
        report.quantiles(&what, latency);
    }
    Ok(())
}

async fn read(bench: &Bench, options: &Options, report: &mut Report) -> anyhow::Result<()> {
    let shelf = bench.stock().await?;
    for (what, seen) in bench.read(&shelf, options.readers).await? {
        report.seen(&format!("{what}, {} clients", options.readers), &seen);
    }
    Ok(())
}

async fn stream(bench: &Bench, options: &Options, report: &mut Report) -> anyhow::Result<()> {
    let bank = bench.platform.bank().await?;
    let heard = streams::listen(&bench.platform, &bank, options.idle, bench.duration).await?;
    report.quantiles(&format!("p50 / p99 from a create to the stream, {} idle streams", options.idle), &heard.latency);
    report.note("memory of an idle stream", &format!("{:.1} KiB", heard.bytes_per_idle_stream as f64 / 1024.0));
    Ok(())
}

async fn grow(mut bench: Bench, options: &Options, mut report: Report) -> anyhow::Result<()> {
    let mut growth = Growth::begin(bench.platform.backing.database.admin()).await?;
    for size in &options.sizes {
        println!("{size} transactions …");
        let fared = bench.fare(&mut growth, *size, options.readers).await?;
        report.seen(&format!("{size} transactions: accepted, {} clients", options.clients), &fared.created);
        report.seen(&format!("{size} transactions: one read, {} clients", options.readers), &fared.one);
        report.seen(&format!("{size} transactions: page of 50, {} clients", options.readers), &fared.page);
        let seconds = |milliseconds| Duration::from_millis(milliseconds).as_secs_f64();
        let slowest = fared.verified.checks.iter().max_by_key(|check| check.duration_milliseconds);
        let of_which = slowest.map(|one| format!("{} {:.1} s", one.check, seconds(one.duration_milliseconds)));
        let verified = seconds(fared.verified.duration_milliseconds);
        let verified = format!("{verified:.1} s, of which {}", of_which.unwrap_or_default());
        report.note(&format!("{size} transactions: verification"), &verified);
    }
    bench.platform.stop().await?;
    println!("\n{report}");
    Ok(())
}

async fn replay(bench: Bench, options: &Options, mut report: Report) -> anyhow::Result<()> {
    println!("{} events are published and told …", options.events);
    let rehearsal = Rehearsal::prepare(bench, options.events).await?;
    let filled = rehearsal.filled;
    report.rate(&format!("{} events published by the relay", filled.events), rate(filled.events, filled.published_in));
    report.rate("told by the live consumer", rate(filled.events, filled.consumed_in));
    println!("replay of everything, nothing is lost …");
    add(&mut report, "nothing is lost", &rehearsal.replay(options.arrivals).await?);
    println!("replay of everything, half of the notifications are lost …");
    rehearsal.lose_half().await?;
    add(&mut report, "half is lost", &rehearsal.replay(options.arrivals).await?);
    rehearsal.stop().await?;
    println!("\n{report}");
    Ok(())
}

fn add(report: &mut Report, what: &str, replayed: &Replayed) {
    let Replayed { events, notifications, planned_in, replayed_in, memory, lag } = replayed;
    let mebibytes = |place: usize| memory.get(place).map_or(0, |bytes| bytes >> 20);
    report.note(&format!("replay, {what}: planned"), &format!("{:.1} s", planned_in.as_secs_f64()));
    report.rate(&format!("replay, {what}: {events} events"), rate(*events, *replayed_in));
    report.rate(&format!("replay, {what}: {notifications} notifications"), rate(*notifications, *replayed_in));
    let last = memory.len().saturating_sub(1);
    let figures = format!("{} / {} / {} MiB", mebibytes(last / 10), mebibytes(last / 2), mebibytes(last));
    report.note(&format!("replay, {what}: memory after a tenth, at half time, at the end"), &figures);
    let figures = format!("{} messages, {:.1} s", lag.messages, lag.time.as_secs_f64());
    report.note(&format!("replay, {what}: largest lag of the live consumer"), &figures);
}

fn rate(count: u64, time: Duration) -> f64 {
    count as f64 / time.as_secs_f64()
}
