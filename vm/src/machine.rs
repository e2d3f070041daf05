//! The state of one run, apart from what it was given.

use swarm_bytecode::cost;
use swarm_bytecode::trap::{LimitKind, TrapCode};

use crate::decode::{Code, FunctionCode, Origin};
use crate::heap::Heap;
use crate::limits::Limits;
use crate::metric::MetricState;
use crate::slot;

/// Slots a frame can see; every register index fits.
pub(crate) const WINDOW: usize = 256;
/// Most registers of all live frames together.
pub(crate) const MAX_REGISTERS: usize = 1 << 20;

/// A caller waiting for its callee.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Frame {
    /// Where it goes on.
    pub(crate) pc: usize,
    pub(crate) base: usize,
    pub(crate) function: u16,
    pub(crate) registers: u8,
    /// Added to the fuel on return: what was taken when the call was made (rule F7).
    pub(crate) credit: u16,
    /// Where the result goes.
    pub(crate) result: u8,
    /// The callee computes what a host call costs, or whether it is forbidden; its result goes to the driver.
    pub(crate) quote: bool,
}

/// Logical bytes held, against their limit.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct MemoryMeter {
    pub(crate) used: u64,
    /// The most that was held before anything was given back.
    pub(crate) before: u64,
    pub(crate) limit: u64,
}

impl MemoryMeter {
    pub(crate) fn new(limit: u64) -> MemoryMeter {
        MemoryMeter { used: 0, before: 0, limit }
    }

    /// The most that was held.
    pub(crate) fn peak(&self) -> u64 {
        self.before.max(self.used)
    }

    pub(crate) fn take(&mut self, bytes: u64) -> Result<(), LimitKind> {
        self.used = self.with(bytes).ok_or(LimitKind::Memory)?;
        Ok(())
    }

    /// How much would be held with so many more, if that is within the limit.
    #[inline(always)]
    pub(crate) fn with(&self, bytes: u64) -> Option<u64> {
        match self.used.checked_add(bytes) {
            Some(used) if used <= self.limit => Some(used),
            _ => None,
        }
    }

    pub(crate) fn give_back(&mut self, bytes: u64) {
        self.before = self.peak();
        self.used = self.used.saturating_sub(bytes);
    }
}

/// Why the interpreter gave control back. Unless said otherwise `pc` is the word of the op at fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pause {
    /// The fuel up to the mark does not cover the op and this dynamic charge. Nothing of it has happened.
    Short { charge: u64 },
    /// The op ran into an error; it is paid for.
    Trap(TrapCode),
    /// The op does not fit a limit; it and its dynamic charge are paid for.
    Limit(LimitKind),
    /// The entry function returned.
    Finished(Option<u64>),
    /// STOP with the string in the slot; paid for.
    Stopped(u64),
    /// FAIL; paid for.
    Failed(u64),
    /// A function that computes a cost returned; `pc` is the host call's.
    Quoted(u64),
    /// An op for the driver to carry out: a host call, a metric's sample, exhausted rounds. Not yet paid for.
    Effect,
    /// A host call was made in place; `pc` is behind it, and it is time to look at the clock.
    Look,
    /// A host call was made in place and its dynamic charge is paid; its answer is to be settled.
    Answered,
    /// Decoded code is inconsistent.
    Internal,
}

/// Registers, frames, arena and fuel.
#[derive(Debug, Default)]
pub(crate) struct Machine {
    pub(crate) stack: Vec<u64>,
    pub(crate) frames: Vec<Frame>,
    pub(crate) heap: Heap,
    pub(crate) metrics: Vec<MetricState>,
    /// Values of the STATE variables.
    pub(crate) states: Vec<u64>,
    pub(crate) pc: usize,
    pub(crate) base: usize,
    pub(crate) function: u16,
    /// The entry of a map that was found last: where to look first for the one to be set.
    pub(crate) found: u32,
    /// `F` of the fuel rules.
    pub(crate) fuel: i64,
    /// The least of limit and slice, in total fuel used.
    pub(crate) mark: i64,
    /// The limit, in total fuel used.
    pub(crate) fuel_limit: i64,
    pub(crate) memory: MemoryMeter,
    pub(crate) depth_limit: usize,
    /// The op at `pc` was already shown to the observer: it could not be paid, or its cost was computed first.
    pub(crate) seen: bool,
}

impl Machine {
    /// A machine about to run the entry function.
    pub(crate) fn new(code: &Code, limits: &Limits) -> Machine {
        let fuel_limit = limits.fuel.min(crate::limits::MAX_FUEL).cast_signed();
        let metrics = code.module().metrics.iter().map(|metric| MetricState::new(code.module(), metric));
        Machine {
            metrics: metrics.collect(),
            states: vec![0; code.module().states.len()],
            fuel_limit,
            memory: MemoryMeter::new(limits.memory_bytes),
            depth_limit: usize::try_from(limits.call_depth).unwrap_or(usize::MAX),
            ..Machine::default()
        }
    }

    /// Fuel used before the op at `pc`.
    pub(crate) fn used(&self, code: &Code) -> i64 {
        let spent = i64::from(code.origin(self.pc).spent);
        self.mark.wrapping_sub(self.fuel.wrapping_sub(spent))
    }

