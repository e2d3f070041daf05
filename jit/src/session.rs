//! A compiled program with its memories, and the helpers it calls.
//!
//! The arena of the run is copied to memory 1 when compiled code is entered, and what either side wrote is copied over
//! whenever the other is about to read it: pages that compiled code marked before a helper looks, what the helper added
//! or may have changed behind it.

use scoped_tls_hkt::scoped_thread_local;
use swarm_bytecode::op::Op;
use swarm_vm::tier::{Given, OpAt, Stepped, Work};
use wasmtime::{Caller, Global, Instance, Linker, Memory, Store, TypedFunc, Val};

use crate::layout::{
    FRAME, FUEL, LEFT, LENGTH, MAX_ARENA, NEXT, PAGE_BITS, Places, REGISTERS, SCRATCH, VALUE, ZEROS,
};
use crate::module::HOST_ARGUMENTS;

/// Most bytes of columns that are kept.
const MAX_COLUMNS: u64 = 64 << 20;
/// Words copied for nothing before it counts.
const FREE_WORDS: u64 = 1 << 14;

/// What helpers reach of the run, which is not the store's to keep.
pub(crate) trait Run {
    fn look(&mut self, due: i64, fuel: i64) -> i64;
    fn host(
        &mut self,
        caller: &mut Caller<'_, Handles>,
        word: u32,
        fuel: (i64, i64),
        arguments: [i64; HOST_ARGUMENTS],
    ) -> i64;
    fn step(&mut self, caller: &mut Caller<'_, Handles>, op: OpAt, fuel: (i64, i64), changes: bool) -> i64;
    fn rise(&mut self, caller: &mut Caller<'_, Handles>, held: i64) -> i32;
    fn walk(&mut self, caller: &mut Caller<'_, Handles>, list: i64) -> i64;
    fn column(&mut self, caller: &mut Caller<'_, Handles>, item: i64, field: i32) -> i32;
}

scoped_thread_local!(static mut RUN: for<'a> &'a mut dyn Run);

/// The memories and globals of an instance, and what is kept of a host's tables.
#[derive(Default)]
pub(crate) struct Handles {
    memories: Option<(Memory, Memory)>,
    top: Option<Global>,
    /// The global with what frames may take, and what that is.
    calm: Option<(Global, u64)>,
    columns: Columns,
}

/// Columns in memory 0, of what one run or several are given.
#[derive(Default)]
struct Columns {
    given: Option<Given>,
    /// View, field and address.
    known: Vec<(u32, u8, u32)>,
    end: u64,
}

/// One instance, for one run at a time.
pub(crate) struct Session {
    store: Store<Handles>,
    entries: Vec<TypedFunc<(i32, i64, i64), i64>>,
    places: Places,
}

/// What a run of compiled code cost beside what it did.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Visit {
    /// How often it was entered.
    pub(crate) entries: u64,
    /// How often it called a helper that acts for it.
    pub(crate) helpers: u64,
}

/// How compiled code came to its end.
enum Way {
    /// The function that was entered returned.
    Returned,
    /// It is up to the interpreter.
    Left,
}

fn op(function: i32, op: i32) -> OpAt {
    OpAt { function: u16::try_from(function).unwrap_or(u16::MAX), op: u32::try_from(op).unwrap_or(u32::MAX) }
}

fn helper<R: Default>(act: impl FnOnce(&mut dyn Run) -> R) -> R {
    RUN.with(|run| act(run))
}

/// The helpers by their names.
pub(crate) fn link(linker: &mut Linker<Handles>) -> wasmtime::Result<()> {
    type Own<'a> = Caller<'a, Handles>;
    linker.func_wrap("swarm", "look", |due: i64, fuel: i64| helper(|run| run.look(due, fuel)))?;
    linker.func_wrap(
        "swarm",
        "host",
        |mut caller: Own<'_>, word: i32, fuel: i64, held: i64, a: i64, b: i64, c: i64, d: i64| {
            helper(|run| run.host(&mut caller, word.cast_unsigned(), (fuel, held), [a, b, c, d]))
        },
    )?;
    linker.func_wrap(
        "swarm",
        "step",
        |mut caller: Own<'_>, function: i32, at: i32, fuel: i64, held: i64, kind: i32| {
            let op = op(function, at);
            helper(|run| run.step(&mut caller, op, (fuel, held), kind != 0))
        },
    )?;
    linker.func_wrap("swarm", "rise", |mut caller: Own<'_>, held: i64| {
        helper(|run| run.rise(&mut caller, held))
    })?;
    linker.func_wrap("swarm", "walk", |mut caller: Own<'_>, list: i64| {
        helper(|run| run.walk(&mut caller, list))
    })?;
    linker.func_wrap("swarm", "column", |mut caller: Own<'_>, item: i64, field: i32| {
        helper(|run| run.column(&mut caller, item, field))
    })?;
    Ok(())
}

