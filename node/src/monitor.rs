//! The monitor of a fleet as a process: follows what is desired, puts agents' windows together, and tells
//! what comes of it. It decides nothing, and keeps nothing that is not on the bus, unless it is given an
//! archive.

mod traces;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::Value as Json;
use swarm_bus::{Bus, BusError, Position, Version};
use swarm_bytecode::module::Module;
use swarm_bytecode::verify::Verified;
use swarm_fleet::injector::Phase;
use swarm_fleet::monitor::History;
use swarm_fleet::monitor::baseline::Baseline;
use swarm_fleet::name::Name;
use swarm_fleet::order::Sha256Digest;
use swarm_fleet::plan::Plan;
use swarm_fleet::record::Directive;

use crate::NodeError;
use crate::layout::{ALERTS, HEALTH, HISTORY, KEEP, METRICS, READ};
use crate::operator::Operator;
use crate::registry;
use crate::status::Status;
use crate::time::clock;
use crate::watcher::Watcher;

pub use traces::Archive;
use traces::Traces;

/// How often it looks at what it was not told of.
const LOOK: Duration = Duration::from_secs(2);

/// What it is called in the registry, and its role there.
const MONITOR: &str = "monitor";

/// How often it says that it is there.
const BEAT: Duration = Duration::from_secs(5);

/// What a monitor's process is made of.
pub struct Settings {
    /// The fleet.
    pub fleet: Name,
    /// Length of a window.
    pub window: Duration,
    /// An earlier report, or document of `swarm:metrics:aggregate`, that figures are held against. Without
    /// one it is what the bus still has of an earlier order of the same name.
    pub baseline: Option<Json>,
    /// Modules with their places in the source, by the digest of the stripped one, so that alerts can name
    /// lines. Plans carry none.
    pub sources: BTreeMap<Sha256Digest, Module>,
    /// Keeps what was signed.
    pub archive: Option<Box<dyn Archive>>,
}

impl std::fmt::Debug for Settings {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Settings").field("fleet", &self.fleet).finish_non_exhaustive()
    }
}

/// What a window told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// The order, in hexadecimal digits.
    pub order: String,
    /// Its program.
    pub program: String,
    /// Nanoseconds since it began.
    pub at_ns: u64,
    /// Agents that sent windows.
    pub agents: usize,
    /// Targets.
    pub targets: usize,
    /// What left its course, in words.
    pub alerts: Vec<String>,
}

/// A monitor's process.
#[derive(Debug)]
pub struct Process {
    settings: Settings,
    operator: Operator,
    followed: Option<Followed>,
    traces: Traces,
    generation: Option<u64>,
    looked: Option<Instant>,
    beat_at: Option<Instant>,
    /// The step the archive was given last.
    archived: Option<Sha256Digest>,
}

#[derive(Debug)]
struct Followed {
    order: [u8; 16],
    plan: Plan,
    watcher: Watcher,
    /// Its program with places.
    module: Module,
    targets: usize,
    windows: Option<Position>,
    /// When the last window was closed.
    closed: Option<Instant>,
    /// How many alerts were told, and what a monitor before this one told.
    alerts: usize,
    known: BTreeSet<String>,
    history: History,
    /// Versions of the values it writes.
    health: Version,
    history_version: Version,
    /// The injector's time, and when it was read.
    time: Option<(u64, Instant)>,
}

impl Process {
    /// A process over a bus.
    pub fn new(settings: Settings, bus: Box<dyn Bus>) -> Process {
        let operator = Operator::new(&settings.fleet, bus);
        Process {
            settings,
            operator,
            followed: None,
            traces: Traces::default(),
            generation: None,
            looked: None,
            beat_at: None,
            archived: None,
        }
    }

    /// Works until it is told to stop.
    ///
    /// # Errors
    /// As [`Process::turn`].
    pub fn run(&mut self, stop: &AtomicBool, told: &mut dyn FnMut(&Told)) -> Result<(), NodeError> {
        while !stop.load(Ordering::Relaxed) {
            if let Some(window) = self.turn(self.patience())? {
                told(&window);
            }
        }
        let layout = self.operator.layout().clone();
        // That it is gone shows by itself too.
        let _told = registry::gone(self.operator.bus(), &layout, MONITOR);
        Ok(())
    }

