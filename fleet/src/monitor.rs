//! The monitor: puts windows together, asks the program's own conditions of the fleet's figures, and says
//! what drifts. A machine without input or output.

pub mod baseline;
mod documents;
mod result;

use std::collections::BTreeMap;
use std::sync::Arc;

use smol_str::SmolStr;
use swarm_bytecode::module::{Expectation, FunctionId, Instruction, Metric, MetricKind, Module};
use swarm_bytecode::types::{BUILTIN_TYPES, Type};
use swarm_vm::Value;

use crate::window::{Aggregate, Figure, Number, Sketch, Totals};
use baseline::{Baseline, TOLERANCE};
pub use documents::History;
pub use result::{MAX_RESULT, Stands};

/// The figure of a fleet that no agent records: the share of targets that failed, refused or are silent.
pub const ERROR_RATE: &str = "error_rate";

/// How many samples stand for a distribution where a condition asks for its quantiles.
const SAMPLES: u32 = 100;

/// Answers a program's conditions.
pub trait Judge {
    /// Sets a metric to the fleet's figure.
    fn set(&mut self, metric: &str, value: &Value);

    /// Whether a condition holds; one that cannot be computed does not.
    fn holds(&mut self, condition: FunctionId) -> bool;
}

/// What was expected, and what came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// The condition as it was written.
    pub text: SmolStr,
    /// Until when, in nanoseconds from the start of the order.
    pub by_ns: Option<u64>,
    /// When it first held at the end of a window.
    pub first_ns: Option<u64>,
    /// When it was judged for good.
    pub judged_ns: Option<u64>,
    /// Whether it held then, or holds now.
    pub holds: bool,
}

/// Something that leaves its course.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alert {
    /// When, in nanoseconds from the start of the order.
    pub at_ns: u64,
    /// The expectation as it was written; against a baseline, the figure's name.
    pub text: SmolStr,
    /// Why.
    pub message: String,
    /// What it was held against.
    pub against: Against,
}

/// Most points that are held of an order, and most starts of an agent.
const MOST_POINTS: usize = 2_048;
const MOST_STARTS: usize = 4_096;

/// What a figure is held against.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Against {
    /// An EXPECT of the program.
    Expectation,
    /// The order before.
    Baseline {
        /// The index of the metric.
        metric: usize,
        /// Whether it fell; else it rose.
        fell: bool,
    },
}

/// The fleet at the end of a window.
#[derive(Debug, Clone, PartialEq)]
pub struct Point {
    /// When, in nanoseconds from the start of the order.
    pub at_ns: u64,
    /// The figures, in the order of the program's metrics.
    pub figures: Vec<Figure>,
}

/// A monitor of one order.
#[derive(Debug)]
pub struct Monitor {
    header: Instruction,
    metrics: Vec<Metric>,
    order: [u8; 16],
    latest: BTreeMap<(u32, u64), Arc<Aggregate>>,
    replaced: u64,
    stale: u64,
    verdicts: Vec<Verdict>,
    alerts: Vec<Alert>,
    points: Vec<Point>,
    goal_ns: Option<u64>,
    windows: u64,
    baseline: Option<Baseline>,
    /// For each metric, whether it is off the baseline and that has been told.
    off: Vec<bool>,
}

impl Monitor {
    /// A monitor for an order of this program.
    pub fn new(module: &Module, order: [u8; 16]) -> Monitor {
        let header = module.instruction.clone();
        let verdict = |expectation: &Expectation| Verdict {
            text: expectation.text.clone(),
            by_ns: expectation.by_ns.and_then(|by| u64::try_from(by).ok()),
            first_ns: None,
            judged_ns: None,
            holds: false,
        };
        Monitor {
            verdicts: header.expectations.iter().map(verdict).collect(),
            header,
            metrics: module.metrics.clone(),
            order,
            latest: BTreeMap::new(),
            replaced: 0,
            stale: 0,
            alerts: Vec::new(),
            points: Vec::new(),
            goal_ns: None,
            windows: 0,
            baseline: None,
            off: vec![false; module.metrics.len()],
        }
    }

    /// The same, and figures are held against those of an order before.
    #[must_use]
    pub fn against(mut self, baseline: Option<Baseline>) -> Monitor {
        self.baseline = baseline;
        self
    }

    /// Takes a window of the target of this rank: the newest of each incarnation replaces the one before.
    pub fn take(&mut self, rank: u32, aggregate: &Arc<Aggregate>) {
        if aggregate.order != self.order || aggregate.totals.figures.len() != self.metrics.len() {
            return;
        }
        let place = self.latest.entry((rank, aggregate.incarnation));
        let fresh =
            |held: &Aggregate| (held.window, held.head.events) < (aggregate.window, aggregate.head.events);
        match place {
            std::collections::btree_map::Entry::Vacant(_) => {
                // Windows are hearsay: nobody makes up as many starts as there is memory.
                let starts = self.latest.range((rank, 0)..=(rank, u64::MAX)).count();
                if starts < MOST_STARTS {
                    self.latest.insert((rank, aggregate.incarnation), Arc::clone(aggregate));
                }
            }
            std::collections::btree_map::Entry::Occupied(mut place) if fresh(place.get()) => {
                place.insert(Arc::clone(aggregate));
                self.replaced = self.replaced.saturating_add(1);
            }
            std::collections::btree_map::Entry::Occupied(_) => self.stale = self.stale.saturating_add(1),
        }
    }

