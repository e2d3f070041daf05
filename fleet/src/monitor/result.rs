//! What a governor gets back: the essence of an order in one small document, fit for a language model.

use serde_json::{Map, Value as Json, json};
use sha2::{Digest, Sha256};
use swarm_bytecode::codec::digest_text;
use swarm_bytecode::module::Metric;
use swarm_bytecode::quantity::format;
use swarm_bytecode::types::TypeId;

use super::documents::{advice, id, one_number, value};
use super::{ERROR_RATE, Monitor, Verdict};
use crate::injector::{Accounting, Phase};
use crate::message::cut;
use crate::window::{Figure, Number};

/// Most bytes of the document.
pub const MAX_RESULT: usize = 2048;

/// Figures, and expectations, it has at most.
const MOST: usize = 8;

/// How an order stands, for a result.
#[derive(Debug, Clone, Copy)]
pub struct Stands<'a> {
    /// Nanoseconds since it began.
    pub at_ns: u64,
    /// Where its plan stands.
    pub phase: Phase,
    /// How its targets stand.
    pub accounting: Accounting,
    /// Those that are not active: name, what they count as, and why.
    pub exceptions: &'a [(String, String, String)],
}

impl Monitor {
    /// For `swarm:execution:results`: at most [`MAX_RESULT`] bytes. Targets that are not active are counted,
    /// and named while there is room; so are figures and expectations.
    pub fn result_document(&self, stands: Stands<'_>) -> Vec<u8> {
        let Stands { at_ns, phase, accounting, exceptions } = stands;
        let totals = self.totals();
        let mut result = json!({
            "order": id(&self.order), "instruction": format!("{}_v{}", self.header.name, self.header.version),
            "outcome": phase.name(), "after": span(at_ns),
            "agents": {
                "targets": accounting.targets, "active": accounting.active, "refused": accounting.refused,
                "failed": accounting.failed, "silent": accounting.silent,
            },
            "money": format(TypeId::MONEY, totals.money),
            "budget": self.header.budget_money.map(|budget| format(TypeId::MONEY, budget)),
            "alerts": self.alerts.len(), "traces": digest_text(&self.heads()),
            "figures": {}, "expectations": [], "exceptions": [],
        });
        for verdict in self.verdicts.iter().take(MOST) {
            add(&mut result, "expectations", None, self.verdict(verdict));
        }
        let figures = self.metrics.iter().zip(&totals.figures).filter(|(own, _)| own.name != ERROR_RATE);
        for (metric, figure) in figures.take(MOST) {
            if let Some(words) = words(metric, figure) {
                add(&mut result, "figures", Some(metric.name.as_str()), words.into());
            }
        }
        for (agent, counts_as, why) in exceptions {
            let why: String = cut(why).chars().take(60).collect();
            if !add(&mut result, "exceptions", None, json!([agent, counts_as, why])) {
                break;
            }
        }
        result.to_string().into_bytes()
    }

    fn verdict(&self, verdict: &Verdict) -> Json {
        let mut own = Map::new();
        own.insert("expectation".into(), cut(&verdict.text).into());
        own.insert("holds".into(), verdict.holds.into());
        own.extend(verdict.by_ns.map(|by| ("by".into(), span(by).into())));
        own.extend(verdict.first_ns.map(|first| ("first_held".into(), span(first).into())));
        own.extend(verdict.judged_ns.map(|judged| ("judged".into(), span(judged).into())));
        let to_change = advice(&verdict.text, &self.metrics).filter(|_| !verdict.holds);
        own.extend(to_change.map(|advice| ("to_change".into(), advice.into())));
        Json::Object(own)
    }

    /// A hash over where the traces behind the figures stand.
    fn heads(&self) -> [u8; 32] {
        let mut hasher = Sha256::new();
        for (_, aggregate) in self.latest() {
            hasher.update(aggregate.agent.as_str());
            hasher.update(aggregate.incarnation.to_le_bytes());
            hasher.update(aggregate.head.events.to_le_bytes());
            hasher.update(aggregate.head.hash);
        }
        hasher.finalize().into()
    }
}

/// Adds a member or an item, where there is room; gives whether there was.
fn add(result: &mut Json, list: &str, key: Option<&str>, item: Json) -> bool {
    let more = item.to_string().len().saturating_add(key.map_or(0, |key| Json::from(key).to_string().len()));
    // A comma and a colon.
    if result.to_string().len().saturating_add(more).saturating_add(2) > MAX_RESULT {
        return false;
    }
    match (result.get_mut(list), key) {
        (Some(Json::Array(items)), _) => items.push(item),
        (Some(Json::Object(members)), Some(key)) => {
            members.insert(key.to_owned(), item);
        }
        _ => {}
    }
    true
}

/// Three digits say enough of what was measured; what was counted or paid is told in full.
fn rounded(metric: &Metric, number: Number) -> Number {
    let Number::Word(word) = number else { return number };
    if [TypeId::INT, TypeId::MONEY, TypeId::TOKENS].contains(&metric.ty) {
        return number;
    }
    let digits = word.unsigned_abs().checked_ilog10().unwrap_or(0);
    let unit = 10_i128.checked_pow(digits.saturating_sub(2)).unwrap_or(1);
    Number::Word(word.saturating_sub(word.checked_rem(unit).unwrap_or(0)))
}

/// In whole seconds.
fn span(nanoseconds: u64) -> String {
    let seconds = nanoseconds / 1_000_000_000;
    format(TypeId::DURATION, i64::try_from(seconds.saturating_mul(1_000_000_000)).unwrap_or(i64::MAX))
}

/// A figure in a few words; none without samples.
fn words(metric: &Metric, figure: &Figure) -> Option<String> {
    let text = |number: Option<Number>| match value(metric, number.map(|own| rounded(metric, own))) {
        Json::String(text) => text,
        other => other.to_string(),
    };
    Some(match figure {
        Figure::Total(sum) => text(Some(*sum)),
        Figure::Gauge(_) => format!("mean {}", text(Some(one_number(figure)?))),
        Figure::Distribution(sketch) => {
            let p50 = one_number(figure)?;
            format!("p50 {}, p99 {}", text(Some(p50)), text(sketch.quantile(990_000)))
        }
    })
}
