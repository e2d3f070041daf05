//! What came of an order in a fleet: for people a page, for programs one JSON document, for the governor its
//! essence. Each figure says of how many it is.

pub(crate) mod account;
pub(crate) mod account_text;
mod document;
mod figure;
mod parts;
pub(crate) mod plausible;
mod shortfall;

use swarm_bytecode::codec::digest_text;
use swarm_bytecode::module::Module;
use swarm_bytecode::types::TypeId;
use swarm_compiler::bound::fleet;
use swarm_fleet::injector::{Accounting, Phase, WaveReport};
use swarm_fleet::message::Status as AgentStatus;
use swarm_fleet::monitor::ERROR_RATE;
use swarm_fleet::refusal::Cause;
use swarm_fleet::simulate::{Outcome, Setup};
use swarm_fleet::window::{Actions, Figure, Totals};

use super::amount::{self, gauge, share};
use super::module::{priority, row};
use super::style::{bold, dim, error, good, name, warning};
use super::text::{cut, grouped, padded, plural, safe};
use crate::cli::SimulateArguments;
use crate::program::Loaded;
use crate::status::Status;
pub(crate) use figure::duration;
use figure::figure_text;
pub(crate) use figure::figure_words;

/// Agents that are not active, named before the rest is only counted.
const MOST_NAMED: usize = 8;

/// What is known before anything happens.
pub(crate) struct Facts {
    seed: u64,
    agents: usize,
    program: String,
    plan_bytes: usize,
    order: String,
    lasts_ns: u64,
    faults: bool,
    /// Micro-dollars: an agent's worst case, the fleet's, and each agent's share of the budget.
    bill: [Option<u64>; 3],
    notes: Vec<String>,
}

impl Facts {
    /// Of a simulation about to begin.
    pub(crate) fn new(
        setup: &Setup,
        arguments: &SimulateArguments,
        loaded: &Loaded,
        notes: Vec<String>,
    ) -> Facts {
        let sum = swarm_compiler::bound::Report { order: loaded.module.bound.clone(), ..Default::default() };
        let report = loaded.bill.as_ref().map_or(&sum, |(report, _)| report);
        let targets = u64::try_from(setup.targets.len()).ok();
        let bill = fleet(report, &loaded.module, targets, &std::collections::BTreeMap::new());
        Facts {
            seed: arguments.seed,
            agents: setup.profiles.len(),
            program: digest_text(&setup.program.digest()),
            plan_bytes: setup.plan_bytes,
            order: setup.order.iter().map(|byte| format!("{byte:02x}")).collect(),
            lasts_ns: setup.lasts_ns,
            faults: arguments.faults,
            bill: [bill.agent.money, bill.fleet.money, bill.money_share],
            notes,
        }
    }
}

/// A simulation that is over.
pub(crate) struct Report<'a> {
    pub(crate) outcome: &'a Outcome,
    pub(crate) facts: &'a Facts,
    pub(crate) module: &'a Module,
}

