//! What the tests share.

use std::fmt::Write as _;
use std::path::PathBuf;

use swarm_compiler::{Checked, Loader, NoFiles, Options, check_with};
use swarm_grammar::diagnostic::{Code, Diagnostic, Fix};
use swarm_grammar::source::{SourceFile, Sources};
use swarm_grammar::span::Span;

/// The root of the repository.
pub(crate) fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The name of a text that has no other.
const NAME: &str = "prices.swarm";

/// Checks a text, its TESTs included.
pub(crate) fn run(text: &str) -> (Checked, Sources) {
    run_file(NAME, text, &NoFiles)
}

/// Checks a text of that name, its TESTs included, with other files beside it.
pub(crate) fn run_file(name: &str, text: &str, loader: &dyn Loader) -> (Checked, Sources) {
    let mut sources = Sources::new();
    let file = sources.add(SourceFile::new(name, text));
    let options = Options { tests: true, ..Options::default() };
    (check_with(&mut sources, file, loader, &options), sources)
}

/// Files by the path they are named by.
pub(crate) struct Files(pub(crate) &'static [(&'static str, &'static str)]);

impl Loader for Files {
    fn load(&self, path: &str, _from: &str) -> Result<String, String> {
        let found = self.0.iter().find(|(name, _)| *name == path);
        found.map(|(_, text)| (*text).to_owned()).ok_or_else(|| "there is no such file".to_owned())
    }
}

/// Checks a text and carries it on to a verified module: what is checked can be compiled. Too large (E0180)
/// is no fault of the checker.
pub(crate) fn run_on(text: &str) -> (Checked, Sources) {
    run_file_on(NAME, text, &NoFiles)
}

/// The same for a text of that name, with other files beside it.
pub(crate) fn run_file_on(name: &str, text: &str, loader: &dyn Loader) -> (Checked, Sources) {
    let (checked, sources) = run_file(name, text, loader);
    if let Some(program) = &checked.program
        && let Err(errors) = swarm_compiler::compile::assemble(program, &sources)
    {
        let words: Vec<String> = errors
            .iter()
            .filter(|found| found.code != Code::E0180)
            .map(|found| render(found, &sources))
            .collect();
        assert!(words.is_empty(), "{text}\n{}", words.join("\n"));
    }
    (checked, sources)
}

/// The codes of a text's diagnostics, in order of place.
pub(crate) fn codes(text: &str) -> Vec<&'static str> {
    run(text).0.diagnostics.iter().map(|found| found.code.as_str()).collect()
}

/// The text with a fix's edits made.
pub(crate) fn apply(text: &str, fix: &Fix) -> String {
    let mut edits = fix.edits.clone();
    edits.sort_by_key(|edit| (edit.span.start, edit.span.end));
    let mut mended = String::new();
    let mut at = 0;
    for edit in edits {
        let (start, end) = (edit.span.start as usize, edit.span.end as usize);
        mended.push_str(&text[at..start]);
        mended.push_str(&edit.text);
        at = end;
    }
    mended.push_str(&text[at..]);
    mended
}

/// A diagnostic as text: code, message, labels with their places, notes, fix.
pub(crate) fn render(found: &Diagnostic, sources: &Sources) -> String {
    let place = |span: Span| {
        let file = sources.get(span.file).unwrap();
        let position = file.position(span.start);
        let text = file.slice(span).lines().next().unwrap_or("").to_owned();
        let name = if file.name().starts_with("std/") { "prelude " } else { "" };
        format!("{name}{}:{} `{text}`", position.line, position.column)
    };
    let mut text = format!("{}: {}\n", found.code.as_str(), found.message);
    let labels = std::iter::once(&found.primary).chain(&found.secondary);
    for label in labels {
        writeln!(text, "  {} {}", place(label.span), label.message).unwrap();
    }
    for note in &found.notes {
        writeln!(text, "  note: {note}").unwrap();
    }
    if let Some(fix) = &found.fix {
        writeln!(text, "  fix: {}", fix.description).unwrap();
        for edit in &fix.edits {
            writeln!(text, "    {} -> `{}`", place(edit.span), edit.text.replace('\n', "⏎")).unwrap();
        }
    }
    text
}

/// The stages' folders of bad programs that belong to the checker.
pub(crate) const STAGES: [&str; 5] = ["name_error", "type_error", "unit_error", "host_error", "warning"];

/// The bad programs of a stage: file name and text, in order.
pub(crate) fn bad_programs(stage: &str) -> Vec<(String, String)> {
    let mut programs: Vec<(String, String)> = std::fs::read_dir(root().join("examples").join(stage))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "swarm"))
        .map(|path| {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            (name, std::fs::read_to_string(&path).unwrap())
        })
        .collect();
    programs.sort();
    programs
}

/// The codes that are the checker's: E018x, E019x and W012x are the code generator's.
pub(crate) fn own_codes() -> impl Iterator<Item = Code> {
    let own = ["E01", "E02", "E03", "W01"];
    let other = ["E018", "E019", "W012"];
    let starts = |code: Code, ranges: &[&str]| ranges.iter().any(|range| code.as_str().starts_with(range));
    Code::ALL.iter().copied().filter(move |code| starts(*code, &own) && !starts(*code, &other))
}
