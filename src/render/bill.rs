//! The bill: what a program can cost at most, for an agent and for the fleet.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use swarm_bytecode::module::{Amount, Import, InputId, Module, Polynomial, TargetCount};
use swarm_bytecode::types::Type;
use swarm_compiler::bound::{Unbounded, formula_with};
use swarm_grammar::source::Sources;

use super::bound::{for_sizes, money_text, tokens_text};
use super::style::{bold, dim, good, name, warning};
use super::text::{grouped, padded, safe};
use super::{amount, bound};

/// A program with the sizes its bill is made for.
pub(crate) struct Bill<'a> {
    pub(crate) module: &'a Module,
    /// Items of inputs; those that are not named have their MAX.
    pub(crate) sizes: BTreeMap<InputId, u64>,
    /// Agents, where the user says how many.
    pub(crate) agents: Option<u32>,
    pub(crate) causes: &'a [Unbounded],
    pub(crate) sources: &'a Sources,
}

/// One resource.
struct Position<'a> {
    key: &'static str,
    label: &'static str,
    formula: &'a Polynomial,
    at_most: Option<u64>,
    show: fn(u64) -> String,
    json: fn(u64) -> Value,
    /// Whether the fleet's is the sum of its agents'.
    adds_up: bool,
}

impl<'a> Bill<'a> {
    fn positions(&self) -> [Position<'a>; 5] {
        let bound = &self.module.bound;
        let most = for_sizes(self.module, &self.sizes);
        let count: fn(u64) -> String = |value| grouped(value.into());
        let position = |key, label, formula, at_most| Position {
            key,
            label,
            formula,
            at_most,
            show: count,
            json: |value| json!(value),
            adds_up: true,
        };
        [
            position("fuel", "fuel", &bound.fuel, most.fuel),
            Position {
                show: |bytes| amount::data(bytes.into()),
                adds_up: false,
                ..position("memory_bytes", "memory", &bound.memory, most.memory)
            },
            position("host_calls", "host calls", &bound.host_calls, most.host_calls),
            Position {
                show: |micro| amount::money(micro.into()),
                json: |micro| json!(money_text(micro)),
                ..position("money", "money", &bound.money, most.money)
            },
            Position {
                json: |tokens| json!(tokens_text(tokens)),
                ..position("tokens", "tokens", &bound.tokens, most.tokens)
            },
        ]
    }

    /// Agents, and where the number comes from.
    fn fleet(&self) -> Option<(u32, &'static str)> {
        if let Some(agents) = self.agents {
            return Some((agents, "--agents"));
        }
        match self.module.instruction.target.map(|target| target.count)? {
            TargetCount::Exactly(agents) => Some((agents, "TARGET")),
            TargetCount::UpTo(agents) => Some((agents, "TARGET UP TO")),
            TargetCount::All => None,
        }
    }