/// A run while compiled code has it.
struct Context<'c, 'w> {
    work: &'c mut Work<'w>,
    places: Places,
    /// Where a helper stopped: the word, and `F` there.
    stand: Option<(usize, i64)>,
    /// What frames may take, packed, and what they took before.
    limits: (u64, u64),
    /// Fuel that was used when compiled code was entered.
    used_before: u64,
    /// Words copied from the arena.
    copied: u64,
    /// Words of the arena that memory 1 has.
    mirrored: usize,
    visit: Visit,
}

/// Bytes of frames, of what frames hold.
fn bytes_of(held: i64) -> u64 {
    held.wrapping_div(FRAME).cast_unsigned()
}

fn offset(place: u64) -> usize {
    usize::try_from(place).unwrap_or(usize::MAX)
}

fn read(data: &[u8], place: u64) -> u64 {
    let bytes = data.get(offset(place)..).and_then(<[u8]>::first_chunk::<8>);
    bytes.map_or(0, |bytes| u64::from_le_bytes(*bytes))
}

fn write(data: &mut [u8], place: u64, value: u64) {
    if let Some(bytes) = data.get_mut(offset(place)..).and_then(<[u8]>::first_chunk_mut::<8>) {
        *bytes = value.to_le_bytes();
    }
}

fn read_small(data: &[u8], place: u64) -> u32 {
    let bytes = data.get(offset(place)..).and_then(<[u8]>::first_chunk::<4>);
    bytes.map_or(0, |bytes| u32::from_le_bytes(*bytes))
}

/// Writes words one behind the other.
fn write_all(data: &mut [u8], place: u64, words: impl Iterator<Item = u64>) {
    let bytes = data.get_mut(offset(place)..).unwrap_or_default();
    for (bytes, word) in bytes.as_chunks_mut::<8>().0.iter_mut().zip(words) {
        *bytes = word.to_le_bytes();
    }
}

impl Context<'_, '_> {
    /// Copies words of the arena to memory 1, from this one on.
    fn mirror(&mut self, store: &mut impl wasmtime::AsContextMut<Data = Handles>, from: usize) -> Option<()> {
        let (_, arena) = store.as_context().data().memories?;
        let words = self.work.arena();
        let end = u64::try_from(words.len()).ok()?.saturating_add(ZEROS).saturating_mul(8);
        if end > MAX_ARENA {
            return None;
        }
        // Loads of fields of the zero block go up to 256 words behind the last object's header.
        let wanted = end.saturating_add(4096);
        let size = u64::try_from(arena.data_size(&*store)).ok()?;
        if size < wanted {
            arena.grow(&mut *store, wanted.saturating_sub(size).div_ceil(1 << 16)).ok()?;
        }
        let place = u64::try_from(from).ok()?.saturating_add(ZEROS).saturating_mul(8);
        let rest = words.get(from..)?;
        self.mirrored = words.len();
        self.copied = self.copied.saturating_add(u64::try_from(rest.len()).ok()?);
        write_all(arena.data_mut(&mut *store), place, rest.iter().copied());
        Some(())
    }

    /// Copies what compiled code wrote to the arena.
    fn flush(&mut self, store: &mut impl wasmtime::AsContextMut<Data = Handles>) -> Option<()> {
        let (memory, arena) = store.as_context().data().memories?;
        let bytes = u64::try_from(self.mirrored).ok()?.saturating_add(ZEROS).saturating_mul(8);
        let pages = (bytes >> PAGE_BITS).saturating_add(1);
        let marks = offset(self.places.marks);
        let marks = marks..marks.saturating_add(offset(pages));
        let written: Vec<usize> = {
            let marks = memory.data(&*store).get(marks.clone())?;
            marks.iter().enumerate().filter(|(_, mark)| **mark != 0).map(|(page, _)| page).collect()
        };
        if written.is_empty() {
            return Some(());
        }
        memory.data_mut(&mut *store).get_mut(marks)?.fill(0);
        let words_of_page = 1_usize.checked_shl(PAGE_BITS.saturating_sub(3))?;
        let data = arena.data(&*store);
        let zeros = offset(ZEROS);
        let target = self.work.arena_mut();
        for page in written {
            let first = page.saturating_mul(words_of_page).max(zeros);
            let end = page.saturating_add(1).saturating_mul(words_of_page);
            let end = end.min(target.len().saturating_add(zeros));
            let to =
                target.get_mut(first.saturating_sub(zeros)..end.saturating_sub(zeros)).unwrap_or_default();
            let from = data.get(first.saturating_mul(8)..).unwrap_or_default().as_chunks::<8>().0;
            for (to, from) in to.iter_mut().zip(from) {
                *to = u64::from_le_bytes(*from);
            }
        }
        Some(())
    }

