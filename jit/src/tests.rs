//! What `auto` takes and what it leaves to the interpreter, without a clock: code is compiled before a run,
//! not beside it.

#![expect(clippy::arithmetic_side_effects, reason = "test code")]

use std::sync::Arc;
use std::sync::atomic::Ordering;

use swarm_vm::{Answer, Grants, Host, Inputs, Instance, Limits, Outcome, Program};

use crate::{Choice, Jit, compile};

const CALLS: &str = "INPUT n: int
ACTION REROUTE(id: int) IDEMPOTENT
ON START { FOR i IN 0..n - 1 { IF i MOD 8 != 0 THEN REROUTE(i) } }";

/// What uses up a slice of fuel is always the call, where compiled code has no way in.
const ONLY_CALLS: &str = "INPUT n: int
ACTION REROUTE(id: int) IDEMPOTENT
ON START { FOR i IN 0..n - 1 { REROUTE(i) } }";

const COMPUTES: &str = "INPUT n: int
ACTION RESULT(x: int) IDEMPOTENT
ON START { LET x = 1 FOR i IN 0..n - 1 { x = (x * 1664525 + 1013904223) MOD 4294967296 } RESULT(x) }";

const RECURS: &str = "INPUT n: int
ACTION RESULT(x: int) IDEMPOTENT
FUNC fib(k: int) -> int { IF k < 2 THEN RETURN k RETURN fib(k - 1) + fib(k - 2) }
ON START { RESULT(fib(n)) }";

/// Computes a while before it calls for long.
const TURNS: &str = "INPUT n: int
ACTION REROUTE(id: int) IDEMPOTENT
ON START {
  LET x = 1
  FOR i IN 0..200000 { x = (x * 1664525 + 1013904223) MOD 4294967296 }
  FOR i IN 0..n - 1 { REROUTE(i) }
}";

fn program(text: &str) -> Program {
    let (compiled, _) = swarm_compiler::compile_text("auto.swarm", text);
    Program::load(&compiled.module.unwrap().encode()).unwrap()
}

fn auto(program: &Program) -> Arc<Jit> {
    let jit = Jit::new().unwrap().when_hot();
    jit.known(program).compiled.get_or_init(|| compile(&jit.engine, program, true));
    Arc::new(jit)
}

/// Runs a program; gives the fuel it used and what of that counts for compiled code. Of an action the host
/// says no more than "done", or it may.
fn run(jit: &Arc<Jit>, program: &Program, n: u64, plain: bool) -> (u64, u64) {
    let before = jit.known(program).balance.fuel();
    let inputs = Inputs::new(program).from_json(&format!("{{\"n\": {n}}}")).unwrap();
    let mut host = Host::new();
    for import in &program.module().imports {
        match plain {
            true => host.raw(&import.name, |_| ()),
            false => host.raw(&import.name, |_| Answer::done()),
        };
    }
    let limits = Limits::default().fuel(1 << 40).host_calls(1 << 40).memory_bytes(1 << 30);
    let run = Instance::new(program, &inputs, limits, &Grants::none(), &host).unwrap();
    let mut run = run.without_action_log().without_digest().tier(Arc::clone(jit) as Arc<_>);
    let report = run.run(&mut host).report().unwrap();
    assert_eq!(report.outcome, Outcome::Done);
    (report.fuel_used, jit.known(program).balance.fuel() - before)
}

#[test]
fn a_program_that_computes_is_taken() {
    let program = program(COMPUTES);
    let jit = auto(&program);
    assert_eq!(jit.choice(&program), Choice::Open);
    let (used, compiled) = run(&jit, &program, 200_000, true);
    assert!(compiled > used / 8, "{compiled} of {used}");
    assert_eq!(jit.choice(&program), Choice::Compiled);
    // What is known to be worth it waits for less.
    let (used, compiled) = run(&jit, &program, 200_000, true);
    assert!(compiled > used * 9 / 10, "{compiled} of {used}");
    // A short activation is not compiled at all.
    assert_eq!(run(&jit, &program, 100, true).1, 0);
}

/// Its slices of fuel end at calls, which the interpreter begins with other words.
#[test]
fn a_program_that_calls_itself_is_taken() {
    let program = program(RECURS);
    let jit = auto(&program);
    let (used, compiled) = run(&jit, &program, 25, true);
    assert!(compiled > used / 8, "{compiled} of {used}");
    assert_eq!(jit.choice(&program), Choice::Compiled);
}

#[test]
fn a_program_that_only_calls_its_host_is_given_up_in_its_first_activation() {
    for plain in [true, false] {
        let program = program(CALLS);
        let jit = auto(&program);
        let (used, compiled) = run(&jit, &program, 200_000, plain);
        assert!(used > 2_000_000 && (1..used / 8).contains(&compiled), "{compiled} of {used}");
        assert_eq!(jit.choice(&program), Choice::Interpreter);
        // What was given up stays so.
        for _ in 0..3 {
            assert_eq!(run(&jit, &program, 100_000, plain).1, 0);
            assert_eq!(jit.choice(&program), Choice::Interpreter);
        }
    }
}

#[test]
fn a_program_without_a_way_in_is_left_alone() {
    let program = program(ONLY_CALLS);
    let jit = auto(&program);
    assert_eq!((run(&jit, &program, 200_000, true).1, jit.choice(&program)), (0, Choice::Open));
}

#[test]
fn others_do_not_change_what_was_found_out() {
    let (calls, computes) = (program(CALLS), program(COMPUTES));
    let jit = auto(&calls);
    jit.known(&computes).compiled.get_or_init(|| compile(&jit.engine, &computes, true));
    for _ in 0..2 {
        run(&jit, &calls, 200_000, true);
        run(&jit, &computes, 200_000, true);
        // As where another program of the same place was looked up in between.
        jit.marks.0.iter().for_each(|mark| mark.store(0, Ordering::Relaxed));
    }
    assert_eq!((jit.choice(&calls), jit.choice(&computes)), (Choice::Interpreter, Choice::Compiled));
}

#[test]
fn a_program_that_turns_to_calls_is_given_up_when_they_outweigh() {
    let program = program(TURNS);
    let jit = auto(&program);
    run(&jit, &program, 100, true);
    assert_eq!(jit.choice(&program), Choice::Compiled);
    let (used, compiled) = run(&jit, &program, 600_000, true);
    assert!(compiled < used * 2 / 3, "{compiled} of {used}");
    assert_eq!(jit.choice(&program), Choice::Interpreter);
}
