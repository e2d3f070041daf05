//! Fused words: see [`crate::fuse`] for which ops each stands for. One whose ops would trap, or cannot be
//! paid, does nothing and leaves the work to the words behind it.
#![expect(non_snake_case, reason = "a handler is named as its word")]

use swarm_bytecode::numeric;

use super::chain::{Mode, Rest, Vm, go_behind, go_on, go_to, handlers, internal, mistaken};
use super::flow::next_in_range;
use super::fuel::{covers, give, take_all};
use super::window::{constant, float, get, set, word as int};
use crate::heap::bools::byte;
use crate::scope::Window;
use crate::slot;
use crate::word::Word;

handlers! {
    (word, rest, window, fuel, vm);

    Unfused {} => { go_on::<M>(rest, window, fuel, vm); }

    LessIf { left, right, result, unless } => {
        let holds = (int(window, left) < int(window, right)) != unless;
        set(window, result, u64::from(holds));
        branch::<M, 2>(holds, rest, window, fuel, vm);
    }
    EqualIf { left, right, result, unless } => {
        let holds = (get(window, left) == get(window, right)) != unless;
        set(window, result, u64::from(holds));
        branch::<M, 2>(holds, rest, window, fuel, vm);
    }
    LessFloatIf { left, right, result, unless } => {
        let holds = (float(window, left) < float(window, right)) != unless;
        set(window, result, u64::from(holds));
        branch::<M, 2>(holds, rest, window, fuel, vm);
    }
    LessConstantIf { other, register, result, unless, constant } => {
        let value = constant_of(vm, constant);
        let holds = (int(window, other) < value.cast_signed()) != unless;
        set(window, register, value);
        set(window, result, u64::from(holds));
        branch::<M, 3>(holds, rest, window, fuel, vm);
    }
    MoreConstantIf { other, register, result, unless, constant } => {
        let value = constant_of(vm, constant);
        let holds = (int(window, other) > value.cast_signed()) != unless;
        set(window, register, value);
        set(window, result, u64::from(holds));
        branch::<M, 3>(holds, rest, window, fuel, vm);
    }
    EqualConstantIf { other, register, result, unless, constant } => {
        let value = constant_of(vm, constant);
        let holds = (get(window, other) == value) != unless;
        set(window, register, value);
        set(window, result, u64::from(holds));
        branch::<M, 3>(holds, rest, window, fuel, vm);
    }
    FieldLessIf { loaded, record, field, other, result, unless } => {
        let Some(value) = vm.rows.near_field(get(window, record), field) else {
            return own_field::<M>(word, rest, window, fuel, vm);
        };
        let holds = (value.cast_signed() < int(window, other)) != unless;
        set(window, loaded, value);
        set(window, result, u64::from(holds));
        branch::<M, 3>(holds, rest, window, fuel, vm);
    }
    FieldMoreIf { loaded, record, field, other, result, unless } => {
        let Some(value) = vm.rows.near_field(get(window, record), field) else {
            return own_field::<M>(word, rest, window, fuel, vm);
        };
        let holds = (value.cast_signed() > int(window, other)) != unless;
        set(window, loaded, value);
        set(window, result, u64::from(holds));
        branch::<M, 3>(holds, rest, window, fuel, vm);
    }
    ItemIf { result, list, index } => {
        match vm.heap.bool_item(get(window, list), get(window, index)) {
            Some(value) => {
                set(window, result, value);
                branch::<M, 2>(value != 0, rest, window, fuel, vm);
            }
            None => go_on::<M>(rest, window, fuel, vm),
        }
    }
    SumMoreIf { sum, left, right, other, result, unless } => {
        let value = float(window, left) + float(window, right);
        if value.is_finite() {
            let holds = (value > float(window, other)) != unless;
            set(window, sum, slot::from_sum(value));
            set(window, result, u64::from(holds));
            return branch::<M, 3>(holds, rest, window, fuel, vm);
        }
        go_on::<M>(rest, window, fuel, vm);
    }

    ProductsMoreIf { first, left, right, second, second_left, second_right, sum } => {
        let product = float(window, left) * float(window, right);
        let other = float(window, second_left) * float(window, second_right);
        let value = product + other;
        if let [_, _, _, Word::LtFloat { result, left: limit, .. }, Word::If { credit, otherwise, .. }, ..] =
            rest.as_slice()
            && value.is_finite()
        {
            // The limit may be one of the products. Their sum is −0 where both are.
            set(window, first, slot::from_float(product));
            set(window, second, slot::from_float(other));
            set(window, sum, slot::from_float(value));
            let holds = float(window, *limit) < value;
            set(window, *result, u64::from(holds));
            if holds {
                return go_behind::<M>(5, rest, window, fuel, vm);
            }
            return go_to::<M>(*otherwise, window, give(fuel, *credit), vm);
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
    SetItemNext { list, index, value } => {
        if let [Word::SetItem { shares: false, .. }, Word::NextInRange { item, last, due }, after @ ..] =
            rest.as_slice()
            && covers(fuel, *due)
            && let Some(place) = vm.heap.own_item(get(window, list), get(window, index))
        {
            *place = get(window, value).to_le_bytes();
            return next_in_range::<M>(after.iter(), window, fuel, vm, (*item, *last, *due));
        }
        go_on::<M>(rest, window, fuel, vm);
    }
    SetConstantNext { list, index, register, constant } => {
        let value = constant_of(vm, constant);
        if let [_, _, Word::NextInRange { item, last, due }, after @ ..] = rest.as_slice()
            && covers(fuel, *due)
            && let Some(place) = vm.heap.own_item(get(window, list), get(window, index))
        {
            *place = value.to_le_bytes();
            set(window, register, value);
            return next_in_range::<M>(after.iter(), window, fuel, vm, (*item, *last, *due));
        }
        go_on::<M>(rest, window, fuel, vm);
    }
    SetItemBoolNext { list, index, value } => {
        if let [Word::SetItemBool { .. }, Word::NextInRange { item, last, due }, after @ ..] = rest.as_slice()
            && covers(fuel, *due)
            && let Some(place) = vm.heap.own_bool(get(window, list), get(window, index))
        {
            *place = byte(get(window, value));
            return next_in_range::<M>(after.iter(), window, fuel, vm, (*item, *last, *due));
        }
        go_on::<M>(rest, window, fuel, vm);
    }
    SetConstantBoolNext { list, index, register, value } => {
        if let [_, _, Word::NextInRange { item, last, due }, after @ ..] = rest.as_slice()
            && covers(fuel, *due)
            && let Some(place) = vm.heap.own_bool(get(window, list), get(window, index))
        {
            *place = u8::from(value);
            set(window, register, u64::from(value));
            return next_in_range::<M>(after.iter(), window, fuel, vm, (*item, *last, *due));
        }
        go_on::<M>(rest, window, fuel, vm);
    }
    PushNext { list, value } => {
        if let [_, Word::Items { shares: false, most }, Word::NextInRange { item, last, due }, after @ ..] = rest.as_slice()
            && covers(fuel, *due)
            && vm.heap.append(get(window, list), get(window, value), *most)
        {
            return next_in_range::<M>(after.iter(), window, fuel, vm, (*item, *last, *due));
        }
        go_on::<M>(rest, window, fuel, vm);
    }
    PushBoolNext { list, value } => {
        if let [_, Word::Items { most, .. }, Word::NextInRange { item, last, due }, after @ ..] = rest.as_slice()
            && covers(fuel, *due)
            && vm.heap.append_bool(get(window, list), get(window, value), *most)
        {
            return next_in_range::<M>(after.iter(), window, fuel, vm, (*item, *last, *due));
        }
        go_on::<M>(rest, window, fuel, vm);
    }

    FillRounds {} => {
        if let [
            Word::Integer { result: constant, value },
            Word::Push { list, .. } | Word::PushBool { list, .. },
            Word::Items { shares: false, most },
            Word::NextInRange { item, last, due },
            ..,
        ] = rest.as_slice()
        {
            let (at, due) = (int(window, *item), i64::from(*due));
            let affordable = fuel.checked_div(due).unwrap_or(0);
            let rounds = int(window, *last).saturating_sub(at).min(affordable).max(0).cast_unsigned();
            let value = i64::from(*value).cast_unsigned();
            let done = vm.heap.fill(get(window, *list), value, *most, rounds).cast_signed();
            if done > 0 {
                set(window, *constant, value);
                set(window, *item, at.wrapping_add(done).cast_unsigned());
            }
            return go_on::<M>(rest, window, take_all(fuel, due.wrapping_mul(done)), vm);
        }
        go_on::<M>(rest, window, fuel, vm);
    }

    AddConstant { result, other, register, constant } => {
        let value = constant_of(vm, constant);
        match numeric::add(int(window, other), value.cast_signed()) {
            Ok(sum) => {
                set(window, register, value);
                set(window, result, sum.cast_unsigned());
                go_behind::<M>(2, rest, window, fuel, vm);
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
                go_behind::<M>(2, rest, window, fuel, vm);
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
                go_behind::<M>(2, rest, window, fuel, vm);
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
            return go_behind::<M>(2, rest, window, fuel, vm);
        }
        go_on::<M>(rest, window, fuel, vm);
    }
    MulAddAndInt { middle, left, right, other, mask } => {
        if let [_, _, Word::AndInt { result, due, .. }, ..] = rest.as_slice()
            && covers(fuel, *due)
            && let Ok(product) = numeric::multiply(int(window, left), int(window, right))
            && let Ok(sum) = numeric::add(product, int(window, other))
        {
            let masked = sum.cast_unsigned() & get(window, mask);
            set(window, middle, sum.cast_unsigned());
            set(window, *result, masked);
            return go_behind::<M>(3, rest, window, fuel, vm);
        }
        go_on::<M>(rest, window, fuel, vm);
    }
    ShiftXorInt { middle, left, right, other } => {
        let Ok(shifted) = numeric::shift_right(int(window, left), int(window, right)) else {
            return go_on::<M>(rest, window, fuel, vm);
        };
        let shifted = shifted.cast_unsigned();
        let mixed = shifted ^ get(window, other);
        match rest.as_slice() {
            // Where numbers are mixed, that is mostly the end of a round.
            [_, Word::XorInt { result, .. }, Word::NextInRange { item, last, due }, after @ ..]
                if covers(fuel, *due) =>
            {
                set(window, middle, shifted);
                set(window, *result, mixed);
                next_in_range::<M>(after.iter(), window, fuel, vm, (*item, *last, *due));
            }
            [_, Word::XorInt { result, due, .. }, ..] if covers(fuel, *due) => {
                set(window, middle, shifted);
                set(window, *result, mixed);
                go_behind::<M>(2, rest, window, fuel, vm);
            }
            _ => go_on::<M>(rest, window, fuel, vm),
        }
    }

    // What is not finite stays so through sums and products, so a last result that is finite vouches for all.
    TwiceMulFloat { first, left, right, second, second_left, second_right } => {
        let product = float(window, left) * float(window, right);
        let other = float(window, second_left) * float(window, second_right);
        if product.is_finite() && other.is_finite() {
            set(window, first, slot::from_float(product));
            set(window, second, slot::from_float(other));
            return go_behind::<M>(2, rest, window, fuel, vm);
        }
        go_on::<M>(rest, window, fuel, vm);
    }
    MulAddFloat { middle, left, right, result, other } => {
        let product = float(window, left) * float(window, right);
        let sum = product + float(window, other);
        if sum.is_finite() {
            set(window, middle, slot::from_float(product));
            set(window, result, slot::from_sum(sum));
            return go_behind::<M>(2, rest, window, fuel, vm);
        }
        go_on::<M>(rest, window, fuel, vm);
    }
    SubAddFloat { middle, left, right, result, other } => {
        let difference = float(window, left) - float(window, right);
        let sum = difference + float(window, other);
        if sum.is_finite() {
            set(window, middle, slot::from_sum(difference));
            set(window, result, slot::from_sum(sum));
            return go_behind::<M>(2, rest, window, fuel, vm);
        }
        go_on::<M>(rest, window, fuel, vm);
    }
    MulMulAddFloat { middle, left, right, factor, result, other } => {
        let product = float(window, left) * float(window, right) * float(window, factor);
        let sum = product + float(window, other);
        if sum.is_finite() {
            set(window, middle, slot::from_float(product));
            set(window, result, slot::from_sum(sum));
            return go_behind::<M>(3, rest, window, fuel, vm);
        }
        go_on::<M>(rest, window, fuel, vm);
    }
}

/// A condition on a field of what is no row like the last one.
#[inline(never)]
fn own_field<'a, M: Mode>(word: &'a Word, rest: Rest<'a>, window: &'a Window, fuel: i64, vm: &mut Vm<'a>) {
    let (Word::FieldLessIf { loaded, record, field, other, result, unless }
    | Word::FieldMoreIf { loaded, record, field, other, result, unless }) = *word
    else {
        return mistaken(rest, window, fuel, vm);
    };
    let Some(value) = vm.heap.field(get(window, record), field) else {
        return go_on::<M>(rest, window, fuel, vm);
    };
    let (own, limit) = (value.cast_signed(), int(window, other));
    let is = if matches!(word, Word::FieldLessIf { .. }) { own < limit } else { own > limit };
    set(window, loaded, value);
    set(window, result, u64::from(is != unless));
    branch::<M, 3>(is != unless, rest, window, fuel, vm);
}

#[inline(always)]
fn constant_of(vm: &Vm<'_>, place: u16) -> u64 {
    constant(vm.code, u32::from(place))
}

/// Goes on behind so many words, of which the last is an `if`, or where that leads.
#[inline(always)]
fn branch<'a, M: Mode, const WORDS: usize>(
    holds: bool,
    rest: Rest<'a>,
    window: &'a Window,
    fuel: i64,
    vm: &mut Vm<'a>,
) {
    if holds {
        return go_behind::<M>(WORDS, rest, window, fuel, vm);
    }
    match rest.as_slice().first_chunk::<WORDS>().and_then(|words| words.last()) {
        Some(Word::If { credit, otherwise, .. }) => {
            go_to::<M>(*otherwise, window, give(fuel, *credit), vm);
        }
        _ => internal(fuel, vm),
    }
}
