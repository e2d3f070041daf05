//! What a run records: states of its declared metrics.

use swarm_bytecode::module::{Metric, MetricKind, Module};
use swarm_bytecode::numeric;
use swarm_bytecode::trap::TrapCode;
use swarm_bytecode::types::{Class, Type};

use crate::buckets::Buckets;
use crate::slot;

/// The state of one metric.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum MetricState {
    /// The sum, in the metric's carrier.
    Total { sum: u64, float: bool },
    /// The last sample, if there was one.
    Gauge { last: Option<u64> },
    /// How often samples fell into each bucket.
    Distribution { buckets: Buckets, least: u64, greatest: u64, sum: Sum, float: bool },
}

/// The sum of a distribution's samples.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct Sum {
    /// Of words; 2⁶⁴ samples fit.
    pub(crate) words: i128,
    /// Of floats; what would be beyond all floats is the greatest.
    pub(crate) floats: f64,
}

impl Sum {
    fn add(&mut self, sample: u64, float: bool) {
        if float {
            self.floats = (self.floats + f64::from_bits(sample)).clamp(f64::MIN, f64::MAX);
        } else {
            self.words = self.words.saturating_add(i128::from(sample.cast_signed()));
        }
    }
}

impl MetricState {
    pub(crate) fn new(module: &Module, metric: &Metric) -> MetricState {
        let float = module.ty(metric.ty).map(Type::class) == Some(Class::Float);
        match metric.kind {
            MetricKind::Total => MetricState::Total { sum: 0, float },
            MetricKind::Gauge => MetricState::Gauge { last: None },
            MetricKind::Distribution => {
                let sum = Sum::default();
                MetricState::Distribution { buckets: Buckets::default(), least: 0, greatest: 0, sum, float }
            }
        }
    }

    /// Adds a sample.
    pub(crate) fn record(&mut self, sample: u64) -> Result<(), TrapCode> {
        match self {
            MetricState::Total { sum, float: false } => {
                *sum = numeric::add(sum.cast_signed(), sample.cast_signed())?.cast_unsigned();
            }
            MetricState::Total { sum, float: true } => {
                let total = numeric::add_float(f64::from_bits(*sum), f64::from_bits(sample))?;
                *sum = slot::from_float(total);
            }
            MetricState::Gauge { last } => *last = Some(sample),
            MetricState::Distribution { buckets, least, greatest, sum, float } => {
                sum.add(sample, *float);
                let first = buckets.count() == 0;
                if first || is_less(sample, *least, *float) {
                    *least = sample;
                }
                if first || is_less(*greatest, sample, *float) {
                    *greatest = sample;
                }
                buckets.add(bucket_of(sample, *float), 1);
            }
        }
        Ok(())
    }

    /// What undoing a block needs that has recorded nothing yet: all but the buckets, which would be too many
    /// to copy. Those of this hold what the block itself records, by [`MetricState::recorded`].
    pub(crate) fn before(&self) -> MetricState {
        match self {
            MetricState::Distribution { least, greatest, sum, float, .. } => {
                let (least, greatest, sum, float) = (*least, *greatest, *sum, *float);
                MetricState::Distribution { buckets: Buckets::default(), least, greatest, sum, float }
            }
            other => other.clone(),
        }
    }

    /// Notes in what [`MetricState::before`] gave a sample that was recorded since.
    pub(crate) fn recorded(&mut self, sample: u64) {
        if let MetricState::Distribution { buckets, float, .. } = self {
            buckets.add(bucket_of(sample, *float), 1);
        }
    }

    /// Notes in what [`MetricState::before`] gave all that was recorded since in a block inside.
    pub(crate) fn recorded_inside(&mut self, inner: MetricState) {
        if let (MetricState::Distribution { buckets, .. }, MetricState::Distribution { buckets: inner, .. }) =
            (self, inner)
        {
            buckets.merge(inner);
        }
    }

    /// As it was when [`MetricState::before`] gave `before`.
    pub(crate) fn restore(&mut self, before: MetricState) {
        match (self, before) {
            (
                MetricState::Distribution { buckets, least, greatest, sum, .. },
                MetricState::Distribution { buckets: since, least: first, greatest: last, sum: own, .. },
            ) => {
                buckets.take(&since);
                (*least, *greatest, *sum) = (first, last, own);
            }
            (state, before) => *state = before,
        }
    }

    /// The current value, for an op that reads it: a total's sum, a gauge's last sample.
    pub(crate) fn read(&self) -> Option<u64> {
        match self {
            MetricState::Total { sum, .. } => Some(*sum),
            MetricState::Gauge { last } => *last,
            MetricState::Distribution { .. } => Some(0),
        }
    }

    /// A quantile of a distribution's samples, in parts per million.
    pub(crate) fn quantile(&self, share: u32) -> Option<u64> {
        match self {
            MetricState::Distribution { buckets, float, .. } if buckets.count() > 0 => {
                Some(quantile(buckets, share, *float))
            }
            _ => None,
        }
    }