impl Report<'_> {
    fn accounting(&self) -> Accounting {
        self.outcome.injector.accounting()
    }

    fn phase(&self) -> Phase {
        self.outcome.injector.phase().unwrap_or(Phase::Rolling)
    }

    /// The exit code: something that must always hold did not; or targets are silent, or the order went no
    /// further.
    pub(crate) fn status(&self) -> Status {
        let reached = matches!(self.phase(), Phase::Converged | Phase::Stopped);
        match () {
            () if !self.outcome.violations.is_empty() => Status::Failed,
            () if reached && self.accounting().not_active() == 0 => Status::Done,
            () => Status::NotConverged,
        }
    }

    /// The page.
    pub(crate) fn for_people(&self) -> String {
        let header = &self.module.instruction;
        let what = format!("version {}", header.version);
        let how =
            format!("· {} simulated agents, seed {}", grouped(self.facts.agents as u128), self.facts.seed);
        let faults = if self.facts.faults { dim(", with faults") } else { String::new() };
        let mut page = format!("{} {what} {}{faults}\n\n", bold(&safe(&header.name)), dim(&how));
        self.order(&mut page);
        self.waves(&mut page);
        self.accounts(&mut page);
        self.expectations(&mut page);
        let totals = self.outcome.monitor.totals();
        self.figures(&totals, &mut page);
        self.actions(&totals, &mut page);
        self.spent(&totals, &mut page);
        self.evidence(&mut page);
        page
    }

    fn order(&self, page: &mut String) {
        let header = &self.module.instruction;
        let lasts = duration(self.facts.lasts_ns);
        row(
            page,
            "order",
            &format!("{}, priority {}, for {lasts}", self.facts.order, priority(header.priority)),
        );
        let digest: String = self.facts.program.chars().take(19).collect();
        let size = grouped(self.facts.plan_bytes as u128);
        row(
            page,
            "signed",
            &format!("{digest}… in a plan of {size} bytes, by governor; steps by the injector"),
        );
        let [agent, fleet, share] = self.facts.bill.map(|amount| Some(amount::money(amount?.into())));
        let unbounded = || "unbounded".to_owned();
        let mut bill = format!(
            "at most {} an agent, {} the fleet",
            agent.unwrap_or_else(unbounded),
            fleet.unwrap_or_else(unbounded)
        );
        if let (Some(budget), Some(share)) = (header.budget_money, share) {
            bill.push_str(&format!(
                "; {} dealt out, {share} each",
                amount::money(budget.unsigned_abs().into())
            ));
        }
        row(page, "bill", &bill);
    }

    fn waves(&self, page: &mut String) {
        let head = ["wave", "went out", "reaches", "active", "refused", "failed", "silent", "gate"];
        let mut rows = vec![head.map(str::to_owned)];
        for (number, wave) in self.outcome.injector.waves().iter().enumerate() {
            let accounting = self.judged(wave);
            let count = |count: u32| grouped(count.into());
            rows.push([
                (number.saturating_add(1)).to_string(),
                duration(wave.at_ns),
                count(wave.reach),
                count(accounting.active),
                count(accounting.refused),
                count(accounting.failed),
                count(accounting.silent),
                gate_text(wave, accounting),
            ]);
        }
        let width = |column: usize| {
            rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0)
        };
        page.push('\n');
        for (at, row) in rows.iter().enumerate() {
            let cells = row.iter().enumerate().map(|(column, cell)| match column {
                7 => cell.clone(),
                _ => format!("{cell:>width$}", width = width(column)),
            });
            let line = cells.collect::<Vec<_>>().join("  ");
            page.push_str(&format!("  {}\n", if at == 0 { dim(&line) } else { line }));
        }
        let skipped =
            self.outcome.injector.plan().waves.len().saturating_sub(self.outcome.injector.waves().len());
        if skipped > 0 {
            let waves = if skipped == 1 { "wave" } else { "waves" };
            page.push_str(&format!("  {}\n", dim(&format!("{skipped} {waves} never went out"))));
        }
    }

    /// A wave that was not judged is told as it stands.
    fn judged(&self, wave: &WaveReport) -> Accounting {
        if wave.passed.is_some() { wave.accounting } else { self.accounting() }
    }

    fn accounts(&self, page: &mut String) {
        let accounting = self.accounting();
        let how = match self.phase() {
            Phase::Converged if accounting.not_active() == 0 => good("all agents converged"),
            Phase::Converged => warning("all waves out"),
            Phase::Stopped => good("stopped, its goal reached"),
            Phase::Rolling => warning("still rolling out"),
            Phase::RolledBack => error("rolled back"),
            Phase::Halted => error("halted"),
        };
        let count = |count: u32| grouped(count.into());
        page.push_str(&format!(
            "\n  {how} {} {}{}\n  {} reached = {} active + {} refused + {} failed + {} silent\n",
            dim("after"),
            duration(self.outcome.ended_ns),
            self.met(),
            bold(&plural(usize::try_from(accounting.targets).unwrap_or(usize::MAX), "target")),
            good(&count(accounting.active)),
            count(accounting.refused),
            count(accounting.failed),
            count(accounting.silent),
        ));
        let exceptions = self.outcome.injector.exceptions();
        for (agent, counts_as, status) in exceptions.iter().take(MOST_NAMED) {
            let why = status.map_or_else(String::new, reason);
            let line =
                format!("{}  {}  {}", padded(agent.as_str(), 12), padded(counts_as, 7), cut(&safe(&why), 60));
            page.push_str(&format!("    {}\n", line.trim_end()));
        }
        if let Some(hidden) = exceptions.len().checked_sub(MOST_NAMED).filter(|hidden| *hidden > 0) {
            page.push_str(&format!(
                "    {}\n",
                dim(&format!("… and {} more, all in --format json", grouped(hidden as u128)))
            ));
        }
    }

    /// How many of the expectations hold: agents that are where they should be may still have missed the goal.
    fn met(&self) -> String {
        let verdicts = self.outcome.monitor.verdicts();
        let missed = verdicts.iter().filter(|verdict| !verdict.holds).count();
        match (verdicts.len(), missed) {
            (0, _) => String::new(),
            (all, 0) => format!("; {}", good(&format!("{all} of {} met", plural(all, "expectation")))),
            (all, missed) => {
                format!("; {}", error(&format!("{missed} of {} missed", plural(all, "expectation"))))
            }
        }
    }

    fn expectations(&self, page: &mut String) {
        let totals = self.outcome.monitor.totals();
        let verdicts = self.outcome.monitor.verdicts();
        if !verdicts.is_empty() {
            page.push_str(&format!("\n  {}\n", dim("expected")));
        }
        for verdict in verdicts {
            let mark = if verdict.holds { good("✓") } else { error("✗") };
            let by = verdict.by_ns.map_or_else(String::new, |by| format!(" by {}", duration(by)));
            let when = match (verdict.holds, verdict.first_ns) {
                (true, Some(first)) => format!("held first after {}", duration(first)),
                (false, Some(first)) => format!("held after {}, and then no more", duration(first)),
                _ => "it never held".to_owned(),
            };
            let missed = self.shortfall(&totals, verdict);
            let missed = missed.map_or_else(String::new, |missed| format!(": {}", safe(&missed.words())));
            page.push_str(&format!("    {mark} {}{by}  {}{missed}\n", safe(&verdict.text), dim(&when)));
        }
        for alert in self.outcome.monitor.alerts() {
            let line = format!("drift after {}: {}: {}", duration(alert.at_ns), alert.text, alert.message);
            page.push_str(&format!("    {} {}\n", warning("!"), safe(&line)));
        }
    }

    fn figures(&self, totals: &Totals, page: &mut String) {
        let metrics = self.outcome.monitor.metrics();
        let figures = metrics.iter().zip(&totals.figures).filter(|(metric, _)| metric.name != ERROR_RATE);
        let shown: Vec<_> = figures
            .filter_map(|(metric, figure)| Some((metric, figure, figure_text(metric, figure)?)))
            .collect();
        if shown.is_empty() {
            return;
        }
        page.push_str(&format!("\n  {}\n", dim("figures")));
        let width = shown.iter().map(|(metric, ..)| metric.name.chars().count()).max().unwrap_or(0);
        for (metric, figure, text) in shown {
            let of = self.of(figure);
            page.push_str(&format!("    {}  {text}  {}\n", name(&padded(&metric.name, width)), dim(&of)));
        }
    }

    /// What a figure is of.
    fn of(&self, figure: &Figure) -> String {
        let count = |count: u64| usize::try_from(count).unwrap_or(usize::MAX);
        match figure {
            Figure::Total(_) => format!("the sum of {}", plural(count(self.reporting()), "agent")),
            Figure::Gauge(sketch) => format!("the last of {}", plural(count(sketch.count()), "agent")),
            Figure::Distribution(sketch) => format!("of {}", plural(count(sketch.count()), "sample")),
        }
    }

    /// How many agents told windows.
    fn reporting(&self) -> u64 {
        let mut last = None;
        let mut count = 0_u64;
        for (rank, _) in self.outcome.monitor.latest() {
            if last.replace(rank) != Some(rank) {
                count = count.saturating_add(1);
            }
        }
        count
    }

    fn actions(&self, totals: &Totals, page: &mut String) {
        if totals.actions.is_empty() {
            return;
        }
        page.push_str(&format!("\n  {}\n", dim("actions, all of them simulated")));
        let width = totals.actions.keys().map(|name| name.chars().count()).max().unwrap_or(0);
        for (action, counts) in &totals.actions {
            let issued = issued(*counts);
            let done = share(counts.done.into(), issued.into()).unwrap_or_default();
            let mut line = format!(
                "{}  {} of {} done, {done}",
                name(&padded(&safe(action), width)),
                grouped(counts.done.into()),
                grouped(issued.into())
            );
            for (count, word) in [(counts.failed, "failed"), (counts.vetoed, "vetoed")] {
                if count > 0 {
                    line.push_str(&format!(", {}", warning(&format!("{} {word}", grouped(count.into())))));
                }
            }
            page.push_str(&format!("    {line}\n"));
        }
    }

    fn spent(&self, totals: &Totals, page: &mut String) {
        let header = &self.module.instruction;
        page.push_str(&format!("\n  {}\n", dim("spent")));
        let rows = [
            ("money", TypeId::MONEY, totals.money, header.budget_money),
            ("tokens", TypeId::TOKENS, totals.tokens, header.budget_tokens),
        ];
        for (label, ty, used, budget) in
            rows.into_iter().filter(|(_, _, used, budget)| *used > 0 || budget.is_some())
        {
            let unsigned = |value: i64| u128::try_from(value).unwrap_or(0);
            let of = budget.map_or_else(String::new, |budget| {
                let part = share(unsigned(used), unsigned(budget)).unwrap_or_default();
                let whole = if ty == TypeId::MONEY {
                    amount::money(unsigned(budget))
                } else {
                    grouped(unsigned(budget))
                };
                format!(" of {whole}  {} {part}", good(&gauge(unsigned(used), unsigned(budget))))
            });
            let shown =
                if ty == TypeId::MONEY { amount::money(unsigned(used)) } else { grouped(unsigned(used)) };
            page.push_str(&format!("    {}  {shown}{of}\n", padded(label, 6)));
        }
        let activations = grouped(totals.activations.into());
        page.push_str(&format!("    fuel    {} in {activations} activations\n", grouped(totals.fuel.into())));
    }

    fn evidence(&self, page: &mut String) {
        let outcome = self.outcome;
        page.push_str(&format!("\n  {}\n", dim("evidence")));
        let traces: String = digest_text(&outcome.traces).chars().take(19).collect();
        page.push_str(&format!(
            "    traces    {} events, their heads {traces}…\n",
            grouped(outcome.events.into())
        ));
        let (sent, lost) = outcome.messages;
        page.push_str(&format!(
            "    messages  {} sent, {} lost\n",
            grouped(sent.into()),
            grouped(lost.into())
        ));
        if outcome.restarts > 0 {
            let line = format!(
                "    restarts  {}; a program starts anew then, and what it records counts again\n",
                grouped(outcome.restarts.into())
            );
            page.push_str(&line);
        }
        let in_doubt = outcome.monitor.totals().in_doubt;
        if outcome.effects > 0 || in_doubt > 0 {
            let doubt = if in_doubt > 0 {
                format!(", {} in doubt and not repeated", grouped(in_doubt.into()))
            } else {
                String::new()
            };
            page.push_str(&format!("    once      {} effects{doubt}\n", grouped(outcome.effects.into())));
        }
        let checks = grouped(outcome.checks.into());
        match outcome.violations.as_slice() {
            [] => page.push_str(&format!("    held      all of {checks} checks of what must always hold\n")),
            violations => {
                for violation in violations {
                    page.push_str(&format!("    {} {}\n", error("broken"), safe(violation)));
                }
                let faults = if self.facts.faults { " --faults" } else { "" };
                page.push_str(&format!(
                    "    {}\n",
                    bold(&format!("again: --seed {}{faults}", self.facts.seed))
                ));
            }
        }
        let bytes = self.feedback().to_string().len();
        page.push_str(&format!(
            "    governor  gets {} bytes of JSON back: `feedback` of --format json\n",
            grouped(bytes as u128)
        ));
        for note in &self.facts.notes {
            page.push_str(&format!("    {}      {}\n", dim("note"), safe(note)));
        }
    }
}

