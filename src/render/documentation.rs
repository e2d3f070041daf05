//! A program's declarations with what their `///` lines say, as Markdown, as a page and for programs.

use pulldown_cmark::{Event, Parser, html};
use serde_json::{Value, json};
use swarm_compiler::bound::FunctionBound;
use swarm_grammar::ast::{HostClauseKind, Item, ItemKind, Program};
use swarm_grammar::source::SourceFile;
use swarm_grammar::span::Span;

use super::resource::{RESOURCES, Resource};
use super::text::safe_lines;

/// The documentation of one file.
pub(crate) struct Documentation {
    /// What the file is called: `prelude`, or its path.
    pub(crate) name: String,
    /// What the comment at the beginning of the file says.
    introduction: String,
    sections: Vec<(&'static str, Vec<Entry>)>,
}

/// One declaration.
struct Entry {
    name: String,
    /// As it is declared, without a body.
    signature: String,
    docs: String,
    /// What is worth knowing of a host function: `capability`, `effect`, `costs`; of a function, what a call
    /// uses.
    facts: Vec<(&'static str, String)>,
}

/// The parts of a page, in order.
const SECTIONS: [&str; 10] = [
    "Instruction",
    "Inputs and context",
    "Types",
    "Constants",
    "Metrics",
    "State",
    "Actions, queries and events",
    "Functions",
    "Activations and vetoes",
    "Tests",
];

impl Documentation {
    /// What a parsed file says of itself.
    pub(crate) fn new(name: String, source: &SourceFile, program: &Program) -> Documentation {
        let mut sections: Vec<(&str, Vec<Entry>)> =
            SECTIONS.iter().map(|section| (*section, Vec::new())).collect();
        for item in &program.items {
            let Some((section, entry)) = entry(item, source) else { continue };
            if let Some((_, entries)) = sections.iter_mut().find(|(title, _)| *title == section) {
                entries.push(entry);
            }
        }
        sections.retain(|(_, entries)| !entries.is_empty());
        Documentation { name, introduction: introduction(program, source), sections }
    }

    /// Says of the functions what a call costs at most.
    #[must_use]
    pub(crate) fn with_bounds(mut self, bounds: &[FunctionBound]) -> Documentation {
        let functions = self.sections.iter_mut().filter(|(title, _)| *title == "Functions");
        for entry in functions.flat_map(|(_, entries)| entries) {
            if let Some(bound) = bounds.iter().find(|bound| bound.name == entry.name) {
                entry.facts.extend(worst_case(bound));
            }
        }
        self
    }

    /// Number of declarations.
    pub(crate) fn len(&self) -> usize {
        self.sections.iter().map(|(_, entries)| entries.len()).sum()
    }

    /// As Markdown.
    pub(crate) fn markdown(&self) -> String {
        let mut page = format!("# {}\n\n", self.name);
        if !self.introduction.is_empty() {
            page.push_str(&format!("{}\n\n", self.introduction));
        }
        for (title, entries) in &self.sections {
            page.push_str(&format!("## {title}\n\n"));
            for entry in entries {
                page.push_str(&entry.markdown());
            }
        }
        safe_lines(&page)
    }

    /// As a page of its own. HTML in the documentation is shown, not used.
    pub(crate) fn html(&self) -> String {
        let text = self.markdown();
        let events = Parser::new(&text).map(|event| match event {
            Event::Html(raw) | Event::InlineHtml(raw) => Event::Text(raw),
            other => other,
        });
        let mut body = String::new();
        html::push_html(&mut body, events);
        let mut title = String::new();
        html::push_html(&mut title, std::iter::once(Event::Text(self.name.as_str().into())));
        format!(
            "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<title>{title}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n{body}</body>\n</html>\n"
        )
    }

    /// For programs.
    pub(crate) fn for_programs(&self) -> Value {
        let entries = |(title, entries): &(&'static str, Vec<Entry>)| {
            let entries: Vec<Value> = entries.iter().map(Entry::for_programs).collect();
            json!({ "title": title, "entries": entries })
        };
        let sections: Vec<Value> = self.sections.iter().map(entries).collect();
        json!({ "name": self.name, "introduction": self.introduction, "sections": sections })
    }
}

const STYLE: &str = "body{max-width:50rem;margin:2rem auto;padding:0 1rem;font:1rem/1.5 system-ui,sans-serif}\
pre{background:#8881;padding:.6rem;overflow-x:auto}h3{margin-top:2rem}:root{color-scheme:light dark}";

impl Entry {
    fn markdown(&self) -> String {
        let mut text = format!("### {}\n\n```swarm\n{}\n```\n\n", self.name, self.signature);
        if !self.docs.is_empty() {
            text.push_str(&format!("{}\n\n", self.docs));
        }
        for (what, value) in &self.facts {
            let value = if *what == "effect" { value.clone() } else { format!("`{value}`") };
            let most = if WORST_CASE.contains(what) { " at most" } else { "" };
            text.push_str(&format!("- {what}{most}: {value}\n"));
        }
        if !self.facts.is_empty() {
            text.push('\n');
        }
        text
    }

