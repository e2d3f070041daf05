//! The digest of a run: a hash chain over its events of level effects, the same at every level of tracing.

use sha2::digest::common::hazmat::SerializableState;
use sha2::{Digest as _, Sha256};
use swarm_bytecode::types::{Class, Type};

use crate::slot;
use crate::value::ValueRef;

/// Bytes of events that are hashed together.
const BLOCK: usize = 4096;
/// Most parts of one value that count.
const MAX_PARTS: u32 = 4096;
/// How deep a value's parts count.
const MAX_DEPTH: u32 = 48;

/// State of the chain: the hash of the blocks that are full, and the events not yet hashed.
#[derive(Debug, Clone)]
pub(crate) struct Digest {
    state: [u8; 32],
    block: Vec<u8>,
    /// The beginning of the block, if it was hashed before a snapshot: how many bytes, and SHA-256 of the state and them.
    /// Boxed, since few instances are resumed and all have a digest.
    begun: Option<Box<(usize, Sha256)>>,
}

impl Digest {
    pub(crate) fn new() -> Digest {
        Digest { state: [0; 32], block: Vec::new(), begun: None }
    }

    /// Adds the canonical form of one event.
    pub(crate) fn event(
        &mut self,
        tag: u8,
        fuel: u64,
        place: Option<(u16, u32)>,
        payload: impl FnOnce(&mut Vec<u8>),
    ) {
        // All at once: the tag, the fuel, whether there is a place, function and op.
        let head = u128::from(tag) | u128::from(fuel) << 8;
        match place {
            Some((function, op)) => {
                let head = head | 1 << 72 | u128::from(function) << 80 | u128::from(op) << 96;
                self.block.extend_from_slice(&head.to_le_bytes());
            }
            None => self.block.extend(head.to_le_bytes().iter().take(10)),
        }
        payload(&mut self.block);
        if self.block_bytes() >= BLOCK {
            self.state = self.chained();
            self.block.clear();
            self.begun = None;
        }
    }

    /// The digest of all events so far.
    pub(crate) fn value(&self) -> [u8; 32] {
        if self.block_bytes() == 0 { self.state } else { self.chained() }
    }

    /// Bytes of the block so far.
    fn block_bytes(&self) -> usize {
        self.begun.as_ref().map_or(0, |begun| begun.0).saturating_add(self.block.len())
    }

    fn chained(&self) -> [u8; 32] {
        self.hashed().finalize().into()
    }

    fn hashed(&self) -> Sha256 {
        let mut hash = match &self.begun {
            Some(begun) => begun.1.clone(),
            None => Sha256::new().chain_update(self.state),
        };
        hash.update(&self.block);
        hash
    }

    /// What a snapshot keeps: the hash of the full blocks; bytes of the last, and SHA-256's state after them.
    pub(crate) fn parts(&self) -> ([u8; 32], Option<(u32, Vec<u8>)>) {
        let bytes = self.block_bytes();
        let begun = (bytes > 0).then(|| (slot::count(bytes), self.hashed().serialize().to_vec()));
        (self.state, begun)
    }

    /// The inverse of [`Digest::parts`]; `None` for parts that no digest has.
    pub(crate) fn from_parts(state: [u8; 32], begun: Option<&(u32, Vec<u8>)>) -> Option<Digest> {
        let begun = match begun {
            Some((bytes, hash)) => {
                let bytes = Some(slot::index(*bytes)).filter(|bytes| (1..BLOCK).contains(bytes))?;
                // The state ends with how much was hashed – the hash of the blocks before and these bytes – and that
                // must be so: SHA-256 counts on it.
                let hashed = u64::try_from(bytes).ok()?.checked_add(32)?;
                let (blocks, rest) = (hashed >> 6, u8::try_from(hashed & 63).ok()?);
                let counted = hash.get(32..)?.split_first_chunk::<8>()?;
                if u64::from_le_bytes(*counted.0) != blocks || counted.1.first() != Some(&rest) {
                    return None;
                }
                let hash = Sha256::deserialize(hash.as_slice().try_into().ok()?).ok()?;
                Some(Box::new((bytes, hash)))
            }
            None => None,
        };
        Some(Digest { state, block: Vec::new(), begun })
    }
}

/// Adds a text to an event.
pub(crate) fn put_text(bytes: &mut Vec<u8>, text: &str) {
    let length = u64::try_from(text.len()).unwrap_or(u64::MAX);
    bytes.extend_from_slice(&length.to_le_bytes());
    bytes.extend_from_slice(text.as_bytes());
}

/// Adds a value to an event; a record counts as its KEY, if it has one.
#[inline]
pub(crate) fn put_value(bytes: &mut Vec<u8>, value: ValueRef<'_>) {
    match value.ty().map(Type::class) {
        Some(Class::Word | Class::Bool | Class::Float) => put_word(bytes, value.slot),
        _ => put_part(bytes, value, &mut { MAX_PARTS }, 0),
    }
}

#[inline(always)]
fn put_word(bytes: &mut Vec<u8>, word: u64) {
    let [a, b, c, d, e, f, g, h] = word.to_le_bytes();
    bytes.extend_from_slice(&[1, a, b, c, d, e, f, g, h]);
}

fn put_part(bytes: &mut Vec<u8>, value: ValueRef<'_>, parts: &mut u32, depth: u32) {
    let Some(left) = parts.checked_sub(1).filter(|_| depth < MAX_DEPTH) else {
        bytes.push(0xff);
        return;
    };
    *parts = left;
    let deeper = depth.saturating_add(1);
    match value.ty().map(Type::class) {
        Some(Class::Word | Class::Bool | Class::Float) => put_word(bytes, value.slot),
        Some(Class::String) => {
            bytes.push(2);
            put_text(bytes, value.data.text(value.slot));
        }
        // Its text is no part of the digest, which else would tell whether a guess is right.
        Some(Class::Secret) => bytes.push(9),
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
