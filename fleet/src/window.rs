//! Windows: what an agent's trace says, in sums that merge. A window's aggregate counts from the start of its
//! incarnation and replaces the one before, so that a message that is lost, doubled or late changes no figure.

mod codec;

use std::collections::BTreeMap;

pub use codec::MAX_WINDOW;
use smol_str::SmolStr;
use swarm_bytecode::module::{Metric, MetricKind};

use crate::message::{TraceHead, cut};
use crate::name::Name;
use crate::trace::entry::Entries;

/// A figure: carried as an integer or as a float, as its type is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Number {
    /// Integer-carried: quantities in base units.
    Word(i128),
    /// Float-carried.
    Float(f64),
}

impl Number {
    /// Both together.
    #[must_use]
    pub fn plus(self, other: Number) -> Number {
        match (self, other) {
            (Number::Word(left), Number::Word(right)) => Number::Word(left.saturating_add(right)),
            (left, right) => Number::Float((left.float() + right.float()).clamp(f64::MIN, f64::MAX)),
        }
    }

    /// The nearest float.
    #[expect(clippy::cast_precision_loss, reason = "rounding to the nearest float is what this does")]
    pub fn float(self) -> f64 {
        match self {
            Number::Word(word) => word as f64,
            Number::Float(float) => float,
        }
    }

    /// One part of so many, rounded towards zero where it is integer-carried.
    #[must_use]
    pub fn part(self, parts: u64) -> Number {
        match self {
            Number::Word(word) => Number::Word(word.checked_div(i128::from(parts)).unwrap_or(0)),
            Number::Float(float) => Number::Float(float / Number::Word(i128::from(parts.max(1))).float()),
        }
    }

    /// What it comes to so much later, if it goes on as it did since it was another number, so long ago.
    #[must_use]
    pub fn projected(self, then: Number, since_ns: u64, ahead_ns: u64) -> Number {
        match (self, then) {
            (Number::Word(own), Number::Word(then)) => {
                let more = own.saturating_sub(then).saturating_mul(i128::from(ahead_ns));
                Number::Word(own.saturating_add(more.checked_div(i128::from(since_ns)).unwrap_or(0)))
            }
            (own, then) => {
                let [since, ahead] =
                    [since_ns, ahead_ns].map(|time| Number::Word(i128::from(time.max(1))).float());
                let more = (own.float() - then.float()) * ahead / since;
                Number::Float((own.float() + more).clamp(f64::MIN, f64::MAX))
            }
        }
    }

    fn is_below(self, other: Number) -> bool {
        match (self, other) {
            (Number::Word(left), Number::Word(right)) => left < right,
            (left, right) => left.float() < right.float(),
        }
    }
}

/// Samples counted in buckets whose bounds lie at most 1/16 apart: two merge into that of all their samples,
/// exactly.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Sketch {
    buckets: BTreeMap<i32, u64>,
    count: u64,
    sum: Option<Number>,
    least: Option<Number>,
    greatest: Option<Number>,
}

impl Sketch {
    /// Adds a sample.
    pub fn record(&mut self, sample: Number) {
        let bucket = self.buckets.entry(bucket(sample.float())).or_default();
        *bucket = bucket.saturating_add(1);
        self.count = self.count.saturating_add(1);
        self.bound(sample, sample);
        self.sum = Some(self.sum.map_or(sample, |sum| sum.plus(sample)));
    }

    fn bound(&mut self, least: Number, greatest: Number) {
        if self.least.is_none_or(|own| least.is_below(own)) {
            self.least = Some(least);
        }
        if self.greatest.is_none_or(|own| own.is_below(greatest)) {
            self.greatest = Some(greatest);
        }
    }

    /// Adds all samples of another.
    pub fn merge(&mut self, other: &Sketch) {
        for (key, samples) in &other.buckets {
            let bucket = self.buckets.entry(*key).or_default();
            *bucket = bucket.saturating_add(*samples);
        }
        self.count = self.count.saturating_add(other.count);
        if let (Some(least), Some(greatest), Some(sum)) = (other.least, other.greatest, other.sum) {
            self.bound(least, greatest);
            self.sum = Some(self.sum.map_or(sum, |own| own.plus(sum)));
        }
    }

