//! Fused words: see [`crate::fuse`] for which ops each stands for. One whose ops would trap, or cannot be
//! paid, does nothing and leaves the work to the words behind it.
#![expect(non_snake_case, reason = "a handler is named as its word")]

use swarm_bytecode::numeric;

use super::chain::{Mode, Vm, Words, go_behind, go_on, go_to, mistaken, word_at};
use super::flow::next_in_range;
use super::fuel::{covers, give, owes, take, take_all};
use super::window::{constant, float, get, set, word as int};
use crate::heap::bools::byte;
use crate::scope::Window;
use crate::slot;
use crate::word::{Kind, Word, fields};

/// Handlers of fused words: the fields of each, how many words it stands for with its own, and what it does.
macro_rules! fused {
    (
        ($words:ident, $window:ident, $fuel:ident, $vm:ident);
        $($name:ident $fields:tt $count:literal => $body:block)*
    ) => { $(
        pub(super) fn $name<'a, M: Mode>($words: Words<'a>, $window: &'a Window, $fuel: i64, $vm: &mut Vm<'a>) {
            // With the word to go on with, so that one look at how many there are serves all.
            let Some(own) = $words.first().filter(|_| $words.len() > $count) else {
                return mistaken($words, $window, $fuel, $vm);
            };
            let fields::$name $fields = fields::$name::of(own);
            $body
        }
    )* };
}

