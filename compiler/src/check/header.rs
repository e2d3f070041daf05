//! INSTRUCTION: what the program calls itself and asks of the fleet.

use std::collections::BTreeMap;

use smol_str::SmolStr;
use swarm_bytecode::module::{Instruction, MetricId, Priority, TargetCount};
use swarm_bytecode::types::TypeId;
use swarm_grammar::ast::{self, ClauseKind};
use swarm_grammar::span::Span;

use super::Checker;
use super::body::{Body, Place, Role};
use super::budgets::HeaderSpans;
use super::collect::Plan;
use super::conversions::Wanted;
use super::environment::{Answer, ScopeId, Symbol};
use super::errors;
use super::host::returns;
use crate::typed::{ExprKind, Fleet, Function, FunctionIndex};

/// The checked header.
#[derive(Default)]
pub(crate) struct Header {
    pub(crate) instruction: Instruction,
    pub(crate) target: Option<(TargetCount, Option<FunctionIndex>)>,
    pub(crate) fleet: Fleet,
    /// Functions of its conditions.
    pub(crate) conditions: Vec<FunctionIndex>,
    /// Metrics it names under REPORT, each with its place.
    pub(crate) reported: Vec<(MetricId, Span)>,
    pub(crate) spans: HeaderSpans,
}

