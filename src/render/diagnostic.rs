//! Findings about a program: for people with the source beside them, for programs as JSON.

use std::collections::BTreeMap;
use std::fmt::{Debug, Display};
use std::ops::Range;

use ariadne::{Cache, Color, Report, ReportKind, Source};
use serde_json::{Value, json};
use swarm_grammar::diagnostic::{Diagnostic, Edit, Fix, Label, Severity};
use swarm_grammar::source::{SourceFile, Sources};
use swarm_grammar::span::{FileId, Span};

use super::style;
use super::text::{cut, picture, plural, safe};

/// Findings shown before the rest is only counted.
const MOST_SHOWN: usize = 20;
/// Longer sources are quoted without drawing: the drawing needs all lines before the place.
const LONGEST_DRAWN_SOURCE: usize = 1 << 20;
/// The same for a line, in characters.
const LONGEST_DRAWN_LINE: usize = 240;
/// Lines of a fix that are shown.
const MOST_FIX_LINES: usize = 4;

/// What was found in a program, and the sources the places lie in.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    /// The program's file first, then those it uses.
    pub(crate) sources: Sources,
    /// By place.
    pub(crate) diagnostics: Vec<Diagnostic>,
}

impl Findings {
    /// Whether there is an error; warnings do not count.
    pub(crate) fn has_errors(&self) -> bool {
        self.diagnostics.iter().any(|diagnostic| diagnostic.severity() == Severity::Error)
    }
}

/// All findings for people, with a summary as the last line. Empty where there are none.
pub(crate) fn for_people(findings: &[Findings]) -> String {
    let mut text = String::new();
    let mut shown = 0_usize;
    for Findings { sources, diagnostics } in findings {
        let mut views = Views { sources, drawn: BTreeMap::new() };
        for diagnostic in diagnostics.iter().take(MOST_SHOWN.saturating_sub(shown)) {
            shown = shown.saturating_add(1);
            text.push_str(&views.render(diagnostic));
            text.push('\n');
        }
    }
    let all: Vec<&Diagnostic> = findings.iter().flat_map(|findings| &findings.diagnostics).collect();
    let hidden = all.len().saturating_sub(shown);
    if hidden > 0 {
        text.push_str(&format!("… and {hidden} more\n\n"));
    }
    text.push_str(&summary(&all));
    text
}

/// `2 errors and 1 warning — swarmc explain E0201 says more`.
fn summary(diagnostics: &[&Diagnostic]) -> String {
    let first_error = diagnostics.iter().find(|diagnostic| diagnostic.severity() == Severity::Error);
    let Some(worst) = first_error.or(diagnostics.first()) else { return String::new() };
    let errors = diagnostics.iter().filter(|diagnostic| diagnostic.severity() == Severity::Error).count();
    let warnings = diagnostics.len().saturating_sub(errors);
    let mut parts = Vec::new();
    if errors > 0 {
        parts.push(style::error(&plural(errors, "error")));
    }
    if warnings > 0 {
        parts.push(style::warning(&plural(warnings, "warning")));
    }
    let more = style::dim(&format!("— `swarmc explain {}` says more", worst.code.as_str()));
    format!("{} {more}\n", parts.join(" and "))
}

/// All findings as the `diagnostics` of a JSON document.
pub(crate) fn for_programs(findings: &[Findings]) -> Value {
    let diagnostics = |findings: &Findings| -> Vec<Value> {
        findings.diagnostics.iter().map(|diagnostic| as_json(diagnostic, &findings.sources)).collect()
    };
    findings.iter().flat_map(diagnostics).collect()
}

