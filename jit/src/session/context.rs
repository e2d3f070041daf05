//! A run while compiled code has it: what the helpers do.

use swarm_bytecode::op::Op;
use swarm_vm::tier::{HostCall, Note, OpAt, PassRows, Passing, Stepped, Work};
use wasmtime::{Caller, Val};

use super::{Columns, Handles, Run, Site, Visit};
use crate::Choice;
use crate::balance::Balance;
use crate::layout::{
    FRAME, LEFT, LENGTH, MAX_ARENA, MOST_NOTES, NEAR_BYTES, NEXT, NOTED, PAGE_BITS, Places, SCRATCH, ZEROS,
};

/// Most bytes of columns that are kept.
const MAX_COLUMNS: u64 = 64 << 20;
/// Words copied for nothing before it counts.
const FREE_WORDS: u64 = 1 << 14;

/// A run while compiled code has it.
pub(super) struct Context<'c, 'w> {
    pub(super) work: &'c mut Work<'w>,
    pub(super) places: Places,
    /// Where a helper stopped: the word, and `F` there.
    pub(super) stand: Option<(usize, i64)>,
    /// What frames may take, packed, and what they took before.
    pub(super) limits: (u64, u64),
    /// Fuel that was used when compiled code was entered.
    pub(super) used_before: u64,
    /// Words copied from the arena.
    pub(super) copied: u64,
    /// Words of the arena that memory 1 has.
    pub(super) mirrored: usize,
    pub(super) visit: Visit,
    pub(super) metered: bool,
    /// Whether compiled code may note actions, for them to be carried out a little later.
    pub(super) notes: bool,
    /// Rows that loops may pass over, by number.
    pub(super) filters: &'c [PassRows],
    pub(super) passing: Passing,
    /// Of a run that goes back to the interpreter where compiled code is not worth it.
    pub(super) trial: Option<Trial<'c>>,
}

/// What is known of a program's runs in compiled code, and the fuel that was used when this one began.
#[derive(Clone, Copy)]
pub(super) struct Trial<'c> {
    pub(super) balance: &'c Balance,
    pub(super) begun: u64,
}

impl Trial<'_> {
    /// Slices of fuel between two looks at the clock, until it is found out.
    pub(super) const SLICES: u16 = 8;
}

/// Bytes of frames, of what frames hold.
fn bytes_of(held: i64) -> u64 {
    held.cast_unsigned().wrapping_shr(FRAME.trailing_zeros())
}

pub(super) fn offset(place: u64) -> usize {
    usize::try_from(place).unwrap_or(usize::MAX)
}

pub(super) fn read(data: &[u8], place: u64) -> u64 {
    let bytes = data.get(offset(place)..).and_then(<[u8]>::first_chunk::<8>);
    bytes.map_or(0, |bytes| u64::from_le_bytes(*bytes))
}

pub(super) fn write(data: &mut [u8], place: u64, value: u64) {
    if let Some(bytes) = data.get_mut(offset(place)..).and_then(<[u8]>::first_chunk_mut::<8>) {
        *bytes = value.to_le_bytes();
    }
}

pub(super) fn read_small(data: &[u8], place: u64) -> u32 {
    let bytes = data.get(offset(place)..).and_then(<[u8]>::first_chunk::<4>);
    bytes.map_or(0, |bytes| u32::from_le_bytes(*bytes))
}

/// Writes words one behind the other.
pub(super) fn write_all(data: &mut [u8], place: u64, words: impl Iterator<Item = u64>) {
    let bytes = data.get_mut(offset(place)..).unwrap_or_default();
    for (bytes, word) in bytes.as_chunks_mut::<8>().0.iter_mut().zip(words) {
        *bytes = word.to_le_bytes();
    }
}

impl Context<'_, '_> {
    /// Copies words of the arena to memory 1, from this one on.
    pub(super) fn mirror(
        &mut self,
        store: &mut impl wasmtime::AsContextMut<Data = Handles>,
        from: usize,
    ) -> Option<()> {
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
        let target = arena.data_mut(&mut *store).get_mut(offset(place)..)?;
        target.get_mut(..rest.as_flattened().len())?.copy_from_slice(rest.as_flattened());
        Some(())
    }

