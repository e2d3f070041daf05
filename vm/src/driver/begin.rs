//! How an activation begins: the deadline of the order, the first values of STATE, the first function.

use swarm_bytecode::module::FunctionId;
use swarm_bytecode::trap::LimitKind;

use super::state::{Begun, Wake};
use super::{Driver, Halt, Next, Phase};
use crate::activation::lives_on;
use crate::host::Host;
use crate::instance::Effects;
use crate::machine::Pause;
use crate::trace::{EventKind, Tag, put_text, put_value};
use crate::value::ValueRef;

impl Driver<'_, '_> {
    /// Begins the activation that is due.
    pub(super) fn begin(&mut self, host: &mut Host<'_>) -> Next {
        let Phase::Begun(begun) = std::mem::replace(&mut self.state.phase, Phase::Running) else {
            return Next::GoOn;
        };
        self.state.machine.stack = host.lend_stack();
        let now = host.now_ns();
        let deadline = now.saturating_add(self.settings.limits.deadline_ns);
        let deadline = *self.state.deadline_ns.get_or_insert(deadline);
        self.state.look.looked(now, deadline);
        self.state.totals.activations = self.state.totals.activations.saturating_add(1);
        match begun.what {
            Wake::Start => self.run_event(),
            Wake::Tick(_) | Wake::Event(_) => self.wake_event(&begun),
        }
        let machine = &mut self.state.machine;
        machine.set_mark(machine.fuel_limit.min(self.settings.slice));
        let entered = match (begun.fails, begun.what) {
            (None, Wake::Start) => self.open_state(0),
            (fails, _) => {
                self.state.keep_states();
                self.enter(begun.function, &begun.arguments, fails)
            }
        };
        match entered {
            Ok(()) => Next::GoOn,
            Err(halt) => self.halt(halt, host),
        }
    }

    /// Computes the first value of the next STATE variable, from this one on; after the last, enters START.
    fn open_state(&mut self, from: usize) -> Result<(), Halt> {
        let module = self.program.tables();
        let mut computed = module.states.iter().enumerate().skip(from);
        let given = self.state.given.as_deref();
        let next = computed.find_map(|(at, state)| {
            Some((at, state.initial.filter(|_| !given.is_some_and(|given| given.contains(at)))?))
        });
        self.state.opening = next.and_then(|(at, _)| u16::try_from(at).ok());
        let function = next.map_or(module.entry, |(_, initial)| initial);
        if self.state.opening.is_none() {
            self.state.keep_states();
        }
        self.enter(function, &[], None)
    }

    /// Enters a function that nothing calls, unless `fails` says what stands against it. A limit that does
    /// ends the activation before the function's first op: that is not paid for.
    fn enter(
        &mut self,
        function: FunctionId,
        arguments: &[u64],
        fails: Option<LimitKind>,
    ) -> Result<(), Halt> {
        let code = self.program.code();
        let machine = &mut self.state.machine;
        let entered = match (fails, code.functions.get(function.index())) {
            (Some(limit), Some(own)) => {
                machine.stand_before(*own, function.0);
                Err(Pause::Limit(limit))
            }
            _ => machine.enter(code, function.0, arguments),
        };
        let limit = match entered {
            Ok(()) => return Ok(()),
            Err(Pause::Limit(limit)) => limit,
            Err(other) => return Err(other.into()),
        };
        let used = machine.used(code);
        self.limit(limit, used);
        Ok(())
    }

    /// A first value is there.
    pub(super) fn opened(&mut self, value: Option<u64>) -> Result<(), Halt> {
        let Some(at) = self.state.opening.take().map(usize::from) else { return Err(Pause::Internal.into()) };
        if let Some(state) = self.state.machine.states.get_mut(at) {
            *state = value.unwrap_or(0);
        }
        self.open_state(at.saturating_add(1))
    }

    fn run_event(&mut self) {
        let code = self.program.code();
        let instruction = &code.module().instruction;
        let (name, version) = (&instruction.name, instruction.version);
        let digest = self.program.digest();
        let collected = self.settings.effects == Effects::Collected;
        self.tracing.digest(Tag::Run, 0, None, |bytes| {
            put_text(bytes, name);
            bytes.extend_from_slice(&version.to_le_bytes());
            bytes.extend_from_slice(&digest);
            bytes.push(u8::from(collected));
        });
        let kind = EventKind::Run { instruction: name, version, digest, collected };
        self.tracing.send(code, 0, None, kind);
    }

    fn wake_event(&mut self, begun: &Begun) {
        let code = self.program.code();
        let module = code.module();
        let data = self.data();
        let (by, at) = match begun.what {
            Wake::Start => return,
            Wake::Tick(at) => (1, at),
            Wake::Event(at) => (2, at),
        };
        let name = match begun.what {
            Wake::Event(at) => module.events.get(usize::from(at)).map(|event| &event.name),
            _ => None,
        };
        let types = module.functions.get(begun.function.index()).map_or(&[][..], |own| &own.registers);
        let typed = types.iter().zip(&begun.arguments);
        let arguments = typed.map(|(ty, slot)| ValueRef { data, ty: *ty, slot: *slot }).collect::<Vec<_>>();
        let mut payload = vec![by];
        payload.extend_from_slice(&at.to_le_bytes());
        for argument in &arguments {
            put_value(&mut payload, *argument);
        }
        let shown = match name {
            Some(_) if self.tracing.wants_effects() => {
                arguments.into_iter().map(ValueRef::to_shown).collect()
            }
            _ => Vec::new(),
        };
        let kind = match name {
            Some(name) => EventKind::Event { event: name, arguments: &shown },
            None => EventKind::Tick { timer: at },
        };
        self.tracing.digest(Tag::Wake, 0, None, |bytes| bytes.extend_from_slice(&payload));
        self.tracing.send(code, 0, None, kind);
    }

    /// Whether more activations can follow one that simply came to its end.
    pub(super) fn lives_on(&self) -> bool {
        lives_on(self.program.tables())
    }
}
