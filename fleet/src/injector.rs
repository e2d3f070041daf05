//! The injector: takes a signed plan through its waves, and knows at any time what each target did with it. A
//! machine without input or output, as the agent is.

mod durable;
mod hearing;
mod standing;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use sha2::{Digest, Sha256};

use crate::envelope::{Envelope, RECORD_TYPE};
use crate::key::{PublicKey, SecretKey};
use crate::message::{FromAgent, Status, ToAgent};
use crate::name::Name;
use crate::order::{Revision, Sha256Digest};
use crate::plan::Plan;
use crate::record::{Directive, Record, Step};
use crate::refusal::Refusal;
use crate::verify::step::Checked;

pub use standing::{Accounting, Standing};

/// Nanoseconds between two hints to targets that are silent.
const NUDGE_NS: u64 = 15_000_000_000;

/// How far the numbers of an agent's acknowledgements skip when its disk is lost: more than can be on their way.
const STRIDE: u64 = 1 << 20;

/// A clock that is off by more is told.
const SKEW_FLAGGED: u64 = 30_000_000_000;

/// A clock that is off by more is not believed.
const SKEW_REFUSED: u64 = 300_000_000_000;

/// Where a plan stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// A wave is out, and its gate has not decided.
    Rolling,
    /// All waves are out, and the last gate held.
    Converged,
    /// The program's STOP WHEN holds.
    Stopped,
    /// A gate failed, or an operator said so.
    RolledBack,
    /// A gate failed, or an operator said so.
    Halted,
}

impl Phase {
    /// All of them.
    pub const ALL: [Phase; 5] =
        [Phase::Rolling, Phase::Converged, Phase::Stopped, Phase::RolledBack, Phase::Halted];

    /// The phase of this name.
    pub fn of(name: &str) -> Option<Phase> {
        Phase::ALL.into_iter().find(|phase| phase.name() == name)
    }

    /// In a word.
    pub const fn name(self) -> &'static str {
        match self {
            Phase::Rolling => "rolling",
            Phase::Converged => "converged",
            Phase::Stopped => "stopped",
            Phase::RolledBack => "rolled back",
            Phase::Halted => "halted",
        }
    }
}

/// What an injector keeps on disk, written before a step is published.
#[derive(Debug, Clone)]
pub struct Durable {
    /// The revision of the last step.
    pub revision: Revision,
    /// The last step.
    pub directive: Arc<Directive>,
    /// Where the plan stands.
    pub phase: Phase,
    /// The waves that went out.
    pub waves: Vec<WaveReport>,
    /// See [`Injector::report_revision`].
    pub report_revision: u32,
}

/// One wave, as it went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WaveReport {
    /// Targets reached once it was out.
    pub reach: u32,
    /// When it went out, in nanoseconds since the start.
    pub at_ns: u64,
    /// When its gate decided.
    pub judged_ns: Option<u64>,
    /// What the gate saw.
    pub accounting: Accounting,
    /// Whether it held.
    pub passed: Option<bool>,
}

/// What happens to an injector.
#[derive(Debug)]
pub enum Event<'a> {
    /// It begins with a plan.
    Begin,
    /// It starts anew with what is on its disk: another may have been at work, so it takes a higher epoch.
    Boot(Durable),
    /// An agent says something.
    Message(&'a Name, &'a FromAgent),
    /// Time has passed.
    Wake,
    /// The gate's condition, as asked by [`Command::Judge`].
    Verdict(bool),
    /// The program's STOP WHEN holds.
    Goal,
    /// An operator halts.
    Halt,
    /// An operator rolls back.
    Rollback,
    /// The bus lost what it held.
    BusLost,
    /// Publishers took a step of this plan themselves, and have the right to: it is what is desired now.
    Adopt(&'a Checked),
}

/// What an injector wants done.
#[derive(Debug)]
pub enum Command {
    /// Write this to disk, before anything after it.
    Persist(Box<Durable>),
    /// Make this the desired state.
    Publish(Arc<Directive>),
    /// Tell agents that something may have changed.
    Hint(Vec<Name>),
    /// Tell one agent something.
    Send(Name, ToAgent),
    /// Ask the program's gate, with this share of targets that failed, in parts per million. Answer with
    /// [`Event::Verdict`].
    Judge {
        /// Failed, refused and silent, of all that were reached.
        error_rate: i64,
    },
    /// Wake the injector up at this time.
    Wake(u64),
}