    /// How many samples there are.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Their sum.
    pub fn sum(&self) -> Option<Number> {
        self.sum
    }

    /// The least.
    pub fn least(&self) -> Option<Number> {
        self.least
    }

    /// The greatest.
    pub fn greatest(&self) -> Option<Number> {
        self.greatest
    }

    /// The sample at a share of all, in parts per million: the bound of its bucket nearest to zero, but never
    /// outside of what was recorded.
    pub fn quantile(&self, share: u32) -> Option<Number> {
        let (least, greatest) = (self.least?, self.greatest?);
        let rank = u128::from(self.count).saturating_mul(u128::from(share)).div_ceil(1_000_000).max(1);
        let mut seen = 0_u128;
        let key = self.buckets.iter().find_map(|(key, samples)| {
            seen = seen.saturating_add(u128::from(*samples));
            (seen >= rank).then_some(*key)
        })?;
        let bound = lower_bound(key);
        let value = match least {
            Number::Word(_) => Number::Word(whole(bound)),
            Number::Float(_) => Number::Float(bound),
        };
        Some(match value {
            value if value.is_below(least) => least,
            value if greatest.is_below(value) => greatest,
            value => value,
        })
    }
}

/// Sign, exponent and four bits of the fraction.
fn bucket(sample: f64) -> i32 {
    let magnitude = i32::try_from(sample.abs().to_bits() >> 48).unwrap_or(i32::MAX);
    if sample < 0.0 { magnitude.wrapping_neg() } else { magnitude }
}

fn lower_bound(key: i32) -> f64 {
    let magnitude = f64::from_bits(u64::from(key.unsigned_abs()) << 48);
    if key < 0 { -magnitude } else { magnitude }
}

#[expect(clippy::cast_possible_truncation, reason = "the cast saturates, and bounds came from 64-bit words")]
fn whole(bound: f64) -> i128 {
    bound.round() as i128
}

/// The state of one metric.
#[derive(Debug, Clone, PartialEq)]
pub enum Figure {
    /// The sum.
    Total(Number),
    /// The last sample of each agent: for one agent a single sample.
    Gauge(Sketch),
    /// All samples.
    Distribution(Sketch),
}

impl Figure {
    /// A figure without samples.
    pub fn new(kind: MetricKind) -> Figure {
        match kind {
            MetricKind::Total => Figure::Total(Number::Word(0)),
            MetricKind::Gauge => Figure::Gauge(Sketch::default()),
            MetricKind::Distribution => Figure::Distribution(Sketch::default()),
        }
    }

    /// One of the same kind, without samples.
    #[must_use]
    pub fn emptied(&self) -> Figure {
        match self {
            Figure::Total(_) => Figure::Total(Number::Word(0)),
            Figure::Gauge(_) => Figure::Gauge(Sketch::default()),
            Figure::Distribution(_) => Figure::Distribution(Sketch::default()),
        }
    }

    fn record(&mut self, sample: Number) {
        match self {
            Figure::Total(sum) => *sum = sum.plus(sample),
            Figure::Gauge(last) => {
                *last = Sketch::default();
                last.record(sample);
            }
            Figure::Distribution(sketch) => sketch.record(sample),
        }
    }

    /// Adds another agent's.
    pub fn merge(&mut self, other: &Figure) {
        match (self, other) {
            (Figure::Total(sum), Figure::Total(other)) => *sum = sum.plus(*other),
            (Figure::Gauge(own), Figure::Gauge(other))
            | (Figure::Distribution(own), Figure::Distribution(other)) => own.merge(other),
            _ => {}
        }
    }
}

/// What became of the actions of one name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Actions {
    /// Carried out.
    pub done: u64,
    /// The host could not.
    pub failed: u64,
    /// Forbidden.
    pub vetoed: u64,
}

impl Actions {
    fn merge(&mut self, other: Actions) {
        self.done = self.done.saturating_add(other.done);
        self.failed = self.failed.saturating_add(other.failed);
        self.vetoed = self.vetoed.saturating_add(other.vetoed);
    }
}

