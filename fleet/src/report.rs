//! What came of an order, from what agents signed and from nothing else: their acknowledgements say where
//! they stand, their traces what happened. Whoever has these bytes gets the same figures.

use std::collections::BTreeMap;
use std::sync::Arc;

use sha2::{Digest, Sha256};
use smol_str::SmolStr;
use swarm_bytecode::module::Module;

use crate::envelope::{ACK_TYPE, Envelope, PLAN_TYPE, RECORD_TYPE};
use crate::injector::{Accounting, Phase};
use crate::key::PublicKey;
use crate::message::{Ack, Status, TraceHead};
use crate::monitor::{Judge, Monitor};
use crate::name::Name;
use crate::order::Sha256Digest;
use crate::plan::Plan;
use crate::record::{Record, Step};
use crate::refusal::{Cause, Refusal};
use crate::trace::tally::{Tally, Told};
use crate::trace::verify::{Fault, Question, verify};
use crate::window::{Aggregate, Figure, Number, Sketch, Totals};

/// What a run left behind.
#[derive(Debug)]
pub struct Evidence {
    /// The plan, as it was signed.
    pub plan: Envelope,
    /// Its targets, in the order of the waves.
    pub targets: Vec<Name>,
    /// The agents' keys.
    pub keys: BTreeMap<Name, PublicKey>,
    /// Keys of publishers, who may take steps beside the injector.
    pub publishers: Vec<PublicKey>,
    /// Steps, as they were signed.
    pub records: Vec<Envelope>,
    /// Acknowledgements, as they were signed.
    pub acks: Vec<Envelope>,
    /// Nanoseconds of a window.
    pub window_ns: u64,
    /// Whether agents may still be writing.
    pub open: bool,
}

/// A target that is not active: its name, as what it counts, and what it said last.
pub type Exception = (Name, &'static str, Option<Status>);

/// What one agent's trace says.
#[derive(Debug, Default)]
pub struct Line {
    /// The sums over all its starts.
    pub totals: Totals,
    /// Entries of its trace.
    pub entries: u64,
    /// Bytes they take, with their marks.
    pub bytes: u64,
    /// Chunks.
    pub chunks: u64,
    /// Starts.
    pub incarnations: u64,
    /// Starts after which something is lost.
    pub torn: u64,
    /// Entries it told of that are not here yet.
    pub awaited: u64,
    /// Starts with a new disk.
    pub new_disks: u64,
    /// Entries the agent did not keep.
    pub lost: u64,
    /// The first and the last activation, by the agent's clock.
    pub span: Option<(i64, i64)>,
    /// Where its trace ends.
    pub head: TraceHead,
    /// What is wrong with its trace.
    pub faults: Vec<Fault>,
    /// Failed and vetoed actions and bad ends, by what and why.
    pub failures: BTreeMap<(SmolStr, SmolStr), u64>,
}

/// A target by the last thing it signed.
#[derive(Debug, Clone)]
struct Said {
    sequence: u64,
    record: Sha256Digest,
    status: Status,
    clock: i64,
}

/// What an agent says at last: who leaves after the order was over there has done with it what it did.
fn last_word<'s>(said: impl Iterator<Item = &'s Said>) -> Option<&'s Said> {
    let mut said: Vec<&Said> = said.collect();
    said.sort_by_key(|said| said.sequence);
    let last = said.pop()?;
    let over = said.pop().filter(|said| said.status.is_final() && said.record == last.record);
    over.filter(|_| last.status == Status::Left).or(Some(last))
}

/// The whole account.
#[derive(Debug)]
pub struct Account {
    /// The plan.
    pub plan: Plan,
    /// Its targets.
    pub targets: Vec<Name>,
    /// When the first step was made, in nanoseconds since the Unix epoch.
    pub started: i64,
    /// The last thing any agent says happened.
    pub ended: i64,
    /// Where the order stands, by the last step.
    pub phase: Phase,
    /// How the targets stand.
    pub accounting: Accounting,
    /// Those that are not active, and why.
    pub exceptions: Vec<Exception>,
    /// By rank.
    pub lines: Vec<Line>,
    /// The fleet's windows, put together from the traces.
    pub monitor: Monitor,
    /// Activations, fuel, entries and finished actions at the end of each window.
    pub counters: Vec<(u64, [u64; 3])>,
}

