//! What a typed handler gets: Rust types for values of a program.

use std::fmt;
use std::ops::Deref;

use swarm_bytecode::module::Module;
use swarm_bytecode::quantity;
use swarm_bytecode::types::{Type, TypeId};

use crate::secret::Secret;
use crate::slot::Reference;
use crate::value::ValueRef;

/// A Rust type that stands for a parameter of a handler.
pub trait Argument: sealed::Sealed {
    /// The same type with the lifetime of one call.
    type Item<'a>;
    /// The type in an error message.
    const NAME: &'static str;
    /// Whether values of that type are values of this Rust type.
    fn admits(module: &Module, ty: TypeId) -> bool;
    /// Reads the value, whose type was admitted.
    fn read(value: ValueRef<'_>) -> Self::Item<'_>;
}

pub(crate) mod sealed {
    /// Keeps [`super::Argument`] to the types of this module.
    pub trait Sealed {}
}

macro_rules! quantities {
    ($($(#[$doc:meta])* $name:ident, $text:literal, $id:ident;)*) => { $(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
        pub struct $name(pub i64);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&quantity::format(TypeId::$id, self.0))
            }
        }

        impl sealed::Sealed for $name {}
        impl Argument for $name {
            type Item<'a> = $name;
            const NAME: &'static str = $text;
            fn admits(module: &Module, ty: TypeId) -> bool {
                matches!(module.ty(ty), Some(Type::$name))
            }
            fn read(value: ValueRef<'_>) -> $name {
                $name(value.slot.cast_signed())
            }
        }
    )* };
}

quantities! {
    /// A time span in nanoseconds.
    Duration, "duration", DURATION;
    /// An amount of data in bytes.
    Bytes, "bytes", BYTES;
    /// A data rate in bit/s.
    Bandwidth, "bandwidth", BANDWIDTH;
    /// Money in micro-dollars.
    Money, "money", MONEY;
    /// Language-model tokens.
    Tokens, "tokens", TOKENS;
    /// A share in parts per million.
    Percent, "percent", PERCENT;
    /// A point in time in nanoseconds since the Unix epoch.
    Time, "time", TIME;
}

macro_rules! plain_arguments {
    ($($rust:ty, $text:literal, $ty:pat, $value:ident => $read:expr;)*) => { $(
        impl sealed::Sealed for $rust {}
        impl Argument for $rust {
            type Item<'a> = $rust;
            const NAME: &'static str = $text;
            fn admits(module: &Module, ty: TypeId) -> bool {
                matches!(module.ty(ty), Some($ty))
            }
            fn read($value: ValueRef<'_>) -> $rust {
                $read
            }
        }
    )* };
}

plain_arguments! {
    i64, "int", Type::Int, value => value.slot.cast_signed();
    f64, "float", Type::Float, value => f64::from_bits(value.slot);
    bool, "bool", Type::Bool, value => value.slot != 0;
    String, "string", Type::String, value => value.as_str().unwrap_or("").to_owned();
    Secret, "secret", Type::Secret, value => value.as_secret().unwrap_or_else(|| Secret::new(""));
    Rate, "rate", Type::Rate(_), value => Rate(f64::from_bits(value.slot));
}

/// A compound quantity in carrier units: micro-dollars, nanoseconds, bytes and tokens.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Default)]
pub struct Rate(pub f64);

/// A string, read in place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Text<'a>(pub &'a str);

impl Deref for Text<'_> {
    type Target = str;
    fn deref(&self) -> &str {
        self.0
    }
}

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl sealed::Sealed for Text<'_> {}
impl Argument for Text<'_> {
    type Item<'a> = Text<'a>;
    const NAME: &'static str = "string";
    fn admits(module: &Module, ty: TypeId) -> bool {
        matches!(module.ty(ty), Some(Type::String))
    }
    fn read(value: ValueRef<'_>) -> Text<'_> {
        Text(value.as_str().unwrap_or(""))
    }
}

impl sealed::Sealed for &str {}
impl Argument for &str {
    type Item<'a> = &'a str;
    const NAME: &'static str = "string";
    fn admits(module: &Module, ty: TypeId) -> bool {
        matches!(module.ty(ty), Some(Type::String))
    }
    fn read(value: ValueRef<'_>) -> &str {
        value.as_str().unwrap_or("")
    }
}

