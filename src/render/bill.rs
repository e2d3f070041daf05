//! The bill: what a program can cost at most, for one activation, for an agent's order and for the fleet.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use swarm_bytecode::module::{Amount, Bound, Import, InputId, Module, Polynomial};
use swarm_bytecode::types::Type;
use swarm_compiler::bound::{
    Amounts, Facts, FleetBill, LineAmounts, Report, Unbounded, advice, costliest, evaluate, fleet,
    formula_with, lines,
};
use swarm_grammar::source::Sources;

use super::bound::{money_text, tokens_text};
use super::style::{bold, dim, good, help, name, warning};
use super::text::{cut, grouped, padded, safe};
use super::{amount, bound};

/// Lines shown; the rest costs less.
const MOST_LINES: usize = 8;
/// Width of a quoted line.
const LINE_WIDTH: usize = 52;

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

/// One resource, and how it is picked and written.
struct Resource {
    key: &'static str,
    label: &'static str,
    polynomial: fn(&Bound) -> &Polynomial,
    amount: fn(&Amounts) -> Option<u64>,
    show: fn(u64) -> String,
    json: fn(u64) -> Value,
}

fn plain(value: u64) -> String {
    grouped(value.into())
}

const RESOURCES: [Resource; 5] = [
    Resource {
        key: "fuel",
        label: "fuel",
        polynomial: |bound| &bound.fuel,
        amount: |amounts| amounts.fuel,
        show: plain,
        json: |value| json!(value),
    },
    Resource {
        key: "memory_bytes",
        label: "memory",
        polynomial: |bound| &bound.memory,
        amount: |amounts| amounts.memory,
        show: |bytes| amount::data(bytes.into()),
        json: |value| json!(value),
    },
    Resource {
        key: "host_calls",
        label: "host calls",
        polynomial: |bound| &bound.host_calls,
        amount: |amounts| amounts.host_calls,
        show: plain,
        json: |value| json!(value),
    },
    Resource {
        key: "money",
        label: "money",
        polynomial: |bound| &bound.money,
        amount: |amounts| amounts.money,
        show: |micro| amount::money(micro.into()),
        json: |micro| json!(money_text(micro)),
    },
    Resource {
        key: "tokens",
        label: "tokens",
        polynomial: |bound| &bound.tokens,
        amount: |amounts| amounts.tokens,
        show: plain,
        json: |tokens| json!(tokens_text(tokens)),
    },
];

