//! The simulator: agents, injector, monitor and a bus under one scheduler, whose chance comes from a seed.
//! The same seed gives the same course, byte for byte; what must always hold is watched all the time.

mod faults;
mod invariants;
mod machine;
mod network;
mod node;
mod random;
mod rules;
mod schedule;
mod setup;
mod shadow;
mod trouble;
mod workload;

use std::collections::BTreeMap;
use std::sync::Arc;

use smol_str::SmolStr;
use swarm_bytecode::module::FunctionId;

pub use faults::Faults;
pub use machine::{Conditions, Machines, Run};
pub use network::Conduct;
pub use random::Chance;
pub use setup::{Request, STARTED_AT, Setup};

use crate::agent::{self, Installed, Start, Which};
use crate::cache::Cache;
use crate::engine::Engine;
use crate::envelope::Envelope;
use crate::injector::{self, Accounting, Injector, Phase};
use crate::journal::Journal;
use crate::message::{FromAgent, ToAgent};
use crate::monitor::{Judge, Monitor};
use crate::name::Name;
use crate::record::Directive;
use crate::refusal::Refusal;
use crate::shadow::{Comparison, Comparisons};
use crate::window::{Aggregate, Figure};
use faults::Fault;
use invariants::Watch;
use node::Node;
use schedule::Schedule;

/// Nanoseconds in a second.
pub const SECOND: u64 = 1_000_000_000;

/// Something that happens at a time.
#[derive(Debug)]
enum Happening {
    Begin,
    ToAgent(u32, ToAgent),
    ToInjector(u32, FromAgent),
    ToMonitor(u32, Arc<Aggregate>),
    Compared(Arc<Comparison>),
    ToBus(u32),
    WakeAgent(u32),
    Activate(u32, u32),
    ActivateShadow(u32, u32),
    WakeInjector,
    Window,
    Boot(u32),
    Fault(Fault),
    Rejoin(u32),
    Heal,
}

/// How it stands, for those who watch.
#[derive(Debug, Clone, PartialEq)]
pub struct Snapshot<'a> {
    /// Virtual nanoseconds since the start.
    pub now_ns: u64,
    /// Virtual nanoseconds until the order runs out.
    pub lasts_ns: u64,
    /// Where the plan stands.
    pub phase: Option<Phase>,
    /// Which wave is out, from 1, and how many there are.
    pub wave: (usize, usize),
    /// All targets.
    pub targets: usize,
    /// Those that were reached.
    pub accounting: Accounting,
    /// The fleet's figures so far.
    pub figures: &'a [Figure],
    /// Things that happened.
    pub happenings: u64,
}

/// What came of a simulation.
#[derive(Debug)]
pub struct Outcome {
    /// The injector at the end.
    pub injector: Injector,
    /// The monitor at the end.
    pub monitor: Monitor,
    /// Virtual nanoseconds it took.
    pub ended_ns: u64,
    /// Things that happened.
    pub happenings: u64,
    /// Messages that were sent, and that were lost.
    pub messages: (u64, u64),
    /// Starts of agents beyond the first.
    pub restarts: u64,
    /// Effects that happen once, and happened.
    pub effects: u64,
    /// What did not hold.
    pub violations: Vec<String>,
    /// How often something was checked.
    pub checks: u64,
    /// Hash over the heads of all agents' traces, by rank.
    pub traces: [u8; 32],
    /// Events of all traces.
    pub events: u64,
    /// What agents told of a program in shadow.
    pub comparisons: Comparisons,
}

/// Takes what there is to keep of a simulation, signed as it would be on a bus. It has no say in what happens.
pub trait Archive: std::fmt::Debug {
    /// A step that was published.
    fn record(&mut self, record: &Envelope);
    /// An acknowledgement that arrived.
    fn ack(&mut self, ack: &Envelope);
    /// A part of an agent's trace.
    fn chunk(&mut self, agent: &Name, chunk: &Envelope);
}

