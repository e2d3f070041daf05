//! What came of TESTs: for people, for programs, for continuous integration.

use serde_json::{Map, Value, json};
use swarm_grammar::source::{Position, Sources};
use swarm_grammar::span::Span;
use swarmc::testing::{Coverage, Failure, Results, TestResult, shown};

use super::style::{bold, dim, error, good, help, warning};
use super::text::{plural, safe};

/// Actions shown of a test that failed.
const MOST_ACTIONS: usize = 12;

/// The tests of one file.
pub(crate) struct Tested {
    /// The file.
    pub(crate) name: String,
    /// What the places lie in.
    pub(crate) sources: Sources,
    /// What came of them.
    pub(crate) results: Results,
}

impl Tested {
    fn position(&self, span: Span) -> Option<Position> {
        Some(self.sources.get(span.file)?.position(span.start))
    }

    fn place(&self, span: Span) -> String {
        match (self.sources.get(span.file), self.position(span)) {
            (Some(file), Some(at)) => format!("{}:{}:{}", safe(file.name()), at.line, at.column),
            _ => String::new(),
        }
    }

    /// A line of a test as it was written, on one line.
    fn quote(&self, span: Span) -> String {
        let text = self.sources.get(span.file).map_or("", |file| file.slice(span));
        let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
        super::text::cut(&safe(&line), 90).into_owned()
    }
}

/// For people.
pub(crate) fn for_people(tested: &[Tested]) -> String {
    let mut page = String::new();
    for file in tested {
        page.push_str(&format!("{}\n", bold(&safe(&file.name))));
        for test in &file.results.tests {
            page.push_str(&test_text(file, test));
        }
        if let Some(coverage) = &file.results.coverage {
            page.push_str(&coverage_text(coverage));
        }
        page.push('\n');
    }
    let all = tested.iter().map(|file| file.results.tests.len()).sum::<usize>();
    let failed = tested.iter().map(|file| file.results.failed()).sum::<usize>();
    let left_out = tested.iter().map(|file| file.results.left_out).sum::<usize>();
    let mut parts = Vec::new();
    let passed = all.saturating_sub(failed);
    if passed > 0 || failed == 0 {
        parts.push(good(&format!("{} passed", plural(passed, "test"))));
    }
    if failed > 0 {
        parts.push(error(&format!("{} failed", plural(failed, "test"))));
    }
    if left_out > 0 {
        parts.push(dim(&format!("{left_out} left out")));
    }
    page.push_str(&format!("{}\n", parts.join(", ")));
    page
}

fn test_text(file: &Tested, test: &TestResult) -> String {
    if test.passed() {
        return format!("  {} {}\n", good("✓"), safe(&test.name));
    }
    let mut text = format!("  {} {}\n", error("✗"), bold(&safe(&test.name)));
    for failure in &test.failures {
        text.push_str(&format!("      {}  {}\n", dim(&file.place(failure.span)), file.quote(failure.span)));
        let place = failure.place.as_ref().map_or(String::new(), |place| format!(", at {place}"));
        text.push_str(&format!("        {}\n", error(&safe(&format!("{}{place}", failure.message)))));
        if let Some((left, right)) = &failure.sides {
            text.push_str(&format!("        {} {}\n", help("left: "), safe(&shown(left))));
            text.push_str(&format!("        {} {}\n", help("right:"), safe(&shown(right))));
        }
    }
    if test.actions.is_empty() {
        text.push_str(&format!("        {}\n", dim("no action happened")));
    }
    for (at, action) in test.actions.iter().take(MOST_ACTIONS).enumerate() {
        let label = if at == 0 { "happened:" } else { "         " };
        text.push_str(&format!("        {} {}\n", dim(label), safe(&action.to_string())));
    }
    let hidden = test.actions.len().saturating_sub(MOST_ACTIONS);
    if hidden > 0 {
        text.push_str(&format!("                  {}\n", dim(&format!("and {hidden} more"))));
    }
    text
}

fn coverage_text(coverage: &Coverage) -> String {
    let ((lines, all_lines), (ways, all_ways)) = (coverage.lines_run(), coverage.ways_taken());
    let mut text = format!(
        "  {} {lines} of {}{}, {ways} of {}{}\n",
        dim("coverage"),
        plural(all_lines, "line"),
        percent(lines, all_lines),
        plural(all_ways, "way"),
        percent(ways, all_ways)
    );
    let missed = missed_lines(coverage);
    if !missed.is_empty() {
        text.push_str(&format!("           {} {}\n", warning("never ran: line"), missed.join(", ")));
    }
    for ((line, column), branch) in &coverage.branches {
        let never = match (branch.held, branch.failed) {
            (0, 1..) => "never held",
            (1.., 0) => "always held",
            _ => continue,
        };
        text.push_str(&format!(
            "           {} {line}:{column}\n",
            warning(&format!("{never}: the condition at"))
        ));
    }
    text
}