impl Bill<'_> {
    /// The worst case of a whole order in one agent.
    fn order(&self) -> &Bound {
        self.report.map_or(&self.module.bound, |report| &report.order)
    }

    fn amounts(&self, bound: &Bound) -> Amounts {
        evaluate(bound, self.module, &self.sizes)
    }

    fn formula(&self, polynomial: &Polynomial, resource: &Resource) -> String {
        safe(&formula_with(polynomial, self.module, &resource.show)).into_owned()
    }

    fn fleet(&self) -> FleetBill {
        let sum = Report { order: self.module.bound.clone(), ..Report::default() };
        fleet(self.report.unwrap_or(&sum), self.module, self.agents.map(u64::from), &self.sizes)
    }

    fn lines(&self) -> Vec<LineAmounts> {
        let Some(facts) = self.facts else { return Vec::new() };
        costliest(&lines(self.module, facts), self.module, &self.sizes)
    }

    fn causes(&self) -> &[Unbounded] {
        self.report.map_or(&[], |report| &report.causes)
    }

    /// For people.
    pub(crate) fn for_people(&self) -> String {
        let title = bold(&safe(&self.module.instruction.name));
        let mut page = format!("{title} · {}\n", dim(&format!("worst case{}", self.basis())));
        let activations = self.report.map_or(&[][..], |report| &report.activations);
        for activation in activations {
            let times = match activation.times {
                Some(1) => "once".to_owned(),
                Some(times) => format!("{} times in an order", grouped(times.into())),
                None => warning("any number of times in an order"),
            };
            page.push_str(&format!("\n  {} {}\n", name(&activation.wake.text(self.module)), dim(&times)));
            self.table(&activation.bound, &mut page);
        }
        let only_start = matches!(activations, [one] if one.times == Some(1));
        if !only_start {
            page.push_str(&format!("\n  {}\n", name("a whole order, one agent")));
            self.table(self.order(), &mut page);
        }
        self.calls(&mut page);
        self.costliest_lines(&mut page);
        self.whole_fleet(&mut page);
        self.unbounded(&mut page);
        page
    }

    /// ` for 10,000 task_queue`
    fn basis(&self) -> String {
        let sizes: Vec<String> = self
            .module
            .inputs
            .iter()
            .zip(0_u16..)
            .filter_map(|(input, at)| {
                let Some(Type::List { max, .. } | Type::Map { max, .. }) = self.module.ty(input.ty) else {
                    return None;
                };
                let size = self.sizes.get(&InputId(at)).copied().or(max.map(u64::from));
                let size = size.map_or("any number".to_owned(), |size| grouped(size.into()));
                Some(format!("{} = {size}", safe(&input.name)))
            })
            .collect();
        if sizes.is_empty() { String::new() } else { format!(" for {}", sizes.join(", ")) }
    }

    /// A resource a line; what is never used is left out.
    fn table(&self, bound: &Bound, page: &mut String) {
        let amounts = self.amounts(bound);
        let used = || RESOURCES.iter().filter(|resource| (resource.amount)(&amounts) != Some(0));
        let formula = |resource: &Resource| self.formula((resource.polynomial)(bound), resource);
        let width = used().map(|resource| formula(resource).chars().count()).max().unwrap_or(0);
        for resource in used() {
            let most = match (resource.amount)(&amounts) {
                Some(most) => format!("{} {}", dim("at most"), (resource.show)(most)),
                None if matches!((resource.polynomial)(bound), Polynomial::Unbounded) => {
                    warning("only the limit holds it")
                }
                None => dim("as large as its inputs"),
            };
            let formula = padded(&formula(resource), width);
            page.push_str(&format!("    {:<10}  {formula}  {most}\n", resource.label));
        }
    }

    /// The host functions with their ceilings.
    fn calls(&self, page: &mut String) {
        let imports = &self.module.imports;
        let width = imports.iter().map(|import| import.name.chars().count()).max().unwrap_or(0);
        for (at, import) in imports.iter().enumerate() {
            if at == 0 {
                page.push_str(&format!("\n  {}\n", dim("what it calls")));
            }
            let title = name(&padded(&safe(&import.name), width));
            page.push_str(&format!("    {title}  {}\n", price_text(import)));
        }
    }

    /// The lines that cost most, with a bar for their share.
    fn costliest_lines(&self, page: &mut String) {
        let lines = self.lines();
        // Money is what people ask for first; where none is spent, fuel.
        let money = lines.iter().any(|line| line.amounts.money != Some(0));
        let [fuel, _, _, dollars, _] = &RESOURCES;
        let resource = if money { dollars } else { fuel };
        let value = |line: &LineAmounts| (resource.amount)(&line.amounts);
        let whole = lines.iter().filter_map(value).fold(0_u64, u64::saturating_add);
        let mut shown = lines.iter().filter(|line| value(line) != Some(0)).take(MOST_LINES).peekable();
        if shown.peek().is_some() {
            page.push_str(&format!("\n  {}\n", dim(&format!("the costliest lines, by {}", resource.label))));
        }
        for line in shown {
            let (amount, bar) = match value(line) {
                Some(value) => ((resource.show)(value), amount::gauge(value.into(), whole.into())),
                None => ("unbounded".to_owned(), amount::gauge(1, 1)),
            };
            let (number, text) = self.line(line);
            page.push_str(&format!("    {number:>4}  {text}  {}  {amount}\n", good(&bar)));
        }
    }

    fn line(&self, line: &LineAmounts) -> (u32, String) {
        let files = self.module.debug.as_ref().map_or(&[][..], |debug| &debug.files);
        let file = files
            .get(usize::from(line.file))
            .and_then(|wanted| self.sources.iter().find(|source| *source.name() == wanted.name));
        let at = usize::try_from(line.line.saturating_sub(1)).unwrap_or(usize::MAX);
        let text = file.and_then(|file| file.text().lines().nth(at)).unwrap_or_default();
        (line.line, padded(&cut(&safe(text.trim()), LINE_WIDTH), LINE_WIDTH))
    }

    fn whole_fleet(&self, page: &mut String) {
        let bill = self.fleet();
        let Some(agents) = bill.agents else {
            if self.module.instruction.target.is_some() {
                page.push_str(&format!("\n  {}\n", dim("for the fleet: --agents N says how many there are")));
            }
            return;
        };
        page.push_str(&format!("\n  {}\n", name(&format!("the fleet, {} agents", grouped(agents.into())))));
        for resource in RESOURCES.iter().filter(|resource| resource.key != "memory_bytes") {
            let most = match (resource.amount)(&bill.fleet) {
                Some(0) => continue,
                Some(most) => format!("{} {}", dim("at most"), (resource.show)(most)),
                None => warning("unbounded"),
            };
            page.push_str(&format!("    {:<10}  {most}\n", resource.label));
        }
        let header = &self.module.instruction;
        let [_, _, _, money, tokens] = &RESOURCES;
        for (resource, share, budget) in [
            (money, bill.money_share, header.budget_money),
            (tokens, bill.tokens_share, header.budget_tokens),
        ] {
            let (Some(share), Some(budget)) = (share, budget) else { continue };
            let budget = (resource.show)(u64::try_from(budget).unwrap_or(0));
            let verdict = match (resource.amount)(&bill.agent) {
                Some(most) if most <= share => good("enough for the worst case"),
                Some(most) => warning(&format!("its worst case is {}", (resource.show)(most))),
                None => warning("its worst case is not known"),
            };
            let share = (resource.show)(share);
            page.push_str(&format!(
                "    budget      {budget} {}, dealt out: {share} an agent; {verdict}\n",
                resource.label
            ));
        }
    }

    fn unbounded(&self, page: &mut String) {
        for (at, cause) in self.causes().iter().enumerate() {
            if at == 0 {
                page.push_str(&format!("\n  {}\n", warning("unbounded")));
            }
            page.push_str(&format!("    {}  {}\n", dim(&self.place(cause)), safe(&cause.reason)));
            if let Some(fix) = advice(cause, self.sources) {
                page.push_str(&format!("      {} {}\n", help("help:"), safe(&fix.description)));
            }
        }
    }

    fn place(&self, cause: &Unbounded) -> String {
        let Some(file) = self.sources.get(cause.span.file) else { return String::new() };
        let at = file.position(cause.span.start);
        format!("{}:{}:{}", safe(file.name()), at.line, at.column)
    }

    /// For programs.
    pub(crate) fn for_programs(&self) -> Map<String, Value> {
        let activations: Vec<Value> = self
            .report
            .map_or(&[][..], |report| &report.activations)
            .iter()
            .map(|activation| {
                let wake = activation.wake.text(self.module);
                let bound = self.bound_json(&activation.bound);
                json!({ "wake": wake, "times": activation.times, "worst_case": bound })
            })
            .collect();
        let lines: Vec<Value> = self
            .lines()
            .iter()
            .map(|line| {
                let mut entry = amounts_json(&line.amounts);
                let files = self.module.debug.as_ref().map_or(&[][..], |debug| &debug.files);
                let file = files.get(usize::from(line.file)).map(|file| file.name.as_str());
                entry.insert("file".into(), json!(file));
                entry.insert("line".into(), json!(line.line));
                Value::Object(entry)
            })
            .collect();
        let bill = self.fleet();
        let fleet = bill.agents.map(|agents| {
            let mut members = amounts_json(&bill.fleet);
            members.insert("agents".into(), json!(agents));
            members.insert("money_share".into(), json!(bill.money_share.map(money_text)));
            members.insert("tokens_share".into(), json!(bill.tokens_share.map(tokens_text)));
            members
        });
        let members = [
            ("instruction", json!(self.module.instruction.name.as_str())),
            ("activations", json!(activations)),
            ("order", self.bound_json(self.order())),
            ("calls", self.module.imports.iter().map(call_json).collect()),
            ("lines", json!(lines)),
            ("fleet", json!(fleet)),
            ("unbounded", self.causes().iter().map(|cause| self.cause_json(cause)).collect()),
        ];
        members.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
    }

    fn bound_json(&self, bound: &Bound) -> Value {
        let amounts = self.amounts(bound);
        let member = |resource: &Resource| {
            let formula = self.formula((resource.polynomial)(bound), resource);
            let at_most = (resource.amount)(&amounts).map(resource.json);
            (resource.key.to_owned(), json!({ "formula": formula, "at_most": at_most }))
        };
        Value::Object(RESOURCES.iter().map(member).collect())
    }

    fn cause_json(&self, cause: &Unbounded) -> Value {
        let fix = advice(cause, self.sources).map(|fix| {
            let edits: Vec<Value> = fix
                .edits
                .iter()
                .map(|edit| json!({ "start_byte": edit.span.start, "end_byte": edit.span.end, "text": edit.text }))
                .collect();
            json!({ "edits": edits, "description": fix.description })
        });
        json!({ "place": self.place(cause), "reason": cause.reason, "fix": fix })
    }
}

fn amounts_json(amounts: &Amounts) -> Map<String, Value> {
    let member =
        |resource: &Resource| (resource.key.to_owned(), json!((resource.amount)(amounts).map(resource.json)));
    RESOURCES.iter().map(member).collect()
}

fn price_text(import: &Import) -> String {
    let mut parts = Vec::new();
    for (price, tokens) in [(import.cost.money, false), (import.cost.tokens, true)] {
        match price {
            Amount::Fixed(0) => {}
            Amount::Fixed(price) => {
                let price = u64::try_from(price).unwrap_or(0);
                parts.push(if tokens { bound::tokens_text(price) } else { amount::money(price.into()) });
            }
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