/// A fleet in a simulation.
#[derive(Debug)]
pub struct Simulation<E: Engine, J> {
    engine: E,
    judge: J,
    nodes: Vec<Node<E::Run>>,
    injector: Injector,
    injector_disk: Option<injector::Durable>,
    monitor: Monitor,
    cache: Cache,
    bus: Option<Arc<Directive>>,
    /// What was desired before, for those who repeat it.
    past: Vec<Arc<Directive>>,
    schedule: Schedule<Happening>,
    chance: Chance,
    conduct: Conduct,
    faults: Option<Faults>,
    watch: Watch,
    setup_order: [u8; 16],
    gate: Option<FunctionId>,
    lasts_ns: u64,
    window_ns: u64,
    ranks: BTreeMap<Name, (u32, Option<u32>)>,
    messages: (u64, u64),
    restarts: u64,
    scratch: Vec<agent::Command>,
    healed: bool,
    injector_wake: u64,
    archive: Option<Box<dyn Archive>>,
    comparisons: Comparisons,
}

impl<E: Engine, J: Judge> Simulation<E, J> {
    /// A fleet about to begin.
    ///
    /// # Errors
    /// As [`Injector::new`].
    pub fn new(
        setup: Setup,
        engine: E,
        judge: J,
        faults: Option<Faults>,
    ) -> Result<Simulation<E, J>, Refusal> {
        let mut chance = Chance::new(setup.seed);
        let ranked = setup.targets.iter().zip(0_u32..).map(|(name, rank)| (name.clone(), rank));
        let ranked: BTreeMap<_, _> = ranked.collect();
        let mut ranks = BTreeMap::new();
        let mut keys = BTreeMap::new();
        let before = setup.former.as_ref().map(|(_, directive)| Arc::clone(directive));
        let mut nodes = Vec::with_capacity(setup.profiles.len());
        for (profile, number) in setup.profiles.into_iter().zip(0_u32..) {
            let rank = ranked.get(&profile.name).copied();
            ranks.insert(profile.name.clone(), (number, rank));
            keys.insert(profile.name.clone(), profile.key.public_key());
            nodes.push(Node::new(profile, rank, faults.as_ref(), &mut chance));
        }
        let keys = setup.targets.iter().filter_map(|name| keys.get(name).cloned()).collect();
        let former = setup.former.map(|(bytes, _)| bytes);
        let module = setup.program.module();
        let monitor = Monitor::new(module, setup.order);
        let gate = module.instruction.rollout.as_ref().and_then(|rollout| rollout.gate);
        let injector = Injector::new(setup.injector, setup.plan, setup.targets, keys, former)?;
        let mut cache = Cache::new(setup.trust);
        if let Some(directive) = before {
            let checked = cache.checked(&directive)?;
            let installed = Installed {
                which: Which::Ordered,
                order: checked.plan().order.id,
                digest: checked.module().digest(),
                directive,
            };
            // Who was no target of it is new.
            let ran = nodes.iter_mut().filter(|node| checked.rank(node.agent.name()).is_some());
            ran.for_each(|node| node.provision(&installed, &checked));
        }
        let conduct = if faults.is_some() { Conduct::BAD } else { Conduct::GOOD };
        let mut simulation = Simulation {
            engine,
            judge,
            nodes,
            injector,
            injector_disk: None,
            monitor,
            cache,
            bus: None,
            past: Vec::new(),
            schedule: Schedule::default(),
            chance,
            conduct,
            faults,
            watch: Watch::default(),
            setup_order: setup.order,
            gate,
            lasts_ns: setup.lasts_ns,
            window_ns: setup.window_ns,
            ranks,
            messages: (0, 0),
            restarts: 0,
            scratch: Vec::new(),
            healed: faults.is_none(),
            injector_wake: 0,
            archive: None,
            comparisons: Comparisons::new(setup.order),
        };
        simulation.arrange();
        Ok(simulation)
    }

    /// The same fleet; what it leaves behind is given to an archive.
    pub fn archived(mut self, archive: Box<dyn Archive>) -> Simulation<E, J> {
        self.archive = Some(archive);
        self
    }

    /// What is known to happen: all start, the order goes out a moment later, faults have their timetable.
    fn arrange(&mut self) {
        let joining = self.faults.filter(|faults| faults.joiners);
        for (node, agent) in self.nodes.iter().zip(0_u32..) {
            let late = joining.filter(|_| node.rank.is_none());
            let at = late.map_or(0, |faults| self.chance.below(faults.until_ns));
            self.schedule.at(at, Happening::Boot(agent));
        }
        self.schedule.at(SECOND, Happening::Begin);
        self.schedule.at(self.window_ns, Happening::Window);
        if let Some(faults) = self.faults {
            let agents = u32::try_from(self.nodes.len()).unwrap_or(u32::MAX);
            for (at, fault) in faults.timetable(agents, &mut self.chance) {
                self.schedule.at(at.max(SECOND), Happening::Fault(fault));
            }
            self.schedule.at(faults.until_ns, Happening::Heal);
        }
    }