    /// What frames may take from now on without asking.
    fn calm(&mut self, store: &mut impl wasmtime::AsContextMut<Data = Handles>) -> Option<()> {
        let room = self.work.room();
        let frames = room.frames.min(self.places.frames).min(FRAME.cast_unsigned().saturating_sub(2));
        let bytes = room.bytes.min(room.registers.saturating_mul(8)).min(0x3fff_ffff);
        self.limits = (frames, bytes);
        // No more frames than there may be, as none is smaller than the smallest.
        let calm = bytes.min(room.held_before).min(frames.saturating_mul(self.places.frame_bytes));
        let packed = calm.saturating_add(1).saturating_mul(FRAME.cast_unsigned()).saturating_sub(1);
        let (calm, known) = store.as_context().data().calm?;
        if known != packed {
            calm.set(&mut *store, Val::I64(packed.cast_signed())).ok()?;
            store.as_context_mut().data_mut().calm = Some((calm, packed));
        }
        Some(())
    }
}

impl Run for Context<'_, '_> {
    fn look(&mut self, due: i64, fuel: i64) -> i64 {
        if fuel == LEFT || fuel >= due {
            return fuel;
        }
        self.work.look(due, fuel).unwrap_or(LEFT)
    }

    fn host(
        &mut self,
        caller: &mut Caller<'_, Handles>,
        word: u32,
        fuel: (i64, i64),
        arguments: [i64; HOST_ARGUMENTS],
    ) -> i64 {
        self.visit.helpers = self.visit.helpers.saturating_add(1);
        match self.work.host_call(word, fuel.0, bytes_of(fuel.1), arguments) {
            Some((fuel, tried)) => self.called(caller, fuel, tried).unwrap_or(LEFT),
            None => self.other_call(caller, word, fuel, arguments).unwrap_or(LEFT),
        }
    }

    fn step(&mut self, caller: &mut Caller<'_, Handles>, op: OpAt, fuel: (i64, i64), changes: bool) -> i64 {
        self.visit.helpers = self.visit.helpers.saturating_add(1);
        self.try_step(caller, op, fuel, changes).unwrap_or(LEFT)
    }

    fn rise(&mut self, caller: &mut Caller<'_, Handles>, held: i64) -> i32 {
        let (frames, bytes) = (held.wrapping_rem(FRAME).cast_unsigned(), bytes_of(held));
        if frames > self.limits.0 || bytes > self.limits.1 {
            return 0;
        }
        self.work.rose(bytes);
        i32::from(self.calm(caller).is_some())
    }

    fn walk(&mut self, caller: &mut Caller<'_, Handles>, list: i64) -> i64 {
        let (first, items) = self.work.walk(list.cast_unsigned()).unwrap_or((0, 0));
        if let Some((memory, _)) = caller.data().memories {
            write(memory.data_mut(caller), LENGTH, items);
        }
        first.cast_signed()
    }

    fn column(&mut self, caller: &mut Caller<'_, Handles>, item: i64, field: i32) -> i32 {
        self.find_column(caller, item.cast_unsigned(), field).unwrap_or(0).cast_signed()
    }
}