    /// One turn: waits at most so long for something to happen. Gives what it told if a window ended. A bus
    /// that is away comes back.
    ///
    /// # Errors
    /// [`NodeError::Bus`] where the bus is no bus; [`NodeError::Disk`] where the archive cannot be written.
    pub fn turn(&mut self, longest: Duration) -> Result<Option<Told>, NodeError> {
        match self.work(longest) {
            Err(NodeError::Bus(BusError::Away(_))) => {
                std::thread::sleep(longest);
                Ok(None)
            }
            done => done,
        }
    }

    fn work(&mut self, longest: Duration) -> Result<Option<Told>, NodeError> {
        let layout = self.operator.layout().clone();
        // A new step comes with a hint.
        let hinted = self.operator.bus().wait(&[&layout.to_agents, &layout.to_operators], longest)?;
        if !hinted && self.looked.is_some_and(|at| at.elapsed() < self.patience()) {
            return Ok(None);
        }
        self.looked = Some(Instant::now());
        self.look_at_the_bus()?;
        if let Some(directive) = self.operator.desired()? {
            self.follow(&directive)?;
        }
        if self.beat_at.is_none_or(|at| at.elapsed() >= BEAT) {
            registry::present(self.operator.bus(), &layout, (MONITOR, MONITOR), None)?;
            self.beat_at = Some(Instant::now());
        }
        let Some(own) = &mut self.followed else { return Ok(None) };
        loop {
            let entries = self.operator.bus().read(&layout.windows, own.windows, READ)?;
            for entry in &entries {
                own.windows = Some(entry.position);
                own.watcher.take(&entry.bytes);
            }
            if entries.len() < READ {
                break;
            }
        }
        self.traces.read(&mut self.operator, self.settings.archive.as_deref_mut())?;
        if own.closed.is_some_and(|at| at.elapsed() < self.settings.window) {
            return Ok(None);
        }
        own.close(&mut self.operator).map(Some)
    }

    /// How long it waits for a hint, so that windows end about when they should.
    fn patience(&self) -> Duration {
        self.settings.window.checked_div(4).unwrap_or_default().min(LOOK)
    }

    /// What was read from a bus that forgot everything says nothing about what it holds now.
    fn look_at_the_bus(&mut self) -> Result<(), NodeError> {
        let generation = self.operator.bus().generation()?;
        if self.generation.replace(generation).is_some_and(|before| before != generation) {
            self.traces.forget();
            if let Some(own) = &mut self.followed {
                (own.windows, own.health, own.history_version) = (None, None, None);
            }
        }
        Ok(())
    }

    /// Begins with an order, if it is another one.
    fn follow(&mut self, directive: &Directive) -> Result<(), NodeError> {
        let plan = Plan::decode(&directive.plan().payload)?;
        if self.followed.as_ref().is_none_or(|own| own.order != plan.order.id) {
            let module = plan.order.module.as_deref().unwrap_or_default();
            let program = Verified::load(module)
                .map_err(|error| NodeError::Other(format!("the module is refused: {error}")))?;
            let baseline = self.baseline(&plan, program.module())?;
            let watcher = Watcher::new(&program, &plan.context, plan.order.id, directive.targets())?;
            let bus = self.operator.bus();
            let (history, history_version) = bus.get(HISTORY)?;
            let known = told_before(bus, &plan.order.id)?;
            let own = self.settings.sources.get(&plan.order.digest);
            self.followed = Some(Followed {
                order: plan.order.id,
                watcher: watcher.against(baseline),
                module: own.unwrap_or(program.module()).clone(),
                targets: directive.targets().len(),
                windows: None,
                closed: None,
                alerts: 0,
                known,
                history: History::resume(plan.order.id, history.as_deref()),
                health: None,
                history_version,
                time: None,
                plan,
            });
            self.traces.begin();
        }
        let step = Some(directive.digest());
        if let Some(archive) = &mut self.settings.archive
            && self.archived != step
        {
            let layout = self.operator.layout().clone();
            let members = registry::read(self.operator.bus(), &layout)?;
            archive.step(directive, &members)?;
            self.archived = step;
        }
        Ok(())
    }

