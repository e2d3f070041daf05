//! Pure functions of a program, run by themselves: conditions of a header, filters, expectations of a test.

use swarm_bytecode::module::{FunctionId, MetricKind};
use swarm_bytecode::trap::LimitKind;

use crate::driver::{Given, Phase};
use crate::error::{InputError, Path};
use crate::heap::Data;
use crate::instance::Instance;
use crate::interpret::{Blind, Observer, interpret};
use crate::limits::MAX_FUEL;
use crate::machine::{Machine, MemoryMeter, Pause};
use crate::metric::MetricState;
use crate::outside::Apart;
use crate::report::Reason;
use crate::store::store;
use crate::trace::{Level, Recorder, TraceSink, Tracing, place_name};
use crate::value::{Value, ValueRef};

impl Instance {
    /// Runs a pure function of the module and gives its result, [`Value::None`] if it has none. It reads the
    /// inputs, STATE and metrics of the instance as they are, and leaves no trace: neither in the order's
    /// report nor in its digest. Fuel, memory and call depth are limited as for an activation. Not while an
    /// activation is under way.
    ///
    /// # Errors
    /// The function runs into an error or a limit, is not there, is not pure, or takes other arguments. A
    /// condition of the header is false then.
    pub fn evaluate(&mut self, function: FunctionId, arguments: &[Value]) -> Result<Value, Reason> {
        self.evaluate_seen(function, arguments, &mut Blind)
    }

    /// As [`Instance::evaluate`], with a trace of its own that the order's digest knows nothing of.
    ///
    /// # Errors
    /// As there.
    pub fn evaluate_traced(
        &mut self,
        function: FunctionId,
        arguments: &[Value],
        level: Level,
        sink: &mut dyn TraceSink,
    ) -> Result<Value, Reason> {
        let mut recorder = Recorder { digest: None, seq: 0 };
        let mut tracing = Tracing { recorder: &mut recorder, sink: Some(sink), level };
        self.evaluate_seen(function, arguments, &mut tracing)
    }

    fn evaluate_seen(
        &mut self,
        function: FunctionId,
        arguments: &[Value],
        observer: &mut impl Observer,
    ) -> Result<Value, Reason> {
        let fresh = match self.phase() {
            Phase::Fresh => true,
            Phase::Resting | Phase::Ended => false,
            _ => return Err(problem("busy", "An activation is under way.")),
        };
        let program = self.program().clone();
        let code = program.code();
        let limits = self.settings().limits;
        let (state, attached) = self.run_state();
        let machine = &mut state.machine;
        let before = Registers::take(machine);
        machine.fuel_limit = limits.fuel.min(MAX_FUEL).cast_signed();
        machine.memory = MemoryMeter::new(limits.memory_bytes);
        let mut evaluation = Evaluation { code, attached, machine, observer };
        let opened = if fresh { evaluation.open_states(state.given.as_deref()) } else { Ok(()) };
        let value = opened.and_then(|()| evaluation.call(function, arguments));
        before.put_back(&mut state.machine);
        value
    }

    /// Sets a STATE variable, as a test does: it keeps this value when START begins.
    ///
    /// # Errors
    /// The program has no such variable, or the value has another type.
    pub fn set_state(&mut self, name: &str, value: &Value) -> Result<(), InputError> {
        let program = self.program().clone();
        let states = &program.tables().states;
        let Some((at, declared)) = states.iter().enumerate().find(|(_, state)| state.name == name) else {
            return Err(InputError::unknown(&Path::of(name), states.iter().map(|state| state.name.clone())));
        };
        let (state, attached) = self.run_state();
        let slot = store(&mut state.machine, program.code(), attached, declared.ty, value);
        let slot = slot.map_err(|_| wrong_type(&program, name, declared.ty, value))?;
        for (place, value) in state.machine.states.iter_mut().skip(at).zip([slot]) {
            *place = value;
        }
        state.given.get_or_insert_default().insert(at);
        Ok(())
    }

    /// Sets a metric as it is read from now on: a TOTAL's sum; a GAUGE's last sample, [`Value::None`] for
    /// none; the samples of a DISTRIBUTION, as a list. So a condition of the header sees the fleet's figures.
    ///
    /// # Errors
    /// The program has no such metric, or the value has another type.
    pub fn set_metric(&mut self, name: &str, value: &Value) -> Result<(), InputError> {
        let program = self.program().clone();
        let module = program.tables();
        let Some((at, declared)) = module.metrics.iter().enumerate().find(|(_, own)| own.name == name) else {
            return Err(InputError::unknown(
                &Path::of(name),
                module.metrics.iter().map(|own| own.name.clone()),
            ));
        };
        let samples = match (declared.kind, value) {
            (MetricKind::Distribution, Value::List(samples)) => samples.as_slice(),
            (MetricKind::Gauge | MetricKind::Distribution, Value::None) => &[],
            (MetricKind::Distribution, _) => return Err(wrong_type(&program, name, declared.ty, value)),
            _ => std::slice::from_ref(value),
        };
        let (state, attached) = self.run_state();
        let mut metric = MetricState::new(module, declared);
        for sample in samples {
            let slot = store(&mut state.machine, program.code(), attached, declared.ty, sample);
            let recorded = slot.ok().and_then(|slot| metric.record(slot).ok());
            recorded.ok_or_else(|| wrong_type(&program, name, declared.ty, sample))?;
        }
        for (place, metric) in state.machine.metrics.iter_mut().skip(at).zip([metric]) {
            *place = metric;
        }
        Ok(())
    }