    /// Fuel used once the op at `pc` is paid.
    pub(crate) fn used_after(&self, code: &Code) -> i64 {
        let due = i64::from(code.origin(self.pc).due);
        self.mark.wrapping_sub(self.fuel.wrapping_sub(due))
    }

    /// Moves the mark; the fuel used stays.
    pub(crate) fn set_mark(&mut self, mark: i64) {
        self.fuel = self.fuel.wrapping_add(mark.wrapping_sub(self.mark));
        self.mark = mark;
    }

    /// Rule F4 for the op at `pc`: takes the dynamic charge, or says that it is not there.
    pub(crate) fn settle(&mut self, origin: Origin, charge: u64) -> Result<(), Pause> {
        let charge_signed = charge.min(crate::limits::MAX_FUEL).cast_signed();
        if self.fuel.wrapping_sub(i64::from(origin.due)) < charge_signed {
            return Err(Pause::Short { charge });
        }
        self.fuel = self.fuel.wrapping_sub(charge_signed);
        Ok(())
    }

    /// Makes the first op of a function that nothing calls the one at hand.
    pub(crate) fn stand_before(&mut self, callee: FunctionCode, function: u16) {
        self.function = function;
        self.base = 0;
        self.pc = slot::index(callee.start);
    }

    /// Opens the frame of a function that nothing calls: the first of an activation.
    pub(crate) fn enter(&mut self, code: &Code, function: u16, arguments: &[u64]) -> Result<(), Pause> {
        let Some(callee) = code.functions.get(usize::from(function)) else { return Err(Pause::Internal) };
        self.stand_before(*callee, function);
        self.memory.take(cost::frame_bytes(u64::from(callee.registers))).map_err(Pause::Limit)?;
        open_window(&mut self.stack, 0, *callee, arguments.iter().copied());
        Ok(())
    }

    /// Closes frames until only so many callers are left. The fuel is left to the caller of this.
    pub(crate) fn unwind(&mut self, code: &Code, depth: usize) {
        while self.frames.len() > depth {
            let Some(frame) = self.frames.pop() else { return };
            let own = code.functions.get(usize::from(self.function)).map_or(0, |own| own.registers);
            self.memory.give_back(cost::frame_bytes(u64::from(own)));
            self.function = frame.function;
            self.base = frame.base;
            self.pc = frame.pc;
        }
    }

    /// Goes on at a word, with so much fuel used before it.
    pub(crate) fn go_to(&mut self, code: &Code, pc: usize, used: i64) {
        self.pc = pc;
        self.fuel = self.mark.wrapping_sub(used).wrapping_add(i64::from(code.origin(pc).spent));
    }

    /// Opens a frame for a function that computes a cost, from within a host call. The host call itself is not
    /// paid yet, so its cost is left out of what the caller has spent.
    pub(crate) fn enter_quote(&mut self, code: &Code, function: u16, arguments: &[u64]) -> Result<(), Pause> {
        let Some(callee) = code.functions.get(usize::from(function)) else { return Err(Pause::Internal) };
        let caller = code.functions.get(usize::from(self.function)).map_or(0, |caller| caller.registers);
        let base = self.base.saturating_add(usize::from(caller));
        check_depth(&self.frames, self.depth_limit, base).map_err(Pause::Limit)?;
        self.memory.take(cost::frame_bytes(u64::from(callee.registers))).map_err(Pause::Limit)?;
        let spent = code.origin(self.pc).spent;
        self.frames.push(Frame {
            pc: self.pc,
            base: self.base,
            function: self.function,
            registers: caller,
            credit: spent,
            result: 0,
            quote: true,
        });
        self.fuel = self.fuel.wrapping_sub(i64::from(spent));
        self.function = function;
        self.base = base;
        self.pc = slot::index(callee.start);
        open_window(&mut self.stack, base, *callee, arguments.iter().copied());
        Ok(())
    }

    /// A register of the current frame.
    pub(crate) fn register(&self, register: u8) -> u64 {
        self.stack.get(self.base.saturating_add(usize::from(register))).copied().unwrap_or(0)
    }

    /// Writes a register of the current frame.
    pub(crate) fn set_register(&mut self, register: u8, value: u64) {
        if let Some(slot) = self.stack.get_mut(self.base.saturating_add(usize::from(register))) {
            *slot = value;
        }
    }
}

/// Whether one more frame is allowed, whose window starts at `base`.
pub(crate) fn check_depth(frames: &[Frame], limit: usize, base: usize) -> Result<(), LimitKind> {
    // The frames are all callers; the new one is the second beyond them.
    if frames.len().saturating_add(2) > limit || base > MAX_REGISTERS {
        return Err(LimitKind::CallDepth);
    }
    Ok(())
}

/// Makes room for a frame: arguments first, all other registers zero.
pub(crate) fn open_window(
    stack: &mut Vec<u64>,
    base: usize,
    callee: FunctionCode,
    arguments: impl Iterator<Item = u64>,
) {
    let end = base.saturating_add(WINDOW);
    if stack.len() < end {
        stack.resize(end, 0);
    }
    let registers = base.saturating_add(usize::from(callee.registers));
    let mut slots = stack.get_mut(base..registers).unwrap_or_default().iter_mut();
    // Arguments first: where there are no more of them, no slot is taken from those that are set to zero.
    for (value, slot) in arguments.zip(slots.by_ref()) {
        *slot = value;
    }
    slots.for_each(|slot| *slot = 0);
}
