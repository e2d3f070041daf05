//! Each vector stopped at every point: by fuel, by memory, by its host. What was done outside is then nothing
//! or all of it, and the report says exactly what it was.

use std::cell::RefCell;
use std::fmt::Write as _;

use swarm_bytecode::module::Module;
use swarm_reference::report::{Answer, Limits};

use crate::generated::{Random, from_environment};
use crate::vectors::{Vector, all};
use swarm_differential::{Real, World, difference, machine, real};

/// What the host was asked to do: names and arguments of actions, not of queries.
type Done = Vec<(String, Vec<String>)>;

/// A run, and what it did outside.
fn run(
    module: &Module,
    vector: &Vector,
    world: &World,
    fails: Option<usize>,
) -> (Result<Real, String>, Done) {
    let (done, calls) = (RefCell::new(Done::new()), RefCell::new(0));
    let says = |name: &str, arguments: &[String]| {
        let number = calls.replace_with(|calls| *calls + 1);
        if fails == Some(number) {
            return Answer::Failed("just now".to_owned());
        }
        let answer = vector.says(name, arguments);
        if answer == Answer::Done {
            done.borrow_mut().push((name.to_owned(), arguments.to_vec()));
        }
        answer
    };
    let seen = real(module, world, &says);
    (seen, done.into_inner())
}

/// What is wrong with a run that was stopped, if anything.
fn wrong(seen: &Real, done: &Done, limits: Limits, waits: bool) -> Option<String> {
    let mut applied = Done::new();
    for (report, meter) in &seen.seen {
        if meter.fuel > limits.fuel || meter.memory_peak > limits.memory {
            return Some(format!("over its limits: {meter:?}"));
        }
        if report.code == "fuel" && meter.fuel > limits.fuel {
            return Some(format!("{} of {} fuel", meter.fuel, limits.fuel));
        }
        if report.dropped && matches!(report.outcome, "done" | "stopped") {
            return Some("actions are dropped, and all is well".to_owned());
        }
        if !report.dropped {
            applied.extend(report.actions.iter().cloned());
        }
    }
    // Actions that are waited for are carried out where they stand: then only those before them are too.
    let failed: u64 = seen.seen.iter().map(|(report, _)| report.failed).sum();
    if !waits && failed == 0 && applied.len() != done.len() {
        return Some(format!("done outside: {done:?}, as the reports say: {applied:?}"));
    }
    None
}

/// All points of a short way, some of a long one.
fn points(most: u64, random: &mut Random) -> Vec<u64> {
    let whole = from_environment("SWARM_POINTS", 4);
    if most <= whole { (0..most).collect() } else { (0..whole).map(|_| random.below(most)).collect() }
}

#[test]
fn effects_are_none_or_complete_wherever_it_stops() {
    crate::deep(|| {
        let (mut problems, mut stops) = (String::new(), 0_u64);
        let growths = from_environment("SWARM_GROWTHS", 1_000);
        let (mut refused, mut unfinished, mut missed) = (0_u64, 0_u64, Vec::new());
        for (number, vector) in (1..).zip(all()) {
            let mut random = Random(number);
            let module = vector.module(number % 2 == 0);
            let waits = vector.text.contains("TRY ") || vector.text.contains("RETRY ");
            let world = World { collected: true, ..vector.world.clone() };
            let (Ok(whole), done) = run(&module, &vector, &world, None) else { continue };
            let most = |of: fn(&swarm_reference::machine::Meter) -> u64| {
                whole.seen.iter().map(|(_, meter)| of(meter)).max().unwrap_or(0)
            };
            let mut check = |what: String, world: &World, fails: Option<usize>| {
                stops += 1;
                let (Ok(seen), done) = run(&module, &vector, world, fails) else { return None };
                let peak = seen.seen.iter().map(|(_, meter)| meter.memory_peak).max();
                let last = seen.seen.last().map(|(report, _)| report.code.clone());
                if let Some(wrong) = wrong(&seen, &done, world.limits, waits) {
                    writeln!(problems, "{}, {what}: {wrong}\n{}", vector.name, vector.text).unwrap();
                }
                // The report is the one the reference writes.
                let calls = RefCell::new(0);
                let says = |name: &str, arguments: &[String]| {
                    let number = calls.replace_with(|calls| *calls + 1);
                    if fails == Some(number) {
                        return Answer::Failed("just now".to_owned());
                    }
                    vector.says(name, arguments)
                };
                if let Some(other) = difference(&machine(&module, world, &says), &Ok(seen)) {
                    writeln!(problems, "{}, {what}: {other}\n{}", vector.name, vector.text).unwrap();
                }
                peak.zip(last)
            };
            for fuel in points(most(|meter| meter.fuel), &mut random) {
                let limits = Limits { fuel, ..world.limits };
                check(format!("fuel {fuel}"), &World { limits, ..world.clone() }, None);
            }
            for memory in points(most(|meter| meter.memory_peak), &mut random) {
                let limits = Limits { memory, ..world.limits };
                check(format!("memory {memory}"), &World { limits, ..world.clone() }, None);
            }
            // With a byte less than the most that was held, what reached it is refused; so each growth fails
            // in turn.
            let (mut peak, mut left) = (most(|meter| meter.memory_peak), growths);
            while peak > 0 && left > 0 {
                let limits = Limits { memory: peak - 1, ..world.limits };
                let world = World { limits, ..world.clone() };
                let Some((held, code)) = check(format!("memory {}", peak - 1), &world, None) else { break };
                // A rule that has no room to be computed forbids; the run goes on.
                if code != "memory" && !vector.text.contains("VETO ") {
                    missed.push(format!("{}, memory {}: it ends by {code:?}", vector.name, peak - 1));
                }
                (peak, left, refused) = (held, left - 1, refused + 1);
            }
            unfinished += u64::from(peak > 0 && left == 0);
            for call in 0..done.len().min(20) {
                check(format!("call {call} fails"), &world, Some(call));
            }
        }
        println!(
            "vectors stopped at {stops} points, {refused} of them each growth of memory in turn, \
             {unfinished} vectors not to the first"
        );
        assert!(stops > 8_000 && refused > 5_000, "only {stops}, {refused}");
        assert!(missed.is_empty(), "{missed:?}");
        assert!(problems.is_empty(), "{}", problems.chars().take(6_000).collect::<String>());
    });
}
