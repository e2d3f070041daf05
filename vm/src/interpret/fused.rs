//! Fused words: see [`crate::fuse`] for which ops each stands for. One whose ops would trap, or cannot be paid, does
//! nothing and leaves the work to the words behind it.
#![expect(non_snake_case, reason = "a handler is named as its word")]

use swarm_bytecode::numeric;

use super::chain::{Mode, Rest, Vm, go_on, go_to, handlers, internal, mistaken};
use super::flow::next_in_range;
use super::fuel::{covers, give};
use super::window::{constant, float, get, set, word as int};
use crate::heap::Header;
use crate::scope::Window;
use crate::slot;
use crate::word::Word;

handlers! {
    (word, rest, window, fuel, vm);

    Unfused {} => { go_on::<M>(rest, window, fuel, vm); }

    LessIf { left, right, result, unless } => {
        let holds = (int(window, left) < int(window, right)) != unless;
        set(window, result, u64::from(holds));
        branch_2::<M>(holds, rest, window, fuel, vm);
    }
    EqualIf { left, right, result, unless } => {
        let holds = (get(window, left) == get(window, right)) != unless;
        set(window, result, u64::from(holds));
        branch_2::<M>(holds, rest, window, fuel, vm);
    }
    LessFloatIf { left, right, result, unless } => {
        let holds = (float(window, left) < float(window, right)) != unless;
        set(window, result, u64::from(holds));
        branch_2::<M>(holds, rest, window, fuel, vm);
    }
    LessConstantIf { other, register, result, unless, constant } => {
        let value = constant_of(vm, constant);
        let holds = (int(window, other) < value.cast_signed()) != unless;
        set(window, register, value);
        set(window, result, u64::from(holds));
        branch_3::<M>(holds, rest, window, fuel, vm);
    }
    MoreConstantIf { other, register, result, unless, constant } => {
        let value = constant_of(vm, constant);
        let holds = (int(window, other) > value.cast_signed()) != unless;
        set(window, register, value);
        set(window, result, u64::from(holds));
        branch_3::<M>(holds, rest, window, fuel, vm);
    }
    EqualConstantIf { other, register, result, unless, constant } => {
        let value = constant_of(vm, constant);
        let holds = (get(window, other) == value) != unless;
        set(window, register, value);
        set(window, result, u64::from(holds));
        branch_3::<M>(holds, rest, window, fuel, vm);
    }
    FieldLessIf { loaded, record, field, other, result, unless } => {
        let Some(value) = vm.rows.near_field(vm.heap, get(window, record), field) else {
            return go_on::<M>(rest, window, fuel, vm);
        };
        let holds = (value.cast_signed() < int(window, other)) != unless;
        set(window, loaded, value);
        set(window, result, u64::from(holds));
        branch_3::<M>(holds, rest, window, fuel, vm);
    }
    FieldMoreIf { loaded, record, field, other, result, unless } => {
        let Some(value) = vm.rows.near_field(vm.heap, get(window, record), field) else {
            return go_on::<M>(rest, window, fuel, vm);
        };
        let holds = (value.cast_signed() > int(window, other)) != unless;
        set(window, loaded, value);
        set(window, result, u64::from(holds));
        branch_3::<M>(holds, rest, window, fuel, vm);
    }
    ItemIf { result, list, index } => {
        match vm.rows.near_item(vm.heap, get(window, list), get(window, index)) {
            Some(value) => {
                set(window, result, value);
                branch_2::<M>(value != 0, rest, window, fuel, vm);
            }
            None => go_on::<M>(rest, window, fuel, vm),
        }
    }
    SumMoreIf { sum, left, right, other, result, unless } => {
        let value = float(window, left) + float(window, right);
        if value.is_finite() {
            let holds = (value > float(window, other)) != unless;
            set(window, sum, slot::from_float(value));
            set(window, result, u64::from(holds));
            return branch_3::<M>(holds, rest, window, fuel, vm);
        }
        go_on::<M>(rest, window, fuel, vm);
    }

    MoveNext { result, value } => {
        match rest.as_slice() {
            [_, Word::NextInRange { item, last, due }, after @ ..] if covers(fuel, *due) => {
                set(window, result, get(window, value));
                next_in_range::<M>(after.iter(), window, fuel, vm, (*item, *last, *due));
            }
            _ => go_on::<M>(rest, window, fuel, vm),
        }
    }
    SetItemNext {} => {
        if let [
            Word::SetItem { list, index, value, shares: false, .. },
            Word::NextInRange { item, last, due },
            after @ ..,
        ] = rest.as_slice()
            && covers(fuel, *due)
            && let Some(place) = vm.heap.own_item(get(window, *list), get(window, *index))
        {
            *place = get(window, *value);
            return next_in_range::<M>(after.iter(), window, fuel, vm, (*item, *last, *due));
        }
        go_on::<M>(rest, window, fuel, vm);
    }
    PushNext { list, value } => {
        if let [_, Word::Items { shares: false, most }, Word::NextInRange { item, last, due }, after @ ..] =
            rest.as_slice()
            && let Some(Header { length, room, .. }) = vm.heap.writable(get(window, list))
            && length < room
            && length < *most
            && covers(fuel, *due)
        {
            vm.heap.append(get(window, list), length, get(window, value));
            return next_in_range::<M>(after.iter(), window, fuel, vm, (*item, *last, *due));
        }
        go_on::<M>(rest, window, fuel, vm);
    }

    AddConstant { result, other, register, constant } => {
        let value = constant_of(vm, constant);
        match numeric::add(int(window, other), value.cast_signed()) {
            Ok(sum) => {
                set(window, register, value);
                set(window, result, sum.cast_unsigned());
                go_behind_2::<M>(rest, window, fuel, vm);
            }
            Err(_) => go_on::<M>(rest, window, fuel, vm),
        }
    }
    SubConstant { result, other, register, constant } => {
        let value = constant_of(vm, constant);
        match numeric::subtract(int(window, other), value.cast_signed()) {
            Ok(difference) => {
                set(window, register, value);
                set(window, result, difference.cast_unsigned());
                go_behind_2::<M>(rest, window, fuel, vm);
            }
            Err(_) => go_on::<M>(rest, window, fuel, vm),
        }
    }
    MulConstant { result, other, register, constant } => {
        let value = constant_of(vm, constant);
        match numeric::multiply(int(window, other), value.cast_signed()) {
            Ok(product) => {
                set(window, register, value);
                set(window, result, product.cast_unsigned());
                go_behind_2::<M>(rest, window, fuel, vm);
            }
            Err(_) => go_on::<M>(rest, window, fuel, vm),
        }
    }
    MulAddInt { middle, left, right, result, other } => {
        if let Ok(product) = numeric::multiply(int(window, left), int(window, right))
            && let Ok(sum) = numeric::add(product, int(window, other))
        {
            set(window, middle, product.cast_unsigned());
            set(window, result, sum.cast_unsigned());
            return go_behind_2::<M>(rest, window, fuel, vm);
        }
        go_on::<M>(rest, window, fuel, vm);
    }
    MulAddAndInt { middle, left, right, other, mask } => {
        if let [_, _, Word::AndInt { result, due, .. }, after @ ..] = rest.as_slice()
            && covers(fuel, *due)
            && let Ok(product) = numeric::multiply(int(window, left), int(window, right))
            && let Ok(sum) = numeric::add(product, int(window, other))
        {
            let masked = sum.cast_unsigned() & get(window, mask);
            set(window, middle, sum.cast_unsigned());
            set(window, *result, masked);
            return go_on::<M>(after.iter(), window, fuel, vm);
        }
        go_on::<M>(rest, window, fuel, vm);
    }
    ShiftXorInt { middle, left, right, other } => {
        if let [_, Word::XorInt { result, due, .. }, after @ ..] = rest.as_slice()
            && covers(fuel, *due)
            && let Ok(shifted) = numeric::shift_right(int(window, left), int(window, right))
        {
            let mixed = shifted.cast_unsigned() ^ get(window, other);
            set(window, middle, shifted.cast_unsigned());
            set(window, *result, mixed);
            return go_on::<M>(after.iter(), window, fuel, vm);
        }
        go_on::<M>(rest, window, fuel, vm);
    }

    // What is not finite stays so through sums and products, so a last result that is finite vouches for all.
    TwiceMulFloat { first, left, right, second, second_left, second_right } => {
        let product = float(window, left) * float(window, right);
        let other = float(window, second_left) * float(window, second_right);
        if product.is_finite() && other.is_finite() {
            set(window, first, slot::from_float(product));
            set(window, second, slot::from_float(other));
            return go_behind_2::<M>(rest, window, fuel, vm);
        }
        go_on::<M>(rest, window, fuel, vm);
    }
    MulAddFloat { middle, left, right, result, other } => {
        let product = float(window, left) * float(window, right);
        let sum = product + float(window, other);
        if sum.is_finite() {
            set(window, middle, slot::from_float(product));
            set(window, result, slot::from_float(sum));
            return go_behind_2::<M>(rest, window, fuel, vm);
        }
        go_on::<M>(rest, window, fuel, vm);
    }
    SubAddFloat { middle, left, right, result, other } => {
        let difference = float(window, left) - float(window, right);
        let sum = difference + float(window, other);
        if sum.is_finite() {
            set(window, middle, slot::from_float(difference));
            set(window, result, slot::from_float(sum));
            return go_behind_2::<M>(rest, window, fuel, vm);
        }
        go_on::<M>(rest, window, fuel, vm);
    }
    MulMulAddFloat { middle, left, right, factor, result, other } => {
        let product = float(window, left) * float(window, right) * float(window, factor);
        let sum = product + float(window, other);
        if sum.is_finite() {
            set(window, middle, slot::from_float(product));
            set(window, result, slot::from_float(sum));
            return go_behind_3::<M>(rest, window, fuel, vm);
        }
        go_on::<M>(rest, window, fuel, vm);
    }
}