    /// As [`Instance::set_metric`], for several.
    ///
    /// # Errors
    /// As there.
    pub fn with_metrics(mut self, metrics: &[(&str, Value)]) -> Result<Instance, InputError> {
        for (name, value) in metrics {
            self.set_metric(name, value)?;
        }
        Ok(self)
    }
}

fn wrong_type(
    program: &crate::Program,
    name: &str,
    ty: swarm_bytecode::types::TypeId,
    value: &Value,
) -> InputError {
    let declared = crate::attached::type_text(program.tables(), ty);
    InputError::wrong_type(&Path::of(name), &declared, value.describe())
}

/// What a machine was about before a function was run on it.
struct Registers {
    extent: crate::heap::Extent,
    states: Vec<u64>,
    pc: usize,
    base: usize,
    function: u16,
    fuel: i64,
    mark: i64,
    fuel_limit: i64,
    memory: MemoryMeter,
}

impl Registers {
    fn take(machine: &Machine) -> Registers {
        Registers {
            extent: machine.heap.extent(),
            states: machine.states.clone(),
            pc: machine.pc,
            base: machine.base,
            function: machine.function,
            fuel: machine.fuel,
            mark: machine.mark,
            fuel_limit: machine.fuel_limit,
            memory: machine.memory,
        }
    }

    fn put_back(self, machine: &mut Machine) {
        machine.heap.cut(self.extent);
        machine.frames.clear();
        machine.states = self.states;
        machine.pc = self.pc;
        machine.base = self.base;
        machine.function = self.function;
        machine.fuel = self.fuel;
        machine.mark = self.mark;
        machine.fuel_limit = self.fuel_limit;
        machine.memory = self.memory;
        machine.seen = false;
    }
}

struct Evaluation<'a, O> {
    code: &'a crate::decode::Code,
    attached: &'a crate::attached::Attached,
    machine: &'a mut Machine,
    observer: &'a mut O,
}

impl<O: Observer> Evaluation<'_, O> {
    /// Gives the STATE variables their first values, as START would.
    fn open_states(&mut self, given: Option<&Given>) -> Result<(), Reason> {
        for (at, state) in self.code.module().states.iter().enumerate() {
            let Some(initial) = state.initial.filter(|_| !given.is_some_and(|given| given.contains(at)))
            else {
                continue;
            };
            let value = self.run(initial, &[])?.unwrap_or(0);
            for (place, value) in self.machine.states.iter_mut().skip(at).zip([value]) {
                *place = value;
            }
        }
        Ok(())
    }

    fn call(&mut self, function: FunctionId, arguments: &[Value]) -> Result<Value, Reason> {
        let declared = self.code.module().functions.get(function.index());
        let declared = declared.ok_or_else(|| problem("unknown", "The module has no such function."))?;
        let types = declared.registers.iter().take(usize::from(declared.parameters));
        let other = || problem("arguments", "The function takes other arguments.");
        if types.len() != arguments.len() {
            return Err(other());
        }
        let mut slots = Vec::with_capacity(arguments.len());
        for (ty, argument) in types.zip(arguments) {
            let slot = store(self.machine, self.code, self.attached, *ty, argument);
            slots.push(slot.map_err(|_| other())?);
        }
        let slot = self.run(function, &slots)?;
        let data = Data { code: self.code, attached: self.attached, heap: &self.machine.heap };
        let value = slot.zip(declared.result);
        Ok(value.map_or(Value::None, |(slot, ty)| ValueRef { data, ty, slot }.to_value()))
    }

    fn run(&mut self, function: FunctionId, arguments: &[u64]) -> Result<Option<u64>, Reason> {
        let Evaluation { code, attached, machine, observer } = self;
        machine.mark = machine.fuel_limit;
        machine.fuel = machine.fuel_limit;
        let pause = match machine.enter(code, function.0, arguments) {
            Ok(()) => interpret(machine, code, attached, *observer, &mut Apart),
            Err(pause) => pause,
        };
        let (name, text) = match pause {
            Pause::Finished(value) => return Ok(value),
            Pause::Trap(trap) => (trap.code(), trap.text()),
            Pause::Limit(limit) => (limit.code(), limit.text()),
            Pause::Short { .. } => (LimitKind::Fuel.code(), LimitKind::Fuel.text()),
            _ => ("impure", "The function does more than compute."),
        };
        let origin = code.origin(machine.pc);
        Err(Reason { place: Some(place_name(code, origin.function, origin.op)), ..problem(name, text) })
    }
}

fn problem(code: &str, message: &str) -> Reason {
    Reason { code: code.into(), message: message.to_owned(), place: None }
}
