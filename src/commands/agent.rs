//! `swarmc agent`: a process of agents.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::time::Duration;

use sha2::{Digest, Sha256};
use swarm_bus::queue::{self, Queue};
use swarm_fleet::agent::Profile;
use swarm_fleet::key::SecretKey;
use swarm_fleet::name::Name;
use swarm_fleet::simulate::Machines;
use swarm_fleet::trust::Capabilities;
use swarm_node::agents::{Agents, Outside, Settings, TaskSource};
use swarm_node::disk::Disk;
use swarm_vm::{EffectKey, Program};

use crate::cli::{AgentArguments, AgentHost};
use crate::commands::queue::unusable;
use crate::fleet::{disk, failure, open, positive, read_trust, told_to_stop};
use crate::host::processes::{self, Processes};
use crate::render::text::plural;
use crate::status::{Failure, Fault, Status};
use crate::terminal::Terminal;
use crate::{files, keys, program};

/// How long agents that leave try to say so.
const GOODBYE: Duration = Duration::from_secs(5);

/// Where the seed of the agents' keys is on disk.
const SEED: &[u8] = b"seed";

/// Runs until it is told to stop, and then says goodbye; or until it is killed: whatever an agent is about to
/// do is on disk before.
pub(crate) fn agent(arguments: &AgentArguments, terminal: Terminal) -> Result<Status, Failure> {
    let trust = read_trust(&arguments.trust)?;
    let mut disk = disk(arguments.state.as_deref(), "agents.swarm")?;
    let seed = seed(&mut disk)?;
    let labels: BTreeMap<Name, Name> = arguments.label.iter().cloned().collect();
    let grants = grants(&arguments.grant);
    let names = names(&arguments.id, arguments.count)?;
    let count = names.len();
    let profile = |name: Name| Profile {
        key: key(&seed, &name),
        name,
        labels: labels.clone(),
        grants: grants.clone(),
        poll_ns: positive(arguments.poll),
        window_ns: positive(arguments.window),
        attempts: 3,
    };
    let tasks = arguments.queue.as_deref().map(|name| tasks(name, arguments)).transpose()?;
    let settings = Settings {
        fleet: trust.fleet().clone(),
        process: arguments.id.to_string(),
        trust,
        profiles: names.into_iter().map(profile).collect(),
        disk,
        new: arguments.new,
        speed: arguments.speed,
        overflow: (arguments.overflow.policy(), u64::try_from(arguments.trace_room).unwrap_or(0)),
        tasks,
    };
    let fleet = settings.fleet.clone();
    let Some(machines) = machines(arguments, terminal)? else { return Ok(Status::Failed) };
    let outside: Box<dyn Outside> = match &arguments.state {
        Some(directory) => Box::new(Effects::open(directory)?),
        None => Box::new(()),
    };
    let bus = open(&arguments.bus.bus)?;
    let mut agents = Agents::new(settings, machines, outside, bus).map_err(|error| failure(&error))?;
    terminal.talk(&format!("{} of fleet {fleet}\n", plural(count, "agent")));
    let stop = told_to_stop()?;
    agents.run(&stop).map_err(|error| failure(&error))?;
    agents.leave(GOODBYE).map_err(|error| failure(&error))?;
    Ok(Status::Done)
}

/// The queue its agents take tasks from.
fn tasks(name: &str, arguments: &AgentArguments) -> Result<TaskSource, Failure> {
    let queue = Queue::open(open(&arguments.bus.bus)?, name, queue::Settings::default());
    Ok(TaskSource {
        queue: queue.map_err(unusable)?,
        lease: Duration::from_nanos(positive(arguments.lease)),
        each: arguments.claim,
    })
}

/// What runs the agents' programs. `None`: the rules have errors, and they are told.
fn machines(arguments: &AgentArguments, terminal: Terminal) -> Result<Option<Machines>, Failure> {
    let machines = Machines::new(arguments.seed, keys::now());
    let answers = match &arguments.answers {
        Some(path) => crate::host::answers::Answers::read(path)?,
        None => crate::host::answers::Answers::default(),
    };
    let machines = machines.answering(move |call| answers.given(call));
    let machines = match arguments.host {
        AgentHost::Simulated => machines,
        AgentHost::Processes => machines.reading(processes::INPUT, || Processes::now().ok()?.tasks().ok()),
    };
    let Some(path) = &arguments.veto else { return Ok(Some(machines)) };
    let Some(rules) = program::load(path, program::options(false), terminal)? else { return Ok(None) };
    let rules = Program::load(&rules.bytes)
        .map_err(|error| Failure::coded(Status::Refused, error.code(), error.message()))?;
    let file = files::display_name(path);
    machines.vetoing(&rules).map(Some).map_err(|message| {
        Failure::usage(Fault::WrongData, format_args!("{file}: {message}")).file(file.clone())
    })
}

/// What the keys of a process's agents follow from: made once, and kept.
fn seed(disk: &mut Disk) -> Result<[u8; 32], Failure> {
    if let Some(seed) = disk.get(SEED).and_then(|seed| seed.try_into().ok()) {
        return Ok(seed);
    }
    let seed = *keys::random::<32>()?;
    disk.put(SEED, seed.to_vec());
    disk.commit().map_err(|error| failure(&error))?;
    Ok(seed)
}

/// The key of an agent.
pub(crate) fn key(seed: &[u8; 32], name: &Name) -> SecretKey {
    let mut hash = Sha256::new();
    hash.update(b"swarm.agent.key.v1");
    hash.update(seed);
    hash.update(name.as_str().as_bytes());
    SecretKey::from_seed(hash.finalize().into())
}

/// The names of a process's agents.
pub(crate) fn names(id: &Name, count: Option<u32>) -> Result<Vec<Name>, Failure> {
    let Some(count) = count else { return Ok(vec![id.clone()]) };
    let name = |number: u32| {
        Name::new(&format!("{id}-{number:04}")).ok_or_else(|| {
            Failure::usage(
                Fault::Arguments,
                format_args!("`{id}` is too long for the names of {count} agents"),
            )
        })
    };
    (1..=count).map(name).collect()
}

fn grants(names: &[String]) -> Capabilities {
    if names.iter().any(|name| name == "all") {
        return Capabilities::All;
    }
    Capabilities::Only(names.iter().map(|name| name.as_str().into()).collect::<BTreeSet<_>>())
}

/// The made-up world: a line in a file for each effect that happens once.
struct Effects(File);

impl Effects {
    fn open(directory: &Path) -> Result<Effects, Failure> {
        let path = directory.join("effects.log");
        let file = OpenOptions::new().append(true).create(true).open(&path);
        file.map(Effects).map_err(|error| crate::files::unwritable(&path, &error))
    }
}

impl Outside for Effects {
    fn perform(&mut self, agent: &Name, key: &EffectKey) {
        let digits: String = key.iter().map(|byte| format!("{byte:02x}")).collect();
        // There is no one to tell: it happens in the made-up world only.
        let _written = self.0.write_all(format!("{agent} {digits}\n").as_bytes());
    }
}
