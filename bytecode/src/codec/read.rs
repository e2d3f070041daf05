//! Reading the primitives of the container, each in its one form, within a budget of memory.

use std::borrow::Cow;

use smol_str::SmolStr;

use super::error::{DecodeError, DecodeErrorKind};
use super::limits;
use super::write::unzigzag;
use crate::dictionary;
use crate::types::TypeId;

pub(super) type Result<T> = std::result::Result<T, DecodeError>;

/// Bytes of memory a module may unfold to, for each byte of it and at least.
const UNFOLDING: (usize, usize) = (16, 48 << 10);

/// Strings up to so many bytes lie inside [`SmolStr`] itself.
const INLINE_TEXT: usize = 23;

/// A place in the bytes of a module.
#[derive(Clone)]
pub(super) struct Reader<'a> {
    bytes: &'a [u8],
    position: usize,
    /// How many more bytes may be allocated.
    budget: usize,
    /// How many bytes are needed for a while, at most.
    at_once: usize,
    /// How many names of the dictionary the module's writer knew.
    pub(super) known_names: usize,
    /// The long functions, and where they begin.
    pub(super) long: Vec<(usize, usize)>,
}

fn budget(bytes: &[u8]) -> usize {
    bytes.len().saturating_mul(UNFOLDING.0).saturating_add(UNFOLDING.1)
}

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Reader<'a> {
        Reader { bytes, position: 0, budget: budget(bytes), at_once: 0, known_names: 0, long: Vec::new() }
    }

    /// How many bytes were taken from the budget.
    pub(super) fn unfolded(&self) -> usize {
        budget(self.bytes).saturating_sub(self.budget)
    }

    pub(super) fn position(&self) -> usize {
        self.position
    }

    pub(super) fn remaining(&self) -> usize {
        self.bytes.len().saturating_sub(self.position)
    }

    pub(super) fn error(&self, kind: DecodeErrorKind, text: impl Into<Cow<'static, str>>) -> DecodeError {
        self.error_at(self.position, kind, text)
    }

    pub(super) fn error_at(
        &self,
        offset: usize,
        kind: DecodeErrorKind,
        text: impl Into<Cow<'static, str>>,
    ) -> DecodeError {
        DecodeError { kind, offset, text: text.into() }
    }

    pub(super) fn take(&mut self, length: usize) -> Result<&'a [u8]> {
        let end = self.position.checked_add(length);
        let taken = end.and_then(|end| self.bytes.get(self.position..end));
        match (end, taken) {
            (Some(end), Some(taken)) => {
                self.position = end;
                Ok(taken)
            }
            _ => Err(self.error(DecodeErrorKind::Length, "the bytes end in the middle of a value")),
        }
    }

    pub(super) fn byte(&mut self) -> Result<u8> {
        match self.bytes.get(self.position) {
            Some(byte) => {
                self.position = self.position.saturating_add(1);
                Ok(*byte)
            }
            None => Err(self.error(DecodeErrorKind::Length, "the bytes end in the middle of a value")),
        }
    }

    /// LEB128 in its shortest form, at most `max`.
    pub(super) fn wide(&mut self, max: u128) -> Result<u128> {
        let start = self.position;
        let mut value = 0_u128;
        for shift in (0..126_u32).step_by(7) {
            let byte = self.byte()?;
            value |= u128::from(byte & 0x7f).wrapping_shl(shift);
            if byte & 0x80 != 0 {
                continue;
            }
            if byte == 0 && shift != 0 {
                let text = "a number is longer than it has to be";
                return Err(self.error_at(start, DecodeErrorKind::NotCanonical, text));
            }
            if value > max {
                break;
            }
            return Ok(value);
        }
        Err(self.error_at(start, DecodeErrorKind::TooLarge, format!("a number here is at most {max}")))
    }

    /// LEB128 in its shortest form, at most `max`.
    pub(super) fn unsigned(&mut self, max: u64) -> Result<u64> {
        // Most numbers take a byte.
        if let Some(byte) = self.bytes.get(self.position).filter(|byte| **byte < 0x80)
            && u64::from(*byte) <= max
        {
            self.position = self.position.saturating_add(1);
            return Ok(u64::from(*byte));
        }
        self.wide(u128::from(max)).map(|value| u64::try_from(value).unwrap_or(0))
    }

    pub(super) fn unsigned32(&mut self, max: u32) -> Result<u32> {
        self.unsigned(u64::from(max)).map(|value| u32::try_from(value).unwrap_or(0))
    }

    pub(super) fn unsigned16(&mut self, max: u16) -> Result<u16> {
        self.unsigned(u64::from(max)).map(|value| u16::try_from(value).unwrap_or(0))
    }

    /// Zigzag LEB128.
    pub(super) fn signed(&mut self) -> Result<i64> {
        self.unsigned(u64::MAX).map(unzigzag)
    }

    /// An integer constant; see [`super::write::Writer::number`].
    pub(super) fn number(&mut self) -> Result<i64> {
        let start = self.position;
        let value = self.wide(u128::from(u64::MAX) << 4 | 15)?;
        let exponent = u32::try_from(value & 15).unwrap_or(0);
        let mantissa = unzigzag(u64::try_from(value >> 4).unwrap_or(0));
        let round = mantissa.checked_rem(10) == Some(0);
        if round && (exponent < 15 || mantissa == 0) && !(mantissa == 0 && exponent == 0) {
            let text = "a number has more factors of ten than it says";
            return Err(self.error_at(start, DecodeErrorKind::NotCanonical, text));
        }
        let scaled = 10_i64.checked_pow(exponent).and_then(|power| mantissa.checked_mul(power));
        scaled.ok_or_else(|| {
            self.error_at(start, DecodeErrorKind::Malformed, "an integer constant does not fit 64 bits")
        })
    }

    /// A round number; see [`super::write::Writer::round`].
    pub(super) fn round(&mut self) -> Result<u32> {
        let start = self.position;
        let code = self.unsigned(u64::from(u32::MAX) << 4 | 15)?;
        let (mantissa, exponent) = (code >> 4, u32::try_from(code & 15).unwrap_or(0));
        let value = 10_u64.checked_pow(exponent).and_then(|power| mantissa.checked_mul(power));
        let value = value.and_then(|value| u32::try_from(value).ok()).ok_or_else(|| {
            self.error_at(start, DecodeErrorKind::TooLarge, format!("a number here is at most {}", u32::MAX))
        })?;
        let round = mantissa.checked_rem(10) == Some(0);
        if round && !(mantissa == 0 && exponent == 0) {
            let text = "a number has more factors of ten than it says";
            return Err(self.error_at(start, DecodeErrorKind::NotCanonical, text));
        }
        Ok(value)
    }

    /// IEEE bits of a finite float.
    pub(super) fn float(&mut self) -> Result<f64> {
        let start = self.position;
        let bytes = self.take(8)?.first_chunk().copied().unwrap_or([0; 8]);
        let value = f64::from_bits(u64::from_le_bytes(bytes));
        if !value.is_finite() {
            return Err(self.error_at(start, DecodeErrorKind::Malformed, "a float is not finite"));
        }
        Ok(value)
    }

    /// A number of things, each of which takes at least one byte.
    pub(super) fn count(&mut self, max: usize) -> Result<usize> {
        let start = self.position;
        let max = u64::try_from(max).unwrap_or(u64::MAX);
        let count = usize::try_from(self.unsigned(max)?).unwrap_or(usize::MAX);
        if count > self.remaining() {
            let text = format!("{count} items cannot stand in {} bytes", self.remaining());
            return Err(self.error_at(start, DecodeErrorKind::Length, text));
        }
        Ok(count)
    }

    /// Takes so many bytes of memory from the budget.
    pub(super) fn allocate(&mut self, bytes: usize) -> Result<()> {
        match self.budget.checked_sub(bytes) {
            Some(rest) => {
                self.budget = rest;
                Ok(())
            }
            None => {
                let text = "the module unfolds to far more memory than it has bytes";
                Err(self.error(DecodeErrorKind::TooLarge, text))
            }
        }
    }

    /// Takes so many bytes from the budget that are given back before others are needed: the most of them count.
    pub(super) fn need_at_once(&mut self, bytes: usize) -> Result<()> {
        self.allocate(bytes.saturating_sub(self.at_once))?;
        self.at_once = self.at_once.max(bytes);
        Ok(())
    }

    /// An empty vector with room for so many items.
    pub(super) fn room<T>(&mut self, count: usize) -> Result<Vec<T>> {
        self.allocate(count.saturating_mul(size_of::<T>()))?;
        Ok(Vec::with_capacity(count))
    }

    /// How many, then each.
    pub(super) fn list<T>(
        &mut self,
        max: usize,
        mut read: impl FnMut(&mut Self) -> Result<T>,
    ) -> Result<Vec<T>> {
        let count = self.count(max)?;
        let mut items = self.room(count)?;
        for _ in 0..count {
            items.push(read(self)?);
        }
        Ok(items)
    }

    /// UTF-8 of this length.
    fn string(&mut self, length: usize) -> Result<SmolStr> {
        let start = self.position;
        let bytes = self.take(length)?;
        let text = std::str::from_utf8(bytes)
            .map_err(|_| self.error_at(start, DecodeErrorKind::Malformed, "a text is not UTF-8"))?;
        if length > INLINE_TEXT {
            // A shared string has two counters before its bytes.
            self.allocate(length.saturating_add(16))?;
        }
        Ok(SmolStr::new(text))
    }

    /// Length and bytes.
    pub(super) fn text(&mut self) -> Result<SmolStr> {
        let length = self.count(limits::STRING_BYTES)?;
        self.string(length)
    }

    /// See [`super::write::Writer::name`].
    pub(super) fn name(&mut self) -> Result<SmolStr> {
        self.name_and_place().map(|(name, _)| name)
    }

    /// A name, and its place in the dictionary.
    fn name_and_place(&mut self) -> Result<(SmolStr, Option<usize>)> {
        let start = self.position;
        let code = self.unsigned32(u32::MAX)?;
        let value = usize::try_from(code >> 1).unwrap_or(usize::MAX);
        if code & 1 == 1 {
            let known = dictionary::name(value).filter(|_| value < self.known_names);
            return known.map(|name| (SmolStr::new_static(name), Some(value))).ok_or_else(|| {
                self.error_at(
                    start,
                    DecodeErrorKind::Malformed,
                    format!("there is no well-known name {value}"),
                )
            });
        }
        if value > limits::NAME_BYTES {
            let text = format!("a name has at most {} bytes", limits::NAME_BYTES);
            return Err(self.error_at(start, DecodeErrorKind::TooLarge, text));
        }
        let name = self.string(value)?;
        if dictionary::index_of(&name).is_some_and(|index| index < self.known_names) {
            let text = "a well-known name is spelt out";
            return Err(self.error_at(start, DecodeErrorKind::NotCanonical, text));
        }
        Ok((name, None))
    }

    /// A name, and the one that the dictionary, as the module's writer knew it, has behind it.
    pub(super) fn name_and_next(&mut self) -> Result<(SmolStr, Option<&'static str>)> {
        let (name, place) = self.name_and_place()?;
        let next = place.and_then(|place| place.checked_add(1)).filter(|next| *next < self.known_names);
        Ok((name, next.and_then(dictionary::name)))
    }

    pub(super) fn ty(&mut self) -> Result<TypeId> {
        self.unsigned16(u16::MAX).map(TypeId)
    }

    /// 0 for none, else the number and 1; the number is at most `max`.
    pub(super) fn optional32(&mut self, max: u32) -> Result<Option<u32>> {
        let value = self.unsigned(u64::from(max).saturating_add(1))?;
        Ok(value.checked_sub(1).and_then(|value| u32::try_from(value).ok()))
    }
}
