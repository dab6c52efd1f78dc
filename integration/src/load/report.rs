//! The rows of the report, as `docs/measured.md` has them.

use std::{fmt, time::Duration};

use comfy_table::{Table, presets::ASCII_MARKDOWN};
use hdrhistogram::Histogram;

use super::clients::Seen;

/// A table that fills up while scenarios run.
#[derive(Debug)]
pub struct Report {
    table: Table,
    /// What `pgbench` commits per second on the same server, where it was asked.
    yardstick: Option<f64>,
}

impl Default for Report {
    fn default() -> Self {
        let mut table = Table::new();
        table.load_style(ASCII_MARKDOWN).set_header(["what", "measured", "times pgbench"]);
        Self { table, yardstick: None }
    }
}

impl Report {
    pub fn yardstick(&mut self, per_second: f64) {
        self.yardstick = Some(per_second);
        self.rate("pgbench, two plain inserts, 16 clients (before and after)", per_second);
    }

    pub fn rate(&mut self, what: &str, per_second: f64) {
        let times = self.yardstick.map(|yardstick| format!("{:.2}", per_second / yardstick)).unwrap_or_default();
        self.table.add_row([what.to_owned(), format!("{per_second:.0}/s"), times]);
    }

    /// The rate of a closed loop, and what one answer took.
    pub fn seen(&mut self, what: &str, seen: &Seen) {
        self.rate(what, seen.per_second());
        self.quantiles(&format!("p50 / p99: {what}"), &seen.latency);
    }

    /// Of a histogram in microseconds.
    pub fn quantiles(&mut self, what: &str, latency: &Histogram<u64>) {
        let at = |quantile| Duration::from_micros(latency.value_at_quantile(quantile)).as_secs_f64() * 1_000.0;
        self.note(what, &format!("{:.1} / {:.1} ms", at(0.5), at(0.99)));
    }

    pub fn note(&mut self, what: &str, value: &str) {
        self.table.add_row([what, value, ""]);
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.table.fmt(f)
    }
}
