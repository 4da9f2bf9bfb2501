//! What `/metrics` tells (OpenMetrics text). Labels are names from the configuration and
//! words from the code, never anything a caller sent.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;
use tieline_bridge::dip::recent::Counts;
use tieline_engine::pipeline::{Pipeline, TargetHealth};
use tieline_store::QueueDepths;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    /// The route's pattern, not the address.
    route: String,
    method: String,
    status: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RouteLabels {
    route: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct DeliveryLabels {
    connection: String,
    source: &'static str,
    outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct DipLabels {
    workspace: String,
    outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct TargetLabels {
    connection: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CallLabels {
    connection: String,
    purpose: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct StepLabels {
    /// A word of the code.
    what: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct MemoryLabels {
    workspace: String,
    outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct WorkspaceLabels {
    workspace: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct QueueLabels {
    queue: &'static str,
    state: &'static str,
}

/// Counters and gauges of one server.
#[derive(Clone)]
pub struct Metrics {
    registry: Arc<Registry>,
    requests: Family<RequestLabels, Counter>,
    durations: Family<RouteLabels, Histogram, fn() -> Histogram>,
    deliveries: Family<DeliveryLabels, Counter>,
    dips: Family<DipLabels, Counter>,
    queues: Family<QueueLabels, Gauge>,
    pipeline: Family<StepLabels, Counter>,
    targets: Targets,
    memory: Family<MemoryLabels, Counter>,
    memory_bytes: Family<WorkspaceLabels, Gauge>,
}

/// How the connections to CRMs fare.
#[derive(Clone, Default)]
struct Targets {
    paused: Family<TargetLabels, Gauge>,
    down_secs: Family<TargetLabels, Gauge>,
    used: Family<TargetLabels, Gauge>,
    allowed: Family<TargetLabels, Gauge>,
    forecast: Family<TargetLabels, Gauge>,
    calls: Family<CallLabels, Counter>,
    refused: Family<CallLabels, Counter>,
}

impl Targets {
    fn register(&self, registry: &mut Registry) {
        registry.register("crm_paused", "1 while writing pauses because calls failed", self.paused.clone());
        registry.register(
            "crm_down_seconds",
            "Time since the first failure of the present pause",
            self.down_secs.clone(),
        );
        registry.register(
            "crm_allowance_used",
            "API calls the CRM has counted in its window, of everybody, when it last said so",
            self.used.clone(),
        );
        registry.register(
            "crm_allowance_limit",
            "API calls the CRM allows in its window",
            self.allowed.clone(),
        );
        registry.register(
            "crm_allowance_forecast",
            "The most that will be used at any time of the coming day if calls go on as in the last hours",
            self.forecast.clone(),
        );
        registry.register("crm_calls", "API calls of this process by what they were for", self.calls.clone());
        registry.register(
            "crm_calls_refused",
            "API calls not made because what is left is kept for what is more urgent",
            self.refused.clone(),
        );
    }

    fn set(&self, target: &TargetHealth) {
        let number = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        let labels = TargetLabels { connection: target.target.to_string() };
        self.paused.get_or_create(&labels).set(i64::from(target.paused));
        self.down_secs.get_or_create(&labels).set(number(target.down_secs));
        let Some(spending) = &target.spending else { return };
        if let Some(word) = spending.word {
            self.used.get_or_create(&labels).set(number(word.allowance.used));
            self.allowed.get_or_create(&labels).set(number(word.allowance.allowed));
        }
        if let Some(forecast) = spending.forecast {
            self.forecast.get_or_create(&labels).set(number(forecast));
        }
        for (family, counts) in [(&self.calls, spending.made), (&self.refused, spending.refused)] {
            for (purpose, count) in counts {
                let labels = CallLabels { connection: labels.connection.clone(), purpose: purpose.as_str() };
                family.get_or_create(&labels).inner().store(count, Ordering::Relaxed);
            }
        }
    }
}

fn durations() -> Histogram {
    // From what a dip adds to what a contact flow waits at most.
    Histogram::new([0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 8.0, 15.0])
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("tieline");
        let requests = Family::default();
        let durations = Family::new_with_constructor(durations as fn() -> Histogram);
        let (deliveries, dips, queues) = (Family::default(), Family::default(), Family::default());
        registry.register("http_requests", "Requests answered", requests.clone());
        registry.register(
            "http_request_duration_seconds",
            "Time from a request's head to its answer's head",
            durations.clone(),
        );
        registry.register(
            "deliveries",
            "Deliveries of contact centers by what became of them",
            deliveries.clone(),
        );
        registry.register("dips", "Look-ups during calls by how they ended", dips.clone());
        let (memory, memory_bytes) = (Family::default(), Family::default());
        registry.register("dip_memory", "Look-ups that memory could answer, and how", memory.clone());
        registry.register("dip_memory_bytes", "Answers held in memory", memory_bytes.clone());
        registry.register("queue_rows", "Rows that wait, or that need a person", queues.clone());
        let pipeline = Family::default();
        registry.register("pipeline_steps", "What the way of records to the CRM has done", pipeline.clone());
        let targets = Targets::default();
        targets.register(&mut registry);
        Self {
            registry: Arc::new(registry),
            requests,
            durations,
            deliveries,
            dips,
            queues,
            pipeline,
            targets,
            memory,
            memory_bytes,
        }
    }
}

impl Metrics {
    pub(crate) fn request(&self, route: &str, method: &str, status: u16, took: Duration) {
        let labels = RequestLabels { route: route.to_owned(), method: method.to_owned(), status };
        self.requests.get_or_create(&labels).inc();
        self.durations.get_or_create(&RouteLabels { route: route.to_owned() }).observe(took.as_secs_f64());
    }

    pub(crate) fn delivery(&self, connection: &str, source: &'static str, outcome: &'static str) {
        self.deliveries
            .get_or_create(&DeliveryLabels { connection: connection.to_owned(), source, outcome })
            .inc();
    }

    pub(crate) fn dip(&self, workspace: &str, outcome: &'static str) {
        self.dips.get_or_create(&DipLabels { workspace: workspace.to_owned(), outcome }).inc();
    }

    /// How often a workspace's dips were answered from memory.
    pub(crate) fn remembered(&self, workspace: &str, counts: Counts) {
        for (outcome, count) in [
            ("hit", counts.hits),
            ("stale", counts.stale),
            ("miss", counts.misses),
            ("joined", counts.joined),
        ] {
            let labels = MemoryLabels { workspace: workspace.to_owned(), outcome };
            self.memory.get_or_create(&labels).inner().store(count, std::sync::atomic::Ordering::Relaxed);
        }
        let bytes = i64::try_from(counts.bytes).unwrap_or(i64::MAX);
        self.memory_bytes.get_or_create(&WorkspaceLabels { workspace: workspace.to_owned() }).set(bytes);
    }

    /// The text of `/metrics`, with queues, pipeline and CRMs as they are now.
    pub(crate) fn text(&self, depths: QueueDepths, pipeline: &Pipeline) -> String {
        for target in pipeline.health() {
            self.targets.set(&target);
        }
        for (what, count) in pipeline.counts().named() {
            let labels = StepLabels { what: what.to_owned() };
            self.pipeline.get_or_create(&labels).inner().store(count, Ordering::Relaxed);
        }
        for (queue, state, rows) in [
            ("deliveries", "waiting", depths.deliveries_new),
            ("deliveries", "dead", depths.deliveries_dead),
            ("outbox", "waiting", depths.outbox_wait),
            ("outbox", "dead", depths.outbox_dead),
        ] {
            let rows = i64::try_from(rows).unwrap_or(i64::MAX);
            self.queues.get_or_create(&QueueLabels { queue, state }).set(rows);
        }
        let mut text = String::new();
        // Writing to a String does not fail.
        let _ = text::encode(&mut text, &self.registry);
        text
    }
}
