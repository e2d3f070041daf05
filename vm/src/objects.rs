//! Objects made, copied and changed while running.

use swarm_bytecode::cost;

use crate::decode::{Argument, Site, SiteTarget};
use crate::heap::{Header, Heap};
use crate::interpret::get;
use crate::machine::Pause;
use crate::map;
use crate::order::Order;
use crate::scope::{Scope, Window, check_count, full};
use crate::slot::{self, Reference};

/// A record or list of registers.
#[inline(never)]
pub(crate) fn new_object(scope: &mut Scope<'_>, window: &Window, site: Site) -> Result<u64, Pause> {
    let arguments = scope.code.arguments(site);
    let words = cost::object_words(u64::from(slot::count(arguments.len())));
    scope.pay_words(cost::allocate(words), words)?;
    if let SiteTarget::Bools = site.target {
        let items = arguments.iter().map(|argument| read(window, argument));
        return scope.heap.list(Header::of_list(arguments.len(), true), items).map_err(full);
    }
    share_arguments(scope.heap, window, arguments);
    let object = scope.heap.begin(slot::count(arguments.len())).map_err(full)?;
    for argument in arguments {
        scope.heap.push(read(window, argument));
    }
    Ok(object)
}

fn read(window: &Window, argument: &Argument) -> u64 {
    get(window, argument.register)
}

fn share_arguments(heap: &mut Heap, window: &Window, arguments: &[Argument]) {
    for argument in arguments.iter().filter(|argument| argument.shares) {
        heap.share(read(window, argument));
    }
}

/// The wrapping of an optional.
#[inline(never)]
pub(crate) fn new_some(scope: &mut Scope<'_>, value: u64, shares: bool) -> Result<u64, Pause> {
    let words = cost::object_words(1);
    scope.pay_words(cost::allocate(words), words)?;
    scope.some(value, shares)
}

/// A case of an enum.
#[inline(never)]
pub(crate) fn new_case(
    scope: &mut Scope<'_>,
    window: &Window,
    case: u8,
    payload: &[Argument],
) -> Result<u64, Pause> {
    let words = cost::case_words(u64::from(slot::count(payload.len())));
    scope.pay_words(cost::allocate(words), words)?;
    if payload.is_empty() {
        return Ok(slot::case(case));
    }
    share_arguments(scope.heap, window, payload);
    let object = scope.heap.begin(slot::count(payload.len()).saturating_add(1)).map_err(full)?;
    scope.heap.push(u64::from(case));
    for argument in payload {
        scope.heap.push(read(window, argument));
    }
    Ok(object)
}

/// A copy of a record that may be written. What its fields refer to is shared already, or lies outside the arena.
#[inline(never)]
pub(crate) fn move_record(scope: &mut Scope<'_>, record: u64, fields: u16) -> Result<u64, Pause> {
    let words = cost::object_words(u64::from(fields));
    scope.pay_words(cost::copy(words), words)?;
    let copy = scope.heap.begin(u32::from(fields)).map_err(full)?;
    for field in 0..fields {
        let value = scope.data().field(record, u8::try_from(field).unwrap_or(u8::MAX));
        scope.heap.push(value);
    }
    Ok(copy)
}

/// A copy of a list that may be written, of bools if the items are `bytes`.
#[inline(never)]
pub(crate) fn move_list(scope: &mut Scope<'_>, list: u64, length: u32, bytes: bool) -> Result<u64, Pause> {
    let words = cost::object_words(u64::from(length));
    scope.pay_words(cost::copy(words), words)?;
    copy_list(scope, list, Header { length, room: length, bytes, ..Header::default() })
}

/// A copy of a list with this header, paid for before.
fn copy_list(scope: &mut Scope<'_>, list: u64, header: Header) -> Result<u64, Pause> {
    let attached = scope.attached;
    let copy = if scope.heap.header(list).is_some() {
        scope.heap.copy_list(list, header)
    } else {
        let item = |at| attached.item(Reference::unpack(list), at).unwrap_or(0);
        scope.heap.list(header, (0..header.length).map(item))
    };
    copy.map_err(full)
}

/// What an op on a list knows of its type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ListShape {
    /// Whether its items are references.
    pub(crate) shares: bool,
    /// Whether they are bools.
    pub(crate) bytes: bool,
    /// How many it may have.
    pub(crate) most: u32,
}

