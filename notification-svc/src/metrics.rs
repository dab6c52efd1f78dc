//! What operators see of notifications and of the consumer. Labels are bounded: event types, ways, outcomes.

use contract::Event;
use messaging::metrics::{ConsumerSnapshot, ConsumerState};
use prometheus::{
    Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, Opts, Registry, core::Collector,
};
use time::OffsetDateTime;

use crate::{domain::way::Way, ingest::Outcome};

/// From a notification that follows its transaction at once to one that waited for a broker to come back.
const LATENCY_BUCKETS_SECONDS: [f64; 14] =
    [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0, 3_600.0, 86_400.0];
const BATCH_BUCKETS_EVENTS: [f64; 8] = [1.0, 2.0, 5.0, 10.0, 50.0, 100.0, 250.0, 500.0];

/// The metrics of the ingest.
#[derive(Debug, Clone)]
pub struct IngestMetrics {
    events: IntCounterVec,
    notifications: IntCounterVec,
    latency_seconds: HistogramVec,
    batch_events: Histogram,
}

impl IngestMetrics {
    /// # Errors
    /// When the registry already has them.
    pub fn register(registry: &Registry) -> prometheus::Result<Self> {
        let latency = HistogramOpts::new(
            "notification_latency_seconds",
            "Time from an event to its stored notifications, by the way it came.",
        );
        let batches = HistogramOpts::new("notification_ingest_batch_events", "Events that were ingested together.");
        Ok(Self {
            events: vec(
                registry,
                "notification_events_total",
                "Events that came in, by way and by what became of them.",
                &["way", "outcome"],
            )?,
            notifications: vec(
                registry,
                "notifications_created_total",
                "Notifications created, by type of event and way.",
                &["type", "way"],
            )?,
            latency_seconds: registered(
                registry,
                HistogramVec::new(latency.buckets(LATENCY_BUCKETS_SECONDS.to_vec()), &["way"])?,
            )?,
            batch_events: registered(registry, Histogram::with_opts(batches.buckets(BATCH_BUCKETS_EVENTS.to_vec()))?)?,
        })
    }

    #[expect(clippy::cast_precision_loss, reason = "a batch has at most some hundred events")]
    pub(crate) fn observe_batch(&self, events: usize) {
        self.batch_events.observe(events as f64);
    }

    pub(crate) fn observe(&self, way: Way, event: &Event, outcome: &Outcome, stored_at: OffsetDateTime) {
        self.events.with_label_values(&[way.as_str(), outcome.as_str()]).inc();
        if let Outcome::Created(notifications @ 1..) = outcome {
            let created = self.notifications.with_label_values(&[event.kind.as_str(), way.as_str()]);
            created.inc_by(*notifications as u64);
            self.latency_seconds.with_label_values(&[way.as_str()]).observe((stored_at - event.time).as_seconds_f64());
        }
    }
}

/// The metrics of the push path, besides those of its events.
#[derive(Debug, Clone)]
pub struct WebhookMetrics {
    refused: IntCounterVec,
}

impl WebhookMetrics {
    /// # Errors
    /// When the registry already has them.
    pub fn register(registry: &Registry) -> prometheus::Result<Self> {
        let help = "Webhooks that were refused before anything was made of them, by reason.";
        Ok(Self { refused: vec(registry, "webhook_refused_total", help, &["reason"])? })
    }

    pub(crate) fn refused(&self, reason: &'static str) {
        self.refused.with_label_values(&[reason]).inc();
    }
}

/// How many streams of notifications are open.
///
/// # Errors
/// When the registry already has it.
pub fn open_streams(registry: &Registry) -> prometheus::Result<IntGauge> {
    registered(registry, IntGauge::new("notification_streams_open", "Streams of notifications that are open.")?)
}

/// The metrics of the durable consumer, as messaging counts them.
#[derive(Debug, Clone)]
pub struct ConsumerGauges {
    running: IntGauge,
    pending: IntGauge,
    unacknowledged: IntGauge,
    in_hand: IntGauge,
    messages: IntCounterVec,
    outages: IntCounter,
    last_progress: IntGauge,
}

impl ConsumerGauges {
    /// `of` is what the names begin with: which consumer it is.
    ///
    /// # Errors
    /// When the registry already has them.
    pub fn register(registry: &Registry, of: &str) -> prometheus::Result<Self> {
        let gauge = |name, help| registered(registry, IntGauge::new(format!("{of}_{name}"), help)?);
        Ok(Self {
            running: gauge("running", "1 while messages are consumed.")?,
            pending: gauge("pending_messages", "Messages of the stream that were not delivered yet: the lag.")?,
            unacknowledged: gauge(
                "unacknowledged_messages",
                "Messages delivered and not acknowledged yet, by any replica.",
            )?,
            in_hand: gauge("in_hand_messages", "Messages being worked on here.")?,
            messages: vec(
                registry,
                &format!("{of}_messages_total"),
                "Messages by what happened to them; one may be counted under several.",
                &["what"],
            )?,
            outages: registered(
                registry,
                IntCounter::new(format!("{of}_outages_total"), "Times that a batch had to wait for the database.")?,
            )?,
            last_progress: gauge("last_progress_seconds", "When a batch was last settled, in seconds since 1970.")?,
        })
    }

    pub(crate) fn set(&self, now: &ConsumerSnapshot) {
        let gauge = |gauge: &IntGauge, value: u64| gauge.set(i64::try_from(value).unwrap_or(i64::MAX));
        self.running.set((now.state == ConsumerState::Running).into());
        gauge(&self.pending, now.pending);
        gauge(&self.unacknowledged, now.ack_pending);
        gauge(&self.in_hand, now.in_hand);
        self.last_progress.set(now.last_progress.map_or(0, OffsetDateTime::unix_timestamp));
        advance(&self.outages, now.outages);
        for (what, count) in [
            ("received", now.received),
            ("redelivered", now.redelivered),
            ("acknowledged", now.acknowledged),
            ("returned", now.returned),
            ("parked", now.parked),
            ("dead_lettered", now.dead_lettered),
            ("unconfirmed", now.unconfirmed),
        ] {
            advance(&self.messages.with_label_values(&[what]), count);
        }
    }
}

/// Brings a counter up to a total that is counted elsewhere.
fn advance(counter: &IntCounter, total: u64) {
    counter.inc_by(total.saturating_sub(counter.get()));
}

fn registered<C: Collector + Clone + 'static>(registry: &Registry, collector: C) -> prometheus::Result<C> {
    registry.register(Box::new(collector.clone()))?;
    Ok(collector)
}

fn vec(registry: &Registry, name: &str, help: &str, labels: &[&str]) -> prometheus::Result<IntCounterVec> {
    registered(registry, IntCounterVec::new(Opts::new(name, help), labels)?)
}