fn percent(part: usize, whole: usize) -> String {
    let percent = part.saturating_mul(100).checked_div(whole);
    percent.map_or(String::new(), |percent| format!(" ({percent}%)"))
}

/// `7`, `9-12`
fn missed_lines(coverage: &Coverage) -> Vec<String> {
    let mut ranges: Vec<(u32, u32)> = Vec::new();
    for (line, _) in coverage.lines.iter().filter(|(_, count)| **count == 0) {
        match ranges.last_mut() {
            Some((_, end)) if end.saturating_add(1) == *line => *end = *line,
            _ => ranges.push((*line, *line)),
        }
    }
    let range = |(start, end): (u32, u32)| {
        if start == end { start.to_string() } else { format!("{start}-{end}") }
    };
    ranges.into_iter().map(range).collect()
}

/// For programs.
pub(crate) fn for_programs(tested: &[Tested]) -> Map<String, Value> {
    let files: Vec<Value> = tested.iter().map(file_json).collect();
    let all = tested.iter().map(|file| file.results.tests.len()).sum::<usize>();
    let failed = tested.iter().map(|file| file.results.failed()).sum::<usize>();
    let members =
        [("passed", json!(all.saturating_sub(failed))), ("failed", json!(failed)), ("files", json!(files))];
    members.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
}

fn file_json(file: &Tested) -> Value {
    let tests: Vec<Value> = file
        .results
        .tests
        .iter()
        .map(|test| {
            let failures: Vec<Value> =
                test.failures.iter().map(|failure| failure_json(file, failure)).collect();
            json!({
                "name": test.name, "passed": test.passed(), "line": file.position(test.span).map(|at| at.line),
                "failures": failures, "actions": test.actions.iter().map(ToString::to_string).collect::<Vec<_>>(),
                "fuel_used": test.fuel,
            })
        })
        .collect();
    let coverage = file.results.coverage.as_ref().map(|coverage| {
        let lines: Map<String, Value> =
            coverage.lines.iter().map(|(line, count)| (line.to_string(), json!(count))).collect();
        let branches: Vec<Value> = coverage
            .branches
            .iter()
            .map(|((line, column), branch)| {
                json!({ "line": line, "column": column, "held": branch.held, "failed": branch.failed })
            })
            .collect();
        json!({ "lines": lines, "branches": branches })
    });
    json!({ "file": file.name, "tests": tests, "left_out": file.results.left_out, "coverage": coverage })
}

fn failure_json(file: &Tested, failure: &Failure) -> Value {
    let at = file.position(failure.span);
    let side =
        |value: &swarm_vm::Value| serde_json::from_str::<Value>(&value.to_json()).unwrap_or(Value::Null);
    json!({
        "line": at.map(|at| at.line), "column": at.map(|at| at.column), "message": failure.message,
        "left": failure.sides.as_ref().map(|(left, _)| side(left)),
        "right": failure.sides.as_ref().map(|(_, right)| side(right)),
        "place": failure.place,
    })
}

/// JUnit's XML.
pub(crate) fn junit(tested: &[Tested]) -> String {
    let mut page = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n");
    for file in tested {
        let results = &file.results;
        page.push_str(&format!(
            "  <testsuite name=\"{}\" tests=\"{}\" failures=\"{}\" skipped=\"{}\">\n",
            xml(&file.name),
            results.tests.len(),
            results.failed(),
            results.left_out
        ));
        for test in &results.tests {
            let line = file.position(test.span).map_or(0, |at| at.line);
            page.push_str(&format!(
                "    <testcase name=\"{}\" classname=\"{}\" file=\"{}\" line=\"{line}\"",
                xml(&test.name),
                xml(&file.name),
                xml(&file.name)
            ));
            if test.passed() {
                page.push_str("/>\n");
                continue;
            }
            page.push_str(">\n");
            for failure in &test.failures {
                let sides = failure.sides.as_ref().map_or(String::new(), |(left, right)| {
                    format!("\nleft: {}\nright: {}", shown(left), shown(right))
                });
                page.push_str(&format!(
                    "      <failure message=\"{}\">{}{}</failure>\n",
                    xml(&failure.message),
                    xml(&format!("{}  {}", file.place(failure.span), file.quote(failure.span))),
                    xml(&sides)
                ));
            }
            page.push_str("    </testcase>\n");
        }
        page.push_str("  </testsuite>\n");
    }
    page.push_str("</testsuites>\n");
    page
}

/// Text within XML. What XML cannot hold is made visible.
fn xml(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in super::text::safe_lines(text).chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            other => escaped.push(other),
        }
    }
    escaped
}
