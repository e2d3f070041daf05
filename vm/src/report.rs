//! What came of a run.

use smol_str::SmolStr;
use swarm_bytecode::codec::digest_text;
use swarm_bytecode::module::Module;
use swarm_bytecode::types::TypeId;

use crate::actions::Actions;
use crate::json::write_string;
use crate::metric::{MetricState, quantiles};
use crate::trace::write_place;
use crate::value::{Value, write_fields};

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Outcome {
    /// It came to its end.
    Done,
    /// STOP: actions that are held are applied; the order is over.
    Stopped,
    /// FAIL: actions that are held are dropped; the order is over.
    Failed,
    /// It hit a limit: actions that are held are dropped; the order is over.
    Limit,
    /// It ran into an error: actions that are held are dropped; the order is over.
    Trapped,
}

impl Outcome {
    /// The outcome's name in JSON: `done`, `stopped`, `failed`, `limit`, `trapped`.
    pub const fn name(self) -> &'static str {
        match self {
            Outcome::Done => "done",
            Outcome::Stopped => "stopped",
            Outcome::Failed => "failed",
            Outcome::Limit => "limit",
            Outcome::Trapped => "trapped",
        }
    }

    /// Whether collected actions are applied.
    pub const fn applies(self) -> bool {
        matches!(self, Outcome::Done | Outcome::Stopped)
    }
}

/// A place in a program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlaceName {
    /// Index of the function.
    pub function: u16,
    /// Its name, if the module still has it.
    pub function_name: Option<SmolStr>,
    /// Index of the op in the function's code.
    pub op: u32,
    /// The place in source text, if the module still knows.
    pub source: Option<SourcePlace>,
}

/// A place in source text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourcePlace {
    /// Name of the file.
    pub file: SmolStr,
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
}

impl std::fmt::Display for PlaceName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.source {
            Some(source) => write!(f, "{}:{}:{}", source.file, source.line, source.column),
            None => match &self.function_name {
                Some(name) => write!(f, "{name}, op {}", self.op),
                None => write!(f, "function {}, op {}", self.function, self.op),
            },
        }
    }
}

/// Why a run did not simply come to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    /// The stable name: `stop`, `fail`, or that of the limit or trap.
    pub code: SmolStr,
    /// The program's own words, or a sentence.
    pub message: String,
    /// Where.
    pub place: Option<PlaceName>,
}

/// An action the run issued.
#[derive(Debug, Clone, PartialEq)]
pub struct ActionRecord {
    /// Its name.
    pub name: SmolStr,
    /// Its arguments; a record is shown by its KEY.
    pub args: Vec<Value>,
    /// Why the host could not do it, if so.
    pub error: Option<SmolStr>,
}

/// What came of one activation. Of a program that has neither events nor timers that is the whole order.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// How it ended.
    pub outcome: Outcome,
    /// Why, unless it simply came to its end.
    pub reason: Option<Reason>,
    /// Fuel used; at most the limit.
    pub fuel_used: u64,
    /// Most logical bytes held at once.
    pub memory_peak_bytes: u64,
    /// Actions and queries issued.
    pub host_calls: u64,
    /// Micro-dollars spent.
    pub money: i64,
    /// Language-model tokens spent.
    pub tokens: i64,
    /// How many actions were issued, each attempt of a RETRY counted; some may have been dropped or undone.
    pub actions_issued: u64,
    /// How many of them the host could not do.
    pub actions_failed: u64,
    /// How many actions were forbidden: by the program, by the agent, or for want of a capability.
    pub actions_vetoed: u64,
    /// How many actions were held in a block that was undone.
    pub actions_undone: u64,
    /// Whether actions that were held were dropped instead of applied.
    pub actions_dropped: bool,
    /// The actions in order but for those undone, if they were kept.
    pub actions: Actions,
    /// The metrics of the order that have a value, by name.
    pub metrics: Vec<(SmolStr, Value)>,
    /// What the entry function returned.
    pub result: Option<Value>,
    /// Digest of the trace at level effects, if it was kept.
    pub trace_digest: Option<[u8; 32]>,
    /// The instruction's name.
    pub instruction: SmolStr,
    /// SHA-256 of the stripped module.
    pub digest: [u8; 32],
}