fused! {
    (words, window, fuel, vm);

    Unfused {} 1 => { go_behind::<M>(1, words, window, fuel, vm); }

    LessIf { left, right, result, unless } 3 => {
        let holds = (int(window, left) < int(window, right)) != unless;
        set(window, result, u64::from(holds));
        branch::<M, 3>(holds, words, window, fuel, vm);
    }
    EqualIf { left, right, result, unless } 3 => {
        let holds = (get(window, left) == get(window, right)) != unless;
        set(window, result, u64::from(holds));
        branch::<M, 3>(holds, words, window, fuel, vm);
    }
    LessFloatIf { left, right, result, unless } 3 => {
        let holds = (float(window, left) < float(window, right)) != unless;
        set(window, result, u64::from(holds));
        branch::<M, 3>(holds, words, window, fuel, vm);
    }
    LessConstantIf { other, register, result, unless, constant } 4 => {
        let value = constant_of(vm, constant);
        let holds = (int(window, other) < value.cast_signed()) != unless;
        set(window, register, value);
        set(window, result, u64::from(holds));
        branch::<M, 4>(holds, words, window, fuel, vm);
    }
    MoreConstantIf { other, register, result, unless, constant } 4 => {
        let value = constant_of(vm, constant);
        let holds = (int(window, other) > value.cast_signed()) != unless;
        set(window, register, value);
        set(window, result, u64::from(holds));
        branch::<M, 4>(holds, words, window, fuel, vm);
    }
    EqualConstantIf { other, register, result, unless, constant } 4 => {
        let value = constant_of(vm, constant);
        let holds = (get(window, other) == value) != unless;
        set(window, register, value);
        set(window, result, u64::from(holds));
        branch::<M, 4>(holds, words, window, fuel, vm);
    }
    FieldLessIf { loaded, record, field, other, result, unless } 4 => {
        let Some(value) = vm.rows.near_field(get(window, record), field) else {
            return own_field::<M>(words, window, fuel, vm);
        };
        let holds = (value.cast_signed() < int(window, other)) != unless;
        set(window, loaded, value);
        set(window, result, u64::from(holds));
        branch::<M, 4>(holds, words, window, fuel, vm);
    }
    FieldMoreIf { loaded, record, field, other, result, unless } 4 => {
        let Some(value) = vm.rows.near_field(get(window, record), field) else {
            return own_field::<M>(words, window, fuel, vm);
        };
        let holds = (value.cast_signed() > int(window, other)) != unless;
        set(window, loaded, value);
        set(window, result, u64::from(holds));
        branch::<M, 4>(holds, words, window, fuel, vm);
    }
    ItemIf { result, list, index } 3 => {
        let Some(value) = vm.heap.bool_item(get(window, list), get(window, index)) else {
            return unfused::<M>(words, window, fuel, vm, 0);
        };
        set(window, result, value);
        branch::<M, 3>(value != 0, words, window, fuel, vm);
    }
    ItemElse { result, list, index } 4 => {
        let Some(value) = vm.heap.bool_item(get(window, list), get(window, index)) else {
            return unfused::<M>(words, window, fuel, vm, 0);
        };
        set(window, result, value);
        if value == 0 {
            let fields::If { credit, otherwise, .. } = fields::If::of(word_at(words, 2));
            debug_assert_eq!(slot::index(otherwise), vm.place_before(words).wrapping_add(5));
            return go_behind::<M>(4, words, window, give(fuel, credit), vm);
        }
        let fields::Jump { credit, target } = fields::Jump::of(word_at(words, 3));
        go_to::<M>(target, window, give(fuel, credit), vm);
    }
    SumMoreIf { sum, left, right, other, result, unless } 4 => {
        let value = float(window, left) + float(window, right);
        if !numeric::is_finite(value) {
            return unfused::<M>(words, window, fuel, vm, 0);
        }
        let holds = (value > float(window, other)) != unless;
        set(window, sum, slot::from_sum(value));
        set(window, result, u64::from(holds));
        branch::<M, 4>(holds, words, window, fuel, vm);
    }

    SquaresMoreIf { first, left, second, right, sum } 6 => {
        let (one, other) = (float(window, left), float(window, right));
        let (one, other) = (one * one, other * other);
        let value = one + other;
        if !numeric::is_finite(value) {
            return unfused::<M>(words, window, fuel, vm, 0);
        }
        // The limit may be one of the squares, which are never −0.
        set(window, first, one.to_bits());
        set(window, second, other.to_bits());
        set(window, sum, slot::from_sum(value));
        let asks = word_at(words, 4);
        let holds = float(window, fields::LtFloat::left(asks)) < value;
        set(window, fields::LtFloat::result(asks), u64::from(holds));
        branch::<M, 6>(holds, words, window, fuel, vm);
    }

    MoveNext { result, value } 3 => {
        let left = take(fuel, due_in_range(words, 2));
        if owes(left) {
            return unpaid_round::<M, 2>(words, window, left, vm);
        }
        set(window, result, get(window, value));
        next_in_range::<M, 2>(words, window, left, vm);
    }
    SetItemNext { list, index, value } 3 => {
        let left = take(fuel, due_in_range(words, 2));
        if !owes(left) && let Some(place) = vm.heap.own_item(get(window, list), get(window, index)) {
            *place = get(window, value).to_le_bytes();
            return next_in_range::<M, 2>(words, window, left, vm);
        }
        unpaid_round::<M, 2>(words, window, left, vm);
    }
    SetConstantNext { list, index, register, constant } 4 => {
        let value = constant_of(vm, constant);
        let left = take(fuel, due_in_range(words, 3));
        if !owes(left) && let Some(place) = vm.heap.own_item(get(window, list), get(window, index)) {
            *place = value.to_le_bytes();
            set(window, register, value);
            return next_in_range::<M, 3>(words, window, left, vm);
        }
        unpaid_round::<M, 3>(words, window, left, vm);
    }
    SetItemBoolNext { list, index, value } 3 => {
        let left = take(fuel, due_in_range(words, 2));
        if !owes(left) && let Some(place) = vm.heap.own_bool(get(window, list), get(window, index)) {
            *place = byte(get(window, value));
            return next_in_range::<M, 2>(words, window, left, vm);
        }
        unpaid_round::<M, 2>(words, window, left, vm);
    }
    SetConstantBoolNext { list, index, register, value } 4 => {
        let left = take(fuel, due_in_range(words, 3));
        if !owes(left) && let Some(place) = vm.heap.own_bool(get(window, list), get(window, index)) {
            let value = u64::from(value);
            *place = byte(value);
            set(window, register, value);
            return next_in_range::<M, 3>(words, window, left, vm);
        }
        unpaid_round::<M, 3>(words, window, left, vm);
    }
    PushNext { list, value } 4 => {
        let most = fields::Items::most(word_at(words, 2));
        let left = take(fuel, due_in_range(words, 3));
        if !owes(left) && vm.heap.append(get(window, list), get(window, value), most) {
            return next_in_range::<M, 3>(words, window, left, vm);
        }
        unpaid_round::<M, 3>(words, window, left, vm);
    }
    PushBoolNext { list, value } 4 => {
        let most = fields::Items::most(word_at(words, 2));
        let left = take(fuel, due_in_range(words, 3));
        if !owes(left) && vm.heap.append_bool(get(window, list), get(window, value), most) {
            return next_in_range::<M, 3>(words, window, left, vm);
        }
        unpaid_round::<M, 3>(words, window, left, vm);
    }

    FillRounds {} 5 => {
        let fields::Integer { result: constant, value } = fields::Integer::of(word_at(words, 1));
        let pushes = word_at(words, 2);
        let list = match pushes.kind() == Kind::Push as u8 {
            true => fields::Push::list(pushes),
            false => fields::PushBool::list(pushes),
        };
        let fields::Items { most, shares } = fields::Items::of(word_at(words, 3));
        if shares {
            return unfused::<M>(words, window, fuel, vm, 0);
        }
        let fields::NextInRange { item, last, due, .. } = fields::NextInRange::of(word_at(words, 4));
        let (at, due) = (int(window, item), i64::from(due));
        let affordable = fuel.checked_div(due).unwrap_or(0);
        let rounds = int(window, last).saturating_sub(at).min(affordable).max(0).cast_unsigned();
        let value = i64::from(value).cast_unsigned();
        let done = vm.heap.fill(get(window, list), value, most, rounds).cast_signed();
        if done > 0 {
            set(window, constant, value);
            set(window, item, at.wrapping_add(done).cast_unsigned());
        }
        go_behind::<M>(1, words, window, take_all(fuel, due.wrapping_mul(done)), vm);
    }

    AddConstant { result, other, register, constant } 3 => {
        let value = constant_of(vm, constant);
        let Ok(sum) = numeric::add(int(window, other), value.cast_signed()) else {
            return unfused::<M>(words, window, fuel, vm, 0);
        };
        set(window, register, value);
        set(window, result, sum.cast_unsigned());
        go_behind::<M>(3, words, window, fuel, vm);
    }
    SubConstant { result, other, register, constant } 3 => {
        let value = constant_of(vm, constant);
        let Ok(difference) = numeric::subtract(int(window, other), value.cast_signed()) else {
            return unfused::<M>(words, window, fuel, vm, 0);
        };
        set(window, register, value);
        set(window, result, difference.cast_unsigned());
        go_behind::<M>(3, words, window, fuel, vm);
    }
    MulConstant { result, other, register, constant } 3 => {
        let value = constant_of(vm, constant);
        let Ok(product) = numeric::multiply(int(window, other), value.cast_signed()) else {
            return unfused::<M>(words, window, fuel, vm, 0);
        };
        set(window, register, value);
        set(window, result, product.cast_unsigned());
        go_behind::<M>(3, words, window, fuel, vm);
    }
    MulAddInt { middle, left, right, result, other } 3 => {
        if let Ok(product) = numeric::multiply(int(window, left), int(window, right))
            && let Ok(sum) = numeric::add(product, int(window, other))
        {
            set(window, middle, product.cast_unsigned());
            set(window, result, sum.cast_unsigned());
            return go_behind::<M>(3, words, window, fuel, vm);
        }
        unfused::<M>(words, window, fuel, vm, 0);
    }
    MulAddAndInt { middle, left, right, other, mask } 4 => {
        let masks = word_at(words, 3);
        if covers(fuel, fields::AndInt::due(masks))
            && let Ok(product) = numeric::multiply(int(window, left), int(window, right))
            && let Ok(sum) = numeric::add(product, int(window, other))
        {
            let masked = sum.cast_unsigned() & get(window, mask);
            set(window, middle, sum.cast_unsigned());
            set(window, fields::AndInt::result(masks), masked);
            return go_behind::<M>(4, words, window, fuel, vm);
        }
        unfused::<M>(words, window, fuel, vm, 0);
    }
    ShiftXorInt { middle, left, right, other } 3 => {
        let Ok(shifted) = numeric::shift_right(int(window, left), int(window, right)) else {
            return unfused::<M>(words, window, fuel, vm, 0);
        };
        let shifted = shifted.cast_unsigned();
        let mixed = shifted ^ get(window, other);
        let mixes = word_at(words, 2);
        if !covers(fuel, fields::XorInt::due(mixes)) {
            return unfused::<M>(words, window, fuel, vm, 0);
        }
        set(window, middle, shifted);
        set(window, fields::XorInt::result(mixes), mixed);
        go_behind::<M>(3, words, window, fuel, vm);
    }
    ShiftXorNext { middle, left: shifts, right, other } 4 => {
        let left = take(fuel, due_in_range(words, 3));
        if !owes(left) && let Ok(shifted) = numeric::shift_right(int(window, shifts), int(window, right)) {
            let mixed = shifted.cast_unsigned() ^ get(window, other);
            set(window, middle, shifted.cast_unsigned());
            set(window, fields::XorInt::result(word_at(words, 2)), mixed);
            return next_in_range::<M, 3>(words, window, left, vm);
        }
        unpaid_round::<M, 3>(words, window, left, vm);
    }

    // What is not finite stays so through sums and products, so a last result that is finite vouches for all.
    TwiceMulFloat { first, left, right, second, second_left, second_right } 3 => {
        let product = float(window, left) * float(window, right);
        let other = float(window, second_left) * float(window, second_right);
        if !numeric::is_finite(product) || !numeric::is_finite(other) {
            return unfused::<M>(words, window, fuel, vm, 0);
        }
        let (Some(product), Some(other)) = (slot::own_bits(product), slot::own_bits(other)) else {
            return unfused::<M>(words, window, fuel, vm, 0);
        };
        set(window, first, product);
        set(window, second, other);
        go_behind::<M>(3, words, window, fuel, vm);
    }
    MulAddFloat { middle, left, right, result, other } 3 => {
        let product = float(window, left) * float(window, right);
        let sum = product + float(window, other);
        if !numeric::is_finite(sum) {
            return unfused::<M>(words, window, fuel, vm, 0);
        }
        set(window, middle, slot::from_float(product));
        set(window, result, slot::from_sum(sum));
        go_behind::<M>(3, words, window, fuel, vm);
    }
    SubAddFloat { middle, left, right, result, other } 3 => {
        let difference = float(window, left) - float(window, right);
        let sum = difference + float(window, other);
        if !numeric::is_finite(sum) {
            return unfused::<M>(words, window, fuel, vm, 0);
        }
        set(window, middle, slot::from_sum(difference));
        set(window, result, slot::from_sum(sum));
        go_behind::<M>(3, words, window, fuel, vm);
    }
    MulMulAddFloat { middle, left, right, factor, result, other } 4 => {
        let product = float(window, left) * float(window, right) * float(window, factor);
        let sum = product + float(window, other);
        if !numeric::is_finite(sum) {
            return unfused::<M>(words, window, fuel, vm, 0);
        }
        set(window, middle, slot::from_float(product));
        set(window, result, slot::from_sum(sum));
        go_behind::<M>(4, words, window, fuel, vm);
    }
}

