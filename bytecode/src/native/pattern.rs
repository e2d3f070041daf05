//! What natives take and give: patterns of types with variables.

use std::fmt;

use crate::types::{Class, Type, TypeId};

/// What a parameter or a result may be. `T`, `K` and `V` stand for one type each throughout a signature; the MAX
/// of a list or map is not looked at, so the result's is the caller's choice, and too many items trap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pattern {
    /// `int`
    Int,
    /// `float`
    Float,
    /// `bool`
    Bool,
    /// `string`
    String,
    /// `time`
    Time,
    /// `duration`
    Duration,
    /// `percent`
    Percent,
    /// Any type: `T`.
    Any,
    /// An integer-carried or float-carried type: `T`.
    Number,
    /// A number that is no point in time: `T`.
    Quantity,
    /// `T?`
    OptionalAny,
    /// `int?`
    OptionalInt,
    /// `float?`
    OptionalFloat,
    /// `list<T>`
    ListAny,
    /// `list<T>` of what `<` compares: numbers, points in time, strings.
    ListOrdered,
    /// `list<string>`
    ListString,
    /// `list<K>`
    ListKey,
    /// `list<V>`
    ListValue,
    /// `map<K, V>`
    Map,
    /// `K`
    Key,
}

/// The types that the variables of a signature stand for, as far as they are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Bindings {
    /// `T`
    pub any: Option<TypeId>,
    /// `K`
    pub key: Option<TypeId>,
    /// `V`
    pub value: Option<TypeId>,
}

/// A type that a pattern gives once its variables are known. Which id it has, and which MAX, is for the table of
/// types to say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// This type.
    Is(TypeId),
    /// An optional of this type.
    Optional(TypeId),
    /// A list of this type.
    List(TypeId),
    /// A map from the first type to the second.
    Map(TypeId, TypeId),
}

impl Pattern {
    /// Whether a type fits the pattern. A variable that is not bound yet is bound by it; one that is bound has to
    /// be this very type. `lookup` gives the type of an id.
    pub fn admits<'a>(
        self,
        ty: TypeId,
        bindings: &mut Bindings,
        lookup: impl Fn(TypeId) -> Option<&'a Type>,
    ) -> bool {
        let Some(found) = lookup(ty) else { return false };
        let class = |ty| lookup(ty).map(Type::class);
        match (self, found) {
            (Pattern::Any, _) => bind(&mut bindings.any, ty),
            (Pattern::Number, _) => number(found) && bind(&mut bindings.any, ty),
            (Pattern::Quantity, _) => number(found) && *found != Type::Time && bind(&mut bindings.any, ty),
            (Pattern::Key, _) => bind(&mut bindings.key, ty),
            (Pattern::ListOrdered, Type::List { element, .. }) => {
                matches!(class(*element), Some(Class::Word | Class::Float | Class::String))
                    && bind(&mut bindings.any, *element)
            }
            (Pattern::ListAny, Type::List { element, .. }) => bind(&mut bindings.any, *element),
            (Pattern::ListKey, Type::List { element, .. }) => bind(&mut bindings.key, *element),
            (Pattern::ListValue, Type::List { element, .. }) => bind(&mut bindings.value, *element),
            (Pattern::OptionalAny, Type::Optional(inner)) => bind(&mut bindings.any, *inner),
            (Pattern::Map, Type::Map { key, value, .. }) => {
                bind(&mut bindings.key, *key) && bind(&mut bindings.value, *value)
            }
            _ => match (self.shape(bindings), found) {
                (Some(Shape::Is(wanted)), _) => wanted == ty,
                (Some(Shape::Optional(wanted)), Type::Optional(inner)) => wanted == *inner,
                (Some(Shape::List(wanted)), Type::List { element, .. }) => wanted == *element,
                _ => false,
            },
        }
    }

    /// The type the pattern gives; `None` while a variable it needs is not bound.
    pub fn shape(self, bindings: &Bindings) -> Option<Shape> {
        Some(match self {
            Pattern::Int => Shape::Is(TypeId::INT),
            Pattern::Float => Shape::Is(TypeId::FLOAT),
            Pattern::Bool => Shape::Is(TypeId::BOOL),
            Pattern::String => Shape::Is(TypeId::STRING),
            Pattern::Time => Shape::Is(TypeId::TIME),
            Pattern::Duration => Shape::Is(TypeId::DURATION),
            Pattern::Percent => Shape::Is(TypeId::PERCENT),
            Pattern::Any | Pattern::Number | Pattern::Quantity => Shape::Is(bindings.any?),
            Pattern::OptionalAny => Shape::Optional(bindings.any?),
            Pattern::OptionalInt => Shape::Optional(TypeId::INT),
            Pattern::OptionalFloat => Shape::Optional(TypeId::FLOAT),
            Pattern::ListAny | Pattern::ListOrdered => Shape::List(bindings.any?),
            Pattern::ListString => Shape::List(TypeId::STRING),
            Pattern::ListKey => Shape::List(bindings.key?),
            Pattern::ListValue => Shape::List(bindings.value?),
            Pattern::Map => Shape::Map(bindings.key?, bindings.value?),
            Pattern::Key => Shape::Is(bindings.key?),
        })
    }
}

fn number(ty: &Type) -> bool {
    matches!(ty.class(), Class::Word | Class::Float)
}

fn bind(variable: &mut Option<TypeId>, ty: TypeId) -> bool {
    *variable.get_or_insert(ty) == ty
}

impl fmt::Display for Pattern {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Pattern::Int => "int",
            Pattern::Float => "float",
            Pattern::Bool => "bool",
            Pattern::String => "string",
            Pattern::Time => "time",
            Pattern::Duration => "duration",
            Pattern::Percent => "percent",
            Pattern::Any => "T",
            Pattern::Number => "number T",
            Pattern::Quantity => "quantity T",
            Pattern::OptionalAny => "T?",
            Pattern::OptionalInt => "int?",
            Pattern::OptionalFloat => "float?",
            Pattern::ListAny => "list<T>",
            Pattern::ListOrdered => "list<ordered T>",
            Pattern::ListString => "list<string>",
            Pattern::ListKey => "list<K>",
            Pattern::ListValue => "list<V>",
            Pattern::Map => "map<K, V>",
            Pattern::Key => "K",
        })
    }
}