    /// Runs until the time is over, or everything that can happen has; shows how it stands at the end of each
    /// window.
    pub fn run(mut self, watch: &mut dyn FnMut(&Snapshot<'_>)) -> Outcome {
        let mut now = 0;
        let mut happenings = 0_u64;
        while let Some((at, happening)) = self.schedule.next() {
            if at > self.lasts_ns {
                break;
            }
            now = at;
            happenings = happenings.saturating_add(1);
            let window = matches!(happening, Happening::Window);
            self.happen(at, happening);
            if window || happenings.is_multiple_of(4096) {
                watch(&self.snapshot(now, happenings));
            }
            if window && self.is_over() {
                break;
            }
        }
        watch(&self.snapshot(now, happenings));
        self.finish(now, happenings)
    }

    fn snapshot(&self, now_ns: u64, happenings: u64) -> Snapshot<'_> {
        let waves = self.injector.plan().waves.len();
        Snapshot {
            now_ns,
            lasts_ns: self.lasts_ns,
            phase: self.injector.phase(),
            wave: (self.injector.waves().len(), waves),
            targets: self.injector.targets().len(),
            accounting: self.injector.accounting(),
            figures: self.monitor.points().last().map_or(&[], |point| &point.figures),
            happenings,
        }
    }

    fn happen(&mut self, now: u64, happening: Happening) {
        match happening {
            Happening::Begin => self.inject(now, injector::Event::Begin),
            Happening::ToAgent(agent, message) => self.tell(now, agent, agent::Event::Message(&message)),
            Happening::ToInjector(agent, message) => {
                if let (Some(archive), FromAgent::Ack(ack)) = (&mut self.archive, &message) {
                    archive.ack(ack);
                }
                let Some(name) = self.node(agent).map(|node| node.agent.name().clone()) else { return };
                self.inject(now, injector::Event::Message(&name, &message));
            }
            Happening::ToMonitor(rank, aggregate) => self.monitor.take(rank, &aggregate),
            Happening::Compared(comparison) => self.comparisons.take(&comparison),
            Happening::ToBus(agent) => {
                let held = self.bus.clone();
                self.send(now, agent, |agent| Happening::ToAgent(agent, ToAgent::Desired(held.clone())));
            }
            Happening::WakeAgent(agent) => {
                if self.node(agent).is_some_and(|node| node.wake_at == now) {
                    self.tell(now, agent, agent::Event::Wake);
                }
            }
            Happening::Activate(agent, life) => self.activate(now, agent, life),
            Happening::ActivateShadow(agent, incarnation) => self.activate_shadow(now, agent, incarnation),
            Happening::WakeInjector => {
                if self.injector_wake == now {
                    self.inject(now, injector::Event::Wake);
                }
            }
            Happening::Window => self.close_window(now),
            Happening::Boot(agent) => self.boot(now, agent),
            Happening::Fault(fault) => self.trouble(now, fault),
            Happening::Rejoin(agent) => {
                if let Some(node) = self.node_mut(agent) {
                    node.cut_off = false;
                }
            }
            Happening::Heal => self.heal(now),
        }
    }

    fn node(&self, agent: u32) -> Option<&Node<E::Run>> {
        self.nodes.get(usize::try_from(agent).ok()?)
    }

    fn node_mut(&mut self, agent: u32) -> Option<&mut Node<E::Run>> {
        self.nodes.get_mut(usize::try_from(agent).ok()?)
    }

    /// Puts a message on the network between an agent and the rest.
    fn send(&mut self, now: u64, agent: u32, make: impl Fn(u32) -> Happening) {
        self.messages.0 = self.messages.0.saturating_add(1);
        let arrivals = match self.node(agent) {
            Some(node) if !node.cut_off => self.conduct.arrivals(now, &mut self.chance),
            _ => [None, None],
        };
        if arrivals == [None, None] {
            self.messages.1 = self.messages.1.saturating_add(1);
        }
        for at in arrivals.into_iter().flatten() {
            self.schedule.at(at, make(agent));
        }
    }

