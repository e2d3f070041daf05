//! What a monitor tells on the bus: JSON documents, each as its bytes. docs/fleet.md describes them.

use std::collections::VecDeque;

use serde_json::{Map, Value as Json, json};
use swarm_bytecode::module::{FunctionId, Metric, Module};
use swarm_bytecode::op::Op;
use swarm_bytecode::quantity::{Literal, format, parse_literal};
use swarm_bytecode::types::TypeId;

use super::{Against, Alert, ERROR_RATE, Monitor, mean, typed};
use crate::injector::{Accounting, Phase};
use crate::name::Name;
use crate::window::{Aggregate, Figure, Number, Totals};

/// Agents an alert names.
const MOST_NAMED: usize = 5;

/// Points of a history.
const MOST_POINTS: usize = 240;

pub(super) fn value(metric: &Metric, number: Option<Number>) -> Json {
    number.map_or(Json::Null, |number| {
        serde_json::from_str(&typed(metric, number).to_json()).unwrap_or(Json::Null)
    })
}

fn figures(metrics: &[Metric], figures: &[Figure]) -> Map<String, Json> {
    let own = metrics.iter().zip(figures).filter(|(metric, _)| metric.name != ERROR_RATE);
    let one = |(metric, figure): (&Metric, &Figure)| {
        let json = match figure {
            Figure::Total(sum) => json!({ "kind": "total", "sum": value(metric, Some(*sum)) }),
            Figure::Gauge(sketch) | Figure::Distribution(sketch) => json!({
                "kind": if matches!(figure, Figure::Gauge(_)) { "gauge" } else { "distribution" },
                "count": sketch.count(), "sum": value(metric, sketch.sum()), "mean": value(metric, mean(sketch)),
                "min": value(metric, sketch.least()), "p50": value(metric, sketch.quantile(500_000)),
                "p99": value(metric, sketch.quantile(990_000)), "max": value(metric, sketch.greatest()),
            }),
        };
        (metric.name.to_string(), json)
    };
    own.map(one).collect()
}