/// What happened in one window, all agents together.
#[derive(Debug)]
struct Window {
    totals: Totals,
    /// The last sample of a gauge, by rank and metric.
    gauges: BTreeMap<(usize, usize), Number>,
}

/// Puts an account together, agent by agent.
#[derive(Debug)]
pub struct Accountant<'m> {
    module: &'m Module,
    evidence: Evidence,
    plan: Plan,
    records: Vec<Record>,
    digests: Vec<Sha256Digest>,
    said: BTreeMap<Name, Vec<Said>>,
    heads: BTreeMap<Name, Vec<(u64, TraceHead)>>,
    lines: Vec<Line>,
    windows: BTreeMap<u64, Window>,
    started: i64,
}

impl<'m> Accountant<'m> {
    /// Takes the evidence; every signature is checked.
    ///
    /// # Errors
    /// As [`Plan::decode`] and [`Record::decode`]; [`Cause::TraceForged`] for what its agent did not sign.
    pub fn new(module: &'m Module, evidence: Evidence) -> Result<Accountant<'m>, Refusal> {
        evidence.plan.check_type(PLAN_TYPE)?;
        let plan = Plan::decode(&evidence.plan.payload)?;
        let (mut records, mut digests) = (Vec::new(), Vec::new());
        for envelope in &evidence.records {
            let keys = std::iter::once(&plan.injector).chain(&evidence.publishers);
            envelope.check(RECORD_TYPE, |id| keys.clone().find(|key| key.id() == *id))?;
            records.push(Record::decode(&envelope.payload)?);
            digests.push(Sha256::digest(&envelope.payload).into());
        }
        let mut said: BTreeMap<Name, Vec<Said>> = BTreeMap::new();
        let mut heads: BTreeMap<Name, Vec<(u64, TraceHead)>> = BTreeMap::new();
        for envelope in &evidence.acks {
            envelope.check_type(ACK_TYPE)?;
            let ack = Ack::decode(&envelope.payload)?;
            let Some(key) = evidence.keys.get(&ack.agent) else { continue };
            if !envelope.verified_by(key) {
                let message = format!("an acknowledgement in the name of {} is not signed by it", ack.agent);
                return Err(Refusal::new(Cause::TraceForged, message));
            }
            heads.entry(ack.agent.clone()).or_default().push((ack.incarnation, ack.head));
            let Ack { sequence, record, status, clock, .. } = ack;
            // What an agent says of a step that was not this injector's is not accounted for.
            if !digests.contains(&record) {
                continue;
            }
            said.entry(ack.agent).or_default().push(Said { sequence, record, status, clock });
        }
        let started = records.iter().map(|record| record.issued).min().unwrap_or(plan.order.not_before);
        let (lines, windows) = (Vec::new(), BTreeMap::new());
        Ok(Accountant { module, evidence, plan, records, digests, said, heads, lines, windows, started })
    }

    /// The plan.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// The target whose trace is asked for next.
    pub fn awaits(&self) -> Option<&Name> {
        self.evidence.targets.get(self.lines.len())
    }

    /// Takes the trace of the next target, as it stands in its file.
    pub fn take(&mut self, bytes: &[u8]) {
        let rank = self.lines.len();
        let Some(name) = self.evidence.targets.get(rank) else { return };
        let told = self.heads.get(name).map_or(&[][..], Vec::as_slice);
        let key = self.evidence.keys.get(name);
        let found = verify(bytes, &Question { agent: Some(name), key, told, open: self.evidence.open });
        let mut line = Line {
            totals: Totals::new(&self.module.metrics),
            entries: found.entries,
            chunks: u64::try_from(found.chunks.len()).unwrap_or(u64::MAX),
            incarnations: found.incarnations,
            torn: found.torn,
            awaited: found.awaited,
            new_disks: found.new_disks,
            head: found.chunks.last().map(crate::trace::chunk::Chunk::head).unwrap_or_default(),
            faults: found.faults,
            ..Line::default()
        };
        let mut tally = Tally::new(self.module, self.plan.order.id, self.plan.order.digest);
        let (started, window_ns) = (self.started, self.evidence.window_ns.max(1));
        let (module, windows) = (self.module, &mut self.windows);
        for chunk in &found.chunks {
            let bytes = chunk.body.len().saturating_add(chunk.marks.len());
            line.bytes = line.bytes.saturating_add(u64::try_from(bytes).unwrap_or(u64::MAX));
            let read = tally.read(chunk, &mut |told: Told| {
                let at = u64::try_from(told.clock.saturating_sub(started)).unwrap_or(0);
                let index = at.checked_div(window_ns).unwrap_or(0);
                let window = windows.entry(index).or_insert_with(|| Window {
                    totals: Totals::new(&module.metrics),
                    gauges: BTreeMap::new(),
                });
                window.totals.record(&told.activation);
                let gauges = told
                    .activation
                    .samples
                    .iter()
                    .filter(|(at, _)| matches!(window.totals.figures.get(*at), Some(Figure::Gauge(_))));
                window.gauges.extend(gauges.map(|(at, sample)| ((rank, *at), *sample)));
                line.totals.record(&told.activation);
                let (first, _) = line.span.unwrap_or((told.clock, told.clock));
                line.span = Some((first.min(told.clock), told.clock));
            });
            // What cannot be read is a fault already.
            let _read = read;
        }
        (line.lost, line.failures) = (tally.lost, tally.failures);
        self.lines.push(line);
    }

    /// How the targets stood at a time, by what they had signed by then.
    fn accounting(&self, at: i64) -> (Accounting, Vec<Exception>) {
        let last = self.records.iter().zip(&self.digests).rfind(|(record, _)| record.issued <= at);
        let reach = last.map_or(0, |(record, _)| usize::try_from(record.reach).unwrap_or(usize::MAX));
        // Any answer to a run is one to all runs; another step has to be answered for itself.
        let awaited =
            last.and_then(|(record, digest)| (!matches!(record.step, Step::Run { .. })).then_some(*digest));
        let mut accounting = Accounting::default();
        let mut exceptions = Vec::new();
        for name in self.evidence.targets.iter().take(reach) {
            let said = last_word(self.said.get(name).into_iter().flatten().filter(|said| said.clock <= at));
            let counts_as = match said {
                Some(said) if awaited.is_none_or(|awaited| awaited == said.record) => said.status.name(),
                _ => "silent",
            };
            accounting = accounting.with(counts_as);
            if counts_as != "active" {
                exceptions.push((name.clone(), counts_as, said.map(|said| said.status.clone())));
            }
        }
        exceptions.sort();
        (accounting, exceptions)
    }

    /// While the run goes on, a last wave that not all have answered is still on its way.
    fn phase(&self, accounting: Accounting) -> Phase {
        let waves = u32::try_from(self.plan.waves.len()).unwrap_or(u32::MAX);
        let awaited = self.evidence.open && accounting.silent > 0;
        match self.records.last().map(|record| record.step) {
            Some(Step::Run { wave }) if wave.saturating_add(1) >= waves && !awaited => Phase::Converged,
            Some(Step::Run { .. } | Step::Resume) | None => Phase::Rolling,
            Some(Step::Halt) => Phase::Halted,
            Some(Step::Stop) => Phase::Stopped,
            Some(Step::Rollback { .. }) => Phase::RolledBack,
        }
    }

    /// The account: the fleet's windows one after the other, and what was expected of them.
    pub fn finish(mut self, judge: &mut dyn Judge) -> Account {
        let mut monitor = Monitor::new(self.module, self.plan.order.id);
        let windows = std::mem::take(&mut self.windows);
        let mut totals = Totals::new(&self.module.metrics);
        let mut gauges = BTreeMap::new();
        let mut counters = Vec::new();
        let last = windows.last_key_value().map_or(0, |(index, _)| *index);
        let fleet = self.evidence.targets.first().cloned();
        for index in 0..=last {
            if let Some(window) = windows.get(&index) {
                totals.merge(&window.totals);
                gauges.extend(window.gauges.iter().map(|(place, sample)| (*place, *sample)));
                set_gauges(&mut totals, &gauges);
            }
            let end_ns = index.saturating_add(1).saturating_mul(self.evidence.window_ns);
            let end = self.started.saturating_add(i64::try_from(end_ns).unwrap_or(i64::MAX));
            if let Some(agent) = &fleet {
                let head = TraceHead { events: index.saturating_add(1), hash: [0; 32] };
                let (window, order) = (index, self.plan.order.id);
                let aggregate = Aggregate {
                    agent: agent.clone(),
                    incarnation: 1,
                    window,
                    order,
                    totals: totals.clone(),
                    head,
                };
                monitor.take(0, &Arc::new(aggregate));
            }
            monitor.close(end_ns, self.accounting(end).0.error_rate(), judge);
            let done = totals.actions.values().map(|actions| actions.done).fold(0, u64::saturating_add);
            counters.push((end_ns, [totals.activations, totals.fuel, done]));
        }
        let (accounting, exceptions) = self.accounting(i64::MAX);
        let phase = self.phase(accounting);
        // What is due later is not judged before, unless nothing more will come.
        if !self.evidence.open || !matches!(phase, Phase::Rolling | Phase::Converged) {
            monitor.finish(last.saturating_add(1).saturating_mul(self.evidence.window_ns));
        }
        let ended = self.lines.iter().filter_map(|line| line.span).map(|(_, last)| last).max();
        Account {
            phase,
            started: self.started,
            ended: ended.unwrap_or(self.started),
            plan: self.plan,
            targets: self.evidence.targets,
            accounting,
            exceptions,
            lines: self.lines,
            monitor,
            counters,
        }
    }
}

/// A gauge of a fleet is the last sample of each agent.
fn set_gauges(totals: &mut Totals, gauges: &BTreeMap<(usize, usize), Number>) {
    for (at, figure) in totals.figures.iter_mut().enumerate() {
        if let Figure::Gauge(sketch) = figure {
            *sketch = Sketch::default();
            let own = gauges.iter().filter(|((_, metric), _)| *metric == at);
            own.for_each(|(_, sample)| sketch.record(*sample));
        }
    }
}

impl Account {
    /// The sums over all agents.
    pub fn totals(&self) -> Totals {
        self.monitor.totals()
    }

