//! docs/errors.md shows what is said of some mistakes, beside what other compilers say. Our side is what is
//! really said: `SWARM_BLESS=1` writes it anew.

use std::fmt::Write as _;

use swarm_grammar::diagnostic::{Diagnostic, Severity};
use swarm_grammar::source::Sources;
use swarm_grammar::span::Span;

use crate::common::{root, run};

/// A diagnostic as the page shows it, without its drawing.
pub(crate) fn shown(found: &Diagnostic, sources: &Sources) -> String {
    let place = |span: Span| {
        let file = sources.get(span.file).unwrap();
        let position = file.position(span.start);
        let own = if file.name().starts_with("std/") { "the prelude's " } else { "" };
        let line = file.slice(span).lines().next().unwrap_or("");
        format!("{own}{}:{} `{line}`", position.line, position.column)
    };
    let word = if found.severity() == Severity::Error { "error" } else { "warning" };
    let mut text = format!("{word}[{}]: {}\n", found.code.as_str(), found.message);
    for label in std::iter::once(&found.primary).chain(&found.secondary) {
        let words = if label.message.is_empty() { String::new() } else { format!(": {}", label.message) };
        writeln!(text, "  at {}{words}", place(label.span)).unwrap();
    }
    for note in &found.notes {
        writeln!(text, "  note: {note}").unwrap();
    }
    if let Some(fix) = &found.fix {
        writeln!(text, "  fix: {}", fix.description).unwrap();
    }
    text
}

#[test]
fn our_side_is_what_is_said() {
    let path = root().join("docs/errors.md");
    let page = std::fs::read_to_string(&path).unwrap();
    let (head, tail) = page.split_once("## Beside other compilers\n").expect("the section");
    let mut renewed = format!("{head}## Beside other compilers\n");
    let mut pieces = tail.split("```swarm\n");
    renewed.push_str(pieces.next().unwrap_or(""));
    let mut count = 0;
    for piece in pieces {
        let (program, rest) = piece.split_once("```\n\n```text\n").expect("a program and what is said of it");
        let (_, rest) = rest.split_once("```\n").expect("the end of what is said");
        let (checked, sources) = run(program);
        assert!(!checked.diagnostics.is_empty(), "nothing is said of\n{program}");
        let said: Vec<String> = checked.diagnostics.iter().map(|found| shown(found, &sources)).collect();
        write!(renewed, "```swarm\n{program}```\n\n```text\n{}```\n{rest}", said.join("")).unwrap();
        count += 1;
    }
    assert!(count >= 12, "only {count} mistakes are compared");
    if std::env::var_os("SWARM_BLESS").is_some() {
        std::fs::write(&path, renewed).unwrap();
    } else {
        assert_eq!(page, renewed, "SWARM_BLESS=1 writes docs/errors.md anew");
    }
}
