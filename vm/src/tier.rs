//! Where another tier takes the interpreter's place: compiled code, say. Everything a tier may see or change
//! of a run goes through [`Work`], and at each op it can leave the rest to the interpreter. So a tier cannot
//! have rules of its own: what it does not do, or may not do, the interpreter does.

use std::fmt;
use std::sync::Arc;

use swarm_bytecode::cost;
use swarm_bytecode::module::Module;

use crate::attached::Attached;
use crate::decode::{Argument, Code, Origin};
use crate::filter::Filter;
use crate::host::Ready;
use crate::interpret::{self, Blind, Observer, interpret};
use crate::machine::{Frame, MAX_REGISTERS, Machine, Pause, WINDOW};
use crate::outside::{Outside, Reply};
use crate::program::Program;
use crate::slot;
use crate::word::Word;

/// Slices of fuel between two looks at the clock, by a tier that is so much faster than the interpreter.
const SLICES: u16 = 256;

/// Runs verified code in the interpreter's place.
pub trait Tier: fmt::Debug + Send + Sync {
    /// Whether it is worth asking, for an activation that has used so much fuel.
    fn is_ready(&self, program: &Program, fuel_used: u64) -> bool {
        let _ = (program, fuel_used);
        true
    }

    /// Goes on with a run from where it stands, as far as it likes; the interpreter goes on from there. It
    /// leaves the work as the interpreter would have left it at the same op.
    fn run(&self, work: &mut Work<'_>);
}

/// A run, between two ops.
pub struct Work<'a> {
    program: &'a Program,
    attached: &'a Arc<Attached>,
    machine: &'a mut Machine,
    outside: &'a mut dyn Outside,
    /// Fuel between two looks at the clock, and how many times that for the tier.
    slice: i64,
    slices: u16,
    /// Why the run cannot go on without its driver.
    pause: Option<Pause>,
}

impl fmt::Debug for Work<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Work").field("at", &self.at()).field("pause", &self.pause).finish()
    }
}

/// What a run is given, by identity: two are equal if they are the same.
#[derive(Debug, Clone)]
pub struct Given(Arc<Attached>);

impl PartialEq for Given {
    fn eq(&self, other: &Given) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

/// An op of a function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpAt {
    /// Index of the function.
    pub function: u16,
    /// Index of the op in it.
    pub op: u32,
}

/// A host call of the program that can be made in place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HostCall {
    /// Its number.
    pub site: u32,
    /// Its static cost.
    pub due: u16,
    /// The register that is TRUE behind it, if there is one.
    pub tried: Option<u8>,
}

impl HostCall {
    /// Most arguments.
    pub const MOST: usize = Ready::MOST;
}

/// A host call that a tier put off, in little-endian words: its site, what of `F` is left once its static cost is paid, and
/// its arguments. See [`Work::allows`].
pub type Note = [[u8; 8]; 8];

/// Rows of a host table that a loop may pass over, as the interpreter does: the word before its body.
#[derive(Debug, Clone)]
pub struct PassRows {
    /// Its number, for [`Work::pass_rows`].
    pub number: u16,
    /// Register of the row.
    pub item: u8,
    /// Register of its place in the list.
    pub index: u8,
    /// Fuel of a row that is passed over.
    pub cost: i64,
    /// Registers that fields are compared with.
    pub others: Vec<u8>,
    /// Registers that are 0 behind such a row.
    pub results: Vec<u8>,
    /// Fields, and the registers that hold what they are in the last such row.
    pub loaded: Vec<(u8, u8)>,
    /// Whether a call of the host is all that is done where any of its conditions holds. The interpreter makes such calls
    /// one after the other, without an op between: it goes through such rows faster than code that looks at each.
    pub only_calls: bool,
}

/// What is kept of rows that were looked at, from one [`Work::pass_rows`] to the next.
#[derive(Debug, Clone, Copy, Default)]
pub struct Passing(interpret::Passing);