fn as_json(diagnostic: &Diagnostic, sources: &Sources) -> Value {
    let place = |span: Span| {
        let file = sources.get(span.file);
        let position = |byte: u32| match file.map(|file| file.position(byte)) {
            Some(position) => json!({ "line": position.line, "column": position.column, "byte": byte }),
            None => Value::Null,
        };
        (file.map_or("", |file| file.name().as_str()), position(span.start), position(span.end))
    };
    let labels: Vec<Value> = std::iter::once(&diagnostic.primary)
        .chain(&diagnostic.secondary)
        .filter(|label| !label.message.is_empty())
        .map(|label| {
            let (file, start, end) = place(label.span);
            json!({ "message": label.message, "file": file, "start": start, "end": end })
        })
        .collect();
    let fix = diagnostic.fix.as_ref().map(|fix| {
        let edits: Vec<Value> = fix
            .edits
            .iter()
            .map(
                |edit| json!({ "start_byte": edit.span.start, "end_byte": edit.span.end, "text": edit.text }),
            )
            .collect();
        json!({ "edits": edits, "description": fix.description })
    });
    let (file, start, end) = place(diagnostic.primary.span);
    json!({
        "code": diagnostic.code.as_str(),
        "severity": match diagnostic.severity() { Severity::Error => "error", Severity::Warning => "warning" },
        "message": diagnostic.message,
        "file": file,
        "start": start,
        "end": end,
        "labels": labels,
        "notes": diagnostic.notes,
        "fix": fix,
    })
}

/// The sources as they are drawn: one visible character for each character, so offsets stay.
struct Views<'s> {
    sources: &'s Sources,
    drawn: BTreeMap<FileId, Option<(String, Source<String>)>>,
}

impl Cache<FileId> for &Views<'_> {
    type Storage = String;

    fn fetch(&mut self, id: &FileId) -> Result<&Source<String>, impl Debug> {
        self.drawn.get(id).and_then(Option::as_ref).map(|(_, source)| source).ok_or("not a drawn source")
    }

    fn display<'a>(&self, id: &'a FileId) -> Option<impl Display + 'a> {
        self.drawn.get(id).and_then(Option::as_ref).map(|(name, _)| name.clone())
    }
}

