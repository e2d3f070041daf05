//! How long an order takes: from the moment it is sent until each agent's signed answer is on the bus. Prints
//! a table. `SWARM_BUS_URLS` names buses beside memory, with commas between; `SWARM_BENCH_AGENTS` how many
//! agents there are.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::cast_precision_loss,
    reason = "a measurement, not a part of the product"
)]

mod traces;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use swarm_bus::{Bus, MemoryBus};
use swarm_bytecode::module::{Function, Module};
use swarm_bytecode::op::Op;
use swarm_fleet::agent::Profile;
use swarm_fleet::envelope::{Envelope, PLAN_TYPE};
use swarm_fleet::key::SecretKey;
use swarm_fleet::message::FromAgent;
use swarm_fleet::message::wire::decode_reports;
use swarm_fleet::name::Name;
use swarm_fleet::order::{Limits, Revision};
use swarm_fleet::plan::{Outline, draw};
use swarm_fleet::simulate::Machines;
use swarm_fleet::time::{DAY, SECOND};
use swarm_fleet::trace::overflow::Policy;
use swarm_fleet::trust::{Capabilities, Trust};
use swarm_node::agents::{Agents, Settings};
use swarm_node::disk::Disk;
use swarm_node::injector::{self, Process};
use swarm_node::layout::Layout;
use swarm_node::operator::{Intent, Operator};
use swarm_node::status::Status;
use swarm_node::submission::Submission;
use swarm_node::time::clock;

fn main() {
    let agents = number("SWARM_BENCH_AGENTS", 1_159);
    println!("machine: {}", machine());
    signatures();
    memory(agents);
    traces::bytes_for_each_step();
    traces::stalled_reader();
    println!("\n{:<34} {:>9} {:>9} {:>9}   in ms", "", "p50", "p99", "max");
    let urls = std::env::var("SWARM_BUS_URLS").unwrap_or_default();
    loop_over("memory, no disk", Box::new(MemoryBus::new()), agents, false);
    loop_over("memory", Box::new(MemoryBus::new()), agents, true);
    let quick = std::env::var_os("SWARM_BENCH_QUICK").is_some();
    if !quick {
        loop_over("memory", Box::new(MemoryBus::new()), 10_000, true);
    }
    for url in urls.split(',').filter(|url| !url.is_empty()) {
        let name = url.split(':').next().unwrap_or(url);
        loop_over(name, swarm_bus::open(url).expect("the bus answers"), agents, true);
    }
    if !quick {
        println!();
        traces::many(100_000);
    }
}

fn number(name: &str, otherwise: u32) -> u32 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(otherwise)
}

fn machine() -> String {
    let model = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = model.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or("?");
    let cores = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split(' ').next().unwrap_or("?").to_owned();
    format!("{}, {cores} cores, load {load}", model.trim_start_matches([':', ' ', '\t']))
}

fn key(name: &str) -> SecretKey {
    use sha2::Digest;
    SecretKey::from_seed(sha2::Sha256::digest(name.as_bytes()).into())
}

/// Signed acknowledgements checked in a second.
fn signatures() {
    let key = key("signer");
    let mut envelope = Envelope::new(PLAN_TYPE, vec![7; 200]);
    envelope.sign(&key).unwrap();
    let public = key.public_key();
    let begun = Instant::now();
    let mut checks = 0_u32;
    while begun.elapsed() < Duration::from_secs(1) {
        assert!(envelope.verified_by(&public));
        checks += 1;
    }
    let rate = f64::from(checks) / begun.elapsed().as_secs_f64();
    println!("signature checks: {rate:.0} a second on one core");
}

/// What the system says of this process's memory, in KiB.
fn memory_kib(of: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(of)).unwrap_or("0 kB");
    line.trim().trim_end_matches(" kB").parse().unwrap_or(0)
}

fn resident_kib() -> u64 {
    memory_kib("VmRSS:")
}

/// The most there was so far.
fn peak_kib() -> u64 {
    memory_kib("VmHWM:")
}

/// What idle agents in one process take.
fn memory(count: u32) {
    let before = resident_kib();
    let directory = tempfile::tempdir().unwrap();
    let bus = MemoryBus::new();
    let mut agents = start(count, directory.path(), true, bus.another().unwrap());
    agents.turn(Duration::ZERO).unwrap();
    let taken = resident_kib().saturating_sub(before);
    println!(
        "{count} idle agents: {:.1} MiB more, {:.1} MiB in all",
        taken as f64 / 1024.0,
        resident_kib() as f64 / 1024.0
    );
}