pub(super) fn id(order: &[u8; 16]) -> String {
    order.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn bytes(document: &Json) -> Vec<u8> {
    document.to_string().into_bytes()
}

impl Monitor {
    /// For `swarm:metrics:aggregate`: the fleet's sums at the end of a window, and how much of the traces
    /// they are from.
    pub fn metrics_document(&self, at_ns: u64) -> Vec<u8> {
        let totals = self.totals();
        let (mut agents, mut entries, mut last) = (0_u64, 0_u64, None);
        for (rank, aggregate) in self.latest() {
            entries = entries.saturating_add(aggregate.head.events);
            agents = agents.saturating_add(u64::from(last.replace(rank) != Some(rank)));
        }
        let actions = totals.actions.iter().map(|(name, own)| {
            (name.to_string(), json!({ "done": own.done, "failed": own.failed, "vetoed": own.vetoed }))
        });
        bytes(&json!({
            "order": id(&self.order), "instruction": self.header.name.as_str(), "version": self.header.version,
            "at_ns": at_ns, "figures": figures(&self.metrics, &totals.figures),
            "actions": actions.collect::<Map<_, _>>(), "activations": totals.activations, "fuel": totals.fuel,
            "money": format(TypeId::MONEY, totals.money), "tokens": format(TypeId::TOKENS, totals.tokens),
            "in_doubt": totals.in_doubt, "traces": { "agents": agents, "entries": entries },
        }))
    }

    /// For `swarm:health:status`: where the order stands, how its targets stand, and what is expected of it.
    /// Without an injector no one knows the first two.
    pub fn health_document(&self, at_ns: u64, stands: Option<(Phase, Accounting)>) -> Vec<u8> {
        let verdicts = self.verdicts.iter().map(|own| {
            json!({ "expectation": own.text.as_str(), "holds": own.holds, "judged": own.judged_ns.is_some() })
        });
        let part = |of: fn(Accounting) -> u32| stands.map(|(_, accounting)| of(accounting));
        let healthy = part(|own| own.not_active()).map(|others| others == 0 && self.alerts.is_empty());
        let error_rate = stands.map(|(_, own)| format(TypeId::PERCENT, own.error_rate()));
        bytes(&json!({
            "order": id(&self.order), "at_ns": at_ns, "phase": stands.map(|(phase, _)| phase.name()),
            "healthy": healthy, "targets": part(|own| own.targets), "active": part(|own| own.active),
            "refused": part(|own| own.refused), "failed": part(|own| own.failed),
            "silent": part(|own| own.silent), "error_rate": error_rate,
            "expectations": verdicts.collect::<Vec<_>>(), "alerts": self.alerts.len(),
        }))
    }

    /// The newest window for [`History`]: each figure's one number – a sum, a mean, a median.
    fn point_document(&self) -> Option<Json> {
        let point = self.points.last()?;
        let headline = |(metric, figure): (&Metric, &Figure)| {
            (metric.name.to_string(), value(metric, one_number(figure)))
        };
        let figures = self.metrics.iter().zip(&point.figures).filter(|(own, _)| own.name != ERROR_RATE);
        Some(json!({ "at_ns": point.at_ns, "figures": figures.map(headline).collect::<Map<_, _>>() }))
    }

    /// For `swarm:alerts`: what leaves its course, in which line, by which figure, which agents are furthest
    /// off, and what to change. The module has the lines, if it still has its places.
    pub fn alert_document(&self, alert: &Alert, module: &Module) -> Vec<u8> {
        let (figure, line, wants_more, advice) = match alert.against {
            Against::Expectation => {
                let expected = self.header.expectations.iter().find(|own| own.text == alert.text);
                let comparison = Comparison::read(&alert.text, &self.metrics);
                (
                    comparison.as_ref().map(|own| own.at),
                    expected.and_then(|own| line(module, own.condition)),
                    comparison.as_ref().is_some_and(|own| own.wants_more),
                    comparison.map_or_else(|| "look at what it is made of".to_owned(), |own| own.advice()),
                )
            }
            Against::Baseline { metric, fell } => {
                let way = if fell { "less" } else { "more" };
                let advice = format!(
                    "look at what records `{}`, roll back, or keep it where {way} is what was wanted",
                    alert.text
                );
                (Some(metric), recorded(module, metric), fell, advice)
            }
        };
        let totals = self.totals();
        let metric = figure.and_then(|at| self.metrics.get(at));
        let is =
            figure.zip(metric).and_then(|(at, own)| Some(value(own, one_number(totals.figures.get(at)?))));
        let agents = figure.map(|at| self.furthest(at, wants_more));
        let agents = agents.map(|agents| agents.into_iter().map(Name::as_str).collect::<Vec<_>>());
        let (expectation, baseline) = match alert.against {
            Against::Expectation => (Some(alert.text.as_str()), None),
            Against::Baseline { .. } => (None, self.baseline.as_ref().map(|own| own.order.as_str())),
        };
        bytes(&json!({
            "order": id(&self.order), "at_ns": alert.at_ns, "expectation": expectation, "baseline": baseline,
            "line": line, "figure": metric.map(|own| own.name.as_str()), "is": is, "agents": agents,
            "message": alert.message, "to_change": advice,
        }))
    }

    /// The agents that are furthest from what is expected of a figure.
    pub fn furthest(&self, metric: usize, wants_more: bool) -> Vec<&Name> {
        let mut sums: std::collections::BTreeMap<u32, (&Name, Totals)> = std::collections::BTreeMap::new();
        for (rank, aggregate) in self.latest() {
            let Aggregate { agent, totals, .. } = aggregate;
            let (_, own) = sums.entry(rank).or_insert_with(|| (agent, Totals::new(&self.metrics)));
            own.merge(totals);
        }
        let number = |totals: &Totals| totals.figures.get(metric).and_then(one_number);
        let mut agents: Vec<_> =
            sums.values().filter_map(|(agent, totals)| Some((*agent, number(totals)?.float()))).collect();
        agents.sort_by(|(name, own), (other_name, other)| {
            let order = if wants_more { own.total_cmp(other) } else { other.total_cmp(own) };
            order.then_with(|| name.cmp(other_name))
        });
        agents.into_iter().take(MOST_NAMED).map(|(agent, _)| agent).collect()
    }
}

pub(super) fn one_number(figure: &Figure) -> Option<Number> {
    match figure {
        Figure::Total(sum) => Some(*sum),
        Figure::Gauge(sketch) => mean(sketch),
        Figure::Distribution(sketch) => sketch.quantile(500_000),
    }
}

/// Where a condition stands in the source.
fn line(module: &Module, condition: FunctionId) -> Option<u32> {
    let function = module.debug.as_ref()?.functions.get(condition.index())?;
    function.places.first().map(|(_, place)| place.line)
}

/// Where a metric is recorded first.
fn recorded(module: &Module, metric: usize) -> Option<u32> {
    let places = &module.debug.as_ref()?.functions;
    let lines = module.functions.iter().zip(places).flat_map(|(function, places)| {
        let records = |op: &Op| matches!(op, Op::RecordMetric { metric: own, .. } if own.index() == metric);
        let ops = function.code.iter().zip(0_u32..).filter(move |(op, _)| records(op));
        ops.filter_map(|(_, at)| Some(places.places.iter().rev().find(|(first, _)| *first <= at)?.1.line))
    });
    lines.min()
}

/// The fleet over time, as `swarm:performance:history` has it: of a long order the newest windows.
#[derive(Debug, Clone, PartialEq)]
pub struct History {
    order: [u8; 16],
    skipped: u64,
    points: VecDeque<Json>,
}

impl History {
    /// Of an order; it goes on where a document of the same order ends.
    pub fn resume(order: [u8; 16], document: Option<&[u8]>) -> History {
        let own = document.and_then(|bytes| serde_json::from_slice::<Json>(bytes).ok());
        let own = own.filter(|own| own.get("order").and_then(Json::as_str) == Some(&id(&order)));
        let skipped = own.as_ref().and_then(|own| own.get("skipped")?.as_u64()).unwrap_or(0);
        let points = own.and_then(|own| own.get("points")?.as_array().cloned()).unwrap_or_default();
        let mut history = History { order, skipped, points: points.into() };
        history.shorten();
        history
    }

    /// Adds the monitor's newest window.
    pub fn push(&mut self, monitor: &Monitor) {
        self.points.extend(monitor.point_document());
        self.shorten();
    }

    fn shorten(&mut self) {
        let most = self.points.len().saturating_sub(MOST_POINTS);
        self.points.drain(..most);
        self.skipped = self.skipped.saturating_add(u64::try_from(most).unwrap_or(0));
    }

    /// The document.
    pub fn document(&self) -> Vec<u8> {
        bytes(&json!({ "order": id(&self.order), "skipped": self.skipped, "points": self.points }))
    }
}

/// An expectation that compares a figure with a constant.
struct Comparison<'m> {
    at: usize,
    metric: &'m Metric,
    wants_more: bool,
}

impl<'m> Comparison<'m> {
    fn read(text: &str, metrics: &'m [Metric]) -> Option<Comparison<'m>> {
        let words: Vec<&str> = text.split_whitespace().collect();
        let [name, operator, wanted] = words.as_slice() else { return None };
        let at = metrics.iter().position(|metric| metric.name == *name)?;
        let _constant: Literal = parse_literal(wanted).ok()?;
        let wants_more = match *operator {
            ">=" | ">" => true,
            "<=" | "<" => false,
            _ => return None,
        };
        Some(Comparison { at, metric: metrics.get(at)?, wants_more })
    }

    fn advice(&self) -> String {
        let name = &self.metric.name;
        if self.wants_more {
            format!("make the body record more `{name}`, widen TARGET, or expect less")
        } else {
            format!("make the body record less `{name}`, or allow more")
        }
    }
}

/// What to change where an expectation is missed that compares a figure with a constant.
pub(super) fn advice(text: &str, metrics: &[Metric]) -> Option<String> {
    Comparison::read(text, metrics).map(|own| own.advice())
}