    fn for_programs(&self) -> Value {
        let facts = self.facts.iter().map(|(what, value)| ((*what).to_owned(), json!(value))).collect();
        json!({
            "name": self.name, "signature": self.signature, "documentation": self.docs, "facts": Value::Object(facts),
        })
    }
}

/// Facts of a function: what a call of it uses at most.
const WORST_CASE: [&str; 5] = ["fuel", "memory", "calls", "money", "tokens"];

/// The resources that a call of a function uses, with their formulas.
fn worst_case(bound: &FunctionBound) -> Vec<(&'static str, String)> {
    let fact = |(at, resource): (usize, &Resource)| {
        let formula = bound.formula(at, &resource.show)?;
        Some((*WORST_CASE.get(at)?, formula))
    };
    RESOURCES.iter().enumerate().filter_map(fact).collect()
}

/// The comment that a file begins with, up to the first empty line or declaration. What is indented stays so.
fn introduction(program: &Program, source: &SourceFile) -> String {
    let first = program.items.first().map_or(u32::MAX, |item| item.span.start);
    let mut lines: Vec<String> = Vec::new();
    let mut end = 0;
    for comment in program.comments.iter().filter(|comment| comment.own_line && comment.span.start < first) {
        let gap = source.slice(Span { start: end, end: comment.span.start, ..comment.span });
        if !lines.is_empty() && gap.matches('\n').count() > 1 {
            break;
        }
        end = comment.span.end;
        let text = comment.text.strip_prefix(' ').unwrap_or(&comment.text);
        // Four blanks make a line of code in Markdown.
        lines.push(if text.starts_with("  ") { format!("  {text}") } else { text.to_owned() });
    }
    lines.join("\n").trim().to_owned()
}

/// A declaration and the section it belongs to.
fn entry(item: &Item, source: &SourceFile) -> Option<(&'static str, Entry)> {
    let whole = || source.slice(item.span).to_owned();
    let head = |body: Span| {
        let span = Span { end: body.start, ..item.span };
        source.slice(span).split_whitespace().collect::<Vec<_>>().join(" ")
    };
    let line = || whole().split_whitespace().collect::<Vec<_>>().join(" ");
    let mut facts = Vec::new();
    let (section, name, signature) = match &item.kind {
        ItemKind::Instruction(it) => ("Instruction", it.name.text.to_string(), whole()),
        ItemKind::Input(it) | ItemKind::Context(it) => {
            ("Inputs and context", it.name.text.to_string(), line())
        }
        ItemKind::Type(it) => ("Types", it.name.text.to_string(), whole()),
        ItemKind::Enum(it) => ("Types", it.name.text.to_string(), whole()),
        ItemKind::Const(it) => ("Constants", it.name.text.to_string(), line()),
        ItemKind::Metric(it) => ("Metrics", it.name.text.to_string(), line()),
        ItemKind::State(it) => ("State", it.name.text.to_string(), line()),
        ItemKind::Host(it) => {
            for clause in &it.clauses {
                let text = source.slice(clause.span);
                facts.push(match &clause.kind {
                    HostClauseKind::Requires(_) => ("capability", behind(text)),
                    HostClauseKind::Costs(_) => ("costs", behind(text)),
                    HostClauseKind::Idempotent => ("effect", "doing it twice is doing it once".to_owned()),
                    HostClauseKind::Once => ("effect", "keyed, never repeated blindly".to_owned()),
                });
            }
            ("Actions, queries and events", it.name.text.to_string(), line())
        }
        ItemKind::Event(it) => ("Actions, queries and events", it.name.text.to_string(), line()),
        ItemKind::Func(it) => ("Functions", it.name.text.to_string(), head(it.body.span)),
        ItemKind::On(it) => ("Activations and vetoes", format!("ON {}", it.event.text), head(it.body.span)),
        ItemKind::Every(it) => {
            let period = source.slice(it.period.span);
            ("Activations and vetoes", format!("EVERY {period}"), head(it.body.span))
        }
        ItemKind::Veto(it) => ("Activations and vetoes", format!("VETO {}", it.action.text), line()),
        ItemKind::Test(it) => {
            let name = source.slice(it.name.span).trim_matches('"').to_owned();
            ("Tests", name, whole())
        }
        ItemKind::Use(_) | ItemKind::Error => return None,
    };
    let docs = item.docs.trim().to_owned();
    Some((section, Entry { name, signature, docs, facts }))
}

/// A clause without its keyword.
fn behind(clause: &str) -> String {
    clause.split_once(char::is_whitespace).map_or("", |(_, rest)| rest).trim().to_owned()
}
