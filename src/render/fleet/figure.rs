//! Figures and time spans in words.

use swarm_bytecode::module::Metric;
use swarm_bytecode::types::TypeId;
use swarm_fleet::monitor::{mean, typed};
use swarm_fleet::window::{Figure, Number, Sketch};

use crate::render::amount::{self, share};
use crate::render::text::grouped;

/// A figure in two words, for a line that changes: a sum, a mean, a median. None without samples.
pub(crate) fn figure_words(metric: &Metric, figure: &Figure) -> Option<String> {
    let number = match figure {
        Figure::Total(sum) => *sum,
        Figure::Gauge(sketch) => mean(sketch)?,
        Figure::Distribution(sketch) => sketch.quantile(500_000)?,
    };
    Some(number_text(metric, number))
}

/// A figure in a few words; none without samples.
pub(super) fn figure_text(metric: &Metric, figure: &Figure) -> Option<String> {
    let shown = |number: Number| number_text(metric, number);
    let spread = |sketch: &Sketch, names: [&str; 3]| {
        let [p50, p99] = [500_000, 990_000].map(|share| sketch.quantile(share));
        let values = [p50, p99, sketch.greatest()];
        let parts =
            names.iter().zip(values).filter_map(|(name, value)| Some(format!("{name} {}", shown(value?))));
        parts.collect::<Vec<_>>().join(", ")
    };
    match figure {
        Figure::Total(sum) => Some(shown(*sum)),
        Figure::Gauge(sketch) => {
            let mean = shown(mean(sketch)?);
            Some(format!("mean {mean}, {}", spread(sketch, ["p50", "p99", "max"])))
        }
        Figure::Distribution(sketch) if sketch.count() > 0 => Some(spread(sketch, ["p50", "p99", "max"])),
        Figure::Distribution(_) => None,
    }
}

/// Three or four digits are enough for people; the JSON has them all.
pub(super) fn number_text(metric: &Metric, number: Number) -> String {
    let word = match number {
        Number::Float(float) => {
            return format!("{float:.4}").trim_end_matches('0').trim_end_matches('.').to_owned();
        }
        Number::Word(word) if word >= 0 => word.unsigned_abs(),
        other => return typed(metric, other).to_json().trim_matches('"').to_owned(),
    };
    match metric.ty {
        // Above a dollar, cents are enough.
        TypeId::MONEY if word >= 1_000_000 => amount::money(word.saturating_sub(word % 10_000)),
        TypeId::MONEY => amount::money(word),
        TypeId::BYTES => amount::data(word),
        TypeId::PERCENT => share(word, 1_000_000).unwrap_or_default(),
        TypeId::DURATION => {
            let units = [(60_000_000_000, "min"), (1_000_000_000, "s"), (1_000_000, "ms"), (1_000, "us")];
            let unit = units.into_iter().find(|(unit, _)| word >= *unit).unwrap_or((1, "ns"));
            let tenths = word.saturating_mul(10).checked_div(unit.0).unwrap_or(0);
            match (tenths / 10, tenths % 10) {
                (whole @ 0..=99, tenth @ 1..) => format!("{whole}.{tenth}{}", unit.1),
                (whole, _) => format!("{whole}{}", unit.1),
            }
        }
        TypeId::TOKENS => format!("{} tokens", grouped(word)),
        TypeId::INT => grouped(word),
        _ => typed(metric, number).to_json().trim_matches('"').to_owned(),
    }
}

/// Nanoseconds as quantities carry them.
pub(super) fn signed(nanoseconds: u64) -> i64 {
    i64::try_from(nanoseconds).unwrap_or(i64::MAX)
}

/// A time span in whole seconds: `1h 20min`, `10min 1s`.
pub(crate) fn duration(nanoseconds: u64) -> String {
    let seconds = nanoseconds / 1_000_000_000;
    let parts = [(seconds / 3600, "h"), (seconds / 60 % 60, "min"), (seconds % 60, "s")];
    let parts = parts.iter().filter(|(count, _)| *count > 0).map(|(count, unit)| format!("{count}{unit}"));
    match parts.collect::<Vec<_>>().join(" ") {
        none if none.is_empty() => "0s".to_owned(),
        text => text,
    }
}
