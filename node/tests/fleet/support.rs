//! A fleet whose processes take turns when the test says so.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use swarm_bus::queue::{Queue, Settings as QueueSettings};
use swarm_bus::{Bus, MemoryBus};
use swarm_fleet::agent::Profile;
use swarm_fleet::envelope::{Envelope, PLAN_TYPE};
use swarm_fleet::key::SecretKey;
use swarm_fleet::name::Name;
use swarm_fleet::order::{Limits, Revision};
use swarm_fleet::plan::{Outline, draw};
use swarm_fleet::simulate::Machines;
use swarm_fleet::time::{DAY, SECOND};
use swarm_fleet::trace::overflow::Policy;
use swarm_fleet::trust::{Capabilities, Trust};
use swarm_node::agents::{Agents, Outside, Settings, TaskSource};
use swarm_node::disk::Disk;
use swarm_node::injector::{self, Process};
use swarm_node::operator::Operator;
use swarm_node::status::Status;
use swarm_node::submission::Submission;
use swarm_node::time::clock;
use swarm_test_servers::{Engine, Server};
use swarm_vm::{Answer, Call, EffectKey};

/// Longest time a test waits for anything.
const PATIENCE: Duration = Duration::from_secs(120);

/// How much faster than the clock the fleet's time goes.
const SPEED: u32 = 20;

/// A bus of one kind, and its server.
pub(crate) struct Bench {
    memory: MemoryBus,
    server: Option<Server>,
}

impl Bench {
    /// Memory, Redis and NATS.
    pub(crate) fn all() -> Vec<Bench> {
        let served = Engine::ALL.map(|engine| Some(Server::start(engine).unwrap()));
        let servers = std::iter::once(None).chain(served);
        servers.map(|server| Bench { memory: MemoryBus::new(), server }).collect()
    }

    pub(crate) fn open(&self) -> Box<dyn Bus> {
        match &self.server {
            None => self.memory.another().unwrap(),
            Some(server) => swarm_bus::open(&server.url()).unwrap(),
        }
    }

    /// Has a bus in memory forget everything.
    pub(crate) fn forget(&self) {
        self.memory.forget();
    }

    pub(crate) fn queue(&self) -> Queue {
        let settings = QueueSettings { pause: 50, attempts: 2, ..QueueSettings::default() };
        Queue::open(self.open(), "work", settings).unwrap()
    }
}

pub(crate) fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

pub(crate) fn key(name: &str) -> SecretKey {
    use sha2::Digest;
    SecretKey::from_seed(sha2::Sha256::digest(name.as_bytes()).into())
}

fn trust() -> Arc<Trust> {
    let now = clock() - clock().rem_euclid(SECOND);
    let publisher = key("publisher").public_key();
    Arc::new(Trust::of_one_governor(&name("test"), &publisher, &key("root"), now, 10).unwrap())
}

/// A program, stripped.
pub(crate) fn compile(source: &str) -> Vec<u8> {
    let (compilation, _) = swarm_compiler::compile_text("test.swarm", source);
    let diagnostics = compilation.diagnostics;
    let module = compilation.module.unwrap_or_else(|| panic!("{diagnostics:?}"));
    swarm_bytecode::codec::strip(&module.encode()).unwrap()
}

/// What happened in the made-up world: which agent did what, as often as it did.
pub(crate) type World = Rc<RefCell<Vec<(String, EffectKey)>>>;

struct Doing(World);

impl Outside for Doing {
    fn perform(&mut self, agent: &Name, key: &EffectKey) {
        self.0.borrow_mut().push((agent.to_string(), *key));
    }
}

/// How a process of agents is.
pub(crate) struct Kind {
    pub(crate) agents: u32,
    /// Where tasks come from: tasks each, and how long a claim lasts.
    pub(crate) queue: Option<(u32, Duration)>,
    pub(crate) answers: fn(&Call<'_>) -> Option<Answer>,
    /// What the keys of its agents follow from.
    pub(crate) keys: &'static str,
}

impl Default for Kind {
    fn default() -> Kind {
        Kind { agents: 3, queue: None, answers: |_| None, keys: "" }
    }
}

/// A fleet.
pub(crate) struct Fleet {
    pub(crate) bench: Bench,
    pub(crate) injector: Process,
    pub(crate) agents: BTreeMap<String, Agents<Machines>>,
    pub(crate) operator: Operator,
    pub(crate) world: World,
    directory: tempfile::TempDir,
    sent: u32,
}

impl Fleet {
    pub(crate) fn new(bench: Bench) -> Fleet {
        let settings = injector::Settings {
            fleet: name("test"),
            trust: trust(),
            key: key("injector"),
            disk: Disk::in_memory(),
            speed: SPEED,
            window_ns: 30_000_000_000,
        };
        Fleet {
            injector: Process::new(settings, bench.open(), None).unwrap(),
            agents: BTreeMap::new(),
            operator: Operator::new(&name("test"), bench.open()),
            world: World::default(),
            directory: tempfile::tempdir().unwrap(),
            sent: 0,
            bench,
        }
    }

