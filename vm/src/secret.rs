//! A text that a program hands on and never looks at.

use std::fmt;

use smol_str::SmolStr;
use swarm_bytecode::module::Module;
use swarm_bytecode::types::{Field, REDACTED, Type, TypeId};

use crate::value::Value;

/// A value of type `secret`. Whatever prints it prints `[redacted]`; only [`Secret::expose`] gives the text.
/// It is not wiped from memory when it is dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(SmolStr);

impl Secret {
    /// A secret of this text.
    pub fn new(text: impl AsRef<str>) -> Secret {
        Secret(text.as_ref().into())
    }

    /// The text itself, for the one who needs it: a key for a request, never a line of a log.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(REDACTED)
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(REDACTED)
    }
}

/// Whether a program has secrets at all.
pub(crate) fn occurs(module: &Module) -> bool {
    module.types.contains(&Type::Secret)
}

/// A value that the host gave for one of this type, as it may be shown: its texts that are secrets by the
/// type are such. What has another form, and fields that the program does not know, are left out: they may be
/// one.
pub(crate) fn concealed(module: &Module, ty: TypeId, value: &Value) -> Value {
    let fields = |fields: &[Field], values: &[(SmolStr, Value)]| {
        let shown = values.iter().filter_map(|(name, value)| {
            let field = fields.iter().find(|field| field.name == *name)?;
            Some((name.clone(), concealed(module, field.ty, value)))
        });
        shown.collect()
    };
    // Types nest at most 16 deep (rule V04), so this does too.
    match (module.ty(ty), value) {
        (Some(Type::Secret), Value::String(text)) => Value::Secret(Secret(text.clone())),
        (Some(Type::Secret), Value::Secret(_)) | (Some(Type::Optional(_)), Value::None) => value.clone(),
        (Some(Type::Optional(inner)), value) => concealed(module, *inner, value),
        (Some(Type::List { element, .. }), Value::List(items)) => {
            Value::List(items.iter().map(|item| concealed(module, *element, item)).collect())
        }
        (Some(Type::Map { value: held, .. }), Value::Map(entries)) => {
            let shown = entries.iter().map(|(key, value)| (key.clone(), concealed(module, *held, value)));
            Value::Map(shown.collect())
        }
        (Some(Type::Record { fields: own, .. }), Value::Record(values)) => Value::Record(fields(own, values)),
        (Some(Type::Enum { cases, .. }), Value::Case(name, payload)) => {
            let case = cases.iter().find(|case| case.name == *name);
            Value::Case(name.clone(), fields(case.map_or(&[][..], |case| &case.fields), payload))
        }
        (
            Some(
                Type::Secret | Type::List { .. } | Type::Map { .. } | Type::Record { .. } | Type::Enum { .. },
            ),
            _,
        ) => Value::Omitted,
        _ => value.clone(),
    }
}