/// An injector with one plan.
#[derive(Debug)]
pub struct Injector {
    key: SecretKey,
    plan: Plan,
    envelope: Envelope,
    former: Option<Vec<u8>>,
    targets: Vec<Name>,
    ranks: BTreeMap<Name, usize>,
    keys: Vec<PublicKey>,
    standings: Vec<Standing>,
    issued: BTreeSet<Sha256Digest>,
    /// The step that has to be answered for itself, where it is no run.
    awaited: Option<Sha256Digest>,
    /// Every step is above this.
    floor: Revision,
    durable: Option<Durable>,
    waves: Vec<WaveReport>,
    report_revision: u32,
    next_nudge: u64,
    judging: bool,
    /// Kept with each acknowledgement, counted anew with each step.
    tally: Accounting,
    /// What the gate held for before its time.
    held_for: Option<Accounting>,
    /// Ranks of targets in whose name another key signed than theirs.
    strangers: BTreeSet<usize>,
}

impl Injector {
    /// An injector for a signed plan; the keys are those of the targets, in their order.
    ///
    /// # Errors
    /// As [`Plan::decode`].
    pub fn new(
        key: SecretKey,
        envelope: Envelope,
        targets: Vec<Name>,
        keys: Vec<PublicKey>,
        former: Option<Vec<u8>>,
    ) -> Result<Injector, Refusal> {
        let plan = Plan::decode(&envelope.payload)?;
        let ranks = targets.iter().cloned().zip(0..).collect();
        let standings = vec![Standing::default(); targets.len()];
        Ok(Injector {
            key,
            plan,
            envelope,
            former,
            targets,
            ranks,
            keys,
            standings,
            issued: BTreeSet::new(),
            awaited: None,
            floor: Revision::default(),
            durable: None,
            waves: Vec::new(),
            report_revision: 1,
            next_nudge: 0,
            judging: false,
            tally: Accounting::default(),
            held_for: None,
            strangers: BTreeSet::new(),
        })
    }

    /// With steps above this revision: what the fleet has seen already, or the epoch of a lease.
    #[must_use]
    pub fn above(mut self, floor: Revision) -> Injector {
        self.floor = floor;
        self
    }

    /// The plan.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Where the plan stands; `None` before it began.
    pub fn phase(&self) -> Option<Phase> {
        self.durable.as_ref().map(|durable| durable.phase)
    }

    /// What is on its disk.
    pub fn durable(&self) -> Option<&Durable> {
        self.durable.as_ref()
    }

    /// The waves that went out.
    pub fn waves(&self) -> &[WaveReport] {
        &self.waves
    }

    /// Rises whenever an answer comes that an earlier report counted as silent.
    pub fn report_revision(&self) -> u32 {
        self.report_revision
    }

    /// The targets, by rank.
    pub fn targets(&self) -> &[Name] {
        &self.targets
    }

    /// What each target did, by rank.
    pub fn standings(&self) -> &[Standing] {
        &self.standings
    }

    /// How many targets were reached.
    pub fn reach(&self) -> usize {
        let reach = self.waves.last().map_or(0, |wave| wave.reach);
        usize::try_from(reach).unwrap_or(usize::MAX).min(self.targets.len())
    }

    /// What the targets reached so far did: every one is counted exactly once.
    pub fn accounting(&self) -> Accounting {
        self.tally
    }

    /// The same, counted anew.
    pub fn recount(&self) -> Accounting {
        let record = self.current_record();
        let reached = self.standings.iter().take(self.reach());
        reached.fold(Accounting::default(), |sum, standing| sum.with(standing.counts_as(record)))
    }

    /// What a step other than a run has to be answered for itself; any answer to a run is one to all.
    pub fn current_record(&self) -> Option<Sha256Digest> {
        self.awaited
    }

    /// One step: by the injector's clock, in nanoseconds since the Unix epoch, and by a time that never goes
    /// back.
    pub fn step(&mut self, (clock, now): (i64, u64), event: Event<'_>, commands: &mut Vec<Command>) {
        match event {
            Event::Begin => self.wave(0, (clock, now), commands),
            Event::Boot(durable) => self.boot(durable, (clock, now), commands),
            Event::Message(agent, message) => self.message(agent, message, (clock, now), commands),
            Event::Wake => {}
            Event::Verdict(holds) => self.judged(holds, (clock, now), commands),
            Event::Goal => self.end(Phase::Stopped, Step::Stop, (clock, now), commands),
            Event::Halt => self.end(Phase::Halted, Step::Halt, (clock, now), commands),
            Event::Rollback => self.roll_back((clock, now), commands),
            Event::BusLost => {
                commands
                    .extend(self.durable.as_ref().map(|own| Command::Publish(Arc::clone(&own.directive))));
                self.next_nudge = now;
            }
            Event::Adopt(checked) => self.adopt(checked, now, commands),
        }
        self.tend(now, commands);
    }

