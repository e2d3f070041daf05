//! A whole fleet within this process: keys, trust file, injector and agents that live as long as the command.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use swarm_bus::{Bus, MemoryBus};
use swarm_bytecode::module::TargetCount;
use swarm_fleet::agent::Profile;
use swarm_fleet::name::Name;
use swarm_fleet::order::Revision;
use swarm_fleet::simulate::Machines;
use swarm_fleet::trace::overflow::Policy;
use swarm_fleet::trust::{Capabilities, Trust};
use swarm_node::agents::{Agents, Settings};
use swarm_node::disk::Disk;
use swarm_node::injector::{self, Process};
use swarm_node::submission::Submission;

use crate::cli::InjectArguments;
use crate::commands::agent_key;
use crate::commands::context_of;
use crate::fleet::draft::{Draft, refused};
use crate::fleet::{failure, no_bus, positive};
use crate::keys;
use crate::program;
use crate::status::{Failure, Fault};
use crate::terminal::Terminal;

/// Nanoseconds of a window, and between two polls.
const WINDOW_NS: u64 = 30_000_000_000;

/// A fleet within this process. It ends with it.
pub(crate) struct Embedded {
    bus: MemoryBus,
    submission: Submission,
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Drop for Embedded {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            // Who died has nothing left to say.
            let _ended = thread.join();
        }
    }
}

impl Embedded {
    /// Starts it, and makes a plan for it. `None`: the program has errors, and they are told.
    pub(crate) fn start(
        arguments: &InjectArguments,
        terminal: Terminal,
    ) -> Result<Option<Embedded>, Failure> {
        let Some(loaded) = program::load(&arguments.file, program::options(false), terminal)? else {
            return Ok(None);
        };
        let wanted = loaded.module.instruction.target.and_then(|target| match target.count {
            TargetCount::Exactly(count) | TargetCount::UpTo(count) => Some(count),
            TargetCount::All => None,
        });
        let count = arguments.agents.or(wanted).unwrap_or(100);
        let seed = *keys::random::<32>()?;
        let named = |name: &str| Name::new(name).map(|name| agent_key(&seed, &name));
        let (Some(publisher), Some(steps), Some(root)) =
            (named("publisher"), named("injector"), named("root"))
        else {
            return Ok(None);
        };
        let Some(fleet) = Name::new("embedded") else { return Ok(None) };
        let now = keys::whole_seconds(keys::now());
        let trust = Trust::of_one_governor(&fleet, &publisher.public_key(), &root, now, 10);
        let trust = Arc::new(trust.map_err(|refusal| refused(&refusal))?);
        let names: Vec<Name> =
            (1..=count).filter_map(|number| Name::new(&format!("agent-{number:04}"))).collect();
        let role = crate::commands::role_of(&loaded, &arguments.making)?;
        let labels: BTreeMap<Name, Name> =
            role.iter().filter_map(|role| Some((Name::new("role")?, Name::new(role)?))).collect();
        let draft = Draft {
            loaded: &loaded,
            fleet: trust.fleet().clone(),
            candidates: names.iter().map(|name| (name.clone(), labels.clone())).collect(),
            context: context_of(&arguments.making, &loaded)?,
            id: None,
            agents: None,
            desired: None,
            revision: Revision { epoch: 1, counter: 1 },
            expires: arguments.making.expires,
            minimum_sample: arguments.making.minimum_sample,
            injector: steps.public_key(),
            shadow: arguments.making.shadow.map(positive),
        };
        let submission = draft.submission(std::slice::from_ref(&publisher))?;
        let profile = |name: Name| Profile {
            key: agent_key(&seed, &name),
            name,
            labels: labels.clone(),
            grants: Capabilities::All,
            poll_ns: WINDOW_NS,
            window_ns: WINDOW_NS,
            attempts: 3,
        };
        let agents = Settings {
            fleet: trust.fleet().clone(),
            process: "embedded".to_owned(),
            trust: Arc::clone(&trust),
            profiles: names.into_iter().map(profile).collect(),
            disk: Disk::in_memory(),
            new: true,
            speed: arguments.speed,
            overflow: (Policy::Spill, u64::MAX),
            tasks: None,
        };
        let fleet = trust.fleet().clone();
        let disk = Disk::in_memory();
        let injector = injector::Settings {
            fleet,
            trust,
            key: steps,
            disk,
            speed: arguments.speed,
            window_ns: WINDOW_NS,
        };
        let bus = MemoryBus::new();
        let mut embedded =
            Embedded { bus, submission, stop: Arc::new(AtomicBool::new(false)), threads: Vec::new() };
        embedded.spawn_agents(agents)?;
        embedded.spawn_injector(injector)?;
        Ok(Some(embedded))
    }

    fn spawn_agents(&mut self, settings: Settings) -> Result<(), Failure> {
        let bus = self.bus.another().map_err(|error| no_bus(&error))?;
        let stop = Arc::clone(&self.stop);
        let (ready, begun) = std::sync::mpsc::channel();
        let thread = std::thread::spawn(move || {
            let machines = Machines::new(1, keys::now());
            let Ok(mut agents) = Agents::new(settings, machines, Box::new(()), bus) else { return };
            // The first turn tells the fleet's agents to the bus.
            let _turned = agents.turn(std::time::Duration::ZERO);
            let _heard = ready.send(());
            let _ended = agents.run(&stop);
        });
        self.threads.push(thread);
        begun.recv().map_err(|_| Failure::usage(Fault::NoState, "the agents did not start"))
    }

    fn spawn_injector(&mut self, settings: injector::Settings) -> Result<(), Failure> {
        let bus = self.bus.another().map_err(|error| no_bus(&error))?;
        let stop = Arc::clone(&self.stop);
        let mut process = Process::new(settings, bus, None).map_err(|error| failure(&error))?;
        self.threads.push(std::thread::spawn(move || {
            let _ended = process.run(&stop);
        }));
        Ok(())
    }

    /// A connection to its bus, and its plan.
    pub(crate) fn parts(&self) -> Result<(Box<dyn Bus>, Submission), Failure> {
        Ok((self.bus.another().map_err(|error| no_bus(&error))?, self.submission.clone()))
    }
}
