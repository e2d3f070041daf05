//! Runs words. It knows registers, the arena and fuel, but no host: what reaches outside is handed back to
//! the driver as a [`Pause`].
//!
//! Each word has a handler, which ends in a call of the next word's. The state of the run travels in the
//! arguments, five values that fit the registers of the machine, so that nothing of it is stored between two
//! words, and the calls take no stack where the compiler makes jumps of them. Rust does not promise that it
//! does. So a chain of them ends after [`CHAIN`] fuel, and then the stack is looked at; where builds are
//! known to make calls (those without optimisation), and where someone watches, every handler comes back to a
//! loop instead ([`chain::Mode`]).
//!
//! For calls to become jumps, no handler may have a local whose address is taken or that is dropped at the
//! end: whatever needs one is in a function of its own that is not inlined.
//!
//! Pure ops pay nothing here: what they cost lies in the constants of the edges (see
//! [`swarm_bytecode::layout`]). An op that settles looks whether the fuel of its region is there before it
//! acts, and an op about to trap does too, so running out always comes before it.

mod acting;
mod chain;
mod flow;
mod fuel;
mod fused;
mod objects;
mod observer;
mod passing;
mod reach;
mod rows;
mod skip;
mod table;
mod values;
mod window;

use std::cell::Cell;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use crate::attached::Attached;
use crate::decode::Code;
use crate::limits::MAX_FUEL;
use crate::machine::{Machine, Pause, WINDOW};
use crate::outside::Outside;
use crate::word::Word;
pub(crate) use acting::{Act, Acting};
use chain::{Chained, Exit, Round, Stepped, Vm};
pub(crate) use observer::{Blind, Observer};
pub(crate) use passing::Passing;
use rows::Rows;
pub(crate) use window::get;
use window::shape;

/// Fuel between two looks at the native stack. Every word costs some, and an op without optimisation of its
/// tail call takes some 200 bytes: that makes at most 1.3 MiB.
const CHAIN: i64 = 4096;

/// By how much the native stack may grow in a chain.
const MOST_GROWTH: usize = 64 << 10;

/// Whether handlers may call each other: not once that was seen to take stack.
static CHAINS: AtomicBool = AtomicBool::new(cfg!(swarm_chained));

/// By how much the native stack has grown in a chain at most.
static GROWTH: AtomicUsize = AtomicUsize::new(0);

/// By how many bytes the native stack has grown at most between two looks at it, over all runs of this
/// process, if handlers call each other; for a test.
pub(crate) fn growth() -> Option<usize> {
    CHAINS.load(Ordering::Relaxed).then(|| GROWTH.load(Ordering::Relaxed))
}

/// Runs until something is up to the driver.
pub(crate) fn interpret<O: Observer>(
    machine: &mut Machine,
    code: &Code,
    attached: &Attached,
    observer: &mut O,
    outside: &mut dyn Outside,
) -> Pause {
    // Nobody asks, but a snapshot holds it.
    machine.seen &= O::WATCHES;
    loop {
        match run(machine, code, attached, observer, outside) {
            Exit::Pause(pause) => return pause,
            Exit::Grow { slots } => {
                machine.stack.resize(slots, 0);
                machine.seen = O::WATCHES;
            }
        }
    }
}

