//! The one loop that runs words. It knows registers, the arena and fuel, but no host: what reaches outside is
//! handed back to the driver as a [`Pause`].
//!
//! Pure ops pay nothing here: what they cost lies in the constants of the edges (see
//! [`swarm_bytecode::layout`]). An op that settles looks whether the fuel of its region is there before it acts,
//! and an op about to trap does too, so running out always comes before it.

mod window;

use swarm_bytecode::cost;
use swarm_bytecode::numeric;
use swarm_bytecode::trap::TrapCode;
use swarm_bytecode::types::TypeId;

use crate::attached::Attached;
use crate::compare;
use crate::decode::Code;
use crate::extended::{self, read_metric};
use crate::fuse;
use crate::heap::{Data, Header, Heap};
use crate::limits::MAX_FUEL;
use crate::machine::{Frame, Machine, MemoryMeter, Pause, WINDOW, check_depth};
use crate::objects::{
    MapShape, begin_entries, move_list, move_record, new_object, new_some, push_moving, remove_entry,
    set_entry,
};
use crate::outside::{HostOp, Outside, Reply};
use crate::scope::{Scope, Window};
use crate::slot;
use crate::word::Word;
pub(crate) use window::get;
use window::{enter, float, set, shape, word};

/// Sees every word before it runs. The default does nothing and costs nothing.
pub(crate) trait Observer {
    /// Whether there is anything to see.
    const WATCHES: bool;
    /// The word at `pc` is about to run; `used` is the fuel used before it.
    fn word(&mut self, _code: &Code, _pc: usize, _used: i64) {}
    /// A function was entered.
    fn enter(&mut self, _code: &Code, _function: u16, _used: i64) {}
}

/// Sees nothing.
pub(crate) struct Blind;

