//! What the report of a simulation and the account of a run have in common, as JSON.

use serde_json::{Map, Value as Json, json};
use swarm_bytecode::module::{Metric, MetricKind};
use swarm_fleet::injector::Accounting;
use swarm_fleet::message::Status;
use swarm_fleet::monitor::{ERROR_RATE, mean, typed};
use swarm_fleet::name::Name;
use swarm_fleet::window::{Figure, Number, Sketch, Totals};

use super::figure::figure_text;
use super::reason;
use crate::render::text::cut;

/// Most bytes of what the governor gets back.
const FEEDBACK_BYTES: usize = 2048;

/// Most figures the governor gets back.
const FEEDBACK_FIGURES: usize = 8;

/// Targets, and what they did.
pub(super) fn accounting_json(accounting: Accounting) -> Json {
    json!({
        "targets": accounting.targets, "active": accounting.active, "refused": accounting.refused,
        "failed": accounting.failed, "silent": accounting.silent,
    })
}

/// A number of a metric, as JSON has it.
pub(super) fn value(metric: &Metric, number: Option<Number>) -> Json {
    number.map_or(Json::Null, |number| {
        serde_json::from_str(&typed(metric, number).to_json()).unwrap_or(Json::Null)
    })
}

/// What is known of samples.
pub(super) fn sketch_json(metric: &Metric, sketch: &Sketch) -> Map<String, Json> {
    let (kind, unit) = match metric.kind {
        MetricKind::Gauge => ("gauge", "agents"),
        _ => ("distribution", "samples"),
    };
    let members = json!({
        "kind": kind, "numerator": value(metric, sketch.sum()), "denominator": sketch.count(), "unit": unit,
        "mean": value(metric, mean(sketch)), "min": value(metric, sketch.least()),
        "p50": value(metric, sketch.quantile(500_000)), "p99": value(metric, sketch.quantile(990_000)),
        "max": value(metric, sketch.greatest()),
    });
    match members {
        Json::Object(members) => members,
        _ => Map::new(),
    }
}

/// Metrics with their figures; the share of errors is told elsewhere.
pub(super) fn figures<'f>(
    metrics: &'f [Metric],
    totals: &'f Totals,
) -> impl Iterator<Item = (usize, &'f Metric, &'f Figure)> {
    let figures =
        metrics.iter().zip(&totals.figures).enumerate().map(|(at, (own, figure))| (at, own, figure));
    figures.filter(|(_, metric, _)| metric.name != ERROR_RATE)
}

/// The first figures in words, for the governor.
pub(super) fn figures_in_words(metrics: &[Metric], totals: &Totals) -> Map<String, Json> {
    let words = figures(metrics, totals).filter_map(|(_, metric, figure)| {
        Some((metric.name.to_string(), figure_text(metric, figure)?.into()))
    });
    words.take(FEEDBACK_FIGURES).collect()
}

/// What the governor gets back, with those who are not active: named while there is room.
pub(super) fn with_exceptions<'e>(
    mut feedback: Json,
    exceptions: impl Iterator<Item = (&'e Name, &'static str, Option<&'e Status>)>,
) -> Json {
    for (agent, counts_as, status) in exceptions {
        let why = status.map(reason).unwrap_or_default();
        let exception = json!([agent.as_str(), counts_as, cut(&why, 60)]);
        let more = exception.to_string().len().saturating_add(feedback.to_string().len()).saturating_add(1);
        if more > FEEDBACK_BYTES {
            break;
        }
        if let Some(Json::Array(exceptions)) = feedback.get_mut("exceptions") {
            exceptions.push(exception);
        }
    }
    feedback
}
