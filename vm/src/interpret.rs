//! The one loop that runs words. It knows registers, the arena and fuel, but no host: what reaches outside is
//! handed back to the driver as a [`Pause`].
//!
//! Pure ops pay nothing here: what they cost lies in the constants of the edges (see
//! [`swarm_bytecode::layout`]). An op that settles looks whether the fuel of its region is there before it acts,
//! and an op about to trap does too, so running out always comes before it.

mod fuel;
mod fused;
mod observer;
mod reach;
mod rows;
mod values;
mod window;

use swarm_bytecode::cost;
use swarm_bytecode::trap::TrapCode;

use crate::attached::Attached;
use crate::compare;
use crate::decode::Code;
use crate::heap::{Data, Header};
use crate::limits::MAX_FUEL;
use crate::machine::{Frame, Machine, Pause, WINDOW, check_depth};
use crate::outside::{HostOp, Outside, Reply};
use crate::scope::Window;
use crate::slot;
use crate::word::Word;
use fuel::{back, covers, give, leave, past, take, trap};
use fused::Done;
pub(crate) use observer::{Blind, Observer};
use reach::Reach;
use rows::Rows;
pub(crate) use window::get;
use window::{enter, set, shape, word};

/// Runs until something is up to the driver.
#[inline(never)]
#[expect(clippy::too_many_lines, reason = "one arm for each word")]
pub(crate) fn interpret<O: Observer>(
    machine: &mut Machine,
    code: &Code,
    attached: &Attached,
    observer: &mut O,
    outside: &mut impl Outside,
) -> Pause {
    let Machine { stack, frames, heap, metrics, states, memory, found, .. } = machine;
    let (mark, fuel_limit, depth_limit) = (machine.mark, machine.fuel_limit, machine.depth_limit);
    let words = code.words.as_slice();
    let mut pc = machine.pc;
    let mut base = machine.base;
    let mut function = machine.function;
    let mut registers = shape(code, function).registers;
    let mut fuel = machine.fuel;
    let mut seen = std::mem::take(&mut machine.seen);
    let mut rows = Rows::new(attached);

    let pause = 'run: loop {
        let window = stack.get_mut(base..).and_then(<[u64]>::first_chunk_mut::<WINDOW>);
        let Some(window) = window else { break 'run Pause::Internal };

        macro_rules! data {
            () => {
                Data { code, attached, heap }
            };
        }
        macro_rules! field {
            ($record:expr, $field:expr) => {
                rows.field(heap, get(window, $record), $field)
            };
        }
        macro_rules! item {
            ($list:expr, $at:expr) => {
                rows.item(heap, get(window, $list), $at)
            };
        }
        // Leaves the loop at the word at hand.
        macro_rules! pause {
            ($pause:expr) => {{
                pc = pc.wrapping_sub(1);
                break 'run $pause;
            }};
        }
        // Rule F3 and F4: nothing of the op has happened when this leaves.
        macro_rules! settle {
            ($due:expr) => {
                if !covers(fuel, $due) {
                    pause!(Pause::Short { charge: 0 });
                }
            };
            ($due:expr, $charge:expr) => {
                let charge: u64 = $charge;
                if fuel.wrapping_sub(i64::from($due)) < charge.min(MAX_FUEL).cast_signed() {
                    pause!(Pause::Short { charge });
                }
                fuel = fuel.wrapping_sub(charge.cast_signed());
            };
        }
        macro_rules! trap {
            ($trap:expr) => {{
                pc = pc.wrapping_sub(1);
                break 'run trap(code, pc, fuel, $trap);
            }};
        }
        macro_rules! texts {
            ($result:expr, $left:ident $compare:tt $right:ident, $due:expr) => {{
                let (left, right) = (get(window, $left), get(window, $right));
                settle!($due, compare::text_charge(left, right));
                let holds = data!().text(left) $compare data!().text(right);
                set(window, $result, u64::from(holds));
            }};
        }
        // Words of which another file says what they do. An arm for each, so that each is gone to at once.
        macro_rules! value {
            ($word:expr) => {
                match values::compute($word, window, code, attached) {
                    Some((result, Ok(value))) => set(window, result, value),
                    Some((_, Err(code))) => trap!(code),
                    None => pause!(Pause::Internal),
                }
            };
        }
        macro_rules! native {
            ($word:expr, $due:expr) => {{
                settle!($due);
                value!($word);
            }};
        }
        macro_rules! fused {
            ($word:expr) => {
                match fused::run($word, window, words, code, pc, fuel) {
                    Done::Holds { holds, words } => branch!(holds, words),
                    Done::Covered { words } => pc = pc.wrapping_add(words),
                    Done::Left => {}
                }
            };
        }
        // Goes back to the caller.
        macro_rules! leave {
            ($frame:ident, $value:expr) => {{
                fuel = give(fuel, $frame.credit);
                Frame { pc, base, registers, function, .. } = $frame;
                if $frame.quote {
                    break 'run Pause::Quoted($value);
                }
            }};
        }
        // The end of a range's round, paid for; `pc` is behind its word.
        macro_rules! next_in_range {
            ($item:expr, $last:expr, $due:expr) => {{
                let value = word(window, $item);
                if value < word(window, $last) {
                    set(window, $item, value.wrapping_add(1).cast_unsigned());
                    (pc, fuel) = back(words, pc, fuel, $due);
                } else {
                    fuel = leave(words, pc, fuel);
                    pc = pc.wrapping_add(1);
                }
                continue;
            }};
        }
        // The end of a fused word whose last op is the `if` so many words behind it.
        macro_rules! branch {
            ($holds:expr, $words:expr) => {{
                if $holds {
                    pc = pc.wrapping_add($words);
                } else if let Some(&Word::If { credit, otherwise, .. }) =
                    words.get(pc.wrapping_add($words).wrapping_sub(1))
                {
                    fuel = give(fuel, credit);
                    pc = slot::index(otherwise);
                } else {
                    pause!(Pause::Internal);
                }
                continue;
            }};
        }
        // What the loop leaves to another function: it pays, acts and says how many words it was.
        macro_rules! reach {
            ($word:expr) => {{
                // What is left to the limit, not to the slice: nothing is looked at twice in vain.
                let beyond = fuel_limit.saturating_sub(mark);
                let (heap, memory, window, found) = (&mut *heap, &mut *memory, &mut *window, &mut *found);
                let pc_of_word = pc.wrapping_sub(1);
                let mut reach = Reach {
                    code,
                    attached,
                    heap,
                    memory,
                    metrics,
                    found,
                    window,
                    pc: pc_of_word,
                    fuel,
                    beyond,
                    paid: 0,
                };
                let done = reach::run(&mut reach, $word);
                fuel = fuel.wrapping_sub(reach.paid);
                match done {
                    Ok(next) => {
                        pc = next;
                        continue;
                    }
                    Err(Pause::Trap(code)) => trap!(code),
                    Err(pause) => pause!(pause),
                }
            }};
        }
        macro_rules! held {
            ($taken:expr) => {
                if let Err(limit) = $taken {
                    pause!(Pause::Limit(limit));
                }
            };
        }

        loop {
            let Some(&current) = words.get(pc) else { break 'run Pause::Internal };
            if O::WATCHES && observer.stops(code, pc) {
                break 'run Pause::Internal;
            }
            if O::WATCHES && !current.is_fused() && !std::mem::take(&mut seen) {
                let spent = i64::from(code.origin(pc).spent);
                observer.word(code, pc, mark.wrapping_sub(fuel.wrapping_sub(spent)));
            }
            // From here on `pc` is the next word; what does not come to its end goes back.
            pc = pc.wrapping_add(1);
            if O::WATCHES && current.is_fused() {
                continue;
            }
            match current {
                Word::If { condition, credit, otherwise } => {
                    if get(window, condition) == 0 {
                        fuel = give(fuel, credit);
                        pc = slot::index(otherwise);
                        continue;
                    }
                }
                Word::Jump { credit, target } => {
                    fuel = give(fuel, credit);
                    pc = slot::index(target);
                    continue;
                }
                Word::Loop { due } => {
                    settle!(due);
                    fuel = take(fuel, due);
                }
                Word::Repeat { due, target } => {
                    settle!(due);
                    fuel = take(fuel, due);
                    pc = slot::index(target);
                    continue;
                }
                Word::ForEach { item, index, list, due } => {
                    settle!(due);
                    if let Some(value) = data!().item(get(window, list), 0) {
                        set(window, item, value);
                        set(window, index, 0);
                        fuel = take(fuel, due);
                        pc = pc.wrapping_add(1);
                    } else {
                        (pc, fuel) = past(words, pc, fuel);
                    }
                    continue;
                }
                Word::NextItem { item, index, list, due } => {
                    settle!(due);
                    let at = get(window, index).wrapping_add(1);
                    if let Some(value) = item!(list, at) {
                        set(window, item, value);
                        set(window, index, at);
                        (pc, fuel) = back(words, pc, fuel, due);
                    } else {
                        fuel = leave(words, pc, fuel);
                        pc = pc.wrapping_add(1);
                    }
                    continue;
                }
                Word::Range { item, first, last, due } => {
                    settle!(due);
                    let value = word(window, first);
                    if value <= word(window, last) {
                        set(window, item, value.cast_unsigned());
                        fuel = take(fuel, due);
                        pc = pc.wrapping_add(1);
                    } else {
                        (pc, fuel) = past(words, pc, fuel);
                    }
                    continue;
                }
                Word::NextInRange { item, last, due } => {
                    settle!(due);
                    next_in_range!(item, last, due);
                }
                Word::NextEntry { key, value, index, map, due } => {
                    settle!(due);
                    let at = get(window, index).wrapping_add(1);
                    let entry = u32::try_from(at).ok().and_then(|at| data!().entry(get(window, map), at));
                    if let Some((own, held)) = entry {
                        set(window, key, own);
                        set(window, value, held);
                        set(window, index, at);
                        (pc, fuel) = back(words, pc, fuel, due);
                    } else {
                        fuel = leave(words, pc, fuel);
                        pc = pc.wrapping_add(1);
                    }
                    continue;
                }
                Word::Target { .. } | Word::Shape { .. } | Word::Items { .. } | Word::Entries { .. } => {
                    pause!(Pause::Internal);
                }
                Word::Call { result, due, site } => {
                    settle!(due);
                    let Some(&call) = code.calls.get(slot::index(site)) else { pause!(Pause::Internal) };
                    let above = base.wrapping_add(usize::from(registers));
                    held!(check_depth(frames, depth_limit, above));
                    held!(memory.take(u64::from(call.callee.bytes)));
                    fuel = take(fuel, due);
                    frames.push(Frame { pc, base, registers, function, credit: due, result, quote: false });
                    enter(stack, base, above, &call, code);
                    function = call.function;
                    registers = call.callee.registers;
                    base = above;
                    pc = slot::index(call.callee.start);
                    if O::WATCHES {
                        observer.enter(code, function, mark.wrapping_sub(fuel));
                    }
                    continue 'run;
                }
                Word::Return { due } => {
                    settle!(due);
                    fuel = take(fuel, due);
                    memory.give_back(cost::frame_bytes(u64::from(registers)));
                    let Some(frame) = frames.pop() else { pause!(Pause::Finished(None)) };
                    leave!(frame, 0);
                    continue 'run;
                }
                Word::ReturnValue { value, due } => {
                    settle!(due);
                    let value = get(window, value);
                    fuel = take(fuel, due);
                    memory.give_back(cost::frame_bytes(u64::from(registers)));
                    let Some(frame) = frames.pop() else { pause!(Pause::Finished(Some(value))) };
                    leave!(frame, value);
                    if let Some(slot) = stack.get_mut(base.wrapping_add(usize::from(frame.result))) {
                        *slot = value;
                    }
                    continue 'run;
                }
                Word::Stop { reason, due } => {
                    settle!(due);
                    pause!(Pause::Stopped(get(window, reason)));
                }
                Word::Fail { reason, due } => {
                    settle!(due);
                    pause!(Pause::Failed(get(window, reason)));
                }
                Word::Host { due, site, .. } | Word::TryHost { due, site, .. } => {
                    let left = fuel.wrapping_sub(i64::from(due));
                    match outside.host_call(
                        HostOp { site, pc: pc.wrapping_sub(1), left },
                        window,
                        heap,
                        memory,
                    ) {
                        Reply::Done { charge } => fuel = fuel.wrapping_sub(charge),
                        Reply::Look { charge } => {
                            fuel = fuel.wrapping_sub(charge);
                            accept(window, current);
                            break 'run Pause::Look;
                        }
                        Reply::Answered { charge } => {
                            fuel = fuel.wrapping_sub(charge);
                            pause!(Pause::Answered);
                        }
                        Reply::Declined => pause!(Pause::Effect),
                    }
                    accept(window, current);
                }
                Word::RetryHost { .. }
                | Word::Within { .. }
                | Word::Leave { .. }
                | Word::RecordMetric { .. }
                | Word::RoundsExhausted { .. } => pause!(Pause::Effect),
                Word::Attempts { .. } => pause!(Pause::Internal),
                Word::Settle { due } => {
                    settle!(due);
                }

                Word::Copy { result, value } => {
                    let value = get(window, value);
                    heap.share(value);
                    set(window, result, value);
                }
                Word::State { result, shares, state } => {
                    let value = states.get(usize::from(state)).copied().unwrap_or(0);
                    if shares {
                        heap.share(value);
                    }
                    set(window, result, value);
                }
                Word::TakeState { result, state } => {
                    let value = states.get_mut(usize::from(state)).map_or(0, std::mem::take);
                    set(window, result, value);
                }
                Word::SetState { value, state } => {
                    if let Some(place) = states.get_mut(usize::from(state)) {
                        *place = get(window, value);
                    }
                }

                Word::AndInt { due, .. } => native!(current, due),
                Word::OrInt { due, .. } => native!(current, due),
                Word::XorInt { due, .. } => native!(current, due),
                Word::ShiftLeft { due, .. } => native!(current, due),
                Word::ShiftRight { due, .. } => native!(current, due),

                Word::EqString { result, left, right, due } => texts!(result, left == right, due),
                Word::LtString { result, left, right, due } => texts!(result, left < right, due),
                Word::LeString { result, left, right, due } => texts!(result, left <= right, due),
                Word::Field { result, record, field } => {
                    let value = field!(record, field);
                    set(window, result, value);
                }
                Word::SetField { record, field, value, due } => {
                    match (words.get(pc), heap.writable(get(window, record))) {
                        (Some(&Word::Shape { shares, .. }), Some(_)) => {
                            settle!(due);
                            let value = get(window, value);
                            if shares {
                                heap.share(value);
                            }
                            heap.write(get(window, record), u32::from(field), value);
                            pc = pc.wrapping_add(1);
                            continue;
                        }
                        _ => reach!(current),
                    }
                }
                Word::Length { result, list } => {
                    let value = u64::from(data!().length(get(window, list)));
                    set(window, result, value);
                }
                Word::Item { result, list, index } => match item!(list, get(window, index)) {
                    Some(value) => set(window, result, value),
                    None => trap!(TrapCode::IndexOutOfRange),
                },
                Word::SetItem { list, index, value, shares, due } => {
                    let value = get(window, value);
                    match heap.own_item(get(window, list), get(window, index)) {
                        Some(place) if covers(fuel, due) => *place = value,
                        _ => reach!(current),
                    }
                    if shares {
                        heap.share(value);
                    }
                }
                Word::Unwrap { result, value } => match data!().unwrap(get(window, value)) {
                    Some(value) => set(window, result, value),
                    None => trap!(TrapCode::NoneUnwrapped),
                },
                Word::Push { list, value, due } => match (words.get(pc), heap.writable(get(window, list))) {
                    (Some(&Word::Items { shares, most }), Some(Header { length, room, .. }))
                        if length < room && length < most =>
                    {
                        settle!(due);
                        let value = get(window, value);
                        if shares {
                            heap.share(value);
                        }
                        heap.append(get(window, list), length, value);
                        pc = pc.wrapping_add(1);
                        continue;
                    }
                    _ => reach!(current),
                },

                Word::Case { result, value } => {
                    let case = data!().case(get(window, value));
                    set(window, result, u64::from(case));
                }
                Word::Payload { result, value, case, field } => {
                    let value = get(window, value);
                    if data!().case(value) != case {
                        trap!(TrapCode::WrongCase);
                    }
                    let held = data!().payload(value, field);
                    set(window, result, held);
                }

                Word::ForEachEntry { .. }
                | Word::Metric { .. }
                | Word::EqValue { .. }
                | Word::NewObject { .. }
                | Word::Some { .. }
                | Word::Find { .. }
                | Word::SetEntry { .. }
                | Word::RemoveEntry { .. }
                | Word::Extended { .. } => reach!(current),

                Word::Unfused => {}
                Word::FieldLessIf { loaded, record, field, other, result, unless } => {
                    let value = field!(record, field);
                    let holds = (value.cast_signed() < word(window, other)) != unless;
                    set(window, loaded, value);
                    set(window, result, u64::from(holds));
                    branch!(holds, 3);
                }
                Word::FieldMoreIf { loaded, record, field, other, result, unless } => {
                    let value = field!(record, field);
                    let holds = (value.cast_signed() > word(window, other)) != unless;
                    set(window, loaded, value);
                    set(window, result, u64::from(holds));
                    branch!(holds, 3);
                }
                Word::ItemIf { result, list, index } => {
                    if let Some(value) = item!(list, get(window, index)) {
                        set(window, result, value);
                        branch!(value != 0, 2);
                    }
                }
                Word::MoveNext { result, value } => {
                    if let Some(&Word::NextInRange { item, last, due }) = words.get(pc.wrapping_add(1))
                        && covers(fuel, due)
                    {
                        let value = get(window, value);
                        set(window, result, value);
                        pc = pc.wrapping_add(2);
                        next_in_range!(item, last, due);
                    }
                }
                Word::SetItemNext => {
                    if let (
                        Some(&Word::SetItem { list, index, value, shares: false, .. }),
                        Some(&Word::NextInRange { item, last, due }),
                    ) = (words.get(pc), words.get(pc.wrapping_add(1)))
                        && covers(fuel, due)
                        && let Some(place) = heap.own_item(get(window, list), get(window, index))
                    {
                        *place = get(window, value);
                        pc = pc.wrapping_add(2);
                        next_in_range!(item, last, due);
                    }
                }
                Word::PushNext { list, value } => {
                    if let (
                        Some(&Word::Items { shares: false, most }),
                        Some(&Word::NextInRange { item, last, due }),
                    ) = (words.get(pc.wrapping_add(1)), words.get(pc.wrapping_add(2)))
                        && let Some(Header { length, room, .. }) = heap.writable(get(window, list))
                        && length < room
                        && length < most
                        && covers(fuel, due)
                    {
                        heap.append(get(window, list), length, get(window, value));
                        pc = pc.wrapping_add(3);
                        next_in_range!(item, last, due);
                    }
                }

                Word::Move { .. } => value!(current),
                Word::Integer { .. } => value!(current),
                Word::Constant { .. } => value!(current),
                Word::Input { .. } => value!(current),
                Word::Context { .. } => value!(current),
                Word::AddInt { .. } => value!(current),
                Word::SubInt { .. } => value!(current),
                Word::MulInt { .. } => value!(current),
                Word::DivInt { .. } => value!(current),
                Word::ModInt { .. } => value!(current),
                Word::NegInt { .. } => value!(current),
                Word::Product { .. } => value!(current),
                Word::Quotient { .. } => value!(current),
                Word::Scale { .. } => value!(current),
                Word::Unscale { .. } => value!(current),
                Word::Ratio { .. } => value!(current),
                Word::AddFloat { .. } => value!(current),
                Word::SubFloat { .. } => value!(current),
                Word::MulFloat { .. } => value!(current),
                Word::DivFloat { .. } => value!(current),
                Word::NegFloat { .. } => value!(current),
                Word::IntToFloat { .. } => value!(current),
                Word::PercentToFloat { .. } => value!(current),
                Word::EqSlot { .. } => value!(current),
                Word::NeSlot { .. } => value!(current),
                Word::LtInt { .. } => value!(current),
                Word::LeInt { .. } => value!(current),
                Word::LtFloat { .. } => value!(current),
                Word::LeFloat { .. } => value!(current),
                Word::Not { .. } => value!(current),
                Word::IsSome { .. } => value!(current),

                Word::LessIf { .. } => fused!(current),
                Word::EqualIf { .. } => fused!(current),
                Word::LessFloatIf { .. } => fused!(current),
                Word::SumMoreIf { .. } => fused!(current),
                Word::LessConstantIf { .. } => fused!(current),
                Word::MoreConstantIf { .. } => fused!(current),
                Word::EqualConstantIf { .. } => fused!(current),
                Word::AddConstant { .. } => fused!(current),
                Word::SubConstant { .. } => fused!(current),
                Word::MulConstant { .. } => fused!(current),
                Word::MulAddInt { .. } => fused!(current),
                Word::MulAddAndInt { .. } => fused!(current),
                Word::ShiftXorInt { .. } => fused!(current),
                Word::TwiceMulFloat { .. } => fused!(current),
                Word::MulAddFloat { .. } => fused!(current),
                Word::SubAddFloat { .. } => fused!(current),
                Word::MulMulAddFloat { .. } => fused!(current),
            }
        }
    };
    machine.pc = pc;
    machine.base = base;
    machine.function = function;
    machine.fuel = fuel;
    pause
}

/// An action that was tried was done.
#[inline(always)]
fn accept(window: &mut Window, call: Word) {
    if let Word::TryHost { result, .. } = call {
        set(window, result, 1);
    }
}
