//! Evaluates a checked program, statement by statement, as the book's reference says.
//!
//! It knows what a program means, not what it costs: of the limits only those a program can see, money,
//! tokens and host calls. What takes too long is given up.

mod calls;
mod expressions;
mod statements;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value as Json;
use swarm_bytecode::trap::{LimitKind, TrapCode};
use swarm_bytecode::types::TypeId;
use swarm_compiler::typed::{FunctionIndex, Program};
use swarm_grammar::span::Span;

use crate::given::{self, Declared, Refusal};
use crate::metric::Samples;
use crate::report::{Host, Limits, Report, Wake};
use crate::types::Types;
use crate::value::{Value, to_json};

/// Why a statement does not come to its end.
#[derive(Debug)]
enum Halt {
    Trap(TrapCode),
    Limit(LimitKind),
    /// STOP: true, FAIL: false; and why.
    Ends(bool, String),
    /// The budget of the open block of this index is not enough.
    Struck(usize, LimitKind),
    /// It takes too long.
    GivenUp,
}

type Done<T = ()> = Result<T, Halt>;

impl From<TrapCode> for Halt {
    fn from(trap: TrapCode) -> Halt {
        Halt::Trap(trap)
    }
}

/// Most statements and expressions of an activation, and most calls within each other.
const MOST_STEPS: u64 = 500_000;
const MOST_CALLS: usize = 100;

/// An order: a program with what it is given.
pub struct Order<'p> {
    program: &'p Program,
    types: Types<'p>,
    inputs: Vec<Value>,
    contexts: Vec<Value>,
    limits: Limits,
    collected: bool,
    states: Vec<Value>,
    /// Which of them were given: their first values are not computed.
    kept: BTreeSet<usize>,
    metrics: Vec<Samples>,
    host_calls: u64,
    /// Micro-dollars and tokens: spent, and reserved for actions that are held.
    spent: (i64, i64),
    reserved: (i64, i64),
    /// Nanoseconds since the order began: only waiting takes time here.
    now: i64,
    run: Run,
    over: bool,
}

/// One activation.
#[derive(Debug, Default)]
struct Run {
    steps: u64,
    depth: usize,
    /// The statement at hand.
    statement: Span,
    actions: Vec<calls::Issued>,
    failed: u64,
    vetoed: u64,
    undone: u64,
    spent: (i64, i64),
    withins: Vec<calls::Within>,
}

/// What came of an activation, and the statement at which it ended, unless it simply came to its end.
pub type Seen = (Report, Option<Span>);