    /// What figures of an order are held against.
    fn baseline(&mut self, plan: &Plan, module: &Module) -> Result<Option<Baseline>, NodeError> {
        if let Some(given) = &self.settings.baseline {
            return Ok(Baseline::read(given, &module.metrics));
        }
        let (own, mut behind, mut newest) = (hexadecimal(&plan.order.id), None, None);
        loop {
            let entries = self.operator.bus().read(METRICS, behind, READ)?;
            for entry in &entries {
                behind = Some(entry.position);
                let document: Option<Json> = serde_json::from_slice(&entry.bytes).ok();
                let of = |name: &str| document.as_ref()?.get(name)?.as_str();
                if of("instruction") == Some(module.instruction.name.as_str()) && of("order") != Some(&own) {
                    newest = document;
                }
            }
            if entries.len() < READ {
                return Ok(newest.and_then(|document| Baseline::read(&document, &module.metrics)));
            }
        }
    }
}

impl Followed {
    /// Ends a window, and tells what is to be told.
    fn close(&mut self, operator: &mut Operator) -> Result<Told, NodeError> {
        let status = operator.status()?.filter(|status| status.order == hexadecimal(&self.order));
        let now_ns = self.now(status.as_ref());
        let stands = status.as_ref().and_then(|own| Some((Phase::of(&own.phase)?, own.reached.accounting())));
        self.watcher.close(now_ns, stands.map_or(0, |(_, accounting)| accounting.error_rate()));
        let monitor = self.watcher.monitor();
        self.history.push(monitor);
        let bus = operator.bus();
        bus.append(METRICS, &[&monitor.metrics_document(now_ns)], KEEP)?;
        let health = monitor.health_document(now_ns, stands);
        registry::put(bus, HEALTH, &mut self.health, &health)?;
        registry::put(bus, HISTORY, &mut self.history_version, &self.history.document())?;
        let mut said = Vec::new();
        for alert in monitor.alerts().iter().skip(self.alerts) {
            let document = monitor.alert_document(alert, &self.module);
            if !self.known.remove(&subject(&document)) {
                bus.append(ALERTS, &[&document], KEEP)?;
            }
            said.push(format!("{}: {}", alert.text, alert.message));
        }
        self.alerts = monitor.alerts().len();
        self.closed = Some(Instant::now());
        let agents: BTreeSet<u32> = monitor.latest().map(|(rank, _)| rank).collect();
        Ok(Told {
            order: hexadecimal(&self.order),
            program: format!("{}_v{}", self.plan.order.name, self.plan.order.version),
            at_ns: now_ns,
            agents: agents.len(),
            targets: self.targets,
            alerts: said,
        })
    }

    /// Nanoseconds since the order began: by the injector's time, which may go faster than the clock; without
    /// an injector by the plan's.
    fn now(&mut self, status: Option<&Status>) -> u64 {
        let since = |at: Instant| u64::try_from(at.elapsed().as_nanos()).unwrap_or(u64::MAX);
        if let Some(status) = status
            && self.time.is_none_or(|(read, _)| read != status.now_ns)
        {
            self.time = Some((status.now_ns, Instant::now()));
        }
        match self.time {
            Some((read, at)) => read.saturating_add(since(at)),
            None => u64::try_from(clock().saturating_sub(self.plan.order.not_before)).unwrap_or(0),
        }
    }
}

/// What an alert is about. A monitor that begins anew finds again what one before it told.
fn subject(document: &[u8]) -> String {
    let document: Json = serde_json::from_slice(document).unwrap_or_default();
    let of = |name: &str| document.get(name).map(Json::to_string).unwrap_or_default();
    ["order", "expectation", "baseline", "figure"].map(of).join(" ")
}

/// Alerts of this order that are on the bus.
fn told_before(bus: &mut dyn Bus, order: &[u8; 16]) -> Result<BTreeSet<String>, BusError> {
    let (own, mut behind, mut known) = (hexadecimal(order), None, BTreeSet::new());
    loop {
        let entries = bus.read(ALERTS, behind, READ)?;
        for entry in &entries {
            behind = Some(entry.position);
            let subject = subject(&entry.bytes);
            if subject.contains(&own) {
                known.insert(subject);
            }
        }
        if entries.len() < READ {
            return Ok(known);
        }
    }
}

pub(crate) fn hexadecimal(order: &[u8; 16]) -> String {
    order.iter().map(|byte| format!("{byte:02x}")).collect()
}