impl Observer for Blind {
    const WATCHES: bool = false;
}

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
    let Machine { stack, frames, heap, metrics, states, memory, .. } = machine;
    let (mark, fuel_limit, depth_limit) = (machine.mark, machine.fuel_limit, machine.depth_limit);
    let words = code.words.as_slice();
    let mut pc = machine.pc;
    let mut base = machine.base;
    let mut function = machine.function;
    let mut own = shape(code, function);
    let mut fuel = machine.fuel;
    let mut seen = std::mem::take(&mut machine.seen);

    let pause = 'run: loop {
        let window = stack.get_mut(base..).and_then(<[u64]>::first_chunk_mut::<WINDOW>);
        let Some(window) = window else { break 'run Pause::Internal };

        macro_rules! data {
            () => {
                Data { code, attached, heap }
            };
        }
        // Rule F3 and F4: nothing of the op has happened when this leaves.
        macro_rules! settle {
            ($due:expr) => {
                if fuel < i64::from($due) {
                    break 'run Pause::Short { charge: 0 };
                }
            };
            ($due:expr, $charge:expr) => {
                let charge: u64 = $charge;
                if fuel.wrapping_sub(i64::from($due)) < charge.min(MAX_FUEL).cast_signed() {
                    break 'run Pause::Short { charge };
                }
                fuel = fuel.wrapping_sub(charge.cast_signed());
            };
        }
        macro_rules! trap {
            ($trap:expr) => {
                break 'run trap(code, pc, fuel, $trap)
            };
        }
        // Arithmetic that may trap, with an integer-carried or a float result.
        macro_rules! to_word {
            ($result:expr, $value:expr) => {
                match $value {
                    Ok(value) => set(window, $result, value.cast_unsigned()),
                    Err(code) => trap!(code),
                }
            };
        }
        macro_rules! to_float {
            ($result:expr, $value:expr) => {
                match $value {
                    Ok(value) => set(window, $result, slot::from_float(value)),
                    Err(code) => trap!(code),
                }
            };
        }
        macro_rules! words {
            ($result:expr, $op:path, $left:expr, $right:expr) => {
                to_word!($result, $op(word(window, $left), word(window, $right)))
            };
        }
        macro_rules! floats {
            ($result:expr, $op:path, $left:expr, $right:expr) => {
                to_float!($result, $op(float(window, $left), float(window, $right)))
            };
        }
        macro_rules! holds {
            ($result:expr, $read:ident($left:expr) $compare:tt $same:ident($right:expr)) => {{
                let holds = $read(window, $left) $compare $same(window, $right);
                set(window, $result, u64::from(holds));
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
        // `int` and arithmetic with it. If that would trap, nothing has happened, and the two ops behind it do.
        macro_rules! fused {
            ($result:expr, $register:expr, $constant:expr, $value:expr) => {
                if let Ok(value) = $value {
                    set(window, $register, $constant);
                    set(window, $result, value.cast_unsigned());
                    pc = pc.wrapping_add(3);
                    continue;
                }
            };
        }
        // An op that reaches into the arena: it pays and acts in a function of its own.
        macro_rules! scope {
            ($due:expr) => {{
                let left = fuel.wrapping_sub(i64::from($due));
                // What is left to the limit, not to the slice: nothing is looked at twice in vain.
                let budget = fuel_limit.saturating_sub(mark).saturating_add(left).max(0).cast_unsigned();
                Scope::new(code, attached, heap, memory, left, budget)
            }};
        }
        macro_rules! given {
            ($scope:ident, $result:expr) => {{
                let given = $result;
                fuel = fuel.wrapping_sub($scope.paid());
                match given {
                    Ok(value) => value,
                    Err(Pause::Trap(code)) => trap!(code),
                    Err(pause) => break 'run pause,
                }
            }};
        }
        macro_rules! held {
            ($taken:expr) => {
                if let Err(limit) = $taken {
                    break 'run Pause::Limit(limit);
                }
            };
        }

        loop {
            let Some(&current) = words.get(pc) else { break 'run Pause::Internal };
            if O::WATCHES && current.is_fused() {
                pc = pc.wrapping_add(1);
                continue;
            }
            if O::WATCHES && !std::mem::take(&mut seen) {
                let spent = i64::from(code.origin(pc).spent);
                observer.word(code, pc, mark.wrapping_sub(fuel.wrapping_sub(spent)));
            }
            match current {
                Word::If { condition, credit, otherwise } => {
                    if get(window, condition) == 0 {
                        fuel = fuel.wrapping_add(i64::from(credit));
                        pc = slot::index(otherwise);
                        continue;
                    }
                }
                Word::Jump { credit, target } => {
                    fuel = fuel.wrapping_add(i64::from(credit));
                    pc = slot::index(target);
                    continue;
                }
                Word::Loop { due } => {
                    settle!(due);
                    fuel = fuel.wrapping_sub(i64::from(due));
                }
                Word::Repeat { due, target } => {
                    settle!(due);
                    fuel = fuel.wrapping_sub(i64::from(due));
                    pc = slot::index(target);
                    continue;
                }
                Word::ForEach { item, index, list, due } => {
                    settle!(due);
                    if let Some(value) = data!().item(get(window, list), 0) {
                        set(window, item, value);
                        set(window, index, 0);
                        fuel = fuel.wrapping_sub(i64::from(due));
                        pc = pc.wrapping_add(2);
                    } else {
                        (pc, fuel) = past(words, pc, fuel);
                    }
                    continue;
                }
                Word::NextItem { item, index, list, due } => {
                    settle!(due);
                    let at = get(window, index).wrapping_add(1);
                    if let Some(value) =
                        u32::try_from(at).ok().and_then(|at| data!().item(get(window, list), at))
                    {
                        set(window, item, value);
                        set(window, index, at);
                        (pc, fuel) = back(words, pc, fuel, due);
                    } else {
                        fuel = leave(words, pc, fuel);
                        pc = pc.wrapping_add(2);
                    }
                    continue;
                }
                Word::Range { item, first, last, due } => {
                    settle!(due);
                    let value = word(window, first);
                    if value <= word(window, last) {
                        set(window, item, value.cast_unsigned());
                        fuel = fuel.wrapping_sub(i64::from(due));
                        pc = pc.wrapping_add(2);
                    } else {
                        (pc, fuel) = past(words, pc, fuel);
                    }
                    continue;
                }
                Word::NextInRange { item, last, due } => {
                    settle!(due);
                    let value = word(window, item);
                    if value < word(window, last) {
                        set(window, item, value.wrapping_add(1).cast_unsigned());
                        (pc, fuel) = back(words, pc, fuel, due);
                    } else {
                        fuel = leave(words, pc, fuel);
                        pc = pc.wrapping_add(2);
                    }
                    continue;
                }
                Word::ForEachEntry { key, value, index, map, due } => {
                    let Some(&Word::Entries { order, .. }) = words.get(pc.wrapping_add(2)) else {
                        break 'run Pause::Internal;
                    };
                    let map = get(window, map);
                    let mut scope = scope!(due);
                    given!(scope, begin_entries(&mut scope, map, order));
                    if let Some((own, held)) = data!().entry(map, 0) {
                        set(window, key, own);
                        set(window, value, held);
                        set(window, index, 0);
                        fuel = fuel.wrapping_sub(i64::from(due));
                        pc = pc.wrapping_add(3);
                    } else {
                        (pc, fuel) = past(words, pc, fuel);
                    }
                    continue;
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
                        pc = pc.wrapping_add(2);
                    }
                    continue;
                }
                Word::Target { .. } | Word::Shape { .. } | Word::Items { .. } | Word::Entries { .. } => {
                    break 'run Pause::Internal;
                }
                Word::Call { result, due, site } => {
                    settle!(due);
                    let Some(&call) = code.calls.get(slot::index(site)) else { break 'run Pause::Internal };
                    let above = base.wrapping_add(usize::from(own.registers));
                    held!(check_depth(frames, depth_limit, above));
                    held!(memory.take(u64::from(call.callee.bytes)));
                    fuel = fuel.wrapping_sub(i64::from(due));
                    frames.push(Frame {
                        pc: slot::count(pc.wrapping_add(1)),
                        base: slot::count(base),
                        function,
                        credit: due,
                        result,
                        quote: false,
                    });
                    enter(stack, base, above, call.callee, code.call_arguments(call));
                    function = call.function;
                    own = call.callee;
                    base = above;
                    pc = slot::index(own.start);
                    if O::WATCHES {
                        observer.enter(code, function, mark.wrapping_sub(fuel));
                    }
                    continue 'run;
                }
                Word::Return { due } | Word::ReturnValue { due, .. } => {
                    settle!(due);
                    let value = match current {
                        Word::ReturnValue { value, .. } => Some(get(window, value)),
                        _ => None,
                    };
                    fuel = fuel.wrapping_sub(i64::from(due));
                    memory.give_back(u64::from(own.bytes));
                    let Some(frame) = frames.pop() else { break 'run Pause::Finished(value) };
                    fuel = fuel.wrapping_add(i64::from(frame.credit));
                    function = frame.function;
                    own = shape(code, function);
                    base = slot::index(frame.base);
                    pc = slot::index(frame.pc);
                    if frame.quote {
                        break 'run Pause::Quoted(value.unwrap_or(0));
                    }
                    if let Some(value) = value
                        && let Some(slot) = stack.get_mut(base.wrapping_add(usize::from(frame.result)))
                    {
                        *slot = value;
                    }
                    continue 'run;
                }
                Word::Stop { reason, due } => {
                    settle!(due);
                    break 'run Pause::Stopped(get(window, reason));
                }
                Word::Fail { reason, due } => {
                    settle!(due);
                    break 'run Pause::Failed(get(window, reason));
                }
                Word::Host { result, due, site } | Word::TryHost { result, due, site } => {
                    let left = fuel.wrapping_sub(i64::from(due));
                    let reply = offer(outside, HostOp { site, pc, left, mark }, window, heap, memory);
                    if reply == Reply::Declined {
                        break 'run Pause::Effect;
                    }
                    fuel = fuel.wrapping_sub(outside.charge());
                    if reply == Reply::Answered {
                        break 'run Pause::Answered;
                    }
                    if let Word::TryHost { .. } = current {
                        set(window, result, 1);
                    }
                    if reply == Reply::Look {
                        pc = pc.wrapping_add(1);
                        break 'run Pause::Look;
                    }
                }
                Word::RetryHost { .. }
                | Word::Within { .. }
                | Word::Leave { .. }
                | Word::RecordMetric { .. }
                | Word::RoundsExhausted { .. } => break 'run Pause::Effect,
                Word::Attempts { .. } => break 'run Pause::Internal,
                Word::Settle { due } => {
                    settle!(due);
                }

                Word::Move { result, value } => {
                    let value = get(window, value);
                    set(window, result, value);
                }
                Word::Copy { result, value } => {
                    let value = get(window, value);
                    heap.share(value);
                    set(window, result, value);
                }
                Word::Integer { result, value } => set(window, result, i64::from(value).cast_unsigned()),
                Word::Constant { result, constant: place } => set(window, result, constant(code, place)),
                Word::Input { result, input } => {
                    let value = attached.inputs.get(usize::from(input)).copied().flatten().unwrap_or(0);
                    set(window, result, value);
                }
                Word::Context { result, context } => {
                    let value = attached.contexts.get(usize::from(context)).copied().flatten().unwrap_or(0);
                    set(window, result, value);
                }
                Word::Metric { result, metric, due } => {
                    let state = metrics.get(usize::from(metric));
                    let mut scope = scope!(due);
                    let value = given!(scope, read_metric(&mut scope, state));
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

                Word::AddInt { result, left, right } => words!(result, numeric::add, left, right),
                Word::SubInt { result, left, right } => words!(result, numeric::subtract, left, right),
                Word::MulInt { result, left, right } => words!(result, numeric::multiply, left, right),
                Word::DivInt { result, left, right } => words!(result, numeric::divide, left, right),
                Word::ModInt { result, left, right } => words!(result, numeric::modulo, left, right),
                Word::NegInt { result, value } => to_word!(result, numeric::negate(word(window, value))),
                Word::Product { result, left, right, divisor } => {
                    let divisor = constant(code, divisor).cast_signed();
                    to_word!(result, numeric::product(word(window, left), word(window, right), divisor));
                }
                Word::Quotient { result, left, right, factor } => {
                    let factor = constant(code, factor).cast_signed();
                    to_word!(result, numeric::quotient(word(window, left), factor, word(window, right)));
                }
                Word::Scale { result, value, factor } => {
                    to_word!(result, numeric::scale(word(window, value), float(window, factor)));
                }
                Word::Unscale { result, value, divisor } => {
                    to_word!(result, numeric::unscale(word(window, value), float(window, divisor)));
                }
                Word::Ratio { result, left, right } => {
                    to_float!(result, numeric::ratio(word(window, left), word(window, right)));
                }

                Word::AddFloat { result, left, right } => floats!(result, numeric::add_float, left, right),
                Word::SubFloat { result, left, right } => {
                    floats!(result, numeric::subtract_float, left, right)
                }
                Word::MulFloat { result, left, right } => {
                    floats!(result, numeric::multiply_float, left, right)
                }
                Word::DivFloat { result, left, right } => floats!(result, numeric::divide_float, left, right),
                Word::NegFloat { result, value } => {
                    let value = slot::from_float(-float(window, value));
                    set(window, result, value);
                }
                Word::IntToFloat { result, value } => {
                    let value = slot::from_float(numeric::int_to_float(word(window, value)));
                    set(window, result, value);
                }
                Word::PercentToFloat { result, value } => {
                    let value = slot::from_float(numeric::percent_to_float(word(window, value)));
                    set(window, result, value);
                }

                Word::EqSlot { result, left, right } => holds!(result, get(left) == get(right)),
                Word::NeSlot { result, left, right } => holds!(result, get(left) != get(right)),
                Word::LtInt { result, left, right } => holds!(result, word(left) < word(right)),
                Word::LeInt { result, left, right } => holds!(result, word(left) <= word(right)),
                Word::LtFloat { result, left, right } => holds!(result, float(left) < float(right)),
                Word::LeFloat { result, left, right } => holds!(result, float(left) <= float(right)),
                Word::EqString { result, left, right, due } => texts!(result, left == right, due),
                Word::LtString { result, left, right, due } => texts!(result, left < right, due),
                Word::LeString { result, left, right, due } => texts!(result, left <= right, due),
                Word::EqValue { result, left, right, due } => {
                    let Some(&Word::Shape { ty, .. }) = words.get(pc.wrapping_add(1)) else {
                        break 'run Pause::Internal;
                    };
                    let (left, right) = (get(window, left), get(window, right));
                    let mut scope = scope!(due);
                    let outcome = compare::equal(&mut scope, TypeId(ty), left, right);
                    settle!(due, outcome.charge);
                    set(window, result, u64::from(outcome.equal));
                    pc = pc.wrapping_add(2);
                    continue;
                }
                Word::Not { result, value } => {
                    let value = get(window, value) ^ 1;
                    set(window, result, value);
                }

                Word::NewObject { result, due, site } => {
                    let Some(site) = code.sites.get(slot::index(site)) else { break 'run Pause::Internal };
                    let mut scope = scope!(due);
                    let object = given!(scope, new_object(&mut scope, window, code.arguments(*site)));
                    set(window, result, object);
                }
                Word::Field { result, record, field } => {
                    let value = data!().field(get(window, record), field);
                    set(window, result, value);
                }
                Word::SetField { record, field, value, due } => {
                    let Some(&Word::Shape { fields, shares, .. }) = words.get(pc.wrapping_add(1)) else {
                        break 'run Pause::Internal;
                    };
                    let (target, value) = (get(window, record), get(window, value));
                    let mut object = target;
                    if heap.must_copy(target) {
                        let mut scope = scope!(due);
                        object = given!(scope, move_record(&mut scope, target, fields));
                        set(window, record, object);
                    } else {
                        settle!(due);
                    }
                    if shares {
                        heap.share(value);
                    }
                    heap.write(object, u32::from(field), value);
                    pc = pc.wrapping_add(2);
                    continue;
                }
                Word::Length { result, list } => {
                    let value = u64::from(data!().length(get(window, list)));
                    set(window, result, value);
                }
                Word::Item { result, list, index } => {
                    let index = u32::try_from(get(window, index)).ok();
                    match index.and_then(|index| data!().item(get(window, list), index)) {
                        Some(value) => set(window, result, value),
                        None => trap!(TrapCode::IndexOutOfRange),
                    }
                }
                Word::SetItem { list, index, value, due } => {
                    let Some(&Word::Shape { shares, .. }) = words.get(pc.wrapping_add(1)) else {
                        break 'run Pause::Internal;
                    };
                    let (target, value) = (get(window, list), get(window, value));
                    let length = data!().length(target);
                    let index = u32::try_from(get(window, index)).ok().filter(|index| *index < length);
                    let Some(index) = index else { trap!(TrapCode::IndexOutOfRange) };
                    let mut object = target;
                    if heap.must_copy(target) {
                        let mut scope = scope!(due);
                        object = given!(scope, move_list(&mut scope, target, length));
                        set(window, list, object);
                    } else {
                        settle!(due);
                    }
                    if shares {
                        heap.share(value);
                    }
                    heap.write(object, index, value);
                    pc = pc.wrapping_add(2);
                    continue;
                }
                Word::Some { result, value, shares, due } => {
                    let value = get(window, value);
                    let mut scope = scope!(due);
                    let object = given!(scope, new_some(&mut scope, value, shares));
                    set(window, result, object);
                }
                Word::IsSome { result, value } => {
                    let holds = get(window, value) != 0;
                    set(window, result, u64::from(holds));
                }
                Word::Unwrap { result, value } => match data!().unwrap(get(window, value)) {
                    Some(value) => set(window, result, value),
                    None => trap!(TrapCode::NoneUnwrapped),
                },
                Word::Push { list, value, due } => {
                    let Some(&Word::Items { shares, most }) = words.get(pc.wrapping_add(1)) else {
                        break 'run Pause::Internal;
                    };
                    let (target, value) = (get(window, list), get(window, value));
                    match heap.writable(target) {
                        Some(Header { length, room, .. }) if length < room && length < most => {
                            settle!(due);
                            if shares {
                                heap.share(value);
                            }
                            heap.append(target, length, value);
                        }
                        _ => {
                            let mut scope = scope!(due);
                            let moved = given!(scope, push_moving(&mut scope, target, value, shares, most));
                            set(window, list, moved);
                        }
                    }
                    pc = pc.wrapping_add(2);
                    continue;
                }

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

                Word::Find { found, value, map, key, due } => {
                    let Some(&Word::Entries { order, .. }) = words.get(pc.wrapping_add(1)) else {
                        break 'run Pause::Internal;
                    };
                    let (map, key) = (get(window, map), get(window, key));
                    settle!(due, cost::read_key(order.text_bytes(key)));
                    let held = crate::map::find(data!(), order, map, key);
                    set(window, value, held.unwrap_or(0));
                    set(window, found, u64::from(held.is_some()));
                    pc = pc.wrapping_add(2);
                    continue;
                }
                Word::SetEntry { map, key, value, due } => {
                    let Some(&Word::Entries { order, shares, most }) = words.get(pc.wrapping_add(1)) else {
                        break 'run Pause::Internal;
                    };
                    let (target, key, value) = (get(window, map), get(window, key), get(window, value));
                    let mut scope = scope!(due);
                    let shape = MapShape { order, shares, most };
                    let changed = given!(scope, set_entry(&mut scope, target, key, value, shape));
                    set(window, map, changed);
                    pc = pc.wrapping_add(2);
                    continue;
                }
                Word::RemoveEntry { map, key, due } => {
                    let Some(&Word::Entries { order, .. }) = words.get(pc.wrapping_add(1)) else {
                        break 'run Pause::Internal;
                    };
                    let (target, key) = (get(window, map), get(window, key));
                    let mut scope = scope!(due);
                    let changed = given!(scope, remove_entry(&mut scope, target, key, order));
                    set(window, map, changed);
                    pc = pc.wrapping_add(2);
                    continue;
                }

                Word::ConstantIf { other, register, result, mask, constant: place } => {
                    let Some(&Word::If { credit, otherwise, .. }) = words.get(pc.wrapping_add(3)) else {
                        break 'run Pause::Internal;
                    };
                    let value = constant(code, u32::from(place));
                    let holds = fuse::holds(mask, word(window, other), value.cast_signed());
                    set(window, register, value);
                    set(window, result, u64::from(holds));
                    if holds {
                        pc = pc.wrapping_add(4);
                    } else {
                        fuel = fuel.wrapping_add(i64::from(credit));
                        pc = slot::index(otherwise);
                    }
                    continue;
                }
                Word::FieldIf { result: loaded, record, field } => {
                    let (
                        Some(&Word::ConstantIf { register, result, mask, constant: place, .. }),
                        Some(&Word::If { credit, otherwise, .. }),
                    ) = (words.get(pc.wrapping_add(2)), words.get(pc.wrapping_add(5)))
                    else {
                        pc = pc.wrapping_add(1);
                        continue;
                    };
                    let left = data!().field(get(window, record), field);
                    let value = constant(code, u32::from(place));
                    let holds = fuse::holds(mask, left.cast_signed(), value.cast_signed());
                    set(window, loaded, left);
                    set(window, register, value);
                    set(window, result, u64::from(holds));
                    if holds {
                        pc = pc.wrapping_add(6);
                    } else {
                        fuel = fuel.wrapping_add(i64::from(credit));
                        pc = slot::index(otherwise);
                    }
                    continue;
                }
                Word::CompareIf { left, right, result, mask } => {
                    let Some(&Word::If { credit, otherwise, .. }) = words.get(pc.wrapping_add(2)) else {
                        break 'run Pause::Internal;
                    };
                    let holds = fuse::holds(mask, word(window, left), word(window, right));
                    set(window, result, u64::from(holds));
                    if holds {
                        pc = pc.wrapping_add(3);
                    } else {
                        fuel = fuel.wrapping_add(i64::from(credit));
                        pc = slot::index(otherwise);
                    }
                    continue;
                }
                Word::AddConstant { result, other, register, constant: place } => {
                    let value = constant(code, u32::from(place));
                    let (left, right) = (word(window, other), value.cast_signed());
                    fused!(result, register, value, numeric::add(left, right));
                }
                Word::SubConstant { result, other, register, constant: place } => {
                    let value = constant(code, u32::from(place));
                    let (left, right) = (word(window, other), value.cast_signed());
                    fused!(result, register, value, numeric::subtract(left, right));
                }
                Word::MulConstant { result, other, register, constant: place } => {
                    let value = constant(code, u32::from(place));
                    let (left, right) = (word(window, other), value.cast_signed());
                    fused!(result, register, value, numeric::multiply(left, right));
                }
                Word::Unfused => {}

                Word::Extended { result, due, site } => {
                    let Some(op) = code.extended.get(slot::index(site)) else { break 'run Pause::Internal };
                    let mut scope = scope!(due);
                    let value = given!(scope, extended::run(op, &mut scope, window, metrics));
                    set(window, result, value);
                }
            }
            pc = pc.wrapping_add(1);
        }
    };
    machine.pc = pc;
    machine.base = base;
    machine.function = function;
    machine.fuel = fuel;
    pause
}

/// Offers a host call to the outside: in a function of its own, to keep what is needed at each word in registers.
#[inline(never)]
fn offer(
    outside: &mut impl Outside,
    op: HostOp,
    window: &Window,
    heap: &mut Heap,
    memory: &mut MemoryMeter,
) -> Reply {
    outside.host_call(op, window, heap, memory)
}

/// An op about to trap settles first: out of fuel comes before the trap (rule F6).
#[cold]
fn trap(code: &Code, pc: usize, fuel: i64, trap: TrapCode) -> Pause {
    if fuel < i64::from(code.origin(pc).due) { Pause::Short { charge: 0 } } else { Pause::Trap(trap) }
}

/// Where a loop with nothing to do goes on.
#[inline(always)]
fn past(words: &[Word], pc: usize, fuel: i64) -> (usize, i64) {
    match words.get(pc.wrapping_add(1)) {
        Some(&Word::Target { credit, target }) => (slot::index(target), fuel.wrapping_add(i64::from(credit))),
        _ => (usize::MAX, fuel),
    }
}

/// Back to the first word of a loop's body.
#[inline(always)]
fn back(words: &[Word], pc: usize, fuel: i64, due: u16) -> (usize, i64) {
    match words.get(pc.wrapping_add(1)) {
        Some(&Word::Target { target, .. }) => (slot::index(target), fuel.wrapping_sub(i64::from(due))),
        _ => (usize::MAX, fuel),
    }
}

/// The fuel once a loop is left behind its closing op.
#[inline(always)]
fn leave(words: &[Word], pc: usize, fuel: i64) -> i64 {
    match words.get(pc.wrapping_add(1)) {
        Some(&Word::Target { credit, .. }) => fuel.wrapping_add(i64::from(credit)),
        _ => fuel,
    }
}

#[inline(always)]
fn constant(code: &Code, place: u32) -> u64 {
    code.constants.get(slot::index(place)).copied().unwrap_or(0)
}
