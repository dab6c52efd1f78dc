//! `transaction-svc verify`: the progress on standard error, the report on standard output.

use std::time::Duration;

use anyhow::Context;
use comfy_table::{Table, presets::ASCII_MARKDOWN};
use indicatif::{ProgressBar, ProgressStyle};
use service_kit::{clock::SystemClock, output::print_line, postgres};

use super::{CHECKS, Report, verify};
use crate::config::{Config, required};

const REDRAWN_EVERY: Duration = Duration::from_millis(100);

/// Verifies the books and prints what was found. Gives whether they are in order.
///
/// # Errors
/// When the books could not be verified.
pub async fn run(config: Config, json: bool) -> anyhow::Result<bool> {
    let pool = postgres::connect(&required(config.postgres, "POSTGRES__URL")?, "transaction-svc verify")?;
    let mut connection = pool.acquire().await.context("the database cannot be reached")?;
    let checks = CHECKS.into_iter().flatten().count();
    let progress = ProgressBar::new(checks as u64)
        .with_style(ProgressStyle::with_template("{spinner} {pos}/{len} {elapsed} {msg}")?);
    progress.enable_steady_tick(REDRAWN_EVERY);
    let report = verify(&mut connection, &SystemClock, |check| {
        progress.set_message(check.rule);
        progress.inc(1);
    })
    .await
    .context("the books could not be verified")?;
    progress.finish_and_clear();
    print_line(if json { serde_json::to_string_pretty(&report)? } else { table(&report) })?;
    Ok(report.is_clean())
}

fn table(report: &Report) -> String {
    let mut table = Table::new();
    table.load_style(ASCII_MARKDOWN).set_header(["check", "violations", "milliseconds"]);
    for finding in &report.checks {
        let [violations, milliseconds] = [finding.violations, finding.duration_milliseconds].map(|n| n.to_string());
        table.add_row([&finding.check, &violations, &milliseconds]);
    }
    let mut text = format!("{table}\n");
    for finding in report.checks.iter().filter(|finding| finding.violations > 0) {
        text += &format!("\n{}: {}\n", finding.check, finding.rule);
        for offender in &finding.offenders {
            text += &format!("  {offender}\n");
        }
        let unnamed = finding.violations.saturating_sub(finding.offenders.len() as u64);
        if unnamed > 0 {
            text += &format!("  … and {unnamed} more\n");
        }
    }
    let outbox = report.outbox;
    let age = outbox.oldest_age_seconds.map_or_else(String::new, |age| format!(", the oldest for {age} s"));
    text + &format!("\n{} violations. {} events wait to be published{age}.", report.violations, outbox.events)
}
