//! Words that compute one value from registers and constants, and do nothing else.
#![expect(non_snake_case, reason = "a handler is named as its word")]

use swarm_bytecode::numeric;
use swarm_bytecode::trap::TrapCode;

use super::chain::{Mode, Vm, Words, go_on, handlers, mistaken, short, trap};
use super::fuel::covers;
use super::window::{constant, float, get, set, word as int};
use crate::scope::Window;
use crate::slot;
use crate::word::fields;

/// Handlers of words that give a value.
macro_rules! values {
    (($window:ident, $vm:ident); $($name:ident { $result:ident $(, $field:ident)* } => $value:expr;)*) => {
        handlers! {
            (words, rest, $window, fuel, $vm);
            $($name { $result $(, $field)* } => {
                set($window, $result, $value);
                go_on::<M>(rest, $window, fuel, $vm);
            })*
        }
    };
}

/// Handlers of words that give a value or trap.
macro_rules! checked {
    (($window:ident, $vm:ident); $($name:ident { $result:ident $(, $field:ident)* } => $value:expr;)*) => {
        handlers! {
            (words, rest, $window, fuel, $vm);
            $($name { $result $(, $field)* } => {
                match $value {
                    Ok(value) => {
                        set($window, $result, value);
                        go_on::<M>(rest, $window, fuel, $vm);
                    }
                    Err(code) => trap(words, fuel, $vm, code),
                }
            })*
        }
    };
}

/// Handlers of words that settle, then give a value or trap.
macro_rules! natives {
    (($window:ident); $($name:ident { $result:ident, $left:ident, $right:ident } => $value:expr;)*) => {
        handlers! {
            (words, rest, $window, fuel, vm);
            $($name { $result, $left, $right, due } => {
                if !covers(fuel, due) {
                    return short(rest, fuel, vm, 0);
                }
                match $value {
                    Ok(value) => {
                        set($window, $result, value);
                        go_on::<M>(rest, $window, fuel, vm);
                    }
                    Err(code) => trap(words, fuel, vm, code),
                }
            })*
        }
    };
}

values! {
    (window, vm);
    Move { result, value } => get(window, value);
    Integer { result, value } => i64::from(value).cast_unsigned();
    Constant { result, constant } => constant_of(vm, constant);
    Input { result, input } => given(&vm.attached.inputs, input);
    Context { result, context } => given(&vm.attached.contexts, context);
    NegFloat { result, value } => slot::from_float(-float(window, value));
    IntToFloat { result, value } => slot::from_float(numeric::int_to_float(int(window, value)));
    PercentToFloat { result, value } => slot::from_float(numeric::percent_to_float(int(window, value)));
    EqSlot { result, left, right } => u64::from(get(window, left) == get(window, right));
    NeSlot { result, left, right } => u64::from(get(window, left) != get(window, right));
    LtInt { result, left, right } => u64::from(int(window, left) < int(window, right));
    LeInt { result, left, right } => u64::from(int(window, left) <= int(window, right));
    LtFloat { result, left, right } => u64::from(float(window, left) < float(window, right));
    LeFloat { result, left, right } => u64::from(float(window, left) <= float(window, right));
    Not { result, value } => get(window, value) ^ 1;
    IsSome { result, value } => u64::from(get(window, value) != 0);
}

checked! {
    (window, vm);
    AddInt { result, left, right } => ints(window, left, right, numeric::add);
    SubInt { result, left, right } => ints(window, left, right, numeric::subtract);
    MulInt { result, left, right } => ints(window, left, right, numeric::multiply);
    DivInt { result, left, right } => ints(window, left, right, numeric::divide);
    ModInt { result, left, right } => ints(window, left, right, numeric::modulo);
    NegInt { result, value } => numeric::negate(int(window, value)).map(i64::cast_unsigned);
    Product { result, left, right, divisor } => {
        let divisor = constant_of(vm, divisor).cast_signed();
        ints(window, left, right, |left, right| numeric::product(left, right, divisor))
    };
    Quotient { result, left, right, factor } => {
        let factor = constant_of(vm, factor).cast_signed();
        ints(window, left, right, |left, right| numeric::quotient(left, factor, right))
    };
    Ratio { result, left, right } => {
        numeric::ratio(int(window, left), int(window, right)).map(slot::from_float)
    };
    Scale { result, value, factor } => {
        numeric::scale(int(window, value), float(window, factor)).map(i64::cast_unsigned)
    };
    Unscale { result, value, divisor } => {
        numeric::unscale(int(window, value), float(window, divisor)).map(i64::cast_unsigned)
    };
    AddFloat { result, left, right } => floats(window, left, right, numeric::add_float).map(slot::from_sum);
    SubFloat { result, left, right } => floats(window, left, right, numeric::subtract_float).map(slot::from_sum);
    MulFloat { result, left, right } => floats(window, left, right, numeric::multiply_float).map(slot::from_float);
    DivFloat { result, left, right } => floats(window, left, right, numeric::divide_float).map(slot::from_float);
}

natives! {
    (window);
    AndInt { result, left, right } => Ok(get(window, left) & get(window, right));
    OrInt { result, left, right } => Ok(get(window, left) | get(window, right));
    XorInt { result, left, right } => Ok(get(window, left) ^ get(window, right));
    ShiftLeft { result, left, right } => ints(window, left, right, numeric::shift_left);
    ShiftRight { result, left, right } => ints(window, left, right, numeric::shift_right);
}

/// What an operation on two integers gives.
#[inline(always)]
fn ints(
    window: &Window,
    left: u8,
    right: u8,
    operation: impl FnOnce(i64, i64) -> Result<i64, TrapCode>,
) -> Result<u64, TrapCode> {
    operation(int(window, left), int(window, right)).map(i64::cast_unsigned)
}

/// What an operation on two floats gives.
#[inline(always)]
fn floats(
    window: &Window,
    left: u8,
    right: u8,
    operation: impl FnOnce(f64, f64) -> Result<f64, TrapCode>,
) -> Result<f64, TrapCode> {
    operation(float(window, left), float(window, right))
}

#[inline(always)]
fn constant_of(vm: &Vm<'_>, place: u32) -> u64 {
    constant(vm.code, place)
}

/// An input or a context value, 0 until it is given.
fn given(values: &[Option<u64>], at: u16) -> u64 {
    values.get(usize::from(at)).copied().flatten().unwrap_or(0)
}