impl Views<'_> {
    fn render(&mut self, diagnostic: &Diagnostic) -> String {
        let spans =
            || std::iter::once(&diagnostic.primary).chain(&diagnostic.secondary).map(|label| label.span);
        for span in spans() {
            if let Some(file) = self.sources.get(span.file) {
                self.drawn.entry(span.file).or_insert_with(|| drawable(file));
            }
        }
        if spans().all(|span| self.can_draw(span)) { self.draw(diagnostic) } else { self.quote(diagnostic) }
    }

    /// Whether the lines at both ends of a span are fit to be drawn.
    fn can_draw(&self, span: Span) -> bool {
        let short =
            |file: &SourceFile, byte: u32| line_around(file, byte).chars().count() <= LONGEST_DRAWN_LINE;
        matches!(self.drawn.get(&span.file), Some(Some(_)))
            && self
                .sources
                .get(span.file)
                .is_some_and(|file| short(file, span.start) && short(file, span.end))
    }

    /// The finding with its places drawn into the source.
    fn draw(&self, diagnostic: &Diagnostic) -> String {
        let colour = match diagnostic.severity() {
            Severity::Error => Color::Red,
            Severity::Warning => Color::Yellow,
        };
        let head = head(diagnostic);
        let primary = &diagnostic.primary;
        let mut labels = vec![self.label(primary, "here", colour).with_priority(1)];
        labels.extend(diagnostic.secondary.iter().map(|label| self.label(label, "", Color::Cyan)));
        // The drawing shows a file once if its labels come in order; the file of the finding comes first.
        let mut order: Vec<_> = std::iter::once(primary).chain(&diagnostic.secondary).zip(labels).collect();
        order.sort_by_key(|(label, _)| {
            (label.span.file != primary.span.file, label.span.file, label.span.end)
        });
        let report = Report::build(ReportKind::Custom(&head, colour), self.place(primary.span))
            .with_message(style::bold(&safe(&diagnostic.message)))
            .with_labels(order.into_iter().map(|(_, label)| label))
            .finish();
        let mut bytes = Vec::new();
        if report.write(self, &mut bytes).is_err() {
            return self.quote(diagnostic);
        }
        let drawing = String::from_utf8_lossy(&bytes);
        let mut lines: Vec<&str> = drawing.lines().map(str::trim_end).collect();
        // The last line closes the box: advice goes before it, in line with its corner.
        let Some(corner) = lines.pop() else { return self.quote(diagnostic) };
        let margin = corner.chars().filter(|character| *character == '─').count();
        let mut text: String = lines.into_iter().map(|line| format!("{line}\n")).collect();
        for line in self.advice(diagnostic) {
            let bar = style::margin(&format!("{}│", " ".repeat(margin)));
            text.push_str(format!("{bar} {line}").trim_end());
            text.push('\n');
        }
        text.push_str(corner);
        text.push('\n');
        text
    }

    fn place(&self, span: Span) -> (FileId, Range<usize>) {
        (span.file, self.characters(span))
    }

    fn label(&self, label: &Label, silent: &str, colour: Color) -> ariadne::Label<(FileId, Range<usize>)> {
        let words = if label.message.is_empty() { silent } else { &label.message };
        ariadne::Label::new(self.place(label.span)).with_message(safe(words)).with_color(colour)
    }

    /// Notes, and the fix with the lines as they will be.
    fn advice(&self, diagnostic: &Diagnostic) -> Vec<String> {
        let mut lines = vec![String::new()];
        for note in &diagnostic.notes {
            lines.push(format!("{} {}", style::dim("note:"), safe(note)));
        }
        if let Some(fix) = &diagnostic.fix {
            lines.push(format!("{} {}", style::help("help:"), safe(&fix.description)));
            lines.extend(self.fixed_lines(fix));
        }
        if lines.len() == 1 { Vec::new() } else { lines }
    }

    /// The finding with a piece of its line: for sources and lines too long to draw.
    fn quote(&self, diagnostic: &Diagnostic) -> String {
        let paint = match diagnostic.severity() {
            Severity::Error => style::error,
            Severity::Warning => style::warning,
        };
        let head = paint(&format!("{}:", head(diagnostic)));
        let mut text = format!("{head} {}\n", style::bold(&safe(&diagnostic.message)));
        for label in std::iter::once(&diagnostic.primary).chain(&diagnostic.secondary) {
            let Some(file) = self.sources.get(label.span.file) else { continue };
            let at = file.position(label.span.start);
            let (before, after) = around(file, label.span.start);
            text.push_str(&format!("   ╭─[ {}:{}:{} ]\n", safe(file.name()), at.line, at.column));
            text.push_str(&format!("   │ {before}{after}\n"));
            let indent = " ".repeat(before.chars().count());
            text.push_str(&format!("   │ {indent}{} {}\n", paint("^"), safe(&label.message)));
        }
        for note in &diagnostic.notes {
            text.push_str(&format!("   │ note: {}\n", safe(note)));
        }
        if let Some(fix) = &diagnostic.fix {
            text.push_str(&format!("   │ help: {}\n", safe(&fix.description)));
        }
        text
    }

    /// A span in characters. An empty one behind the last words of a file is moved to them.
    fn characters(&self, span: Span) -> Range<usize> {
        let Some(file) = self.sources.get(span.file) else { return 0..0 };
        let text = file.text();
        let count = |byte: u32| text.get(..byte as usize).unwrap_or(text).chars().count();
        let words_end = text.trim_end().len();
        if span.start == span.end && span.start as usize > words_end {
            let end = text.trim_end().chars().count();
            return end..end;
        }
        let start = count(span.start);
        start..count(span.end).max(start)
    }

    /// The lines a fix touches, as they will be, with marks below what is new.
    fn fixed_lines(&self, fix: &Fix) -> Vec<String> {
        let Some(file) = fix.edits.first().and_then(|edit| self.sources.get(edit.span.file)) else {
            return Vec::new();
        };
        let mut edits: Vec<&Edit> = fix.edits.iter().collect();
        edits.sort_by_key(|edit| edit.span.start);
        let mut shown = Vec::new();
        for line in changed_lines(file.text(), &edits).into_iter().take(MOST_FIX_LINES) {
            let mut text = style::margin(&format!("{:>4} │ ", line.number));
            let mut marks = String::new();
            for (piece, new) in &line.pieces {
                let piece: String = piece.chars().map(|c| if c == '\t' { ' ' } else { visible(c) }).collect();
                let mark = if *new { "~" } else { " " };
                marks.push_str(&mark.repeat(piece.chars().count()));
                text.push_str(&if *new { style::good(&piece) } else { piece });
            }
            shown.push(text);
            if marks.contains('~') {
                shown.push(format!("{}{}", style::margin("     │ "), style::good(marks.trim_end())));
            }
        }
        shown
    }
}

