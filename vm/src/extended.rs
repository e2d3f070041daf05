//! Ops that take more than a word can hold: their decoded form, and what they do.

use swarm_bytecode::cost;
use swarm_bytecode::native::NativeFunction;
use swarm_bytecode::trap::TrapCode;
use swarm_bytecode::types::TypeId;

use crate::decode::{Argument, Operands};
use crate::machine::Pause;
use crate::metric::MetricState;
use crate::native::{self, MAX_PARAMETERS};
use crate::objects::{MapShape, new_case, new_map, new_some};
use crate::order::Order;
use crate::print;
use crate::scope::{Scope, Window, check_count, check_text, full};
use crate::slot;
use crate::value::ValueRef;

/// An op with a result, and operands too many for a word.
#[derive(Debug, Clone)]
pub(crate) enum Extended {
    /// A quantile, in parts per million.
    Quantile { metric: u16, share: u32 },
    /// A mean; of whole numbers a float.
    Mean { metric: u16, float: bool },
    /// The items with the greatest or least keys.
    Top(Top),
    /// A case of an enum with its payload.
    NewCase { case: u8, payload: Operands },
    /// A map of keys and values.
    NewMap { entries: Operands, shape: MapShape },
    /// A value of this type as text.
    Text { value: u8, ty: TypeId },
    /// Texts one behind the other.
    Concat { parts: Operands },
    /// A native; where the types of its arguments stand, and that of its result.
    Native { function: NativeFunction, arguments: Operands, types: u32, returns: TypeId },
}

/// Operands of `top`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Top {
    pub(crate) list: u8,
    pub(crate) keys: u8,
    pub(crate) count: u8,
    /// The least instead of the greatest.
    pub(crate) bottom: bool,
    pub(crate) order: Order,
    /// Whether the items are references.
    pub(crate) shares: bool,
    /// How many items the result may have.
    pub(crate) most: u32,
    /// Type of the result.
    pub(crate) returns: TypeId,
}

fn read(window: &Window, register: u8) -> u64 {
    crate::interpret::get(window, register)
}

/// Carries an op out; gives its result.
#[inline(never)]
pub(crate) fn run(
    op: &Extended,
    scope: &mut Scope<'_>,
    window: &Window,
    metrics: &[MetricState],
) -> Result<u64, Pause> {
    let code = scope.code;
    match op {
        Extended::Quantile { metric, share } => {
            let value = metrics.get(usize::from(*metric)).and_then(|state| state.quantile(*share));
            optional(scope, value)
        }
        Extended::Mean { metric, float } => {
            let value = metrics.get(usize::from(*metric)).and_then(|state| state.mean(*float));
            optional(scope, value)
        }
        Extended::Top(operands) => top(scope, window, *operands),
        Extended::NewCase { case, payload } => new_case(scope, window, *case, code.operands(*payload)),
        Extended::NewMap { entries, shape } => new_map(scope, window, code.operands(*entries), *shape),
        Extended::Text { value, ty } => {
            let value = ValueRef { data: scope.data(), ty: *ty, slot: read(window, *value) };
            let text = print::text(value).map_err(Pause::Trap)?;
            let length = check_text(text.len())?;
            scope.pay(cost::print_text(length), length)?;
            scope.heap.push_text(&text).map_err(full)
        }
        Extended::Concat { parts } => concat(scope, window, code.operands(*parts)),
        Extended::Native { function, arguments, types, returns } => {
            let mut slots = [0; MAX_PARAMETERS];
            let arguments = code.operands(*arguments);
            for (slot, argument) in slots.iter_mut().zip(arguments) {
                *slot = read(window, argument.register);
            }
            let types = code.types(*types, arguments.len());
            native::call(&mut native::Call { scope, function: *function, slots, types, returns: *returns })
        }
    }
}

/// The current value of a metric: of a total its sum, of a gauge an optional.
#[inline(never)]
pub(crate) fn read_metric(scope: &mut Scope<'_>, state: Option<&MetricState>) -> Result<u64, Pause> {
    let value = state.and_then(MetricState::read);
    if matches!(state, Some(MetricState::Gauge { .. })) {
        return optional(scope, value);
    }
    scope.pay(0, 0)?;
    Ok(value.unwrap_or(0))
}

/// A number that may not be there.
fn optional(scope: &mut Scope<'_>, value: Option<u64>) -> Result<u64, Pause> {
    let Some(value) = value else {
        scope.pay(0, 0)?;
        return Ok(0);
    };
    new_some(scope, value, false)
}

fn top(scope: &mut Scope<'_>, window: &Window, operands: Top) -> Result<u64, Pause> {
    let Top { bottom, order, shares, most, returns, .. } = operands;
    let (list, keys) = (read(window, operands.list), read(window, operands.keys));
    let items = scope.data().length(list);
    if scope.data().length(keys) < items {
        return Err(Pause::Trap(TrapCode::IndexOutOfRange));
    }
    let count = read(window, operands.count).cast_signed().clamp(0, i64::from(items));
    let taken = u32::try_from(count).unwrap_or(items);
    check_count(u64::from(taken), u64::from(most))?;
    let data = scope.data();
    let mut ranked: Vec<(u64, u32)> = (0..items).filter_map(|at| Some((data.item(keys, at)?, at))).collect();
    let key_bytes = ranked.iter().fold(0, |sum: u64, (key, _)| sum.saturating_add(order.text_bytes(*key)));
    let words = cost::object_words(u64::from(taken));
    let charge = cost::top(u64::from(items), key_bytes, u64::from(taken));
    scope.pay_words(charge, words)?;
    let data = scope.data();
    // Stable, so that of equal keys the one that stands first comes first.
    ranked.sort_by(|(left, _), (right, _)| {
        if bottom { order.compare(data, *left, *right) } else { order.compare(data, *right, *left) }
    });
    let best = ranked.into_iter().take(slot::index(taken));
    let best: Vec<u64> = best.filter_map(|(_, at)| data.item(list, at)).collect();
    scope.list(returns, &best, shares)
}

fn concat(scope: &mut Scope<'_>, window: &Window, parts: &[Argument]) -> Result<u64, Pause> {
    let parts = parts.iter().map(|part| read(window, part.register));
    let add = |sum: usize, part| sum.saturating_add(slot::index(slot::text_length(part)));
    let length = check_text(parts.clone().fold(0, add))?;
    scope.pay(cost::make_text(length), length)?;
    scope.heap.concat(scope.code, scope.attached, parts).map_err(full)
}
