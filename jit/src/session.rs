//! A compiled program with its memories, and the helpers it calls.
//!
//! The arena of the run is copied to memory 1 when compiled code is entered, and what either side wrote is
//! copied over whenever the other is about to read it: pages that compiled code marked before a helper looks,
//! what the helper added or may have changed behind it.

mod context;

use std::sync::Arc;

use scoped_tls_hkt::scoped_thread_local;
use swarm_vm::tier::{Given, HostCall, OpAt, PassRows, Passing, Work};
use wasmtime::{Caller, Global, Instance, Linker, Memory, Store, TypedFunc, Val};

use context::{Context, Trial, offset, read, read_small, write_all};

use crate::Compiled;
use crate::balance::Balance;
use crate::layout::{FUEL, LEAVES, LEFT, Places, REGISTERS, VALUE};

/// What helpers reach of the run, which is not the store's to keep.
pub(crate) trait Run {
    fn look(&mut self, caller: &mut Caller<'_, Handles>, due: i64, fuel: i64) -> i64;
    fn host(
        &mut self,
        caller: &mut Caller<'_, Handles>,
        call: Site,
        fuel: (i64, i64),
        arguments: &[u64; HostCall::MOST],
    ) -> i64;
    fn step(&mut self, caller: &mut Caller<'_, Handles>, op: OpAt, fuel: (i64, i64), changes: bool) -> i64;
    fn rise(&mut self, caller: &mut Caller<'_, Handles>, held: i64) -> i32;
    fn walk(&mut self, caller: &mut Caller<'_, Handles>, list: i64) -> i64;
    fn column(&mut self, caller: &mut Caller<'_, Handles>, item: i64, field: i32) -> i32;
    fn pass(&mut self, caller: &mut Caller<'_, Handles>, filter: i32, rows: (u64, i64), fields: u64) -> i64;
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
    filters: Arc<[PassRows]>,
    metered: bool,
}

/// What a run of compiled code cost beside what it did.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Visit {
    /// How often it was entered.
    pub(crate) entries: u64,
    /// How often it called a helper that acts for it.
    pub(crate) helpers: u64,
    /// How often it called its host.
    pub(crate) calls: u64,
    /// Fuel of rows that the interpreter's own filter passed over, which is nothing that compiled code does
    /// better.
    pub(crate) passed: u64,
}

/// A host call as compiled code names it: site, static cost, the register that is TRUE behind it and 1, and
/// whether frames ask for what it leaves of memory.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Site(i64);

impl Site {
    pub(crate) fn new(call: HostCall, calls: bool) -> Site {
        let tried = call.tried.map_or(0, |register| i64::from(register).wrapping_add(1));
        let cost = i64::from(call.due).wrapping_shl(32);
        Site(i64::from(call.site) | cost | tried.wrapping_shl(48) | i64::from(calls).wrapping_shl(60))
    }

    pub(crate) fn pack(self) -> i64 {
        self.0
    }

    fn site(self) -> u32 {
        let [a, b, c, d, ..] = self.0.to_le_bytes();
        u32::from_le_bytes([a, b, c, d])
    }

    fn due(self) -> i64 {
        self.0.wrapping_shr(32) & i64::from(u16::MAX)
    }

    /// Whether there is nothing to do behind the call.
    fn is_plain(self) -> bool {
        self.0.wrapping_shr(48) == 0
    }

    fn tried(self) -> Option<u64> {
        let tried = self.0.wrapping_shr(48) & 0xfff;
        u64::try_from(tried).ok()?.checked_sub(1)
    }
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
    linker.func_wrap("swarm", "look", |mut caller: Own<'_>, due: i64, fuel: i64| {
        helper(|run| run.look(&mut caller, due, fuel))
    })?;
    linker.func_wrap(
        "swarm",
        "host",
        |mut caller: Own<'_>, call: i64, fuel: i64, held: i64, a: i64, b: i64| {
            let arguments = [a.cast_unsigned(), b.cast_unsigned(), 0, 0];
            helper(|run| run.host(&mut caller, Site(call), (fuel, held), &arguments))
        },
    )?;
    linker.func_wrap(
        "swarm",
        "host_long",
        |mut caller: Own<'_>, call: i64, fuel: i64, held: i64, a: i64, b: i64, c: i64, d: i64| {
            let arguments = [a, b, c, d].map(i64::cast_unsigned);
            helper(|run| run.host(&mut caller, Site(call), (fuel, held), &arguments))
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
    linker.func_wrap(
        "swarm",
        "pass",
        |mut caller: Own<'_>, filter: i32, item: i64, most: i64, fields: i64| {
            let rows = (item.cast_unsigned(), most);
            helper(|run| run.pass(&mut caller, filter, rows, fields.cast_unsigned()))
        },
    )?;
    Ok(())
}

impl Session {
    pub(crate) fn new(
        linker: &Linker<Handles>,
        compiled: &Compiled,
        functions: usize,
        metered: bool,
    ) -> wasmtime::Result<Session> {
        let Compiled { module, places, filters } = compiled;
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
        Ok(Session { store, entries, places: *places, filters: Arc::clone(filters), metered })
    }

    /// Runs compiled code from where the work stands, and from where it comes to, until the interpreter has
    /// to go on. With a balance it is weighed now and then whether that is worth it.
    pub(crate) fn run(
        &mut self,
        work: &mut Work<'_>,
        balance: Option<&Balance>,
        enters: impl Fn(OpAt) -> Option<i32>,
    ) -> Visit {
        let filters = Arc::clone(&self.filters);
        let trial = balance.map(|balance| Trial { balance, begun: work.fuel_used() });
        if trial.is_some() {
            work.look_after(Trial::SLICES);
        }
        let mut context = Context {
            work,
            metered: self.metered,
            notes: false,
            filters: &filters,
            passing: Passing::default(),
            places: self.places,
            stand: None,
            limits: (0, 0),
            used_before: 0,
            copied: 0,
            mirrored: 0,
            visit: Visit::default(),
            trial,
        };
        if self.begin(&mut context).is_none() {
            return context.visit;
        }
        while !context.work.is_paused() {
            let at = context.work.at().and_then(|op| Some((op, enters(op)?)));
            let Some((op, at)) = at.filter(|_| !context.work.only_calls()) else { break };
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
        context::write(data, LEAVES, u64::from(!context.work.holds()));
        context.notes =
            !self.places.calls && (0..self.places.sites).any(|site| context.work.allows(site).is_some());
        if !context.notes {
            write_all(data, self.places.allowed, (0..self.places.sites).map(|_| 0));
        }
        context.mirror(&mut self.store, 0)
    }

    fn enter(&mut self, context: &mut Context<'_, '_>, op: OpAt, at: i32) -> Option<Way> {
        let entry = self.entries.get(usize::from(op.function))?.clone();
        // Without a meter no helper finds that there is too little.
        let fuel = if self.metered { context.work.fuel() } else { i64::MAX >> 2 };
        let (memory, _) = self.store.data().memories?;
        let top = self.store.data().top?;
        let data = memory.data_mut(&mut self.store);
        write_all(data, REGISTERS, context.work.registers().iter().copied());
        top.set(&mut self.store, Val::I32(0)).ok()?;
        (context.used_before, context.copied) = (context.work.fuel_used(), 0);
        context.calm(&mut self.store)?;
        context.allow(&mut self.store)?;
        let store = &mut self.store;
        let came = RUN.set(&mut *context, || entry.call(&mut *store, (at, fuel, 0)));
        let (Ok(came), Some(())) = (came, context.carry_over(&mut self.store)) else {
            context.work.fail();
            return None;
        };
        context.flush(&mut self.store)?;
        let (work, stand) = (&mut *context.work, context.stand);
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
