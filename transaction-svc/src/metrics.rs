//! What the ledger counts about itself. Labels are bounded: currencies are those of ISO 4217, the rest are ours.

use std::time::Duration;

use contract::{EventKind, webhook::AttemptOutcome};
use prometheus::{
    Gauge, Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry,
    core::Collector,
};
use time::OffsetDateTime;

use crate::{
    domain::{
        command::Command,
        decide::{Decision, Outcome},
    },
    operate::verify::Report,
    store::{outbox::Backlog, webhooks::results::Then},
};

/// Why a window of publishes ended early.
#[derive(Debug, Clone, Copy)]
pub(crate) enum WindowFailure {
    Duplicate,
    SomebodyElse,
    Unacknowledged,
    Refused,
}

impl WindowFailure {
    const ALL: [Self; 4] = [Self::Duplicate, Self::SomebodyElse, Self::Unacknowledged, Self::Refused];

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Duplicate => "it has one of them already",
            Self::SomebodyElse => "somebody else has published",
            Self::Unacknowledged => "no acknowledgement",
            Self::Refused => "refused for now",
        }
    }
}

/// Metrics of the writer, the outboxes and the relay.
#[derive(Debug)]
pub struct LedgerMetrics {
    transactions: IntCounterVec,
    amount: IntCounterVec,
    commands: IntCounterVec,
    batch_commands: Histogram,
    pub(crate) outbox: BacklogMetrics,
    pub(crate) undispatched: BacklogMetrics,
    pub(crate) relay_is_leader: IntGauge,
    pub(crate) relay_published: IntCounter,
    pub(crate) relay_duplicates: IntCounter,
    pub(crate) relay_republished: IntCounter,
    pub(crate) relay_windows_failed: IntCounterVec,
    pub(crate) stream_went_back: IntCounter,
    violations: IntGaugeVec,
    verified_at_seconds: IntGauge,
}

impl LedgerMetrics {
    /// # Errors
    /// When the registry already has them.
    pub fn register(registry: &Registry) -> prometheus::Result<Self> {
        let batches = HistogramOpts::new("ledger_batch_commands", "Commands in one commit of the writer.")
            .buckets(vec![1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0]);
        Ok(Self {
            transactions: vec(
                registry,
                "ledger_transactions_total",
                "Transitions of transactions, by event and currency.",
                &["event", "currency"],
            )?,
            amount: vec(
                registry,
                "ledger_amount_minor_units_total",
                "Money in created transactions, in minor units, by currency.",
                &["currency"],
            )?,
            commands: vec(
                registry,
                "ledger_commands_total",
                "Decided commands, by operation and outcome.",
                &["operation", "outcome"],
            )?,
            batch_commands: registered(registry, Histogram::with_opts(batches)?)?,
            outbox: BacklogMetrics::register(registry, "outbox", "to be published")?,
            undispatched: BacklogMetrics::register(
                registry,
                "webhook_undispatched",
                "to become deliveries of webhooks",
            )?,
            relay_is_leader: gauge(registry, "relay_is_leader", "1 where this replica publishes.")?,
            relay_published: counter(registry, "relay_published_total", "Events that the stream has acknowledged.")?,
            relay_duplicates: counter(
                registry,
                "relay_duplicates_total",
                "Events that were found in the stream: published before, with the acknowledgement lost.",
            )?,
            relay_republished: counter(
                registry,
                "relay_republished_total",
                "Events that were put into the outbox again, because somebody asked or the stream lost them.",
            )?,
            relay_windows_failed: from_zero(
                vec(
                    registry,
                    "relay_windows_failed_total",
                    "Windows of publishes that ended early, by reason.",
                    &["reason"],
                )?,
                &WindowFailure::ALL.map(WindowFailure::as_str),
            ),
            stream_went_back: counter(
                registry,
                "relay_stream_went_back_total",
                "Times that the stream was found to have lost acknowledged events.",
            )?,
            violations: registered(
                registry,
                IntGaugeVec::new(
                    Opts::new("ledger_violations", "Violations that the last verification found, by check; must be 0."),
                    &["check"],
                )?,
            )?,
            verified_at_seconds: gauge(
                registry,
                "ledger_verified_at_seconds",
                "When the last verification began, in seconds since 1970.",
            )?,
        })
    }

    /// Counts what a committed batch decided.
    pub(crate) fn batch_committed<'a>(
        &self,
        commands: impl ExactSizeIterator<Item = &'a Command>,
        decisions: &[Decision],
    ) {
        #[expect(clippy::cast_precision_loss, reason = "a batch has at most 512 commands")]
        self.batch_commands.observe(commands.len() as f64);
        for (command, decision) in commands.zip(decisions) {
            let outcome = match decision {
                Decision::Applied(_) | Decision::AllApplied(_) => "applied",
                Decision::Refused(_) => "refused",
                Decision::Repeated(_) => "repeated",
                Decision::KeyReused(_) => "key_reused",
                Decision::NotFound => "not_found",
                Decision::Forbidden => "forbidden",
                Decision::Busy => "busy",
            };
            decision.applied().iter().for_each(|applied| self.applied(applied.kind, &applied.outcome));
            self.commands.with_label_values(&[command.action.operation(), outcome]).inc();
        }
    }

    /// Shows what the last verification found, whichever replica did it.
    pub(crate) fn verified(&self, report: &Report) {
        for finding in &report.checks {
            let violations = i64::try_from(finding.violations).unwrap_or(i64::MAX);
            self.violations.with_label_values(&[&finding.check]).set(violations);
        }
        self.verified_at_seconds.set(report.started_at.unix_timestamp());
    }

    fn applied(&self, kind: EventKind, outcome: &Outcome) {
        let Some(transaction) = outcome.transaction() else { return };
        let currency = transaction.currency.code();
        self.transactions.with_label_values(&[kind.as_str(), currency]).inc();
        if matches!(outcome, Outcome::TransactionCreated(_)) {
            self.amount.with_label_values(&[currency]).inc_by(transaction.amount.get().unsigned_abs());
        }
    }
}