/// What came of a single op.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stepped {
    /// The next op, and `F` there.
    To(OpAt, i64),
    /// The run cannot go on: it is where the op left it.
    Paused,
}

/// What memory and depth leave for frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Room {
    /// Logical bytes that may be taken.
    pub bytes: u64,
    /// Of these, what was held before already, so that taking it raises no peak.
    pub held_before: u64,
    /// How many more functions may be active.
    pub frames: u64,
    /// How many more registers they may have.
    pub registers: u64,
}

/// Runs with a tier: as far as that goes, then with the interpreter.
pub(crate) fn run(
    tier: &dyn Tier,
    (program, attached): (&Program, &Arc<Attached>),
    machine: &mut Machine,
    slice: i64,
    outside: &mut dyn Outside,
) -> Pause {
    let before = (machine.pc, machine.fuel);
    let mut work = Work { program, attached, machine, outside, slice, slices: SLICES, pause: None };
    tier.run(&mut work);
    match work.pause {
        Some(pause) => pause,
        None => {
            // Not long, so that the tier can try again.
            if before != (work.machine.pc, work.machine.fuel) {
                let used = work.machine.used(program.code());
                let mark = used.saturating_add(slice).min(work.machine.mark);
                work.machine.set_mark(mark);
                work.outside.mark_moved(mark);
            }
            interpret(work.machine, program.code(), attached, &mut Blind, work.outside)
        }
    }
}

/// Stops in front of the first op that is not this one.
struct Single {
    op: OpAt,
    stopped: bool,
}

impl Observer for Single {
    const WATCHES: bool = true;

    fn stops(&mut self, code: &Code, pc: usize) -> bool {
        let Origin { function, op, .. } = code.origin(pc);
        self.stopped = self.op != OpAt { function, op };
        self.stopped
    }
}

