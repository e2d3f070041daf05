//! Words that go elsewhere: jumps, loops, calls, and what leaves the interpreter.
#![expect(non_snake_case, reason = "a handler is named as its word")]

use swarm_bytecode::cost;

use super::chain::{
    Exit, Mode, Round, Vm, Words, go_behind, go_on, go_to, handler, handlers, internal, limit, mistaken,
    pause, short, word_at,
};
use super::fuel::{covers, covers_all, give, owes, take};
use super::window::{clear, copy, few, get, set, word as int};
use crate::decode::CallSite;
use crate::machine::{Frame, Pause, WINDOW, check_depth};
use crate::outside::Reply;
use crate::scope::Window;
use crate::slot;
use crate::word::fields;

handlers! {
    (words, rest, window, fuel, vm);

    If { condition, credit, otherwise } => {
        if get(window, condition) == 0 {
            return go_to::<M>(otherwise, window, give(fuel, credit), vm);
        }
        go_on::<M>(rest, window, fuel, vm);
    }
    Jump { credit, target } => { go_to::<M>(target, window, give(fuel, credit), vm); }
    Loop { due } => {
        let left = take(fuel, due);
        if owes(left) {
            return unpaid(rest, left, vm, due);
        }
        go_on::<M>(rest, window, left, vm);
    }
    Repeat { due, target } => {
        let left = take(fuel, due);
        if owes(left) {
            return unpaid(rest, left, vm, due);
        }
        go_to::<M>(target, window, left, vm);
    }
    ForEach { item, index, list, due } => {
        if !covers(fuel, due) {
            return short(rest, fuel, vm, 0);
        }
        match vm.data().item(get(window, list), 0) {
            Some(value) => {
                set(window, item, value);
                set(window, index, 0);
                into::<M>(rest, window, take(fuel, due), vm);
            }
            None => past::<M>(rest, window, fuel, vm),
        }
    }
    NextItem { item, index, list, due, body } => {
        let left = take(fuel, due);
        if owes(left) {
            return unpaid(rest, left, vm, due);
        }
        let at = get(window, index).wrapping_add(1);
        match vm.rows.row(get(window, list), at) {
            Some(row) => {
                set(window, item, row);
                set(window, index, at);
                again::<M>(body, window, left, vm);
            }
            None => own_round::<M>(words, window, left, vm),
        }
    }
    NextItemBool { item, index, list, due, body } => {
        let left = take(fuel, due);
        if owes(left) {
            return unpaid(rest, left, vm, due);
        }
        let at = get(window, index).wrapping_add(1);
        match vm.heap.bool_item(get(window, list), at) {
            Some(value) => {
                set(window, item, value);
                set(window, index, at);
                again::<M>(body, window, left, vm);
            }
            None => far_bool::<M>(words, window, left, vm),
        }
    }
    Range { item, first, last, due } => {
        if !covers(fuel, due) {
            return short(rest, fuel, vm, 0);
        }
        let value = int(window, first);
        if value <= int(window, last) {
            set(window, item, value.cast_unsigned());
            return into::<M>(rest, window, take(fuel, due), vm);
        }
        past::<M>(rest, window, fuel, vm);
    }
    NextInRange { due, .. } => {
        let left = take(fuel, due);
        if owes(left) {
            return unpaid(rest, left, vm, due);
        }
        next_in_range::<M, 0>(words, window, left, vm);
    }
    FarItem { item, index, list, due } => {
        let left = take(fuel, due);
        if owes(left) {
            return unpaid(rest, left, vm, due);
        }
        any_round::<M>([item, index, list], due, words, window, left, vm, any_item);
    }
    FarItemBool { item, index, list, due } => {
        let left = take(fuel, due);
        if owes(left) {
            return unpaid(rest, left, vm, due);
        }
        any_round::<M>([item, index, list], due, words, window, left, vm, any_bool);
    }
    FarInRange { item, last, due } => {
        let left = take(fuel, due);
        if owes(left) {
            return unpaid(rest, left, vm, due);
        }
        let value = int(window, item);
        if value < int(window, last) {
            set(window, item, value.wrapping_add(1).cast_unsigned());
            return to_target::<M>(words, window, left, vm);
        }
        leave::<M>(words, window, left, vm, due);
    }
    NextEntry { key, value, index, map, due } => {
        let left = take(fuel, due);
        if owes(left) {
            return unpaid(rest, left, vm, due);
        }
        let at = get(window, index).wrapping_add(1);
        match u32::try_from(at).ok().and_then(|at| vm.data().entry(get(window, map), at)) {
            Some((own, held)) => {
                set(window, key, own);
                set(window, value, held);
                set(window, index, at);
                to_target::<M>(words, window, left, vm);
            }
            None => leave::<M>(words, window, left, vm, due),
        }
    }

    Call { result, due, site } => {
        let left = take(fuel, due);
        if !owes(left)
            && let Some((call, callees)) = usual(site, window, vm)
        {
            return enter::<M>(call, call.callee.start, callees, (result, due), rest, left, vm);
        }
        any_call::<M>(words, window, left, vm);
    }
    QuickCall { asked, answer, how, constant, own } => {
        if !how.holds(int(window, asked), i64::from(constant)) {
            return call_behind::<M>(i64::from(constant), rest, window, fuel, vm);
        }
        if let [_, call, ..] = rest
            && let fields::Call { result, due, site } = fields::Call::of(call)
            && covers_all(fuel, i64::from(due).wrapping_add(i64::from(own)))
            && let Some(call) = vm.code.calls.get(slot::index(site))
            && check_depth(vm.frames, vm.depth_limit, above(vm)).is_ok()
            && let Some(used) = vm.memory.with(u64::from(call.callee.bytes))
        {
            vm.memory.before = vm.memory.before.max(used);
            let value = if how.is_literal() { u64::from(answer) } else { get(window, answer) };
            set(window, result, value);
            return go_behind::<M>(2, rest, window, take(fuel, own), vm);
        }
        go_behind::<M>(1, rest, window, fuel, vm);
    }
    Return { due } => {
        let left = take(fuel, due);
        if owes(left) {
            return unpaid(rest, left, vm, due);
        }
        vm.memory.give_back(cost::frame_bytes(u64::from(vm.registers)));
        let Some(frame) = vm.frames.pop() else { return pause(rest, left, vm, Pause::Finished(None)) };
        if frame.quote {
            return quoted(left, vm, frame, 0);
        }
        to_caller::<M>(frame, None, left, vm);
    }
    ReturnValue { value, due } => {
        let left = take(fuel, due);
        if owes(left) {
            return unpaid(rest, left, vm, due);
        }
        let value = get(window, value);
        vm.memory.give_back(cost::frame_bytes(u64::from(vm.registers)));
        let Some(frame) = vm.frames.pop() else { return pause(rest, left, vm, Pause::Finished(Some(value))) };
        if frame.quote {
            return quoted(left, vm, frame, value);
        }
        to_caller::<M>(frame, Some(value), left, vm);
    }
    Stop { reason, due } => {
        if !covers(fuel, due) {
            return short(rest, fuel, vm, 0);
        }
        pause(rest, fuel, vm, Pause::Stopped(get(window, reason)));
    }
    Fail { reason, due } => {
        if !covers(fuel, due) {
            return short(rest, fuel, vm, 0);
        }
        pause(rest, fuel, vm, Pause::Failed(get(window, reason)));
    }
    Settle { due } => {
        if !covers(fuel, due) {
            return short(rest, fuel, vm, 0);
        }
        go_on::<M>(rest, window, fuel, vm);
    }

    Host { result: _, due, site } => {
        let left = fuel.wrapping_sub(i64::from(due)).wrapping_add(vm.ahead);
        match vm.outside.host_call(site, left, window, &mut vm.heap, vm.memory) {
            Reply::Done { charge } => go_on::<M>(rest, window, fuel.wrapping_sub(charge), vm),
            reply => replied(rest, fuel, vm, reply),
        }
    }
    TryHost { result, due, site } => {
        let left = fuel.wrapping_sub(i64::from(due)).wrapping_add(vm.ahead);
        match vm.outside.host_call(site, left, window, &mut vm.heap, vm.memory) {
            Reply::Done { charge } => {
                set(window, result, 1);
                go_on::<M>(rest, window, fuel.wrapping_sub(charge), vm);
            }
            reply => {
                if matches!(reply, Reply::Look { .. }) {
                    set(window, result, 1);
                }
                replied(rest, fuel, vm, reply);
            }
        }
    }
}

