//! The types a module speaks of, and how each is carried in a 64-bit register slot.

use smol_str::SmolStr;

/// Index of a type: the built-in types first ([`TypeId::INT`] …), then the module's own type table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TypeId(pub u16);

impl TypeId {
    /// 64-bit signed integer.
    pub const INT: TypeId = TypeId(0);
    /// 64-bit IEEE float, always finite.
    pub const FLOAT: TypeId = TypeId(1);
    /// Truth value, carried as 0 or 1.
    pub const BOOL: TypeId = TypeId(2);
    /// UTF-8 text.
    pub const STRING: TypeId = TypeId(3);
    /// Time span in nanoseconds.
    pub const DURATION: TypeId = TypeId(4);
    /// Amount of data in bytes.
    pub const BYTES: TypeId = TypeId(5);
    /// Data rate in bit/s.
    pub const BANDWIDTH: TypeId = TypeId(6);
    /// Money in micro-dollars.
    pub const MONEY: TypeId = TypeId(7);
    /// Language-model tokens.
    pub const TOKENS: TypeId = TypeId(8);
    /// Share in parts per million (`20%` is 200 000).
    pub const PERCENT: TypeId = TypeId(9);
    /// Point in time in nanoseconds since the Unix epoch.
    pub const TIME: TypeId = TypeId(10);
    /// How many built-in types there are; the module's table starts at this index.
    pub const BUILTIN_COUNT: u16 = 11;
}

/// Exponents of the four base dimensions. Everything but `time` (a point in time) has one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Dimension {
    /// Exponent of time (base unit: nanosecond).
    pub time: i8,
    /// Exponent of data (base unit: byte).
    pub data: i8,
    /// Exponent of money (base unit: micro-dollar).
    pub money: i8,
    /// Exponent of language-model tokens.
    pub tokens: i8,
}

impl Dimension {
    /// No dimension: numbers and shares.
    pub const NONE: Dimension = Dimension { time: 0, data: 0, money: 0, tokens: 0 };

    /// Whether every exponent is zero.
    pub const fn is_none(self) -> bool {
        self.time == 0 && self.data == 0 && self.money == 0 && self.tokens == 0
    }

    /// The dimension of a product; `None` where an exponent leaves `i8`.
    pub fn product(self, other: Dimension) -> Option<Dimension> {
        Some(Dimension {
            time: self.time.checked_add(other.time)?,
            data: self.data.checked_add(other.data)?,
            money: self.money.checked_add(other.money)?,
            tokens: self.tokens.checked_add(other.tokens)?,
        })
    }

    /// The dimension of a quotient; `None` where an exponent leaves `i8`.
    pub fn quotient(self, other: Dimension) -> Option<Dimension> {
        Some(Dimension {
            time: self.time.checked_sub(other.time)?,
            data: self.data.checked_sub(other.data)?,
            money: self.money.checked_sub(other.money)?,
            tokens: self.tokens.checked_sub(other.tokens)?,
        })
    }
}

/// One type of a module.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Type {
    /// [`TypeId::INT`]
    Int,
    /// [`TypeId::FLOAT`]
    Float,
    /// [`TypeId::BOOL`]
    Bool,
    /// [`TypeId::STRING`]
    String,
    /// [`TypeId::DURATION`]
    Duration,
    /// [`TypeId::BYTES`]
    Bytes,
    /// [`TypeId::BANDWIDTH`]
    Bandwidth,
    /// [`TypeId::MONEY`]
    Money,
    /// [`TypeId::TOKENS`]
    Tokens,
    /// [`TypeId::PERCENT`]
    Percent,
    /// [`TypeId::TIME`]
    Time,
    /// A compound quantity without a name of its own (`money/duration`), carried as a float in base units:
    /// micro-dollars, nanoseconds, bytes and tokens.
    Rate(Dimension),
    /// A list. `max` is the greatest number of items the type admits, where it says one.
    List {
        /// Type of each item.
        element: TypeId,
        /// `MAX n` of the type.
        max: Option<u32>,
    },
    /// A record; its fields in declaration order.
    Record {
        /// The name it was declared under.
        name: SmolStr,
        /// At most 256 fields.
        fields: Vec<Field>,
    },
    /// `T?`: a value or NONE.
    Optional(TypeId),
    /// One of several cases, each with a payload of its own.
    Enum {
        /// The name it was declared under.
        name: SmolStr,
        /// 1 to 256 cases.
        cases: Vec<EnumCase>,
    },
    /// A map; its entries are gone through in the order of their keys.
    Map {
        /// Type of the keys: a string, anything integer-carried, a bool, or an enum whose cases have no payload.
        key: TypeId,
        /// Type of the values.
        value: TypeId,
        /// `MAX n` of the type.
        max: Option<u32>,
    },
    /// Text that a program hands on and never looks at; whatever shows values shows `[redacted]` in its place.
    Secret,
}