    /// Copies what compiled code wrote to the arena.
    pub(super) fn flush(&mut self, store: &mut impl wasmtime::AsContextMut<Data = Handles>) -> Option<()> {
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
                *to = *from;
            }
        }
        Some(())
    }

    /// How many actions compiled code may note from now on: as many as surely nothing stands against.
    pub(super) fn allow(&mut self, store: &mut impl wasmtime::AsContextMut<Data = Handles>) -> Option<()> {
        if !self.notes {
            return Some(());
        }
        let (memory, _) = store.as_context().data().memories?;
        let sites = || (0..self.places.sites).map(|site| self.work.allows(site));
        let least = sites().flatten().min().unwrap_or(0).min(MOST_NOTES);
        let allowed = sites().map(|own| own.map_or(0, |_| least));
        write_all(memory.data_mut(&mut *store), self.places.allowed, allowed);
        Some(())
    }

    /// Makes the calls that compiled code noted, in their order. More may be noted once it is asked how many.
    pub(super) fn carry_over(
        &mut self,
        store: &mut impl wasmtime::AsContextMut<Data = Handles>,
    ) -> Option<()> {
        if !self.notes {
            return Some(());
        }
        let (memory, _) = store.as_context().data().memories?;
        let data = memory.data_mut(&mut *store);
        let count = read(data, NOTED);
        self.visit.calls = self.visit.calls.saturating_add(count);
        write(data, NOTED, 0);
        if count == 0 {
            return Some(());
        }
        let words = data.get(offset(self.places.notes)..)?.as_chunks::<8>().0;
        let notes: &[Note] = words.as_chunks().0.get(..offset(count))?;
        let made = self.work.make_noted(notes);
        if made.is_none() {
            self.work.fail();
        }
        made
    }

    /// What frames may take from now on without asking.
    pub(super) fn calm(&mut self, store: &mut impl wasmtime::AsContextMut<Data = Handles>) -> Option<()> {
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
    fn look(&mut self, caller: &mut Caller<'_, Handles>, due: i64, fuel: i64) -> i64 {
        if fuel == LEFT || fuel >= due {
            return fuel;
        }
        self.try_look(caller, due, fuel).unwrap_or(LEFT)
    }

    #[inline]
    fn host(
        &mut self,
        caller: &mut Caller<'_, Handles>,
        call: Site,
        fuel: (i64, i64),
        arguments: &[u64; HostCall::MOST],
    ) -> i64 {
        self.visit.calls = self.visit.calls.wrapping_add(1);
        if self.notes {
            return self.later_call(caller, call, fuel, arguments).unwrap_or(LEFT);
        }
        let due = call.due();
        match self.work.host_call(call.site(), fuel.0.wrapping_sub(due), bytes_of(fuel.1), arguments) {
            Some(left) if call.is_plain() => left.wrapping_add(due),
            Some(left) => self.called(caller, call, left).unwrap_or(LEFT),
            None => self.other_call(caller, call, fuel, arguments).unwrap_or(LEFT),
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

    fn pass(&mut self, caller: &mut Caller<'_, Handles>, filter: i32, rows: (u64, i64), fields: u64) -> i64 {
        self.try_pass(caller, filter, rows, fields).unwrap_or(0)
    }
}

impl Context<'_, '_> {
    fn try_look(&mut self, caller: &mut Caller<'_, Handles>, due: i64, fuel: i64) -> Option<i64> {
        self.carry_over(caller)?;
        if let Some(Trial { balance, begun }) = self.trial {
            let used = self.work.fuel_used_at(fuel).saturating_sub(begun);
            match balance.choice_with(used, self.visit) {
                Choice::Interpreter => return None,
                Choice::Compiled => self.work.look_after(u16::MAX),
                Choice::Open => {}
            }
        }
        let fuel = self.work.look(due, fuel)?;
        self.allow(caller)?;
        Some(fuel)
    }

    fn try_step(
        &mut self,
        caller: &mut Caller<'_, Handles>,
        op: OpAt,
        (fuel, held): (i64, i64),
        changes: bool,
    ) -> Option<i64> {
        let (memory, _) = caller.data().memories?;
        self.carry_over(caller)?;
        self.flush(caller)?;
        let operands = memory.data(&*caller).get(offset(SCRATCH)..)?.as_chunks::<8>().0;
        for (slot, operand) in self.work.scratch().iter_mut().zip(operands) {
            *slot = u64::from_le_bytes(*operand);
        }
        let before = self.work.arena().len();
        let stepped = self.work.step(op, fuel, bytes_of(held));
        let results = self.work.scratch().iter().copied();
        write_all(memory.data_mut(&mut *caller), SCRATCH, results.take(256));
        let copied = self.mirror(caller, if changes { 0 } else { before });
        self.calm(caller)?;
        self.allow(caller)?;
        let Stepped::To(next, fuel) = stepped else {
            self.stand = Some(self.work.stand_point());
            return Some(LEFT);
        };
        write(memory.data_mut(&mut *caller), NEXT, u64::from(next.op));
        let spent = self.work.fuel_used().saturating_sub(self.used_before);
        let too_much = self.metered && self.copied > FREE_WORDS.saturating_add(spent.saturating_mul(4));
        if copied.is_none() || too_much {
            // More is copied than done, or than there is room for: the interpreter copies nothing.
            self.stand = Some(self.work.stand_point());
            return Some(LEFT);
        }
        Some(fuel)
    }

    /// A host call where compiled code may have noted others, which come before it.
    #[inline(never)]
    fn later_call(
        &mut self,
        caller: &mut Caller<'_, Handles>,
        call: Site,
        fuel: (i64, i64),
        arguments: &[u64; HostCall::MOST],
    ) -> Option<i64> {
        self.carry_over(caller)?;
        let left = fuel.0.wrapping_sub(call.due());
        let made = self.work.host_call(call.site(), left, bytes_of(fuel.1), arguments);
        self.allow(caller)?;
        match made {
            Some(left) => self.called(caller, call, left),
            None => self.other_call(caller, call, fuel, arguments),
        }
    }

    /// Behind a host call that was made.
    fn called(&mut self, caller: &mut Caller<'_, Handles>, call: Site, left: i64) -> Option<i64> {
        if let Some(result) = call.tried() {
            let (memory, _) = caller.data().memories?;
            let place = SCRATCH.saturating_add(result.saturating_mul(8));
            write(memory.data_mut(&mut *caller), place, 1);
        }
        if self.places.calls {
            self.calm(caller)?;
        }
        Some(left.wrapping_add(call.due()))
    }

    /// A host call that cannot be made in place.
    #[cold]
    fn other_call(
        &mut self,
        caller: &mut Caller<'_, Handles>,
        call: Site,
        fuel: (i64, i64),
        arguments: &[u64; HostCall::MOST],
    ) -> Option<i64> {
        if self.work.is_paused() {
            self.stand = Some(self.work.stand_point());
            return None;
        }
        let (memory, _) = caller.data().memories?;
        let op = self.work.program().op_of(call.site())?;
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
            write(data, place, *argument);
        }
        self.try_step(caller, op, fuel, true)
    }

    /// Passes over rows for which no condition of a filter holds, in the registers as they lie in memory, and
    /// puts the fields of the rows behind them where compiled code reads them.
    fn try_pass(
        &mut self,
        caller: &mut Caller<'_, Handles>,
        filter: i32,
        (row, most): (u64, i64),
        fields: u64,
    ) -> Option<i64> {
        let filter = self.filters.get(usize::try_from(filter).ok()?)?;
        let (memory, _) = caller.data().memories?;
        let data = memory.data_mut(caller);
        let place = |register: u8| SCRATCH.saturating_add(u64::from(register).saturating_mul(8));
        let rows = (row, usize::try_from(most).unwrap_or(0));
        let other = |register| read(data, place(register));
        let (passed, wait) = self.work.pass_rows(&mut self.passing, filter.number, rows, other);
        let passed = u32::try_from(passed).ok()?;
        let next = row.saturating_add(passed.into());
        self.visit.helpers = self.visit.helpers.saturating_add(1);
        let fuel = filter.cost.cast_unsigned().saturating_mul(passed.into());
        self.visit.passed = self.visit.passed.saturating_add(fuel);
        if passed > 0 {
            for (field, register) in &filter.loaded {
                write(data, place(*register), self.work.field(next.saturating_sub(1), *field));
            }
            filter.results.iter().for_each(|register| write(data, place(*register), 0));
            let index = read(data, place(filter.index)).saturating_add(passed.into());
            write(data, place(filter.index), index);
            write(data, place(filter.item), next);
        }
        let (first, count) =
            (usize::try_from(next & u64::from(u32::MAX)).ok()?, u64::from(wait).saturating_add(1));
        let (mut rest, mut place) = (fields, self.places.near);
        while let Ok(field @ 0..64) = u8::try_from(rest.trailing_zeros()) {
            match self.work.words(row, field).and_then(|words| words.get(first..)) {
                Some(words) => {
                    write_all(data, place, words.iter().copied().take(usize::try_from(count).ok()?));
                }
                None => {
                    let rows = next..next.saturating_add(count);
                    write_all(data, place, rows.map(|row| self.work.field(row, field)));
                }
            }
            rest &= rest.wrapping_sub(1);
            place = place.saturating_add(NEAR_BYTES);
        }
        Some(i64::from(wait).wrapping_shl(32) | i64::from(passed))
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
        let data = memory.data_mut(caller);
        match self.work.words(item & (u64::from(u32::MAX) << 32), field) {
            Some(words) => write_all(data, start, words.iter().copied()),
            None => write_all(data, start, self.work.column(view, field)),
        }
        Some(address)
    }
}
