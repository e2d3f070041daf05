//! Natives: library functions that are not written in Swarm. What each gives is said in the table of
//! [`swarm_bytecode::native`]; what numbers and texts mean, in [`swarm_bytecode::numeric`] and
//! [`swarm_bytecode::text`].
//!
//! Each computes its result, or finds that it traps, then pays by its [`Charge`](swarm_bytecode::native::Charge),
//! then puts the result into the arena.

mod lists;
mod maps;
mod numbers;
mod texts;
mod time;

use swarm_bytecode::cost::{self, NativeWork};
use swarm_bytecode::native::NativeFunction;
use swarm_bytecode::types::{Class, Type, TypeId};

use crate::decode::is_reference;
use crate::machine::Pause;
use crate::order::Order;
use crate::scope::Scope;

/// Most parameters of a native.
pub(crate) const MAX_PARAMETERS: usize = 3;

/// A native with what it is given.
pub(crate) struct Call<'c, 'a> {
    pub(crate) scope: &'c mut Scope<'a>,
    pub(crate) function: NativeFunction,
    /// Its arguments, and zeros.
    pub(crate) slots: [u64; MAX_PARAMETERS],
    /// Types of its arguments.
    pub(crate) types: &'c [TypeId],
    /// Type of its result.
    pub(crate) returns: TypeId,
}

/// What a native gives.
type Given = Result<u64, Pause>;

/// Carries a native out.
#[inline(never)]
pub(crate) fn call(call: &mut Call<'_, '_>) -> Given {
    use NativeFunction as Native;
    match call.function {
        Native::Absolute => numbers::absolute(call),
        Native::Minimum => numbers::minimum(call),
        Native::Maximum => numbers::maximum(call),
        Native::Clamp => numbers::clamp(call),
        Native::Round => numbers::round(call),
        Native::Floor => numbers::floor(call),
        Native::Ceiling => numbers::ceiling(call),
        Native::ToFloat => numbers::to_float(call),
        Native::SquareRoot => numbers::square_root(call),
        Native::Near => numbers::near(call),
        Native::Ratio => numbers::ratio(call),
        Native::PercentOf => numbers::percent_of(call),
        Native::BitNot => {
            let value = call.slot(0);
            call.plain(!value)
        }
        // They have words of their own.
        Native::BitAnd | Native::BitOr | Native::BitXor | Native::ShiftLeft | Native::ShiftRight => {
            Err(Pause::Internal)
        }

        Native::TextLength => texts::length(call),
        Native::Lower => texts::lower(call),
        Native::Upper => texts::upper(call),
        Native::Trim => texts::trim(call),
        Native::StartsWith => texts::starts_with(call),
        Native::EndsWith => texts::ends_with(call),
        Native::TextContains => texts::contains(call),
        Native::Replace => texts::replace(call),
        Native::Split => texts::split(call),
        Native::Words => texts::words(call),
        Native::Join => texts::join(call),
        Native::TextLeft => texts::left(call),
        Native::TextRight => texts::right(call),
        Native::TextIndexOf => texts::index_of(call),
        Native::ParseInt => texts::parse_int(call),
        Native::ParseFloat => texts::parse_float(call),
        Native::Repeat => texts::repeat(call),

        Native::Get => lists::get(call),
        Native::First => lists::first(call),
        Native::Last => lists::last(call),
        Native::Reverse => lists::reverse(call),
        Native::Sort => lists::sort(call),
        Native::Slice => lists::slice(call),
        Native::Append => lists::append(call),
        Native::ListContains => lists::contains(call),
        Native::ListIndexOf => lists::index_of(call),
        Native::Unique => lists::unique(call),

        Native::Keys => maps::keys(call),
        Native::Values => maps::values(call),
        Native::Has => maps::has(call),
        Native::Without => maps::without(call),

        Native::Year => time::part(call, |time| time.year),
        Native::Month => time::part(call, |time| time.month),
        Native::Day => time::part(call, |time| time.day),
        Native::Hour => time::part(call, |time| time.hour),
        Native::Minute => time::part(call, |time| time.minute),
        Native::Second => time::part(call, |time| time.second),
        Native::Weekday => time::part(call, |time| time.weekday),
        Native::Seconds => time::seconds(call),
    }
}