impl Work<'_> {
    fn code(&self) -> &Code {
        self.program.code()
    }

    /// The program.
    pub fn program(&self) -> &Program {
        self.program
    }

    /// Its module; of a large one the ops of functions are only in [`Program::module`].
    pub fn module(&self) -> &Module {
        self.program.tables()
    }

    /// What it reads.
    pub fn given(&self) -> Given {
        Given(Arc::clone(self.attached))
    }

    /// Whether the run cannot go on without its driver.
    pub fn is_paused(&self) -> bool {
        self.pause.is_some()
    }

    /// The op at hand, unless it was begun.
    pub fn at(&self) -> Option<OpAt> {
        let Origin { function, op, .. } = self.code().origin(self.machine.pc);
        let first = self.code().start_of_op(function, op);
        let own = self.code().first_word(function, op).unwrap_or(first);
        (first..=own).contains(&self.machine.pc).then_some(OpAt { function, op })
    }

    /// Makes an op of the running function the one at hand, with so much of `F`.
    pub fn go_to(&mut self, op: u32, fuel: i64) {
        self.machine.pc = self.code().start_of_op(self.machine.function, op);
        self.machine.fuel = fuel;
        self.machine.seen = false;
    }

    /// `F` of the fuel rules (see `swarm_bytecode::layout`).
    pub fn fuel(&self) -> i64 {
        self.machine.fuel
    }

    /// Sets `F`.
    pub fn set_fuel(&mut self, fuel: i64) {
        self.machine.fuel = fuel;
    }

    /// Fuel the activation used so far.
    pub fn fuel_used(&self) -> u64 {
        self.machine.used(self.code()).max(0).cast_unsigned()
    }

    /// Fuel the activation has used by the end of an op's region, where this is `F`.
    pub fn fuel_used_at(&self, fuel: i64) -> u64 {
        self.machine.mark.wrapping_sub(fuel).max(0).cast_unsigned()
    }

    /// Has [`Work::look`] give so many slices of fuel from now on, at most 256.
    pub fn look_after(&mut self, slices: u16) {
        self.slices = slices.clamp(1, SLICES);
    }

    /// Whether the running function has a result.
    pub fn gives_value(&self) -> bool {
        let own = self.module().functions.get(usize::from(self.machine.function));
        own.is_some_and(|own| own.result.is_some())
    }

    /// The tier is at fault: the run ends so.
    pub fn fail(&mut self) {
        self.pause = Some(Pause::Internal);
    }

    /// Registers of the running function.
    pub fn registers(&mut self) -> &mut [u64] {
        let own = self.code().functions.get(usize::from(self.machine.function)).copied().unwrap_or_default();
        let base = self.machine.base;
        self.machine.stack.get_mut(base..base.saturating_add(usize::from(own.registers))).unwrap_or_default()
    }

    /// Slots to work with while no function is running; single ops find their operands there. The registers
    /// of the running function are lost.
    pub fn scratch(&mut self) -> &mut [u64] {
        let base = self.machine.base;
        self.machine.stack.get_mut(base..base.saturating_add(WINDOW)).unwrap_or_default()
    }

    /// Slots of the inputs.
    pub fn inputs(&self) -> impl Iterator<Item = u64> {
        self.attached.inputs.iter().map(|slot| slot.unwrap_or(0))
    }

    /// Slots of the context values.
    pub fn contexts(&self) -> impl Iterator<Item = u64> {
        self.attached.contexts.iter().map(|slot| slot.unwrap_or(0))
    }

    /// How many views of host tables there are; the source of a row's slot is the number of its view.
    pub fn views(&self) -> u32 {
        self.attached.view_count()
    }

    /// Rows and fields of a view of records; nothing for other views.
    pub fn rows(&self, view: u32) -> Option<(u32, u32)> {
        self.attached.rows_of(view)
    }

    /// The values of a field in all rows of a view.
    pub fn column(&self, view: u32, field: u8) -> impl Iterator<Item = u64> {
        let rows = self.rows(view).map_or(0, |(rows, _)| rows);
        (0..rows).map(move |index| self.attached.field(slot::Reference { source: view, index }, field))
    }

    /// The values of a field in all rows like this one, if they are whole words of a column.
    pub fn words(&self, row: u64, field: u8) -> Option<&[u64]> {
        self.attached.column(row, field).words(row)
    }

    /// A field of a row.
    pub fn field(&self, row: u64, field: u8) -> u64 {
        self.attached.field(slot::Reference::unpack(row), field)
    }

    /// How many rows from this one on a loop may pass over, at most so many, and how many behind the next it
    /// is not worth asking for. `other` gives registers.
    pub fn pass_rows(
        &self,
        passing: &mut Passing,
        number: u16,
        (row, most): (u64, usize),
        other: impl Fn(u8) -> u64,
    ) -> (usize, u32) {
        passing.0.pass((self.code(), self.attached), number, (row, most), other)
    }

    /// Whether the op at hand closes a loop over rows that had better be left to the interpreter: see
    /// [`PassRows::only_calls`]. Not where actions are held for the end, which a tier only writes down.
    pub fn only_calls(&self) -> bool {
        let code = self.code();
        let Some(Word::NextItem { list, body, .. }) = code.word(self.machine.pc) else { return false };
        let Some(Word::PassRows { filter, .. }) = code.word(usize::from(body)) else { return false };
        let filter = code.filters.get(usize::from(filter));
        let list = self.machine.stack.get(self.machine.base.saturating_add(list.into()));
        filter.is_some_and(Filter::only_calls) && list.is_some_and(|list| list >> 32 != 0) && !self.holds()
    }

    /// Whether actions are held for the end.
    pub fn holds(&self) -> bool {
        self.outside.holds()
    }

    /// The first item and the number of items of a list that are rows of one view, in order.
    pub fn walk(&self, list: u64) -> Option<(u64, u64)> {
        self.attached.walk(list).parts()
    }

    /// Words of the arena, little-endian. A list of bools has a byte for each item, eight to a word.
    pub fn arena(&self) -> &[[u8; 8]] {
        self.machine.heap.all()
    }

    /// Words of the arena, to be written.
    pub fn arena_mut(&mut self) -> &mut [[u8; 8]] {
        self.machine.heap.all_mut()
    }

    /// What is left for frames.
    pub fn room(&self) -> Room {
        let memory = &self.machine.memory;
        let frames = self.machine.depth_limit.saturating_sub(self.machine.frames.len()).saturating_sub(1);
        let registers = MAX_REGISTERS.saturating_sub(self.machine.base).saturating_sub(WINDOW);
        Room {
            bytes: memory.limit.saturating_sub(memory.used),
            held_before: memory.peak().saturating_sub(memory.used),
            frames: slot::count(frames).into(),
            registers: slot::count(registers).into(),
        }
    }

    /// So many bytes were held on top of what is held now.
    pub fn rose(&mut self, bytes: u64) {
        let memory = &mut self.machine.memory;
        memory.before = memory.peak().max(memory.used.saturating_add(bytes));
    }

    /// Opens a frame: the running function waits behind its call at `op`. The new one's registers are to be
    /// written.
    pub fn call(&mut self, op: u32) -> Option<()> {
        let machine = &mut *self.machine;
        let code = self.program.code();
        let pc = code.first_word(machine.function, op)?;
        let Some(Word::Call { result, due, site }) = code.word(pc) else { return None };
        let call = code.calls.get(slot::index(site))?;
        let registers = code.functions.get(usize::from(machine.function))?.registers;
        let pc = pc.saturating_add(1);
        let (base, function) = (machine.base, machine.function);
        machine.frames.push(Frame { pc, base, registers, function, credit: due, result, quote: false });
        machine.base = base.saturating_add(usize::from(registers));
        machine.function = call.function;
        machine.memory.used = machine.memory.used.saturating_add(u64::from(call.callee.bytes));
        let end = machine.base.saturating_add(WINDOW);
        if machine.stack.len() < end {
            machine.stack.resize(end, 0);
        }
        Some(())
    }

    /// Returns from the running function, paid for, with `F` once its region is paid: to its caller, or out
    /// of the run.
    pub fn leave(&mut self, value: Option<u64>, fuel: i64) {
        let machine = &mut *self.machine;
        let own = self.program.code().functions.get(usize::from(machine.function));
        machine.memory.give_back(cost::frame_bytes(u64::from(own.map_or(0, |own| own.registers))));
        machine.fuel = fuel;
        let Some(frame) = machine.frames.pop() else {
            self.pause = Some(Pause::Finished(value));
            return;
        };
        machine.fuel = fuel.wrapping_add(i64::from(frame.credit));
        (machine.pc, machine.base, machine.function) = (frame.pc, frame.base, frame.function);
        if frame.quote {
            self.pause = Some(Pause::Quoted(value.unwrap_or(0)));
        } else if let Some(value) = value {
            machine.set_register(frame.result, value);
        }
    }

    /// The fuel up to the mark does not cover `due` in a region of an op: looks at the clock, and gives the
    /// `F` to go on with. Nothing if it is up to the driver. It is for a tier that then does that op: one
    /// that looks on each visit and does nothing is visited for ever.
    pub fn look(&mut self, due: i64, fuel: i64) -> Option<i64> {
        let machine = &mut *self.machine;
        let needed = machine.mark.wrapping_sub(fuel).wrapping_add(due);
        if needed > machine.fuel_limit || !self.outside.look_at_clock() {
            return None;
        }
        let slice = self.slice.saturating_mul(self.slices.into());
        let mark = machine.fuel_limit.min(needed.saturating_add(slice));
        let fuel = fuel.wrapping_add(mark.wrapping_sub(machine.mark));
        machine.mark = mark;
        self.outside.mark_moved(mark);
        Some(fuel)
    }

    /// Makes a host call in place, if nothing stands against it, with what of `F` is left once its static
    /// cost is paid: gives what is left after it. Frames that are not open here hold so many bytes. Nothing
    /// if nothing was done, or if the run cannot go on.
    #[inline]
    pub fn host_call(
        &mut self,
        site: u32,
        left: i64,
        held: u64,
        arguments: &[u64; HostCall::MOST],
    ) -> Option<i64> {
        if left < 0 {
            return None;
        }
        let machine = &mut *self.machine;
        if held != 0 {
            machine.memory.used = machine.memory.used.saturating_add(held);
        }
        let reply = self.outside.call_with(site, left, arguments, &mut machine.heap, &mut machine.memory);
        if held != 0 {
            machine.memory.give_back(held);
        }
        match reply {
            Reply::Done { charge } => Some(left.wrapping_sub(charge)),
            other => self.unusual_call(site, left, other),
        }
    }

    /// Makes host calls that were put off, in their order, while no frames hold anything. Nothing if one cannot be made.
    pub fn make_noted(&mut self, mut notes: &[Note]) -> Option<()> {
        while !notes.is_empty() {
            let machine = &mut *self.machine;
            let made = self.outside.make_noted(notes, &mut machine.heap, &mut machine.memory);
            notes = notes.get(made..)?;
            let Some((note, behind)) = notes.split_first() else { break };
            let [site, left, arguments @ .., _, _] = note.map(u64::from_le_bytes);
            self.host_call(slot::low(site), left.cast_signed(), 0, &arguments)?;
            notes = behind;
        }
        Some(())
    }

    /// How many calls of a site can be made a little later than they are issued, in their order, one after
    /// the other and whatever else is so: they are held for the end, or all that can answer them is "done"
    /// and the clock is not looked at. Nothing if such a call has to be made at once. No frames hold
    /// anything.
    pub fn allows(&self, site: u32) -> Option<u64> {
        self.outside.allows(site, &self.machine.memory)
    }

    /// Behind a call that was not simply made.
    #[cold]
    fn unusual_call(&mut self, site: u32, left: i64, reply: Reply) -> Option<i64> {
        let pc = slot::index(self.code().sites.get(slot::index(site))?.pc);
        let (due, tried) = match self.code().word(pc)? {
            Word::Host { due, .. } => (due, false),
            Word::TryHost { due, .. } => (due, true),
            _ => return None,
        };
        let (pc, charge, pause) = match reply {
            Reply::Answered { charge } => (pc, charge, Pause::Answered),
            Reply::Look { charge } if tried || self.outside.look_at_clock() => {
                return Some(left.wrapping_sub(charge));
            }
            Reply::Look { charge } => (pc.saturating_add(1), charge, Pause::Look),
            Reply::Done { .. } | Reply::Declined => return None,
        };
        self.machine.pc = pc;
        self.machine.fuel = left.wrapping_sub(charge).wrapping_add(due.into());
        self.pause = Some(pause);
        None
    }

    /// Carries out one op of any function, with its operands in [`Work::scratch`], where its result is found.
    /// The frames are not touched; those that are not open here hold so many bytes.
    pub fn step(&mut self, op: OpAt, fuel: i64, held: u64) -> Stepped {
        let code = self.program.code();
        let before = self.machine.function;
        self.machine.function = op.function;
        self.machine.pc = code.start_of_op(op.function, op.op);
        self.machine.fuel = fuel;
        self.machine.memory.used = self.machine.memory.used.saturating_add(held);
        let mut single = Single { op, stopped: false };
        let mut pause = interpret(self.machine, code, self.attached, &mut single, self.outside);
        if let Pause::Short { charge } = pause
            && !single.stopped
        {
            let due = i64::from(code.origin(self.machine.pc).due);
            let due = due.saturating_add(charge.min(crate::limits::MAX_FUEL).cast_signed());
            if let Some(fuel) = self.look(due, self.machine.fuel) {
                self.machine.fuel = fuel;
                pause = interpret(self.machine, code, self.attached, &mut single, self.outside);
            }
        }
        self.machine.function = before;
        self.machine.memory.give_back(held);
        if single.stopped {
            let Origin { function, op, .. } = code.origin(self.machine.pc);
            return Stepped::To(OpAt { function, op }, self.machine.fuel);
        }
        self.pause = Some(pause);
        Stepped::Paused
    }

    /// The word that [`Work::step`] or [`Work::host_call`] paused at, and `F` there: to be kept while frames
    /// are put back, and given to [`Work::stand`].
    pub fn stand_point(&self) -> (usize, i64) {
        (self.machine.pc, self.machine.fuel)
    }

    /// Stands at a point of the running function again.
    pub fn stand(&mut self, (pc, fuel): (usize, i64)) {
        self.machine.pc = pc;
        self.machine.fuel = fuel;
    }
}

