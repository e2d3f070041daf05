//! Words that read values and write them where they are. What has to copy or to make one is in [`super::reach`].
#![expect(non_snake_case, reason = "a handler is named as its word")]

use std::cmp::Ordering;

use swarm_bytecode::cost;
use swarm_bytecode::trap::TrapCode;

use super::chain::{Mode, Vm, Words, go_behind, go_on, handlers, mistaken, short, trap, word_at};
use super::fuel::{covers, pay};
use super::reach::reach;
use super::window::{get, set};
use crate::compare;
use crate::heap::bools::byte;
use crate::map;
use crate::order::Order;
use crate::scope::Window;
use crate::word::fields;

handlers! {
    (words, rest, window, fuel, vm);

    MoveMutable { result, value } => {
        let own = get(window, value);
        set(window, value, 0);
        set(window, result, own);
        go_on::<M>(rest, window, fuel, vm);
    }
    Copy { result, value } => {
        let value = get(window, value);
        vm.heap.share(value);
        set(window, result, value);
        go_on::<M>(rest, window, fuel, vm);
    }
    State { result, shares, state } => {
        let value = vm.states.get(usize::from(state)).copied().unwrap_or(0);
        if shares {
            vm.heap.share(value);
        }
        set(window, result, value);
        go_on::<M>(rest, window, fuel, vm);
    }
    TakeState { result, state } => {
        let value = vm.states.get_mut(usize::from(state)).map_or(0, std::mem::take);
        set(window, result, value);
        go_on::<M>(rest, window, fuel, vm);
    }
    SetState { value, mutable, state } => {
        if let Some(place) = vm.states.get_mut(usize::from(state)) {
            *place = get(window, value);
        }
        if mutable {
            set(window, value, 0);
        }
        go_on::<M>(rest, window, fuel, vm);
    }

    EqString { result, left, right, due } => {
        let (left, right) = (get(window, left), get(window, right));
        match pay(fuel, due, compare::text_charge(left, right)) {
            Some(fuel) => {
                set(window, result, u64::from(texts(vm, left, right).is_eq()));
                go_on::<M>(rest, window, fuel, vm);
            }
            None => short(rest, fuel, vm, compare::text_charge(left, right)),
        }
    }
    LtString { result, left, right, due } => {
        let (left, right) = (get(window, left), get(window, right));
        match pay(fuel, due, compare::text_charge(left, right)) {
            Some(fuel) => {
                set(window, result, u64::from(texts(vm, left, right).is_lt()));
                go_on::<M>(rest, window, fuel, vm);
            }
            None => short(rest, fuel, vm, compare::text_charge(left, right)),
        }
    }
    LeString { result, left, right, due } => {
        let (left, right) = (get(window, left), get(window, right));
        match pay(fuel, due, compare::text_charge(left, right)) {
            Some(fuel) => {
                set(window, result, u64::from(texts(vm, left, right).is_le()));
                go_on::<M>(rest, window, fuel, vm);
            }
            None => short(rest, fuel, vm, compare::text_charge(left, right)),
        }
    }

    Field { result, record, field } => {
        let record_slot = get(window, record);
        match vm.rows.near_field(record_slot, field).or_else(|| vm.heap.field(record_slot, field)) {
            Some(value) => {
                set(window, result, value);
                go_on::<M>(rest, window, fuel, vm);
            }
            None => far_field::<M>((result, record, field), rest, window, fuel, vm),
        }
    }
    SetField { record, field, value, due } => {
        let record = get(window, record);
        if vm.heap.writable(record).is_none() {
            return reach::<M>(words, window, fuel, vm);
        }
        if !covers(fuel, due) {
            return short(rest, fuel, vm, 0);
        }
        let value = get(window, value);
        if fields::Shape::shares(word_at(words, 1)) {
            vm.heap.share(value);
        }
        vm.heap.write(record, u32::from(field), value);
        go_behind::<M>(1, rest, window, fuel, vm);
    }
    Find { found, value, map, key, due } => {
        let fields::Entries { order, .. } = fields::Entries::of(word_at(words, 1));
        let (map, key) = (get(window, map), get(window, key));
        let charge = cost::read_key(order.text_bytes(key));
        let Some(fuel) = pay(fuel, due, charge) else { return short(rest, fuel, vm, charge) };
        let held = look_up(order, map, key, vm);
        set(window, value, held.unwrap_or(0));
        set(window, found, u64::from(held.is_some()));
        go_behind::<M>(1, rest, window, fuel, vm);
    }
    SetEntry { map, key, value, due } => {
        // Who has just read an entry mostly writes it next.
        let (searched, own) = vm.searched;
        let key = get(window, key);
        let fields::Entries { order, shares, most } = fields::Entries::of(word_at(words, 1));
        if key == searched
            && let Some(left) = pay(fuel, due, cost::read_key(order.text_bytes(key)))
            && let Some(place) = vm.heap.own_entry(get(window, map), *vm.found, own, most)
        {
            let value = get(window, value);
            *place = value.to_le_bytes();
            if shares {
                vm.heap.share(value);
            }
            return go_behind::<M>(1, rest, window, left, vm);
        }
        reach::<M>(words, window, fuel, vm);
    }

    Length { result, list } => {
        let value = u64::from(vm.data().length(get(window, list)));
        set(window, result, value);
        go_on::<M>(rest, window, fuel, vm);
    }
    Item { result, list, index } => {
        let (whole, at) = (get(window, list), get(window, index));
        match vm.heap.item(whole, at).or_else(|| vm.rows.row(whole, at)) {
            Some(value) => {
                set(window, result, value);
                go_on::<M>(rest, window, fuel, vm);
            }
            None => far_item::<M>((result, list, index), words, window, fuel, vm),
        }
    }
    SetItem { list, index, value, shares, due } => {
        let value = get(window, value);
        match vm.heap.own_item(get(window, list), get(window, index)) {
            Some(place) if covers(fuel, due) => {
                *place = value.to_le_bytes();
                if shares {
                    vm.heap.share(value);
                }
                go_on::<M>(rest, window, fuel, vm);
            }
            _ => reach::<M>(words, window, fuel, vm),
        }
    }
    ItemBool { result, list, index } => {
        match vm.heap.bool_item(get(window, list), get(window, index)) {
            Some(value) => {
                set(window, result, value);
                go_on::<M>(rest, window, fuel, vm);
            }
            None => far_bool::<M>((result, list, index), words, window, fuel, vm),
        }
    }
    SetItemBool { list, index, value, due } => {
        let value = get(window, value);
        match vm.heap.own_bool(get(window, list), get(window, index)) {
            Some(place) if covers(fuel, due) => {
                *place = byte(value);
                go_on::<M>(rest, window, fuel, vm);
            }
            _ => reach::<M>(words, window, fuel, vm),
        }
    }
    Push { list, value, due } => {
        let list = get(window, list);
        let fields::Items { shares, most } = fields::Items::of(word_at(words, 1));
        if !covers(fuel, due) {
            return if vm.heap.has_room(list, most) {
                short(rest, fuel, vm, 0)
            } else {
                reach::<M>(words, window, fuel, vm)
            };
        }
        let value = get(window, value);
        if vm.heap.append(list, value, most) {
            if shares {
                vm.heap.share(value);
            }
            return go_behind::<M>(1, rest, window, fuel, vm);
        }
        reach::<M>(words, window, fuel, vm);
    }
    PushBool { list, value, due } => {
        let list = get(window, list);
        let fields::Items { most, .. } = fields::Items::of(word_at(words, 1));
        if !covers(fuel, due) {
            return if vm.heap.has_room(list, most) {
                short(rest, fuel, vm, 0)
            } else {
                reach::<M>(words, window, fuel, vm)
            };
        }
        if vm.heap.append_bool(list, get(window, value), most) {
            return go_behind::<M>(1, rest, window, fuel, vm);
        }
        reach::<M>(words, window, fuel, vm);
    }
    Unwrap { result, value } => {
        match vm.data().unwrap(get(window, value)) {
            Some(value) => {
                set(window, result, value);
                go_on::<M>(rest, window, fuel, vm);
            }
            None => trap(words, fuel, vm, TrapCode::NoneUnwrapped),
        }
    }
    Case { result, value } => {
        let case = vm.data().case(get(window, value));
        set(window, result, u64::from(case));
        go_on::<M>(rest, window, fuel, vm);
    }
    Payload { result, value, case, field } => {
        let value = get(window, value);
        if vm.data().case(value) != case {
            return trap(words, fuel, vm, TrapCode::WrongCase);
        }
        let held = vm.data().payload(value, field);
        set(window, result, held);
        go_on::<M>(rest, window, fuel, vm);
    }
}

