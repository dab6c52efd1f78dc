//! One table of everything that was done, and what clients saw of it.

use std::{collections::BTreeMap, fmt, time::Duration};

use comfy_table::{Table, presets::ASCII_MARKDOWN};

use super::arena::Outcome;
use crate::{
    fault::kind::Kind,
    history::{
        check::Harm,
        told::{Attempt, History, Outcome as Told},
    },
};

/// Fills up run by run.
#[derive(Debug, Default)]
pub struct Report {
    kinds: BTreeMap<Kind, Row>,
    all: Row,
    lost: usize,
    duplicated: usize,
    wrong: usize,
}

/// What came of requests, and how long there was no answer to any.
#[derive(Debug, Default, Clone)]
struct Row {
    faults: usize,
    requests: usize,
    acknowledged: usize,
    refused: usize,
    put_off: usize,
    unknown: usize,
    silence: Duration,
}

impl Report {
    /// Adds what came of a run.
    pub fn add(&mut self, run: &Outcome) {
        for strike in &run.strikes {
            let lived_through = |attempt: &&Attempt| (strike.began..=strike.ended).contains(&attempt.asked);
            for fault in &strike.faults {
                let row = self.kinds.entry(fault.kind).or_default();
                row.faults += 1;
                row.silence = row.silence.max(strike.silence);
                attempts(&run.history).filter(lived_through).for_each(|attempt| row.count(attempt));
            }
            self.all.faults += strike.faults.len();
            self.all.silence = self.all.silence.max(strike.silence);
        }
        attempts(&run.history).for_each(|attempt| self.all.count(attempt));
        let broken = |harm| run.violations.iter().filter(|violation| violation.harm == harm).count();
        self.lost += broken(Harm::Lost);
        self.duplicated += broken(Harm::Duplicated);
        self.wrong += broken(Harm::Wrong);
    }

    /// Whether no rule was broken.
    #[must_use]
    pub const fn is_clean(&self) -> bool {
        self.lost + self.duplicated + self.wrong == 0
    }
}

fn attempts(history: &History) -> impl Iterator<Item = &Attempt> {
    history.payments.iter().flat_map(|payment| &payment.attempts)
}

impl Row {
    fn count(&mut self, attempt: &Attempt) {
        self.requests += 1;
        match &attempt.outcome {
            Told::Told(answer) if answer.status == 201 => self.acknowledged += 1,
            Told::Told(_) => self.refused += 1,
            Told::TryAgain(_) => self.put_off += 1,
            Told::NoAnswer => self.unknown += 1,
        }
    }

    fn cells(&self, what: String) -> Vec<String> {
        let counts = [self.faults, self.requests, self.acknowledged, self.refused, self.put_off, self.unknown];
        let silence = format!("{:.1} s", self.silence.as_secs_f64());
        [what].into_iter().chain(counts.map(|count| count.to_string())).chain([silence]).collect()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut table = Table::new();
        table.load_style(ASCII_MARKDOWN).set_header([
            "fault",
            "times",
            "requests",
            "acknowledged",
            "refused",
            "put off (503)",
            "unknown",
            "longest without any answer",
            "lost",
            "duplicated",
            "otherwise wrong",
        ]);
        for (kind, row) in &self.kinds {
            table.add_row(row.cells(kind.to_string()));
        }
        let verdict = [self.lost, self.duplicated, self.wrong].map(|count| count.to_string());
        table.add_row(self.all.cells("all, and in between".to_owned()).into_iter().chain(verdict));
        table.fmt(f)
    }
}