/// Any call, which is paid for even if there was not enough.
#[inline(never)]
fn any_call<'a, M: Mode>(words: Words<'a>, window: &'a Window, left: i64, vm: &mut Vm<'a>) {
    let [own, rest @ ..] = words else { return mistaken(words, window, left, vm) };
    let fields::Call { result, due, site } = fields::Call::of(own);
    let fuel = give(left, due);
    if owes(left) {
        return short(rest, fuel, vm, 0);
    }
    let Some(call) = vm.code.calls.get(slot::index(site)) else { return internal(fuel, vm) };
    let above = above(vm);
    if let Err(kind) = check_depth(vm.frames, vm.depth_limit, above) {
        return limit(rest, fuel, vm, kind);
    }
    let Some(callees) = vm.window_at(above) else { return grow(rest, fuel, vm, above) };
    if let Err(kind) = vm.memory.take(u64::from(call.callee.bytes)) {
        return limit(rest, fuel, vm, kind);
    }
    clear(callees, call.callee.registers);
    copy(window, callees, vm.code.call_arguments(*call));
    vm.frames.reserve(1);
    enter::<M>(call, call.callee.start, callees, (result, due), rest, left, vm);
}

/// A call whose callee is known not to return at once: the usual one begins behind that question, with the constant it
/// asked with in its register.
#[inline(always)]
fn call_behind<'a, M: Mode>(constant: i64, rest: Words<'a>, window: &'a Window, fuel: i64, vm: &mut Vm<'a>) {
    if let [asked, call, behind @ ..] = rest
        && let fields::Call { result, due, site } = fields::Call::of(call)
        && covers(fuel, due)
        && let Some((site, callees)) = usual(site, window, vm)
    {
        let fields::Asked { held, credit, otherwise } = fields::Asked::of(asked);
        set(callees, held, constant.cast_unsigned());
        let fuel = give(take(fuel, due), credit);
        return enter::<M>(site, otherwise, callees, (result, due), behind, fuel, vm);
    }
    go_behind::<M>(1, rest, window, fuel, vm);
}