impl Context<'_, '_> {
    fn try_step(
        &mut self,
        caller: &mut Caller<'_, Handles>,
        op: OpAt,
        (fuel, held): (i64, i64),
        changes: bool,
    ) -> Option<i64> {
        let (memory, _) = caller.data().memories?;
        self.flush(caller)?;
        let operands = memory.data(&*caller).get(offset(SCRATCH)..)?.as_chunks::<8>().0;
        for (slot, operand) in self.work.scratch().iter_mut().zip(operands) {
            *slot = u64::from_le_bytes(*operand);
        }
        let before = self.work.arena().len();
        let stepped = self.work.step(op, fuel, bytes_of(held));
        let results = self.work.scratch().iter().copied();
        write_all(memory.data_mut(&mut *caller), SCRATCH, results.take(256));
        self.mirror(caller, if changes { 0 } else { before });
        self.calm(caller)?;
        let Stepped::To(next, fuel) = stepped else {
            self.stand = Some(self.work.stand_point());
            return Some(LEFT);
        };
        write(memory.data_mut(&mut *caller), NEXT, u64::from(next.op));
        let spent = self.work.fuel_used().saturating_sub(self.used_before);
        if self.copied > FREE_WORDS.saturating_add(spent.saturating_mul(4)) {
            // More is copied than done: the interpreter copies nothing.
            self.stand = Some(self.work.stand_point());
            return Some(LEFT);
        }
        Some(fuel)
    }

    /// Behind a host call that was made.
    fn called(&mut self, caller: &mut Caller<'_, Handles>, fuel: i64, tried: Option<u8>) -> Option<i64> {
        if let Some(result) = tried {
            let (memory, _) = caller.data().memories?;
            let place = SCRATCH.saturating_add(u64::from(result).saturating_mul(8));
            write(memory.data_mut(&mut *caller), place, 1);
        }
        if self.places.calls {
            self.calm(caller)?;
        }
        Some(fuel)
    }

    /// A host call that cannot be made in place.
    #[cold]
    fn other_call(
        &mut self,
        caller: &mut Caller<'_, Handles>,
        word: u32,
        fuel: (i64, i64),
        arguments: [i64; HOST_ARGUMENTS],
    ) -> Option<i64> {
        if self.work.is_paused() {
            self.stand = Some(self.work.stand_point());
            return None;
        }
        let (memory, _) = caller.data().memories?;
        let op = self.work.program().op_of(word);
        let function = self.work.module().functions.get(usize::from(op.function))?;
        let (Op::Host { arguments: registers, .. }
        | Op::HostValue { arguments: registers, .. }
        | Op::TryHost { arguments: registers, .. }) = function.code.get(usize::try_from(op.op).ok()?)?
        else {
            return None;
        };
        let data = memory.data_mut(&mut *caller);
        for (register, argument) in registers.iter().zip(arguments) {
            let place = SCRATCH.saturating_add(u64::from(register.0).saturating_mul(8));
            write(data, place, argument.cast_unsigned());
        }
        self.try_step(caller, op, fuel, true)
    }

    fn find_column(&mut self, caller: &mut Caller<'_, Handles>, item: u64, field: i32) -> Option<u32> {
        let view = u32::try_from(item >> 32).ok()?;
        let field = u8::try_from(field).ok()?;
        let given = self.work.given();
        let columns = &mut caller.data_mut().columns;
        if columns.given.as_ref() != Some(&given) {
            *columns = Columns { given: Some(given), known: Vec::new(), end: self.places.columns };
        }
        let known = columns.known.iter().find(|(own, at, _)| (*own, *at) == (view, field));
        if let Some((_, _, address)) = known {
            return Some(*address);
        }
        let (rows, fields) = self.work.rows(view)?;
        let end = columns.end.saturating_add(u64::from(rows).saturating_mul(8));
        if u32::from(field) >= fields || end > self.places.columns.saturating_add(MAX_COLUMNS) {
            return None;
        }
        let start = std::mem::replace(&mut columns.end, end);
        let address = u32::try_from(start).ok()?;
        columns.known.push((view, field, address));
        let (memory, _) = caller.data().memories?;
        let size = u64::try_from(memory.data_size(&*caller)).ok()?;
        if size < end {
            memory.grow(&mut *caller, end.saturating_sub(size).div_ceil(1 << 16)).ok()?;
        }
        write_all(memory.data_mut(caller), start, self.work.column(view, field));
        Some(address)
    }
}

impl Session {
    pub(crate) fn new(
        linker: &Linker<Handles>,
        module: &wasmtime::Module,
        places: Places,
        functions: usize,
    ) -> wasmtime::Result<Session> {
        let mut store = Store::new(module.engine(), Handles::default());
        let instance: Instance = linker.instantiate(&mut store, module)?;
        let memory = |store: &mut Store<Handles>, name| instance.get_memory(store, name);
        let memories = memory(&mut store, "memory").zip(memory(&mut store, "arena"));
        let top = instance.get_global(&mut store, "top");
        let calm = instance.get_global(&mut store, "calm").map(|calm| (calm, 0));
        let mut entries = Vec::with_capacity(functions);
        for at in 0..functions {
            entries.push(instance.get_typed_func(&mut store, &format!("f{at}"))?);
        }
        let handles = store.data_mut();
        (handles.memories, handles.top, handles.calm) = (memories, top, calm);
        Ok(Session { store, entries, places })
    }

