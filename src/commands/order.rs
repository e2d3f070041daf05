//! A whole order in virtual time: START, then whatever is due.

use serde_json::{Value, json};
use swarm_bytecode::module::Module;
use swarm_vm::{Agenda, Due, Exit, Host, Instance, Level, Outcome, Refusal, Report, VirtualClock};

use crate::render::text::{grouped, plural};
use crate::trace_file::TraceFile;

/// What came of an order.
pub(super) struct Driven {
    /// The last activation's report, with the sums of the order; fuel is that of the costliest activation.
    pub(super) report: Report,
    /// In a sentence.
    pub(super) summary: String,
    activations: u64,
    ticks: u64,
    skipped: u64,
    fuel: u64,
}

impl Driven {
    /// For programs.
    pub(super) fn document(&self) -> Value {
        json!({
            "count": self.activations, "ticks": self.ticks, "skipped": self.skipped, "fuel_used": self.fuel,
        })
    }
}

/// Runs START and all that falls due within the time.
pub(super) fn drive(
    instance: &mut Instance,
    host: &mut Host<'_>,
    module: &Module,
    time: u64,
    (level, mut trace): (Level, Option<&mut TraceFile>),
) -> Driven {
    let clock = VirtualClock::default();
    host.clock(clock.clone());
    let deadline = module.instruction.deadline_ns.and_then(|deadline| u64::try_from(deadline).ok());
    let mut agenda = Agenda::new(module, 0, deadline);
    let mut report = activate(instance, host, level, trace.as_deref_mut(), Instance::start);
    agenda.finished(0);
    let mut ticks = 0_u64;
    while !instance.is_over() {
        let Some(at) = agenda.next_ns().filter(|at| *at <= time) else { break };
        clock.advance_to(at);
        match agenda.next(at) {
            Some(Due::Tick(timer)) => {
                let next = activate(instance, host, level, trace.as_deref_mut(), |own| own.tick(timer));
                report = join(report, next);
                ticks = ticks.saturating_add(1);
            }
            Some(Due::Deadline) => break,
            _ => {}
        }
        agenda.finished(at);
    }
    if !instance.is_over() {
        let last = match trace {
            Some(trace) => instance.close_traced(level, trace),
            None => instance.close(),
        };
        report.trace_digest = last.trace_digest;
    }
    let order = instance.order();
    let skipped = agenda.skipped();
    let mut summary = format!(
        "{} in virtual time, {} of them by EVERY; {} fuel in all",
        plural(usize::try_from(order.activations).unwrap_or(usize::MAX), "activation"),
        grouped(ticks.into()),
        grouped(order.fuel_used.into())
    );
    if skipped > 0 {
        summary.push_str(&format!("; {} skipped", plural(usize::try_from(skipped).unwrap_or(0), "tick")));
    }
    Driven { report, summary, activations: order.activations, ticks, skipped, fuel: order.fuel_used }
}

fn activate(
    instance: &mut Instance,
    host: &mut Host<'_>,
    level: Level,
    trace: Option<&mut TraceFile>,
    begin: impl FnOnce(&mut Instance) -> Result<(), Refusal>,
) -> Report {
    // Timers are the module's own and nothing else is under way: there is nothing to refuse.
    let _begun = begin(instance);
    match trace {
        Some(trace) => match instance.run_traced(host, level, trace) {
            Exit::Finished(report) => report,
            _ => instance.close_traced(level, trace),
        },
        None => match instance.run(host) {
            Exit::Finished(report) => report,
            _ => instance.close(),
        },
    }
}

/// Two activations as one: sums, but the greatest of what each may use for itself.
fn join(before: Report, last: Report) -> Report {
    let mut actions = before.actions;
    actions.extend(last.actions.iter().cloned());
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
        actions,
        ..last
    }
}
