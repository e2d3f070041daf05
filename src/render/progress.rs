//! How an order stands in a fleet: a page, a JSON document, and on a terminal something to watch meanwhile.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::{Map, Value, json};
use swarm_node::registry::Beat;
use swarm_node::status::{Counts, Status};

use super::fleet::duration as figure_duration;
use super::module::row;
use super::style::{bold, dim, error, good, warning};
use super::text::{cut, grouped, padded, safe};

/// Targets that are not active, named before the rest is only counted.
const MOST_NAMED: usize = 12;

/// A bar that shows how far an order is; nothing where stderr is no terminal.
pub(crate) struct Watch(ProgressBar);

impl Watch {
    pub(crate) fn new() -> Watch {
        let bar = ProgressBar::with_draw_target(Some(1), ProgressDrawTarget::stderr_with_hz(20));
        let template = "  {spinner:.cyan} {prefix}  {bar:32.green/dim}  {msg}";
        let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
        bar.set_style(style.progress_chars("▰▰▱").tick_chars("◐◓◑◒●"));
        bar.enable_steady_tick(std::time::Duration::from_millis(120));
        Watch(bar)
    }

    /// How it stands.
    pub(crate) fn show(&self, status: &Status) {
        self.0.set_length(u64::try_from(status.targets).unwrap_or(0));
        self.0.set_position(status.reached.active.into());
        self.0.set_prefix(format!("wave {} of {}  {}", status.waves.len(), status.planned, status.phase));
        self.0.set_message(parts(status.reached));
    }

    /// It is over, and goes.
    pub(crate) fn done(&self) {
        self.0.finish_and_clear();
    }
}

fn parts(counts: Counts) -> String {
    let part = |count: u32, word: &str, paint: fn(&str) -> String| match count {
        0 => dim(&format!("0 {word}")),
        count => paint(&format!("{} {word}", grouped(count.into()))),
    };
    let parts = [
        part(counts.active, "active", good),
        part(counts.refused, "refused", warning),
        part(counts.failed, "failed", error),
        part(counts.silent, "silent", warning),
    ];
    parts.join(&dim(" · "))
}

/// For people.
pub(crate) fn status_text(status: &Status, beats: &[(String, Beat)]) -> String {
    let mut text = format!("{} version {}\n", bold(&safe(&status.program)), status.version);
    row(&mut text, "order", &format!("{}, revision {}", safe(&status.order), safe(&status.revision)));
    let phase = match status.phase.as_str() {
        "converged" if status.reached.not_active() == 0 => good("converged"),
        "converged" => warning("all waves out"),
        "stopped" => good("stopped, its goal reached"),
        "halted" | "rolled back" => error(&status.phase),
        other => warning(&safe(other)),
    };
    row(&mut text, "stands", &format!("{phase} after {}", figure_duration(status.now_ns)));
    for (number, wave) in status.waves.iter().enumerate() {
        let gate = match (wave.passed, wave.judged_ns) {
            (Some(held), Some(at)) => {
                let how = if held { "held" } else { "failed" };
                let after = figure_duration(at.saturating_sub(wave.at_ns));
                format!(
                    "gate {how} after {after}, {} of {} in error",
                    grouped(wave.seen.not_active().into()),
                    grouped(wave.seen.targets.into())
                )
            }
            _ => "gate waits".to_owned(),
        };
        let reach = grouped(wave.reach.into());
        let label = if number == 0 { "waves" } else { "" };
        row(&mut text, label, &format!("{reach} at {}, {gate}", figure_duration(wave.at_ns)));
    }
    let counts = status.reached;
    let sum = format!(
        "{} of {} reached = {} active + {} refused + {} failed + {} silent",
        grouped(counts.targets.into()),
        grouped(status.targets as u128),
        grouped(counts.active.into()),
        grouped(counts.refused.into()),
        grouped(counts.failed.into()),
        grouped(counts.silent.into())
    );
    row(&mut text, "targets", &sum);
    for (name, counts_as, why) in status.exceptions.iter().take(MOST_NAMED) {
        let line =
            format!("{}  {}  {}", padded(&safe(name), 16), padded(&safe(counts_as), 7), cut(&safe(why), 60));
        row(&mut text, "", line.trim_end());
    }
    let hidden = status.exceptions.len().saturating_sub(MOST_NAMED);
    if hidden > 0 {
        row(&mut text, "", &dim(&format!("… and {} more, all in --format json", grouped(hidden as u128))));
    }
    if let Some(first) = status.strangers.first() {
        let more = match status.strangers.len() {
            1 => String::new(),
            count => format!(" and {} more", grouped(count.saturating_sub(1) as u128)),
        };
        let line = format!("another key signs in the name of {}{more}", safe(first));
        row(&mut text, "keys", &error(&line));
    }
    for (text_of, holds) in &status.expected {
        let mark = if *holds { good("holds") } else { warning("does not hold yet") };
        row(&mut text, "expects", &format!("{}: {mark}", safe(text_of)));
    }
    for alert in &status.alerts {
        row(&mut text, "drifts", &warning(&safe(alert)));
    }
    for (process, beat) in beats.iter().filter(|(_, beat)| beat.trouble.is_some()) {
        let trouble = beat.trouble.as_deref().unwrap_or_default();
        row(&mut text, "trouble", &error(&format!("{}: {}", safe(process), safe(trouble))));
    }
    if let Some(trouble) = &status.trouble {
        row(&mut text, "trouble", &error(&format!("injector: {}", safe(trouble))));
    }
    text
}

/// For programs.
pub(crate) fn status_json(status: &Status, beats: &[(String, Beat)]) -> Map<String, Value> {
    let processes: Map<String, Value> = beats
        .iter()
        .map(|(process, beat)| (process.clone(), serde_json::to_value(beat).unwrap_or_default()))
        .collect();
    match json!({ "status": status, "converged": status.converged(), "processes": processes }) {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}