impl Checker<'_> {
    pub(crate) fn header(&mut self, plan: &Plan<'_>) -> Header {
        let mut header = Header::default();
        let Some(instruction) = plan.instruction else { return header };
        self.env.at = ScopeId::PROGRAM;
        let (name, version) = self.name_and_version(&instruction.name);
        header.instruction.name = name;
        header.instruction.version = version;
        let mut seen: BTreeMap<&'static str, Span> = BTreeMap::new();
        for clause in &instruction.clauses {
            if let Some(word) = once_word(&clause.kind) {
                if let Some(first) = seen.get(word) {
                    self.report(errors::header::given_twice(word, clause.span, *first));
                    continue;
                }
                seen.insert(word, clause.span);
            }
            self.clause(clause, &mut header);
        }
        header
    }

    fn clause(&mut self, clause: &ast::Clause, header: &mut Header) {
        match &clause.kind {
            ClauseKind::Priority(name) => self.priority(name, &mut header.instruction),
            ClauseKind::Deadline(value) => {
                let deadline = self.constant_word(value, TypeId::DURATION, "DEADLINE");
                header.instruction.deadline_ns =
                    deadline.and_then(|word| self.positive(word, "DEADLINE", value.span));
                header.spans.deadline = Some(value.span);
            }
            ClauseKind::Budget(values) => self.budget(values, header),
            ClauseKind::Target { count, filter } => {
                let count = self.target_count(count);
                let filter = filter.as_ref().map(|filter| self.target_filter(filter));
                header.target = match (count, filter) {
                    (Some(count), None) => Some((count, None)),
                    (Some(count), Some(Some(filter))) => Some((count, Some(filter))),
                    _ => None,
                };
            }
            ClauseKind::Rollout { waves, after, gate } => {
                self.rollout(waves, after.as_ref(), gate.as_ref(), header);
            }
            ClauseKind::Expect { condition, by } => {
                let by_ns = by.as_ref().and_then(|by| self.positive_duration(by, "BY"));
                let text = self.source_text(condition.span).into();
                let condition = self.fleet_condition("EXPECT", condition, header);
                header.fleet.expectations.push((condition, by_ns, text));
            }
            ClauseKind::StopWhen(condition) => {
                let condition = self.fleet_condition("STOP WHEN", condition, header);
                header.fleet.stops.push(condition);
            }
            ClauseKind::Report { metrics, every } => self.reporting(metrics, every.as_ref(), header),
        }
    }

    /// `NAME_v2` is version 2 of NAME (rule 34).
    fn name_and_version(&mut self, name: &ast::Name) -> (SmolStr, u32) {
        let text = &name.text;
        let Some((stem, digits)) = text.rsplit_once("_v") else { return (text.clone(), 1) };
        let is_version = !stem.is_empty()
            && !digits.is_empty()
            && digits.bytes().all(|byte| byte.is_ascii_digit())
            && !digits.starts_with('0');
        if !is_version {
            return (text.clone(), 1);
        }
        match digits.parse() {
            Ok(version) => (stem.into(), version),
            Err(_) => {
                self.report(errors::header::out_of_range(
                    "a version",
                    digits,
                    "1 to 4,294,967,295",
                    name.span,
                ));
                (stem.into(), 1)
            }
        }
    }

    fn priority(&mut self, name: &ast::Name, instruction: &mut Instruction) {
        instruction.priority = match name.text.to_ascii_uppercase().as_str() {
            "LOW" => Priority::Low,
            "NORMAL" => Priority::Normal,
            "HIGH" => Priority::High,
            "CRITICAL" => Priority::Critical,
            upper => {
                let near = errors::nearest(upper, ["LOW", "NORMAL", "HIGH", "CRITICAL"]);
                self.report(errors::header::unknown_priority(&name.text, name.span, near));
                return;
            }
        };
    }

    pub(crate) fn positive(&mut self, word: i64, what: &'static str, span: Span) -> Option<i64> {
        if word > 0 {
            return Some(word);
        }
        self.report(errors::header::out_of_range(what, self.quote(span), "more than zero", span));
        None
    }

    fn budget(&mut self, values: &[ast::Expr], header: &mut Header) {
        let (instruction, spans) = (&mut header.instruction, &mut header.spans);
        let mut seen: BTreeMap<TypeId, Span> = BTreeMap::new();
        for value in values {
            let wanted = Wanted::words("BUDGET");
            let constant = self.constant(value, None, &wanted, "BUDGET");
            let Some((ty, kind)) = constant.and_then(|found| found.ty.map(|ty| (ty, found.kind))) else {
                continue;
            };
            let (slot, span, word) = match (ty, kind) {
                (TypeId::MONEY, ExprKind::Word(word)) => {
                    (&mut instruction.budget_money, &mut spans.money, word)
                }
                (TypeId::TOKENS, ExprKind::Word(word)) => {
                    (&mut instruction.budget_tokens, &mut spans.tokens, word)
                }
                _ => {
                    let (text, name) = (self.quote(value.span), self.types.name(ty));
                    let literal = super::conversions::as_literal_of(value, TypeId::MONEY);
                    self.report(errors::header::budget_of_what(&text, &name, value.span, literal));
                    continue;
                }
            };
            *slot = (word > 0).then_some(word);
            *span = Some(value.span);
            if let Some(first) = seen.insert(ty, value.span) {
                let what = if ty == TypeId::MONEY { "a budget in money" } else { "a budget in tokens" };
                self.report(errors::header::given_twice(what, value.span, first));
            }
            self.positive(word, "BUDGET", value.span);
        }
    }

    fn target_count(&mut self, count: &ast::TargetCount) -> Option<TargetCount> {
        let number = match count {
            ast::TargetCount::All => return Some(TargetCount::All),
            ast::TargetCount::Exactly(number) | ast::TargetCount::UpTo(number) => number,
        };
        let text = self.quote(number.span);
        if text.ends_with('%') {
            self.report(errors::header::share_of_agents(&text, number.span));
            return None;
        }
        let word = self.constant_word(number, TypeId::INT, "TARGET")?;
        let agents = u32::try_from(word).ok().filter(|agents| *agents > 0);
        let Some(agents) = agents else {
            self.report(errors::header::out_of_range("TARGET", text, "1 to 4,294,967,295", number.span));
            return None;
        };
        Some(match count {
            ast::TargetCount::UpTo(_) => TargetCount::UpTo(agents),
            _ => TargetCount::Exactly(agents),
        })
    }

    /// `WHERE`: a function of one agent. It is asked outside any agent, so it sees nothing else.
    fn target_filter(&mut self, filter: &ast::Expr) -> Option<FunctionIndex> {
        let agent = match self.env.get("Agent").map(|declared| declared.symbol) {
            Some(Symbol::Type(ty)) => ty,
            _ => {
                self.report(errors::header::no_agent_type(filter.span));
                return None;
            }
        };
        // The name agent stands for the agent that is looked at, whatever else has it.
        let mut body = Body::new(self, Place::Filter, "TARGET".into(), Answer::Value(TypeId::BOOL));
        let name = SmolStr::new_static("agent");
        let local = body.declare_quietly(&name, filter.span, Some(agent), Role::Parameter);
        let condition = body.condition(filter);
        if let Some(info) = body.info_mut(local) {
            info.read = true;
        }
        let (locals, facts) = body.finish();
        let function = condition.map(|condition| Function {
            name: "TARGET".into(),
            span: filter.span,
            parameters: 1,
            result: Some(TypeId::BOOL),
            locals,
            body: vec![returns(condition)],
            calls: Vec::new(),
        });
        Some(self.add_function(function, facts))
    }
}

/// The clauses that stand at most once.
fn once_word(kind: &ClauseKind) -> Option<&'static str> {
    match kind {
        ClauseKind::Priority(_) => Some("PRIORITY"),
        ClauseKind::Deadline(_) => Some("DEADLINE"),
        ClauseKind::Budget(_) => Some("BUDGET"),
        ClauseKind::Target { .. } => Some("TARGET"),
        ClauseKind::Rollout { .. } => Some("ROLLOUT"),
        ClauseKind::Expect { .. } | ClauseKind::StopWhen(_) | ClauseKind::Report { .. } => None,
    }
}
