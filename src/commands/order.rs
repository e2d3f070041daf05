//! A whole order in virtual time: START, then whatever is due.

use std::ops::ControlFlow;

use serde_json::{Value, json};
use swarm_vm::{Course, Host, Level, Outcome, Posted, Report, TraceSink, VirtualClock, Wake};

use crate::host::events::Event;
use crate::render::text::{grouped, plural};
use crate::status::{Failure, Fault};
use crate::trace_file::TraceFile;

/// What came of an order.
pub(crate) struct Played {
    /// The last activation's report, with the sums of the order; fuel is that of the costliest activation.
    pub(crate) report: Report,
    /// What became of it, in a sentence.
    pub(crate) summary: String,
    counts: Counts,
}

/// How often what happened.
#[derive(Debug, Clone, Copy, Default)]
struct Counts {
    activations: u64,
    ticks: u64,
    events: u64,
    skipped: u64,
    /// Events that nobody heard: beyond their MAX, too many at a time, or after the end.
    dropped: u64,
    fuel: u64,
}

impl Counts {
    fn summary(self) -> String {
        let count = |count: u64| usize::try_from(count).unwrap_or(usize::MAX);
        let mut by = vec![format!("{} by EVERY", grouped(self.ticks.into()))];
        if self.events > 0 || self.dropped > 0 {
            by.push(format!("{} by events", grouped(self.events.into())));
        }
        let mut text = format!(
            "{} in virtual time, {}; {} fuel in all",
            plural(count(self.activations), "activation"),
            by.join(", "),
            grouped(self.fuel.into())
        );
        if self.skipped > 0 {
            text.push_str(&format!("; {} skipped", plural(count(self.skipped), "tick")));
        }
        if self.dropped > 0 {
            text.push_str(&format!("; {} dropped", plural(count(self.dropped), "event")));
        }
        text
    }
}

impl Played {
    /// For programs.
    pub(crate) fn document(&self) -> Value {
        let counts = &self.counts;
        json!({
            "count": counts.activations, "ticks": counts.ticks, "events": counts.events, "skipped": counts.skipped,
            "dropped": counts.dropped, "fuel_used": counts.fuel,
        })
    }
}

/// Plays START, the events, and all that falls due within the time.
pub(crate) fn play(
    course: &mut Course,
    host: &mut Host<'_>,
    (time, events): (u64, Vec<Event>),
    (level, mut trace): (Level, Option<&mut TraceFile>),
) -> Result<Played, Failure> {
    let clock = VirtualClock::default();
    let mut counts = Counts::default();
    let mut whole: Option<Report> = None;
    let mut each = |wake: Wake, report: Report| {
        counts.ticks = counts.ticks.saturating_add(u64::from(matches!(wake, Wake::Tick(_))));
        counts.events = counts.events.saturating_add(u64::from(matches!(wake, Wake::Event(_))));
        whole = Some(match whole.take() {
            Some(before) => join(before, report),
            None => report,
        });
        ControlFlow::Continue(())
    };
    let refused = |refusal| Failure::usage(Fault::WrongData, format_args!("an event is refused: {refusal}"));
    let mut dropped = 0_u64;
    for event in events.into_iter().filter(|event| event.at_ns <= time) {
        for post in [None, Some(event.arguments)] {
            if let Some(arguments) = post {
                let over = course.instance().is_over();
                if over || course.post(&event.name, arguments) != Posted::Queued {
                    dropped = dropped.saturating_add(1);
                    continue;
                }
            }
            let sink = trace.as_deref_mut().map(|trace| (level, trace as &mut dyn TraceSink));
            course.play(event.at_ns, &clock, host, sink, &mut each).map_err(refused)?;
        }
    }
    let sink = trace.as_deref_mut().map(|trace| (level, trace as &mut dyn TraceSink));
    course.play(time, &clock, host, sink, &mut each).map_err(refused)?;
    let instance = course.instance_mut();
    let mut last = None;
    if !instance.is_over() {
        last = instance.end(trace.map(|trace| (level, trace as &mut dyn TraceSink))).trace_digest;
    }
    let order = instance.order();
    let mut report = whole.unwrap_or_else(|| instance.end(None));
    report.trace_digest = last.or(order.trace_digest);
    counts.activations = order.activations;
    counts.fuel = order.fuel_used;
    counts.skipped = course.skipped();
    counts.dropped = dropped;
    Ok(Played { report, summary: counts.summary(), counts })
}

/// Two activations as one: sums, but the greatest of what each may use for itself.
fn join(before: Report, last: Report) -> Report {
    let actions: Vec<_> = before.actions.into_iter().chain(last.actions).collect();
    Report {
        outcome: if last.outcome == Outcome::Done { before.outcome.max(last.outcome) } else { last.outcome },
        fuel_used: before.fuel_used.max(last.fuel_used),
        memory_peak_bytes: before.memory_peak_bytes.max(last.memory_peak_bytes),
        host_calls: before.host_calls.saturating_add(last.host_calls),
        money: before.money.saturating_add(last.money),
        tokens: before.tokens.saturating_add(last.tokens),
        actions_issued: before.actions_issued.saturating_add(last.actions_issued),
        actions_failed: before.actions_failed.saturating_add(last.actions_failed),
        actions_vetoed: before.actions_vetoed.saturating_add(last.actions_vetoed),
        actions_undone: before.actions_undone.saturating_add(last.actions_undone),
        actions_dropped: before.actions_dropped || last.actions_dropped,
        actions: actions.into(),
        ..last
    }
}
