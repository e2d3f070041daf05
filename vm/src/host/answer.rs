//! What a handler gives back.

use std::fmt;

use smol_str::SmolStr;
use swarm_bytecode::module::{Import, Module};
use swarm_bytecode::types::{Type, TypeId};

use super::argument::{Bandwidth, Bytes, Duration, Money, Percent, Time, Tokens};
use crate::secret::Secret;
use crate::trace::cut;
use crate::value::Value;

/// Why the host could not do or answer something. For an action the run goes on and counts it; a query declared
/// `-> T?` gives NONE, any other ends the run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostError {
    message: SmolStr,
}

impl HostError {
    /// An error with a message for people; what is beyond 4 KiB is cut.
    pub fn new(message: impl AsRef<str>) -> HostError {
        HostError { message: cut(message.as_ref()) }
    }

    /// The message.
    pub fn message(&self) -> &str {
        &self.message
    }
}

impl fmt::Display for HostError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for HostError {}

impl From<&str> for HostError {
    fn from(message: &str) -> HostError {
        HostError::new(message)
    }
}

impl From<String> for HostError {
    fn from(message: String) -> HostError {
        HostError::new(message)
    }
}

/// A handler's answer, and what the call really cost.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    pub(crate) kind: AnswerKind,
    /// Micro-dollars, where lower than declared.
    pub(crate) money: Option<i64>,
    /// Tokens, where lower than declared.
    pub(crate) tokens: Option<i64>,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum AnswerKind {
    Done,
    Value(Value),
    Failed(HostError),
    Pending,
}

impl Answer {
    fn of(kind: AnswerKind) -> Answer {
        Answer { kind, money: None, tokens: None }
    }

    /// Whether it says no more than "done".
    #[inline]
    pub(crate) fn is_plain(&self) -> bool {
        matches!(self, Answer { kind: AnswerKind::Done, money: None, tokens: None })
    }

    /// The action is done.
    pub fn done() -> Answer {
        Answer::of(AnswerKind::Done)
    }

    /// The query's answer.
    pub fn value(value: impl IntoValue) -> Answer {
        Answer::of(AnswerKind::Value(value.into_value()))
    }

    /// It could not be done.
    pub fn failed(error: impl Into<HostError>) -> Answer {
        Answer::of(AnswerKind::Failed(error.into()))
    }

    /// Not known yet: the run stops here and goes on once it is told.
    pub fn pending() -> Answer {
        Answer::of(AnswerKind::Pending)
    }

    /// Why it could not be done, if it could not.
    pub fn error(&self) -> Option<&HostError> {
        match &self.kind {
            AnswerKind::Failed(error) => Some(error),
            _ => None,
        }
    }

    /// What the call really cost; at most what was declared, or the run ends with `host_price`.
    #[must_use]
    pub fn costing(mut self, money: Money, tokens: Tokens) -> Answer {
        self.money = Some(money.0);
        self.tokens = Some(tokens.0);
        self
    }
}

/// What the closure of a handler may return.
pub trait IntoAnswer {
    /// Whether it never says more than "done".
    const PLAIN: bool = false;
    /// The type in an error message; empty for no answer at all.
    fn type_name() -> &'static str;
    /// Whether it answers this import.
    fn admits(module: &Module, import: &Import) -> bool;
    /// The answer.
    fn into_answer(self) -> Answer;
}

/// Values a handler may answer with.
pub trait IntoValue {
    /// The type in an error message.
    const NAME: &'static str;
    /// Whether values of this Rust type are values of that type.
    fn admits(module: &Module, ty: TypeId) -> bool;
    /// The value.
    fn into_value(self) -> Value;
}

impl IntoAnswer for () {
    const PLAIN: bool = true;

    fn type_name() -> &'static str {
        ""
    }
    fn admits(_: &Module, import: &Import) -> bool {
        import.result.is_none()
    }
    fn into_answer(self) -> Answer {
        Answer::done()
    }
}

impl<T: IntoValue> IntoAnswer for T {
    fn type_name() -> &'static str {
        T::NAME
    }
    fn admits(module: &Module, import: &Import) -> bool {
        import.result.is_some_and(|ty| T::admits(module, ty))
    }
    fn into_answer(self) -> Answer {
        Answer::of(AnswerKind::Value(self.into_value()))
    }
}

impl<T: IntoAnswer> IntoAnswer for Result<T, HostError> {
    fn type_name() -> &'static str {
        T::type_name()
    }
    fn admits(module: &Module, import: &Import) -> bool {
        T::admits(module, import)
    }
    fn into_answer(self) -> Answer {
        match self {
            Ok(value) => value.into_answer(),
            Err(error) => Answer::of(AnswerKind::Failed(error)),
        }
    }
}

/// Any type; whether the value fits is seen when it comes.
impl IntoAnswer for Answer {
    fn type_name() -> &'static str {
        "any"
    }
    fn admits(_: &Module, _: &Import) -> bool {
        true
    }
    fn into_answer(self) -> Answer {
        self
    }
}

macro_rules! scalar_values {
    ($($rust:ty, $name:literal, $ty:pat, $self:ident => $value:expr;)*) => { $(
        impl IntoValue for $rust {
            const NAME: &'static str = $name;
            fn admits(module: &Module, ty: TypeId) -> bool {
                matches!(module.ty(ty), Some($ty))
            }
            fn into_value($self) -> Value {
                $value
            }
        }
    )* };
}

scalar_values! {
    i64, "int", Type::Int, self => Value::Int(self);
    f64, "float", Type::Float, self => Value::Float(self);
    bool, "bool", Type::Bool, self => Value::Bool(self);
    String, "string", Type::String | Type::Secret, self => Value::String(self.into());
    SmolStr, "string", Type::String | Type::Secret, self => Value::String(self);
    &str, "string", Type::String | Type::Secret, self => Value::String(self.into());
    Secret, "secret", Type::Secret, self => Value::Secret(self);
    Duration, "duration", Type::Duration, self => Value::Quantity(TypeId::DURATION, self.0);
    Bytes, "bytes", Type::Bytes, self => Value::Quantity(TypeId::BYTES, self.0);
    Bandwidth, "bandwidth", Type::Bandwidth, self => Value::Quantity(TypeId::BANDWIDTH, self.0);
    Money, "money", Type::Money, self => Value::Quantity(TypeId::MONEY, self.0);
    Tokens, "tokens", Type::Tokens, self => Value::Quantity(TypeId::TOKENS, self.0);
    Percent, "percent", Type::Percent, self => Value::Quantity(TypeId::PERCENT, self.0);
    Time, "time", Type::Time, self => Value::Quantity(TypeId::TIME, self.0);
}

/// Any type; whether the value fits is seen when it comes.
impl IntoValue for Value {
    const NAME: &'static str = "any";
    fn admits(_: &Module, _: TypeId) -> bool {
        true
    }
    fn into_value(self) -> Value {
        self
    }
}

impl<T: IntoValue> IntoValue for Option<T> {
    const NAME: &'static str = "optional";
    fn admits(module: &Module, ty: TypeId) -> bool {
        matches!(module.ty(ty), Some(Type::Optional(inner)) if T::admits(module, *inner))
    }
    fn into_value(self) -> Value {
        self.map_or(Value::None, T::into_value)
    }
}

impl<T: IntoValue> IntoValue for Vec<T> {
    const NAME: &'static str = "list";
    fn admits(module: &Module, ty: TypeId) -> bool {
        matches!(module.ty(ty), Some(Type::List { element, .. }) if T::admits(module, *element))
    }
    fn into_value(self) -> Value {
        Value::List(self.into_iter().map(T::into_value).collect())
    }
}
