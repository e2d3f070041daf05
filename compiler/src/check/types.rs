//! The types of a program under check: records and enums first, then whatever lists, maps, optionals and rates it
//! speaks of.

use std::collections::{BTreeMap, BTreeSet};

use smol_str::SmolStr;
use swarm_bytecode::quantity;
use swarm_bytecode::types::{BUILTIN_TYPES, Dimension, Type, TypeId};

/// How a type takes part in arithmetic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Int,
    Float,
    Percent,
    /// A named quantity, carried as a whole number.
    Quantity(Dimension),
    /// A quantity without a name, carried as a float.
    Rate(Dimension),
    /// A point in time.
    Time,
    /// Everything that does not calculate.
    Other,
}

impl Kind {
    /// A number without a unit.
    pub(crate) fn is_number(self) -> bool {
        matches!(self, Kind::Int | Kind::Float | Kind::Percent)
    }

    /// Whether values of it can be added, compared and ordered.
    pub(crate) fn calculates(self) -> bool {
        self != Kind::Other
    }

    /// Its dimension; numbers have none. A point in time has no meaning here.
    pub(crate) fn dimension(self) -> Dimension {
        match self {
            Kind::Quantity(dimension) | Kind::Rate(dimension) => dimension,
            _ => Dimension::NONE,
        }
    }
}

/// How deep types may nest: lists in records in lists …
/// The verifier admits 16 around a built-in type, which counts as one here.
pub(crate) const MAX_TYPE_DEPTH: u16 = 17;

/// What makes a composed type the same as another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Shape {
    List(TypeId, Option<u32>),
    Map(TypeId, TypeId, Option<u32>),
    Optional(TypeId),
    Rate(Dimension),
    Secret,
}

/// All types of a program. Two composed types that are alike have the same id.
#[derive(Debug, Clone, Default)]
pub(crate) struct TypeTable {
    own: Vec<Type>,
    shapes: BTreeMap<Shape, TypeId>,
    own_depths: BTreeMap<TypeId, u16>,
    /// Types that were found to hold no secret.
    open: BTreeSet<TypeId>,
    full: bool,
}

