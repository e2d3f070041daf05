//! The injector of a fleet as a process: takes plans that publishers signed, leads one at a time through its
//! waves, and tells how it stands.
//!
//! It is one at a time by a lease on the bus; each holder has a higher epoch than the one before. What it is
//! about to publish is on its own disk before. What stands on the bus in its place is held against that: a
//! step that publishers signed is taken up, anything else is written over.

mod course;
mod intake;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use swarm_bus::{Bus, BusError, Position, Version};
use swarm_fleet::injector::{Durable, Event, Injector};
use swarm_fleet::key::{PublicKey, SecretKey};
use swarm_fleet::message::ToAgent;
use swarm_fleet::name::Name;
use swarm_fleet::order::Revision;
use swarm_fleet::record::Directive;
use swarm_fleet::trust::Trust;

use crate::NodeError;
use crate::disk::Disk;
use crate::layout::{Layout, READ};
use crate::lease::{Holder, LASTS_NS};
use crate::registry;
use crate::status::Status;
use crate::submission::Submission;
use crate::time::Timeline;
use crate::watcher::Watcher;

pub use intake::Answer;

/// Longest time the process waits for the bus before it looks around.
const LONGEST: Duration = Duration::from_millis(500);

/// How long it waits before it tries a bus or a disk again that failed.
const AGAIN: Duration = Duration::from_millis(200);

/// How often it says how it stands, at most.
const TOLD: Duration = Duration::from_millis(50);

/// How often it says that it is there.
const BEAT: Duration = Duration::from_secs(5);

/// How often it looks whether the bus still is the one it was.
const LOOK: Duration = Duration::from_millis(500);

/// What an injector's process is made of.
#[derive(Debug)]
pub struct Settings {
    /// The fleet.
    pub fleet: Name,
    /// The trust file.
    pub trust: Arc<Trust>,
    /// The key that plans delegate to.
    pub key: SecretKey,
    /// What survives.
    pub disk: Disk,
    /// How much faster than the computer's clock gates and windows go.
    pub speed: u32,
    /// Nanoseconds of a window.
    pub window_ns: u64,
}

/// An order under way, or the last one.
struct Active {
    machine: Injector,
    watcher: Watcher,
    time: Timeline,
    /// When it began, by the computer's clock.
    wake_at: u64,
    next_window: u64,
    /// What is to stand on the bus, and whether it does as far as is known.
    desired: Option<Arc<Directive>>,
    published: bool,
    told: bool,
}

/// Where governors' orders become plans. A program's name and its version in, a signed plan out.
pub trait Library: Send {
    /// Makes a signed plan of an order as a governor writes it. `Err` says, in a JSON document, why not.
    ///
    /// # Errors
    /// What the governor is told instead.
    fn plan(&mut self, order: &str, context: &Drafting<'_>) -> Result<Submission, String>;
}

/// What a plan is made from beside the order.
#[derive(Debug)]
pub struct Drafting<'a> {
    /// The agents that are there.
    pub members: &'a BTreeMap<Name, registry::Member>,
    /// What is desired now.
    pub desired: Option<&'a Directive>,
    /// The plan's revision has to be above this.
    pub above: Revision,
    /// The key it delegates to.
    pub injector: PublicKey,
}

/// An injector's process.
pub struct Process {
    settings: Settings,
    layout: Layout,
    bus: Box<dyn Bus>,
    library: Option<Box<dyn Library>>,
    lease: Holder,
    renewed: Option<Instant>,
    /// The epoch it works under.
    begun: Option<u64>,
    active: Option<Active>,
    acks: Option<Position>,
    windows: Option<Position>,
    plans: Option<Position>,
    orders: Option<Position>,
    generation: Option<u64>,
    looked: Option<Instant>,
    version: Version,
    replies: Vec<(Name, ToAgent)>,
    hints: bool,
    said: Option<(Status, Instant)>,
    said_version: Version,
    trouble: Option<String>,
    /// What it is called in the registry, and when it said that it is there.
    name: String,
    beat_at: Option<Instant>,
    /// Agents whose key is new.
    new_keys: BTreeSet<Name>,
}

impl std::fmt::Debug for Process {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Process").field("fleet", &self.settings.fleet).finish_non_exhaustive()
    }
}

impl Process {
    /// A process that goes on with what is on its disk.
    ///
    /// # Errors
    /// [`NodeError::Refused`] where the disk holds what is none of it; [`NodeError::Other`] without randomness.
    pub fn new(
        mut settings: Settings,
        bus: Box<dyn Bus>,
        library: Option<Box<dyn Library>>,
    ) -> Result<Process, NodeError> {
        let layout = Layout::new(&settings.fleet);
        let name = own_name(&mut settings.disk)?;
        let kept = settings.disk.get(course::DURABLE).map(Durable::decode).transpose()?;
        let floor = kept.as_ref().map_or(0, |kept| kept.revision.epoch);
        let lease = Holder::new(&layout.lease, &name, floor);
        Ok(Process {
            lease,
            layout,
            bus,
            library,
            renewed: None,
            begun: None,
            active: None,
            acks: None,
            windows: None,
            plans: None,
            orders: None,
            generation: None,
            looked: None,
            version: None,
            replies: Vec::new(),
            hints: false,
            said: None,
            said_version: None,
            trouble: None,
            name,
            beat_at: None,
            new_keys: BTreeSet::new(),
            settings,
        })
    }