/// The value under a key of a map, if there is one; where it lies is noted.
#[inline(never)]
fn look_up(order: Order, map: u64, key: u64, vm: &mut Vm<'_>) -> Option<u64> {
    let found = map::find(vm.data(), order, map, key);
    *vm.found = found.as_ref().map_or(0, |entry| entry.at);
    vm.searched = found.as_ref().map_or((0, 0), |entry| (key, entry.key));
    found.map(|entry| entry.value)
}

/// A field of what is no row like the last one.
#[inline(never)]
fn far_field<'a, M: Mode>(
    (result, record, field): (u8, u8, u8),
    rest: Words<'a>,
    window: &'a Window,
    fuel: i64,
    vm: &mut Vm<'a>,
) {
    set(window, result, vm.rows.field(&vm.heap, get(window, record), field));
    go_on::<M>(rest, window, fuel, vm);
}

/// An item of another list than the last one.
#[inline(never)]
fn far_item<'a, M: Mode>(
    (result, list, index): (u8, u8, u8),
    words: Words<'a>,
    window: &'a Window,
    fuel: i64,
    vm: &mut Vm<'a>,
) {
    let [_, rest @ ..] = words else { return mistaken(words, window, fuel, vm) };
    match vm.rows.item(&vm.heap, get(window, list), get(window, index)) {
        Some(value) => {
            set(window, result, value);
            go_on::<M>(rest, window, fuel, vm);
        }
        None => trap(words, fuel, vm, TrapCode::IndexOutOfRange),
    }
}

/// An item of a list of bools that does not lie in the arena.
#[inline(never)]
fn far_bool<'a, M: Mode>(
    (result, list, index): (u8, u8, u8),
    words: Words<'a>,
    window: &'a Window,
    fuel: i64,
    vm: &mut Vm<'a>,
) {
    let [_, rest @ ..] = words else { return mistaken(words, window, fuel, vm) };
    let at = u32::try_from(get(window, index)).ok();
    match at.and_then(|at| vm.data().item(get(window, list), at)) {
        Some(value) => {
            set(window, result, value);
            go_on::<M>(rest, window, fuel, vm);
        }
        None => trap(words, fuel, vm, TrapCode::IndexOutOfRange),
    }
}

/// How two texts are ordered.
#[inline(never)]
fn texts(vm: &Vm<'_>, left: u64, right: u64) -> Ordering {
    vm.data().text(left).cmp(vm.data().text(right))
}
