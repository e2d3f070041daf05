//! Whole fleets under the simulator, most of them with everything going wrong.

use std::collections::BTreeMap;

use swarm_bytecode::module::{GateFailure, Module};
use swarm_bytecode::verify::Verified;
use swarm_fleet::agent::Profile;
use swarm_fleet::injector::Phase;
use swarm_fleet::key::SecretKey;
use swarm_fleet::name::Name;
use swarm_fleet::simulate::{Faults, Outcome, Request, Setup, Simulation};
use swarm_fleet::trust::Capabilities;

use super::stub::{SECOND, Stub, Threshold, module};

/// A scenario: version 2 goes out where version 1 ran.
#[derive(Debug, Clone, Copy)]
struct Scenario {
    seed: u64,
    agents: u32,
    /// Version 2 ends badly at every agent.
    traps: bool,
    failure: GateFailure,
    /// A gate holds below this share of errors.
    below: i64,
    faults: bool,
    former: bool,
    /// The engine does not ask the journal.
    reckless: bool,
    /// Version 2 runs in shadow for so long.
    shadow: Option<u64>,
    /// So often an agent is told to stop.
    leaves: u32,
    /// So many agents come while the order is out.
    joiners: u8,
}

impl Scenario {
    fn quiet(seed: u64) -> Scenario {
        let failure = GateFailure::Rollback;
        Scenario {
            seed,
            agents: 20,
            traps: false,
            failure,
            below: 10_000,
            faults: false,
            former: true,
            reckless: false,
            shadow: None,
            leaves: 0,
            joiners: 0,
        }
    }

    /// All kinds of them.
    fn troubled(seed: u64) -> Scenario {
        Scenario {
            agents: 8 + u32::try_from(seed % 13).unwrap(),
            traps: seed % 5 == 1,
            failure: if seed % 7 < 4 { GateFailure::Rollback } else { GateFailure::Halt },
            // A gate that holds under faults, and one that probably does not.
            below: if seed.is_multiple_of(3) { 900_000 } else { 300_000 },
            faults: true,
            former: !seed.is_multiple_of(4),
            shadow: (seed % 11 == 3).then_some(400 * SECOND),
            leaves: if seed % 3 == 1 { 6 } else { 0 },
            joiners: if seed % 4 == 2 { 3 } else { 0 },
            ..Scenario::quiet(seed)
        }
    }

    fn run(self) -> Outcome {
        let ordered = module(2, self.failure);
        let former = module(1, self.failure);
        let request = Request {
            shadow: self.shadow,
            context: "",
            seed: self.seed,
            agents: self.agents,
            module: &ordered,
            former: self.former.then_some(&former[..]),
            order: None,
            lasts_ns: 1500 * SECOND,
            minimum_sample: 3,
            labels: BTreeMap::new(),
            poll_ns: 30 * SECOND,
            window_ns: 30 * SECOND,
        };
        let mut setup = Setup::new(&request, |_| true).unwrap();
        setup.profiles.extend((0..self.joiners).map(joiner));
        let stub = Stub { traps: self.traps.then_some(2), reckless: self.reckless };
        let operator = self.seed % 6 == 2;
        let faults = Faults {
            per_hundred: 50,
            poison: 20_000,
            ungranted: 10_000,
            operator,
            leaves: self.leaves,
            joiners: self.joiners > 0,
            ..Faults::until(600 * SECOND)
        };
        let faults = self.faults.then_some(faults);
        Simulation::new(setup, stub, Threshold::new(self.below), faults).unwrap().run(&mut |_| {})
    }
}

/// An agent that is no target of anything yet.
fn joiner(number: u8) -> Profile {
    Profile {
        name: Name::new(&format!("joiner-{number}")).unwrap(),
        labels: BTreeMap::new(),
        grants: Capabilities::All,
        key: SecretKey::from_seed([number; 32]),
        poll_ns: 30 * SECOND,
        window_ns: 30 * SECOND,
        attempts: 3,
    }
}

/// Everything a report is made of.
fn course(outcome: &Outcome) -> String {
    format!(
        "{:?} {:?} {:?} {:?} {:?} {} {:?} {} {:?}",
        outcome.injector.phase(),
        outcome.injector.waves(),
        outcome.injector.standings(),
        outcome.injector.exceptions(),
        outcome.monitor.totals(),
        outcome.happenings,
        outcome.messages,
        outcome.effects,
        outcome.traces,
    )
}

#[track_caller]
fn holds(scenario: Scenario) -> Outcome {
    let outcome = scenario.run();
    assert!(outcome.violations.is_empty(), "{scenario:?}\n{}", outcome.violations.join("\n"));
    assert!(outcome.checks > 0);
    outcome
}

#[test]
fn a_quiet_fleet_converges() {
    let outcome = holds(Scenario::quiet(7));
    let accounting = outcome.injector.accounting();
    assert_eq!(outcome.injector.phase(), Some(Phase::Converged));
    assert_eq!((accounting.targets, accounting.active), (20, 20));
    let reaches: Vec<u32> = outcome.injector.waves().iter().map(|wave| wave.reach).collect();
    assert_eq!(reaches, [4, 20]);
    assert!(outcome.injector.waves().iter().all(|wave| wave.passed == Some(true)));
    assert_eq!(outcome.messages.1, 0);
    assert_eq!(outcome.injector.report_revision(), 1);
}

