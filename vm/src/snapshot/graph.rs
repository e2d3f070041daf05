//! Values of an arena as a graph without addresses, and back: only what something refers to, what it refers
//! to before it.

use std::collections::BTreeMap;

use swarm_bytecode::cost;
use swarm_bytecode::types::{Class, Type, TypeId};

use super::image::{Graph, ObjectImage};
use crate::attached::Attached;
use crate::decode::{Code, holds_bools, is_reference};
use crate::heap::{Data, Header, Heap};
use crate::map::Maps;
use crate::order::Order;
use crate::slot::{self, ARENA, CASE, MAX_TEXT_BYTES, MODULE_TEXT, Reference, TextSlot};

/// Collects values into a [`Graph`].
pub(super) struct Collect<'a> {
    data: Data<'a>,
    objects: Vec<ObjectImage>,
    /// By offset in the arena.
    numbers: BTreeMap<u32, u64>,
    texts: Vec<(u32, u32)>,
    /// By slot.
    text_numbers: BTreeMap<u64, u64>,
}

impl<'a> Collect<'a> {
    pub(super) fn new(data: Data<'a>) -> Collect<'a> {
        Collect {
            data,
            objects: Vec::new(),
            numbers: BTreeMap::new(),
            texts: Vec::new(),
            text_numbers: BTreeMap::new(),
        }
    }

    pub(super) fn data(&self) -> Data<'a> {
        self.data
    }

    /// The slots of values of these types.
    pub(super) fn values<'s>(&mut self, typed: impl Iterator<Item = (TypeId, &'s u64)>, into: &mut Vec<u64>) {
        for (ty, slot) in typed {
            let value = self.value(ty, *slot);
            into.push(value);
        }
    }

    /// The slot of a value. Types nest at most 16 deep, so this does too.
    pub(super) fn value(&mut self, ty: TypeId, slot: u64) -> u64 {
        let declared = self.data.code.module().ty(ty);
        match declared.map(Type::class) {
            Some(Class::Word | Class::Bool | Class::Float) => slot,
            _ if slot == 0 => 0,
            Some(Class::String | Class::Secret) if TextSlot::unpack(slot).source == ARENA => self.text(slot),
            Some(Class::String | Class::Secret) => slot,
            Some(_) => match (Reference::unpack(slot), declared) {
                (Reference { source: ARENA, index }, Some(declared)) => {
                    self.object(ty, declared, slot, index)
                }
                _ => slot,
            },
            None => 0,
        }
    }

    fn text(&mut self, slot: u64) -> u64 {
        let TextSlot { offset, length, .. } = TextSlot::unpack(slot);
        if length == 0 {
            return 0;
        }
        let texts = &mut self.texts;
        *self.text_numbers.entry(slot).or_insert_with(|| {
            texts.push((offset, length));
            u64::from(slot::count(texts.len()))
        })
    }

    fn object(&mut self, ty: TypeId, declared: &Type, slot: u64, index: u32) -> u64 {
        if let Some(number) = self.numbers.get(&index) {
            return *number;
        }
        let Some(header) = self.data.heap.header(slot) else { return 0 };
        let mut slots = Vec::with_capacity(slot::index(header.length));
        match declared {
            Type::List { element, .. } => {
                for at in 0..header.length {
                    let value = self.data.item(slot, at).unwrap_or(0);
                    slots.push(self.value(*element, value));
                }
            }
            Type::Map { key, value, .. } => {
                for at in 0..header.length {
                    let (own, held) = self.data.entry(slot, at).unwrap_or_default();
                    slots.push(self.value(*key, own));
                    slots.push(self.value(*value, held));
                }
            }
            _ => {
                let types = layout(declared, self.data.heap.read(slot, 0));
                for (ty, at) in types.into_iter().zip(0..) {
                    let value = self.data.heap.read(slot, at);
                    slots.push(self.value(ty, value));
                }
            }
        }
        let Header { room, shared, sorted, .. } = header;
        self.objects.push(ObjectImage { ty: ty.0, room, shared, sorted, slots });
        let number = u64::from(slot::count(self.objects.len()));
        self.numbers.insert(index, number);
        number
    }

    /// All that was collected. Texts that overlap stay one: what is kept is never more than the arena has.
    pub(super) fn finish(self) -> Graph {
        let mut ranges = self.texts.clone();
        ranges.sort_unstable();
        // Parts of the arena's text: where each starts there, where it ends, and where it starts in what is kept.
        let mut parts: Vec<(u32, u32, u32)> = Vec::new();
        let mut kept = 0u32;
        for (start, length) in ranges {
            let end = start.saturating_add(length);
            match parts.last_mut() {
                Some((_, last, _)) if start <= *last => {
                    kept = kept.saturating_add(end.saturating_sub(*last));
                    *last = end.max(*last);
                }
                _ => {
                    parts.push((start, end, kept));
                    kept = kept.saturating_add(length);
                }
            }
        }
        let mut text = String::with_capacity(slot::index(kept));
        for (start, end, _) in &parts {
            text.push_str(self.data.heap.text_part(*start, *end));
        }
        let place = |(offset, length): (u32, u32)| {
            let at = parts.partition_point(|(start, ..)| *start <= offset).saturating_sub(1);
            let (start, _, kept) = parts.get(at).copied().unwrap_or_default();
            (kept.saturating_add(offset.saturating_sub(start)), length)
        };
        let texts = self.texts.iter().copied().map(place).collect();
        Graph { objects: self.objects, texts, text }
    }
}

