//! What a replay came to, and what another program would have done in the place of the recorded one.

use serde_json::{Value as Json, json};
use swarm_bytecode::codec::digest_text;
use swarm_bytecode::quantity::format;
use swarm_bytecode::types::TypeId;
use swarm_vm::Report;

use super::style::{bold, dim, error, good, name, warning};
use super::text::{cut, grouped, padded, plural, safe};
use crate::recording::{Change, Difference, Moved};

/// Changes listed before the rest is only counted.
const MOST_LISTED: usize = 40;
/// Widest argument.
const WIDEST: usize = 40;

/// What another program did on a recording.
pub(crate) struct Compared {
    pub(crate) report: Report,
    pub(crate) difference: Difference,
    /// Calls that were not recorded: name, arguments as JSON.
    pub(crate) unmatched: Vec<(String, String)>,
    /// Capabilities the recorded program had not.
    pub(crate) more: Vec<String>,
    /// What of the recorded data it does not read.
    pub(crate) warnings: Vec<String>,
}

/// One JSON document.
pub(crate) fn for_programs(before: &Report, compared: Option<&Compared>) -> Json {
    let report = |report: &Report| serde_json::from_str::<Json>(&report.to_json()).unwrap_or(Json::Null);
    let Some(compared) = compared else { return json!({ "recorded": report(before), "repeated": true }) };
    let Compared { difference, unmatched, more, .. } = compared;
    let action = |(name, arguments): &Moved| json!({ "name": name, "args": arguments.iter().map(|text| parsed(text)).collect::<Vec<_>>() });
    let changes = difference.changes.iter().map(|change| match change {
        Change::Added(after) => json!({ "change": "added", "after": action(after) }),
        Change::Removed(before) => json!({ "change": "removed", "before": action(before) }),
        Change::Changed { before, after } => {
            json!({ "change": "changed", "before": action(before), "after": action(after) })
        }
    });
    let kinds = difference.kinds.iter();
    let metrics = difference.metrics.iter();
    let side = |text: &Option<String>| text.as_deref().map_or(Json::Null, parsed);
    json!({
        "recorded": report(before),
        "repeated": true,
        "replayed": report(&compared.report),
        "difference": {
            "same_actions": difference.same,
            "changes": changes.collect::<Vec<_>>(),
            "kinds": kinds.map(|(name, before, after)| json!({ "name": name, "before": before, "after": after })).collect::<Vec<_>>(),
            "metrics": metrics.map(|(name, before, after)| json!({ "name": name, "before": side(before), "after": side(after) })).collect::<Vec<_>>(),
        },
        "unmatched": unmatched.iter().map(|(name, arguments)| json!({ "name": name, "args": parsed(arguments) })).collect::<Vec<_>>(),
        "granted_more": more,
        "notes": compared.warnings,
    })
}

/// A call as a program would write it, near enough: its arguments are a JSON array.
pub(crate) fn asked(call: &str, arguments: &str) -> String {
    let within = arguments.strip_prefix('[').and_then(|arguments| arguments.strip_suffix(']'));
    format!("{call}({})", within.unwrap_or(arguments))
}

fn parsed(text: &str) -> Json {
    serde_json::from_str(text).unwrap_or(Json::Null)
}

/// The page.
pub(crate) fn for_people(recording: &str, before: &Report, compared: Option<&Compared>) -> String {
    let title = bold(&safe(&before.instruction));
    let recording = safe(recording);
    let Some(compared) = compared else {
        let digest = before.trace_digest.as_ref().map(digest_text).unwrap_or_default();
        let actions = plural(usize::try_from(before.actions_issued).unwrap_or(usize::MAX), "action");
        let (same, what) = (good("the same run"), outcome(before));
        let what = format!("{what}, {actions}, {} fuel", grouped(before.fuel_used.into()));
        return format!(
            "{title} {}\n\n  {same}  {what}\n  digest    {digest}\n",
            dim(&format!("· replayed from {recording}"))
        );
    };
    let after = &compared.report;
    let mut page =
        format!("{title} → {} {}\n", bold(&safe(&after.instruction)), dim(&format!("· over {recording}")));
    actions(&compared.difference, &mut page);
    figures(before, after, &compared.difference, &mut page);
    if !compared.unmatched.is_empty() {
        let count = plural(compared.unmatched.len(), "call");
        page.push_str(&format!("\n  {}\n", warning(&format!("{count} the recording has no answer to"))));
        for (call, arguments) in compared.unmatched.iter().take(MOST_LISTED) {
            page.push_str(&format!("    {}\n", cut(&safe(&asked(call, arguments)), WIDEST * 2)));
        }
        more(compared.unmatched.len(), &mut page);
        page.push_str(&format!("    {}\n", dim("actions were done; a query had its last answer, or failed")));
    }
    let notes = compared.more.iter().map(|capability| format!("also granted: {capability}"));
    for note in notes.chain(compared.warnings.iter().cloned()) {
        page.push_str(&format!("\n  {}  {}", dim("note"), safe(&note)));
    }
    if !page.ends_with('\n') {
        page.push('\n');
    }
    page
}