fn trust() -> Arc<Trust> {
    let now = clock() - clock().rem_euclid(SECOND);
    let (fleet, governor) = (Name::new("bench").unwrap(), key("publisher").public_key());
    Arc::new(Trust::of_one_governor(&fleet, &governor, &key("root"), now, 10).unwrap())
}

fn names(count: u32) -> Vec<Name> {
    (1..=count).map(|number| Name::new(&format!("agent-{number:05}")).unwrap()).collect()
}

fn start(count: u32, directory: &Path, keeps: bool, bus: Box<dyn Bus>) -> Agents<Machines> {
    let profile = |name: Name| Profile {
        key: key(name.as_str()),
        name,
        labels: BTreeMap::new(),
        grants: Capabilities::All,
        poll_ns: 60_000_000_000,
        window_ns: 30_000_000_000,
        attempts: 3,
    };
    let disk = if keeps { Disk::open(&directory.join("agents.swarm")).unwrap() } else { Disk::in_memory() };
    let settings = Settings {
        fleet: Name::new("bench").unwrap(),
        process: "bench".to_owned(),
        trust: trust(),
        profiles: names(count).into_iter().map(profile).collect(),
        disk,
        new: true,
        speed: 1,
        overflow: (Policy::Spill, u64::MAX),
        tasks: None,
    };
    Agents::new(settings, Machines::new(1, clock()), Box::new(()), bus).unwrap()
}

/// A program that does nothing and waits, in a version.
fn program(version: u32) -> Vec<u8> {
    let mut module = Module::empty();
    module.instruction.name = "bench".into();
    module.instruction.version = version;
    module.functions.push(Function {
        registers: vec![],
        parameters: 0,
        result: None,
        code: vec![Op::Return {}],
    });
    module.encode()
}

fn submission(version: u32, targets: &[Name], former: Option<&[u8]>) -> Submission {
    let id = u128::from(version).to_be_bytes();
    let targets = draw(&id, targets.iter().cloned(), None).unwrap();
    let now = clock() - clock().rem_euclid(SECOND);
    let outline = Outline {
        module: &program(version),
        id,
        fleet: Name::new("bench").unwrap(),
        revision: Revision { epoch: 1, counter: u64::from(version) },
        targets: &targets,
        former: former.map(|bytes| swarm_fleet::plan::Former {
            version: version - 1,
            digest: swarm_bytecode::codec::digest(bytes),
            context: String::new(),
        }),
        context: String::new(),
        limits: Limits::default(),
        valid: (now, now + DAY),
        minimum_sample: 1,
        injector: key("injector").public_key(),
        shadow: None,
    };
    let mut envelope = Envelope::new(PLAN_TYPE, outline.plan().unwrap().encode());
    envelope.sign(&key("publisher")).unwrap();
    Submission { envelope, targets, former: former.map(<[u8]>::to_vec) }
}

/// Reads answers from the bus as they come, and says how long after the beginning each agent's was there.
struct Answers {
    bus: Box<dyn Bus>,
    log: String,
    hint: String,
    at: Option<swarm_bus::Position>,
}

impl Answers {
    fn new(mut bus: Box<dyn Bus>) -> Answers {
        let layout = Layout::new(&Name::new("bench").unwrap());
        bus.wait(&[&layout.to_injector], Duration::ZERO).unwrap();
        let mut answers = Answers { bus, log: layout.acks, hint: layout.to_injector, at: None };
        answers.read(&mut |_| {});
        answers
    }

    fn read(&mut self, each: &mut dyn FnMut(Name)) {
        loop {
            let entries = self.bus.read(&self.log, self.at, 256).unwrap();
            for entry in &entries {
                self.at = Some(entry.position);
                for (name, message) in decode_reports(&entry.bytes).unwrap() {
                    if matches!(message, FromAgent::Ack(_)) {
                        each(name);
                    }
                }
            }
            if entries.len() < 256 {
                return;
            }
        }
    }

    /// Milliseconds until each of so many agents has answered, ascending.
    fn until(&mut self, begun: Instant, count: usize, of: Option<&Name>) -> Vec<f64> {
        let mut times: BTreeMap<Name, f64> = BTreeMap::new();
        while times.len() < count && begun.elapsed() < Duration::from_secs(60) {
            let now = |begun: Instant| begun.elapsed().as_secs_f64() * 1000.0;
            self.read(&mut |name| {
                if of.is_some_and(|of| *of != name) {
                    return;
                }
                times.entry(name).or_insert_with(|| now(begun));
            });
            if times.len() < count {
                self.bus.wait(&[&self.hint], Duration::from_millis(5)).unwrap();
            }
        }
        let mut times: Vec<f64> = times.into_values().collect();
        times.sort_by(f64::total_cmp);
        times
    }
}

