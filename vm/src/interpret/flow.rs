//! Words that go elsewhere: jumps, loops, calls, and what leaves the interpreter.
#![expect(non_snake_case, reason = "a handler is named as its word")]

use swarm_bytecode::cost;

use super::chain::{
    Exit, Mode, Rest, Vm, go_behind, go_on, go_to, handlers, internal, limit, mistaken, pause, short,
};
use super::fuel::{covers, covers_all, give, take};
use super::window::{clear, copy, few, get, set, word as int};
use crate::decode::CallSite;
use crate::machine::{Frame, Pause, WINDOW, check_depth};
use crate::outside::Reply;
use crate::scope::Window;
use crate::slot;
use crate::word::Word;

handlers! {
    (word, rest, window, fuel, vm);

    If { condition, credit, otherwise } => {
        if get(window, condition) == 0 {
            return go_to::<M>(otherwise, window, give(fuel, credit), vm);
        }
        go_on::<M>(rest, window, fuel, vm);
    }
    Jump { credit, target } => { go_to::<M>(target, window, give(fuel, credit), vm); }
    Loop { due } => {
        if !covers(fuel, due) {
            return short(rest, fuel, vm, 0);
        }
        go_on::<M>(rest, window, take(fuel, due), vm);
    }
    Repeat { due, target } => {
        if !covers(fuel, due) {
            return short(rest, fuel, vm, 0);
        }
        go_to::<M>(target, window, take(fuel, due), vm);
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
    NextItem { item, index, list, due } => {
        if !covers(fuel, due) {
            return short(rest, fuel, vm, 0);
        }
        let at = get(window, index).wrapping_add(1);
        match vm.rows.row(get(window, list), at) {
            Some(row) => {
                set(window, item, row);
                set(window, index, at);
                back::<M>(rest, window, take(fuel, due), vm);
            }
            None => own_round::<M>(word, rest, window, fuel, vm),
        }
    }
    NextItemBool { item, index, list, due } => {
        if !covers(fuel, due) {
            return short(rest, fuel, vm, 0);
        }
        let at = get(window, index).wrapping_add(1);
        match vm.heap.bool_item(get(window, list), at) {
            Some(value) => {
                set(window, item, value);
                set(window, index, at);
                back::<M>(rest, window, take(fuel, due), vm);
            }
            None => far_bool::<M>(word, rest, window, fuel, vm),
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
    NextInRange { item, last, due } => {
        if !covers(fuel, due) {
            return short(rest, fuel, vm, 0);
        }
        next_in_range::<M>(rest, window, fuel, vm, (item, last, due));
    }
    NextEntry { key, value, index, map, due } => {
        if !covers(fuel, due) {
            return short(rest, fuel, vm, 0);
        }
        let at = get(window, index).wrapping_add(1);
        match u32::try_from(at).ok().and_then(|at| vm.data().entry(get(window, map), at)) {
            Some((own, held)) => {
                set(window, key, own);
                set(window, value, held);
                set(window, index, at);
                back::<M>(rest, window, take(fuel, due), vm);
            }
            None => leave::<M>(rest, window, fuel, vm),
        }
    }

    Call { result, due, site } => {
        if covers(fuel, due)
            && let Some((call, callees)) = usual(site, window, vm)
        {
            return enter::<M>(call, call.callee.start, callees, (result, due), rest, take(fuel, due), vm);
        }
        any_call::<M>(word, rest, window, fuel, vm);
    }
    QuickCall { asked, answer, how, constant, own } => {
        if !how.holds(int(window, asked), i64::from(constant)) {
            return call_behind::<M>(i64::from(constant), rest, window, fuel, vm);
        }
        if let [_, Word::Call { result, due, site }, ..] = rest.as_slice()
            && covers_all(fuel, i64::from(*due).wrapping_add(i64::from(own)))
            && let Some(call) = vm.code.calls.get(slot::index(*site))
            && check_depth(vm.frames, vm.depth_limit, above(vm)).is_ok()
            && let Some(used) = vm.memory.with(u64::from(call.callee.bytes))
        {
            vm.memory.before = vm.memory.before.max(used);
            let value = if how.is_literal() { u64::from(answer) } else { get(window, answer) };
            set(window, *result, value);
            return go_behind::<M>(2, rest, window, take(fuel, own), vm);
        }
        go_behind::<M>(1, rest, window, fuel, vm);
    }
    Return { due } => {
        if !covers(fuel, due) {
            return short(rest, fuel, vm, 0);
        }
        let fuel = take(fuel, due);
        vm.memory.give_back(cost::frame_bytes(u64::from(vm.registers)));
        let Some(frame) = vm.frames.pop() else { return pause(rest, fuel, vm, Pause::Finished(None)) };
        if frame.quote {
            return quoted(fuel, vm, frame, 0);
        }
        to_caller::<M>(frame, None, fuel, vm);
    }
    ReturnValue { value, due } => {
        if !covers(fuel, due) {
            return short(rest, fuel, vm, 0);
        }
        let value = get(window, value);
        let fuel = take(fuel, due);
        vm.memory.give_back(cost::frame_bytes(u64::from(vm.registers)));
        let Some(frame) = vm.frames.pop() else { return pause(rest, fuel, vm, Pause::Finished(Some(value))) };
        if frame.quote {
            return quoted(fuel, vm, frame, value);
        }
        to_caller::<M>(frame, Some(value), fuel, vm);
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
        match vm.outside.host_call(site, left, window, vm.heap, vm.memory) {
            Reply::Done { charge } => go_on::<M>(rest, window, fuel.wrapping_sub(charge), vm),
            reply => replied(rest, fuel, vm, reply),
        }
    }
    TryHost { result, due, site } => {
        let left = fuel.wrapping_sub(i64::from(due)).wrapping_add(vm.ahead);
        match vm.outside.host_call(site, left, window, vm.heap, vm.memory) {
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

/// Any call.
#[inline(never)]
fn any_call<'a, M: Mode>(word: &'a Word, rest: Rest<'a>, window: &'a Window, fuel: i64, vm: &mut Vm<'a>) {
    let Word::Call { result, due, site } = *word else { return mistaken(rest, window, fuel, vm) };
    if !covers(fuel, due) {
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
    enter::<M>(call, call.callee.start, callees, (result, due), rest, take(fuel, due), vm);
}

/// A call whose callee is known not to return at once: the usual one begins behind that question, with the constant it
/// asked with in its register.
#[inline(always)]
fn call_behind<'a, M: Mode>(constant: i64, rest: Rest<'a>, window: &'a Window, fuel: i64, vm: &mut Vm<'a>) {
    if let [Word::Asked { held, credit, otherwise }, Word::Call { result, due, site }, behind @ ..] =
        rest.as_slice()
        && covers(fuel, *due)
        && let Some((call, callees)) = usual(*site, window, vm)
    {
        set(callees, *held, constant.cast_unsigned());
        let fuel = give(take(fuel, *due), *credit);
        return enter::<M>(call, *otherwise, callees, (*result, *due), behind.iter(), fuel, vm);
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
    rest: Rest<'a>,
    fuel: i64,
    vm: &mut Vm<'a>,
) {
    let pc = vm.place_before(&rest).wrapping_add(1);
    let (base, registers, function) = (vm.base, vm.registers, vm.function);
    // There is room for it, so that nothing is called here.
    if vm.frames.len() < vm.frames.capacity() {
        vm.frames.push(Frame { pc, base, registers, function, credit: due, result, quote: false });
    }
    (vm.base, vm.function, vm.registers) = (above(vm), call.function, call.callee.registers);
    go_to::<M>(at, callees, fuel, vm);
}

/// A round of a loop over a list of the arena.
#[inline(never)]
fn own_round<'a, M: Mode>(word: &'a Word, rest: Rest<'a>, window: &'a Window, fuel: i64, vm: &mut Vm<'a>) {
    let Word::NextItem { item, index, list, due } = *word else { return mistaken(rest, window, fuel, vm) };
    let at = get(window, index).wrapping_add(1);
    match vm.heap.item(get(window, list), at) {
        Some(value) => {
            set(window, item, value);
            set(window, index, at);
            back::<M>(rest, window, take(fuel, due), vm);
        }
        None => far_round::<M>(word, rest, window, fuel, vm),
    }
}

/// A round of a loop over another list than the last one, or the end of a loop.
#[inline(never)]
fn far_round<'a, M: Mode>(word: &'a Word, rest: Rest<'a>, window: &'a Window, fuel: i64, vm: &mut Vm<'a>) {
    let Word::NextItem { item, index, list, due } = *word else { return mistaken(rest, window, fuel, vm) };
    let at = get(window, index).wrapping_add(1);
    match vm.rows.item(vm.heap, get(window, list), at) {
        Some(value) => {
            set(window, item, value);
            set(window, index, at);
            back::<M>(rest, window, take(fuel, due), vm);
        }
        None => leave::<M>(rest, window, fuel, vm),
    }
}

/// A round of a loop over a list of bools that does not lie in the arena, or the end of a loop.
#[inline(never)]
fn far_bool<'a, M: Mode>(word: &'a Word, rest: Rest<'a>, window: &'a Window, fuel: i64, vm: &mut Vm<'a>) {
    let Word::NextItemBool { item, index, list, due } = *word else {
        return mistaken(rest, window, fuel, vm);
    };
    let at = get(window, index).wrapping_add(1);
    match u32::try_from(at).ok().and_then(|at| vm.data().item(get(window, list), at)) {
        Some(value) => {
            set(window, item, value);
            set(window, index, at);
            back::<M>(rest, window, take(fuel, due), vm);
        }
        None => leave::<M>(rest, window, fuel, vm),
    }
}

/// A word that is up to the driver.
pub(super) fn effect<'a, M: Mode>(_: &'a Word, rest: Rest<'a>, _: &'a Window, fuel: i64, vm: &mut Vm<'a>) {
    pause(rest, fuel, vm, Pause::Effect);
}

/// A word that belongs to another.
pub(super) fn part<'a, M: Mode>(_: &'a Word, _: Rest<'a>, _: &'a Window, fuel: i64, vm: &mut Vm<'a>) {
    internal(fuel, vm);
}

/// The body of a loop, behind its target.
#[inline(always)]
fn into<'a, M: Mode>(rest: Rest<'a>, window: &'a Window, fuel: i64, vm: &mut Vm<'a>) {
    go_behind::<M>(1, rest, window, fuel, vm);
}