    /// What is due: nudges to those who are silent, and the gate.
    fn tend(&mut self, now: u64, commands: &mut Vec<Command>) {
        if self.durable.is_none() {
            return;
        }
        if now >= self.next_nudge {
            self.next_nudge = now.saturating_add(NUDGE_NS);
            let record = self.current_record();
            let reached = self.standings.iter().zip(&self.targets).take(self.reach());
            let silent = reached.filter(|(standing, _)| standing.counts_as(record) == "silent");
            let silent: Vec<Name> = silent.map(|(_, name)| name.clone()).collect();
            if !silent.is_empty() {
                commands.push(Command::Hint(silent));
            }
        }
        self.ask_the_gate(now, commands);
        let next = self.gate_at().filter(|at| *at > now).unwrap_or(u64::MAX).min(self.next_nudge);
        commands.push(Command::Wake(next));
    }

    fn gate_at(&self) -> Option<u64> {
        let wave = self.waves.last().filter(|_| self.phase() == Some(Phase::Rolling))?;
        Some(wave.at_ns.saturating_add(self.plan.gate.after_ns))
    }

    /// A gate runs when its time has come, and as soon as all have answered: then it can only fail, its time
    /// is still waited for. Without evidence it holds; when its patience is over it has failed.
    fn ask_the_gate(&mut self, now: u64, commands: &mut Vec<Command>) {
        let Some(at) = self.gate_at().filter(|_| !self.judging) else { return };
        let accounting = self.accounting();
        // Without an AFTER a wave has the time of its patience, unless all have answered.
        let waits = self.plan.gate.after_ns == 0 && accounting.silent > 0;
        let due = now >= at && (!waits || now >= at.saturating_add(self.plan.gate.patience_ns));
        if self.plan.shadow.is_some() {
            // What has no effect needs no gate: it is over when its time is.
            if due {
                self.close_wave(true, now);
                self.settle(Phase::Converged, commands);
            }
            return;
        }
        let final_and_bad = accounting.silent == 0 && accounting.active < accounting.targets;
        if !due && (!final_and_bad || self.held_for == Some(accounting)) {
            return;
        }
        let sample = self.plan.gate.sample_of(accounting.targets);
        let answered = accounting.targets.saturating_sub(accounting.silent);
        if answered < sample && now < at.saturating_add(self.plan.gate.patience_ns) {
            return;
        }
        self.judging = true;
        let error_rate = if answered < sample { 1_000_000 } else { accounting.error_rate() };
        commands.push(Command::Judge { error_rate });
    }

    fn judged(&mut self, holds: bool, now: (i64, u64), commands: &mut Vec<Command>) {
        if !std::mem::take(&mut self.judging) || self.phase() != Some(Phase::Rolling) {
            return;
        }
        let due = self.gate_at().is_some_and(|at| now.1 >= at);
        let accounting = self.accounting();
        if holds && !due {
            self.held_for = Some(accounting);
            return;
        }
        self.close_wave(holds, now.1);
        let next = self.waves.len();
        match (holds, next < self.plan.waves.len()) {
            (true, true) => self.wave(next, now, commands),
            (true, false) => self.settle(Phase::Converged, commands),
            (false, _) if self.plan.gate.rolls_back => self.roll_back(now, commands),
            (false, _) => self.end(Phase::Halted, Step::Halt, now, commands),
        }
    }

    fn close_wave(&mut self, holds: bool, now: u64) {
        let accounting = self.accounting();
        if let Some(wave) = self.waves.last_mut() {
            (wave.accounting, wave.judged_ns, wave.passed) = (accounting, Some(now), Some(holds));
        }
    }

    fn settle(&mut self, phase: Phase, commands: &mut Vec<Command>) {
        if let Some(durable) = &mut self.durable {
            durable.phase = phase;
            durable.waves.clone_from(&self.waves);
            commands.push(Command::Persist(Box::new(durable.clone())));
        }
    }

    fn wave(&mut self, wave: usize, now: (i64, u64), commands: &mut Vec<Command>) {
        let Some(reach) = self.plan.waves.get(wave).copied() else { return };
        let report = WaveReport {
            reach,
            at_ns: now.1,
            judged_ns: None,
            accounting: Accounting::default(),
            passed: None,
        };
        self.waves.push(report);
        let step = Step::Run { wave: u32::try_from(wave).unwrap_or(u32::MAX) };
        self.publish(Phase::Rolling, step, now, commands);
    }

    fn roll_back(&mut self, now: (i64, u64), commands: &mut Vec<Command>) {
        let from = self.plan.order.digest;
        let to = self.plan.former.as_ref().map(|former| former.digest);
        self.end(Phase::RolledBack, Step::Rollback { from, to }, now, commands);
    }

    /// A step after which no wave follows.
    fn end(&mut self, phase: Phase, step: Step, now: (i64, u64), commands: &mut Vec<Command>) {
        if matches!(self.phase(), Some(Phase::Rolling | Phase::Converged)) {
            self.publish(phase, step, now, commands);
        }
    }

