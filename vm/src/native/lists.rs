//! Lists.

use std::hash::{Hash, Hasher};

use swarm_bytecode::cost::NativeWork;
use swarm_bytecode::types::{Type, TypeId};

use super::{Call, Given};
use crate::compare::{equal, sort_maps};
use crate::keyed;
use crate::order::Order;
use crate::scope::Scope;
use crate::slot;

/// The item at an index, as an optional.
fn item(call: &mut Call<'_, '_>, at: Option<u32>) -> Given {
    let item = at.and_then(|at| call.scope.data().item(call.slot(0), at));
    let shares = call.is_reference(call.element(0));
    call.optional(item, NativeWork::default(), shares)
}

pub(super) fn get(call: &mut Call<'_, '_>) -> Given {
    let at = u32::try_from(call.word(1)).ok();
    item(call, at)
}

pub(super) fn first(call: &mut Call<'_, '_>) -> Given {
    item(call, Some(0))
}

pub(super) fn last(call: &mut Call<'_, '_>) -> Given {
    let last = call.scope.data().length(call.slot(0)).checked_sub(1);
    item(call, last)
}

/// A list of items of the first argument, of work that grows only with the list.
fn of_items(call: &mut Call<'_, '_>, items: &[u64], work: NativeWork) -> Given {
    let shares = call.is_reference(call.element(0));
    call.list(items, work, shares)
}

pub(super) fn reverse(call: &mut Call<'_, '_>) -> Given {
    let mut items = call.items(0);
    items.reverse();
    of_items(call, &items, NativeWork::default())
}

pub(super) fn slice(call: &mut Call<'_, '_>) -> Given {
    let length = i64::from(call.scope.data().length(call.slot(0)));
    // Where the places start and end, and what of them lies in the list.
    let (from, count) = (call.word(1), call.word(2).max(0));
    let end = from.saturating_add(count).clamp(0, length);
    let start = from.clamp(0, length);
    let (data, list) = (call.scope.data(), call.slot(0));
    let place = |at: i64| u32::try_from(at).ok();
    let items: Vec<u64> = (start..end).filter_map(|at| data.item(list, place(at)?)).collect();
    of_items(call, &items, NativeWork::default())
}

pub(super) fn append(call: &mut Call<'_, '_>) -> Given {
    let mut items = call.items(0);
    items.extend(call.items(1));
    of_items(call, &items, NativeWork::default())
}

pub(super) fn sort(call: &mut Call<'_, '_>) -> Given {
    let order = Order::of(call.scope.code.module(), call.element(0));
    let mut items = call.items(0);
    let work = whole(call);
    let data = call.scope.data();
    items.sort_by(|left, right| order.compare(data, *left, *right));
    of_items(call, &items, work)
}

/// Where the first item stands that equals the second argument. The work is that of looking at all of them.
fn find(call: &mut Call<'_, '_>) -> Option<u32> {
    let (list, wanted, ty) = (call.slot(0), call.slot(1), call.element(0));
    let length = call.scope.data().length(list);
    (0..length).find(|at| {
        let item = call.scope.data().item(list, *at);
        item.is_some_and(|item| equal(call.scope, ty, item, wanted).equal)
    })
}

pub(super) fn contains(call: &mut Call<'_, '_>) -> Given {
    let work = whole(call);
    call.pay(work, 0)?;
    Ok(u64::from(find(call).is_some()))
}

pub(super) fn index_of(call: &mut Call<'_, '_>) -> Given {
    let work = whole(call);
    // Only what is paid for is done; whether the result needs room is known only then.
    let found = if affordable(call, work) { find(call) } else { None };
    call.optional(found.map(u64::from), work, false)
}

/// Whether the work is within what the fuel limit leaves.
fn affordable(call: &Call<'_, '_>, work: NativeWork) -> bool {
    swarm_bytecode::cost::native(call.function.info().charge, work) <= call.scope.budget
}

pub(super) fn unique(call: &mut Call<'_, '_>) -> Given {
    let work = whole(call);
    if !affordable(call, work) {
        call.pay(work, 0)?;
    }
    let (ty, items) = (call.element(0), call.items(0));
    let mut hashed: Vec<(u64, usize)> = Vec::with_capacity(items.len());
    for (at, item) in items.iter().enumerate() {
        let mut hasher = keyed::hasher();
        hash(call.scope, ty, *item, &mut hasher);
        hashed.push((hasher.finish(), at));
    }
    hashed.sort_unstable();
    // Equal items have equal hashes and lie side by side, those that stand first in the list first.
    let mut kept: Vec<usize> = Vec::new();
    for group in hashed.chunk_by(|(left, _), (right, _)| left == right) {
        let from = kept.len();
        for (_, at) in group {
            let own = items.get(*at).copied().unwrap_or(0);
            let known = kept.iter().skip(from).any(|other| {
                let other = items.get(*other).copied().unwrap_or(0);
                equal(call.scope, ty, other, own).equal
            });
            if !known {
                kept.push(*at);
            }
        }
    }
    kept.sort_unstable();
    let items: Vec<u64> = kept.iter().filter_map(|at| items.get(*at).copied()).collect();
    of_items(call, &items, work)
}