/// What one activation did, as its trace has it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Activation {
    /// What the trace says of it, entry by entry.
    pub entries: Entries,
    /// Fuel.
    pub fuel: u64,
    /// Micro-dollars.
    pub money: i64,
    /// Tokens.
    pub tokens: i64,
    /// What became of actions, by name.
    pub actions: Vec<(SmolStr, Actions)>,
    /// Samples, with the index of their metric.
    pub samples: Vec<(usize, Number)>,
    /// Actions to be done once that may have been done before, so they were not done now.
    pub in_doubt: u64,
    /// How the order ended here, and why, if it did.
    pub ended: Option<(SmolStr, SmolStr)>,
}

impl Activation {
    /// Counts actions of a name.
    pub fn count(&mut self, name: &SmolStr, actions: Actions) {
        match self.actions.iter_mut().find(|(own, _)| own == name) {
            Some((_, own)) => own.merge(actions),
            None => self.actions.push((name.clone(), actions)),
        }
    }
}

/// Sums over activations.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Totals {
    /// Activations.
    pub activations: u64,
    /// Fuel.
    pub fuel: u64,
    /// Micro-dollars.
    pub money: i64,
    /// Tokens.
    pub tokens: i64,
    /// See [`Activation::in_doubt`].
    pub in_doubt: u64,
    /// What became of actions, by name.
    pub actions: BTreeMap<SmolStr, Actions>,
    /// The metrics, in the order of the module.
    pub figures: Vec<Figure>,
    /// How orders ended, by outcome and reason.
    pub endings: BTreeMap<(SmolStr, SmolStr), u64>,
}

impl Totals {
    /// Sums of nothing yet, for a program with these metrics.
    pub fn new(metrics: &[Metric]) -> Totals {
        Totals {
            figures: metrics.iter().map(|metric| Figure::new(metric.kind)).collect(),
            ..Totals::default()
        }
    }

    /// Sums of nothing yet, for the same program.
    #[must_use]
    pub fn emptied(&self) -> Totals {
        Totals { figures: self.figures.iter().map(Figure::emptied).collect(), ..Totals::default() }
    }

    /// Adds an activation.
    pub fn record(&mut self, activation: &Activation) {
        self.activations = self.activations.saturating_add(1);
        self.fuel = self.fuel.saturating_add(activation.fuel);
        self.money = self.money.saturating_add(activation.money);
        self.tokens = self.tokens.saturating_add(activation.tokens);
        self.in_doubt = self.in_doubt.saturating_add(activation.in_doubt);
        for (name, actions) in &activation.actions {
            self.actions.entry(name.clone()).or_default().merge(*actions);
        }
        for (metric, sample) in &activation.samples {
            if let Some(figure) = self.figures.get_mut(*metric) {
                figure.record(*sample);
            }
        }
        if let Some((outcome, reason)) = &activation.ended {
            self.endings.insert((outcome.clone(), cut(reason).into()), 1);
        }
    }

    /// Adds what another agent, or another incarnation, did.
    pub fn merge(&mut self, other: &Totals) {
        self.activations = self.activations.saturating_add(other.activations);
        self.fuel = self.fuel.saturating_add(other.fuel);
        self.money = self.money.saturating_add(other.money);
        self.tokens = self.tokens.saturating_add(other.tokens);
        self.in_doubt = self.in_doubt.saturating_add(other.in_doubt);
        for (name, actions) in &other.actions {
            self.actions.entry(name.clone()).or_default().merge(*actions);
        }
        for (own, figure) in self.figures.iter_mut().zip(&other.figures) {
            own.merge(figure);
        }
        for (ended, count) in &other.endings {
            let sum = self.endings.entry(ended.clone()).or_default();
            *sum = sum.saturating_add(*count);
        }
    }
}

/// An agent's window: everything since its incarnation began, up to the end of the window.
#[derive(Debug, Clone, PartialEq)]
pub struct Aggregate {
    /// Whose.
    pub agent: Name,
    /// Of which start.
    pub incarnation: u64,
    /// Number of the window, from the agent's start. The highest of an incarnation counts.
    pub window: u64,
    /// The order it belongs to.
    pub order: [u8; 16],
    /// The sums.
    pub totals: Totals,
    /// The trace behind them: its first so many events, and their hash.
    pub head: TraceHead,
}
