//! What came of a run: for people a page they enjoy reading, for programs one JSON document.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde_json::{Map, Value as Json, json};
use swarm_bytecode::codec::digest_text;
use swarm_bytecode::module::{Import, InputId, Module, Polynomial};
use swarm_bytecode::types::Type;
use swarm_compiler::bound::{Amounts, formula_with};
use swarm_vm::{ActionRecord, Level, Outcome, Report, Value};

use crate::ceilings::Ceilings;

use super::style::{bold, dim, error, good, name, warning};
use super::text::{cut, grouped, padded, plural, safe};
use super::{amount, bound};

/// Actions listed before the rest is only counted.
const MOST_LISTED: usize = 20;
/// Widest column of an argument.
const WIDEST: usize = 40;

/// A finished run, and what was known about it before.
pub(crate) struct Finished<'a> {
    /// What came of it.
    pub(crate) report: &'a Report,
    /// What ran.
    pub(crate) module: &'a Module,
    /// Number of items of each input.
    pub(crate) sizes: BTreeMap<InputId, u64>,
    /// What it might have used at most, and who says so.
    pub(crate) ceilings: Ceilings,
    /// Capabilities that were granted.
    pub(crate) granted: Vec<String>,
    /// Where the data came from, if there is any: `the 187 processes of this machine`.
    pub(crate) data: Option<String>,
    /// What else is worth knowing.
    pub(crate) notes: Vec<String>,
    /// Names of tasks by their ids, where the host knows them.
    pub(crate) names: BTreeMap<String, String>,
    /// Where the trace lies.
    pub(crate) trace: Option<PathBuf>,
    /// How much it tells.
    pub(crate) level: Level,
}

