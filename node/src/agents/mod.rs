//! A process with any number of agents: one connection, one clock, one disk, one set of checked orders for
//! all of them.
//!
//! It works in turns. In each, everything that has come and everything that is due is put to the agents; what
//! they want written goes to disk together; and only then is done what they want done. So a crash anywhere
//! is, for each agent, a crash between two of its acts.

mod store;
mod tasks;
mod turn;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use sha2::{Digest, Sha256};
use swarm_bus::{Bus, Position, Version};
use swarm_fleet::agent::{self, Agent, Durable, Profile};
use swarm_fleet::cache::Cache;
use swarm_fleet::engine::Engine;
use swarm_fleet::journal::Journal;
use swarm_fleet::message::{FromAgent, ToAgent};
use swarm_fleet::name::Name;
use swarm_fleet::record::Directive;
use swarm_fleet::trace::overflow::{Policy, Room};
use swarm_fleet::trust::Trust;
use swarm_fleet::window::Activation;
use swarm_vm::EffectKey;

use crate::NodeError;
use crate::disk::Disk;
use crate::layout::Layout;
use crate::registry::Told;
use crate::time::Timeline;

use tasks::TaskDesk;
pub use tasks::TaskSource;

/// Longest time a process waits for the bus before it looks around.
const LONGEST: Duration = Duration::from_secs(1);

/// How often a process says that it is there.
const BEAT: Duration = Duration::from_secs(5);

/// How long it waits before it tries a bus or a disk again that failed.
const AGAIN: Duration = Duration::from_millis(200);

/// What a process of agents is made of.
#[derive(Debug)]
pub struct Settings {
    /// The fleet.
    pub fleet: Name,
    /// Names the process.
    pub process: String,
    /// The trust file.
    pub trust: Arc<Trust>,
    /// The agents, alike but for name and key.
    pub profiles: Vec<Profile>,
    /// What survives.
    pub disk: Disk,
    /// An agent of which the disk knows nothing is new: nothing ran before it. Otherwise it lost its disk,
    /// and runs nothing until the injector admits it.
    pub new: bool,
    /// How much faster than the computer's clock the agents' time goes.
    pub speed: u32,
    /// What gives way when so many bytes of signed traces wait for the bus.
    pub overflow: (Policy, u64),
    /// Where programs' `task_queue` comes from, if it is a queue of the bus.
    pub tasks: Option<TaskSource>,
}

/// Where effects happen that happen once.
pub trait Outside {
    /// Does it. Its intent is on disk.
    fn perform(&mut self, agent: &Name, key: &EffectKey);
}

impl Outside for () {
    fn perform(&mut self, _: &Name, _: &EffectKey) {}
}

/// An agent in its process.
struct Slot<R> {
    agent: Agent,
    journal: Journal,
    run: Option<R>,
    /// Changes with each program that starts or stops.
    life: u32,
    /// The program in shadow.
    shadow: Option<R>,
    /// Changes with each program in shadow that starts or stops.
    shadow_life: u32,
    wake_at: u64,
}

/// What is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Due {
    Wake(usize),
    Activate(usize, u32),
    ActivateShadow(usize, u32),
}

/// Effects that may happen as soon as their intents are on disk, and the activation they belong to.
struct Permitted {
    slot: usize,
    order: [u8; 16],
    keys: Vec<EffectKey>,
    activation: Activation,
}

/// A process of agents.
pub struct Agents<E: Engine> {
    settings: Settings,
    layout: Layout,
    bus: Box<dyn Bus>,
    engine: E,
    outside: Box<dyn Outside>,
    cache: Cache,
    time: Timeline,
    slots: Vec<Slot<E::Run>>,
    names: BTreeMap<Name, usize>,
    timers: BinaryHeap<Reverse<(u64, Due)>>,
    /// What the bus desires, as it was read last.
    desired: Option<Arc<Directive>>,
    version: Version,
    looked: Option<Instant>,
    replies: Option<Position>,
    generation: Option<u64>,
    /// Agents that want to read the desired state.
    readers: BTreeSet<usize>,
    /// What agents want done, until what they want written is on disk.
    held: Vec<(usize, agent::Command)>,
    permitted: Vec<Permitted>,
    acks: Vec<(Name, FromAgent)>,
    windows: Vec<(Name, FromAgent)>,
    /// The number of the next piece of a trace on disk.
    number: u64,
    beat_at: Option<Instant>,
    beat_version: Version,
    /// What agents do has changed since it was told.
    states_changed: bool,
    states_at: Option<Instant>,
    states_told: Told,
    trouble: Option<String>,
    away: bool,
    /// Room for traces that are not sent yet.
    room: Room,
    tasks: Option<TaskDesk>,
}

impl<E: Engine> std::fmt::Debug for Agents<E> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Agents").field("agents", &self.slots.len()).finish_non_exhaustive()
    }
}