/// `error[E0201]`
fn head(diagnostic: &Diagnostic) -> String {
    let kind = match diagnostic.severity() {
        Severity::Error => "error",
        Severity::Warning => "warning",
    };
    format!("{kind}[{}]", diagnostic.code.as_str())
}

/// A line as it is after a fix, in pieces that are old or new.
struct ChangedLine {
    number: usize,
    pieces: Vec<(String, bool)>,
}

/// The lines that edits touch, as they are afterwards. Edits are sorted and do not overlap.
fn changed_lines(text: &str, edits: &[&Edit]) -> Vec<ChangedLine> {
    let (Some(first), Some(last)) = (edits.first(), edits.last()) else { return Vec::new() };
    let start = text.get(..first.span.start as usize).map_or(0, |before| before.rfind('\n').map_or(0, next));
    let tail = last.span.end as usize;
    let end =
        text.get(tail..).and_then(|after| after.find('\n')).map_or(text.len(), |at| tail.saturating_add(at));

    let mut lines = vec![ChangedLine { number: line_number(text, start), pieces: Vec::new() }];
    let mut add = |piece: &str, new: bool| {
        for (index, part) in piece.split('\n').enumerate() {
            if index > 0 {
                let number = lines.last().map_or(1, |line| line.number.saturating_add(1));
                lines.push(ChangedLine { number, pieces: Vec::new() });
            }
            if let Some(line) = lines.last_mut().filter(|_| !part.is_empty()) {
                line.pieces.push((part.to_owned(), new));
            }
        }
    };
    let mut at = start;
    for edit in edits {
        add(text.get(at..edit.span.start as usize).unwrap_or_default(), false);
        add(&edit.text, true);
        at = edit.span.end as usize;
    }
    add(text.get(at..end).unwrap_or_default(), false);

    // Lines between distant edits are as they were.
    let several = edits.len() > 1;
    if several {
        lines.retain(|line| line.pieces.iter().any(|(_, new)| *new));
    }
    lines
}

fn next(byte: usize) -> usize {
    byte.saturating_add(1)
}

fn line_number(text: &str, byte: usize) -> usize {
    next(text.get(..byte).unwrap_or_default().matches('\n').count())
}

/// The source as it is drawn, if it is short enough.
fn drawable(file: &SourceFile) -> Option<(String, Source<String>)> {
    if file.text().len() > LONGEST_DRAWN_SOURCE {
        return None;
    }
    let text: String = file.text().chars().map(|c| if c == '\n' { c } else { visible(c) }).collect();
    Some((safe(file.name()).into_owned(), Source::from(text)))
}

/// As [`picture`], but tabs stay what they are and the CR of a line end is blank.
fn visible(character: char) -> char {
    match character {
        '\t' => '\t',
        '\r' => ' ',
        // Spaces of other kinds would end a line in the drawing.
        '\u{85}' | '\u{2028}' | '\u{2029}' => '\u{fffd}',
        _ => picture(character),
    }
}

fn line_around(file: &SourceFile, byte: u32) -> &str {
    let text = file.text();
    let byte = byte as usize;
    let start = text.get(..byte).map_or(0, |before| before.rfind('\n').map_or(0, next));
    text.get(start..).and_then(|rest| rest.split('\n').next()).unwrap_or_default()
}