    /// The mean of a distribution's samples: of words rounded half to even, or as a float.
    pub(crate) fn mean(&self, as_float: bool) -> Option<u64> {
        let MetricState::Distribution { buckets, sum, float, .. } = self else { return None };
        let count = buckets.count();
        if count == 0 {
            return None;
        }
        if *float {
            return Some(slot::from_float(sum.floats / float_of(i128::from(count))));
        }
        if as_float {
            return Some(slot::from_float(float_of(sum.words) / float_of(i128::from(count))));
        }
        let mean = numeric::divide_half_even(sum.words, i128::from(count)).ok()?;
        i64::try_from(mean).ok().map(i64::cast_unsigned)
    }
}

#[expect(clippy::cast_precision_loss, reason = "rounding to the nearest float is what this does")]
fn float_of(value: i128) -> f64 {
    value as f64
}

fn is_less(left: u64, right: u64, float: bool) -> bool {
    if float {
        f64::from_bits(left) < f64::from_bits(right)
    } else {
        left.cast_signed() < right.cast_signed()
    }
}

/// Quantiles that are shown: name and share in parts per million.
const QUANTILES: [(&str, u32); 3] = [("p50", 500_000), ("p90", 900_000), ("p99", 990_000)];

/// The quantiles that are shown, by name.
pub(crate) fn quantiles(buckets: &Buckets, float: bool) -> [(&'static str, u64); 3] {
    QUANTILES.map(|(name, share)| (name, quantile(buckets, share, float)))
}

/// A quantile, in parts per million. Samples are counted in buckets whose bounds lie at most 1/16 apart
/// (exact below 16), so it is the lower bound of the bucket.
fn quantile(buckets: &Buckets, share: u32, float: bool) -> u64 {
    // The sample at this rank, from 1.
    let rank = u128::from(buckets.count()).saturating_mul(u128::from(share)).div_ceil(1_000_000).max(1);
    let value = buckets.at_rank(u64::try_from(rank).unwrap_or(u64::MAX));
    if float { float_lower_bound(value) } else { lower_bound(value).cast_unsigned() }
}

/// The bucket of a sample.
fn bucket_of(sample: u64, float: bool) -> i32 {
    if float { float_bucket(f64::from_bits(sample)) } else { bucket(sample.cast_signed()) }
}

/// Sixteen buckets for each power of two; negative samples mirror positive ones.
fn bucket(sample: i64) -> i32 {
    let magnitude = sample.unsigned_abs();
    let key = match magnitude.checked_ilog2() {
        Some(exponent @ 4..) => {
            let mantissa = (magnitude >> exponent.saturating_sub(4)) & 15;
            exponent.saturating_sub(3).saturating_mul(16).saturating_add(u32::try_from(mantissa).unwrap_or(0))
        }
        _ => u32::try_from(magnitude).unwrap_or(0),
    };
    let key = i32::try_from(key).unwrap_or(i32::MAX);
    if sample < 0 { key.wrapping_neg() } else { key }
}

/// The bound of a bucket that is nearest to zero.
fn lower_bound(key: i32) -> i64 {
    let magnitude = u64::from(key.unsigned_abs());
    let value = if magnitude < 16 {
        magnitude
    } else {
        let shift = u32::try_from(magnitude / 16).unwrap_or(1).saturating_sub(1);
        (16 | (magnitude % 16)).checked_shl(shift).unwrap_or(u64::MAX)
    };
    let value = i64::try_from(value).unwrap_or(i64::MAX);
    if key < 0 { value.wrapping_neg() } else { value }
}

/// Sign, exponent and four bits of the fraction.
fn float_bucket(sample: f64) -> i32 {
    let magnitude = i32::try_from(sample.abs().to_bits() >> 48).unwrap_or(i32::MAX);
    if sample < 0.0 { magnitude.wrapping_neg() } else { magnitude }
}

fn float_lower_bound(key: i32) -> u64 {
    let magnitude = u64::from(key.unsigned_abs()) << 48;
    let value = f64::from_bits(magnitude);
    slot::from_float(if key < 0 { -value } else { value })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_hold_their_lower_bound_and_are_narrow() {
        for exponent in 0..63u32 {
            for offset in [0i64, 1, 3, 1 << (exponent / 2)] {
                let sample = (1i64 << exponent).saturating_add(offset);
                let low = lower_bound(bucket(sample));
                assert!(low <= sample, "{sample}: {low}");
                assert!(sample - low <= low / 16, "{sample}: {low}");
                assert_eq!(bucket(low), bucket(sample));
                assert_eq!(lower_bound(bucket(-sample)), -low);
            }
        }
        assert_eq!(bucket(0), 0);
        assert_eq!(lower_bound(bucket(i64::MIN)), -i64::MAX);
    }

    #[test]
    fn float_buckets_hold_their_lower_bound() {
        for sample in [0.0, 1.0, 1.5, 1e300, 1e-300, 123.456] {
            let low = f64::from_bits(float_lower_bound(float_bucket(sample)));
            assert!(low <= sample && sample - low <= low / 16.0, "{sample}: {low}");
            assert_eq!(f64::from_bits(float_lower_bound(float_bucket(-sample))), -low);
        }
    }

    #[test]
    fn quantiles_of_a_hundred() {
        let buckets: Buckets = (1..=100).map(|sample| (bucket(sample), 1)).collect();
        assert_eq!(buckets.count(), 100);
        assert_eq!(quantiles(&buckets, false).map(|(_, value)| value), [50, 88, 96]);
    }
}