fn issued(actions: Actions) -> u64 {
    actions.done.saturating_add(actions.failed).saturating_add(actions.vetoed)
}

/// What an agent said of itself.
fn reason(status: &AgentStatus) -> String {
    match status {
        AgentStatus::Active => "active".to_owned(),
        AgentStatus::Idle => "idle".to_owned(),
        AgentStatus::Finished(how) => how.to_string(),
        AgentStatus::Refused(code) => {
            let cause = Cause::ALL.iter().find(|cause| cause.code() == code);
            cause.map_or_else(|| code.to_string(), |cause| format!("{code}, {}", cause.title()))
        }
        AgentStatus::Failed(why) => why.to_string(),
        AgentStatus::Left => "left".to_owned(),
    }
}

fn gate_text(wave: &WaveReport, accounting: Accounting) -> String {
    let rate = format!("{} of {}", accounting.not_active(), grouped(accounting.targets.into()));
    match (wave.passed, wave.judged_ns) {
        (Some(true), Some(at)) => {
            format!("{} after {}, {rate} in error", good("held"), duration(at.saturating_sub(wave.at_ns)))
        }
        (Some(false), Some(at)) => {
            format!("{} after {}, {rate} in error", error("failed"), duration(at.saturating_sub(wave.at_ns)))
        }
        _ => dim("not judged"),
    }
}
