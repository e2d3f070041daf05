//! The live display of a fleet at work: only on a terminal, and gone when the report comes.

use std::time::Instant;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use swarm_bytecode::module::{MetricKind, Module};
use swarm_fleet::simulate::{Outcome, Snapshot};

use super::fleet::figure_words;
use super::style::{bold, dim, error, good, warning};
use super::text::grouped;
use crate::terminal::Terminal;

/// Figures shown while it runs.
const MOST_FIGURES: usize = 4;

/// What is shown.
pub(crate) struct Live {
    bars: Option<Bars>,
    module: Module,
    begun: Instant,
    terminal: Terminal,
}

struct Bars {
    all: MultiProgress,
    time: ProgressBar,
    agents: ProgressBar,
    figures: ProgressBar,
}

impl Live {
    /// Shows nothing yet, and never anything where stderr is no terminal.
    pub(crate) fn new(module: &Module, terminal: Terminal) -> Live {
        let target = ProgressDrawTarget::stderr_with_hz(20);
        let bars = (!target.is_hidden()).then(|| Bars::new(target));
        Live { bars, module: module.clone(), begun: Instant::now(), terminal }
    }

    /// How it stands.
    pub(crate) fn show(&mut self, snapshot: &Snapshot<'_>) {
        let Some(bars) = &self.bars else { return };
        let seconds = |nanoseconds: u64| nanoseconds / 1_000_000_000;
        bars.time.set_length(seconds(snapshot.lasts_ns));
        bars.time.set_position(seconds(snapshot.now_ns));
        let (wave, waves) = snapshot.wave;
        let phase = snapshot.phase.map_or("about to begin", |phase| phase.name());
        bars.time.set_message(format!(
            "{} {}",
            clock(snapshot.now_ns),
            dim(&format!("of {}", clock(snapshot.lasts_ns)))
        ));
        bars.time.set_prefix(format!("{}  {phase}", bold(&format!("wave {wave} of {waves}"))));
        let accounting = snapshot.accounting;
        bars.agents.set_length(u64::try_from(snapshot.targets).unwrap_or(0));
        bars.agents.set_position(u64::from(accounting.active));
        let part = |count: u32, word: &str, paint: fn(&str) -> String| match count {
            0 => dim(&format!("0 {word}")),
            count => paint(&format!("{} {word}", grouped(count.into()))),
        };
        bars.agents.set_message(
            [
                part(accounting.active, "active", good),
                part(accounting.refused, "refused", warning),
                part(accounting.failed, "failed", error),
                part(accounting.silent, "silent", warning),
            ]
            .join(&dim(" · ")),
        );
        // Sums first: they are what an order is for.
        let mut figures: Vec<_> = self.module.metrics.iter().zip(snapshot.figures).collect();
        figures.sort_by_key(|(metric, _)| metric.kind != MetricKind::Total);
        let shown = figures.into_iter().filter_map(|(metric, figure)| {
            Some(format!("{} {}", dim(&metric.name), figure_words(metric, figure)?))
        });
        let shown: Vec<String> = shown.take(MOST_FIGURES).collect();
        bars.figures.set_message(shown.join("   "));
    }

    /// It is over: the display goes, and says how long it took.
    pub(crate) fn done(self, outcome: &Outcome) {
        let Some(bars) = self.bars else { return };
        bars.time.finish_and_clear();
        bars.agents.finish_and_clear();
        bars.figures.finish_and_clear();
        // Nobody is left to tell if the screen cannot be cleared.
        let _cleared = bars.all.clear();
        let took = self.begun.elapsed().as_secs_f64();
        let words = format!(
            "{} of virtual time in {took:.1} s, {} things that happened\n\n",
            clock(outcome.ended_ns),
            grouped(outcome.happenings.into())
        );
        self.terminal.talk(&dim(&words));
    }
}

impl Bars {
    fn new(target: ProgressDrawTarget) -> Bars {
        let all = MultiProgress::with_draw_target(target);
        let bar = |template: &str| {
            let style =
                ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
            let style = style.progress_chars("▰▰▱").tick_chars("◐◓◑◒●");
            all.add(ProgressBar::new(1).with_style(style))
        };
        let time = bar("  {prefix}\n\n  {spinner:.cyan} time    {bar:32.cyan/dim}  {msg}");
        let agents = bar("    agents  {bar:32.green/dim}  {msg}");
        let figures = bar("    {msg}");
        time.enable_steady_tick(std::time::Duration::from_millis(120));
        Bars { time, agents, figures, all }
    }
}

/// `01:23:45`.
fn clock(nanoseconds: u64) -> String {
    let seconds = nanoseconds / 1_000_000_000;
    format!("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60)
}
