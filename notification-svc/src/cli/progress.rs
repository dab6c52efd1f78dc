//! How far a replay has come: a bar with rate and time left at a terminal, a JSON line each second otherwise.

use std::time::{Duration, Instant};

use contract::ReplayId;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;
use service_kit::output::print_line;

use super::output;
use crate::operate::replay::{Plan, Progress};

const LINE_EVERY: Duration = Duration::from_secs(1);

pub(super) struct Shown {
    bar: Option<ProgressBar>,
    /// `None` while it is planned.
    replay: Option<ReplayId>,
    started: Instant,
    /// Events that were done before this process went on with it.
    before: Option<u64>,
    last_line: Instant,
}

impl Shown {
    pub(super) fn planning() -> Self {
        Self::new(None)
    }

    pub(super) fn replaying(replay: ReplayId) -> Self {
        Self::new(Some(replay))
    }

    fn new(replay: Option<ReplayId>) -> Self {
        let now = Instant::now();
        let bar = output::is_terminal().then(|| ProgressBar::new(0));
        Self { bar, replay, started: now, before: None, last_line: now }
    }

    pub(super) fn planned(&mut self, plan: &Plan) {
        let looked_at = plan.last.map_or(0, |last| last.sequence).saturating_sub(plan.from_sequence);
        let range = plan.to_sequence.saturating_sub(plan.from_sequence);
        self.show("looking", looked_at, range);
    }

    pub(super) fn replayed(&mut self, plan: &Plan, progress: Progress) {
        self.show("replaying", progress.events, plan.events);
    }

    pub(super) fn end(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }

    fn show(&mut self, what: &'static str, done: u64, of: u64) {
        let before = *self.before.get_or_insert(done);
        if let Some(bar) = &self.bar {
            let style = "{prefix} {bar:40} {human_pos} of {human_len}, {per_sec}, {eta} left";
            bar.set_style(ProgressStyle::with_template(style).unwrap_or_else(|_| ProgressStyle::default_bar()));
            bar.set_prefix(what);
            bar.set_length(of);
            bar.set_position(done);
        } else if self.last_line.elapsed() >= LINE_EVERY {
            self.last_line = Instant::now();
            #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
            let rate = (done - before) as f64 / self.started.elapsed().as_secs_f64();
            #[expect(clippy::cast_precision_loss, reason = "a time for people")]
            let left = (of.saturating_sub(done)) as f64 / rate.max(1.0);
            let line = json!({
                "replay": self.replay, "what": what, "done": done, "of": of,
                "per_second": rate.round(), "seconds_left": left.round(),
            });
            // What nobody can read stops no replay.
            print_line(line).ok();
        }
    }
}