impl Program {
    /// The host call of an op that can be made in place, for a [`Tier`].
    pub fn host_call_at(&self, at: OpAt) -> Option<HostCall> {
        let code = self.code();
        let (site, due, tried) = match code.word(code.start_of_op(at.function, at.op))? {
            Word::Host { site, due, .. } => (site, due, None),
            Word::TryHost { site, due, result } => (site, due, Some(result)),
            _ => return None,
        };
        let arguments = code.sites.get(slot::index(site)).map(|site| code.arguments(*site).len())?;
        (arguments <= HostCall::MOST).then_some(HostCall { site, due, tried })
    }

    /// All that loops may pass over, by number, for a [`Tier`].
    pub fn pass_rows(&self) -> Vec<PassRows> {
        let filters = self.code().filters.iter().zip(0_u16..);
        let made = filters.map(|(filter, number)| PassRows {
            number,
            item: filter.item,
            index: filter.index,
            cost: filter.cost.into(),
            others: filter.tests.iter().filter_map(|test| test.other).collect(),
            results: filter.last_leaves().filter(|own| own.1.is_none()).map(|own| own.0).collect(),
            only_calls: filter.only_calls(),
            loaded: filter.last_leaves().filter_map(|(register, field)| Some((field?, register))).collect(),
        });
        made.collect()
    }