impl Finished<'_> {
    /// The report as its machine-readable form has it, and what the command line adds.
    pub(crate) fn for_programs(&self) -> Map<String, Json> {
        let mut members: Map<String, Json> = serde_json::from_str(&self.report.to_json()).unwrap_or_default();
        let Amounts { fuel, memory, host_calls, money, tokens } = self.worst_case();
        let worst_case = json!({
            "fuel": fuel, "memory_bytes": memory, "host_calls": host_calls,
            "money": money.map(bound::money_text), "tokens": tokens.map(bound::tokens_text),
        });
        let trace = self.trace.as_ref().map(|path| path.display().to_string());
        members.insert("dry_run".into(), json!(true));
        members.insert("granted".into(), json!(self.granted));
        members.insert("data".into(), json!(self.data));
        members.insert("notes".into(), json!(self.notes));
        members.insert("worst_case".into(), worst_case);
        members.insert("limits".into(), self.ceilings.for_programs());
        members.insert("trace".into(), json!({ "file": trace, "level": self.level.name() }));
        members
    }

    /// The page.
    pub(crate) fn for_people(&self) -> String {
        let title = bold(&safe(&self.report.instruction));
        let what = match &self.data {
            Some(data) => dim(&format!("· a dry run over {}", safe(data))),
            None => dim("· a dry run"),
        };
        let mut page = format!("{title} {what}\n");
        self.actions(&mut page);
        self.outcome(&mut page);
        self.resources(&mut page);
        self.whereabouts(&mut page);
        page
    }

    fn worst_case(&self) -> Amounts {
        bound::for_sizes(self.module, &self.sizes)
    }

    /// Each action with its arguments in columns.
    fn actions(&self, page: &mut String) {
        let actions = &self.report.actions;
        if actions.is_empty() {
            return;
        }
        page.push_str(if self.report.actions_dropped {
            "\n  was about to\n"
        } else {
            "\n  would have done\n"
        });
        let rows: Vec<Vec<String>> =
            actions.iter().take(MOST_LISTED).map(|action| self.cells(action)).collect();
        let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
        let widths: Vec<usize> = (0..columns)
            .map(|column| {
                rows.iter()
                    .filter_map(|row| row.get(column))
                    .map(|cell| cell.chars().count())
                    .max()
                    .unwrap_or(0)
            })
            .collect();
        for row in &rows {
            let cells = row.iter().zip(&widths).enumerate().map(|(column, (cell, width))| {
                let cell = padded(cell, *width);
                if column == 0 { name(&cell) } else { cell }
            });
            let line: Vec<String> = cells.collect();
            page.push_str(&format!("    {}\n", line.join("  ").trim_end()));
        }
        let hidden = actions.len().saturating_sub(MOST_LISTED);
        if hidden > 0 {
            let place = if self.trace.is_some() {
                "all in the trace"
            } else {
                "see them with --trace or --format json"
            };
            page.push_str(&format!(
                "    {}\n",
                dim(&format!("… and {} more, {place}", grouped(hidden as u128)))
            ));
        }
    }

    /// Name, arguments, and beside a task the name the host has for it.
    fn cells(&self, action: &ActionRecord) -> Vec<String> {
        let import = self.module.imports.iter().find(|import| import.name == action.name);
        let mut cells = vec![safe(&action.name).into_owned()];
        for (index, argument) in action.args.iter().enumerate() {
            let shown = shown(argument);
            let known = self
                .names
                .get(&shown)
                .filter(|_| import.is_some_and(|import| is_record(self.module, import, index)));
            cells.push(cut(&safe(&shown), WIDEST).into_owned());
            cells.extend(known.map(|known| cut(&safe(known), WIDEST).into_owned()));
        }
        cells.extend(action.error.as_ref().map(|error| format!("failed: {}", cut(&safe(error), WIDEST))));
        cells
    }

    /// How it ended, and how many actions of each kind there were.
    fn outcome(&self, page: &mut String) {
        let report = self.report;
        let word = match report.outcome {
            Outcome::Done => good("done"),
            Outcome::Stopped => good("stopped"),
            Outcome::Failed => error("failed"),
            Outcome::Limit => error("hit a limit"),
            Outcome::Trapped => error("trapped"),
        };
        let issued = usize::try_from(report.actions_issued).unwrap_or(usize::MAX);
        let actions = match (issued, report.actions_dropped) {
            (0, _) => "no actions".to_owned(),
            (_, false) => format!("{}, none of them taken", plural(issued, "action")),
            (_, true) => {
                format!("{} dropped: a run that does not end well does nothing", plural(issued, "action"))
            }
        };
        page.push_str(&format!("\n  {word}  {actions}\n"));
        if let Some(reason) = &report.reason {
            page.push_str(&format!("    {}\n", safe(&reason.message)));
            if let Some(place) = &reason.place {
                page.push_str(&format!("    {} {}\n", dim("at"), safe(&place.to_string())));
            }
        }
        // Kinds in the order in which they first appear.
        let mut kinds: Vec<(&str, u128)> = Vec::new();
        for action in &report.actions {
            match kinds.iter_mut().find(|(kind, _)| *kind == action.name) {
                Some((_, count)) => *count = count.saturating_add(1),
                None => kinds.push((&action.name, 1)),
            }
        }
        let width = kinds.iter().map(|(_, count)| grouped(*count).len()).max().unwrap_or(0);
        for (kind, count) in &kinds {
            page.push_str(&format!("    {:>width$} × {}\n", grouped(*count), name(&safe(kind))));
        }
        if report.actions_failed > 0 {
            let failed = format!("{} of them failed", grouped(report.actions_failed.into()));
            page.push_str(&format!("    {}\n", warning(&failed)));
        }
        if let Some(result) = &report.result {
            page.push_str(&format!("    {} {}\n", dim("result"), safe(&shown(result))));
        }
        for (metric, value) in &report.metrics {
            page.push_str(&format!("    {} = {}\n", name(&safe(metric)), safe(&shown(value))));
        }
    }

    /// What it used, of what it might have used.
    fn resources(&self, page: &mut String) {
        let report = self.report;
        let worst = self.worst_case();
        let bound = &self.module.bound;
        let count = |value: u64| amount::count(value.into());
        let data = |value: u64| amount::data(value.into());
        let money = |value: u64| amount::money(value.into());
        let limits = &self.ceilings.limits;
        let rows = [
            Row::new("fuel", report.fuel_used, worst.fuel, limits.fuel, &bound.fuel, count),
            Row::new(
                "memory",
                report.memory_peak_bytes,
                worst.memory,
                limits.memory_bytes,
                &bound.memory,
                data,
            ),
            Row::new(
                "calls",
                report.host_calls,
                worst.host_calls,
                limits.host_calls,
                &bound.host_calls,
                count,
            ),
            Row::new(
                "money",
                positive(report.money),
                worst.money,
                positive(limits.money),
                &bound.money,
                money,
            ),
            Row::new(
                "tokens",
                positive(report.tokens),
                worst.tokens,
                positive(limits.tokens),
                &bound.tokens,
                count,
            ),
        ];
        let rows: Vec<&Row> = rows.iter().filter(|row| row.used > 0 || row.worst != Some(0)).collect();
        let cells: Vec<[String; 5]> = rows.iter().map(|row| row.cells(self.module)).collect();
        let heads = ["used", "share", "at most", "limit", "known before the run"];
        let width = |column: usize| {
            let head = heads.get(column).map_or(0, |head| head.len());
            cells
                .iter()
                .filter_map(|row| row.get(column))
                .map(|cell| cell.chars().count())
                .max()
                .unwrap_or(0)
                .max(head)
        };
        let [used, share, most, limit] = [width(0), width(1), width(2), width(3)];
        let [a, b, c, d, e] = heads;
        let blank = " ".repeat(amount::GAUGE_CELLS);
        let head = format!("{:6}  {a:>used$}  {blank}  {b:>share$}  {c:>most$}  {d:>limit$}  {e}", "");
        page.push_str(&format!("\n  {}\n", dim(&head)));
        for (row, [a, b, c, d, e]) in rows.iter().zip(&cells) {
            let gauge = amount::gauge(row.used.into(), row.whole().into());
            let c = padded_left(c, most);
            let c = if row.worst.is_some_and(|worst| worst <= row.limit) { c } else { warning(&c) };
            let line = format!(
                "{:6}  {a:>used$}  {}  {b:>share$}  {c}  {d:>limit$}  {}",
                row.label,
                good(&gauge),
                dim(e)
            );
            page.push_str(&format!("  {line}\n"));
        }
    }

    /// Where to look further, and under which conditions it ran.
    fn whereabouts(&self, page: &mut String) {
        let trace = match &self.trace {
            Some(path) => safe(&path.display().to_string()).into_owned(),
            None => dim("none was written"),
        };
        let granted = match self.granted.join(", ") {
            names if names.is_empty() => dim("nothing"),
            names => safe(&names).into_owned(),
        };
        page.push('\n');
        if let Some(limits) = self.ceilings.for_people() {
            page.push_str(&format!("  {}  {limits}\n", dim("limits ")));
        }
        page.push_str(&format!("  {}  {granted}\n", dim("granted")));
        if !self.granted.is_empty() {
            let words = dim("for this local run only; the program is unsigned");
            page.push_str(&format!("           {words}\n"));
        }
        page.push_str(&format!("  {}  {trace}\n", dim("trace  ")));
        let digests = match &self.report.trace_digest {
            Some(trace) => {
                format!("{}  {} {}", short(&self.report.digest), dim("of the trace"), short(trace))
            }
            None => short(&self.report.digest),
        };
        page.push_str(&format!("  {}  {digests}\n", dim("digest ")));
        for note in &self.notes {
            page.push_str(&format!("  {}  {}\n", dim("note   "), safe(note)));
        }
    }
}