/// The usual call, of few registers and one argument, where there is room for all it takes: with the callee's window,
/// which has the argument. Its memory is taken.
#[inline(always)]
fn usual<'a>(site: u32, window: &Window, vm: &mut Vm<'a>) -> Option<(&'a CallSite, &'a Window)> {
    let call = vm.code.calls.get(slot::index(site))?;
    let register = call.only?;
    let callees = vm.window_at(above(vm)).filter(|callees| few(callees, call.callee.registers))?;
    if vm.frames.len() >= vm.frames.capacity() {
        return None;
    }
    check_depth(vm.frames, vm.depth_limit, above(vm)).ok()?;
    vm.memory.used = vm.memory.with(u64::from(call.callee.bytes))?;
    set(callees, 0, get(window, register));
    Some((call, callees))
}

/// Where the window of a callee starts.
#[inline(always)]
fn above(vm: &Vm<'_>) -> usize {
    vm.base.wrapping_add(usize::from(vm.registers))
}

/// Begins the callee of a call that is paid for, at a place of it; where its result goes, and `due`.
#[inline(always)]
fn enter<'a, M: Mode>(
    call: &CallSite,
    at: u32,
    callees: &'a Window,
    (result, due): (u8, u16),
    rest: Words<'a>,
    fuel: i64,
    vm: &mut Vm<'a>,
) {
    let pc = vm.place_before(rest).wrapping_add(1);
    let (base, registers, function) = (vm.base, vm.registers, vm.function);
    // There is room for it, so that nothing is called here.
    if vm.frames.len() < vm.frames.capacity() {
        vm.frames.push(Frame { pc, base, registers, function, credit: due, result, quote: false });
    }
    (vm.base, vm.function, vm.registers) = (above(vm), call.function, call.callee.registers);
    go_to::<M>(at, callees, fuel, vm);
}

/// A round of a loop over a list of the arena, which is paid for.
#[inline(never)]
fn own_round<'a, M: Mode>(words: Words<'a>, window: &'a Window, left: i64, vm: &mut Vm<'a>) {
    let [own, ..] = words else { return mistaken(words, window, left, vm) };
    let fields::NextItem { item, index, list, body, .. } = fields::NextItem::of(own);
    let at = get(window, index).wrapping_add(1);
    match vm.heap.item(get(window, list), at) {
        Some(value) => {
            set(window, item, value);
            set(window, index, at);
            again::<M>(body, window, left, vm);
        }
        None => far_round::<M>(words, window, left, vm),
    }
}