    /// Whether it knows all that this window of the target of this rank says.
    pub fn knows(&self, rank: u32, aggregate: &Aggregate) -> bool {
        let held = self.latest.get(&(rank, aggregate.incarnation));
        aggregate.order != self.order || held.is_some_and(|held| held.head.events >= aggregate.head.events)
    }

    /// The sums over all agents and incarnations.
    pub fn totals(&self) -> Totals {
        let mut totals = Totals::new(&self.metrics);
        for aggregate in self.latest.values() {
            totals.merge(&aggregate.totals);
        }
        totals
    }

    /// The newest window of each agent and incarnation, by rank.
    pub fn latest(&self) -> impl Iterator<Item = (u32, &Aggregate)> {
        self.latest.iter().map(|((rank, _), aggregate)| (*rank, &**aggregate))
    }

    /// Ends a window: asks what is expected, and whether the goal is reached. Gives whether it is, the first
    /// time.
    pub fn close(&mut self, now_ns: u64, error_rate: i64, judge: &mut dyn Judge) -> bool {
        self.windows = self.windows.saturating_add(1);
        let totals = self.totals();
        self.tell(&totals.figures, error_rate, judge);
        let expectations = self.header.expectations.iter().zip(&mut self.verdicts);
        for (expectation, verdict) in expectations.filter(|(_, verdict)| verdict.judged_ns.is_none()) {
            verdict.holds = judge.holds(expectation.condition);
            if verdict.holds && verdict.first_ns.is_none() {
                verdict.first_ns = Some(now_ns);
            }
            if verdict.by_ns.is_some_and(|by| now_ns >= by) {
                verdict.judged_ns = Some(now_ns);
            }
        }
        let reached = self.goal_ns.is_none() && self.header.stops.iter().any(|stop| judge.holds(*stop));
        if reached {
            self.goal_ns = Some(now_ns);
        }
        self.watch_drift(now_ns, &totals, error_rate, judge);
        self.watch_baseline(now_ns, &totals);
        self.remember(Point { at_ns: now_ns, figures: totals.figures });
        reached
    }

    /// Of a long order every other point goes, again and again: what is left reaches back to its beginning.
    fn remember(&mut self, point: Point) {
        if self.points.len() >= MOST_POINTS {
            let mut number = 0_usize;
            self.points.retain(|_| {
                number = number.saturating_add(1);
                !number.is_multiple_of(2)
            });
        }
        self.points.push(point);
    }

    /// Halfway, an expectation that would be missed at the present pace is told.
    fn watch_drift(&mut self, now_ns: u64, totals: &Totals, error_rate: i64, judge: &mut dyn Judge) {
        let last_ns = self.points.last().map_or(0, |point| point.at_ns);
        let halfway = |verdict: &Verdict| {
            let half = verdict.by_ns.map(|by| by / 2);
            !verdict.holds && half.is_some_and(|half| last_ns < half && now_ns >= half)
        };
        let drifting = self.header.expectations.iter().zip(&self.verdicts).filter(|(_, own)| halfway(own));
        let drifting: Vec<_> = drifting.map(|(own, verdict)| (own.condition, verdict.clone())).collect();
        for (condition, verdict) in drifting {
            let ahead_ns = verdict.by_ns.unwrap_or(now_ns).saturating_sub(now_ns);
            let projected = self.projected(&totals.figures, now_ns, ahead_ns);
            self.tell(&projected, error_rate, judge);
            if !judge.holds(condition) {
                let message = "half of its time is over, and at its present pace it will not hold".to_owned();
                let against = Against::Expectation;
                self.alerts.push(Alert { at_ns: now_ns, text: verdict.text, message, against });
            }
        }
        self.tell(&totals.figures, error_rate, judge);
    }

    /// A figure that leaves the baseline is told, and again only after it has come back half of the way.
    fn watch_baseline(&mut self, now_ns: u64, totals: &Totals) {
        let Some(baseline) = &self.baseline else { return };
        let tolerance = Number::Word(TOLERANCE.into()).float() / 1e6;
        let figures = self.metrics.iter().zip(&totals.figures).zip(&mut self.off).enumerate();
        for (metric, ((own, figure), off)) in figures {
            let Some(compared) = baseline.compare(own, figure, totals) else { continue };
            let change = compared.change();
            if change.abs() > tolerance && !*off {
                let fell = change < 0.0;
                let (way, per) = (
                    if fell { "below" } else { "above" },
                    if own.kind == MetricKind::Total { " per activation" } else { "" },
                );
                let message = format!(
                    "{:.1} % {way} order {}: {}{per}, it was {}",
                    change.abs() * 100.0,
                    baseline.order,
                    shown(own, compared.is),
                    shown(own, compared.was)
                );
                let against = Against::Baseline { metric, fell };
                self.alerts.push(Alert { at_ns: now_ns, text: own.name.clone(), message, against });
            }
            *off = change.abs() > if *off { tolerance / 2.0 } else { tolerance };
        }
    }