impl<'a> Call<'_, 'a> {
    fn slot(&self, at: usize) -> u64 {
        self.slots.get(at).copied().unwrap_or(0)
    }

    fn word(&self, at: usize) -> i64 {
        self.slot(at).cast_signed()
    }

    fn float(&self, at: usize) -> f64 {
        f64::from_bits(self.slot(at))
    }

    fn text(&self, at: usize) -> &str {
        self.scope.data().text(self.slot(at))
    }

    /// Type of an argument.
    fn ty(&self, at: usize) -> &'a Type {
        let module = self.scope.code.module();
        self.types.get(at).and_then(|ty| module.ty(*ty)).unwrap_or(&Type::Int)
    }

    /// Whether an argument is a float.
    fn is_float(&self, at: usize) -> bool {
        self.ty(at).class() == Class::Float
    }

    /// The items of an argument that is a list.
    fn items(&self, at: usize) -> Vec<u64> {
        let (data, list) = (self.scope.data(), self.slot(at));
        if let Some(items) = data.own_items(list) {
            return items.iter().map(|item| u64::from_le_bytes(*item)).collect();
        }
        (0..data.length(list)).filter_map(|at| data.item(list, at)).collect()
    }

    /// Type of the items of an argument that is a list.
    fn element(&self, at: usize) -> TypeId {
        if let Type::List { element, .. } = self.ty(at) { *element } else { TypeId::INT }
    }

    /// Types of keys and values of an argument that is a map.
    fn entry(&self, at: usize) -> (TypeId, TypeId) {
        if let Type::Map { key, value, .. } = self.ty(at) {
            (*key, *value)
        } else {
            (TypeId::INT, TypeId::INT)
        }
    }

    fn key_order(&self, map: usize) -> Order {
        Order::of(self.scope.code.module(), self.entry(map).0)
    }

    fn is_reference(&self, ty: TypeId) -> bool {
        is_reference(self.scope.code.module(), ty)
    }

    /// Pays for the work, for the objects it makes, and for so many bytes of new text.
    fn pay(&mut self, work: NativeWork, text_bytes: u64) -> Result<(), Pause> {
        let charge = cost::native(self.function.info().charge, work);
        self.scope.pay(charge, cost::object_bytes(work.words).saturating_add(text_bytes))
    }

    /// A result that is no object, of work that does not grow.
    fn plain(&mut self, value: u64) -> Given {
        self.pay(NativeWork::default(), 0)?;
        Ok(value)
    }

    fn plain_word(&mut self, value: i64) -> Given {
        self.plain(value.cast_unsigned())
    }

    fn plain_float(&mut self, value: f64) -> Given {
        self.plain(crate::slot::from_float(value))
    }

    /// An optional.
    fn optional(&mut self, value: Option<u64>, work: NativeWork, shares: bool) -> Given {
        let Some(value) = value else {
            self.pay(work, 0)?;
            return Ok(0);
        };
        self.pay(NativeWork { words: cost::object_words(1), ..work }, 0)?;
        self.scope.some(value, shares)
    }

    /// Whether the list or map it returns may have so many items or entries.
    fn check_count(&self, count: u64) -> Result<(), Pause> {
        let most = match self.scope.code.module().ty(self.returns) {
            Some(Type::List { max: Some(max), .. } | Type::Map { max: Some(max), .. }) => u64::from(*max),
            _ => cost::MAX_LIST_ITEMS,
        };
        crate::scope::check_count(count, most)
    }

    /// A list with these items.
    fn list(&mut self, items: &[u64], work: NativeWork, shares: bool) -> Given {
        let count = u64::from(crate::slot::count(items.len()));
        self.check_count(count)?;
        self.pay(NativeWork { words: cost::object_words(count), ..work }, 0)?;
        self.scope.list(self.returns, items, shares)
    }
}