/// What is shown in the place of a secret.
pub const REDACTED: &str = "[redacted]";

/// One case of an enum.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct EnumCase {
    /// Name, unique within the enum. A last case `OTHER(name: string)` takes in what the border does not know.
    pub name: SmolStr,
    /// Its payload; no keys, units and defaults.
    pub fields: Vec<Field>,
}

/// One field of a record type.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Field {
    /// Name, unique within the record.
    pub name: SmolStr,
    /// Type of its value.
    pub ty: TypeId,
    /// Whether this field stands for the whole record in traces, reports and effect keys (`id: string KEY`).
    pub key: bool,
    /// What a bare JSON number counts (`IN ms`), if the declaration says so.
    pub unit: Option<SmolStr>,
    /// Value used where a literal or JSON leaves the field out.
    pub default: Option<Constant>,
}

/// A constant that may stand as a default in a declaration.
#[derive(Debug, Clone, PartialEq)]
pub enum Constant {
    /// Any integer-carried scalar in base units, and bool as 0 or 1.
    Word(i64),
    /// A float or rate; finite.
    Float(f64),
    /// Text.
    String(SmolStr),
    /// The empty value: an empty list or map, NONE, or a record of defaults.
    Empty,
    /// A case of an enum, by index, without payload.
    Case(u8),
}

impl Eq for Constant {}

impl std::hash::Hash for Constant {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        match self {
            Constant::Word(word) => (0u8, word).hash(state),
            Constant::Float(float) => (1u8, float.to_bits()).hash(state),
            Constant::String(text) => (2u8, text).hash(state),
            Constant::Empty => 3u8.hash(state),
            Constant::Case(case) => (4u8, case).hash(state),
        }
    }
}

/// How a type is carried in a 64-bit register slot. The verifier checks operands by class; exact types
/// matter where values are moved, stored, passed or returned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// `int` and every integer-carried quantity: two's complement `i64`.
    Word,
    /// `bool`: 0 or 1.
    Bool,
    /// `float` and rates: bits of a finite `f64`.
    Float,
    /// `string`: a reference to immutable bytes.
    String,
    /// `list<T>`: a reference.
    List,
    /// A record: a reference, or a row of a host view.
    Record,
    /// `T?`: a reference, 0 is NONE.
    Optional,
    /// An enum: a reference; 0 is the first case, its payload zeros.
    Enum,
    /// `map<K, V>`: a reference, 0 is the empty map.
    Map,
    /// `secret`: as a string, but no op reads its bytes.
    Secret,
}

impl Type {
    /// Whether parts of a value of the type can be written where they are: those of lists, maps and records. Two
    /// registers must not have one such value, so `move` and `state.set` leave the zero where they take it from.
    pub const fn is_mutable(&self) -> bool {
        matches!(self.class(), Class::List | Class::Map | Class::Record)
    }

    /// How values of this type are carried.
    pub const fn class(&self) -> Class {
        match self {
            Type::Int
            | Type::Duration
            | Type::Bytes
            | Type::Bandwidth
            | Type::Money
            | Type::Tokens
            | Type::Percent
            | Type::Time => Class::Word,
            Type::Bool => Class::Bool,
            Type::Float | Type::Rate(_) => Class::Float,
            Type::String => Class::String,
            Type::List { .. } => Class::List,
            Type::Record { .. } => Class::Record,
            Type::Optional(_) => Class::Optional,
            Type::Enum { .. } => Class::Enum,
            Type::Map { .. } => Class::Map,
            Type::Secret => Class::Secret,
        }
    }

    /// Whether a type that this one is made of – items, keys, values, fields – is one of those that `test` tells.
    pub fn any_part(&self, mut test: impl FnMut(TypeId) -> bool) -> bool {
        match self {
            Type::List { element: inner, .. } | Type::Optional(inner) => test(*inner),
            Type::Map { key, value, .. } => test(*key) || test(*value),
            Type::Record { fields, .. } => fields.iter().any(|field| test(field.ty)),
            Type::Enum { cases, .. } => {
                cases.iter().flat_map(|case| &case.fields).any(|field| test(field.ty))
            }
            _ => false,
        }
    }
}

/// The built-in types, indexed by [`TypeId`].
pub static BUILTIN_TYPES: [Type; TypeId::BUILTIN_COUNT as usize] = [
    Type::Int,
    Type::Float,
    Type::Bool,
    Type::String,
    Type::Duration,
    Type::Bytes,
    Type::Bandwidth,
    Type::Money,
    Type::Tokens,
    Type::Percent,
    Type::Time,
];
