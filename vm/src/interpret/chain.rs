//! What handlers work with, and how one leads to the next.

use std::cell::Cell;

use swarm_bytecode::trap::{LimitKind, TrapCode};

use super::fuel::covers;
use super::rows::Rows;
use super::skip::Masks;
use super::table;
use crate::attached::Attached;
use crate::decode::Code;
use crate::encoded::Encoded;
use crate::heap::{Data, Heap};
use crate::machine::{Frame, MemoryMeter, Pause, WINDOW};
use crate::metric::MetricState;
use crate::outside::Outside;
use crate::scope::Window;
use crate::slot;

/// Words up to the last of all code.
pub(super) type Words<'a> = &'a [Encoded];

/// Carries out the first of some words, and goes on. The arguments are the words, the registers of the running function, `F` of the
/// fuel rules, and all else.
pub(super) type Handler = for<'a, 'v> fn(Words<'a>, &'a Window, i64, &'v mut Vm<'a>);

/// How a handler goes on.
pub(super) trait Mode: Sized {
    /// By calling the next handler; else by giving control back to a loop.
    const CHAINED: bool;
    /// The handler of each kind of word.
    const HANDLERS: &'static [Handler; 256];
}

/// Each handler calls the next.
pub(super) struct Chained;

impl Mode for Chained {
    const CHAINED: bool = true;
    const HANDLERS: &'static [Handler; 256] = &table::handlers::<Chained>();
}

/// Each handler comes back.
pub(super) struct Stepped;

impl Mode for Stepped {
    const CHAINED: bool = false;
    const HANDLERS: &'static [Handler; 256] = &table::handlers::<Stepped>();
}

/// What a run reaches beside its registers.
pub(super) struct Vm<'a> {
    pub(super) words: Words<'a>,
    pub(super) stack: &'a [Cell<u64>],
    pub(super) code: &'a Code,
    pub(super) attached: &'a Attached,
    pub(super) rows: Rows<'a>,
    pub(super) frames: &'a mut Vec<Frame>,
    /// The machine's, which has it back at the end.
    pub(super) heap: Heap,
    pub(super) memory: &'a mut MemoryMeter,
    pub(super) metrics: &'a [MetricState],
    pub(super) states: &'a mut [u64],
    /// The entry of a map that was found last.
    pub(super) found: &'a mut u32,
    /// The key it was found by, and the key it has: texts of the same bytes may lie in two places.
    pub(super) searched: (u64, u64),
    pub(super) outside: &'a mut dyn Outside,
    pub(super) base: usize,
    pub(super) function: u16,
    pub(super) registers: u8,
    pub(super) depth_limit: usize,
    /// Total fuel used where `F` is 0.
    pub(super) mark: i64,
    pub(super) fuel_limit: i64,
    /// Fuel that is there, but kept back to look at the native stack first.
    pub(super) ahead: i64,
    pub(super) round: Round<'a>,
    /// Between handlers that come back: where to go on.
    pub(super) rest: Words<'a>,
    pub(super) window: &'a Window,
    pub(super) fuel: i64,
    /// The word at which it was left.
    pub(super) pc: usize,
    /// An address on the native stack where a chain ended.
    pub(super) stack_at: usize,
    /// Where a loop over rows has a filter.
    pub(super) masks: Option<Masks<'a>>,
    pub(super) exit: Option<Exit>,
}

/// Where the last round of a loop began.
#[derive(Clone, Copy)]
pub(super) struct Round<'a> {
    /// The number of its first word.
    pub(super) body: u16,
    /// The words from that on.
    pub(super) words: Words<'a>,
    /// The handler of the first of them.
    pub(super) first: Handler,
}

impl<'a> Round<'a> {
    /// One that begins with the first of all words.
    pub(super) fn at_start(words: Words<'a>) -> Self {
        Round { body: 0, words, first: words.first().map_or(mistaken, handler::<Chained>) }
    }
}

/// Why handlers gave control back.
#[derive(Debug, Clone, Copy)]
pub(super) enum Exit {
    Pause(Pause),
    /// The stack has to have so many slots.
    Grow {
        slots: usize,
    },
}

impl<'a> Vm<'a> {
    pub(super) fn data(&self) -> Data<'_> {
        Data { code: self.code, attached: self.attached, heap: &self.heap }
    }

    /// The window that starts at a slot of the stack.
    #[inline(always)]
    pub(super) fn window_at(&self, base: usize) -> Option<&'a Window> {
        self.stack.get(base..).and_then(<[Cell<u64>]>::first_chunk::<WINDOW>)
    }

    /// The place of the word in front of these.
    #[inline(always)]
    pub(super) fn place_before(&self, rest: Words<'a>) -> usize {
        self.words.len().wrapping_sub(rest.len()).wrapping_sub(1)
    }
}

/// Carries out the first of these words.
#[inline(always)]
pub(super) fn handle<'a, M: Mode>(words: Words<'a>, window: &'a Window, fuel: i64, vm: &mut Vm<'a>) {
    match words.first() {
        Some(word) => handler::<M>(word)(words, window, fuel, vm),
        None => internal(fuel, vm),
    }
}