/// What the round is due that ends at a word, a [`fields::NextInRange`].
#[inline(always)]
fn due_in_range(words: Words<'_>, at: usize) -> u16 {
    fields::NextInRange::due(word_at(words, at))
}

/// A fused word that does nothing leaves the work to those behind it, and what was paid is given back. Rare, and by itself it computes
/// the fuel anew, so that handlers need not keep it.
#[cold]
#[inline(never)]
fn unfused<'a, M: Mode>(words: Words<'a>, window: &'a Window, left: i64, vm: &mut Vm<'a>, due: u16) {
    match words {
        [word, rest @ ..] if word.decode().is_some_and(Word::is_fused) => {
            go_on::<M>(rest, window, give(left, due), vm)
        }
        _ => mistaken(words, window, left, vm),
    }
}

/// The same of a word that ends a round, the [`fields::NextInRange`] `AT` these words, which was paid.
#[cold]
#[inline(never)]
fn unpaid_round<'a, M: Mode, const AT: usize>(
    words: Words<'a>,
    window: &'a Window,
    left: i64,
    vm: &mut Vm<'a>,
) {
    match words.get(AT) {
        Some(end) => unfused::<M>(words, window, left, vm, fields::NextInRange::due(end)),
        None => mistaken(words, window, left, vm),
    }
}

