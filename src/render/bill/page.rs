//! The bill for people.

use swarm_bytecode::module::{Amount, Bound, Import, InputId, Polynomial};
use swarm_bytecode::types::Type;
use swarm_compiler::bound::{BORDER_TEXT_BYTES, LineAmounts};

use super::{Bill, Call};
use crate::render::amount;
use crate::render::resource::{CALLS, FUEL, MEMORY, MONEY, RESOURCES, Resource, TOKENS};
use crate::render::style::{bold, dim, good, name, warning};
use crate::render::table::{Cell, Side, table};
use crate::render::text::{cut, grouped, plural, safe};

/// Lines shown; the rest costs less.
const MOST_LINES: usize = 8;
/// Width of a quoted line.
const LINE_WIDTH: usize = 52;

impl Bill<'_> {
    /// For people.
    pub(crate) fn for_people(&self) -> String {
        let title = bold(&safe(&self.module.instruction.name));
        let mut page = format!("{title} · {}\n", dim(&format!("worst case{}", self.basis())));
        let activations = self.report.map_or(&[][..], |report| &report.activations);
        let only_start = matches!(activations, [one] if one.times == Some(1));
        for activation in activations {
            let times = match activation.times {
                Some(1) => dim("once"),
                Some(times) => dim(&format!("{} times in an order", grouped(times.into()))),
                None => warning("any number of times in an order"),
            };
            page.push_str(&format!("\n  {} {times}\n", name(&activation.wake.text(self.module))));
            self.resources(&activation.bound, |resource| only_start || of_activation(resource), &mut page);
        }
        if !only_start {
            page.push_str(&format!("\n  {}\n", name("a whole order, one agent")));
            self.resources(self.order(), |resource| !of_activation(resource), &mut page);
        }
        self.host_calls(&mut page);
        self.costliest_lines(&mut page);
        self.whole_fleet(&mut page);
        self.unbounded(&mut page);
        page
    }

    /// ` for task_queue = 10,000`
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
        let text = self
            .facts
            .map(|facts| facts.texts.longest_outside)
            .filter(|longest| *longest != BORDER_TEXT_BYTES)
            .map(|longest| format!("texts of {}", amount::data(longest.into())));
        let sizes: Vec<String> = sizes.into_iter().chain(text).collect();
        if sizes.is_empty() { String::new() } else { format!(" for {}", sizes.join(", ")) }
    }

    /// A resource a line; what is never used is left out, and so is a number that its formula is already.
    /// Those that are `limited` are held against their limits.
    fn resources(&self, bound: &Bound, limited: impl Fn(&Resource) -> bool, page: &mut String) {
        let (amounts, limits) = (self.amounts(bound), self.limits());
        let used = RESOURCES.iter().filter(|resource| (resource.amount)(&amounts) != Some(0));
        let row = |resource: &Resource| {
            let polynomial = (resource.polynomial)(bound);
            let formula = resource.formula(polynomial, self.module);
            let [word, most] = match (resource.amount)(&amounts) {
                Some(most) if (resource.show)(most) == formula => [Cell::plain(""), Cell::plain("")],
                Some(most) => [Cell::styled("at most", dim), Cell::plain((resource.show)(most))],
                None => [self.held(resource, polynomial), Cell::plain("")],
            };
            let limit =
                (resource.amount)(&limits).filter(|_| limited(resource) && self.budget(resource).is_none());
            let beyond = limit.filter(|limit| (resource.amount)(&amounts).is_some_and(|most| most > *limit));
            let beyond = beyond.map_or_else(String::new, |limit| {
                format!("more than the default limit of {}", amount::rounded(&(resource.show)(limit)))
            });
            vec![label(resource), Cell::plain(formula), word, most, Cell::styled(beyond, warning)]
        };
        let rows: Vec<Vec<Cell>> = used.map(row).collect();
        page.push_str(&table(&[Side::Left, Side::Left, Side::Left, Side::Right, Side::Left], &rows, 4));
    }

    /// The header's BUDGET of it, of which the fleet's part tells more.
    fn budget(&self, resource: &Resource) -> Option<i64> {
        let header = &self.module.instruction;
        match resource.key {
            "money" => header.budget_money,
            "tokens" => header.budget_tokens,
            _ => None,
        }
    }

    /// What holds an amount that is not known.
    fn held(&self, resource: &Resource, polynomial: &Polynomial) -> Cell {
        if *polynomial != Polynomial::Unbounded {
            return Cell::styled("as large as its inputs", dim);
        }
        let budget = self.budget(resource).and_then(|budget| u64::try_from(budget).ok()).map(resource.show);
        Cell::styled(
            budget.map_or("only the limit holds it".to_owned(), |most| {
                format!("only the BUDGET of {most} holds it")
            }),
            warning,
        )
    }

    /// The host functions by name: how often they are called, and for how much.
    fn host_calls(&self, page: &mut String) {
        let calls = self.calls();
        if calls.is_empty() {
            return;
        }
        let row = |call: &Call<'_>| {
            // The head stands where the heads of other blocks do, and its rows two further in.
            let title = Cell::styled(format!("  {}", safe(&call.import.name)), name);
            let each = price(call.import);
            let Some(bound) = call.bound else { return vec![title, Cell::plain(""), Cell::plain(""), each] };
            // A number says itself.
            let formula = match &bound.count {
                Polynomial::Terms(terms) if terms.iter().any(|term| !term.factors.is_empty()) => {
                    CALLS.formula(&bound.count, self.module)
                }
                _ => String::new(),
            };
            let most = |resource: &Resource, polynomial: &Polynomial, most: Option<u64>| match most {
                Some(0) => Cell::plain(""),
                Some(most) if resource.key == "tokens" => Cell::plain(count_of_tokens(most)),
                Some(most) => Cell::plain((resource.show)(most)),
                None if *polynomial == Polynomial::Unbounded => Cell::styled("unbounded", warning),
                None => Cell::styled("as large as its inputs", dim),
            };
            let count = most(&CALLS, &bound.count, call.count);
            let (money, tokens) =
                (most(&MONEY, &bound.money, call.money), most(&TOKENS, &bound.tokens, call.tokens));
            vec![title, Cell::styled(formula, dim), count, each, money, tokens]
        };
        let head = ["host calls of an order", "", "at most", "each", "together", ""];
        let head: Vec<Cell> = head.into_iter().map(|text| Cell::styled(text, dim)).collect();
        let rows: Vec<Vec<Cell>> = std::iter::once(head).chain(calls.iter().map(row)).collect();
        let columns = [Side::Left, Side::Left, Side::Right, Side::Left, Side::Right, Side::Right];
        page.push('\n');
        page.push_str(&table(&columns, &rows, 2));
    }

    /// The lines that cost most, with a bar for their share.
    fn costliest_lines(&self, page: &mut String) {
        let lines = self.lines();
        // Money is what people ask for first, then tokens; where none are spent, fuel.
        let spends =
            |resource: &&Resource| lines.iter().any(|line| (resource.amount)(&line.amounts) != Some(0));
        let resource = [&MONEY, &TOKENS].into_iter().find(spends).unwrap_or(&FUEL);
        let value = |line: &LineAmounts| (resource.amount)(&line.amounts);
        let whole = lines.iter().filter_map(value).fold(0_u64, u64::saturating_add);
        let row = |line: &LineAmounts| {
            let (amount, bar) = match value(line) {
                Some(value) => {
                    (Cell::plain((resource.show)(value)), amount::gauge(value.into(), whole.into()))
                }
                None => (Cell::styled("unbounded", warning), amount::gauge(1, 1)),
            };
            let (number, text) = self.line(line);
            vec![Cell::plain(number), Cell::plain(text), Cell::styled(bar, good), amount]
        };
        let shown = lines.iter().filter(|line| value(line) != Some(0)).take(MOST_LINES);
        let rows: Vec<Vec<Cell>> = shown.map(row).collect();
        if !rows.is_empty() {
            page.push_str(&format!("\n  {}\n", dim(&format!("the costliest lines, by {}", resource.label))));
            page.push_str(&table(&[Side::Right, Side::Left, Side::Left, Side::Right], &rows, 4));
        }
    }

    /// Its number, with the file where that is not the first, and its text.
    fn line(&self, line: &LineAmounts) -> (String, String) {
        let files = self.module.debug.as_ref().map_or(&[][..], |debug| &debug.files);
        let file = files
            .get(usize::from(line.file))
            .and_then(|wanted| self.sources.iter().find(|source| *source.name() == wanted.name));
        let at = usize::try_from(line.line.saturating_sub(1)).unwrap_or(usize::MAX);
        let text = file.and_then(|file| file.text().lines().nth(at)).unwrap_or_default();
        (line.line.to_string(), cut(&safe(text.trim()), LINE_WIDTH).into_owned())
    }

    fn whole_fleet(&self, page: &mut String) {
        let bill = self.fleet();
        let Some(agents) = bill.agents else {
            if self.module.instruction.target.is_some() {
                page.push_str(&format!("\n  {}\n", dim("for the fleet: --agents N says how many there are")));
            }
            return;
        };
        let count = usize::try_from(agents).unwrap_or(usize::MAX);
        page.push_str(&format!("\n  {}\n", name(&format!("the fleet, {}", plural(count, "agent")))));
        let used = RESOURCES
            .iter()
            .filter(|resource| resource.key != "memory_bytes" && (resource.amount)(&bill.agent) != Some(0));
        let row = |resource: &Resource| {
            let amount = |word, amounts| match (resource.amount)(amounts) {
                Some(most) => [Cell::styled(word, dim), Cell::plain((resource.show)(most))],
                None if word == "at most" => [Cell::plain(""), Cell::styled("unbounded", warning)],
                None => [Cell::plain(""), Cell::plain("")],
            };
            let mut row = vec![label(resource)];
            if agents > 1 {
                row.extend(amount("each at most", &bill.agent));
            }
            row.extend(amount("at most", &bill.fleet));
            row
        };
        let rows: Vec<Vec<Cell>> = used.map(row).collect();
        let columns = [Side::Left, Side::Left, Side::Right, Side::Left, Side::Right];
        page.push_str(&table(&columns, &rows, 4));
        self.budgets(page);
    }

    /// Whether each agent's share of the BUDGET is enough.
    fn budgets(&self, page: &mut String) {
        let (bill, header) = (self.fleet(), &self.module.instruction);
        for (resource, share, budget) in [
            (MONEY, bill.money_share, header.budget_money),
            (TOKENS, bill.tokens_share, header.budget_tokens),
        ] {
            let (Some(share), Some(budget)) = (share, budget) else { continue };
            let show = |amount| match resource.key {
                "tokens" => count_of_tokens(amount),
                _ => (resource.show)(amount),
            };
            let verdict = match (resource.amount)(&bill.agent) {
                Some(most) if most <= share => good("enough for the worst case"),
                Some(most) => warning(&format!("the worst case is {}", show(most))),
                None => warning("the worst case is not known"),
            };
            let budget = show(u64::try_from(budget).unwrap_or(0));
            let dealt = match bill.agents {
                Some(1) => budget,
                _ => format!("{budget}, dealt out: {} an agent", show(share)),
            };
            page.push_str(&format!("    {:<10}  {dealt}; {verdict}\n", "budget"));
        }
    }

    fn unbounded(&self, page: &mut String) {
        for (at, cause) in self.causes().iter().enumerate() {
            if at == 0 {
                page.push_str(&format!("\n  {}\n", warning("unbounded")));
            }
            page.push_str(&format!("    {}  {}\n", dim(&self.place(cause)), safe(&cause.reason)));
        }
    }
}

/// Whether each activation has its own limit of it; of all else an order has one.
fn of_activation(resource: &Resource) -> bool {
    [FUEL.key, MEMORY.key].contains(&resource.key)
}

/// All labels are as wide as the widest, so that the blocks of the page stand under each other.
fn label(resource: &Resource) -> Cell {
    Cell::plain(format!("{:<10}", resource.label))
}

fn count_of_tokens(tokens: u64) -> String {
    format!("{} tokens", grouped(tokens.into()))
}

/// The price of one call.
fn price(import: &Import) -> Cell {
    let mut parts = Vec::new();
    for (price, tokens) in [(import.cost.money, false), (import.cost.tokens, true)] {
        match price {
            Amount::Fixed(0) => {}
            Amount::Fixed(price) => {
                let price = u64::try_from(price).unwrap_or(0);
                parts.push(if tokens { count_of_tokens(price) } else { amount::money(price.into()) });
            }
            Amount::Computed(_) => {
                let known = "by its arguments".to_owned();
                if !parts.contains(&known) {
                    parts.push(known);
                }
            }
        }
    }
    match parts.join(", ") {
        parts if parts.is_empty() => Cell::styled("free", dim),
        parts => Cell::plain(parts),
    }
}
