//! The bill: what a program can cost at most, for one activation, for an agent's order and for the fleet.

mod document;
mod page;

use std::cmp::Reverse;
use std::collections::BTreeMap;

use swarm_bytecode::module::{Bound, Import, InputId, Module, Polynomial};
use swarm_compiler::bound::{
    Amounts, CallBound, Facts, FleetBill, LineAmounts, Report, Unbounded, costliest, evaluate,
    evaluate_polynomial, fleet, lines,
};
use swarm_grammar::source::Sources;
use swarm_vm::Limits;

use super::text::safe;

/// A program with the sizes its bill is made for.
pub(crate) struct Bill<'a> {
    pub(crate) module: &'a Module,
    /// Items of inputs; those that are not named have their MAX.
    pub(crate) sizes: BTreeMap<InputId, u64>,
    /// Agents, where the user says how many.
    pub(crate) agents: Option<u32>,
    /// The compiler's; of a module there is only the sum it carries.
    pub(crate) report: Option<&'a Report>,
    pub(crate) facts: Option<&'a Facts>,
    pub(crate) sources: &'a Sources,
}

/// A host function with what an order asks of it.
struct Call<'a> {
    import: &'a Import,
    /// Of a module that is not known.
    bound: Option<&'a CallBound>,
    count: Option<u64>,
    money: Option<u64>,
    tokens: Option<u64>,
}

impl Bill<'_> {
    /// The worst case of a whole order in one agent.
    fn order(&self) -> &Bound {
        self.report.map_or(&self.module.bound, |report| &report.order)
    }

    fn amounts(&self, bound: &Bound) -> Amounts {
        evaluate(bound, self.module, &self.sizes)
    }

    fn fleet(&self) -> FleetBill {
        let sum = Report { order: self.module.bound.clone(), ..Report::default() };
        fleet(self.report.unwrap_or(&sum), self.module, self.agents.map(u64::from), &self.sizes)
    }

    /// What an agent lets a program use unless its operator says otherwise: fuel and memory in an activation,
    /// the rest in an order. Of a BUDGET it is the agent's share, if that is known.
    fn limits(&self) -> Amounts {
        let (limits, header, bill) = (Limits::default(), &self.module.instruction, self.fleet());
        let unless = |budget: Option<i64>, share, limit| match budget {
            Some(_) => share,
            None => u64::try_from(limit).ok(),
        };
        Amounts {
            fuel: Some(limits.fuel),
            memory: Some(limits.memory_bytes),
            host_calls: Some(limits.host_calls),
            money: unless(header.budget_money, bill.money_share, limits.money),
            tokens: unless(header.budget_tokens, bill.tokens_share, limits.tokens),
        }
    }

    fn lines(&self) -> Vec<LineAmounts> {
        let Some(facts) = self.facts else { return Vec::new() };
        costliest(&lines(self.module, facts), self.module, &self.sizes)
    }

    /// The host functions, the costliest first; what is not known counts as more than all that is.
    fn calls(&self) -> Vec<Call<'_>> {
        let known = self.report.map_or(&[][..], |report| &report.calls);
        let call = |(at, import): (usize, _)| {
            let bound = known.iter().find(|call| call.import.index() == at);
            let amount = |polynomial: fn(&CallBound) -> &Polynomial| match bound {
                Some(bound) => evaluate_polynomial(polynomial(bound), self.module, &self.sizes),
                // What the code of a program does not call.
                None => self.report.map(|_| 0),
            };
            let (count, money) = (amount(|bound| &bound.count), amount(|bound| &bound.money));
            Call { import, bound, count, money, tokens: amount(|bound| &bound.tokens) }
        };
        let mut calls: Vec<Call<'_>> = self.module.imports.iter().enumerate().map(call).collect();
        calls.sort_by_key(|call| {
            Reverse([call.money, call.tokens, call.count].map(|known| known.unwrap_or(u64::MAX)))
        });
        calls
    }

    fn causes(&self) -> &[Unbounded] {
        self.report.map_or(&[], |report| &report.causes)
    }

    fn place(&self, cause: &Unbounded) -> String {
        let Some(file) = self.sources.get(cause.span.file) else { return String::new() };
        let at = file.position(cause.span.start);
        format!("{}:{}:{}", safe(file.name()), at.line, at.column)
    }
}
