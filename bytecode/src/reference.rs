//! The generated parts of `docs/bytecode.md`: tables that say what the code says.

use std::fmt::Write;

use crate::codec::{DecodeErrorKind, Section};
use crate::dictionary;
use crate::native::{Charge, NATIVES, Native};
use crate::op::{OPS, OpInfo, OperandClass, OperandKind, Settle};
use crate::trap::{LIMIT_KINDS, TRAP_CODES};
use crate::verify::RULES;

/// One generated part: what stands in its markers, and what makes it.
type Part = (&'static str, fn() -> String);

const PARTS: &[Part] = &[
    ("sections", sections),
    ("ops", ops),
    ("natives", natives),
    ("rules", rules),
    ("refusals", refusals),
    ("traps", traps),
    ("limits", limits),
    ("dictionary", names),
];

/// Renews every generated part of the page: what stands between `<!-- generated: NAME -->` and
/// `<!-- end -->`. `None` if the page lacks the markers of a part.
pub fn render_reference(existing: &str) -> Option<String> {
    PARTS.iter().try_fold(existing.to_owned(), |page, (name, make)| {
        let (before, rest) = page.split_once(&format!("<!-- generated: {name} -->\n"))?;
        let (_, after) = rest.split_once("<!-- end -->")?;
        Some(format!("{before}<!-- generated: {name} -->\n{}<!-- end -->{after}", make()))
    })
}

/// Lines of a table; `row` writes one.
fn table<T>(head: &str, items: impl IntoIterator<Item = T>, row: impl Fn(T) -> String) -> String {
    let columns = head.matches('|').count().saturating_sub(1);
    let mut text = format!("{head}\n{}|\n", "|---".repeat(columns));
    for item in items {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{}", row(item));
    }
    text
}

fn sections() -> String {
    table("| bit | section |", Section::ALL, |section| format!("| {} | {} |", section as u8, section.name()))
}

fn ops() -> String {
    table("| code | op | operands | cost | what it does |", OPS, |op| {
        let operands: Vec<String> =
            op.operands.iter().map(|(name, kind)| format!("{name}: {}", operand(*kind))).collect();
        format!(
            "| `{:02x}` | `{}` | {} | {} | {} |",
            op.code,
            op.mnemonic,
            operands.join(", "),
            cost(op),
            op.doc
        )
    })
}

/// `n` static, `n+` with a dynamic charge on top, in bold where the op settles.
fn cost(op: &OpInfo) -> String {
    match op.settle {
        Settle::No => op.cost.to_string(),
        Settle::Yes => format!("**{}**", op.cost),
        Settle::Dynamic => format!("**{}+**", op.cost),
    }
}

fn operand(kind: OperandKind) -> String {
    match kind {
        OperandKind::Destination(class) => format!("→ {}", class_name(class)),
        OperandKind::Source(class) => class_name(class).to_owned(),
        OperandKind::Registers => "registers".to_owned(),
        OperandKind::Integer => "integer constant".to_owned(),
        OperandKind::Float => "index of a float".to_owned(),
        OperandKind::String => "index of a string".to_owned(),
        OperandKind::Function => "index of a function".to_owned(),
        OperandKind::Import => "index of an import".to_owned(),
        OperandKind::Input => "index of an input".to_owned(),
        OperandKind::Context => "index of a context value".to_owned(),
        OperandKind::Metric => "index of a metric".to_owned(),
        OperandKind::State => "index of a STATE variable".to_owned(),
        OperandKind::Case => "number of a case".to_owned(),
        OperandKind::Native => "number of a native".to_owned(),
        OperandKind::Field => "number of a field".to_owned(),
        OperandKind::Depth => "how many blocks out".to_owned(),
    }
}

const fn class_name(class: OperandClass) -> &'static str {
    match class {
        OperandClass::Word => "word",
        OperandClass::Bool => "bool",
        OperandClass::Scalar => "word or bool",
        OperandClass::Float => "float",
        OperandClass::ScalarOrFloat => "word, bool or float",
        OperandClass::String => "string",
        OperandClass::List => "list",
        OperandClass::Record => "record",
        OperandClass::Optional => "optional",
        OperandClass::Enum => "enum",
        OperandClass::Map => "map",
        OperandClass::Any => "any",
        OperandClass::Same => "the result's type",
    }
}

fn natives() -> String {
    table("| number | native | charge | what it gives | for example |", NATIVES, |native| {
        let examples = native.examples.iter().map(|(text, gives)| format!("`{text}` → `{gives}`"));
        format!(
            "| `{:02x}` | `{}` | {} | {} | {} |",
            native.id.0,
            signature(native),
            charge(native.charge),
            native.doc,
            examples.collect::<Vec<_>>().join("; ")
        )
    })
}

/// A native as a declaration reads: `get(list: list<T>, index: int) -> T?`.
pub fn signature(native: &Native) -> String {
    let parameters = native.parameters.iter().map(|(name, pattern)| format!("{name}: {pattern}"));
    format!("{}({}) -> {}", native.name, parameters.collect::<Vec<_>>().join(", "), native.result)
}

const fn charge(charge: Charge) -> &'static str {
    match charge {
        Charge::Fixed => "",
        Charge::Text => "text",
        Charge::Search => "search",
        Charge::Letters => "letters",
        Charge::Items => "items",
        Charge::Values => "values",
        Charge::Sort => "sort",
    }
}

fn rules() -> String {
    table("| rule | name | demand |", RULES, |rule| {
        format!("| {} | {} | {} |", rule.number(), rule.title(), rule.doc())
    })
}

fn refusals() -> String {
    table("| code | meaning |", DecodeErrorKind::ALL, |kind| {
        format!("| {} | {} |", kind.code(), kind.title())
    })
}

fn traps() -> String {
    table("| code | meaning |", TRAP_CODES, |trap| format!("| `{}` | {} |", trap.code(), trap.text()))
}

fn limits() -> String {
    table("| limit | meaning |", LIMIT_KINDS, |limit| format!("| `{}` | {} |", limit.code(), limit.text()))
}

fn names() -> String {
    let names: Vec<String> = dictionary::NAMES.iter().map(|name| format!("`{name}`")).collect();
    let lines: Vec<String> = names.chunks(8).map(|line| line.join(" ")).collect();
    format!("{}\n", lines.join("\n"))
}
