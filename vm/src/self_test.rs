//! Whether the limits hold: before a process runs its first program, each limiter has to stop a small one.
//!
//! A probe is a module that comes to its end by itself, after it went over the limit in question. Where the
//! limiter does its work, the probe is stopped before; where it does not, the probe is `done`, and nothing is
//! loaded.

use std::cell::Cell;
use std::sync::OnceLock;

use swarm_bytecode::module::{Amount, CallCost, Effect, Function, FunctionId, Import, ImportId, Module};
use swarm_bytecode::op::{Op, Register, Registers};
use swarm_bytecode::trap::{LIMIT_KINDS, LimitKind};
use swarm_bytecode::types::{Type, TypeId};

use crate::clock::Clock;
use crate::error::LoadError;
use crate::host::{Answer, Host};
use crate::inputs::Inputs;
use crate::instance::{Effects, Instance};
use crate::limits::{Grants, Limits};
use crate::program::Program;
use crate::report::Outcome;
use crate::trace::{Event, Level, TraceSink};

/// Proves that every limit stops a program that goes over it. [`Program::load`] asks for it before anything
/// else; it is done once in a process, takes well under a millisecond, and its answer is kept.
///
/// # Errors
/// A limit does not hold: this build of the machine must not run anything.
pub fn self_test() -> Result<(), LoadError> {
    static FOUND: OnceLock<Result<(), LoadError>> = OnceLock::new();
    FOUND.get_or_init(|| each_limit(under)).clone()
}

/// What every other limit is while one of them is tried.
const PLENTY: Limits = Limits {
    fuel: 1_000_000,
    memory_bytes: 1 << 20,
    call_depth: 128,
    host_calls: 1_000,
    deadline_ns: u64::MAX,
    money: 1_000_000,
    tokens: 1_000_000,
};

/// The limit in question as tight as its probe needs it, all others as they are.
fn under(limit: LimitKind) -> Limits {
    match limit {
        LimitKind::Fuel => PLENTY.fuel(100),
        LimitKind::Memory => PLENTY.memory_bytes(400),
        LimitKind::CallDepth => PLENTY.call_depth(8),
        LimitKind::HostCalls => PLENTY.host_calls(3),
        LimitKind::Deadline => PLENTY.deadline_ns(5),
        LimitKind::Money => PLENTY.money(35),
        LimitKind::Tokens => PLENTY.tokens(35),
    }
}

/// The ways through the machine, each of which has to keep all limits.
#[derive(Debug, Clone, Copy)]
enum Way {
    /// Calls are made by the interpreter itself.
    InPlace,
    /// Actions are held, and calls are the driver's.
    Collected,
    /// Each op is shown to a sink.
    Traced,
}

/// Runs each probe in each way, with the limits that are chosen for its limit.
fn each_limit(limits: impl Fn(LimitKind) -> Limits) -> Result<(), LoadError> {
    for limit in LIMIT_KINDS.iter().copied().filter(|limit| !unmetered(*limit)) {
        for way in [Way::InPlace, Way::Collected, Way::Traced] {
            let found = stopped_by(limit, limits(limit), way)?;
            if found.as_deref() != Some(limit.code()) {
                return Err(LoadError::self_test(limit, found.as_deref()));
            }
        }
    }
    Ok(())
}

/// Whether this is a build for a benchmark, which has no meter to try: fuel, and the slices of it that lead
/// to the clock.
const fn unmetered(limit: LimitKind) -> bool {
    cfg!(swarm_unmetered) && matches!(limit, LimitKind::Fuel | LimitKind::Deadline)
}

/// A clock that goes on by a nanosecond each time it is read.
#[derive(Debug, Default)]
struct Ticking(Cell<u64>);

impl Clock for Ticking {
    fn now_ns(&self) -> u64 {
        self.0.set(self.0.get().saturating_add(1));
        self.0.get()
    }
}

/// Nobody reads this trace.
struct Unread;

