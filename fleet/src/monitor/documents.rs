//! What a monitor tells on the bus: JSON documents, each as its bytes. docs/fleet.md describes them.

use serde_json::{Map, Value as Json, json};
use swarm_bytecode::module::{FunctionId, Metric, Module};
use swarm_bytecode::quantity::{Literal, format, parse_literal};
use swarm_bytecode::types::TypeId;

use super::{Alert, ERROR_RATE, Monitor, mean, typed};
use crate::injector::{Accounting, Phase};
use crate::name::Name;
use crate::window::{Aggregate, Figure, Number, Totals};

/// Agents an alert names.
const MOST_NAMED: usize = 5;

/// Points of a history.
const MOST_POINTS: usize = 240;

fn value(metric: &Metric, number: Option<Number>) -> Json {
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

fn id(order: &[u8; 16]) -> String {
    order.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn bytes(document: &Json) -> Vec<u8> {
    document.to_string().into_bytes()
}

impl Monitor {
    /// For `swarm:metrics:aggregate`: the fleet's sums at the end of a window, and how much of the traces they are from.
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
            "order": id(&self.order), "at_ns": at_ns, "figures": figures(&self.metrics, &totals.figures),
            "actions": actions.collect::<Map<_, _>>(), "activations": totals.activations, "fuel": totals.fuel,
            "money": format(TypeId::MONEY, totals.money), "tokens": format(TypeId::TOKENS, totals.tokens),
            "in_doubt": totals.in_doubt, "traces": { "agents": agents, "entries": entries },
        }))
    }

    /// For `swarm:health:status`: where the order stands, how its targets stand, and what is expected of it.
    pub fn health_document(&self, at_ns: u64, phase: Phase, accounting: Accounting) -> Vec<u8> {
        let verdicts = self.verdicts.iter().map(|own| {
            json!({ "expectation": own.text.as_str(), "holds": own.holds, "judged": own.judged_ns.is_some() })
        });
        let healthy = accounting.not_active() == 0 && self.alerts.is_empty();
        bytes(&json!({
            "order": id(&self.order), "at_ns": at_ns, "phase": phase.name(), "healthy": healthy,
            "targets": accounting.targets, "active": accounting.active, "refused": accounting.refused,
            "failed": accounting.failed, "silent": accounting.silent,
            "error_rate": format(TypeId::PERCENT, accounting.error_rate()),
            "expectations": verdicts.collect::<Vec<_>>(), "alerts": self.alerts.len(),
        }))
    }

    /// For `swarm:performance:history`: each figure's one number – a sum, a mean, a median – at the end of each window; of
    /// a long order the newest windows.
    pub fn history_document(&self) -> Vec<u8> {
        let headline = |(metric, figure): (&Metric, &Figure)| {
            let number = match figure {
                Figure::Total(sum) => Some(*sum),
                Figure::Gauge(sketch) => mean(sketch),
                Figure::Distribution(sketch) => sketch.quantile(500_000),
            };
            (metric.name.to_string(), value(metric, number))
        };
        let skipped = self.points.len().saturating_sub(MOST_POINTS);
        let points = self.points.iter().skip(skipped).map(|point| {
            let figures = self.metrics.iter().zip(&point.figures).filter(|(own, _)| own.name != ERROR_RATE);
            json!({ "at_ns": point.at_ns, "figures": figures.map(headline).collect::<Map<_, _>>() })
        });
        bytes(&json!({ "order": id(&self.order), "skipped": skipped, "points": points.collect::<Vec<_>>() }))
    }

    /// For `swarm:alerts`: what leaves its course, in which line, by which figure, which agents are furthest off, and
    /// what to change. The module has the lines, if it still has its places.
    pub fn alert_document(&self, alert: &Alert, module: &Module) -> Vec<u8> {
        let expected = self.header.expectations.iter().find(|own| own.text == alert.text);
        let comparison = Comparison::read(&alert.text, &self.metrics);
        let figure = comparison.as_ref().map(|own| own.metric.name.to_string());
        let is = comparison.as_ref().and_then(|own| {
            let totals = self.totals();
            Some(value(own.metric, one_number(totals.figures.get(own.at)?)))
        });
        let agents = comparison.as_ref().map(|own| self.furthest(own.at, own.wants_more));
        let agents = agents.map(|agents| agents.into_iter().map(Name::as_str).collect::<Vec<_>>());
        bytes(&json!({
            "order": id(&self.order), "at_ns": alert.at_ns, "expectation": alert.text.as_str(),
            "line": expected.and_then(|own| line(module, own.condition)), "figure": figure, "is": is,
            "agents": agents, "message": alert.message, "to_change": comparison.map(|own| own.advice()),
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

fn one_number(figure: &Figure) -> Option<Number> {
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