/// A round of a loop over another list than the last one, or the end of a loop.
#[inline(never)]
fn far_round<'a, M: Mode>(words: Words<'a>, window: &'a Window, left: i64, vm: &mut Vm<'a>) {
    let [own, ..] = words else { return mistaken(words, window, left, vm) };
    let fields::NextItem { item, index, list, due, .. } = fields::NextItem::of(own);
    any_round::<M>([item, index, list], due, words, window, left, vm, any_item);
}

/// A round of a loop over a list of bools that does not lie in the arena, or the end of a loop.
#[inline(never)]
fn far_bool<'a, M: Mode>(words: Words<'a>, window: &'a Window, left: i64, vm: &mut Vm<'a>) {
    let [own, ..] = words else { return mistaken(words, window, left, vm) };
    let fields::NextItemBool { item, index, list, due, .. } = fields::NextItemBool::of(own);
    any_round::<M>([item, index, list], due, words, window, left, vm, any_bool);
}

/// A round of a loop over any list, or its end: the registers of the item, its index and the list, and how an item is found.
#[inline(always)]
fn any_round<'a, M: Mode>(
    [item, index, list]: [u8; 3],
    due: u16,
    words: Words<'a>,
    window: &'a Window,
    left: i64,
    vm: &mut Vm<'a>,
    find: impl FnOnce(&mut Vm<'a>, u64, u64) -> Option<u64>,
) {
    let at = get(window, index).wrapping_add(1);
    match find(vm, get(window, list), at) {
        Some(value) => {
            set(window, item, value);
            set(window, index, at);
            to_target::<M>(words, window, left, vm);
        }
        None => leave::<M>(words, window, left, vm, due),
    }
}

/// An item of any list.
#[inline(always)]
fn any_item(vm: &mut Vm<'_>, list: u64, at: u64) -> Option<u64> {
    vm.rows.item(&vm.heap, list, at)
}

/// An item of any list of bools.
#[inline(always)]
fn any_bool(vm: &mut Vm<'_>, list: u64, at: u64) -> Option<u64> {
    u32::try_from(at).ok().and_then(|at| vm.data().item(list, at))
}

/// The fuel does not cover the region up to the word in front of these, which was paid all the same.
#[cold]
#[inline(never)]
fn unpaid<'a>(rest: Words<'a>, left: i64, vm: &mut Vm<'a>, due: u16) {
    short(rest, give(left, due), vm, 0);
}

/// A word that is up to the driver.
pub(super) fn effect<'a, M: Mode>(words: Words<'a>, window: &'a Window, fuel: i64, vm: &mut Vm<'a>) {
    let [_, rest @ ..] = words else { return mistaken(words, window, fuel, vm) };
    pause(rest, fuel, vm, Pause::Effect);
}

/// A word that belongs to another.
pub(super) fn part<'a, M: Mode>(_: Words<'a>, _: &'a Window, fuel: i64, vm: &mut Vm<'a>) {
    internal(fuel, vm);
}

/// The body of a loop, behind its target.
#[inline(always)]
fn into<'a, M: Mode>(rest: Words<'a>, window: &'a Window, fuel: i64, vm: &mut Vm<'a>) {
    go_behind::<M>(1, rest, window, fuel, vm);
}

/// Where a loop with nothing to do goes on.
#[inline(always)]
fn past<'a, M: Mode>(rest: Words<'a>, window: &'a Window, fuel: i64, vm: &mut Vm<'a>) {
    match rest.first().map(fields::Target::of) {
        Some(fields::Target { credit, target }) => go_to::<M>(target, window, give(fuel, credit), vm),
        None => internal(fuel, vm),
    }
}

/// To the target behind the first of these words.
#[inline(always)]
fn to_target<'a, M: Mode>(words: Words<'a>, window: &'a Window, fuel: i64, vm: &mut Vm<'a>) {
    match words.get(1) {
        Some(word) => go_to::<M>(fields::Target::target(word), window, fuel, vm),
        None => internal(fuel, vm),
    }
}

/// On behind a loop that ends with the first of these words: the round that was paid for is not there. Rare, and by itself it
/// computes the fuel anew, so that handlers need not keep it.
#[inline(never)]
fn leave<'a, M: Mode>(words: Words<'a>, window: &'a Window, left: i64, vm: &mut Vm<'a>, due: u16) {
    behind::<M, 0>(words, window, give(left, due), vm);
}

/// Behind the target of a loop's end `AT` these words.
#[inline(always)]
fn behind<'a, M: Mode, const AT: usize>(words: Words<'a>, window: &'a Window, fuel: i64, vm: &mut Vm<'a>) {
    match words.get(AT.wrapping_add(1)..) {
        Some([word, after @ ..]) => {
            go_on::<M>(after, window, give(fuel, fields::Target::credit(word)), vm);
        }
        _ => internal(fuel, vm),
    }
}