    /// Works until it is told to stop, and gives its lease back.
    ///
    /// # Errors
    /// [`NodeError::Bus`] where the bus is no bus; [`NodeError::Refused`] where the disk holds what is none
    /// of it.
    pub fn run(&mut self, stop: &AtomicBool) -> Result<(), NodeError> {
        while !stop.load(Ordering::Relaxed) {
            self.turn(LONGEST)?;
        }
        // The lease runs out by itself too.
        let _given = self.lease.give_back(&mut *self.bus);
        let _told = registry::gone(&mut *self.bus, &self.layout, &self.name);
        Ok(())
    }

    /// One turn: waits at most so long for something to happen.
    ///
    /// # Errors
    /// As [`Process::run`].
    pub fn turn(&mut self, longest: Duration) -> Result<(), NodeError> {
        match self.work(longest) {
            Ok(()) => {
                self.trouble = None;
                Ok(())
            }
            // A bus that is away comes back, a disk that is full is emptied.
            Err(error @ (NodeError::Bus(BusError::Away(_)) | NodeError::Disk { .. })) => {
                self.trouble = Some(error.to_string());
                self.looked = None;
                std::thread::sleep(AGAIN.min(longest));
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    /// What it suffers from.
    pub fn trouble(&self) -> Option<&str> {
        self.trouble.as_deref()
    }

    fn work(&mut self, longest: Duration) -> Result<(), NodeError> {
        let wait = self.wait().min(longest);
        let hinted = self.bus.wait(&[&self.layout.to_injector], wait)?;
        let leads = self.holds_lease()?;
        if self.beat_at.is_none_or(|at| at.elapsed() >= BEAT) {
            let role = if leads { "injector" } else { "injector in reserve" };
            registry::present(&mut *self.bus, &self.layout, (&self.name, role), None)?;
            self.beat_at = Some(Instant::now());
        }
        if !leads {
            return Ok(());
        }
        self.look_at_the_bus()?;
        if hinted {
            self.receive()?;
        }
        self.tend()?;
        self.publish()?;
        self.tell()
    }

    fn wait(&self) -> Duration {
        let Some(active) = &self.active else { return LONGEST };
        let next = active.wake_at.min(active.next_window);
        if self.said.as_ref().is_some_and(|_| !active.told) { TOLD } else { active.time.until(next) }
    }

    /// Takes or renews the lease. Who takes it begins where the disk says that this injector stood.
    fn holds_lease(&mut self) -> Result<bool, NodeError> {
        let third = Duration::from_nanos(u64::try_from(LASTS_NS / 3).unwrap_or(0));
        if self.lease.epoch().is_some() && self.renewed.is_some_and(|at| at.elapsed() < third) {
            return Ok(true);
        }
        let taken = self.lease.take(&mut *self.bus)?;
        self.renewed = Some(Instant::now());
        let Ok(epoch) = taken else {
            // Someone else is at work; what they do is theirs to know.
            (self.active, self.begun) = (None, None);
            return Ok(false);
        };
        // A lease that ran out and that no one took goes on.
        if self.begun != Some(epoch) {
            self.begin_epoch(epoch)?;
            self.begun = Some(epoch);
        }
        Ok(true)
    }

    fn look_at_the_bus(&mut self) -> Result<(), NodeError> {
        if self.looked.is_some_and(|at| at.elapsed() < LOOK) {
            return Ok(());
        }
        let generation = self.bus.generation()?;
        let lost = self.generation.replace(generation).is_some_and(|before| before != generation);
        if lost {
            (self.acks, self.windows, self.plans, self.orders) = (None, None, None, None);
            (self.version, self.said_version, self.said) = (None, None, None);
            self.step(Event::BusLost)?;
        }
        self.compare()?;
        self.looked = Some(Instant::now());
        // Hints may be lost: what they were about is looked for now and then.
        self.receive()
    }

    fn receive(&mut self) -> Result<(), NodeError> {
        self.take_acks()?;
        self.take_windows()?;
        self.take_plans()?;
        self.take_orders()?;
        // A step of publishers comes with a hint too.
        self.compare()
    }

    fn take_windows(&mut self) -> Result<(), NodeError> {
        loop {
            let entries = self.bus.read(&self.layout.windows, self.windows, READ)?;
            for entry in &entries {
                self.windows = Some(entry.position);
                if let Some(active) = &mut self.active {
                    active.watcher.take(&entry.bytes);
                }
            }
            if entries.len() < READ {
                return Ok(());
            }
        }
    }
}

/// A name no other injector has; it stays with the disk.
fn own_name(disk: &mut Disk) -> Result<String, NodeError> {
    if let Some(name) = disk.get(b"name").and_then(|name| std::str::from_utf8(name).ok()) {
        return Ok(name.to_owned());
    }
    let mut random = [0; 8];
    getrandom::fill(&mut random)
        .map_err(|error| NodeError::Other(format!("the system gives no randomness: {error}")))?;
    let name = format!("injector-{:016x}", u64::from_le_bytes(random));
    disk.put(b"name", name.clone().into_bytes());
    disk.commit()?;
    Ok(name)
}