    /// The number of the rows that may be passed over before an op, for a [`Tier`].
    pub fn pass_rows_at(&self, at: OpAt) -> Option<u16> {
        match self.code().word(self.code().start_of_op(at.function, at.op))? {
            Word::PassRows { filter, .. } => Some(filter),
            _ => None,
        }
    }

    /// The dynamic charge of a host call without texts, and which of its arguments are references, a bit for
    /// each, for a [`Tier`].
    pub fn charge_of(&self, call: HostCall) -> Option<(i64, u8)> {
        let site = *self.code().sites.get(slot::index(call.site))?;
        let arguments = self.code().arguments(site);
        let charge = cost::host_call(u64::from(slot::count(arguments.len())), 0);
        let bit = |(at, argument): (u32, &Argument)| u8::from(argument.shares).checked_shl(at).unwrap_or(0);
        let shares = (0..).zip(arguments).fold(0, |shares, argument| shares | bit(argument));
        Some((i64::try_from(charge).ok()?, shares))
    }

    /// How many sites there are of host calls and the like, for a [`Tier`].
    pub fn sites(&self) -> u32 {
        slot::count(self.code().sites.len())
    }

    /// The op of a host call's site, for a [`Tier`].
    pub fn op_of(&self, site: u32) -> Option<OpAt> {
        let site = self.code().sites.get(slot::index(site))?;
        let Origin { function, op, .. } = self.code().origin(slot::index(site.pc));
        Some(OpAt { function, op })
    }

    /// The slot of a constant text, for a [`Tier`].
    pub fn string(&self, string: usize) -> Option<u64> {
        self.code().strings.get(string).copied()
    }
}