/// A record of any type, read in place. A program can make up all its fields: look it up by its KEY.
#[derive(Clone, Copy)]
pub struct Record<'a>(ValueRef<'a>);

impl<'a> Record<'a> {
    /// Name of its type.
    pub fn type_name(self) -> &'a str {
        match self.0.ty() {
            Some(Type::Record { name, .. }) => name,
            _ => "",
        }
    }

    /// The field that stands for the whole record, if its type has one.
    pub fn key(self) -> Option<ValueRef<'a>> {
        self.0.key()
    }

    /// The KEY field, where it is a string; else "".
    pub fn key_text(self) -> &'a str {
        self.0.key().and_then(ValueRef::as_str).unwrap_or("")
    }

    /// A field by name.
    pub fn field(self, name: &str) -> Option<ValueRef<'a>> {
        self.0.field(name)
    }

    /// The row in the host's own table, where the record is one unchanged.
    pub fn row(self) -> Option<u32> {
        let reference = Reference::unpack(self.0.slot);
        (reference.source != crate::slot::ARENA).then_some(reference.index)
    }

    /// The record as a value.
    pub fn value(self) -> ValueRef<'a> {
        self.0
    }
}

impl fmt::Debug for Record<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl sealed::Sealed for Record<'_> {}
impl Argument for Record<'_> {
    type Item<'a> = Record<'a>;
    const NAME: &'static str = "record";
    fn admits(module: &Module, ty: TypeId) -> bool {
        matches!(module.ty(ty), Some(Type::Record { .. }))
    }
    fn read(value: ValueRef<'_>) -> Record<'_> {
        Record(value)
    }
}

/// A list of any type, read in place.
#[derive(Clone, Copy)]
pub struct List<'a>(ValueRef<'a>);

impl<'a> List<'a> {
    /// Number of items.
    pub fn len(self) -> usize {
        crate::slot::index(self.0.length().unwrap_or(0))
    }

    /// Whether there are none.
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// The items in order.
    pub fn iter(self) -> impl Iterator<Item = ValueRef<'a>> {
        (0..self.0.length().unwrap_or(0)).filter_map(move |at| self.0.item(at))
    }
}

impl fmt::Debug for List<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl sealed::Sealed for List<'_> {}
impl Argument for List<'_> {
    type Item<'a> = List<'a>;
    const NAME: &'static str = "list";
    fn admits(module: &Module, ty: TypeId) -> bool {
        matches!(module.ty(ty), Some(Type::List { .. }))
    }
    fn read(value: ValueRef<'_>) -> List<'_> {
        List(value)
    }
}

impl<T: Argument> sealed::Sealed for Vec<T> {}
impl<T: Argument> Argument for Vec<T> {
    type Item<'a> = Vec<T::Item<'a>>;
    const NAME: &'static str = "list";
    fn admits(module: &Module, ty: TypeId) -> bool {
        matches!(module.ty(ty), Some(Type::List { element, .. }) if T::admits(module, *element))
    }
    fn read(value: ValueRef<'_>) -> Vec<T::Item<'_>> {
        List(value).iter().map(T::read).collect()
    }
}

impl<T: Argument> sealed::Sealed for Option<T> {}
impl<T: Argument> Argument for Option<T> {
    type Item<'a> = Option<T::Item<'a>>;
    const NAME: &'static str = "optional";
    fn admits(module: &Module, ty: TypeId) -> bool {
        matches!(module.ty(ty), Some(Type::Optional(inner)) if T::admits(module, *inner))
    }
    fn read(value: ValueRef<'_>) -> Option<T::Item<'_>> {
        value.some().map(T::read)
    }
}

/// Any value, as it is.
impl sealed::Sealed for ValueRef<'_> {}
impl Argument for ValueRef<'_> {
    type Item<'a> = ValueRef<'a>;
    const NAME: &'static str = "any";
    fn admits(_: &Module, _: TypeId) -> bool {
        true
    }
    fn read(value: ValueRef<'_>) -> ValueRef<'_> {
        value
    }
}