fn line(what: &str, times: &[f64], wanted: usize) {
    let at = |share: f64| {
        let last = times.len().saturating_sub(1) as f64;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a place in a list")]
        let place = (last * share).round() as usize;
        times.get(place).copied().unwrap_or(f64::NAN)
    };
    let missing = wanted - times.len();
    let missing = if missing == 0 { String::new() } else { format!("   {missing} silent") };
    println!("{what:<34} {:>9.1} {:>9.1} {:>9.1}{missing}", at(0.5), at(0.99), at(1.0));
}

fn loop_over(what: &str, bus: Box<dyn Bus>, count: u32, keeps: bool) {
    let directory = tempfile::tempdir().unwrap();
    let stop = Arc::new(AtomicBool::new(false));
    let mut threads = Vec::new();
    let (ready, begun) = std::sync::mpsc::channel();
    let (own, connection, path) = (Arc::clone(&stop), bus.another().unwrap(), directory.path().to_owned());
    threads.push(std::thread::spawn(move || {
        let mut agents = start(count, &path, keeps, connection);
        agents.turn(Duration::ZERO).unwrap();
        ready.send(()).unwrap();
        agents.run(&own).unwrap();
    }));
    begun.recv().unwrap();
    let settings = injector::Settings {
        fleet: Name::new("bench").unwrap(),
        trust: trust(),
        key: key("injector"),
        disk: if keeps {
            Disk::open(&directory.path().join("injector.swarm")).unwrap()
        } else {
            Disk::in_memory()
        },
        speed: 1,
        window_ns: 30_000_000_000,
    };
    let (own, connection) = (Arc::clone(&stop), bus.another().unwrap());
    threads.push(std::thread::spawn(move || {
        Process::new(settings, connection, None).unwrap().run(&own).unwrap();
    }));
    let mut operator = Operator::new(&Name::new("bench").unwrap(), bus.another().unwrap());
    let mut answers = Answers::new(bus.another().unwrap());
    let everyone = names(count);
    let wanted = everyone.len();
    let mut send = |plan: &Submission, answers: &mut Answers, wanted: usize| {
        let begun = Instant::now();
        let answer = operator.submit(plan, Duration::from_secs(30)).unwrap().expect("the injector answers");
        assert_eq!(answer.refused, None);
        answers.until(begun, wanted, None)
    };
    // The first finds cold caches and an injector that has just taken its lease.
    send(&submission(1, &everyone, None), &mut answers, wanted);
    let first = program(1);
    let times = send(&submission(2, &everyone, Some(&first)), &mut answers, wanted);
    line(&format!("{what}: {count} order to ack"), &times, wanted);
    let publisher = [key("publisher")];
    std::thread::sleep(Duration::from_millis(300));
    let mut operator = Operator::new(&Name::new("bench").unwrap(), bus.another().unwrap());
    answers.read(&mut |_| {});
    let begun = Instant::now();
    operator.step(Intent::Halt, &publisher).unwrap();
    line(&format!("{what}: {count} halt"), &answers.until(begun, wanted, None), wanted);
    answers.read(&mut |_| {});
    let begun = Instant::now();
    operator.step(Intent::Resume, &publisher).unwrap();
    line(&format!("{what}: {count} resume"), &answers.until(begun, wanted, None), wanted);
    std::thread::sleep(Duration::from_millis(300));
    answers.read(&mut |_| {});
    let begun = Instant::now();
    operator.step(Intent::Rollback, &publisher).unwrap();
    line(&format!("{what}: {count} rollback"), &answers.until(begun, wanted, None), wanted);
    // One agent of an idle fleet, again and again.
    let mut singles = Vec::new();
    let one = &everyone[..1];
    std::thread::sleep(Duration::from_secs(1));
    for version in 3..53 {
        // The one before has to be over; the first comes after the rollback of the second.
        let before = format!("{:032x}", if version == 3 { 2 } else { version - 1 });
        let over = |status: &Status| status.order == before && status.settled() && status.reached.silent == 0;
        while !operator.status().unwrap().as_ref().is_some_and(over) {
            operator.wait(Duration::from_millis(20)).unwrap();
        }
        answers.read(&mut |_| {});
        let begun = Instant::now();
        let plan = submission(version, one, None);
        let answer = operator.submit(&plan, Duration::from_secs(10)).unwrap().expect("the injector answers");
        assert_eq!(answer.refused, None);
        singles.extend(answers.until(begun, 1, one.first()));
    }
    singles.sort_by(f64::total_cmp);
    line(&format!("{what}: 1 of {count} while idle"), &singles, 50);
    stop.store(true, Ordering::Relaxed);
    for thread in threads {
        thread.join().unwrap();
    }
}
