//! What traces cost: bytes for each step, and the time of an agent whose reader has stopped reading.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::time::{Duration, Instant};

use swarm_bytecode::codec::strip;
use swarm_compiler::compile_text;
use swarm_fleet::envelope::Envelope;
use swarm_fleet::name::Name;
use swarm_fleet::simulate::{Archive, Conditions, Machines, Outcome, Request, STARTED_AT, Setup, Simulation};
use swarm_fleet::time::{MINUTE, SECOND};
use swarm_fleet::trace::chunk::frame;
use swarm_fleet::trace::entry::{Became, Entries, What};
use swarm_fleet::trace::log::Log;
use swarm_fleet::window::{Activation, Number};
use swarm_vm::Program;

use crate::{key, peak_kib};

/// What the order's payload says.
const CONTEXT: &str = r#"{"current_costs": "$10000", "target_costs": "$8500"}"#;

/// The instruction of the README.
const TEXT: &str = include_str!("../../../examples/cost_optimization_v2.swarm");

/// Counts the bytes agents have on disk and send.
#[derive(Debug, Default)]
struct Bytes(Rc<Cell<u64>>);

impl Archive for Bytes {
    fn record(&mut self, _: &Envelope) {}
    fn ack(&mut self, _: &Envelope) {}
    fn chunk(&mut self, _: &Name, chunk: &Envelope) {
        self.0.set(self.0.get() + frame(chunk).len() as u64);
    }
}

/// The order of the README to so many agents, for so many minutes of virtual time. The bytes of its traces.
fn simulate(agents: u32, minutes: i64) -> (Outcome, u64) {
    // So much is never saved: the order goes to all.
    let text = TEXT.replace("TARGET 1159 AGENTS", &format!("TARGET {agents} AGENTS"));
    let text = text.replace(">= $1500", ">= $1500000").replace("BUDGET $500,", "BUDGET $50000,");
    let (compiled, _) = compile_text("cost_optimization_v2.swarm", &text);
    let module = strip(&compiled.module.expect("the example compiles").encode()).unwrap();
    let program = Program::load(&module).unwrap();
    let request = Request {
        seed: 7,
        agents,
        module: &module,
        former: None,
        order: None,
        lasts_ns: u64::try_from(minutes * MINUTE).unwrap(),
        context: CONTEXT,
        minimum_sample: 10,
        labels: BTreeMap::new(),
        poll_ns: 60 * SECOND.unsigned_abs(),
        window_ns: 30 * SECOND.unsigned_abs(),
        shadow: None,
    };
    // Every agent has the role the order is for.
    let setup = Setup::new(&request, |_| true).unwrap();
    let judge = Conditions::new(&program, CONTEXT).unwrap();
    let bytes = Bytes::default();
    let count = Rc::clone(&bytes.0);
    let simulation = Simulation::new(setup, Machines::new(7, STARTED_AT), judge, None).unwrap();
    let outcome = simulation.archived(Box::new(bytes)).run(&mut |_| {});
    assert!(outcome.violations.is_empty(), "{:?}", outcome.violations);
    (outcome, count.get())
}

/// Bytes for each entry of the traces of a whole order, signatures and all.
pub(crate) fn bytes_for_each_step() {
    let (outcome, bytes) = simulate(1_159, 120);
    let average = bytes as f64 / outcome.events as f64;
    println!("traces of 1159 agents in two hours: {} steps, {average:.1} bytes each, signed", outcome.events);
}

/// A fleet that is too large for one machine, for as long as all its waves take.
pub(crate) fn many(agents: u32) {
    let begun = Instant::now();
    let (outcome, _) = simulate(agents, 40);
    let accounting = outcome.injector.accounting();
    println!(
        "{agents} agents simulated for 40 minutes in {:.0} s: {} active of {}, at most {:.2} GiB in this process",
        begun.elapsed().as_secs_f64(),
        accounting.active,
        accounting.targets,
        peak_kib() as f64 / 1024.0 / 1024.0
    );
}

fn activation(round: u64) -> Activation {
    let mut entries = Entries::default();
    for at in 0..=round % 5 {
        entries.own(&What::Applied(at, 0, Became::Done));
        entries.own(&What::Measured(1, Number::Word(i128::from(round * 7 + at))));
    }
    Activation { entries, fuel: 100 + round, money: 3, ..Activation::default() }
}

/// Records activations, writes them to a disk, and offers each chunk to a reader.
fn work(reader: &SyncSender<Vec<u8>>) -> Duration {
    let key = key("traced");
    let mut log = Log::new(Name::new("traced").unwrap(), 1, None);
    let mut disk = Vec::new();
    let begun = Instant::now();
    for round in 0..5_000 {
        if let Some(chunk) = log.record(0, ([1; 16], [2; 32]), &activation(round)) {
            let sealed = frame(&chunk.seal(&key));
            disk.extend_from_slice(&sealed);
            // A full channel is no reason to wait: the disk has it.
            let _unread = reader.try_send(sealed);
        }
        disk.extend(log.unsaved().unwrap_or_default());
    }
    begun.elapsed()
}

/// The same work beside a reader that reads and one that has stopped, in turns, the best of each.
pub(crate) fn stalled_reader() {
    let (stalled, _never_read) = sync_channel(1);
    let (live, read) = sync_channel::<Vec<u8>>(1);
    let reader = std::thread::spawn(move || read.iter().count());
    let (mut slow, mut fast) = (Duration::MAX, Duration::MAX);
    for _ in 0..25 {
        fast = fast.min(work(&live));
        slow = slow.min(work(&stalled));
    }
    drop(live);
    reader.join().unwrap();
    let more = (slow.as_secs_f64() / fast.as_secs_f64() - 1.0) * 100.0;
    println!("writing traces while the reader has stopped: {more:+.1} % of the time with one that reads");
}
