//! By how much an expectation was missed, where it compares a figure with a constant.

use swarm_bytecode::module::Metric;
use swarm_bytecode::quantity::{self, Literal, parse_literal};
use swarm_bytecode::types::TypeId;
use swarm_fleet::monitor::{Verdict, mean};
use swarm_fleet::window::{Figure, Number, Totals};

use super::Report;
use super::figure::{figure_words, number_text};

/// How far a figure is from what was expected of it.
pub(super) struct Shortfall<'a> {
    metric: &'a Metric,
    /// The figure in words.
    is: String,
    distance: i64,
    /// `short`, `too much` or `off`.
    side: &'static str,
}

impl Report<'_> {
    /// By how much this expectation was missed; none if it holds, or is more than a figure against a constant.
    pub(super) fn shortfall(&self, totals: &Totals, verdict: &Verdict) -> Option<Shortfall<'_>> {
        Shortfall::of(self.outcome.monitor.metrics(), totals, verdict)
    }
}

impl<'a> Shortfall<'a> {
    /// See [`Report::shortfall`].
    pub(super) fn of(metrics: &'a [Metric], totals: &Totals, verdict: &Verdict) -> Option<Shortfall<'a>> {
        let words: Vec<&str> = verdict.text.split_whitespace().collect();
        let [name, operator, wanted] = words.as_slice() else { return None };
        let mut figures = metrics.iter().zip(&totals.figures);
        let (metric, figure) = figures.find(|(metric, _)| metric.name == *name)?;
        let wanted = match parse_literal(wanted).ok()? {
            Literal::Int(value) if metric.ty == TypeId::INT => value,
            Literal::Quantity { ty, value } if metric.ty == ty => value,
            _ => return None,
        };
        let number = match figure {
            Figure::Total(sum) => *sum,
            Figure::Gauge(sketch) => mean(sketch)?,
            Figure::Distribution(_) => return None,
        };
        let Number::Word(is) = number else { return None };
        let side = match *operator {
            ">=" | ">" => "short",
            "<=" | "<" => "too much",
            "==" => "off",
            _ => return None,
        };
        let distance = i64::try_from(is.checked_sub(i128::from(wanted))?.unsigned_abs()).ok()?;
        let is = figure_words(metric, figure)?;
        (!verdict.holds).then_some(Shortfall { metric, is, distance, side })
    }

    /// `saved is $1,150.18, $349.82 short`.
    pub(super) fn words(&self) -> String {
        // What is missing is rounded up to cents, as what is there is rounded down.
        let shown = match self.metric.ty {
            TypeId::MONEY if self.distance >= 1_000_000 => self.distance.saturating_add(9_999),
            _ => self.distance,
        };
        let distance = number_text(self.metric, Number::Word(shown.into()));
        format!("{} is {}, {distance} {}", self.metric.name, self.is, self.side)
    }

    /// The distance in full, as a literal.
    pub(super) fn distance(&self) -> String {
        quantity::format(self.metric.ty, self.distance)
    }

    /// The figure it is about.
    pub(super) fn metric(&self) -> &'a Metric {
        self.metric
    }

    /// Whether the figure is too low.
    pub(super) fn is_short(&self) -> bool {
        self.side == "short"
    }

    /// What a governor can change.
    pub(super) fn advice(&self) -> String {
        let name = &self.metric.name;
        match self.side {
            "short" => format!("make the body record more `{name}`, widen TARGET, or expect less"),
            "too much" => format!("make the body record less `{name}`, or allow more"),
            _ => format!("look at what records `{name}`, or expect another figure"),
        }
    }
}