    /// Starts a process of agents, on what its disk has.
    pub(crate) fn start(&mut self, process: &str, kind: &Kind) {
        let path = self.directory.path().join(process);
        let new = !path.exists();
        let profile = |number: u32| Profile {
            name: name(&format!("{process}-{number}")),
            labels: BTreeMap::from([(name("role"), name("worker"))]),
            grants: Capabilities::All,
            key: key(&format!("{process}-{number}{}", kind.keys)),
            poll_ns: 2_000_000_000,
            window_ns: 5_000_000_000,
            attempts: 3,
        };
        let queue = self.bench.queue();
        let settings = Settings {
            fleet: name("test"),
            process: process.to_owned(),
            trust: trust(),
            profiles: (1..=kind.agents).map(profile).collect(),
            disk: Disk::open(&path).unwrap(),
            new,
            speed: SPEED,
            overflow: (Policy::Spill, u64::MAX),
            tasks: kind.queue.map(|(each, lease)| TaskSource { queue, lease, each }),
        };
        let machines = Machines::new(1, clock()).answering(kind.answers);
        let outside = Box::new(Doing(Rc::clone(&self.world)));
        let agents = Agents::new(settings, machines, outside, self.bench.open()).unwrap();
        self.agents.insert(process.to_owned(), agents);
        self.turn();
    }

    /// Takes a process's disk away; it does not run.
    pub(crate) fn lose_disk(&self, process: &str) {
        std::fs::remove_file(self.directory.path().join(process)).unwrap();
    }

    /// Each process takes a turn.
    pub(crate) fn turn(&mut self) {
        self.injector.turn(Duration::from_millis(2)).unwrap();
        for agents in self.agents.values_mut() {
            agents.turn(Duration::from_millis(2)).unwrap();
        }
    }

    /// Turns until it is so.
    pub(crate) fn until<T>(&mut self, what: &str, mut holds: impl FnMut(&mut Fleet) -> Option<T>) -> T {
        let begun = Instant::now();
        loop {
            self.turn();
            if let Some(found) = holds(self) {
                return found;
            }
            assert!(begun.elapsed() < PATIENCE, "{what}: {:?}", self.operator.status());
        }
    }

    /// The order's status, once it is so.
    pub(crate) fn until_status(&mut self, what: &str, holds: impl Fn(&Status) -> bool) -> Status {
        let order = format!("{:032x}", self.sent);
        self.until(what, |fleet| {
            let status = fleet.operator.status().unwrap()?;
            (status.order == order && holds(&status)).then_some(status)
        })
    }

    /// Sends a program to these agents.
    pub(crate) fn send(&mut self, source: &str, targets: &[&str]) {
        let submission = self.plan(source, targets);
        // Nobody answers before the next turn.
        let answer = self.operator.submit(&submission, Duration::ZERO).unwrap();
        assert_eq!(answer, None);
    }

    /// A plan of a program for these agents.
    pub(crate) fn plan(&mut self, source: &str, targets: &[&str]) -> Submission {
        self.sent += 1;
        let module = compile(source);
        let id = u128::from(self.sent).to_be_bytes();
        let targets = draw(&id, targets.iter().map(|target| name(target)), None).unwrap();
        let now = clock() - clock().rem_euclid(SECOND);
        let outline = Outline {
            module: &module,
            id,
            fleet: name("test"),
            revision: Revision { epoch: 1, counter: u64::from(self.sent) },
            targets: &targets,
            former: None,
            context: String::new(),
            limits: Limits::default(),
            valid: (now, now + DAY),
            minimum_sample: 1,
            injector: key("injector").public_key(),
            shadow: None,
        };
        let mut envelope = Envelope::new(PLAN_TYPE, outline.plan().unwrap().encode());
        envelope.sign(&key("publisher")).unwrap();
        Submission { envelope, targets, former: None }
    }
}
