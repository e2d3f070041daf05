//! The account of a run for people: as a page for the terminal, and as Markdown. Both show the document.

use serde_json::Value as Json;

use super::account::Page;
use crate::render::style::{bold, dim, error, good, warning};
use crate::render::text::{grouped, safe};

/// Rows of a list that are shown.
const MOST_ROWS: usize = 10;

/// A table: its title, its columns, its rows.
struct Section {
    title: String,
    columns: Vec<&'static str>,
    rows: Vec<Vec<String>>,
    /// What is to be said beneath it.
    note: Option<String>,
}

fn text_of(json: &Json) -> String {
    match json {
        Json::Null => "–".to_owned(),
        Json::String(text) => safe(text).to_string(),
        Json::Number(number) => {
            number.as_u64().map_or_else(|| number.to_string(), |count| grouped(count.into()))
        }
        other => other.to_string(),
    }
}

fn at(json: &Json, place: &str) -> String {
    json.pointer(place).map_or_else(|| "–".to_owned(), text_of)
}

fn list<'j>(json: &'j Json, place: &str) -> &'j [Json] {
    json.pointer(place).and_then(Json::as_array).map(Vec::as_slice).unwrap_or_default()
}

fn is_true(json: &Json, name: &str) -> bool {
    json.get(name).and_then(Json::as_bool) == Some(true)
}

/// Whether an expectation is judged: while a run goes on, one that is due later is not.
fn is_due(expectation: &Json) -> bool {
    expectation.get("judged").is_some_and(|judged| !judged.is_null())
}

/// The verdict in one line: both whether the agents are where they should be, and what was expected of them.
fn verdict(document: &Json) -> String {
    let expectations = list(document, "/expectations");
    let due: Vec<&Json> = expectations.iter().filter(|own| is_due(own)).collect();
    let missed = due.iter().filter(|own| !is_true(own, "holds")).count();
    let (active, targets) = (at(document, "/accounting/active"), at(document, "/accounting/targets"));
    let met = match (due.len(), missed) {
        (0, _) if expectations.len() == 1 => "the expectation is not due yet".to_owned(),
        (0, _) if !expectations.is_empty() => "no expectation is due yet".to_owned(),
        (0, _) => "nothing was expected".to_owned(),
        (1, 0) => "the expectation is met".to_owned(),
        (1, _) => "the expectation is missed".to_owned(),
        (all, 0) => format!("all {all} expectations are met"),
        (all, missed) => format!("{missed} of {all} expectations are missed"),
    };
    let outcome = match at(document, "/outcome").as_str() {
        "converged" if active != targets => "all waves out".to_owned(),
        other => other.to_owned(),
    };
    let reached = match outcome.as_str() {
        "halted" => "stand still",
        "rolled back" => "went back",
        "stopped" => "stopped",
        _ => "active",
    };
    format!("{outcome}: {active} of {targets} targets {reached}; {met}")
}

/// In how many agents' traces something stands, and from when to when.
fn range(own: &Json) -> String {
    format!("{} agents, {} to {}", at(own, "/traces/agents"), at(own, "/traces/from"), at(own, "/traces/to"))
}

fn members<'j>(document: &'j Json, place: &str) -> impl Iterator<Item = (&'j String, &'j Json)> {
    document.pointer(place).and_then(Json::as_object).into_iter().flatten()
}

fn cells<const N: usize>(own: &Json, places: [&str; N]) -> Vec<String> {
    places.map(|place| at(own, place)).to_vec()
}