    fn clock(now: u64) -> i64 {
        STARTED_AT.saturating_add(i64::try_from(now).unwrap_or(i64::MAX))
    }

    /// One step of an agent, and what it wants done; answers to commands are steps of their own.
    fn tell(&mut self, now: u64, agent: u32, event: agent::Event<'_>) {
        let mut commands = std::mem::take(&mut self.scratch);
        commands.clear();
        let Some(node) = self.nodes.get_mut(usize::try_from(agent).unwrap_or(usize::MAX)) else { return };
        if !node.up {
            self.scratch = commands;
            return;
        }
        let clock = Self::clock(now).saturating_add(node.skew_ns);
        node.agent.step((clock, now), event, &mut self.cache, &mut commands);
        let mut answers = Vec::new();
        for command in commands.drain(..) {
            if self.dies(now, agent) {
                break;
            }
            answers.extend(self.carry_out(now, agent, command));
        }
        self.scratch = commands;
        for (shadow, answer) in answers {
            let event = match shadow {
                true => agent::Event::ShadowStarted(answer),
                false => agent::Event::Started(answer),
            };
            self.tell(now, agent, event);
        }
    }

    /// Does what an agent wants; gives what came of a start, and whether it was of a program in shadow.
    fn carry_out(
        &mut self,
        now: u64,
        agent: u32,
        command: agent::Command,
    ) -> Option<(bool, Result<(), SmolStr>)> {
        match command {
            agent::Command::Persist(durable) => {
                self.watch.persisted(now, agent, &durable);
                if let Some(node) = self.node_mut(agent) {
                    node.disk = Some(durable);
                }
            }
            agent::Command::Append(bytes) => {
                if let Some(node) = self.node_mut(agent) {
                    node.tail.extend_from_slice(&bytes);
                }
            }
            agent::Command::Seal(chunk) => {
                let Simulation { nodes, archive, .. } = self;
                if let Some(node) = nodes.get_mut(usize::try_from(agent).unwrap_or(usize::MAX)) {
                    node.tail.clear();
                    if let Some(archive) = archive {
                        archive.chunk(node.name(), &chunk.seal(&node.agent.profile().key));
                    }
                }
            }
            agent::Command::Forget(order) => {
                if let Some(node) = self.node_mut(agent) {
                    node.journal = Journal::lost(order);
                }
            }
            agent::Command::Send(message) => self.send_up(now, agent, message),
            agent::Command::Start(start) => {
                return self.start(now, agent, &start).map(|started| (start.shadow, started));
            }
            agent::Command::StopShadow => {
                if let Some(node) = self.node_mut(agent) {
                    node.shadow = None;
                }
            }
            agent::Command::Stop => {
                if let Some(node) = self.node_mut(agent) {
                    node.run = None;
                    node.life = node.life.wrapping_add(1);
                }
            }
            agent::Command::Wake(at) => {
                if let Some(node) = self.node_mut(agent)
                    && (node.wake_at != at || node.wake_at <= now)
                {
                    node.wake_at = at;
                    self.schedule.at(at.max(now), Happening::WakeAgent(agent));
                }
            }
        }
        None
    }

    fn send_up(&mut self, now: u64, agent: u32, message: FromAgent) {
        match message {
            FromAgent::Read => self.send(now, agent, Happening::ToBus),
            FromAgent::Window(aggregate) => {
                if let Some(rank) = self.node(agent).and_then(|node| node.rank) {
                    self.send(now, agent, |_| Happening::ToMonitor(rank, Arc::clone(&aggregate)));
                }
            }
            FromAgent::Compared(comparison) => {
                self.send(now, agent, |_| Happening::Compared(Arc::clone(&comparison)));
            }
            message => self.send(now, agent, |agent| Happening::ToInjector(agent, message.clone())),
        }
    }

