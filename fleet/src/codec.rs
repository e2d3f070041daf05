//! The primitives of the binary forms: LEB128 in its shortest form, lengths before bytes, nothing optional. Every
//! count is held against a cap and against the bytes that are left before anything is allocated.

use crate::name::Name;
use crate::refusal::{Cause, Refusal};

/// Collects bytes.
#[derive(Debug, Default)]
pub(crate) struct Writer {
    pub(crate) bytes: Vec<u8>,
}

impl Writer {
    pub(crate) fn raw(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    pub(crate) fn byte(&mut self, byte: u8) {
        self.bytes.push(byte);
    }

    pub(crate) fn unsigned(&mut self, mut value: u64) {
        loop {
            let low = u8::try_from(value & 0x7f).unwrap_or(0);
            value >>= 7;
            if value == 0 {
                return self.byte(low);
            }
            self.byte(low | 0x80);
        }
    }

    /// A number of things; all of them are in memory, so it fits.
    pub(crate) fn count(&mut self, count: usize) {
        self.unsigned(u64::try_from(count).unwrap_or(u64::MAX));
    }

    /// A point in time or an amount: eight bytes, little-endian.
    pub(crate) fn word(&mut self, value: i64) {
        self.raw(&value.to_le_bytes());
    }

    /// A whole number of either sign: LEB128 of twice its distance from zero, less one below zero.
    pub(crate) fn whole(&mut self, value: i128) {
        let mut rest = value.wrapping_shl(1) ^ value.wrapping_shr(127);
        loop {
            let low = u8::try_from(rest & 0x7f).unwrap_or(0);
            rest = (rest.cast_unsigned() >> 7).cast_signed();
            if rest == 0 {
                return self.byte(low);
            }
            self.byte(low | 0x80);
        }
    }

    /// Length and bytes.
    pub(crate) fn blob(&mut self, bytes: &[u8]) {
        self.count(bytes.len());
        self.raw(bytes);
    }

    pub(crate) fn name(&mut self, name: &Name) {
        self.blob(name.as_str().as_bytes());
    }
}

/// A place in bytes; what goes wrong is refused with the cause it was made with.
#[derive(Debug)]
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
    length: usize,
    cause: Cause,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8], cause: Cause) -> Reader<'a> {
        Reader { rest: bytes, length: bytes.len(), cause }
    }

    pub(crate) fn refusal(&self, message: impl AsRef<str>) -> Refusal {
        let offset = self.offset();
        Refusal::new(self.cause, format!("{}: byte {offset}: {}", self.cause.title(), message.as_ref()))
    }

    /// How many bytes were read.
    pub(crate) fn offset(&self) -> usize {
        self.length.saturating_sub(self.rest.len())
    }

    /// Whether nothing is left.
    pub(crate) fn is_at_end(&self) -> bool {
        self.rest.is_empty()
    }

    pub(crate) fn take(&mut self, length: usize) -> Result<&'a [u8], Refusal> {
        let Some((taken, rest)) = self.rest.split_at_checked(length) else {
            return Err(self.refusal("the bytes end in the middle of a value"));
        };
        self.rest = rest;
        Ok(taken)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], Refusal> {
        Ok(self.take(N)?.first_chunk().copied().unwrap_or([0; N]))
    }

    pub(crate) fn byte(&mut self) -> Result<u8, Refusal> {
        self.array().map(|[byte]| byte)
    }

    pub(crate) fn expect(&mut self, expected: &[u8], what: &str) -> Result<(), Refusal> {
        if self.rest.starts_with(expected) {
            return self.take(expected.len()).map(|_| ());
        }
        Err(self.refusal(what))
    }

    pub(crate) fn unsigned(&mut self, max: u64) -> Result<u64, Refusal> {
        let mut value = 0_u128;
        for shift in (0..70_u32).step_by(7) {
            let byte = self.byte()?;
            value |= u128::from(byte & 0x7f).wrapping_shl(shift);
            if byte & 0x80 != 0 {
                continue;
            }
            if byte == 0 && shift != 0 {
                return Err(self.refusal("a number is longer than it has to be"));
            }
            return match u64::try_from(value) {
                Ok(value) if value <= max => Ok(value),
                _ => Err(self.refusal(format!("a number here is at most {max}"))),
            };
        }
        Err(self.refusal("a number is longer than it has to be"))
    }

    /// A whole number of either sign.
    pub(crate) fn whole(&mut self) -> Result<i128, Refusal> {
        let mut value = 0_u128;
        for shift in (0..133_u32).step_by(7) {
            let byte = self.byte()?;
            let part = u128::from(byte & 0x7f);
            if (shift == 126 && part > 3) || (byte == 0 && shift != 0) {
                break;
            }
            value |= part.wrapping_shl(shift);
            if byte & 0x80 == 0 {
                let magnitude = (value >> 1).cast_signed();
                return Ok(if value & 1 == 0 { magnitude } else { !magnitude });
            }
        }
        Err(self.refusal("a number is longer than it has to be"))
    }

    /// A number of things, each of which takes at least so many bytes.
    pub(crate) fn count(&mut self, max: usize, each: usize) -> Result<usize, Refusal> {
        let most = u64::try_from(max).unwrap_or(u64::MAX);
        let count = usize::try_from(self.unsigned(most)?).unwrap_or(usize::MAX);
        if count.saturating_mul(each) > self.rest.len() {
            return Err(self.refusal("more is announced than there are bytes"));
        }
        Ok(count)
    }

    /// A number of 32 bits.
    pub(crate) fn small(&mut self) -> Result<u32, Refusal> {
        self.unsigned(u64::from(u32::MAX)).map(|value| u32::try_from(value).unwrap_or(u32::MAX))
    }

    pub(crate) fn word(&mut self) -> Result<i64, Refusal> {
        self.array().map(i64::from_le_bytes)
    }

    pub(crate) fn blob(&mut self, max: usize) -> Result<&'a [u8], Refusal> {
        let length = self.count(max, 1)?;
        self.take(length)
    }

    pub(crate) fn name(&mut self) -> Result<Name, Refusal> {
        let bytes = self.blob(Name::MAX_BYTES)?;
        let name = std::str::from_utf8(bytes).ok().and_then(Name::new);
        name.ok_or_else(|| self.refusal("a name consists of 1 to 64 of A-Z a-z 0-9 . _ -"))
    }

    pub(crate) fn flag(&mut self) -> Result<bool, Refusal> {
        match self.byte()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(self.refusal("a yes or no is 1 or 0")),
        }
    }

    /// All bytes must be used up.
    pub(crate) fn end(&self) -> Result<(), Refusal> {
        if self.rest.is_empty() { Ok(()) } else { Err(self.refusal("bytes follow the end")) }
    }
}