impl Report {
    /// The report as one JSON object (`schema_version` 1): quantities are strings with their unit.
    pub fn to_json(&self) -> String {
        let mut out = String::from("{\"schema_version\":1,\"instruction\":");
        write_string(&self.instruction, &mut out);
        out.push_str(&format!(",\"digest\":\"{}\"", digest_text(&self.digest)));
        out.push_str(&format!(",\"outcome\":\"{}\",\"reason\":", self.outcome.name()));
        match &self.reason {
            Some(reason) => write_reason(reason, &mut out),
            None => out.push_str("null"),
        }
        out.push_str(&format!(
            ",\"fuel_used\":{},\"memory_peak_bytes\":{},\"host_calls\":{}",
            self.fuel_used, self.memory_peak_bytes, self.host_calls
        ));
        out.push_str(",\"money\":");
        Value::Quantity(TypeId::MONEY, self.money).write_json(&mut out);
        out.push_str(",\"tokens\":");
        Value::Quantity(TypeId::TOKENS, self.tokens).write_json(&mut out);
        out.push_str(&format!(
            ",\"actions_issued\":{},\"actions_failed\":{},\"actions_vetoed\":{},\"actions_undone\":{},\"actions_dropped\":{},\"actions\":[",
            self.actions_issued,
            self.actions_failed,
            self.actions_vetoed,
            self.actions_undone,
            self.actions_dropped
        ));
        for (at, action) in self.actions.iter().enumerate() {
            if at > 0 {
                out.push(',');
            }
            write_action(action, &mut out);
        }
        out.push_str("],\"metrics\":");
        write_fields(&self.metrics, &mut out);
        out.push_str(",\"result\":");
        self.result.as_ref().unwrap_or(&Value::None).write_json(&mut out);
        write_digest(self.trace_digest.as_ref(), &mut out);
        out.push('}');
        out
    }
}

/// What came of an order so far, over all its activations.
#[derive(Debug, Clone, PartialEq)]
pub struct OrderReport {
    /// How it ended, if it is over.
    pub outcome: Option<Outcome>,
    /// Why, if it is over and did not simply run its time.
    pub reason: Option<Reason>,
    /// Activations begun, START counted.
    pub activations: u64,
    /// Fuel of all activations that are over.
    pub fuel_used: u64,
    /// Most logical bytes any of them held at once.
    pub memory_peak_bytes: u64,
    /// Actions and queries issued.
    pub host_calls: u64,
    /// Micro-dollars spent.
    pub money: i64,
    /// Language-model tokens spent.
    pub tokens: i64,
    /// As [`Report::actions_issued`].
    pub actions_issued: u64,
    /// As [`Report::actions_failed`].
    pub actions_failed: u64,
    /// As [`Report::actions_vetoed`].
    pub actions_vetoed: u64,
    /// As [`Report::actions_undone`].
    pub actions_undone: u64,
    /// The metrics that have a value, by name.
    pub metrics: Vec<(SmolStr, Value)>,
    /// The STATE variables, as they are declared.
    pub states: Vec<(SmolStr, Value)>,
    /// Digest of the trace at level effects, if it was kept.
    pub trace_digest: Option<[u8; 32]>,
    /// The instruction's name.
    pub instruction: SmolStr,
    /// SHA-256 of the stripped module.
    pub digest: [u8; 32],
}