/// What the first argument holds, however deep, as far as the fuel limit lets the native use it.
fn whole(call: &Call<'_, '_>) -> NativeWork {
    let mut measure = Measure { slots: 0, text_bytes: 0, most: call.scope.budget };
    if let Some(ty) = call.types.first() {
        measure.value(call.scope, *ty, call.slot(0));
    }
    NativeWork {
        items: u64::from(call.scope.data().length(call.slot(0))),
        slots: measure.slots,
        text_bytes: measure.text_bytes,
        ..NativeWork::default()
    }
}

/// Counts slots as comparing values does, and bytes of texts.
struct Measure {
    slots: u64,
    text_bytes: u64,
    /// Beyond so many slots it gives up: they are more than can be paid.
    most: u64,
}

impl Measure {
    /// Types nest at most 16 deep (rule V04), so this does too.
    fn value(&mut self, scope: &Scope<'_>, ty: TypeId, value: u64) {
        let data = scope.data();
        match scope.code.module().ty(ty) {
            Some(Type::String) => {
                self.text_bytes = self.text_bytes.saturating_add(u64::from(slot::text_length(value)));
            }
            Some(Type::List { element, .. }) => {
                for at in 0..data.length(value) {
                    if self.slots > self.most {
                        return;
                    }
                    self.part(scope, *element, data.item(value, at).unwrap_or(0));
                }
            }
            Some(Type::Map { key, value: held, .. }) => {
                for at in 0..data.length(value) {
                    if self.slots > self.most {
                        return;
                    }
                    let (own, other) = data.entry(value, at).unwrap_or((0, 0));
                    self.part(scope, *key, own);
                    self.part(scope, *held, other);
                }
            }
            Some(Type::Record { fields, .. }) => {
                for (at, field) in (0u8..=u8::MAX).zip(fields) {
                    self.part(scope, field.ty, data.field(value, at));
                }
            }
            Some(Type::Enum { cases, .. }) => {
                let fields = cases.get(usize::from(data.case(value))).map_or(&[][..], |case| &case.fields);
                for (at, field) in (0u8..=u8::MAX).zip(fields) {
                    self.part(scope, field.ty, data.payload(value, at));
                }
            }
            Some(Type::Optional(inner)) => {
                if let Some(held) = data.unwrap(value) {
                    self.part(scope, *inner, held);
                }
            }
            _ => {}
        }
    }

    fn part(&mut self, scope: &Scope<'_>, ty: TypeId, value: u64) {
        self.slots = self.slots.saturating_add(1);
        self.value(scope, ty, value);
    }
}

/// Hashes a value so that equal ones have equal hashes. Types nest at most 16 deep (rule V04), so this does too.
fn hash(scope: &mut Scope<'_>, ty: TypeId, value: u64, hasher: &mut impl Hasher) {
    let code = scope.code;
    match code.module().ty(ty) {
        Some(Type::String) => scope.data().text(value).hash(hasher),
        Some(Type::List { element, .. }) => {
            let length = scope.data().length(value);
            length.hash(hasher);
            for at in 0..length {
                let item = scope.data().item(value, at).unwrap_or(0);
                hash(scope, *element, item, hasher);
            }
        }
        Some(Type::Map { key, value: held, .. }) => {
            sort_maps(scope, ty, [value, 0]);
            let length = scope.data().length(value);
            length.hash(hasher);
            for at in 0..length {
                let (own, other) = scope.data().entry(value, at).unwrap_or((0, 0));
                hash(scope, *key, own, hasher);
                hash(scope, *held, other, hasher);
            }
        }
        Some(Type::Record { fields, .. }) => {
            for (at, field) in (0u8..=u8::MAX).zip(fields) {
                let part = scope.data().field(value, at);
                hash(scope, field.ty, part, hasher);
            }
        }
        Some(Type::Enum { cases, .. }) => {
            let case = scope.data().case(value);
            case.hash(hasher);
            let fields = cases.get(usize::from(case)).map_or(&[][..], |case| &case.fields);
            for (at, field) in (0u8..=u8::MAX).zip(fields) {
                let part = scope.data().payload(value, at);
                hash(scope, field.ty, part, hasher);
            }
        }
        Some(Type::Optional(inner)) => {
            let held = scope.data().unwrap(value);
            held.is_some().hash(hasher);
            if let Some(held) = held {
                hash(scope, *inner, held, hasher);
            }
        }
        _ => value.hash(hasher),
    }
}
