//! The account of a run as one JSON document: each figure with what it is of, and the traces it was made from.

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json, json};
use swarm_bytecode::codec::digest_text;
use swarm_bytecode::module::{FunctionId, Metric, MetricKind, Module};
use swarm_bytecode::quantity::{format, format_time};
use swarm_bytecode::types::TypeId;
use swarm_fleet::monitor::{ERROR_RATE, Verdict, mean};
use swarm_fleet::report::{Account, Line, proportional};
use swarm_fleet::window::{Figure, Number, Totals};

use super::figure::{duration, figure_text};
use super::parts::{accounting_json, figures, figures_in_words, sketch_json, value, with_exceptions};
use super::shortfall::Shortfall;
use super::{issued, reason};

/// Most agents in a list that is not the whole.
const MOST_NAMED: usize = 20;
/// Most points of the history.
const MOST_POINTS: usize = 60;

/// How agents are ranked, and what figures are held against.
#[derive(Debug, Clone)]
pub(crate) struct Options {
    pub(crate) rank_by: Option<String>,
    pub(crate) ascending: bool,
    pub(crate) minimum_sample: u64,
    pub(crate) pot: Option<i64>,
    /// An earlier report.
    pub(crate) baseline: Option<Json>,
}

/// An account with all that is shown of it.
pub(crate) struct Page<'a> {
    pub(crate) account: &'a Account,
    /// With its places.
    pub(crate) module: &'a Module,
    pub(crate) options: &'a Options,
    totals: Totals,
}

/// A part of a whole, with the rate that follows.
fn ratio(part: u64, whole: u64, unit: &str) -> Map<String, Json> {
    let mut members = Map::new();
    members.insert("numerator".into(), part.into());
    members.insert("denominator".into(), whole.into());
    members.insert("unit".into(), unit.into());
    members
        .insert("rate".into(), percent(i128::from(part), i128::from(whole)).map_or(Json::Null, Json::from));
    members
}

/// A share in per cent, with two digits, rounded to the nearest.
pub(crate) fn percent(part: i128, whole: i128) -> Option<String> {
    let scaled = part.checked_mul(20_000)?.checked_div(whole)?;
    let rounded = scaled.checked_add(if scaled < 0 { -1 } else { 1 })?.checked_div(2)?;
    let (sign, rounded) =
        if rounded < 0 { ("-", rounded.unsigned_abs()) } else { ("", rounded.unsigned_abs()) };
    Some(format!("{sign}{}.{:02}%", rounded / 100, rounded % 100))
}