impl<E: Engine> Agents<E> {
    /// A process, with what its disk has of each agent. All of them start.
    ///
    /// # Errors
    /// [`NodeError::Refused`] where the disk holds what is no agent's state; [`NodeError::Disk`].
    pub fn new(
        mut settings: Settings,
        engine: E,
        outside: Box<dyn Outside>,
        bus: Box<dyn Bus>,
    ) -> Result<Agents<E>, NodeError> {
        let layout = Layout::new(&settings.fleet);
        let cache = Cache::new(Arc::clone(&settings.trust));
        let profiles = std::mem::take(&mut settings.profiles);
        let kept = store::Kept::read(&settings.disk)?;
        let time = Timeline::new(settings.speed);
        let mut room = Room::new(settings.overflow.0, settings.overflow.1);
        room.written(store::waiting(&settings.disk));
        let tasks = settings.tasks.take().map(|source| TaskDesk::new(source, &settings.process));
        let mut agents = Agents {
            layout,
            bus,
            engine,
            outside,
            cache,
            time,
            slots: Vec::with_capacity(profiles.len()),
            names: BTreeMap::new(),
            timers: BinaryHeap::new(),
            desired: None,
            version: None,
            looked: None,
            replies: None,
            generation: None,
            readers: BTreeSet::new(),
            held: Vec::new(),
            permitted: Vec::new(),
            acks: Vec::new(),
            windows: Vec::new(),
            number: store::next_number(&settings.disk),
            beat_at: None,
            beat_version: None,
            states_changed: true,
            states_at: None,
            states_told: Told::default(),
            trouble: None,
            away: false,
            room,
            tasks,
            settings,
        };
        let mut work = Vec::new();
        for profile in profiles {
            agents.boot(profile, &kept, &mut work)?;
        }
        agents.settle(work);
        Ok(agents)
    }

    fn boot(
        &mut self,
        profile: Profile,
        kept: &store::Kept,
        work: &mut Vec<(usize, agent::Command)>,
    ) -> Result<(), NodeError> {
        let disk = kept.durable(&self.settings.disk, &profile.name)?;
        let disk = disk.or_else(|| self.settings.new.then(Durable::installed));
        let journal = store::journal(&self.settings.disk, &profile.name);
        let tail = store::tail(&self.settings.disk, &profile.name);
        let mut nonce = [0; 8];
        getrandom::fill(&mut nonce)
            .map_err(|error| NodeError::Other(format!("the system gives no randomness: {error}")))?;
        let at = self.slots.len();
        self.names.insert(profile.name.clone(), at);
        let agent = Agent::new(profile);
        self.slots.push(Slot {
            agent,
            journal,
            run: None,
            life: 0,
            shadow: None,
            shadow_life: 0,
            wake_at: u64::MAX,
        });
        let nonce = u64::from_le_bytes(nonce) >> 1;
        self.step(at, agent::Event::Boot { disk: disk.map(Box::new), tail, nonce }, work);
        Ok(())
    }

    /// Works until it is told to stop.
    ///
    /// # Errors
    /// [`NodeError::Bus`] where the bus is no bus.
    pub fn run(&mut self, stop: &AtomicBool) -> Result<(), NodeError> {
        while !stop.load(Ordering::Relaxed) {
            self.turn(LONGEST)?;
        }
        Ok(())
    }

    /// All of its agents leave: their programs stop, their traces are closed, and they say so, for at most so
    /// long. What could not be said is on disk, and is said when they come back.
    ///
    /// # Errors
    /// As [`Agents::run`]; [`NodeError::Disk`].
    pub fn leave(&mut self, patience: Duration) -> Result<(), NodeError> {
        let mut work = Vec::new();
        for at in 0..self.slots.len() {
            self.step(at, agent::Event::Leave, &mut work);
        }
        self.settle(work);
        let begun = Instant::now();
        while !self.has_said_all()? && begun.elapsed() < patience {
            std::thread::sleep(AGAIN.min(patience));
            self.settle(Vec::new());
        }
        // That they are gone shows by itself too.
        let _told = self.tell_states();
        self.settings.disk.commit()
    }

    /// How many of its agents run a program.
    pub fn running(&self) -> usize {
        self.slots.iter().filter(|slot| slot.run.is_some()).count()
    }

    /// What it suffers from.
    pub fn trouble(&self) -> Option<&str> {
        self.trouble.as_deref()
    }

    /// How often something went to its disk.
    pub fn commits(&self) -> u64 {
        self.settings.disk.commits()
    }

    fn step(&mut self, at: usize, event: agent::Event<'_>, work: &mut Vec<(usize, agent::Command)>) {
        let Some(slot) = self.slots.get_mut(at) else { return };
        let mut commands = Vec::new();
        slot.agent.step(self.time.both(), event, &mut self.cache, &mut commands);
        work.extend(commands.into_iter().map(|command| (at, command)));
    }

    fn tell(&mut self, at: usize, message: &ToAgent, work: &mut Vec<(usize, agent::Command)>) {
        self.step(at, agent::Event::Message(message), work);
    }
}

/// A number for an agent that depends on its name alone.
fn number(name: &Name) -> u32 {
    let hash: [u8; 32] = Sha256::digest(name.as_str().as_bytes()).into();
    u32::from_le_bytes(*hash.first_chunk().unwrap_or(&[0; 4]))
}