impl<'p> Order<'p> {
    /// An order that has not started. What the program does not read need not be given.
    ///
    /// # Errors
    /// What is given does not fit.
    pub fn new(
        program: &'p Program,
        inputs: &Json,
        context: &Json,
        limits: Limits,
        collected: bool,
    ) -> Result<Order<'p>, Refusal> {
        let types = Types(&program.types);
        let mut read = Vec::new();
        for own in &program.inputs {
            let (unit, default) = (own.unit.as_ref(), own.default.as_ref());
            read.push(self::read(types, Declared { name: &own.name, ty: own.ty, unit, default }, inputs)?);
        }
        let inputs = std::mem::take(&mut read);
        for own in &program.contexts {
            let (unit, default) = (own.unit.as_ref(), own.default.as_ref());
            read.push(self::read(types, Declared { name: &own.name, ty: own.ty, unit, default }, context)?);
        }
        Ok(Order {
            program,
            types,
            inputs,
            contexts: read,
            limits,
            collected,
            states: vec![Value::Zero; program.states.len()],
            kept: BTreeSet::new(),
            metrics: vec![Samples::default(); program.metrics.len()],
            host_calls: 0,
            spent: (0, 0),
            reserved: (0, 0),
            now: 0,
            run: Run::default(),
            over: false,
        })
    }

    /// Sets a STATE variable before the order starts, as a test does.
    ///
    /// # Errors
    /// There is none of this name, or the value does not fit.
    pub fn set_state(&mut self, name: &str, json: &Json) -> Result<(), Refusal> {
        let states = &self.program.states;
        let at = states.iter().position(|state| state.name == name).ok_or("no such state")?;
        let ty = states.get(at).map_or(TypeId::INT, |state| state.ty);
        let value = given::value(self.types, ty, None, json)?;
        if let Some(place) = self.states.get_mut(at) {
            *place = value;
        }
        self.kept.insert(at);
        Ok(())
    }

    /// Whether nothing can be begun any more.
    pub fn is_over(&self) -> bool {
        self.over
    }

    /// Runs one activation to its end. `None` where it takes too long.
    ///
    /// # Errors
    /// There is no such timer or event, or its arguments do not fit.
    pub fn activate(&mut self, wake: &Wake, host: &mut Host<'_>) -> Result<Option<Seen>, Refusal> {
        self.run = Run::default();
        let (function, arguments) = self.begun(wake)?;
        let opened = if *wake == Wake::Start { self.open_states(host) } else { Ok(()) };
        let mut report = Report { outcome: "done", ..Report::default() };
        let mut place = Some(self.run.statement);
        let before = self.states.clone();
        match opened.and_then(|()| self.function(function, arguments, host)) {
            Ok(value) => {
                let ty = self.program.functions.get(index(self.program.entry)).and_then(|entry| entry.result);
                report.result = value.zip(ty).map(|(value, ty)| to_json(self.types, ty, &value, false));
                place = None;
            }
            Err(Halt::GivenUp) => return Ok(None),
            Err(Halt::Trap(trap)) => (report.outcome, report.code) = ("trapped", trap.code().to_owned()),
            Err(Halt::Limit(limit) | Halt::Struck(_, limit)) => {
                (report.outcome, report.code) = ("limit", limit.code().to_owned());
            }
            Err(Halt::Ends(stops, reason)) => {
                let (outcome, code) = if stops { ("stopped", "stop") } else { ("failed", "fail") };
                report = Report { outcome, code: code.to_owned(), reason, ..report };
            }
        }
        place = place.map(|_| self.run.statement);
        if !matches!(report.outcome, "done" | "stopped") {
            self.states = before;
        }
        self.finish(&mut report, host);
        Ok(Some((report, place)))
    }

    fn begun(&self, wake: &Wake) -> Result<(FunctionIndex, Vec<Value>), Refusal> {
        match wake {
            Wake::Start => Ok((self.program.entry, Vec::new())),
            Wake::Tick(at) => {
                let timer = self.program.timers.get(*at).ok_or("no such timer")?;
                Ok((timer.function, Vec::new()))
            }
            Wake::Event(name, given) => {
                let event = self.program.events.iter().find(|event| event.name == *name);
                let function = event.ok_or("no such event")?.function;
                let locals = self.program.functions.get(index(function)).map_or(&[][..], |own| &own.locals);
                let typed = locals.iter().zip(given);
                let arguments = typed.map(|(local, json)| given::value(self.types, local.ty, None, json));
                Ok((function, arguments.collect::<Result<_, _>>()?))
            }
        }
    }

    fn open_states(&mut self, host: &mut Host<'_>) -> Done {
        for (at, state) in self.program.states.iter().enumerate() {
            if self.kept.contains(&at) {
                continue;
            }
            let value = self.function(state.initial, Vec::new(), host)?.unwrap_or(Value::Zero);
            if let Some(place) = self.states.get_mut(at) {
                *place = value;
            }
        }
        Ok(())
    }

    /// The end of an activation: what is held is carried out, unless it ended badly.
    fn finish(&mut self, report: &mut Report, host: &mut Host<'_>) {
        if matches!(report.outcome, "done" | "stopped") {
            self.apply(host);
        } else {
            report.dropped = self.run.actions.iter().any(|action| action.held);
        }
        self.run.withins.clear();
        self.reserved = (0, 0);
        let lives_on = !self.program.timers.is_empty() || !self.program.events.is_empty();
        self.over = report.outcome != "done" || !lives_on;
        report.actions = self.run.actions.iter().map(|action| self.shown(action)).collect();
        let metrics = self.program.metrics.iter().zip(&self.metrics);
        let metrics: BTreeMap<String, String> = metrics
            .filter_map(|(metric, samples)| {
                Some((metric.name.to_string(), samples.to_json(self.types, metric)?))
            })
            .collect();
        report.metrics = metrics.into_iter().collect();
        let states = self.program.states.iter().zip(&self.states);
        report.states = states
            .map(|(state, value)| (state.name.to_string(), to_json(self.types, state.ty, value, false)))
            .collect();
        (report.money, report.tokens) = self.run.spent;
        (report.failed, report.vetoed, report.undone) = (self.run.failed, self.run.vetoed, self.run.undone);
    }

    fn step(&mut self) -> Done {
        self.run.steps = self.run.steps.saturating_add(1);
        if self.run.steps > MOST_STEPS { Err(Halt::GivenUp) } else { Ok(()) }
    }
}

/// One value that is given. One that is missing is zero: the program does not read it, or would not have started.
fn read(types: Types<'_>, declared: Declared<'_>, json: &Json) -> Result<Value, Refusal> {
    let missing = |json: &Json| json.as_object().is_some_and(serde_json::Map::is_empty);
    match given::read(types, &[declared], json) {
        Ok(mut values) => Ok(values.pop().unwrap_or(Value::Zero)),
        Err(refusal) if !missing(json) && given::names(json, declared.name) => Err(refusal),
        Err(_) => Ok(Value::Zero),
    }
}

fn index(function: FunctionIndex) -> usize {
    usize::try_from(function.0).unwrap_or(usize::MAX)
}

/// The function whose number a table of the program holds as that of a module's.
fn in_table(function: swarm_bytecode::module::FunctionId) -> FunctionIndex {
    FunctionIndex(u32::from(function.0))
}

/// A type that must be there.
fn ty(expr: &swarm_compiler::typed::Expr) -> TypeId {
    expr.ty.unwrap_or(TypeId::INT)
}