/// How much waits for one of the two ways.
#[derive(Debug)]
pub(crate) struct BacklogMetrics {
    events: IntGauge,
    oldest_age_seconds: Gauge,
}

impl BacklogMetrics {
    fn register(registry: &Registry, name: &str, waits: &str) -> prometheus::Result<Self> {
        let age = format!("Age of the event that has waited longest {waits}.");
        Ok(Self {
            events: gauge(registry, &format!("{name}_events"), &format!("Events that wait {waits}."))?,
            oldest_age_seconds: registered(registry, Gauge::new(format!("{name}_oldest_age_seconds"), age)?)?,
        })
    }

    pub(crate) fn show(&self, backlog: Backlog, now: OffsetDateTime) {
        let age = backlog.oldest.map_or(0.0, |oldest| (now - oldest.time()).as_seconds_f64());
        self.events.set(backlog.events);
        self.oldest_age_seconds.set(age.max(0.0));
    }
}

/// Metrics of webhooks that are sent.
#[derive(Debug)]
pub struct WebhookMetrics {
    attempt_seconds: HistogramVec,
    deliveries: IntCounterVec,
    pub(crate) oldest_due_age_seconds: Gauge,
}

/// From a receiver next door to one that is cut off at the deadline.
const ATTEMPT_BUCKETS_SECONDS: [f64; 10] = [0.001, 0.002_5, 0.005, 0.01, 0.025, 0.1, 0.5, 2.0, 5.0, 15.0];

impl WebhookMetrics {
    /// # Errors
    /// When the registry already has them.
    pub fn register(registry: &Registry) -> prometheus::Result<Self> {
        let attempts = HistogramOpts::new("webhook_attempt_seconds", "Attempts to send a webhook, by outcome.")
            .buckets(ATTEMPT_BUCKETS_SECONDS.to_vec());
        Ok(Self {
            attempt_seconds: registered(registry, HistogramVec::new(attempts, &["outcome"])?)?,
            deliveries: from_zero(
                vec(
                    registry,
                    "webhook_deliveries_total",
                    "What became of deliveries after an attempt: delivered, retried, given up, event is gone.",
                    &["outcome"],
                )?,
                &["delivered", "retried", "given_up", "event_is_gone"],
            ),
            oldest_due_age_seconds: registered(
                registry,
                Gauge::new("webhook_oldest_due_age_seconds", "How long the delivery that waits longest has been due.")?,
            )?,
        })
    }

    pub(crate) fn attempted(&self, outcome: AttemptOutcome, took: Duration) {
        let outcome = match outcome {
            AttemptOutcome::Unknown => "unknown",
            AttemptOutcome::Delivered => "delivered",
            AttemptOutcome::Refused => "refused",
            AttemptOutcome::TimedOut => "timed_out",
            AttemptOutcome::Unreachable => "unreachable",
            AttemptOutcome::NotSent => "not_sent",
        };
        self.attempt_seconds.with_label_values(&[outcome]).observe(took.as_secs_f64());
    }

    pub(crate) fn settled(&self, then: Then) {
        let outcome = match then {
            Then::Delivered => "delivered",
            Then::Retry { .. } => "retried",
            Then::GiveUp => "given_up",
            Then::EventIsGone => "event_is_gone",
        };
        self.deliveries.with_label_values(&[outcome]).inc();
    }
}

fn registered<C: Collector + Clone + 'static>(registry: &Registry, collector: C) -> prometheus::Result<C> {
    registry.register(Box::new(collector.clone()))?;
    Ok(collector)
}

/// With every value of the label there from the start: alerts look for an increase, and nothing increases from nowhere.
fn from_zero(counters: IntCounterVec, values: &[&str]) -> IntCounterVec {
    for value in values {
        counters.with_label_values(&[value]);
    }
    counters
}

fn counter(registry: &Registry, name: &str, help: &str) -> prometheus::Result<IntCounter> {
    registered(registry, IntCounter::new(name, help)?)
}

fn gauge(registry: &Registry, name: &str, help: &str) -> prometheus::Result<IntGauge> {
    registered(registry, IntGauge::new(name, help)?)
}

fn vec(registry: &Registry, name: &str, help: &str, labels: &[&str]) -> prometheus::Result<IntCounterVec> {
    registered(registry, IntCounterVec::new(Opts::new(name, help), labels)?)
}