impl TraceSink for Unread {
    fn event(&mut self, _: &Event<'_>) {}
}

/// The limit that stopped the probe; none if it came to its end.
fn stopped_by(limit: LimitKind, limits: Limits, way: Way) -> Result<Option<String>, LoadError> {
    let program = Program::load_untested(&probe(limit).encode())?;
    let mut host = Host::new();
    host.clock(Ticking::default());
    host.otherwise(|_| Answer::done());
    let inputs = Inputs::new(&program);
    let run = Instance::new(&program, &inputs, limits, &Grants::none(), &host)?;
    let mut run = run.look_every(1);
    let exit = match way {
        Way::InPlace => run.run(&mut host),
        Way::Collected => {
            run = run.effects(Effects::Collected);
            run.run(&mut host)
        }
        Way::Traced => run.run_traced(&mut host, Level::Steps, &mut Unread),
    };
    let report = exit.report().unwrap_or_else(|| run.close());
    Ok(match report.outcome {
        Outcome::Limit => report.reason.map(|reason| reason.code.to_string()),
        _ => None,
    })
}

const COUNT: Register = Register(0);
const ONE: Register = Register(1);
const END: Register = Register(2);
const LIST: Register = Register(3);

/// A module that goes over a limit and then ends.
fn probe(limit: LimitKind) -> Module {
    let mut module = Module::empty();
    module.types = vec![Type::List { element: TypeId::INT, max: None }];
    match limit {
        LimitKind::CallDepth => module.functions = nested(16),
        LimitKind::Memory => {
            let list = Op::NewList { result: LIST, items: [COUNT; 4].into() };
            module.functions = vec![rounds(64, list)];
        }
        LimitKind::Fuel => module.functions = vec![rounds(256, Op::Settle {})],
        LimitKind::HostCalls | LimitKind::Deadline | LimitKind::Money | LimitKind::Tokens => {
            module.imports = vec![action()];
            module.functions =
                vec![rounds(16, Op::Host { import: ImportId(0), arguments: Registers::default() })];
        }
    }
    module
}

/// A function that does something so many times.
fn rounds(count: i64, what: Op) -> Function {
    let integer = |result, value| Op::Integer { result, value };
    let code = vec![
        integer(ONE, 1),
        integer(END, count),
        Op::Range { item: COUNT, first: ONE, last: END },
        what,
        Op::Advance {},
        Op::Return {},
    ];
    let registers = vec![TypeId::INT, TypeId::INT, TypeId::INT, TypeId(TypeId::BUILTIN_COUNT)];
    Function { registers, parameters: 0, result: None, code }
}

/// Functions of which each but the last calls the next.
fn nested(count: u16) -> Vec<Function> {
    let calling =
        |next| vec![Op::Call { function: FunctionId(next), arguments: Registers::default() }, Op::Return {}];
    let function = |code| Function { registers: Vec::new(), parameters: 0, result: None, code };
    let callers = (1..count).map(|next| function(calling(next)));
    callers.chain([function(vec![Op::Return {}])]).collect()
}

/// An action that costs ten of everything.
fn action() -> Import {
    Import {
        name: "PROBE".into(),
        parameters: Vec::new(),
        result: None,
        effect: Effect::Plain,
        capability: None,
        cost: CallCost { money: Amount::Fixed(10), tokens: Amount::Fixed(10) },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_limit_stops_its_probe() {
        each_limit(under).unwrap();
        self_test().unwrap();
    }

    /// A limiter that does nothing is one that was told the limit is out of reach.
    #[test]
    fn a_limiter_that_is_taken_away_is_found() {
        for gone in LIMIT_KINDS.iter().copied() {
            let without = |limit| if limit == gone { PLENTY } else { under(limit) };
            let error = each_limit(without).unwrap_err();
            assert_eq!(error.code(), "self_test_failed");
            assert_eq!(error.names(), [gone.code()]);
        }
    }

    /// One that stops the right program for the wrong reason is no proof either.
    #[test]
    fn a_limiter_that_strikes_for_another_is_found() {
        let error = each_limit(|_| PLENTY.fuel(10)).unwrap_err();
        assert_eq!(error.names(), [LimitKind::Memory.code()]);
    }
}