/// Back to the first word of a loop's body, whose number is this. It is mostly the one of the last round, and a comparison is foreseen:
/// nothing of the next round waits for the number to be read.
#[inline(always)]
fn again<'a, M: Mode>(body: u16, window: &'a Window, fuel: i64, vm: &mut Vm<'a>) {
    let Round { body: last, words, first } = vm.round;
    if M::CHAINED && body == last {
        return first(words, window, fuel, vm);
    }
    another::<M>(body, window, fuel, vm);
}

/// The same of another loop than that of the last round.
#[inline(never)]
fn another<'a, M: Mode>(body: u16, window: &'a Window, fuel: i64, vm: &mut Vm<'a>) {
    match vm.words.get(usize::from(body)..) {
        Some(words @ [word, ..]) => {
            vm.round = Round { body, words, first: handler::<M>(word) };
            go_on::<M>(words, window, fuel, vm);
        }
        _ => internal(fuel, vm),
    }
}

/// The end of a round of a range, a [`fields::NextInRange`] `AT` these words, which is paid for.
#[inline(always)]
pub(super) fn next_in_range<'a, M: Mode, const AT: usize>(
    words: Words<'a>,
    window: &'a Window,
    left: i64,
    vm: &mut Vm<'a>,
) {
    let end = word_at(words, AT);
    let item = fields::NextInRange::item(end);
    let value = int(window, item);
    if value < int(window, fields::NextInRange::last(end)) {
        set(window, item, value.wrapping_add(1).cast_unsigned());
        return again::<M>(fields::NextInRange::body(end), window, left, vm);
    }
    leave_range::<M, AT>(words, window, left, vm);
}

/// On behind a range, whose last round was the one that ends `AT` these words.
#[inline(never)]
fn leave_range<'a, M: Mode, const AT: usize>(
    words: Words<'a>,
    window: &'a Window,
    left: i64,
    vm: &mut Vm<'a>,
) {
    match words.get(AT) {
        Some(word) => behind::<M, AT>(words, window, give(left, fields::NextInRange::due(word)), vm),
        None => internal(left, vm),
    }
}

/// Goes back to the caller.
#[inline(always)]
fn to_caller<'a, M: Mode>(frame: Frame, value: Option<u64>, fuel: i64, vm: &mut Vm<'a>) {
    (vm.base, vm.registers, vm.function) = (frame.base, frame.registers, frame.function);
    let (Some(window), Some(words)) = (vm.window_at(frame.base), vm.words.get(frame.pc..)) else {
        return internal(fuel, vm);
    };
    if let Some(value) = value {
        set(window, frame.result, value);
    }
    go_on::<M>(words, window, give(fuel, frame.credit), vm);
}

/// A function that computes what a host call costs has returned.
#[cold]
#[inline(never)]
fn quoted(fuel: i64, vm: &mut Vm<'_>, frame: Frame, value: u64) {
    (vm.base, vm.registers, vm.function) = (frame.base, frame.registers, frame.function);
    vm.pc = frame.pc;
    vm.fuel = give(fuel, frame.credit);
    vm.exit = Some(Exit::Pause(Pause::Quoted(value)));
}

/// The stack has no room for a window there.
#[cold]
#[inline(never)]
fn grow<'a>(rest: Words<'a>, fuel: i64, vm: &mut Vm<'a>, above: usize) {
    vm.pc = vm.place_before(rest);
    vm.fuel = fuel;
    // Twice as many, so that this does not happen at each call.
    vm.exit = Some(Exit::Grow { slots: above.saturating_mul(2).saturating_add(WINDOW) });
}

/// A host call that is not over, or is and there is no time left.
#[cold]
#[inline(never)]
pub(super) fn replied<'a>(rest: Words<'a>, fuel: i64, vm: &mut Vm<'a>, reply: Reply) {
    match reply {
        Reply::Done { charge } | Reply::Look { charge } => {
            pause(rest, fuel.wrapping_sub(charge), vm, Pause::Look);
            vm.pc = vm.pc.wrapping_add(1);
        }
        Reply::Answered { charge } => pause(rest, fuel.wrapping_sub(charge), vm, Pause::Answered),
        Reply::Declined => pause(rest, fuel, vm, Pause::Effect),
    }
}
