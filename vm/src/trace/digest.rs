//! The digest of a run: a hash chain over its events of level effects, the same at every level of tracing.

use sha2::{Digest as _, Sha256};
use swarm_bytecode::types::{Class, Type};

use crate::value::ValueRef;

/// Bytes of events that are hashed together.
const BLOCK: usize = 4096;
/// Most parts of one value that count.
const MAX_PARTS: u32 = 4096;
/// How deep a value's parts count.
const MAX_DEPTH: u32 = 48;

/// State of the chain: the hash so far, and the events not yet hashed.
#[derive(Debug, Clone)]
pub(crate) struct Digest {
    state: [u8; 32],
    block: Vec<u8>,
}

impl Digest {
    pub(crate) fn new() -> Digest {
        Digest { state: [0; 32], block: Vec::new() }
    }

    /// Adds the canonical form of one event.
    pub(crate) fn event(
        &mut self,
        tag: u8,
        fuel: u64,
        place: Option<(u16, u32)>,
        payload: impl FnOnce(&mut Vec<u8>),
    ) {
        self.block.push(tag);
        self.block.extend_from_slice(&fuel.to_le_bytes());
        match place {
            Some((function, op)) => {
                self.block.push(1);
                self.block.extend_from_slice(&function.to_le_bytes());
                self.block.extend_from_slice(&op.to_le_bytes());
            }
            None => self.block.push(0),
        }
        payload(&mut self.block);
        if self.block.len() >= BLOCK {
            self.state = self.chained();
            self.block.clear();
        }
    }

    /// The digest of all events so far.
    pub(crate) fn value(&self) -> [u8; 32] {
        if self.block.is_empty() { self.state } else { self.chained() }
    }

    fn chained(&self) -> [u8; 32] {
        let mut hash = Sha256::new();
        hash.update(self.state);
        hash.update(&self.block);
        hash.finalize().into()
    }
}

/// Adds a text to an event.
pub(crate) fn put_text(bytes: &mut Vec<u8>, text: &str) {
    let length = u64::try_from(text.len()).unwrap_or(u64::MAX);
    bytes.extend_from_slice(&length.to_le_bytes());
    bytes.extend_from_slice(text.as_bytes());
}

/// Adds a value to an event; a record counts as its KEY, if it has one.
pub(crate) fn put_value(bytes: &mut Vec<u8>, value: ValueRef<'_>) {
    let mut parts = MAX_PARTS;
    put_part(bytes, value, &mut parts, 0);
}

fn put_part(bytes: &mut Vec<u8>, value: ValueRef<'_>, parts: &mut u32, depth: u32) {
    let Some(left) = parts.checked_sub(1).filter(|_| depth < MAX_DEPTH) else {
        bytes.push(0xff);
        return;
    };
    *parts = left;
    let deeper = depth.saturating_add(1);
    match value.ty().map(Type::class) {
        Some(Class::Word | Class::Bool | Class::Float) => {
            bytes.push(1);
            bytes.extend_from_slice(&value.slot.to_le_bytes());
        }
        Some(Class::String) => {
            bytes.push(2);
            put_text(bytes, value.as_str().unwrap_or(""));
        }
        Some(Class::List) => {
            let length = value.length().unwrap_or(0);
            bytes.push(3);
            bytes.extend_from_slice(&length.to_le_bytes());
            for at in 0..length {
                if *parts == 0 {
                    break;
                }
                if let Some(item) = value.item(at) {
                    put_part(bytes, item, parts, deeper);
                }
            }
        }
        Some(Class::Record) => match value.key() {
            Some(key) => put_part(bytes, key, parts, deeper),
            None => {
                bytes.push(4);
                for at in 0..value.fields().len() {
                    if let Some(field) = value.field_at(at) {
                        put_part(bytes, field, parts, deeper);
                    }
                }
            }
        },
        Some(Class::Optional) => match value.some() {
            Some(inner) => {
                bytes.push(5);
                put_part(bytes, inner, parts, deeper);
            }
            None => bytes.push(6),
        },
        Some(Class::Enum) => {
            bytes.push(7);
            bytes.push(value.data.case(value.slot));
            for (_, field) in value.payload() {
                put_part(bytes, field, parts, deeper);
            }
        }
        Some(Class::Map) => {
            bytes.push(8);
            bytes.extend_from_slice(&value.length().unwrap_or(0).to_le_bytes());
            for (key, held) in value.entries() {
                if *parts == 0 {
                    break;
                }
                put_part(bytes, key, parts, deeper);
                put_part(bytes, held, parts, deeper);
            }
        }
        None => bytes.push(0xff),
    }
}
