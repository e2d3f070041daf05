//! Drift against a baseline: figures of an order before, that this one's are held against.

use std::collections::BTreeMap;

use serde_json::Value as Json;
use smol_str::SmolStr;
use swarm_bytecode::module::{Metric, MetricKind};
use swarm_bytecode::quantity::{Literal, parse_literal};

use super::{ERROR_RATE, mean};
use crate::window::{Figure, Number, Totals};

/// Activations below which nothing is held against a baseline: few samples leave any course.
pub const MINIMUM_SAMPLE: u64 = 30;

/// The share of the baseline, in parts per million, that a figure may be off.
pub const TOLERANCE: u32 = 200_000;

/// Figures of an earlier order: of a TOTAL the sum per activation, of others the mean of all samples. So
/// neither the number of agents nor the time an order has run changes what is compared.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Baseline {
    /// The order they are of, in hexadecimal digits.
    pub order: SmolStr,
    figures: BTreeMap<SmolStr, f64>,
}

/// A figure and what it was.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Comparison {
    /// Per activation, or the mean.
    pub is: f64,
    /// The same of the baseline.
    pub was: f64,
}

impl Comparison {
    /// By how much it is off, in shares of what it was.
    pub fn change(self) -> f64 {
        (self.is - self.was) / self.was.abs()
    }
}

impl Baseline {
    /// Reads the figures of these metrics from a report as JSON, or from a document of
    /// `swarm:metrics:aggregate`. None where it is neither, or has too few activations.
    pub fn read(document: &Json, metrics: &[Metric]) -> Option<Baseline> {
        let order = document.get("order")?.as_str()?.into();
        let activations =
            document.get("activations").or_else(|| document.pointer("/spent/activations"))?.as_u64()?;
        if activations < MINIMUM_SAMPLE {
            return None;
        }
        let one = |metric: &Metric| {
            let own = document.get("figures")?.get(metric.name.as_str())?;
            let figure = if metric.kind == MetricKind::Total {
                let sum = number(own.get("sum").or_else(|| own.get("numerator"))?, metric)?;
                sum / Number::Word(activations.into()).float()
            } else {
                number(own.get("mean")?, metric)?
            };
            Some((metric.name.clone(), figure))
        };
        let figures = metrics.iter().filter(|metric| metric.name != ERROR_RATE).filter_map(one).collect();
        Some(Baseline { order, figures })
    }

    /// A figure beside what it was; none where there is too little of either.
    pub fn compare(&self, metric: &Metric, figure: &Figure, totals: &Totals) -> Option<Comparison> {
        let was = *self.figures.get(&metric.name)?;
        if totals.activations < MINIMUM_SAMPLE || was == 0.0 {
            return None;
        }
        let is = match figure {
            Figure::Total(sum) => sum.float() / Number::Word(totals.activations.into()).float(),
            Figure::Gauge(sketch) | Figure::Distribution(sketch) => mean(sketch)?.float(),
        };
        Some(Comparison { is, was })
    }
}

/// A number as documents have it: of a quantity, its literal.
fn number(json: &Json, metric: &Metric) -> Option<f64> {
    match json {
        Json::String(text) => match parse_literal(text).ok()? {
            Literal::Quantity { ty, value } if ty == metric.ty => Some(Number::Word(value.into()).float()),
            _ => None,
        },
        other => other.as_f64(),
    }
}