impl TypeTable {
    /// The names of the built-in types, as they are written.
    pub(crate) const NAMES: [(&'static str, TypeId); 11] = [
        ("int", TypeId::INT),
        ("float", TypeId::FLOAT),
        ("bool", TypeId::BOOL),
        ("string", TypeId::STRING),
        ("duration", TypeId::DURATION),
        ("bytes", TypeId::BYTES),
        ("bandwidth", TypeId::BANDWIDTH),
        ("money", TypeId::MONEY),
        ("tokens", TypeId::TOKENS),
        ("percent", TypeId::PERCENT),
        ("time", TypeId::TIME),
    ];

    /// Whether the language itself has a type of this name.
    pub(crate) fn is_builtin(name: &str) -> bool {
        Self::builtin(name).is_some() || matches!(name, "list" | "map" | "secret")
    }

    /// The built-in type with this name.
    pub(crate) fn builtin(name: &str) -> Option<TypeId> {
        Self::NAMES.iter().find(|(text, _)| *text == name).map(|&(_, id)| id)
    }

    pub(crate) fn get(&self, id: TypeId) -> Option<&Type> {
        match id.0.checked_sub(TypeId::BUILTIN_COUNT) {
            None => BUILTIN_TYPES.get(usize::from(id.0)),
            Some(own) => self.own.get(usize::from(own)),
        }
    }

    /// Whether there were more types than ids.
    pub(crate) fn is_full(&self) -> bool {
        self.full
    }

    /// How many types stand inside each other in `id`, itself included. Of records and enums it is known once
    /// [`TypeTable::set_depth`] has said so. Lists, maps and optionals are never made deeper than
    /// [`MAX_TYPE_DEPTH`], so the way down is short.
    pub(crate) fn depth(&self, id: TypeId) -> u16 {
        let mut depth: u16 = 1;
        let mut at = id;
        while let Some(inner) = self.inside(at) {
            depth = depth.saturating_add(1);
            at = inner;
        }
        depth.saturating_add(self.own_depths.get(&at).copied().unwrap_or(0))
    }

    /// Says how deep the fields of a record or the payloads of an enum nest.
    pub(crate) fn set_depth(&mut self, own: TypeId, fields: u16) {
        self.own_depths.insert(own, fields);
    }

    /// The type inside a list, a map or an optional.
    fn inside(&self, id: TypeId) -> Option<TypeId> {
        match self.get(id)? {
            Type::List { element: inner, .. } | Type::Map { value: inner, .. } | Type::Optional(inner) => {
                Some(*inner)
            }
            _ => None,
        }
    }

    /// The record or enum at the bottom of lists, maps and optionals.
    pub(crate) fn declared_inside(&self, id: TypeId) -> Option<TypeId> {
        let mut at = id;
        while let Some(inner) = self.inside(at) {
            at = inner;
        }
        matches!(self.get(at), Some(Type::Record { .. } | Type::Enum { .. })).then_some(at)
    }

    pub(crate) fn into_types(self) -> Vec<Type> {
        self.own
    }

    /// A record without its fields; [`TypeTable::complete_record`] brings them.
    pub(crate) fn declare_record(&mut self, name: SmolStr) -> TypeId {
        self.push(Type::Record { name, fields: Vec::new() })
    }

    pub(crate) fn complete_record(&mut self, id: TypeId, all: Vec<swarm_bytecode::types::Field>) {
        self.open.clear();
        let own = id.0.checked_sub(TypeId::BUILTIN_COUNT);
        let ty = own.and_then(|own| self.own.get_mut(usize::from(own)));
        if let Some(Type::Record { fields, .. }) = ty {
            *fields = all;
        }
    }

    /// An enum without its cases; [`TypeTable::complete_enum`] brings them.
    pub(crate) fn declare_enum(&mut self, name: SmolStr) -> TypeId {
        self.push(Type::Enum { name, cases: Vec::new() })
    }

    pub(crate) fn complete_enum(&mut self, id: TypeId, all: Vec<swarm_bytecode::types::EnumCase>) {
        self.open.clear();
        let own = id.0.checked_sub(TypeId::BUILTIN_COUNT);
        let ty = own.and_then(|own| self.own.get_mut(usize::from(own)));
        if let Some(Type::Enum { cases, .. }) = ty {
            *cases = all;
        }
    }

    pub(crate) fn secret(&mut self) -> TypeId {
        self.intern(Shape::Secret, Type::Secret)
    }

    /// Whether values of the type are secrets, as they are or as optionals.
    pub(crate) fn is_secret(&self, id: TypeId) -> bool {
        matches!(self.get(self.inner(id).unwrap_or(id)), Some(Type::Secret))
    }

    /// Whether a value of the type is a secret or may hold one. All types that it is made of must be complete.
    pub(crate) fn holds_secret(&mut self, id: TypeId) -> bool {
        if !self.shapes.contains_key(&Shape::Secret) {
            return false;
        }
        let mut seen = BTreeSet::new();
        let mut left = vec![id];
        while let Some(at) = left.pop() {
            if self.open.contains(&at) || !seen.insert(at) {
                continue;
            }
            match self.get(at) {
                Some(Type::Secret) => return true,
                Some(ty) => {
                    ty.any_part(|part| {
                        left.push(part);
                        false
                    });
                }
                None => {}
            }
        }
        self.open.extend(seen);
        false
    }

    pub(crate) fn map(&mut self, key: TypeId, value: TypeId, max: Option<u32>) -> TypeId {
        self.intern(Shape::Map(key, value, max), Type::Map { key, value, max })
    }

    pub(crate) fn list(&mut self, element: TypeId, max: Option<u32>) -> TypeId {
        self.intern(Shape::List(element, max), Type::List { element, max })
    }

    pub(crate) fn optional(&mut self, inner: TypeId) -> TypeId {
        self.intern(Shape::Optional(inner), Type::Optional(inner))
    }

    /// The type of a quantity of this dimension: a named one, a rate, or `float` where nothing is left.
    pub(crate) fn quantity(&mut self, dimension: Dimension) -> TypeId {
        if dimension.is_none() {
            return TypeId::FLOAT;
        }
        match quantity::named(dimension) {
            Some(named) => named,
            None => self.intern(Shape::Rate(dimension), Type::Rate(dimension)),
        }
    }

    fn intern(&mut self, shape: Shape, ty: Type) -> TypeId {
        if let Some(&known) = self.shapes.get(&shape) {
            return known;
        }
        let id = self.push(ty);
        self.shapes.insert(shape, id);
        id
    }

    fn push(&mut self, ty: Type) -> TypeId {
        let id = u16::try_from(self.own.len()).ok().and_then(|own| own.checked_add(TypeId::BUILTIN_COUNT));
        match id {
            Some(id) => {
                self.own.push(ty);
                TypeId(id)
            }
            None => {
                self.full = true;
                TypeId::INT
            }
        }
    }

    pub(crate) fn kind(&self, id: TypeId) -> Kind {
        match self.get(id) {
            Some(Type::Int) => Kind::Int,
            Some(Type::Float) => Kind::Float,
            Some(Type::Percent) => Kind::Percent,
            Some(Type::Time) => Kind::Time,
            Some(Type::Rate(dimension)) => Kind::Rate(*dimension),
            Some(Type::Duration | Type::Bytes | Type::Bandwidth | Type::Money | Type::Tokens) => {
                Kind::Quantity(quantity::dimension(id))
            }
            _ => Kind::Other,
        }
    }

    /// `T` of `T?`.
    pub(crate) fn inner(&self, id: TypeId) -> Option<TypeId> {
        match self.get(id) {
            Some(Type::Optional(inner)) => Some(*inner),
            _ => None,
        }
    }

    /// `T` of `list<T>`.
    pub(crate) fn element(&self, id: TypeId) -> Option<TypeId> {
        match self.get(id) {
            Some(Type::List { element, .. }) => Some(*element),
            _ => None,
        }
    }

    /// Key and value of `map<K, V>`.
    pub(crate) fn entry(&self, id: TypeId) -> Option<(TypeId, TypeId)> {
        match self.get(id) {
            Some(Type::Map { key, value, .. }) => Some((*key, *value)),
            _ => None,
        }
    }

    /// `MAX n` of a list or a map.
    pub(crate) fn max(&self, id: TypeId) -> Option<u32> {
        match self.get(id) {
            Some(Type::List { max, .. } | Type::Map { max, .. }) => *max,
            _ => None,
        }
    }

    /// Whether a value of type `from` is one of type `to` as it stands: the same type, or a list of the same
    /// items, or a map of the same entries, that admits no fewer of them.
    pub(crate) fn fits(&self, from: TypeId, to: TypeId) -> bool {
        if from == to {
            return true;
        }
        let admits =
            |from: &Option<u32>, to: &Option<u32>| to.is_none_or(|to| from.is_some_and(|from| from <= to));
        match (self.get(from), self.get(to)) {
            (Some(Type::List { element: a, max: from }), Some(Type::List { element: b, max: to })) => {
                a == b && admits(from, to)
            }
            (Some(Type::Map { max: min, .. }), Some(Type::Map { max, .. })) => {
                self.entry(from) == self.entry(to) && admits(min, max)
            }
            _ => false,
        }
    }

    /// Whether two types differ at most in how many items their lists or maps may have.
    pub(crate) fn same_but_max(&self, one: TypeId, other: TypeId) -> bool {
        one == other
            || (self.element(one).is_some() && self.element(one) == self.element(other))
            || (self.entry(one).is_some() && self.entry(one) == self.entry(other))
    }

    /// The type as it would be written.
    pub(crate) fn name(&self, id: TypeId) -> String {
        match self.get(id) {
            Some(Type::List { element, max: None }) => format!("list<{}>", self.name(*element)),
            Some(Type::List { element, max: Some(max) }) => {
                format!("list<{}> MAX {max}", self.name(*element))
            }
            Some(Type::Map { key, value, max }) => {
                let max = max.map_or_else(String::new, |max| format!(" MAX {max}"));
                format!("map<{}, {}>{max}", self.name(*key), self.name(*value))
            }
            Some(Type::Optional(inner)) => format!("{}?", self.name(*inner)),
            Some(Type::Record { name, .. } | Type::Enum { name, .. }) => name.to_string(),
            Some(Type::Rate(dimension)) => rate_name(*dimension),
            Some(Type::Secret) => "secret".to_owned(),
            _ => {
                let known = Self::NAMES.iter().find(|(_, own)| *own == id);
                known.map_or("unknown", |(name, _)| name).to_owned()
            }
        }
    }
}

/// `money/duration`; of higher powers the factors, each as often as it counts.
fn rate_name(dimension: Dimension) -> String {
    let parts = [
        ("bytes", dimension.data),
        ("money", dimension.money),
        ("tokens", dimension.tokens),
        ("duration", dimension.time),
    ];
    let factors = |sign: i8| -> Vec<&str> {
        let powers = parts.iter().filter(|(_, power)| power.signum() == sign);
        powers
            .flat_map(|&(name, power)| std::iter::repeat_n(name, usize::from(power.unsigned_abs())))
            .collect()
    };
    let (above, below) = (factors(1), factors(-1));
    let above = if above.is_empty() { "float".to_owned() } else { above.join("*") };
    match below.as_slice() {
        [] => above,
        [one] => format!("{above}/{one}"),
        many => format!("{above}/({})", many.join("*")),
    }
}

/// A few words for what a value of the type is.
pub(crate) fn with_article(name: &str) -> String {
    match name {
        "int" => "a whole number (int)".to_owned(),
        "float" => "a float".to_owned(),
        "bool" => "TRUE or FALSE (bool)".to_owned(),
        "percent" => "a percentage".to_owned(),
        "string" => "text (string)".to_owned(),
        "duration" => "a duration".to_owned(),
        "time" => "a point in time".to_owned(),
        "secret" => "a secret".to_owned(),
        other => other.to_owned(),
    }
}