impl<'a> Page<'a> {
    pub(crate) fn new(account: &'a Account, module: &'a Module, options: &'a Options) -> Page<'a> {
        Page { account, module, options, totals: account.totals() }
    }

    /// The document.
    pub(crate) fn document(&self) -> Map<String, Json> {
        let account = self.account;
        let order = &account.plan.order;
        let accounting = account.accounting;
        let exceptions = account.exceptions.iter().map(|(agent, counts_as, status)| {
            json!({ "agent": agent.as_str(), "counts_as": counts_as, "reason": status.as_ref().map(reason) })
        });
        let document = json!({
            "instruction": order.name.as_str(), "version": order.version, "digest": digest_text(&order.digest),
            "order": id_text(&order.id), "fleet": order.fleet.as_str(), "outcome": account.phase.name(),
            "started": format_time(account.started), "ended": duration(self.lasted_ns()),
            "accounting": accounting_json(accounting),
            "error_rate": ratio(accounting.not_active().into(), accounting.targets.into(), "targets"),
            "exceptions": exceptions.collect::<Vec<_>>(),
            "expectations": self.expectations(),
            "alerts": self.alerts(),
            "figures": self.figures(),
            "actions": self.actions(),
            "spent": self.spent(),
            "failures": self.failures(),
            "leaderboard": self.leaderboard(),
            "rewards": self.rewards(),
            "baseline": self.baseline(),
            "history": self.history(),
            "traces": self.traces(),
            "options": {
                "rank_by": self.options.rank_by, "ascending": self.options.ascending,
                "minimum_sample": self.options.minimum_sample,
                "pot": self.options.pot.map(|pot| format(TypeId::MONEY, pot)),
            },
        });
        match document {
            Json::Object(mut members) => {
                let feedback = self.feedback();
                members.insert("feedback".into(), feedback);
                members
            }
            _ => Map::new(),
        }
    }

    fn lasted_ns(&self) -> u64 {
        u64::try_from(self.account.ended.saturating_sub(self.account.started)).unwrap_or(0)
    }

    fn metrics(&self) -> impl Iterator<Item = (usize, &Metric, &Figure)> {
        figures(self.account.monitor.metrics(), &self.totals)
    }

    /// Agents whose traces have something of it, and where.
    fn range(&self, has: impl Fn(&Line) -> bool) -> Json {
        let lines = self.account.lines.iter().filter(|line| line.span.is_some() && has(line));
        let (mut agents, mut entries, mut first, mut last) = (0_u64, 0_u64, i64::MAX, i64::MIN);
        for line in lines {
            agents = agents.saturating_add(1);
            entries = entries.saturating_add(line.entries);
            if let Some((from, to)) = line.span {
                (first, last) = (first.min(from), last.max(to));
            }
        }
        let since = |at: i64| duration(u64::try_from(at.saturating_sub(self.account.started)).unwrap_or(0));
        let span = (agents > 0).then(|| (since(first), since(last)));
        json!({
            "agents": agents, "entries": entries, "from": span.as_ref().map(|(from, _)| from),
            "to": span.as_ref().map(|(_, to)| to),
        })
    }

    fn figures(&self) -> Map<String, Json> {
        let one = |(at, metric, figure): (usize, &Metric, &Figure)| {
            let range = self.range(|line| line.totals.figures.get(at).is_some_and(has_samples));
            let json = match figure {
                Figure::Total(sum) => json!({
                    "kind": "total", "numerator": value(metric, Some(*sum)), "denominator": range.get("agents"),
                    "unit": "agents", "says": figure_text(metric, figure), "traces": range,
                }),
                Figure::Gauge(sketch) | Figure::Distribution(sketch) => {
                    let mut members = sketch_json(metric, sketch);
                    members.insert("says".into(), figure_text(metric, figure).into());
                    members.insert("traces".into(), range);
                    Json::Object(members)
                }
            };
            (metric.name.to_string(), json)
        };
        self.metrics().map(one).collect()
    }

    fn actions(&self) -> Map<String, Json> {
        let one = |(name, counts): (&smol_str::SmolStr, &swarm_fleet::window::Actions)| {
            let mut row = ratio(counts.done, issued(*counts), "actions");
            row.insert("failed".into(), counts.failed.into());
            row.insert("vetoed".into(), counts.vetoed.into());
            row.insert("traces".into(), self.range(|line| line.totals.actions.contains_key(name)));
            (name.to_string(), Json::Object(row))
        };
        self.totals.actions.iter().map(one).collect()
    }

    fn spent(&self) -> Json {
        let header = &self.module.instruction;
        let amount = |ty, used: i64, budget: Option<i64>| {
            json!({
                "numerator": format(ty, used), "denominator": budget.map(|budget| format(ty, budget)),
                "rate": budget.and_then(|budget| percent(used.into(), budget.into())),
            })
        };
        json!({
            "money": amount(TypeId::MONEY, self.totals.money, header.budget_money),
            "tokens": amount(TypeId::TOKENS, self.totals.tokens, header.budget_tokens),
            "fuel": self.totals.fuel, "activations": self.totals.activations, "in_doubt": self.totals.in_doubt,
            "traces": self.range(|_| true),
        })
    }

    /// What went wrong, by what and why, the most frequent first; each with how many agents it struck.
    fn failures(&self) -> Json {
        let mut causes: BTreeMap<(&str, &str), (u64, u64)> = BTreeMap::new();
        for line in &self.account.lines {
            for ((what, why), count) in &line.failures {
                let (sum, agents) = causes.entry((what, why)).or_default();
                (*sum, *agents) = (sum.saturating_add(*count), agents.saturating_add(1));
            }
        }
        let whole = causes.values().map(|(count, _)| *count).fold(0, u64::saturating_add);
        let mut causes: Vec<_> = causes.into_iter().collect();
        causes.sort_by_key(|((what, why), (count, _))| (std::cmp::Reverse(*count), *what, *why));
        let items = causes.into_iter().map(|((what, why), (count, agents))| {
            let mut row = ratio(count, whole, "failures");
            row.insert("what".into(), what.into());
            row.insert("why".into(), why.into());
            row.insert("agents".into(), agents.into());
            Json::Object(row)
        });
        json!({ "whole": whole, "items": items.collect::<Vec<_>>() })
    }

    fn expectations(&self) -> Vec<Json> {
        let header = &self.module.instruction;
        let verdicts = self.account.monitor.verdicts().iter().zip(&header.expectations);
        let one = |(verdict, own): (&Verdict, &swarm_bytecode::module::Expectation)| {
            let missed = Shortfall::of(self.account.monitor.metrics(), &self.totals, verdict);
            json!({
                "expectation": verdict.text.as_str(), "line": self.line(own.condition),
                "by": verdict.by_ns.map(duration), "holds": verdict.holds,
                "first_held": verdict.first_ns.map(duration), "judged": verdict.judged_ns.map(duration),
                "missed_by": missed.as_ref().map(Shortfall::distance), "says": missed.as_ref().map(Shortfall::words),
                "to_change": missed.as_ref().map(Shortfall::advice),
                "agents": missed.as_ref().map(|missed| self.furthest(missed)),
            })
        };
        verdicts.map(one).collect()
    }

    /// Where a condition stands in the source.
    fn line(&self, condition: FunctionId) -> Option<u32> {
        let debug = self.module.debug.as_ref()?;
        debug.functions.get(condition.index())?.places.first().map(|(_, place)| place.line)
    }

    /// The agents that are furthest from what was expected of all.
    fn furthest(&self, missed: &Shortfall<'_>) -> Vec<&str> {
        let metrics = self.account.monitor.metrics();
        let Some(at) = metrics.iter().position(|metric| metric.name == missed.metric().name) else {
            return Vec::new();
        };
        let mut agents: Vec<_> = self.ranked(at, missed.is_short()).0;
        agents.truncate(5);
        agents.into_iter().map(|(rank, _)| self.name(rank)).collect()
    }

    fn name(&self, rank: usize) -> &str {
        self.account.targets.get(rank).map_or("?", |name| name.as_str())
    }

    /// Agents with enough activations, by a figure; and how many have too few.
    fn ranked(&self, metric: usize, ascending: bool) -> (Vec<(usize, Number)>, usize) {
        let mut rows = Vec::new();
        let mut too_few = 0_usize;
        for (rank, line) in self.account.lines.iter().enumerate() {
            match self.account.figure_of(rank, metric) {
                Some(number) if line.totals.activations >= self.options.minimum_sample => {
                    rows.push((rank, number))
                }
                _ => too_few = too_few.saturating_add(1),
            }
        }
        rows.sort_by(|(rank, own), (other_rank, other)| {
            let order = own.float().total_cmp(&other.float());
            let order = if ascending { order } else { order.reverse() };
            order.then_with(|| self.name(*rank).cmp(self.name(*other_rank)))
        });
        (rows, too_few)
    }

    /// The metric agents are ranked by.
    pub(crate) fn ranking(&self) -> Option<(usize, &Metric)> {
        let metrics = self.account.monitor.metrics();
        let named = |name: &str| metrics.iter().position(|metric| metric.name == name);
        let expected = self.module.instruction.expectations.first();
        // Of what is to be small, or just so, no one is the best by having much.
        let expected = || {
            let mut words = expected?.text.split_whitespace();
            let name = words.next()?;
            words.next().filter(|operator| operator.starts_with('>')).and_then(|_| named(name))
        };
        let total = || {
            metrics.iter().position(|metric| metric.kind == MetricKind::Total && metric.name != ERROR_RATE)
        };
        let at = match &self.options.rank_by {
            Some(name) => named(name),
            None => expected().or_else(total),
        }?;
        metrics.get(at).map(|metric| (at, metric))
    }

    /// Those who are ranked; equal figures share a place, and stand by name. What lies one and a half times
    /// the middle half's width beyond it is marked.
    fn leaderboard(&self) -> Json {
        let Some((at, metric)) = self.ranking() else { return Json::Null };
        let (rows, too_few) = self.ranked(at, self.options.ascending);
        let mut sorted: Vec<f64> = rows.iter().map(|(_, number)| number.float()).collect();
        sorted.sort_by(f64::total_cmp);
        let quartile = |part: usize| {
            let rank = sorted.len().saturating_mul(part).div_ceil(4).saturating_sub(1);
            sorted.get(rank).copied().unwrap_or(0.0)
        };
        let (low, high) = (quartile(1), quartile(3));
        let reach = (high - low) * 1.5;
        let outlier = |number: Number| number.float() < low - reach || number.float() > high + reach;
        let outliers = rows.iter().filter(|(_, number)| outlier(*number)).count();
        let mut place = (0_usize, None);
        let shown = rows.iter().enumerate().map(|(at, (rank, number))| {
            if place.1 != Some(*number) {
                place = (at.saturating_add(1), Some(*number));
            }
            json!({
                "place": place.0, "agent": self.name(*rank), "value": value(metric, Some(*number)),
                "activations": self.account.lines.get(*rank).map(|line| line.totals.activations),
                "outlier": outlier(*number),
            })
        });
        json!({
            "metric": metric.name.as_str(), "first": if self.options.ascending { "least" } else { "greatest" },
            "ties": "equal figures share a place and stand by name", "minimum_sample": self.options.minimum_sample,
            "ranked": rows.len(), "too_few": too_few, "outliers": outliers,
            "items": shown.take(MOST_NAMED).collect::<Vec<_>>(),
        })
    }

    /// A pot, dealt out in proportion to what is above zero; what is left over goes to the largest
    /// remainders, of equal ones to the first by place.
    fn rewards(&self) -> Json {
        let (Some(pot), Some((at, metric))) = (self.options.pot, self.ranking()) else { return Json::Null };
        let (rows, _) = self.ranked(at, self.options.ascending);
        let weights: Vec<i128> = rows.iter().map(|(_, number)| weight(*number)).collect();
        let shares = proportional(pot, &weights);
        let left = if shares.iter().any(|share| *share > 0) { 0 } else { pot };
        let items = rows.iter().zip(shares).filter(|(_, amount)| *amount > 0);
        let items = items.map(|((rank, _), amount)| {
            json!({ "agent": self.name(*rank), "amount": format(TypeId::MONEY, amount) })
        });
        json!({
            "pot": format(TypeId::MONEY, pot), "metric": metric.name.as_str(),
            "rule": "in proportion to the figure, to the micro-dollar; the rest to the largest remainders, ties by place",
            "left": format(TypeId::MONEY, left), "items": items.collect::<Vec<_>>(),
        })
    }

    /// Figures held against those of an earlier report.
    fn baseline(&self) -> Json {
        let Some(before) = &self.options.baseline else { return Json::Null };
        let base = before.get("order").cloned().unwrap_or(Json::Null);
        let items = self.metrics().filter_map(|(_, metric, figure)| {
            let own = headline(figure)?;
            let key = if metric.kind == MetricKind::Total { "numerator" } else { "mean" };
            let was = before.get("figures")?.get(metric.name.as_str())?.get(key)?;
            let number = number(was)?;
            let change = match own {
                Number::Word(own) => percent(own.checked_sub(number)?, number),
                Number::Float(_) => None,
            };
            Some(json!({
                "figure": metric.name.as_str(), "is": value(metric, Some(own)), "was": was, "change": change,
                "of": "was", "baseline": base,
            }))
        });
        json!({ "order": base, "items": items.collect::<Vec<_>>() })
    }

    fn history(&self) -> Vec<Json> {
        let counters = &self.account.counters;
        let every = counters.len().div_ceil(MOST_POINTS).max(1);
        let last = counters.len().saturating_sub(1);
        let kept = counters.iter().enumerate().filter(|(at, _)| at.is_multiple_of(every) || *at == last);
        kept.map(|(_, (at_ns, [activations, fuel, done]))| {
            json!({ "at": duration(*at_ns), "activations": activations, "fuel": fuel, "actions": done })
        })
        .collect()
    }

    fn traces(&self) -> Json {
        let lines = &self.account.lines;
        let sum = |of: fn(&Line) -> u64| lines.iter().map(of).fold(0, u64::saturating_add);
        let faults: usize = lines.iter().map(|line| line.faults.len()).sum();
        let (entries, bytes) = (sum(|line| line.entries), sum(|line| line.bytes));
        json!({
            "agents": lines.iter().filter(|line| line.entries > 0).count(), "chunks": sum(|line| line.chunks),
            "entries": entries, "bytes": bytes, "torn": sum(|line| line.torn),
            "awaited": sum(|line| line.awaited),
            "new_disks": sum(|line| line.new_disks), "lost": sum(|line| line.lost), "faults": faults,
            "heads": digest_text(&self.account.heads()),
        })
    }

    /// What drifted, with its line, its figure, who is furthest off, and what to change.
    pub(crate) fn alerts(&self) -> Vec<Json> {
        let header = &self.module.instruction;
        let one = |alert: &swarm_fleet::monitor::Alert| {
            let found = self.account.monitor.verdicts().iter().zip(&header.expectations);
            let found = found.into_iter().find(|(verdict, _)| verdict.text == alert.text);
            let missed = found.and_then(|(verdict, _)| {
                Shortfall::of(
                    self.account.monitor.metrics(),
                    &self.totals,
                    &Verdict { holds: false, ..verdict.clone() },
                )
            });
            json!({
                "at": duration(alert.at_ns), "expectation": alert.text.as_str(),
                "line": found.and_then(|(_, own)| self.line(own.condition)),
                "figure": missed.as_ref().map(|missed| missed.metric().name.to_string()),
                "agents": missed.as_ref().map(|missed| self.furthest(missed)),
                "message": alert.message, "to_change": missed.as_ref().map(Shortfall::advice),
            })
        };
        self.account.monitor.alerts().iter().map(one).collect()
    }

    /// What the governor gets back: the essence, small enough for a language model.
    pub(crate) fn feedback(&self) -> Json {
        let account = self.account;
        let header = &self.module.instruction;
        let figures = figures_in_words(self.account.monitor.metrics(), &self.totals);
        let expectations = self.expectations().into_iter().take(4).map(|mut own| {
            if let Json::Object(members) = &mut own {
                members.retain(|_, value| !value.is_null());
                for name in ["line", "judged", "agents"] {
                    members.remove(name);
                }
            }
            own
        });
        let feedback = json!({
            "order": id_text(&account.plan.order.id), "instruction": format!("{}_v{}", header.name, header.version),
            "outcome": account.phase.name(), "after": duration(self.lasted_ns()),
            "agents": accounting_json(account.accounting), "figures": figures,
            "money": format(TypeId::MONEY, self.totals.money),
            "budget": header.budget_money.map(|budget| format(TypeId::MONEY, budget)),
            "expectations": expectations.collect::<Vec<_>>(), "alerts": account.monitor.alerts().len(),
            "traces": digest_text(&account.heads()), "exceptions": [],
        });
        let exceptions = account.exceptions.iter();
        with_exceptions(
            feedback,
            exceptions.map(|(agent, counts_as, status)| (agent, *counts_as, status.as_ref())),
        )
    }
}

pub(crate) fn id_text(id: &[u8]) -> String {
    id.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn has_samples(figure: &Figure) -> bool {
    match figure {
        Figure::Total(sum) => sum.float() != 0.0,
        Figure::Gauge(sketch) | Figure::Distribution(sketch) => sketch.count() > 0,
    }
}

/// The one number a figure is known by.
fn headline(figure: &Figure) -> Option<Number> {
    match figure {
        Figure::Total(sum) => Some(*sum),
        Figure::Gauge(sketch) | Figure::Distribution(sketch) => mean(sketch),
    }
}

/// A number of a report in base units: a count, or a quantity.
pub(crate) fn number(json: &Json) -> Option<i128> {
    use swarm_bytecode::quantity::{Literal, parse_literal};
    match json {
        Json::Number(number) => number.as_i128().or_else(|| number.as_i64().map(i128::from)),
        Json::String(text) => {
            let (negative, text) = text.strip_prefix('-').map_or((false, text.as_str()), |text| (true, text));
            let value = match parse_literal(text).ok()? {
                Literal::Int(value) | Literal::Quantity { value, .. } => i128::from(value),
                _ => return None,
            };
            Some(if negative { value.saturating_neg() } else { value })
        }
        _ => None,
    }
}

/// Floats weigh in millionths.
#[expect(clippy::cast_possible_truncation, reason = "the cast saturates, and a weight needs no more")]
fn weight(number: Number) -> i128 {
    match number {
        Number::Word(word) => word.max(0),
        Number::Float(float) => (float.max(0.0) * 1e6) as i128,
    }
}
