//! Words as their eight bytes: the number of the kind of word, and behind it its fields in their order, each where its size divides
//! its place. A handler reads the fields of its own kind of word, and of those it covers, without asking whether they are of that
//! kind; that would be a read and a branch for each. What it read of a word of another kind would be wrong, but no less safe; builds
//! with debug assertions, as tests and fuzz targets are, ask.

use crate::order::Order;
use crate::quick::How;

/// A word as its bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(align(8))]
pub(crate) struct Encoded(pub(crate) [u8; 8]);

impl Encoded {
    /// The number of its kind.
    #[inline(always)]
    pub(crate) const fn kind(&self) -> u8 {
        self.0[0]
    }
}

/// What a field of a word can be.
pub(crate) trait Operand: Copy {
    const SIZE: usize;
    fn put(self, bytes: &mut [u8; 8], at: usize);
    fn get(bytes: &[u8; 8], at: usize) -> Self;
}

/// Where a field of such a size is, behind what ends there.
#[inline(always)]
pub(crate) const fn place(end: usize, size: usize) -> usize {
    end.next_multiple_of(size)
}

/// Where the field of a name is, of a kind of word with such fields.
pub(crate) const fn place_of(names: &[&str], sizes: &[usize], name: &str) -> usize {
    let (mut end, mut names, mut sizes) = (1, names, sizes);
    while let ([first, names_left @ ..], [size, sizes_left @ ..]) = (names, sizes) {
        let at = place(end, *size);
        if is(first.as_bytes(), name.as_bytes()) {
            return at;
        }
        (end, names, sizes) = (at.wrapping_add(*size), names_left, sizes_left);
    }
    // None is there.
    8
}

const fn is(left: &[u8], right: &[u8]) -> bool {
    let (mut left, mut right) = (left, right);
    while let ([a, left_rest @ ..], [b, right_rest @ ..]) = (left, right) {
        if *a != *b {
            return false;
        }
        (left, right) = (left_rest, right_rest);
    }
    left.is_empty() && right.is_empty()
}

/// Fields that are numbers.
macro_rules! numbers {
    ($($ty:ty),*) => { $(
        impl Operand for $ty {
            const SIZE: usize = size_of::<$ty>();
            #[inline(always)]
            fn put(self, bytes: &mut [u8; 8], at: usize) {
                if let Some(own) = bytes.get_mut(at..).and_then(<[u8]>::first_chunk_mut) {
                    *own = self.to_le_bytes();
                }
            }
            #[inline(always)]
            fn get(bytes: &[u8; 8], at: usize) -> $ty {
                bytes.get(at..).and_then(<[u8]>::first_chunk).map_or(0, |own| <$ty>::from_le_bytes(*own))
            }
        }
    )* };
}
numbers!(u8, u16, u32, i16, i32);

/// Fields that are a byte: how they become one, and how they are made of it.
macro_rules! bytes {
    ($($ty:ty: $to:expr, $from:expr;)*) => { $(
        impl Operand for $ty {
            const SIZE: usize = 1;
            #[inline(always)]
            fn put(self, bytes: &mut [u8; 8], at: usize) {
                let to: fn($ty) -> u8 = $to;
                to(self).put(bytes, at);
            }
            #[inline(always)]
            fn get(bytes: &[u8; 8], at: usize) -> $ty {
                let from: fn(u8) -> $ty = $from;
                from(u8::get(bytes, at))
            }
        }
    )* };
}
bytes! {
    bool: u8::from, |byte| byte != 0;
    How: How::bits, How::from_bits;
    Order: |order| order as u8, |byte| match byte {
        0 => Order::Word,
        1 => Order::Float,
        _ => Order::Text,
    };
}

/// Kinds of words: as an enum, by number, and as what can be read of their bytes.
macro_rules! words {
    ($($(#[$about:meta])* $name:ident $({ $($field:ident: $ty:ty),* $(,)? })?,)*) => {
        /// One executed word.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum Word {
            $($(#[$about])* $name $({ $($field: $ty),* })?,)*
        }

        /// The number of each kind of word.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[repr(u8)]
        pub(crate) enum Kind {
            $($name,)*
        }

        impl Word {
            pub(crate) fn encode(self) -> Encoded {
                match self {
                    $(Word::$name $({ $($field),* })? => {
                        let mut bytes = [0; 8];
                        (Kind::$name as u8).put(&mut bytes, 0);
                        $($(
                            $field.put(&mut bytes, const { fields::$name::place_of(stringify!($field)) });
                        )*)?
                        Encoded(bytes)
                    })*
                }
            }
        }

        impl Encoded {
            /// The word, if it is of any kind.
            pub(crate) fn decode(self) -> Option<Word> {
                $(
                    if self.kind() == Kind::$name as u8 {
                        let fields::$name { $($($field),*)? } = fields::$name::of(&self);
                        return Some(Word::$name $({ $($field),* })?);
                    }
                )*
                None
            }
        }

        /// The fields of each kind of word.
        #[expect(dead_code, reason = "each handler reads what it needs")]
        pub(crate) mod fields {
            use super::{Encoded, How, Kind, Operand, Order, place, place_of};
            $(
                pub(crate) struct $name {
                    $($(pub(crate) $field: $ty,)*)?
                }

                impl $name {
                    const NAMES: &[&str] = &[$($(stringify!($field)),*)?];
                    const SIZES: &[usize] = &[$($(<$ty>::SIZE),*)?];

                    /// Where the field of a name is.
                    pub(crate) const fn place_of(name: &str) -> usize {
                        place_of($name::NAMES, $name::SIZES, name)
                    }

                    /// Of a word of this kind.
                    #[inline(always)]
                    pub(crate) fn of(word: &Encoded) -> $name {
                        let _ = word;
                        $name { $($($field: $name::$field(word),)*)? }
                    }

                    $($(
                        /// One of them, where it is needed and no sooner.
                        #[inline(always)]
                        pub(crate) fn $field(word: &Encoded) -> $ty {
                            const AT: usize = $name::place_of(stringify!($field));
                            debug_assert_eq!(word.kind(), Kind::$name as u8, "the kind of word");
                            <$ty>::get(&word.0, AT)
                        }
                    )*)?
                }

                // All of it fits.
                const _: () = {
                    let end: usize = 1;
                    $($(let end = place(end, <$ty>::SIZE).wrapping_add(<$ty>::SIZE);)*)?
                    assert!(end <= 8);
                };
            )*
        }
    };
}
pub(crate) use words;
