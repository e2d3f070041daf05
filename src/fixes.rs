//! Making the edits that diagnostics propose, as many as go together, until none is left.

use swarm_compiler::{Options, compile_with};
use swarm_grammar::diagnostic::{Code, Diagnostic, Edit, Severity};
use swarm_grammar::source::{Position, SourceFile, Sources};
use swarm_grammar::span::FileId;

use crate::loader::Files;
use crate::render::diagnostic::Findings;

/// A fix may bring to light what another one mends; a program that needs more rounds than this needs a person.
const MOST_ROUNDS: usize = 16;

/// A fix that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Made {
    /// The finding's code.
    pub(crate) code: &'static str,
    /// What was done: "write 1Gbps".
    pub(crate) description: String,
    /// Where it began, in the text as it was in the round it was made.
    pub(crate) at: Position,
}

/// A source file after its fixes.
#[derive(Debug)]
pub(crate) struct Fixed {
    /// The text before.
    pub(crate) before: String,
    /// The text now.
    pub(crate) after: String,
    /// What was done, in order.
    pub(crate) made: Vec<Made>,
    /// What is left to find in the text now.
    pub(crate) findings: Findings,
}

/// Fixes a program until nothing more can be fixed. A round that would leave more errors than it found is not
/// made.
pub(crate) fn fix(source: SourceFile) -> Fixed {
    let before = source.text().to_owned();
    let name = source.name().clone();
    let mut after = before.clone();
    let mut made = Vec::new();
    let mut findings = look(source);
    for _ in 0..MOST_ROUNDS {
        let Some((text, round)) = apply(&after, &findings) else { break };
        let next = look(SourceFile::new(name.clone(), text.clone()));
        if errors(&next) > errors(&findings) {
            break;
        }
        after = text;
        made.extend(round);
        findings = next;
    }
    Fixed { before, after, made, findings }
}

fn look(source: SourceFile) -> Findings {
    let mut sources = Sources::new();
    let file = sources.add(source);
    let diagnostics = compile_with(&mut sources, file, &Files, &Options::default()).diagnostics;
    Findings { sources, diagnostics }
}

fn errors(findings: &Findings) -> usize {
    findings.diagnostics.iter().filter(|diagnostic| diagnostic.severity() == Severity::Error).count()
}

/// The text with every fix that does not touch another one before it. `None`: there is nothing to do.
fn apply(text: &str, findings: &Findings) -> Option<(String, Vec<Made>)> {
    let mut edits: Vec<&Edit> = Vec::new();
    let mut made = Vec::new();
    for diagnostic in &findings.diagnostics {
        // How much there may be at most is not for a tool to decide.
        let Some(fix) = diagnostic.fix.as_ref().filter(|_| diagnostic.code != Code::W0121) else { continue };
        let own = fix.edits.iter().all(|edit| edit.span.file == FileId(0));
        let free = |edit: &Edit| edits.iter().all(|other| apart(edit, other));
        if own && fix.edits.iter().all(free) {
            edits.extend(&fix.edits);
            made.push(describe(diagnostic, &fix.description, findings));
        }
    }
    edits.sort_by_key(|edit| (edit.span.start, edit.span.end));
    let mut fixed = String::with_capacity(text.len());
    let mut at = 0;
    for edit in edits {
        fixed.push_str(text.get(at..edit.span.start as usize)?);
        fixed.push_str(&edit.text);
        at = edit.span.end as usize;
    }
    fixed.push_str(text.get(at..)?);
    (fixed != text).then_some((fixed, made))
}

/// Whether two edits leave each other alone. Edits that touch do not: whichever came first would decide.
fn apart(left: &Edit, right: &Edit) -> bool {
    left.span.end < right.span.start || right.span.end < left.span.start
}

fn describe(diagnostic: &Diagnostic, description: &str, findings: &Findings) -> Made {
    let start = diagnostic.primary.span.start;
    let at = findings.sources.get(FileId(0)).map(|file| file.position(start));
    Made {
        code: diagnostic.code.as_str(),
        description: description.to_owned(),
        at: at.unwrap_or(Position { line: 1, column: 1 }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_that_can_be_fixed_is_fixed() {
        let text = "FUNC f() {\n  FOR EACH task IN task_queue {\n    IF task.network > 1GB && task.memory > 1gb THEN\n      REDUCE_MEMORY_CACH(task, 30%)\n  }\n}\n";
        let fixed = fix(SourceFile::new("plan.swarm", text));
        assert!(!fixed.findings.has_errors(), "{:?}", fixed.findings.diagnostics);
        assert!(fixed.after.contains("task.network > 1Gbps AND task.memory > 1GB"), "{}", fixed.after);
        assert!(fixed.after.contains("REDUCE_MEMORY_CACHE(task, 30%)"), "{}", fixed.after);
        assert!(fixed.made.len() >= 4);
    }

    #[test]
    fn what_cannot_be_fixed_stays_as_it_is() {
        let fixed = fix(SourceFile::new("plan.swarm", "FUNC f() { nonsense_without_a_neighbour() }\n"));
        assert_eq!(fixed.before, fixed.after);
        assert!(fixed.made.is_empty() && fixed.findings.has_errors());
    }
}