/// A few characters of the line before and after a place.
fn around(file: &SourceFile, byte: u32) -> (String, String) {
    let text = file.text();
    let (before, after) = text.split_at_checked(byte as usize).unwrap_or((text, ""));
    let before = before.rsplit('\n').next().unwrap_or_default();
    let after = after.split('\n').next().unwrap_or_default();
    let mut near: Vec<char> =
        before.chars().rev().take(31).map(|c| if c == '\t' { ' ' } else { visible(c) }).collect();
    if near.len() > 30 {
        near.truncate(29);
        near.push('…');
    }
    let near: String = near.into_iter().rev().collect();
    let far: String = after.chars().take(60).map(visible).collect();
    (near, cut(&far, 50).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use swarm_grammar::diagnostic::Code;

    fn render(text: &str, diagnostic: impl Fn(FileId) -> Diagnostic) -> String {
        let mut sources = Sources::new();
        let file = sources.add(SourceFile::new("plan.swarm", text));
        let diagnostics = vec![diagnostic(file)];
        anstream::adapter::strip_str(&for_people(&[Findings { sources, diagnostics }])).to_string()
    }

    #[test]
    fn every_span_of_awkward_texts_is_drawn() {
        for text in [
            "",
            "\n",
            "a",
            "a\r\nb\r\n",
            "\tü\t日本\n\n🐝 x",
            "a\u{2028}b\u{85}c\u{b}\u{c}d\n",
            "\u{1b}[2J\n  ",
        ] {
            let end = u32::try_from(text.len()).unwrap() + 1;
            for start in 0..=end {
                for stop in start..=end {
                    let drawn = render(text, |file| {
                        let other = Span::new(file, end - stop, end - start);
                        Diagnostic::new(Code::E0003, Span::new(file, start, stop), "message")
                            .also(other, "other")
                            .note("note")
                            .fix("write it", Span::new(file, start, stop), "x\ny")
                    });
                    assert!(drawn.starts_with("error[E0003]: message\n"), "{drawn}");
                    assert!(drawn.contains("note: note") && drawn.contains("help: write it"), "{drawn}");
                    assert!(!drawn.contains('\u{1b}') && !drawn.contains('\u{85}'), "{drawn}");
                }
            }
        }
    }

    #[test]
    fn a_line_too_long_to_draw_is_quoted_around_the_place() {
        let text = format!("{}here{}", "(".repeat(5_000), ")".repeat(5_000));
        let quoted = render(&text, |file| {
            Diagnostic::new(Code::E0005, Span::new(file, 5_000, 5_004), "deep").label("too deep")
        });
        assert!(quoted.contains("plan.swarm:1:5001"), "{quoted}");
        assert!(quoted.contains("(here)") && quoted.contains("^ too deep"), "{quoted}");
        assert!(quoted.lines().all(|line| line.chars().count() < 100), "{quoted}");
    }

    #[test]
    fn places_count_characters() {
        let mut sources = Sources::new();
        let file = sources.add(SourceFile::new("plan.swarm", "ü🐝 x\n"));
        let diagnostics = vec![Diagnostic::new(Code::E0101, Span::new(file, 7, 8), "unknown")];
        let json = for_programs(&[Findings { sources, diagnostics }]);
        assert_eq!(json[0]["start"], json!({ "line": 1, "column": 4, "byte": 7 }));
        assert_eq!(json[0]["severity"], "error");
    }

    #[test]
    fn a_fix_shows_the_lines_it_changes() {
        let drawn = render("one\ntwo three\nfour\n", |file| {
            let edits = vec![
                Edit { span: Span::new(file, 14, 18), text: "4".into() },
                Edit { span: Span::new(file, 4, 7), text: "2".into() },
            ];
            Diagnostic::new(Code::E0003, Span::new(file, 4, 7), "words").fixes("use digits", edits)
        });
        assert!(drawn.contains("   2 │ 2 three\n"), "{drawn}");
        assert!(drawn.contains("   3 │ 4\n"), "{drawn}");
    }
}