/// Where a loop with nothing to do goes on.
#[inline(always)]
fn past<'a, M: Mode>(rest: Rest<'a>, window: &'a Window, fuel: i64, vm: &mut Vm<'a>) {
    match rest.as_slice() {
        [Word::Target { credit, target }, ..] => go_to::<M>(*target, window, give(fuel, *credit), vm),
        _ => internal(fuel, vm),
    }
}

/// Back to the first word of a loop's body; the fuel is paid.
#[inline(always)]
fn back<'a, M: Mode>(rest: Rest<'a>, window: &'a Window, fuel: i64, vm: &mut Vm<'a>) {
    match rest.as_slice() {
        [Word::Target { target, .. }, ..] => go_to::<M>(*target, window, fuel, vm),
        _ => internal(fuel, vm),
    }
}

/// On behind a loop's end.
#[inline(always)]
fn leave<'a, M: Mode>(rest: Rest<'a>, window: &'a Window, fuel: i64, vm: &mut Vm<'a>) {
    match rest.as_slice() {
        [Word::Target { credit, .. }, ..] => {
            go_behind::<M>(1, rest, window, give(fuel, *credit), vm);
        }
        _ => internal(fuel, vm),
    }
}

/// The end of a round of a range, which can be paid: item, last and `due`. These are the words behind its first.
#[inline(always)]
pub(super) fn next_in_range<'a, M: Mode>(
    rest: Rest<'a>,
    window: &'a Window,
    fuel: i64,
    vm: &mut Vm<'a>,
    (item, last, due): (u8, u8, u16),
) {
    let value = int(window, item);
    if value < int(window, last) {
        set(window, item, value.wrapping_add(1).cast_unsigned());
        return back::<M>(rest, window, take(fuel, due), vm);
    }
    leave::<M>(rest, window, fuel, vm);
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
    go_on::<M>(words.iter(), window, give(fuel, frame.credit), vm);
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
fn grow<'a>(rest: Rest<'a>, fuel: i64, vm: &mut Vm<'a>, above: usize) {
    vm.pc = vm.place_before(&rest);
    vm.fuel = fuel;
    // Twice as many, so that this does not happen at each call.
    vm.exit = Some(Exit::Grow { slots: above.saturating_mul(2).saturating_add(WINDOW) });
}

/// A host call that is not over, or is and there is no time left.
#[cold]
#[inline(never)]
fn replied<'a>(rest: Rest<'a>, fuel: i64, vm: &mut Vm<'a>, reply: Reply) {
    match reply {
        Reply::Done { charge } | Reply::Look { charge } => {
            pause(rest, fuel.wrapping_sub(charge), vm, Pause::Look);
            vm.pc = vm.pc.wrapping_add(1);
        }
        Reply::Answered { charge } => pause(rest, fuel.wrapping_sub(charge), vm, Pause::Answered),
        Reply::Declined => pause(rest, fuel, vm, Pause::Effect),
    }
}