    /// Runs compiled code from where the work stands, and from where it comes to, until the interpreter has to go on.
    pub(crate) fn run(&mut self, work: &mut Work<'_>, enters: impl Fn(OpAt) -> Option<i32>) -> Visit {
        let mut context = Context {
            work,
            places: self.places,
            stand: None,
            limits: (0, 0),
            used_before: 0,
            copied: 0,
            mirrored: 0,
            visit: Visit::default(),
        };
        if self.begin(&mut context).is_none() {
            return context.visit;
        }
        while !context.work.is_paused() {
            let at = context.work.at().and_then(|op| Some((op, enters(op)?)));
            let Some((op, at)) = at else { break };
            context.visit.entries = context.visit.entries.saturating_add(1);
            match self.enter(&mut context, op, at) {
                Some(Way::Returned) => {}
                Some(Way::Left) | None => break,
            }
        }
        context.visit
    }

    /// Copies to the memories what does not change but by compiled code and its helpers.
    fn begin(&mut self, context: &mut Context<'_, '_>) -> Option<()> {
        let (memory, _) = self.store.data().memories?;
        let data = memory.data_mut(&mut self.store);
        write_all(data, crate::layout::GIVEN, context.work.inputs());
        write_all(data, self.places.contexts, context.work.contexts());
        context.mirror(&mut self.store, 0)
    }

    fn enter(&mut self, context: &mut Context<'_, '_>, op: OpAt, at: i32) -> Option<Way> {
        let entry = self.entries.get(usize::from(op.function))?.clone();
        let fuel = context.work.fuel();
        let (memory, _) = self.store.data().memories?;
        let top = self.store.data().top?;
        let data = memory.data_mut(&mut self.store);
        write_all(data, REGISTERS, context.work.registers().iter().copied());
        top.set(&mut self.store, Val::I32(0)).ok()?;
        (context.used_before, context.copied) = (context.work.fuel_used(), 0);
        context.calm(&mut self.store)?;
        let store = &mut self.store;
        let came = RUN.set(&mut *context, || entry.call(&mut *store, (at, fuel, 0)));
        context.flush(&mut self.store)?;
        let (work, stand) = (&mut *context.work, context.stand);
        let Ok(came) = came else {
            work.fail();
            return None;
        };
        let data = memory.data(&self.store);
        if came != LEFT {
            let value = work.gives_value().then(|| read(data, VALUE));
            work.leave(value, came);
            return Some(Way::Returned);
        }
        let end = top.get(&mut self.store).i32().and_then(|top| u64::try_from(top).ok())?;
        self.put_back(work, end, stand)?;
        Some(Way::Left)
    }

    /// Writes the frames that compiled code left to where the interpreter has them.
    fn put_back(&mut self, work: &mut Work<'_>, end: u64, stand: Option<(usize, i64)>) -> Option<()> {
        let (memory, _) = self.store.data().memories?;
        let data = memory.data(&self.store);
        // The innermost comes first, the interpreter wants the outermost first.
        let mut frames = Vec::new();
        let mut place = self.places.log;
        let last = place.saturating_add(end);
        while place < last {
            frames.push(place);
            let function = usize::try_from(read_small(data, place)).ok()?;
            let registers = work.module().functions.get(function)?.registers.len();
            place = place.saturating_add(u64::try_from(registers).ok()?.saturating_add(1).saturating_mul(8));
        }
        let count = frames.len();
        for (nth, place) in frames.into_iter().rev().enumerate() {
            let op = read_small(data, place.saturating_add(4));
            let from = data.get(offset(place).saturating_add(8)..)?.as_chunks::<8>().0;
            for (register, from) in work.registers().iter_mut().zip(from) {
                *register = u64::from_le_bytes(*from);
            }
            if nth.saturating_add(1) < count {
                work.call(op)?;
            } else {
                match stand {
                    Some(stand) => work.stand(stand),
                    None => work.go_to(op, read(data, FUEL).cast_signed()),
                }
            }
        }
        Some(())
    }
}