/// Types of the slots of a record, an optional or a case with payload, whose first slot this is.
fn layout(declared: &Type, first: u64) -> Vec<TypeId> {
    match declared {
        Type::Record { fields, .. } => fields.iter().map(|field| field.ty).collect(),
        Type::Optional(inner) => vec![*inner],
        Type::Enum { cases, .. } => {
            let case = usize::try_from(first).ok().and_then(|case| cases.get(case));
            let fields = case.map_or(&[][..], |case| &case.fields);
            std::iter::once(TypeId::INT).chain(fields.iter().map(|field| field.ty)).collect()
        }
        _ => Vec::new(),
    }
}

/// What a snapshot says cannot be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Damaged;

/// Builds an arena from a [`Graph`].
pub(super) struct Build<'a> {
    code: &'a Code,
    attached: &'a Attached,
    pub(super) heap: Heap,
    /// Class and slot of each object.
    objects: Vec<(Class, u64)>,
    texts: Vec<u64>,
}

impl<'a> Build<'a> {
    /// The arena, in which so many logical bytes may be held.
    pub(super) fn new(
        code: &'a Code,
        attached: &'a Attached,
        graph: &Graph,
        memory_bytes: u64,
    ) -> Result<Build<'a>, Damaged> {
        let mut texts = Vec::with_capacity(graph.texts.len());
        for (offset, length) in &graph.texts {
            let end = offset.checked_add(*length).ok_or(Damaged)?;
            let part = graph.text.get(slot::index(*offset)..slot::index(end));
            if part.is_none() || *length > MAX_TEXT_BYTES {
                return Err(Damaged);
            }
            texts.push(TextSlot { source: ARENA, offset: *offset, length: *length }.pack());
        }
        let heap = Heap::with_text(graph.text.clone());
        let mut build = Build { code, attached, heap, objects: Vec::new(), texts };
        let mut left = memory_bytes;
        for object in &graph.objects {
            build.object(object, &mut left)?;
        }
        Ok(build)
    }

    fn object(&mut self, object: &ObjectImage, left: &mut u64) -> Result<(), Damaged> {
        let ty = TypeId(object.ty);
        let declared = self.code.module().ty(ty).ok_or(Damaged)?;
        let room = u64::from(object.room);
        let words = match declared {
            Type::Map { .. } => cost::map_words(room),
            _ => cost::object_words(room),
        };
        *left = left.checked_sub(cost::object_bytes(words)).ok_or(Damaged)?;
        let slot = match declared {
            Type::Map { key, value, .. } => self.map(*key, *value, object)?,
            Type::List { element, .. } => {
                let types = std::iter::repeat_n(*element, object.slots.len());
                self.slots(object, types)?
            }
            Type::Record { .. } | Type::Optional(_) | Type::Enum { .. } => {
                let types = layout(declared, object.slots.first().copied().unwrap_or(0));
                if types.len() != object.slots.len() || slot::index(object.room) != types.len() {
                    return Err(Damaged);
                }
                self.slots(object, types.into_iter())?
            }
            _ => return Err(Damaged),
        };
        self.objects.push((declared.class(), slot));
        Ok(())
    }

    fn slots(&mut self, object: &ObjectImage, types: impl Iterator<Item = TypeId>) -> Result<u64, Damaged> {
        let length = u32::try_from(object.slots.len()).map_err(|_| Damaged)?;
        if length > object.room {
            return Err(Damaged);
        }
        let mut values = Vec::with_capacity(object.slots.len());
        for (ty, slot) in types.zip(&object.slots) {
            values.push(self.held(ty, *slot)?);
        }
        let bytes = holds_bools(self.code.module(), TypeId(object.ty));
        let header = Header { length, room: object.room, shared: object.shared, bytes, ..Header::default() };
        self.heap.list(header, values.into_iter()).map_err(|_| Damaged)
    }

    fn map(&mut self, key: TypeId, value: TypeId, object: &ObjectImage) -> Result<u64, Damaged> {
        let room = u64::from(object.room);
        let (entries, odd) = object.slots.as_chunks::<2>();
        let count = u32::try_from(entries.len()).map_err(|_| Damaged)?;
        if cost::capacity(room) != room || count > object.room || !odd.is_empty() {
            return Err(Damaged);
        }
        let mut held = Vec::with_capacity(entries.len());
        for [own, of_it] in entries {
            held.push((self.value(key, *own)?, self.held(value, *of_it)?));
        }
        let order = Order::of(self.code.module(), key);
        let mut maps = Maps { code: self.code, attached: self.attached, heap: &mut self.heap, order };
        let map = maps.with_room(room).map_err(|_| Damaged)?;
        for (own, of_it) in held {
            maps.set(map, own, of_it);
        }
        // Two entries of one key would have become one.
        let made = self.heap.header(map).filter(|header| header.length == count).ok_or(Damaged)?;
        self.heap.set_header(map, Header { shared: object.shared, sorted: object.sorted, ..made });
        Ok(map)
    }

    /// A value that lies in an object: nothing in it may be written where it lies.
    fn held(&mut self, ty: TypeId, slot: u64) -> Result<u64, Damaged> {
        let value = self.value(ty, slot)?;
        if is_reference(self.code.module(), ty) {
            self.heap.share(value);
        }
        Ok(value)
    }

    /// Values of these types, one for each slot.
    pub(super) fn values(
        &self,
        types: impl ExactSizeIterator<Item = TypeId>,
        slots: &[u64],
    ) -> Result<Vec<u64>, Damaged> {
        if types.len() != slots.len() {
            return Err(Damaged);
        }
        types.zip(slots).map(|(ty, slot)| self.value(ty, *slot)).collect()
    }

    /// The value of a slot of the graph.
    pub(super) fn value(&self, ty: TypeId, slot: u64) -> Result<u64, Damaged> {
        let declared = self.code.module().ty(ty).ok_or(Damaged)?;
        match declared.class() {
            Class::Word => Ok(slot),
            Class::Bool if slot <= 1 => Ok(slot),
            Class::Float if f64::from_bits(slot).is_finite() => Ok(slot),
            Class::Bool | Class::Float => Err(Damaged),
            _ if slot == 0 => Ok(0),
            Class::String | Class::Secret => self.text(slot),
            class => self.reference(class, declared, slot),
        }
    }

    fn text(&self, slot: u64) -> Result<u64, Damaged> {
        let TextSlot { source, offset, length } = TextSlot::unpack(slot);
        let whole = match source {
            ARENA => {
                let at = usize::try_from(slot).ok().and_then(|number| number.checked_sub(1));
                return at.and_then(|at| self.texts.get(at)).copied().ok_or(Damaged);
            }
            MODULE_TEXT => self.code.text(),
            input => self.attached.text(input),
        };
        let end = slot::index(offset).saturating_add(slot::index(length));
        whole.get(slot::index(offset)..end).map(|_| slot).ok_or(Damaged)
    }

    fn reference(&self, class: Class, declared: &Type, slot: u64) -> Result<u64, Damaged> {
        match Reference::unpack(slot) {
            Reference { source: ARENA, index } => {
                let at = slot::index(index).checked_sub(1).ok_or(Damaged)?;
                let object = self.objects.get(at).filter(|(made, _)| *made == class);
                object.map(|(_, made)| *made).ok_or(Damaged)
            }
            Reference { source: CASE, index } => match declared {
                Type::Enum { cases, .. } if slot::index(index) < cases.len() => Ok(slot),
                _ => Err(Damaged),
            },
            view if self.attached.has_view(view.source) => Ok(slot),
            _ => Err(Damaged),
        }
    }
}