impl OrderReport {
    /// The report as one JSON object (`schema_version` 1): quantities are strings with their unit.
    pub fn to_json(&self) -> String {
        let mut out = String::from("{\"schema_version\":1,\"instruction\":");
        write_string(&self.instruction, &mut out);
        out.push_str(&format!(",\"digest\":\"{}\",\"outcome\":", digest_text(&self.digest)));
        match self.outcome {
            Some(outcome) => out.push_str(&format!("\"{}\"", outcome.name())),
            None => out.push_str("null"),
        }
        out.push_str(",\"reason\":");
        match &self.reason {
            Some(reason) => write_reason(reason, &mut out),
            None => out.push_str("null"),
        }
        out.push_str(&format!(
            ",\"activations\":{},\"fuel_used\":{},\"memory_peak_bytes\":{},\"host_calls\":{}",
            self.activations, self.fuel_used, self.memory_peak_bytes, self.host_calls
        ));
        out.push_str(",\"money\":");
        Value::Quantity(TypeId::MONEY, self.money).write_json(&mut out);
        out.push_str(",\"tokens\":");
        Value::Quantity(TypeId::TOKENS, self.tokens).write_json(&mut out);
        out.push_str(&format!(
            ",\"actions_issued\":{},\"actions_failed\":{},\"actions_vetoed\":{},\"actions_undone\":{}",
            self.actions_issued, self.actions_failed, self.actions_vetoed, self.actions_undone
        ));
        out.push_str(",\"metrics\":");
        write_fields(&self.metrics, &mut out);
        out.push_str(",\"states\":");
        write_fields(&self.states, &mut out);
        write_digest(self.trace_digest.as_ref(), &mut out);
        out.push('}');
        out
    }
}

fn write_digest(digest: Option<&[u8; 32]>, out: &mut String) {
    out.push_str(",\"trace_digest\":");
    match digest {
        Some(digest) => out.push_str(&format!("\"{}\"", digest_text(digest))),
        None => out.push_str("null"),
    }
}

fn write_reason(reason: &Reason, out: &mut String) {
    out.push_str("{\"code\":");
    write_string(&reason.code, out);
    out.push_str(",\"message\":");
    write_string(&reason.message, out);
    out.push_str(",\"place\":");
    match &reason.place {
        Some(place) => write_place(place, out),
        None => out.push_str("null"),
    }
    out.push('}');
}

fn write_action(action: &ActionRecord, out: &mut String) {
    out.push_str("{\"name\":");
    write_string(&action.name, out);
    out.push_str(",\"args\":[");
    for (at, argument) in action.args.iter().enumerate() {
        if at > 0 {
            out.push(',');
        }
        argument.write_json(out);
    }
    out.push(']');
    if let Some(error) = &action.error {
        out.push_str(",\"error\":");
        write_string(error, out);
    }
    out.push('}');
}

/// The values of a run's metrics, by name; those without a sample are left out, totals never.
pub(crate) fn metric_values(module: &Module, states: &[MetricState]) -> Vec<(SmolStr, Value)> {
    let mut values = Vec::new();
    for (metric, state) in module.metrics.iter().zip(states) {
        let value = match state {
            MetricState::Total { sum, .. } => Some(slot_value(module, metric.ty, *sum)),
            MetricState::Gauge { last } => last.map(|last| slot_value(module, metric.ty, last)),
            MetricState::Distribution { buckets, .. } if buckets.count() == 0 => None,
            MetricState::Distribution { buckets, least, greatest, float, .. } => {
                let count = i64::try_from(buckets.count()).unwrap_or(i64::MAX);
                let shown = |(name, value): (&str, u64)| (name.into(), slot_value(module, metric.ty, value));
                let mut fields = vec![("count".into(), Value::Int(count)), shown(("min", *least))];
                fields.extend(quantiles(buckets, *float).map(shown));
                fields.push(shown(("max", *greatest)));
                Some(Value::Record(fields))
            }
        };
        values.extend(value.map(|value| (metric.name.clone(), value)));
    }
    values.sort_by(|(left, _), (right, _)| left.cmp(right));
    values
}

/// A scalar of a type as a value of its own.
pub(crate) fn slot_value(module: &Module, ty: TypeId, slot: u64) -> Value {
    use swarm_bytecode::types::Type;
    match module.ty(ty) {
        Some(Type::Int) => Value::Int(slot.cast_signed()),
        Some(Type::Bool) => Value::Bool(slot != 0),
        Some(Type::Float) => Value::Float(f64::from_bits(slot)),
        Some(Type::Rate(dimension)) => Value::Rate(*dimension, f64::from_bits(slot)),
        _ => Value::Quantity(ty, slot.cast_signed()),
    }
}