    /// SHA-256 over the heads of all traces, by rank.
    pub fn heads(&self) -> Sha256Digest {
        let mut hash = Sha256::new();
        for line in &self.lines {
            hash.update(line.head.hash);
            hash.update(line.head.events.to_le_bytes());
        }
        hash.finalize().into()
    }

    /// An agent's own sum of a metric, or its last or median sample.
    pub fn figure_of(&self, rank: usize, metric: usize) -> Option<Number> {
        match self.lines.get(rank)?.totals.figures.get(metric)? {
            Figure::Total(sum) => Some(*sum),
            Figure::Gauge(sketch) => sketch.greatest(),
            Figure::Distribution(sketch) => sketch.quantile(500_000),
        }
    }
}

/// An amount in parts as these weights are, exactly: each its whole share, what is left a unit each to the
/// largest remainders, of equal ones to the first. Where no weight is above zero no one gets anything.
pub fn proportional(amount: i64, weights: &[i128]) -> Vec<i64> {
    let amount = i128::from(amount.max(0));
    let whole = weights.iter().map(|weight| (*weight).max(0)).fold(0_i128, i128::saturating_add);
    let mut parts = Vec::with_capacity(weights.len());
    let mut remainders = Vec::with_capacity(weights.len());
    let mut left = amount;
    for (at, weight) in weights.iter().enumerate() {
        let scaled = amount.saturating_mul((*weight).max(0));
        let part = scaled.checked_div(whole).unwrap_or(0);
        remainders.push((scaled.checked_rem(whole).unwrap_or(0), at));
        left = left.saturating_sub(part);
        parts.push(i64::try_from(part).unwrap_or(i64::MAX));
    }
    remainders.sort_by_key(|(remainder, at)| (std::cmp::Reverse(*remainder), *at));
    let left = if whole > 0 { usize::try_from(left).unwrap_or(0) } else { 0 };
    for (_, at) in remainders.iter().take(left) {
        if let Some(part) = parts.get_mut(*at) {
            *part = part.saturating_add(1);
        }
    }
    parts
}