/// Appends to a list that is shared, a view or full: it moves to where there is room. Gives the new list.
#[inline(never)]
pub(crate) fn push_moving(
    scope: &mut Scope<'_>,
    list: u64,
    value: u64,
    ListShape { shares, bytes, most }: ListShape,
) -> Result<u64, Pause> {
    let length = scope.data().length(list);
    let items = u64::from(length);
    check_count(items.saturating_add(1), u64::from(most))?;
    let header = scope.heap.header(list);
    let room = header.map_or(0, |header| u64::from(header.room));
    let copies = header.is_none_or(|header| header.shared);
    let wanted = cost::moves_to(items.saturating_add(1), room, copies).unwrap_or(room);
    scope.pay_words(cost::push(items, room, copies), cost::object_words(wanted))?;
    if shares {
        scope.heap.share(value);
    }
    let room = u32::try_from(wanted).map_err(|_| full(crate::heap::ArenaFull))?;
    let moved = copy_list(scope, list, Header { length, room, bytes, ..Header::default() })?;
    if bytes {
        scope.heap.append_bool(moved, value, most);
    } else {
        scope.heap.append(moved, value, most);
    }
    Ok(moved)
}

/// What an op on a map knows of its type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct MapShape {
    pub(crate) order: Order,
    /// Whether its values are references.
    pub(crate) shares: bool,
    /// How many entries it may have.
    pub(crate) most: u32,
}

/// A map of registers: key, value, key, value, …
#[inline(never)]
pub(crate) fn new_map(
    scope: &mut Scope<'_>,
    window: &Window,
    entries: &[Argument],
    shape: MapShape,
) -> Result<u64, Pause> {
    let pairs = || entries.chunks_exact(2).filter_map(|pair| Some((pair.first()?, pair.last()?)));
    let count = u64::from(slot::count(entries.len() / 2));
    let bytes = |(key, _): (&Argument, &Argument)| shape.order.text_bytes(read(window, key));
    let key_bytes = pairs().map(bytes).fold(0u64, u64::saturating_add);
    check_count(count, u64::from(shape.most))?;
    let room = cost::capacity(count);
    scope.pay_words(cost::new_map(count, key_bytes), cost::map_words(room))?;
    share_arguments(scope.heap, window, entries);
    let mut maps = scope.maps(shape.order);
    let map = maps.with_room(room).map_err(full)?;
    for (key, value) in pairs() {
        maps.set(map, read(window, key), read(window, value));
    }
    Ok(map)
}

/// Puts a value under a key, whose entry may be `near`. Gives the map, which may have moved.
#[inline(never)]
pub(crate) fn set_entry(
    scope: &mut Scope<'_>,
    map: u64,
    (key, value): (u64, u64),
    shape: MapShape,
    near: u32,
) -> Result<u64, Pause> {
    let known = map::position_near(scope.data(), shape.order, map, key, near);
    let entries = u64::from(scope.data().length(map)).saturating_add(u64::from(known.is_none()));
    check_count(entries, u64::from(shape.most))?;
    let target = writable(scope, map, None, key, entries, shape.order)?;
    if shape.shares {
        scope.heap.share(value);
    }
    let mut maps = scope.maps(shape.order);
    match known {
        // A copy has its entries in the same places.
        Some(at) => maps.set_value(target, at, value),
        None => maps.insert(target, key, value),
    }
    Ok(target)
}

/// Takes a key out. Gives the map, which may have moved.
#[inline(never)]
pub(crate) fn remove_entry(scope: &mut Scope<'_>, map: u64, key: u64, order: Order) -> Result<u64, Pause> {
    let Some(at) = map::position(scope.data(), order, map, key) else {
        scope.pay(cost::read_key(order.text_bytes(key)), 0)?;
        return Ok(map);
    };
    let entries = u64::from(scope.data().length(map)).saturating_sub(1);
    let target = writable(scope, map, Some(at), key, entries, order)?;
    if target == map {
        scope.maps(order).remove(map, at);
    }
    Ok(target)
}

/// Pays for changing a map so that it has so many entries; if it cannot stay where it is, moves it, but for the
/// entry `without`.
fn writable(
    scope: &mut Scope<'_>,
    map: u64,
    without: Option<u32>,
    key: u64,
    entries: u64,
    order: Order,
) -> Result<u64, Pause> {
    let header = scope.heap.header(map);
    let room = header.map_or(0, |header| u64::from(header.room));
    let copies = header.is_none_or(|header| header.shared);
    let moves = cost::moves_to(entries, room, copies);
    let words = moves.map_or(0, cost::map_words);
    scope.pay_words(cost::write_key(order.text_bytes(key), entries, room, copies), words)?;
    match moves {
        Some(room) => scope.maps(order).copy(map, room, without).map_err(full),
        None => Ok(map),
    }
}

/// Pays for going through a map in the order of its keys, and brings it into that.
#[inline(never)]
pub(crate) fn begin_entries(scope: &mut Scope<'_>, map: u64, order: Order) -> Result<(), Pause> {
    let data = scope.data();
    let entries = data.length(map);
    let keys = (0..entries).filter_map(|at| data.entry(map, at));
    let key_bytes = match order {
        Order::Text => keys.fold(0, |sum: u64, (key, _)| sum.saturating_add(order.text_bytes(key))),
        _ => 0,
    };
    scope.pay(cost::foreach_entry(u64::from(entries), key_bytes), 0)?;
    scope.maps(order).sort(map);
    Ok(())
}