/// A condition on a field of what is no row like the last one.
#[inline(never)]
fn own_field<'a, M: Mode>(words: Words<'a>, window: &'a Window, fuel: i64, vm: &mut Vm<'a>) {
    let [own, _, _, _, _, ..] = words else { return mistaken(words, window, fuel, vm) };
    let Some(
        own @ (Word::FieldLessIf { loaded, record, field, other, result, unless }
        | Word::FieldMoreIf { loaded, record, field, other, result, unless }),
    ) = own.decode()
    else {
        return mistaken(words, window, fuel, vm);
    };
    let Some(value) = vm.heap.field(get(window, record), field) else {
        return go_behind::<M>(1, words, window, fuel, vm);
    };
    let (loads, limit) = (value.cast_signed(), int(window, other));
    let is = if matches!(own, Word::FieldLessIf { .. }) { loads < limit } else { loads > limit };
    set(window, loaded, value);
    set(window, result, u64::from(is != unless));
    branch::<M, 4>(is != unless, words, window, fuel, vm);
}

#[inline(always)]
fn constant_of(vm: &Vm<'_>, place: u16) -> u64 {
    constant(vm.code, u32::from(place))
}

/// Goes on behind so many words, of which the last is an `if`, or where that leads.
#[inline(always)]
fn branch<'a, M: Mode, const WORDS: usize>(
    holds: bool,
    words: Words<'a>,
    window: &'a Window,
    fuel: i64,
    vm: &mut Vm<'a>,
) {
    if holds {
        return go_behind::<M>(WORDS, words, window, fuel, vm);
    }
    let leads = word_at(words, WORDS.wrapping_sub(1));
    go_to::<M>(fields::If::otherwise(leads), window, give(fuel, fields::If::credit(leads)), vm);
}