/// One resource.
struct Row<'a> {
    label: &'static str,
    used: u64,
    worst: Option<u64>,
    limit: u64,
    formula: &'a Polynomial,
    show: fn(u64) -> String,
}

impl<'a> Row<'a> {
    fn new(
        label: &'static str,
        used: u64,
        worst: Option<u64>,
        limit: u64,
        formula: &'a Polynomial,
        show: fn(u64) -> String,
    ) -> Row<'a> {
        Row { label, used, worst, limit, formula, show }
    }

    /// What can be used at most: the worst case, held to the limit.
    fn whole(&self) -> u64 {
        self.worst.map_or(self.limit, |worst| worst.min(self.limit))
    }

    /// Used, share, worst case, limit, formula.
    fn cells(&self, module: &Module) -> [String; 5] {
        [
            (self.show)(self.used),
            amount::share(self.used.into(), self.whole().into()).unwrap_or_default(),
            self.worst.map_or("unbounded".to_owned(), self.show),
            amount::rounded(&(self.show)(self.limit)),
            match self.worst {
                Some(_) => safe(&formula_with(self.formula, module, &self.show)).into_owned(),
                None => "only the limit holds it".to_owned(),
            },
        ]
    }
}

fn padded_left(text: &str, width: usize) -> String {
    format!("{text:>width$}")
}

fn positive(value: i64) -> u64 {
    u64::try_from(value).unwrap_or(0)
}

/// `sha256:3fa92c1b…`: enough to tell two apart at a glance.
fn short(digest: &[u8; 32]) -> String {
    const SHOWN: usize = "sha256:".len() + 12;
    format!("{}…", digest_text(digest).chars().take(SHOWN).collect::<String>())
}

/// A value without quotation marks around text.
fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => text.to_string(),
        other => {
            let text = other.to_json();
            let bare = text.strip_prefix('"').and_then(|text| text.strip_suffix('"'));
            bare.unwrap_or(&text).to_owned()
        }
    }
}

fn is_record(module: &Module, import: &Import, parameter: usize) -> bool {
    import.parameters.get(parameter).is_some_and(|ty| matches!(module.ty(*ty), Some(Type::Record { .. })))
}
