//! Who there is in a fleet: a table, and a JSON document.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};
use swarm_fleet::name::Name;
use swarm_node::registry::{Beat, EXECUTOR, LEFT, Seen};

use super::fleet::duration;
use super::style::{bold, dim, error, good, warning};
use super::table::{Cell, Side, table};
use super::text::{cut, plural, safe};

/// Who was not heard of for so long is shown so: three times what lies between two words of a process.
const SILENT_NS: i64 = 15_000_000_000;

/// Agents that are listed before the rest is only counted.
const MOST: usize = 200;

/// Those of a fleet.
pub(crate) struct People<'p> {
    pub(crate) agents: &'p BTreeMap<Name, Seen>,
    pub(crate) processes: &'p BTreeMap<String, Beat>,
    /// The targets of what is desired.
    pub(crate) targets: &'p BTreeSet<&'p Name>,
    /// In nanoseconds since the Unix epoch.
    pub(crate) now: i64,
}

impl People<'_> {
    /// Who has not left, and was not heard of for long.
    fn is_silent(&self, seen: &Seen) -> bool {
        let left = seen.state.as_ref().is_some_and(|state| state.status == LEFT);
        !left && self.now.saturating_sub(seen.last_seen) > SILENT_NS
    }

    fn ago(&self, at: i64) -> String {
        let since = u64::try_from(self.now.saturating_sub(at)).unwrap_or(0);
        // Whole seconds are enough.
        let since = since.saturating_sub(since.checked_rem(1_000_000_000).unwrap_or(0));
        if at == 0 { "never".to_owned() } else { format!("{} ago", duration(since)) }
    }

    /// For people.
    pub(crate) fn text(&self) -> String {
        let title = |text: &str| Cell::styled(text, dim);
        let mut rows =
            vec![Vec::from(["agent", "role", "does", "program", "revision", "seen", "labels"].map(title))];
        for (name, seen) in self.agents.iter().take(MOST) {
            let state = seen.state.clone().unwrap_or_default();
            let (status, style): (&str, fn(&str) -> String) = match state.status.as_str() {
                _ if self.is_silent(seen) => ("silent", warning),
                "" => ("registered", dim),
                "active" => ("active", good),
                failed if failed.starts_with("failed") => (failed, error),
                other => (other, str::to_owned),
            };
            let labels: Vec<String> =
                seen.labels.iter().map(|(label, value)| format!("{label}={value}")).collect();
            rows.push(vec![
                Cell::plain(safe(name.as_str())),
                Cell::plain(safe(&seen.role)),
                Cell::styled(cut(&safe(status), 40), style),
                Cell::plain(cut(&safe(state.program.as_deref().unwrap_or("–")), 30)),
                Cell::plain(safe(&state.revision)),
                Cell::plain(self.ago(seen.last_seen)),
                Cell::plain(safe(&labels.join(" "))),
            ]);
        }
        for (process, beat) in self.processes.iter().filter(|(_, beat)| is_other(beat)) {
            let silent = self.now.saturating_sub(beat.at) > SILENT_NS;
            let (status, style): (&str, fn(&str) -> String) =
                if silent { ("silent", warning) } else { ("at work", good) };
            let cells = [safe(process), safe(&beat.role)].map(Cell::plain).into_iter();
            let rest = ["–".to_owned(), String::new(), self.ago(beat.at)].map(Cell::plain);
            rows.push(cells.chain([Cell::styled(status, style)]).chain(rest).collect());
        }
        let mut page = table(&[Side::Left; 7], &rows, 2);
        let hidden = self.agents.len().saturating_sub(MOST);
        if hidden > 0 {
            page.push_str(&dim(&format!("  … and {hidden} more, all in --format json\n")));
        }
        let beside = self.agents.keys().filter(|name| !self.targets.contains(name)).count();
        let beside = match (beside, self.targets.len()) {
            (0, _) | (_, 0) => String::new(),
            (beside, _) => format!(", {beside} of them no targets of what is desired"),
        };
        page.push_str(&format!("  {}{beside}\n", bold(&plural(self.agents.len(), "agent"))));
        page
    }

    /// For programs.
    pub(crate) fn json(&self) -> Value {
        let agents = self.agents.iter().map(|(name, seen)| {
            let labels: Map<String, Value> =
                seen.labels.iter().map(|(label, value)| (label.to_string(), value.as_str().into())).collect();
            let state = seen.state.as_ref();
            json!({
                "name": name.as_str(), "role": seen.role, "labels": labels, "process": seen.process,
                "status": state.map(|state| &state.status), "program": state.and_then(|state| state.program.as_ref()),
                "revision": state.map(|state| &state.revision), "silent": self.is_silent(seen),
                "last_seen_ns": seen.last_seen, "target": self.targets.contains(name),
            })
        });
        let others = self.processes.iter().filter(|(_, beat)| is_other(beat));
        let others = others
            .map(|(process, beat)| json!({ "name": process, "role": beat.role, "last_seen_ns": beat.at }));
        json!({ "agents": agents.collect::<Vec<_>>(), "others": others.collect::<Vec<_>>() })
    }
}

/// A process that has no agents.
fn is_other(beat: &Beat) -> bool {
    !beat.role.is_empty() && beat.role != EXECUTOR
}