#[inline(always)]
fn constant_of(vm: &Vm<'_>, place: u16) -> u64 {
    constant(vm.code, u32::from(place))
}

/// Goes on behind two words, which are done.
#[inline(always)]
fn go_behind_2<'a, M: Mode>(rest: Rest<'a>, window: &'a Window, fuel: i64, vm: &mut Vm<'a>) {
    match rest.as_slice() {
        [_, _, after @ ..] => go_on::<M>(after.iter(), window, fuel, vm),
        _ => internal(fuel, vm),
    }
}

/// Goes on behind three words, which are done.
#[inline(always)]
fn go_behind_3<'a, M: Mode>(rest: Rest<'a>, window: &'a Window, fuel: i64, vm: &mut Vm<'a>) {
    match rest.as_slice() {
        [_, _, _, after @ ..] => go_on::<M>(after.iter(), window, fuel, vm),
        _ => internal(fuel, vm),
    }
}

/// Goes on behind two words, of which the second is an `if`, or where that leads.
#[inline(always)]
fn branch_2<'a, M: Mode>(holds: bool, rest: Rest<'a>, window: &'a Window, fuel: i64, vm: &mut Vm<'a>) {
    match rest.as_slice() {
        [_, branch, after @ ..] => branch_on::<M>(holds, branch, after, window, fuel, vm),
        _ => internal(fuel, vm),
    }
}

/// Goes on behind three words, of which the last is an `if`, or where that leads.
#[inline(always)]
fn branch_3<'a, M: Mode>(holds: bool, rest: Rest<'a>, window: &'a Window, fuel: i64, vm: &mut Vm<'a>) {
    match rest.as_slice() {
        [_, _, branch, after @ ..] => branch_on::<M>(holds, branch, after, window, fuel, vm),
        _ => internal(fuel, vm),
    }
}

#[inline(always)]
fn branch_on<'a, M: Mode>(
    holds: bool,
    branch: &'a Word,
    after: &'a [Word],
    window: &'a Window,
    fuel: i64,
    vm: &mut Vm<'a>,
) {
    if holds {
        return go_on::<M>(after.iter(), window, fuel, vm);
    }
    match branch {
        Word::If { credit, otherwise, .. } => {
            go_to::<M>(*otherwise, window, give(fuel, *credit), vm);
        }
        _ => internal(fuel, vm),
    }
}
