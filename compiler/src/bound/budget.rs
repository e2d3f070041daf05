//! The header's BUDGET beside the bill.

use swarm_bytecode::module::{Module, Polynomial};
use swarm_bytecode::quantity;
use swarm_bytecode::types::TypeId;
use swarm_grammar::ast::{self, ClauseKind, ItemKind};
use swarm_grammar::diagnostic::{Code, Diagnostic};
use swarm_grammar::source::Sources;
use swarm_grammar::span::{FileId, Span};

use super::fleet::fleet;
use super::report::{Activation, Amounts, Report, evaluate, thousands};

/// Warns where an agent's share of the BUDGET is below its bill: [`Code::W0120`], with the arithmetic.
pub(crate) fn warn_of_budget(
    report: &Report,
    module: &Module,
    file: FileId,
    sources: &Sources,
) -> Option<Diagnostic> {
    let header = &module.instruction;
    if header.budget_money.is_none() && header.budget_tokens.is_none() {
        return None;
    }
    let bill = fleet(report, module, None, &std::collections::BTreeMap::new());
    // Without a number of agents, one at least.
    let share = |share: Option<u64>, budget: Option<i64>| {
        share.or_else(|| {
            budget.filter(|_| bill.agents.is_none()).and_then(|budget| u64::try_from(budget).ok())
        })
    };
    let money = Part {
        ty: TypeId::MONEY,
        budget: header.budget_money,
        share: share(bill.money_share, header.budget_money),
        bill: bill.agent.money,
        of: |amounts| amounts.money,
        known: |bound| &bound.money,
    };
    let tokens = Part {
        ty: TypeId::TOKENS,
        budget: header.budget_tokens,
        share: share(bill.tokens_share, header.budget_tokens),
        bill: bill.agent.tokens,
        of: |amounts| amounts.tokens,
        known: |bound| &bound.tokens,
    };
    let short: Vec<Part> = [money, tokens].into_iter().filter(Part::is_short).collect();
    let first = short.first()?;
    let (budget, needed) = (first.text(first.share?), first.text(first.bill?));
    let whose = if bill.agents.is_some() { "each agent's share of the budget" } else { "the budget" };
    let span = budget_clause(file, sources);
    let message = format!("{whose} is {budget}, but an agent may need {needed}");
    let mut diagnostic = Diagnostic::new(Code::W0120, span, message);
    for part in &short {
        diagnostic = diagnostic.note(part.arithmetic(report, module, bill.agents));
    }
    Some(
        diagnostic.note(
            "An agent that has used up its share goes no further: its next call with a cost ends the run.",
        ),
    )
}

/// One kind of budget.
struct Part {
    ty: TypeId,
    budget: Option<i64>,
    share: Option<u64>,
    bill: Option<u64>,
    of: fn(Amounts) -> Option<u64>,
    known: fn(&swarm_bytecode::module::Bound) -> &Polynomial,
}

impl Part {
    fn is_short(&self) -> bool {
        matches!((self.share, self.bill), (Some(share), Some(bill)) if share < bill)
    }

    fn text(&self, amount: u64) -> String {
        quantity::format(self.ty, i64::try_from(amount).unwrap_or(i64::MAX))
    }

    /// `$500 for 1,159 agents is $0.431406 each; ON START $0.1 + 240 × EVERY 30s $0.02 is $4.9`
    fn arithmetic(&self, report: &Report, module: &Module, agents: Option<u64>) -> String {
        let sizes = std::collections::BTreeMap::new();
        let part = |activation: &Activation| {
            let amount = (self.of)(evaluate(&activation.bound, module, &sizes)).unwrap_or(0);
            let times = match activation.times {
                Some(1) => String::new(),
                Some(times) => format!("{} × ", thousands(times)),
                None => "any number × ".into(),
            };
            format!("{times}{} {}", activation.wake.text(module), self.text(amount))
        };
        let costly = |activation: &&Activation| match (self.known)(&activation.bound) {
            Polynomial::Terms(terms) => !terms.is_empty(),
            Polynomial::Unbounded => true,
        };
        let parts: Vec<String> = report.activations.iter().filter(costly).map(part).collect();
        let sum = format!("{} is {} for each agent", parts.join(" + "), self.text(self.bill.unwrap_or(0)));
        let budget = self.text(u64::try_from(self.budget.unwrap_or(0)).unwrap_or(0));
        match (agents, self.share) {
            (Some(1), _) => format!("{sum}; the budget is {budget}."),
            (Some(agents), Some(share)) => {
                let all = self.text(self.bill.unwrap_or(0).saturating_mul(agents));
                format!(
                    "{sum}, {all} for {} agents; {budget} for {} agents is {} each.",
                    thousands(agents),
                    thousands(agents),
                    self.text(share)
                )
            }
            _ => format!("{sum}; the budget of {budget} is for all agents together."),
        }
    }
}

/// Where BUDGET stands; else the start of the file.
fn budget_clause(file: FileId, sources: &Sources) -> Span {
    let text = sources.get(file).map_or("", |source| source.text());
    let (program, _) = swarm_grammar::parse(file, text);
    let instruction = |item: &ast::Item| match &item.kind {
        ItemKind::Instruction(instruction) => Some(instruction.clauses.clone()),
        _ => None,
    };
    let clauses = program.items.iter().find_map(instruction).unwrap_or_default();
    let budget = clauses.iter().find(|clause| matches!(clause.kind, ClauseKind::Budget(_)));
    budget.map_or(Span::new(file, 0, 0), |clause| clause.span)
}