fn section(title: impl Into<String>, columns: &[&'static str], rows: Vec<Vec<String>>) -> Section {
    Section { title: title.into(), columns: columns.to_vec(), rows, note: None }
}

/// What is not there has no section.
fn sections(document: &Json) -> Vec<Section> {
    let mut sections = vec![
        expected(document),
        drift(document),
        figures(document),
        actions(document),
        spent(document),
        failures(document),
        leaderboard(document),
        rewards(document),
        baseline(document),
    ];
    sections.retain(|section| !section.rows.is_empty());
    sections
}

fn expected(document: &Json) -> Section {
    let row = |own: &Json| {
        let mark = match (is_true(own, "holds"), is_due(own)) {
            (true, _) => "✓",
            (false, true) => "✗",
            (false, false) => "·",
        };
        let mut row = vec![mark.to_owned()];
        row.extend(cells(own, ["/expectation", "/line", "/by", "/first_held", "/says"]));
        row
    };
    let rows = list(document, "/expectations").iter().map(row).collect();
    section("expected", &["", "expectation", "line", "by", "first held", "says"], rows)
}

fn drift(document: &Json) -> Section {
    let row = |own: &Json| {
        let agents: Vec<String> = list(own, "/agents").iter().take(3).map(text_of).collect();
        let mut row = cells(own, ["/at", "/line", "/figure"]);
        row.push(agents.join(" "));
        row.extend(cells(own, ["/message", "/to_change"]));
        row
    };
    let rows = list(document, "/alerts").iter().map(row).collect();
    section("drift", &["at", "line", "figure", "agents", "says", "to change"], rows)
}

fn figures(document: &Json) -> Section {
    let row = |(name, own): (&String, &Json)| {
        let of = format!("{} {}", at(own, "/denominator"), at(own, "/unit"));
        vec![safe(name).to_string(), at(own, "/kind"), at(own, "/says"), of, range(own)]
    };
    let rows = members(document, "/figures").map(row).collect();
    section("figures", &["figure", "kind", "is", "of", "in the traces of"], rows)
}

fn actions(document: &Json) -> Section {
    let row = |(name, own): (&String, &Json)| {
        let mut row = vec![safe(name).to_string()];
        row.extend(cells(own, ["/numerator", "/denominator", "/rate", "/failed", "/vetoed"]));
        row.push(range(own));
        row
    };
    let rows = members(document, "/actions").map(row).collect();
    section("actions", &["action", "done", "of", "rate", "failed", "vetoed", "in the traces of"], rows)
}

fn spent(document: &Json) -> Section {
    let limited = ["money", "tokens"].into_iter().filter(|name| {
        document.pointer(&format!("/spent/{name}/denominator")).is_some_and(|own| !own.is_null())
    });
    let row = |name: &str| {
        let of = |member: &str| at(document, &format!("/spent/{name}/{member}"));
        vec![name.to_owned(), of("numerator"), of("denominator"), of("rate")]
    };
    let fuel =
        format!("{} fuel in {} activations", at(document, "/spent/fuel"), at(document, "/spent/activations"));
    Section { note: Some(fuel), ..section("spent", &["", "used", "of", "rate"], limited.map(row).collect()) }
}

fn failures(document: &Json) -> Section {
    let items = list(document, "/failures/items").iter().take(MOST_ROWS);
    let rows = items.map(|own| cells(own, ["/what", "/why", "/numerator", "/rate", "/agents"])).collect();
    section("failures by cause", &["what", "why", "times", "share", "agents"], rows)
}

fn leaderboard(document: &Json) -> Section {
    let row = |own: &Json| {
        let mut row = cells(own, ["/place", "/agent", "/value", "/activations"]);
        row.push(if is_true(own, "outlier") { "outlier".to_owned() } else { String::new() });
        row
    };
    let rows = list(document, "/leaderboard/items").iter().take(MOST_ROWS).map(row).collect();
    let of = |member: &str| at(document, &format!("/leaderboard/{member}"));
    let note = format!(
        "{} ranked, {} with fewer than {} activations, {} outliers; {}",
        of("ranked"),
        of("too_few"),
        of("minimum_sample"),
        of("outliers"),
        of("ties"),
    );
    let title = format!("leaderboard by {}", of("metric"));
    Section { note: Some(note), ..section(title, &["place", "agent", "value", "activations", ""], rows) }
}

fn rewards(document: &Json) -> Section {
    let items = list(document, "/rewards/items").iter().take(MOST_ROWS);
    let rows = items.map(|own| cells(own, ["/agent", "/amount"])).collect();
    let title = format!("rewards: {} dealt out", at(document, "/rewards/pot"));
    Section { note: Some(at(document, "/rewards/rule")), ..section(title, &["agent", "amount"], rows) }
}

fn baseline(document: &Json) -> Section {
    let items = list(document, "/baseline/items").iter();
    let rows = items.map(|own| cells(own, ["/figure", "/was", "/is", "/change"])).collect();
    let title = format!("against the baseline, order {}", at(document, "/baseline/order"));
    section(title, &["figure", "was", "is", "change"], rows)
}

fn evidence(document: &Json) -> String {
    let trace = |name: &str| at(document, &format!("/traces/{name}"));
    let mut line =
        format!("{} entries in {} chunks of {} agents", trace("entries"), trace("chunks"), trace("agents"));
    for (member, words) in [
        ("awaited", "entries told of and not here yet: the order is still going on"),
        ("torn", "starts after a crash, what came after their last word on disk is lost"),
        ("new_disks", "starts with a new disk"),
        ("lost", "entries not kept"),
        ("faults", "FAULTS: see swarmc trace verify"),
    ] {
        if document.pointer(&format!("/traces/{member}")).and_then(Json::as_u64).unwrap_or(0) > 0 {
            line.push_str(&format!("; {} {words}", trace(member)));
        }
    }
    line
}

/// For the terminal.
pub(crate) fn text(page: &Page<'_>) -> String {
    let document = Json::Object(page.document());
    let head = format!("{} version {}", at(&document, "/instruction"), at(&document, "/version"));
    let mut out = format!("{} {}\n\n", bold(&head), dim(&format!("· order {}", at(&document, "/order"))));
    let line = verdict(&document);
    let missed = line.contains("missed");
    let whole = document.pointer("/accounting/active") == document.pointer("/accounting/targets");
    let shown = if missed {
        warning(&line)
    } else if whole {
        good(&line)
    } else {
        error(&line)
    };
    out.push_str(&format!("  {shown} {}\n", dim(&format!("after {}", at(&document, "/ended")))));
    for section in sections(&document) {
        out.push_str(&format!("\n  {}\n", dim(&section.title)));
        let widths: Vec<usize> = (0..section.columns.len())
            .map(|column| {
                let cells =
                    section.rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count());
                cells
                    .max()
                    .unwrap_or(0)
                    .max(section.columns.get(column).map_or(0, |name| name.chars().count()))
            })
            .collect();
        let line = |row: &mut dyn Iterator<Item = &str>| {
            let padded = row.zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
            padded.collect::<Vec<_>>().join("  ").trim_end().to_owned()
        };
        out.push_str(&format!("    {}\n", dim(&line(&mut section.columns.iter().copied()))));
        for row in &section.rows {
            out.push_str(&format!("    {}\n", line(&mut row.iter().map(String::as_str))));
        }
        if let Some(note) = &section.note {
            out.push_str(&format!("    {}\n", dim(note)));
        }
    }
    out.push_str(&format!("\n  {}\n    {}\n", dim("evidence"), evidence(&document)));
    out.push_str(&format!("    heads {}\n", at(&document, "/traces/heads")));
    out
}

/// As Markdown.
pub(crate) fn markdown(page: &Page<'_>) -> String {
    let document = Json::Object(page.document());
    let cell = |text: &str| text.replace('|', "\\|");
    let mut out = format!(
        "# {} version {}\n\nOrder `{}`, {} after {}\n",
        at(&document, "/instruction"),
        at(&document, "/version"),
        at(&document, "/order"),
        verdict(&document),
        at(&document, "/ended"),
    );
    for section in sections(&document) {
        out.push_str(&format!("\n## {}\n\n", section.title));
        out.push_str(&format!("| {} |\n", section.columns.join(" | ")));
        out.push_str(&format!("|{}\n", " --- |".repeat(section.columns.len())));
        for row in &section.rows {
            let cells: Vec<String> = row.iter().map(|own| cell(own)).collect();
            out.push_str(&format!("| {} |\n", cells.join(" | ")));
        }
        if let Some(note) = &section.note {
            out.push_str(&format!("\n{note}\n"));
        }
    }
    out.push_str(&format!(
        "\n## evidence\n\n{}; heads `{}`\n",
        evidence(&document),
        at(&document, "/traces/heads")
    ));
    out
}