    fn start(&mut self, now: u64, agent: u32, start: &Start) -> Option<Result<(), SmolStr>> {
        let trust = Arc::clone(self.cache.trust());
        let name = self.node(agent)?.name().clone();
        self.watch.started(now, (agent, &name), start, &trust);
        let poisoned = self.node(agent)?.poisoned && start.checked.plan().order.id == self.setup_order;
        if poisoned && start.which == Which::Ordered {
            if self.chance.happens(500_000) {
                self.crash(now, agent, SECOND);
                return None;
            }
            return Some(Err("the program does not start here".into()));
        }
        match self.engine.start(agent, start, now) {
            Ok(run) => {
                let due = self.engine.due(&run);
                if start.shadow {
                    return self.started_in_shadow(now, agent, run, due);
                }
                let node = self.node_mut(agent)?;
                node.life = node.life.wrapping_add(1);
                node.run = Some(run);
                let life = node.life;
                if let Some(due) = due {
                    self.schedule.at(due.max(now), Happening::Activate(agent, life));
                }
                Some(Ok(()))
            }
            Err(reason) => Some(Err(reason)),
        }
    }

    fn activate(&mut self, now: u64, agent: u32, life: u32) {
        let Simulation { engine, nodes, watch, chance, .. } = self;
        let Some(node) = nodes.get_mut(usize::try_from(agent).unwrap_or(usize::MAX)) else { return };
        if node.life != life || !node.up {
            return;
        }
        let Some(mut run) = node.run.take() else { return };
        let dies = std::mem::take(&mut node.dies_in_effect);
        let (activation, permitted) = engine.activate(&mut run, now, &mut node.journal, None);
        let order = node.agent.order();
        // An intent is on disk before, the outcome after: who dies in between leaves the intent.
        for key in permitted {
            if let Some(down_ns) = dies {
                // Who dies in an effect dies before it or after it.
                if chance.happens(500_000) {
                    watch.performed(now, agent, key);
                }
                self.crash(now, agent, down_ns);
                return;
            }
            watch.performed(now, agent, key);
            node.journal.done(&order, key);
        }
        node.dies_in_effect = dies;
        if let Some(digest) = node.agent.running().filter(|_| activation.ended.is_none()) {
            watch.ran_well(agent, digest);
        }
        let due = engine.due(&run);
        match due {
            Some(due) if activation.ended.is_none() => {
                node.run = Some(run);
                self.schedule.at(due.max(now), Happening::Activate(agent, life));
            }
            _ => {}
        }
        self.tell(now, agent, agent::Event::Activated(&activation));
    }

    /// One step of the injector, and what it wants done.
    fn inject(&mut self, now: u64, event: injector::Event<'_>) {
        let mut commands = Vec::new();
        let clock = Self::clock(now);
        self.injector.step((clock, now), event, &mut commands);
        let mut verdicts = Vec::new();
        for command in commands {
            match command {
                injector::Command::Persist(durable) => self.injector_disk = Some(*durable),
                injector::Command::Publish(directive) => {
                    if let Some(archive) = &mut self.archive {
                        archive.record(directive.record());
                    }
                    self.past.extend(self.bus.replace(directive));
                }
                injector::Command::Hint(names) => {
                    for name in names {
                        self.send_down(now, &name, &ToAgent::Hint);
                    }
                }
                injector::Command::Send(name, message) => self.send_down(now, &name, &message),
                injector::Command::Judge { error_rate } => {
                    verdicts.push(self.monitor.gate(self.gate, error_rate, &mut self.judge));
                }
                injector::Command::Wake(at) => {
                    if at != self.injector_wake {
                        self.injector_wake = at;
                        self.schedule.at(at, Happening::WakeInjector);
                    }
                }
            }
        }
        for verdict in verdicts {
            self.inject(now, injector::Event::Verdict(verdict));
        }
        if self.nodes.len() <= 64 {
            self.watch.accounted(now, &self.injector);
        }
    }

    fn send_down(&mut self, now: u64, name: &Name, message: &ToAgent) {
        if let Some((agent, _)) = self.ranks.get(name).copied() {
            self.send(now, agent, |agent| Happening::ToAgent(agent, message.clone()));
        }
    }

    fn close_window(&mut self, now: u64) {
        self.watch.accounted(now, &self.injector);
        let accounting = self.injector.accounting();
        if self.monitor.close(now, accounting.error_rate(), &mut self.judge) {
            self.inject(now, injector::Event::Goal);
        }
        self.schedule.at(now.saturating_add(self.window_ns), Happening::Window);
    }
}