/// Runs until something is up to the driver, or there are too few registers.
#[inline(never)]
fn run<O: Observer>(
    machine: &mut Machine,
    code: &Code,
    attached: &Attached,
    observer: &mut O,
    outside: &mut dyn Outside,
) -> Exit {
    let stack = Cell::from_mut(machine.stack.as_mut_slice()).as_slice_of_cells();
    let window = stack.get(machine.base..).and_then(<[Cell<u64>]>::first_chunk::<WINDOW>);
    let (Some(window), Some(words)) = (window, code.words.get(machine.pc..)) else {
        return Exit::Pause(Pause::Internal);
    };
    // Of the fuel to the mark, what lies behind the next look at the stack.
    let ahead = machine.fuel.saturating_sub(CHAIN).max(0);
    let mut vm = Vm {
        words: &code.words,
        stack,
        code,
        attached,
        rows: Rows::new(attached),
        frames: &mut machine.frames,
        heap: std::mem::take(&mut machine.heap),
        memory: &mut machine.memory,
        metrics: &machine.metrics,
        states: &mut machine.states,
        found: &mut machine.found,
        searched: (0, 0),
        outside,
        base: machine.base,
        function: machine.function,
        registers: shape(code, machine.function).registers,
        depth_limit: machine.depth_limit,
        mark: machine.mark.wrapping_sub(ahead),
        fuel_limit: machine.fuel_limit,
        ahead,
        round: Round::at_start(&code.words),
        rest: words,
        window,
        fuel: machine.fuel.wrapping_sub(ahead),
        pc: machine.pc,
        stack_at: 0,
        masks: None,
        exit: None,
    };
    let exit = loop {
        if O::WATCHES || !CHAINS.load(Ordering::Relaxed) {
            step(&mut vm, observer, &mut machine.seen);
        } else {
            let here = 0_u8;
            let start = std::ptr::from_ref(&here).addr();
            vm.stack_at = start;
            chain::go_on::<Chained>(vm.rest, vm.window, vm.fuel, &mut vm);
            let growth = start.saturating_sub(vm.stack_at);
            if growth > GROWTH.load(Ordering::Relaxed) {
                GROWTH.store(growth, Ordering::Relaxed);
                CHAINS.store(growth <= MOST_GROWTH, Ordering::Relaxed);
            }
        }
        let exit = vm.exit.take();
        if let Some(Exit::Pause(Pause::Short { charge })) = exit
            && vm.ahead == 0
        {
            vm.ahead = next_slice(&mut vm, charge);
        }
        match exit {
            Some(Exit::Pause(Pause::Short { charge })) if vm.ahead > 0 => {
                let more = i64::try_from(charge).unwrap_or(i64::MAX).saturating_add(CHAIN).min(vm.ahead);
                vm.ahead = vm.ahead.wrapping_sub(more);
                vm.mark = vm.mark.wrapping_add(more);
                vm.fuel = vm.fuel.wrapping_add(more);
                vm.rest = code.words.get(vm.pc..).unwrap_or(&[]);
                vm.window = vm.window_at(vm.base).unwrap_or(vm.window);
                machine.seen = O::WATCHES;
            }
            exit => break exit.unwrap_or(Exit::Pause(Pause::Internal)),
        }
    };
    machine.heap = vm.heap;
    machine.pc = vm.pc;
    machine.base = vm.base;
    machine.function = vm.function;
    machine.fuel = vm.fuel.wrapping_add(vm.ahead);
    machine.mark = vm.mark.wrapping_add(vm.ahead);
    exit
}

/// How much fuel more there is where it does not cover the word at hand and this dynamic charge: none if that is up to the
/// driver.
#[cold]
#[inline(never)]
fn next_slice(vm: &mut Vm<'_>, charge: u64) -> i64 {
    let due = i64::from(vm.code.origin(vm.pc).due).saturating_add(charge.min(MAX_FUEL).cast_signed());
    let needed = vm.mark.wrapping_sub(vm.fuel).saturating_add(due);
    if needed > vm.fuel_limit {
        return 0;
    }
    let mark = vm.outside.next_slice(needed, vm.fuel_limit).unwrap_or(vm.mark);
    mark.wrapping_sub(vm.mark)
}

/// Runs word by word.
fn step<'a, O: Observer>(vm: &mut Vm<'a>, observer: &mut O, seen: &mut bool) {
    while vm.exit.is_none() {
        let words = vm.rest;
        let [word, rest @ ..] = words else { return };
        if !O::WATCHES {
            chain::handle::<Stepped>(words, vm.window, vm.fuel, vm);
            continue;
        }
        let pc = vm.words.len().wrapping_sub(vm.rest.len());
        if observer.stops(vm.code, pc) {
            vm.pc = pc;
            vm.exit = Some(Exit::Pause(Pause::Internal));
            return;
        }
        if word.decode().is_some_and(Word::is_fused) {
            vm.rest = rest;
            continue;
        }
        if !std::mem::take(seen) {
            let spent = i64::from(vm.code.origin(pc).spent);
            observer.word(vm.code, pc, vm.mark.wrapping_sub(vm.fuel.wrapping_sub(spent)));
        }
        let depth = vm.frames.len();
        chain::handle::<Stepped>(words, vm.window, vm.fuel, vm);
        if vm.frames.len() > depth {
            observer.enter(vm.code, vm.function, vm.mark.wrapping_sub(vm.fuel));
        }
    }
}
