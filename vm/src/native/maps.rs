//! Maps.

use swarm_bytecode::cost::{self, NativeWork};

use super::{Call, Given};
use crate::map;
use crate::order::Order;
use crate::scope::full;

/// Key and value of all entries in the order of the keys, and what it costs to bring them into it.
fn sorted(call: &mut Call<'_, '_>, order: Order) -> (Vec<(u64, u64)>, NativeWork) {
    let map = call.slot(0);
    call.scope.maps(order).sort(map);
    let data = call.scope.data();
    let entries: Vec<(u64, u64)> = (0..data.length(map)).filter_map(|at| data.entry(map, at)).collect();
    let count = u64::from(data.length(map));
    let text_bytes = entries.iter().fold(0, |sum: u64, (key, _)| sum.saturating_add(order.text_bytes(*key)));
    (entries, NativeWork { items: count, slots: count, text_bytes, ..NativeWork::default() })
}

pub(super) fn keys(call: &mut Call<'_, '_>) -> Given {
    let (entries, work) = sorted(call, call.key_order(0));
    let keys: Vec<u64> = entries.into_iter().map(|(key, _)| key).collect();
    call.list(&keys, work, false)
}

pub(super) fn values(call: &mut Call<'_, '_>) -> Given {
    let (entries, work) = sorted(call, call.key_order(0));
    let values: Vec<u64> = entries.into_iter().map(|(_, value)| value).collect();
    let shares = call.is_reference(call.entry(0).1);
    call.list(&values, work, shares)
}

fn key_work(call: &Call<'_, '_>, order: Order) -> NativeWork {
    NativeWork { text_bytes: order.text_bytes(call.slot(1)), ..NativeWork::default() }
}

pub(super) fn has(call: &mut Call<'_, '_>) -> Given {
    let order = call.key_order(0);
    let found = map::position(call.scope.data(), order, call.slot(0), call.slot(1)).is_some();
    call.pay(key_work(call, order), 0)?;
    Ok(u64::from(found))
}

pub(super) fn without(call: &mut Call<'_, '_>) -> Given {
    let order = call.key_order(0);
    let (map, key) = (call.slot(0), call.slot(1));
    let work = key_work(call, order);
    let found = map::position(call.scope.data(), order, map, key);
    let left = u64::from(call.scope.data().length(map)).saturating_sub(u64::from(found.is_some()));
    call.check_count(left)?;
    let Some(at) = found else {
        call.pay(work, 0)?;
        call.scope.heap.share(map);
        return Ok(map);
    };
    let room = cost::capacity(left);
    call.pay(NativeWork { words: cost::map_words(room), ..work }, 0)?;
    call.scope.maps(order).copy(map, room, Some(at)).map_err(full)
}
