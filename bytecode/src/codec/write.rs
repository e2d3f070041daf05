//! Writing the primitives of the container.

use crate::dictionary;
use crate::types::TypeId;

/// Collects bytes.
#[derive(Debug, Default)]
pub(super) struct Writer {
    pub(super) bytes: Vec<u8>,
}

impl Writer {
    pub(super) fn byte(&mut self, byte: u8) {
        self.bytes.push(byte);
    }

    /// LEB128, shortest form.
    pub(super) fn unsigned(&mut self, value: impl Into<u64>) {
        let value = value.into();
        match u8::try_from(value) {
            Ok(byte) if byte < 0x80 => self.byte(byte),
            _ => self.wide(value.into()),
        }
    }

    /// The same of a number that may be longer.
    fn wide(&mut self, mut value: u128) {
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
    pub(super) fn count(&mut self, count: usize) {
        self.unsigned(u64::try_from(count).unwrap_or(u64::MAX));
    }

    /// Zigzag LEB128: 0, −1, 1, −2 … are 0, 1, 2, 3 ….
    pub(super) fn signed(&mut self, value: i64) {
        self.unsigned(zigzag(value));
    }

    /// An integer constant: as many factors of ten as it has, at most 15, are counted in the low four bits, the
    /// rest stands above them in zigzag. Quantities are round in decimal far more often than in binary.
    pub(super) fn number(&mut self, value: i64) {
        let mut mantissa = value;
        let mut exponent = 0_u8;
        while mantissa != 0 && exponent < 15 && mantissa.checked_rem(10) == Some(0) {
            mantissa = mantissa.wrapping_div(10);
            exponent = exponent.saturating_add(1);
        }
        self.wide(u128::from(zigzag(mantissa)) << 4 | u128::from(exponent));
    }

    /// A number that people choose: its factors of ten are counted in the low four bits, the rest stands
    /// above them.
    pub(super) fn round(&mut self, value: u32) {
        let mut mantissa = u64::from(value);
        let mut exponent = 0_u64;
        while mantissa != 0 && mantissa.checked_rem(10) == Some(0) {
            mantissa = mantissa.wrapping_div(10);
            exponent = exponent.saturating_add(1);
        }
        self.unsigned(mantissa << 4 | exponent);
    }

    /// IEEE bits, little-endian.
    pub(super) fn float(&mut self, value: f64) {
        self.bytes.extend_from_slice(&value.to_bits().to_le_bytes());
    }

    /// Length and bytes.
    pub(super) fn text(&mut self, text: &str) {
        self.count(text.len());
        self.bytes.extend_from_slice(text.as_bytes());
    }

    /// A well-known name by its index, in an odd number; any other by its length, in an even number, and bytes.
    pub(super) fn name(&mut self, name: &str) {
        match dictionary::index_of(name) {
            Some(index) => self.count(index << 1 | 1),
            None => {
                self.count(name.len() << 1);
                self.bytes.extend_from_slice(name.as_bytes());
            }
        }
    }

    pub(super) fn ty(&mut self, ty: TypeId) {
        self.unsigned(ty.0);
    }

    /// 0 for none, else the number and 1.
    pub(super) fn optional32(&mut self, value: Option<u32>) {
        self.unsigned(value.map_or(0, |value| u64::from(value).saturating_add(1)));
    }

    /// How many, then each.
    pub(super) fn list<T>(&mut self, items: &[T], mut write: impl FnMut(&mut Writer, &T)) {
        self.count(items.len());
        for item in items {
            write(self, item);
        }
    }
}

pub(super) const fn zigzag(value: i64) -> u64 {
    (value.wrapping_shl(1) ^ (value >> 63)).cast_unsigned()
}

pub(super) const fn unzigzag(value: u64) -> i64 {
    (value >> 1).cast_signed() ^ (value & 1).cast_signed().wrapping_neg()
}