fn more(count: usize, page: &mut String) {
    if let Some(hidden) = count.checked_sub(MOST_LISTED).filter(|hidden| *hidden > 0) {
        page.push_str(&format!(
            "    {}\n",
            dim(&format!("… and {} more, see --format json", grouped(hidden as u128)))
        ));
    }
}

fn outcome(report: &Report) -> String {
    let word = report.outcome.name();
    let word = if report.outcome.applies() { good(word) } else { error(word) };
    match &report.reason {
        Some(reason) => format!("{word} ({})", safe(&reason.message)),
        None => word,
    }
}

/// Each action that differs, then how many there are of each kind.
fn actions(difference: &Difference, page: &mut String) {
    let same = plural(difference.same, "action");
    if difference.changes.is_empty() {
        page.push_str(&format!("\n  {}  {same}\n", good("the same actions")));
        return;
    }
    page.push_str(&format!("\n  would have done otherwise  {}\n", dim(&format!("{same} as before"))));
    for change in difference.changes.iter().take(MOST_LISTED) {
        let line = match change {
            Change::Added(after) => format!("{} {}", good("+"), call(after)),
            Change::Removed(before) => format!("{} {}", error("−"), call(before)),
            Change::Changed { before, after } => {
                let now = arguments(after.1.get(1..).unwrap_or_default());
                format!("{} {}  {}  {now}", warning("~"), call(before), dim("now"))
            }
        };
        page.push_str(&format!("    {line}\n"));
    }
    more(difference.changes.len(), page);
    page.push('\n');
    let width = difference.kinds.iter().map(|(kind, ..)| kind.chars().count()).max().unwrap_or(0);
    for (kind, before, after) in &difference.kinds {
        let count = match before == after {
            true => grouped(*before as u128),
            false => format!("{} → {}", grouped(*before as u128), grouped(*after as u128)),
        };
        page.push_str(&format!("    {}  {count}\n", name(&padded(&safe(kind), width))));
    }
}

fn call((action, of): &Moved) -> String {
    format!("{}  {}", name(&safe(action)), arguments(of)).trim_end().to_owned()
}

fn arguments(arguments: &[String]) -> String {
    let shown = arguments.iter().map(|argument| match parsed(argument) {
        Json::String(text) => cut(&safe(&text), WIDEST).into_owned(),
        _ => cut(&safe(argument), WIDEST).into_owned(),
    });
    shown.collect::<Vec<_>>().join("  ")
}

/// What both used, and what they measured.
fn figures(before: &Report, after: &Report, difference: &Difference, page: &mut String) {
    let text = |value: String| safe(&value).into_owned();
    let mut rows = vec![
        ("outcome".to_owned(), outcome(before), outcome(after)),
        ("fuel".to_owned(), grouped(before.fuel_used.into()), grouped(after.fuel_used.into())),
        ("calls".to_owned(), grouped(before.host_calls.into()), grouped(after.host_calls.into())),
        ("money".to_owned(), format(TypeId::MONEY, before.money), format(TypeId::MONEY, after.money)),
        ("tokens".to_owned(), format(TypeId::TOKENS, before.tokens), format(TypeId::TOKENS, after.tokens)),
    ];
    let side = |value: &Option<String>| value.clone().map_or_else(|| "–".to_owned(), text);
    rows.extend(
        difference.metrics.iter().map(|(metric, before, after)| (metric.clone(), side(before), side(after))),
    );
    page.push('\n');
    let width = rows.iter().map(|(row, ..)| row.chars().count()).max().unwrap_or(0);
    for (row, before, after) in rows {
        let values = if before == after { before } else { format!("{before} → {after}") };
        page.push_str(&format!("  {}  {values}\n", padded(&safe(&row), width)));
    }
}