#[test]
fn a_program_that_fails_is_rolled_back_before_the_second_wave() {
    let outcome = holds(Scenario { traps: true, ..Scenario::quiet(7) });
    assert_eq!(outcome.injector.phase(), Some(Phase::RolledBack));
    assert_eq!(outcome.injector.waves().len(), 1, "the second wave never went out");
    // The gate did not wait for its time: all had answered, and badly.
    assert!(outcome.injector.waves()[0].judged_ns.unwrap() < 60 * SECOND);
    let accounting = outcome.injector.accounting();
    assert_eq!((accounting.targets, accounting.active), (4, 4), "the former version runs again");
}

#[test]
fn without_a_former_program_a_rollback_leaves_nothing() {
    let outcome = holds(Scenario { traps: true, former: false, ..Scenario::quiet(7) });
    assert_eq!(outcome.injector.phase(), Some(Phase::RolledBack));
    assert_eq!(outcome.injector.accounting().active, 4);
}

#[test]
fn a_program_in_shadow_runs_beside_and_does_nothing() {
    let shadow = Some(300 * SECOND);
    let alone = holds(Scenario::quiet(7));
    let outcome = holds(Scenario { shadow, ..Scenario::quiet(7) });
    assert_eq!(outcome.injector.phase(), Some(Phase::Converged));
    assert_eq!(outcome.injector.waves().len(), 1, "nothing can go wrong, so it goes to all at once");
    assert_eq!(outcome.injector.accounting().active, 20);
    let metrics = Module::decode(&module(2, GateFailure::Rollback)).unwrap().metrics;
    let former = Verified::load(&module(1, GateFailure::Rollback)).unwrap();
    let difference = outcome.comparisons.difference(Some((former.digest(), &metrics)), &metrics);
    assert_eq!((difference.agents, difference.alone, difference.over), (20, 0, 20));
    // One activation every 20 seconds, and the one that finds the time is over.
    assert_eq!(difference.activations.1, 20 * 16);
    let pay = &difference.actions[0];
    assert_eq!((pay.name.as_str(), pay.new.unwrap().done), ("PAY", 20 * 15));
    assert!(pay.old.unwrap().done >= 20 * 14, "the former program went on: {pay:?}");
    assert!(outcome.effects < alone.effects, "only the former program has effects");
    // Of another program there is nothing to compare with.
    let other = outcome.comparisons.difference(Some(([9; 32], &metrics)), &metrics);
    assert_eq!((other.agents, other.alone), (0, 20));
}

#[test]
fn a_shadow_that_fails_leaves_what_runs() {
    let shadow = Some(300 * SECOND);
    let outcome = holds(Scenario { shadow, traps: true, ..Scenario::quiet(7) });
    let accounting = outcome.injector.accounting();
    assert_eq!((accounting.targets, accounting.failed), (20, 20));
    assert_eq!(outcome.injector.phase(), Some(Phase::Converged), "nothing is rolled back, and nothing halts");
    assert!(outcome.effects > 0, "the former program runs");
}

#[test]
fn a_gate_can_halt_instead() {
    let outcome = holds(Scenario { traps: true, failure: GateFailure::Halt, ..Scenario::quiet(7) });
    assert_eq!(outcome.injector.phase(), Some(Phase::Halted));
}

#[test]
fn the_same_seed_is_the_same_course() {
    for seed in [3, 12, 77] {
        let scenario = Scenario::troubled(seed);
        assert_eq!(course(&scenario.run()), course(&scenario.run()), "seed {seed}");
    }
    assert_ne!(course(&Scenario::troubled(3).run()), course(&Scenario::troubled(16).run()));
}

#[test]
fn faults_are_felt() {
    let outcomes: Vec<Outcome> = (0..20).map(|seed| holds(Scenario::troubled(seed))).collect();
    let some = |count: fn(&Outcome) -> u64| outcomes.iter().map(count).sum::<u64>() > 0;
    assert!(some(|outcome| outcome.messages.1), "messages are lost");
    assert!(some(|outcome| outcome.restarts), "agents restart");
    assert!(some(|outcome| outcome.monitor.totals().in_doubt), "effects are in doubt");
    assert!(some(|outcome| outcome.monitor.received().1), "windows arrive twice or late");
    assert!(some(|outcome| u64::from(outcome.injector.accounting().refused)), "orders are refused");
    assert!(some(|outcome| u64::from(outcome.injector.accounting().failed)), "programs do not start");
    assert!(some(|outcome| u64::from(outcome.injector.report_revision() - 1)), "answers come late");
    let phases = |phase| outcomes.iter().any(|outcome| outcome.injector.phase() == Some(phase));
    assert!(phases(Phase::Converged) && phases(Phase::RolledBack) && phases(Phase::Halted));
}

#[test]
fn an_engine_that_does_not_ask_the_journal_is_found_out() {
    let broken = (0..20).filter(|seed| {
        let outcome = Scenario { reckless: true, ..Scenario::troubled(*seed) }.run();
        outcome.violations.iter().any(|violation| violation.contains("did an effect"))
    });
    assert!(broken.count() > 5);
}

/// Seeds beyond those below in which something did not hold once: an agent that left at the end of a shadow,
/// and came back.
const FORMER: [u64; 1] = [8671];

/// 200 seeds; `SWARM_SEEDS=10000` asks for more.
#[test]
fn what_must_always_hold_holds() {
    let seeds = std::env::var("SWARM_SEEDS").ok().and_then(|seeds| seeds.parse().ok()).unwrap_or(200);
    for seed in (0..seeds).chain(FORMER) {
        holds(Scenario::troubled(seed));
    }
}