/// What carries out a word.
#[inline(always)]
#[expect(clippy::indexing_slicing, reason = "a u8 is a valid index of 256 handlers")]
pub(super) fn handler<M: Mode>(word: &Encoded) -> Handler {
    M::HANDLERS[usize::from(word.kind())]
}

/// Goes on with the first of these words.
#[inline(always)]
pub(super) fn go_on<'a, M: Mode>(words: Words<'a>, window: &'a Window, fuel: i64, vm: &mut Vm<'a>) {
    if M::CHAINED {
        handle::<M>(words, window, fuel, vm);
    } else {
        (vm.rest, vm.window, vm.fuel) = (words, window, fuel);
    }
}

/// Goes on behind so many words, which are done.
#[inline(always)]
pub(super) fn go_behind<'a, M: Mode>(
    done: usize,
    words: Words<'a>,
    window: &'a Window,
    fuel: i64,
    vm: &mut Vm<'a>,
) {
    match words.get(done..) {
        Some(words) => go_on::<M>(words, window, fuel, vm),
        None => internal(fuel, vm),
    }
}

/// Goes on with the word at a place. That there is one is seen in one look.
#[inline(always)]
pub(super) fn go_to<'a, M: Mode>(pc: u32, window: &'a Window, fuel: i64, vm: &mut Vm<'a>) {
    let at = slot::index(pc);
    match (vm.words.get(at), vm.words.get(at..)) {
        (Some(_), Some(words)) => go_on::<M>(words, window, fuel, vm),
        _ => internal(fuel, vm),
    }
}

/// Gives control back at the word in front of these.
#[inline(always)]
pub(super) fn pause<'a>(rest: Words<'a>, fuel: i64, vm: &mut Vm<'a>, pause: Pause) {
    vm.pc = vm.place_before(rest);
    vm.fuel = fuel;
    vm.exit = Some(Exit::Pause(pause));
}

/// The fuel to the mark does not cover the word in front of these, and this dynamic charge.
#[cold]
#[inline(never)]
pub(super) fn short<'a>(rest: Words<'a>, fuel: i64, vm: &mut Vm<'a>, charge: u64) {
    let here = 0_u8;
    vm.stack_at = std::ptr::from_ref(&here).addr();
    pause(rest, fuel, vm, Pause::Short { charge });
}

/// The first of these words traps, and settles before: out of fuel comes before the trap (rule F6).
#[cold]
#[inline(never)]
pub(super) fn trap<'a>(words: Words<'a>, fuel: i64, vm: &mut Vm<'a>, trap: TrapCode) {
    let [_, rest @ ..] = words else { return internal(fuel, vm) };
    let due = vm.code.origin(vm.place_before(rest)).due;
    if covers(fuel, due) {
        pause(rest, fuel, vm, Pause::Trap(trap));
    } else {
        short(rest, fuel, vm, 0);
    }
}

/// The word in front of these does not fit a limit.
#[cold]
#[inline(never)]
pub(super) fn limit<'a>(rest: Words<'a>, fuel: i64, vm: &mut Vm<'a>, limit: LimitKind) {
    pause(rest, fuel, vm, Pause::Limit(limit));
}

/// Code that is not in order.
#[cold]
#[inline(never)]
pub(super) fn internal(fuel: i64, vm: &mut Vm<'_>) {
    vm.fuel = fuel;
    vm.exit = Some(Exit::Pause(Pause::Internal));
}

/// A handler was given fewer words than it needs, or a word it does not know.
#[cold]
#[inline(never)]
pub(super) fn mistaken<'a>(words: Words<'a>, _: &'a Window, fuel: i64, vm: &mut Vm<'a>) {
    vm.pc = vm.words.len().wrapping_sub(words.len());
    internal(fuel, vm);
}

/// Handlers of words: the fields of each, and what it does. There is always a word behind it, so that one look at how many there are
/// serves both.
macro_rules! handlers {
    (($words:ident, $rest:ident, $window:ident, $fuel:ident, $vm:ident); $($name:ident $fields:tt => $body:block)*) => { $(
        pub(super) fn $name<'a, M: Mode>($words: Words<'a>, $window: &'a Window, $fuel: i64, $vm: &mut Vm<'a>) {
            let [own, _, ..] = $words else { return mistaken($words, $window, $fuel, $vm) };
            let [_, $rest @ ..] = $words else { return mistaken($words, $window, $fuel, $vm) };
            let fields::$name $fields = fields::$name::of(own);
            let _ = $rest;
            $body
        }
    )* };
}
pub(super) use handlers;

/// A word that is there: whoever asks has seen how many there are.
#[inline(always)]
pub(super) fn word_at<'a>(words: Words<'a>, at: usize) -> &'a Encoded {
    const NONE: &Encoded = &Encoded([u8::MAX; 8]);
    words.get(at).unwrap_or(NONE)
}