    /// For people.
    pub(crate) fn for_people(&self) -> String {
        let mut page = format!("{} · {}\n\n", bold(&safe(&self.module.instruction.name)), self.basis());
        let positions = self.positions();
        let used: Vec<&Position<'_>> = positions.iter().filter(|position| position.at_most != Some(0)).collect();
        let formula = |position: &Position<'_>| {
            safe(&formula_with(position.formula, self.module, &position.show)).into_owned()
        };
        let width = used.iter().map(|position| formula(position).chars().count()).max().unwrap_or(0);
        for position in &used {
            let most = match position.at_most {
                Some(most) => format!("{} {}", dim("at most"), (position.show)(most)),
                None if matches!(position.formula, Polynomial::Unbounded) => warning("only the limit holds it"),
                None => dim("as large as its inputs"),
            };
            page.push_str(&format!(
                "  {:<10}  {}  {most}\n",
                position.label,
                padded(&formula(position), width)
            ));
        }
        self.calls(&mut page);
        self.for_the_fleet(&positions, &mut page);
        self.budget(&positions, &mut page);
        self.unbounded(&mut page);
        page
    }

    /// `one activation with task_queue 10,000`
    fn basis(&self) -> String {
        let sizes: Vec<String> = self
            .module
            .inputs
            .iter()
            .zip(0_u16..)
            .filter_map(|(input, at)| {
                let Some(Type::List { max, .. }) = self.module.ty(input.ty) else { return None };
                let size = self.sizes.get(&InputId(at)).copied().or(max.map(u64::from));
                let size = size.map_or("any number of".to_owned(), |size| grouped(size.into()));
                Some(format!("{size} {}", safe(&input.name)))
            })
            .collect();
        match sizes.join(", ") {
            sizes if sizes.is_empty() => dim("worst case of an activation").clone(),
            sizes => format!("{} {sizes}", dim("worst case of an activation with")),
        }
    }

    /// The host functions with their ceilings.
    fn calls(&self, page: &mut String) {
        let imports = &self.module.imports;
        let width = imports.iter().map(|import| import.name.chars().count()).max().unwrap_or(0);
        for (at, import) in imports.iter().enumerate() {
            let label = if at == 0 { "\n  calls     " } else { "            " };
            page.push_str(&format!(
                "{label}  {}  {}\n",
                name(&padded(&safe(&import.name), width)),
                price_text(import)
            ));
        }
    }

    fn for_the_fleet(&self, positions: &[Position<'_>], page: &mut String) {
        let Some((agents, from)) = self.fleet() else {
            if self.module.instruction.target.is_some() {
                let words = dim("as many agents as there are: --agents says how many");
                page.push_str(&format!("\n  fleet       {words}\n"));
            }
            return;
        };
        let label = format!("{} agents", grouped(agents.into()));
        page.push_str(&format!("\n  fleet       {label}  {}\n", dim(&format!("({from})"))));
        for position in positions.iter().filter(|position| position.adds_up && position.at_most != Some(0)) {
            let whole = match position.at_most {
                Some(most) => format!("{} {}", dim("at most"), (position.show)(times(most, agents))),
                None => warning("unbounded"),
            };
            page.push_str(&format!("              {:<10}  {whole}\n", position.label));
        }
    }

    /// What the header allows beside what an agent can spend.
    fn budget(&self, positions: &[Position<'_>], page: &mut String) {
        let header = &self.module.instruction;
        for (key, budget) in [("money", header.budget_money), ("tokens", header.budget_tokens)] {
            let Some(budget) = budget.and_then(|budget| u64::try_from(budget).ok()) else { continue };
            let needed = |position: &&Position<'_>| position.key == key && position.at_most != Some(0);
            let Some(position) = positions.iter().find(needed) else { continue };
            let whole = (position.show)(budget);
            let Some((agents, _)) = self.fleet() else {
                page.push_str(&format!("\n  budget      {whole} {key} for the fleet\n"));
                continue;
            };
            let share = budget.checked_div(agents.into()).unwrap_or(0);
            let verdict = match position.at_most {
                Some(most) if most <= share => good("enough for the worst case of an activation"),
                Some(most) => warning(&format!("an activation can need {}", (position.show)(most))),
                None => warning("the worst case is not known"),
            };
            page.push_str(&format!(
                "\n  budget      {whole} {key}, dealt out: {} an agent; {verdict}\n",
                (position.show)(share)
            ));
        }
    }

    fn unbounded(&self, page: &mut String) {
        for (at, cause) in self.causes.iter().enumerate() {
            let label = if at == 0 { "\n  unbounded " } else { "            " };
            page.push_str(&format!("{label}  {}  {}\n", dim(&self.place(cause)), safe(&cause.reason)));
        }
    }

    fn place(&self, cause: &Unbounded) -> String {
        let Some(file) = self.sources.get(cause.span.file) else { return String::new() };
        let at = file.position(cause.span.start);
        format!("{}:{}:{}", safe(file.name()), at.line, at.column)
    }

    /// For programs.
    pub(crate) fn for_programs(&self) -> Map<String, Value> {
        let positions = self.positions();
        let activation: Map<String, Value> = positions
            .iter()
            .map(|position| {
                let formula = formula_with(position.formula, self.module, &position.show);
                let at_most = position.at_most.map(position.json);
                (position.key.to_owned(), json!({ "formula": formula, "at_most": at_most }))
            })
            .collect();
        let fleet = self.fleet().map(|(agents, from)| {
            let mut members = Map::from_iter([("agents".to_owned(), json!(agents)), ("from".to_owned(), json!(from))]);
            for position in positions.iter().filter(|position| position.adds_up) {
                let most = position.at_most.map(|most| (position.json)(times(most, agents)));
                members.insert(position.key.to_owned(), json!(most));
            }
            members
        });
        let calls: Vec<Value> = self.module.imports.iter().map(call_json).collect();
        let unbounded: Vec<Value> = self
            .causes
            .iter()
            .map(|cause| json!({ "place": self.place(cause), "reason": cause.reason }))
            .collect();
        let members = [
            ("instruction", json!(self.module.instruction.name.as_str())),
            ("activation", Value::Object(activation)),
            ("calls", json!(calls)),
            ("fleet", json!(fleet)),
            ("unbounded", json!(unbounded)),
        ];
        members.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
    }
}

fn times(value: u64, agents: u32) -> u64 {
    value.saturating_mul(agents.into())
}

fn price_text(import: &Import) -> String {
    let mut parts = Vec::new();
    for (price, show) in [
        (import.cost.money, (|micro: u64| amount::money(micro.into())) as fn(u64) -> String),
        (import.cost.tokens, |tokens| bound::tokens_text(tokens)),
    ] {
        match price {
            Amount::Fixed(0) => {}
            Amount::Fixed(price) => parts.push(show(u64::try_from(price).unwrap_or(0))),
            Amount::Computed(_) => parts.push("as its arguments say".to_owned()),
        }
    }
    match parts.join(", ") {
        parts if parts.is_empty() => dim("free"),
        parts => format!("{parts} {}", dim("a call")),
    }
}

fn call_json(import: &Import) -> Value {
    let fixed = |price: Amount, text: fn(u64) -> String| match price {
        Amount::Fixed(price) => json!(text(u64::try_from(price).unwrap_or(0))),
        Amount::Computed(_) => Value::Null,
    };
    json!({
        "name": import.name.as_str(),
        "money": fixed(import.cost.money, money_text),
        "tokens": fixed(import.cost.tokens, tokens_text),
    })
}
