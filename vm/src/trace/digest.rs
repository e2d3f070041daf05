//! The digest of a run: a hash chain over its events of level effects, the same at every level of tracing.

use std::fmt;

use sha2::digest::array::Array;
use sha2::digest::block_api::{Buffer, CoreProxy, UpdateCore as _};
use sha2::digest::common::hazmat::SerializableState;
use sha2::{Digest as _, Sha256};
use swarm_bytecode::types::{Class, Type};

use crate::slot;
use crate::value::ValueRef;

/// Bytes of events that are hashed together.
const BLOCK: usize = 4096;
/// Bytes of the hash that is hashed before each block.
const CHAIN: usize = 32;
/// Most parts of one value that count.
const MAX_PARTS: u32 = 4096;
/// How deep a value's parts count.
const MAX_DEPTH: u32 = 48;

/// State of the chain: the hash of the blocks that are full, and the one that is not, if there is one.
#[derive(Debug, Clone)]
pub(crate) struct Digest {
    chain: [u8; 32],
    open: Option<Box<Open>>,
}

/// SHA-256 over whole blocks of its own, which have 64 bytes.
type Core = <Sha256 as CoreProxy>::Core;

/// The block at hand.
#[derive(Clone)]
struct Open {
    core: Core,
    /// How many bytes the core was given before a snapshot.
    before: usize,
    /// What is hashed behind those: the chain, if there are none, and events.
    bytes: Vec<u8>,
    /// How many of these bytes the core was given.
    given: usize,
}

impl fmt::Debug for Open {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Open({} bytes)", self.length())
    }
}

impl Open {
    /// A block behind this chain.
    fn new(chain: &[u8]) -> Open {
        Open { core: Sha256::new().decompose().0, before: 0, bytes: chain.to_vec(), given: 0 }
    }

    /// Bytes of the block so far.
    #[inline(always)]
    fn length(&self) -> usize {
        self.before.saturating_add(self.bytes.len()).saturating_sub(CHAIN)
    }

    /// Gives the core what fills blocks of its own. A processor does most of that beside what the run does
    /// next, as neither waits for the other; of a whole block of the chain at once it could not.
    #[inline(always)]
    fn give(&mut self) {
        let (blocks, rest) = Array::slice_as_chunks(self.bytes.get(self.given..).unwrap_or(&[]));
        if !blocks.is_empty() {
            self.core.update_blocks(blocks);
            self.given = self.bytes.len().saturating_sub(rest.len());
        }
    }

    fn hashed(&self) -> Sha256 {
        let rest = self.bytes.get(self.given..).unwrap_or(&[]);
        Sha256::compose(self.core.clone(), Buffer::<Core>::default()).chain_update(rest)
    }
}

impl Digest {
    pub(crate) fn new() -> Digest {
        Digest { chain: [0; 32], open: None }
    }

    /// Adds the canonical form of one event.
    #[inline]
    pub(crate) fn event(
        &mut self,
        tag: u8,
        fuel: u64,
        place: Option<(u16, u32)>,
        payload: impl FnOnce(&mut Vec<u8>),
    ) {
        let open = match &mut self.open {
            Some(open) => open,
            none => none.insert(Box::new(Open::new(&self.chain))),
        };
        // What the events before this one added: it was written long enough ago that nothing waits for it.
        open.give();
        // All at once: the tag, the fuel, whether there is a place, function and op.
        let head = u128::from(tag) | u128::from(fuel) << 8;
        match place {
            Some((function, op)) => {
                let head = head | 1 << 72 | u128::from(function) << 80 | u128::from(op) << 96;
                open.bytes.extend_from_slice(&head.to_le_bytes());
            }
            None => open.bytes.extend(head.to_le_bytes().iter().take(10)),
        }
        payload(&mut open.bytes);
        if open.length() >= BLOCK {
            self.close();
        }
    }

    /// The block at hand is full.
    #[inline(never)]
    fn close(&mut self) {
        self.chain = self.value();
        if let Some(open) = &mut self.open {
            let mut bytes = std::mem::take(&mut open.bytes);
            bytes.clear();
            bytes.extend_from_slice(&self.chain);
            **open = Open { bytes, ..Open::new(&[]) };
        }
    }

    /// The block at hand, if it has anything.
    fn begun(&self) -> Option<&Open> {
        self.open.as_deref().filter(|open| open.length() > 0)
    }

    /// The digest of all events so far.
    pub(crate) fn value(&self) -> [u8; 32] {
        self.begun().map_or(self.chain, |open| open.hashed().finalize().into())
    }

    /// What a snapshot keeps: the hash of the full blocks; bytes of the last, and SHA-256's state after them.
    pub(crate) fn parts(&self) -> ([u8; 32], Option<(u32, Vec<u8>)>) {
        let open = self.begun();
        (self.chain, open.map(|open| (slot::count(open.length()), open.hashed().serialize().to_vec())))
    }

    /// The inverse of [`Digest::parts`]; `None` for parts that no digest has.
    pub(crate) fn from_parts(chain: [u8; 32], begun: Option<&(u32, Vec<u8>)>) -> Option<Digest> {
        let open = match begun {
            Some((bytes, hash)) => {
                let bytes = Some(slot::index(*bytes)).filter(|bytes| (1..BLOCK).contains(bytes))?;
                // The state ends with how much was hashed – the hash of the blocks before and these bytes –
                // and that must be so: SHA-256 counts on it.
                let hashed = u64::try_from(bytes).ok()?.checked_add(32)?;
                let (blocks, rest) = (hashed >> 6, u8::try_from(hashed & 63).ok()?);
                let counted = hash.get(32..)?.split_first_chunk::<8>()?;
                if u64::from_le_bytes(*counted.0) != blocks || counted.1.first() != Some(&rest) {
                    return None;
                }
                let (core, rest) = Sha256::deserialize(hash.as_slice().try_into().ok()?).ok()?.decompose();
                let rest = rest.get_data().to_vec();
                let before = bytes.saturating_add(CHAIN).saturating_sub(rest.len());
                Some(Box::new(Open { core, before, bytes: rest, given: 0 }))
            }
            None => None,
        };
        Some(Digest { chain, open })
    }
}

/// Adds a text to an event.
pub(crate) fn put_text(bytes: &mut Vec<u8>, text: &str) {
    put_bytes(bytes, text.as_bytes());
}

/// Adds the bytes of a text.
#[inline(never)]
pub(super) fn put_bytes(bytes: &mut Vec<u8>, text: &[u8]) {
    bytes.extend_from_slice(&u64::try_from(text.len()).unwrap_or(u64::MAX).to_le_bytes());
    bytes.extend_from_slice(text);
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
pub(super) fn put_word(bytes: &mut Vec<u8>, word: u64) {
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
