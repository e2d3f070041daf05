//! Metrics: what is recorded, and what can be read of it.

use std::cmp::Ordering;

use swarm_bytecode::module::{Metric, MetricKind};
use swarm_bytecode::types::TypeId;

use crate::number::{self, Result};
use crate::types::Types;
use crate::value::{Value, order, to_json};

/// The samples of one metric in this agent, all of them.
#[derive(Debug, Clone, Default)]
pub struct Samples {
    samples: Vec<Value>,
    /// Of a TOTAL.
    sum: Option<Value>,
}

impl Samples {
    /// Adds a sample.
    ///
    /// # Errors
    /// The sum of a TOTAL overflows or is not finite.
    pub fn record(&mut self, types: Types<'_>, metric: &Metric, sample: Value) -> Result<()> {
        if metric.kind == MetricKind::Total {
            let sum = self.total();
            self.sum = Some(if types.is_float(metric.ty) {
                Value::Float(number::float(sum.float() + sample.float())?)
            } else {
                Value::Word(number::add(sum.word(), sample.word())?)
            });
        }
        self.samples.push(sample);
        Ok(())
    }

    /// The sum of a TOTAL.
    pub fn total(&self) -> Value {
        self.sum.clone().unwrap_or(Value::Zero)
    }

    /// The last sample of a GAUGE.
    pub fn last(&self) -> Option<Value> {
        self.samples.last().cloned()
    }

    /// A quantile of a DISTRIBUTION, in parts per million: the sample of that rank, as exactly as samples are
    /// kept.
    pub fn quantile(&self, types: Types<'_>, ty: TypeId, share: i64) -> Option<Value> {
        let mut samples = self.samples.clone();
        samples.sort_by(|left, right| order(types, ty, left, right));
        let count = u128::try_from(samples.len()).ok()?;
        let rank = count.saturating_mul(u128::try_from(share).ok()?).div_ceil(1_000_000).max(1);
        let sample = samples.get(usize::try_from(rank.saturating_sub(1)).ok()?)?;
        Some(if types.is_float(ty) {
            Value::Float(kept_float(sample.float()))
        } else {
            Value::Word(kept(sample.word()))
        })
    }

    /// The mean of a DISTRIBUTION: of ints a float, else of the metric's type.
    pub fn mean(&self, types: Types<'_>, ty: TypeId) -> Option<Value> {
        let count = i64::try_from(self.samples.len()).ok().filter(|count| *count > 0)?;
        if types.is_float(ty) {
            let add = |sum: f64, sample: &Value| (sum + sample.float()).clamp(f64::MIN, f64::MAX);
            let sum = self.samples.iter().fold(0.0, add);
            return Some(Value::Float(sum / number::to_float(count) + 0.0));
        }
        let sum: i128 = self.samples.iter().map(|sample| i128::from(sample.word())).sum();
        if ty == TypeId::INT {
            #[expect(clippy::cast_precision_loss, reason = "the nearest float is what is wanted")]
            return Some(Value::Float(sum as f64 / number::to_float(count) + 0.0));
        }
        mean_of(sum, count).map(Value::Word)
    }

    /// What a report shows, as JSON: a TOTAL always, the others once there is a sample.
    pub fn to_json(&self, types: Types<'_>, metric: &Metric) -> Option<String> {
        let json = |value: &Value| to_json(types, metric.ty, value, false);
        match metric.kind {
            MetricKind::Total => Some(json(&self.total())),
            MetricKind::Gauge => self.last().map(|last| json(&last)),
            MetricKind::Distribution => {
                let by_order =
                    |left: &&Value, right: &&Value| -> Ordering { order(types, metric.ty, left, right) };
                let least = json(self.samples.iter().min_by(by_order)?);
                let greatest = json(self.samples.iter().max_by(by_order)?);
                let quantile = |share| {
                    self.quantile(types, metric.ty, share).map_or(String::new(), |value| json(&value))
                };
                Some(format!(
                    r#"{{"count":{},"min":{least},"p50":{},"p90":{},"p99":{},"max":{greatest}}}"#,
                    self.samples.len(),
                    quantile(500_000),
                    quantile(900_000),
                    quantile(990_000)
                ))
            }
        }
    }
}

/// `sum ÷ count`, half to even.
pub fn mean_of(sum: i128, count: i64) -> Option<i64> {
    let count = i128::from(count);
    let (whole, rest) = (sum.checked_div_euclid(count)?, sum.checked_rem_euclid(count)?);
    let up = match rest.cmp(&count.saturating_sub(rest)) {
        Ordering::Less => false,
        Ordering::Equal => whole.rem_euclid(2) == 1,
        Ordering::Greater => true,
    };
    number::word(whole.saturating_add(i128::from(up))).ok()
}

/// How a sample of a distribution is kept: the five highest bits of its magnitude.
fn kept(sample: i64) -> i64 {
    let magnitude = sample.unsigned_abs();
    let low = 64_u32.saturating_sub(magnitude.leading_zeros()).saturating_sub(5);
    let magnitude = i64::try_from(magnitude >> low << low).unwrap_or(i64::MAX);
    if sample < 0 { magnitude.wrapping_neg() } else { magnitude }
}

/// How a float is kept: its sign, its exponent and four bits of its fraction.
fn kept_float(sample: f64) -> f64 {
    f64::from_bits(sample.to_bits() >> 48 << 48) + 0.0
}