    /// The figures so much later, if sums go on as they did in the second half of the time so far.
    fn projected(&self, figures: &[Figure], now_ns: u64, ahead_ns: u64) -> Vec<Figure> {
        let before = self.points.iter().rev().find(|point| point.at_ns <= now_ns / 2);
        let project = |(at, figure): (usize, &Figure)| {
            let past = before.and_then(|point| Some((point.at_ns, point.figures.get(at)?)));
            match (figure, past) {
                (Figure::Total(sum), Some((then_ns, Figure::Total(then)))) => {
                    Figure::Total(sum.projected(*then, now_ns.saturating_sub(then_ns), ahead_ns))
                }
                _ => figure.clone(),
            }
        };
        figures.iter().enumerate().map(project).collect()
    }

    /// Whether a gate holds: the program's condition of the fleet's figures. Without a condition it does.
    pub fn gate(&self, condition: Option<FunctionId>, error_rate: i64, judge: &mut dyn Judge) -> bool {
        self.tell(&self.totals().figures, error_rate, judge);
        condition.is_none_or(|condition| judge.holds(condition))
    }

    /// What is not judged yet is judged as it is.
    pub fn finish(&mut self, now_ns: u64) {
        for verdict in self.verdicts.iter_mut().filter(|verdict| verdict.judged_ns.is_none()) {
            verdict.judged_ns = Some(now_ns);
        }
    }

    fn tell(&self, figures: &[Figure], error_rate: i64, judge: &mut dyn Judge) {
        for (metric, figure) in self.metrics.iter().zip(figures) {
            if metric.name == ERROR_RATE {
                judge.set(ERROR_RATE, &Value::Quantity(metric.ty, error_rate));
                continue;
            }
            judge.set(&metric.name, &value_of(metric, figure));
        }
    }

    /// What figures are held against.
    pub fn baseline(&self) -> Option<&Baseline> {
        self.baseline.as_ref()
    }

    /// The program's metrics.
    pub fn metrics(&self) -> &[Metric] {
        &self.metrics
    }

    /// What was expected, and what came.
    pub fn verdicts(&self) -> &[Verdict] {
        &self.verdicts
    }

    /// What left its course.
    pub fn alerts(&self) -> &[Alert] {
        &self.alerts
    }

    /// The fleet over time.
    pub fn points(&self) -> &[Point] {
        &self.points
    }

    /// When STOP WHEN held first.
    pub fn goal_ns(&self) -> Option<u64> {
        self.goal_ns
    }

    /// Windows that replaced an earlier one, and windows that came too late or twice and changed nothing.
    pub fn received(&self) -> (u64, u64) {
        (self.replaced, self.stale)
    }
}

/// A number as a value of a metric's type.
pub fn typed(metric: &Metric, number: Number) -> Value {
    let word = |word: i128| i64::try_from(word).unwrap_or(if word < 0 { i64::MIN } else { i64::MAX });
    match (BUILTIN_TYPES.get(usize::from(metric.ty.0)), number) {
        (Some(Type::Int), Number::Word(own)) => Value::Int(word(own)),
        (Some(Type::Bool), Number::Word(own)) => Value::Bool(own != 0),
        (Some(Type::Float), number) => Value::Float(number.float()),
        (_, Number::Word(own)) => Value::Quantity(metric.ty, word(own)),
        (_, Number::Float(own)) => Value::Float(own),
    }
}

/// A share of a figure as a value of its metric's type, without quotation marks.
#[expect(
    clippy::cast_possible_truncation,
    reason = "the cast saturates, and is of what came from 64-bit words"
)]
fn shown(metric: &Metric, number: f64) -> String {
    match BUILTIN_TYPES.get(usize::from(metric.ty.0)) {
        Some(Type::Int | Type::Float | Type::Bool) => format!("{number:.2}"),
        _ => typed(metric, Number::Word(number.round() as i128)).to_json().trim_matches('"').to_owned(),
    }
}

/// The mean of a fleet's gauges.
pub fn mean(sketch: &Sketch) -> Option<Number> {
    sketch.sum().map(|sum| sum.part(sketch.count()))
}

/// A figure as a condition reads it: a sum, the mean of what agents hold, samples that have the fleet's
/// quantiles.
fn value_of(metric: &Metric, figure: &Figure) -> Value {
    match figure {
        Figure::Total(Number::Word(0))
            if BUILTIN_TYPES.get(usize::from(metric.ty.0)) == Some(&Type::Float) =>
        {
            Value::Float(0.0)
        }
        Figure::Total(sum) => typed(metric, *sum),
        Figure::Gauge(sketch) => mean(sketch).map_or(Value::None, |mean| typed(metric, mean)),
        Figure::Distribution(sketch) => {
            let shares = (1..=SAMPLES).map(|part| part.saturating_mul(10_000));
            Value::List(
                shares.filter_map(|share| sketch.quantile(share)).map(|own| typed(metric, own)).collect(),
            )
        }
    }
}