    /// The next revision: signed, on disk, published, told.
    fn publish(&mut self, phase: Phase, step: Step, now: (i64, u64), commands: &mut Vec<Command>) {
        let last = self.durable.as_ref().map_or(self.plan.order.revision, |durable| durable.revision);
        let last = last.max(self.floor);
        let revision = Revision { epoch: last.epoch, counter: last.counter.saturating_add(1) };
        self.publish_as(revision, phase, step, now, commands);
    }

    fn publish_as(
        &mut self,
        revision: Revision,
        phase: Phase,
        step: Step,
        (clock, now): (i64, u64),
        commands: &mut Vec<Command>,
    ) {
        let reach = u32::try_from(self.reach()).unwrap_or(u32::MAX);
        let plan = Sha256::digest(&self.envelope.payload).into();
        let fleet = self.plan.order.fleet.clone();
        let record = Record { fleet, plan, revision, reach, issued: clock, step }.encode();
        self.take_up(Sha256::digest(&record).into(), step);
        let mut envelope = Envelope::new(RECORD_TYPE, record);
        // An envelope no one has signed yet takes a signature.
        let _signed = envelope.sign(&self.key);
        let directive = match &self.durable {
            Some(durable) => durable.directive.followed_by(envelope),
            None => {
                let former = self.former.clone();
                Directive::new(self.envelope.clone(), self.targets.clone(), envelope, former)
            }
        };
        let directive = Arc::new(directive);
        let waves = self.waves.clone();
        let report_revision = self.report_revision;
        let durable = Durable { revision, directive: Arc::clone(&directive), phase, waves, report_revision };
        self.durable = Some(durable.clone());
        self.tally = self.recount();
        self.next_nudge = now.saturating_add(NUDGE_NS);
        commands.push(Command::Persist(Box::new(durable)));
        commands.push(Command::Publish(directive));
        commands.push(Command::Hint(self.targets.iter().take(self.reach()).cloned().collect()));
    }

    /// What was published stays, under a higher epoch: whoever else holds the plan's key is refused from now on.
    fn boot(&mut self, durable: Durable, now: (i64, u64), commands: &mut Vec<Command>) {
        let Ok(record) = Record::decode(&durable.directive.record().payload) else { return };
        let epoch = durable.revision.epoch.saturating_add(1).max(self.floor.epoch);
        let revision = Revision { epoch, counter: 0 };
        self.waves.clone_from(&durable.waves);
        self.report_revision = durable.report_revision;
        // What was said to records of the former start is said anew to this one's.
        self.issued.clear();
        self.standings = vec![Standing::default(); self.targets.len()];
        (self.judging, self.held_for) = (false, None);
        let phase = durable.phase;
        if record.step == Step::Resume {
            // Publishers took it, and no injector may: it stays as it was, and so do the answers to it.
            self.take_up(Sha256::digest(&durable.directive.record().payload).into(), record.step);
            commands.push(Command::Publish(Arc::clone(&durable.directive)));
            self.durable = Some(durable);
            self.tally = self.recount();
            self.next_nudge = now.1.saturating_add(NUDGE_NS);
            return;
        }
        self.durable = Some(durable);
        self.publish_as(revision, phase, record.step, now, commands);
    }

    fn take_up(&mut self, record: Sha256Digest, step: Step) {
        self.issued.insert(record);
        self.awaited = (!matches!(step, Step::Run { .. })).then_some(record);
    }

    /// What publishers desire counts from now on. A wave of this injector that was overtaken never went out.
    fn adopt(&mut self, checked: &Checked, now: u64, commands: &mut Vec<Command>) {
        let record = checked.record();
        let own = self.durable.as_ref().is_some_and(|own| record.revision >= own.revision);
        if !own || checked.directive().plan().payload != self.envelope.payload {
            return;
        }
        self.take_up(checked.record_digest(), record.step);
        let Some(durable) = &mut self.durable else { return };
        durable.waves.clone_from(&self.waves);
        durable.overtaken(checked, self.plan.waves.len(), now);
        let durable = durable.clone();
        self.waves.clone_from(&durable.waves);
        (self.judging, self.held_for) = (false, None);
        self.tally = self.recount();
        self.next_nudge = now.saturating_add(NUDGE_NS);
        commands.push(Command::Persist(Box::new(durable)));
        commands.push(Command::Hint(self.targets.iter().take(self.reach()).cloned().collect()));
    }

    /// Targets that were reached and are not active, by name, with what they said.
    pub fn exceptions(&self) -> Vec<(&Name, &'static str, Option<&Status>)> {
        let record = self.current_record();
        let reached = self.targets.iter().zip(&self.standings).take(self.reach());
        let counted =
            reached.map(|(name, standing)| (name, standing.counts_as(record), standing.status.as_ref()));
        let mut exceptions: Vec<_> = counted.filter(|(_, counts_as, _)| *counts_as != "active").collect();
        exceptions.sort();
        exceptions
    }
}
