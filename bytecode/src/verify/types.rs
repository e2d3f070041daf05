//! Rules about the table of types.

use smol_str::SmolStr;

use super::tables::{check_extras, class, distinct};
use super::{Result, Rule, Work, broken, ensure};
use crate::codec::limits;
use crate::module::Module;
use crate::types::{Class, EnumCase, Field, Type, TypeId};

/// Types nest at most so deep.
pub(super) const MAX_TYPE_DEPTH: u8 = 16;

/// The name of the case that takes in what the border does not know, and of its one field.
const OTHER: (&str, &str) = ("OTHER", "name");

/// What is known of the types that stand before the one being checked.
#[derive(Default)]
struct Known {
    /// How deep each nests.
    depths: Vec<u8>,
    /// Whether each is an enum whose cases have no payload.
    plain: Vec<bool>,
    /// Whether a value of each is a secret or may hold one.
    secret: Vec<bool>,
}

impl Known {
    /// The depth of a type that a type of the module refers to.
    fn depth(&self, id: TypeId) -> Result<u8> {
        match id.0.checked_sub(TypeId::BUILTIN_COUNT) {
            None => Ok(0),
            Some(own) => self.depths.get(usize::from(own)).copied().ok_or_else(|| {
                let index = self.depths.len();
                broken(Rule::TypeExists, format!("type {index} of the module refers to type id {}", id.0))
            }),
        }
    }

    fn is_plain_enum(&self, id: TypeId) -> bool {
        let own = id.0.checked_sub(TypeId::BUILTIN_COUNT);
        own.and_then(|own| self.plain.get(usize::from(own))).copied().unwrap_or(false)
    }

    fn is_secret(&self, id: TypeId) -> bool {
        let own = id.0.checked_sub(TypeId::BUILTIN_COUNT);
        own.and_then(|own| self.secret.get(usize::from(own))).copied().unwrap_or(false)
    }

    /// Whether a value of the type is a secret or may hold one.
    fn holds_secret(&self, ty: &Type) -> bool {
        *ty == Type::Secret || ty.any_part(|part| self.is_secret(part))
    }

    /// The greatest depth among fields.
    fn deepest(&self, fields: &[Field]) -> Result<u8> {
        fields.iter().try_fold(0, |deepest, field| Ok(self.depth(field.ty)?.max(deepest)))
    }
}

/// Tells of each type of the module whether a value of it is a secret or may hold one.
pub(super) fn check_types(module: &Module, work: &mut Work) -> Result<Vec<bool>> {
    let mut known = Known::default();
    for (index, ty) in module.types.iter().enumerate() {
        work.spend(1)?;
        let inner = match ty {
            Type::List { element, .. } => known.depth(*element)?,
            Type::Optional(inner) => {
                let depth = known.depth(*inner)?;
                ensure(!matches!(module.ty(*inner), Some(Type::Optional(_))), Rule::NestedOptional, || {
                    format!("type {index} of the module is an optional of an optional")
                })?;
                depth
            }
            Type::Record { name, fields } => {
                let deepest = known.deepest(fields)?;
                check_record(module, name, fields, work)?;
                deepest
            }
            Type::Enum { name, cases } => {
                let mut deepest = 0;
                for case in cases {
                    deepest = known.deepest(&case.fields)?.max(deepest);
                }
                check_enum(name, cases, work)?;
                deepest
            }
            Type::Map { key, value, .. } => {
                let depth = known.depth(*key)?.max(known.depth(*value)?);
                let fits = match class(module, *key) {
                    Some(Class::Word | Class::Bool | Class::String) => true,
                    Some(Class::Enum) => known.is_plain_enum(*key),
                    _ => false,
                };
                ensure(fits, Rule::MapKeys, || format!("type {index} of the module"))?;
                depth
            }
            Type::Rate(_) | Type::Secret => 0,
            _ => {
                return Err(broken(Rule::OwnTypes, format!("type {index} of the module is a built-in type")));
            }
        };
        let depth = inner.saturating_add(1);
        ensure(depth <= MAX_TYPE_DEPTH, Rule::TypeDepth, || {
            format!("type {index} of the module nests more than {MAX_TYPE_DEPTH} deep")
        })?;
        known.depths.push(depth);
        known.secret.push(known.holds_secret(ty));
        known
            .plain
            .push(matches!(ty, Type::Enum { cases, .. } if cases.iter().all(|case| case.fields.is_empty())));
    }
    Ok(known.secret)
}

fn check_record(module: &Module, name: &SmolStr, fields: &[Field], work: &mut Work) -> Result<()> {
    ensure(!name.is_empty(), Rule::Names, || "a record without a name".to_owned())?;
    distinct(fields.iter().map(|field| &field.name), || format!("fields of {name}"), work)?;
    for field in fields {
        let place = || format!("field {} of {name}", field.name);
        check_extras(module, field.ty, field.unit.as_ref(), field.default.as_ref(), place)?;
    }
    let mut keys = fields.iter().filter(|field| field.key);
    if let Some(key) = keys.next() {
        let plain = matches!(class(module, key.ty), Some(Class::Word | Class::Bool | Class::String));
        ensure(plain, Rule::KeyField, || format!("field {} of {name} cannot be a KEY", key.name))?;
        ensure(keys.next().is_none(), Rule::KeyField, || format!("{name} has more than one KEY"))?;
    }
    Ok(())
}

fn check_enum(name: &SmolStr, cases: &[EnumCase], work: &mut Work) -> Result<()> {
    ensure(!name.is_empty(), Rule::Names, || "an enum without a name".to_owned())?;
    ensure((1..=limits::CASES).contains(&cases.len()), Rule::Enums, || {
        format!("{name} has {} cases", cases.len())
    })?;
    distinct(cases.iter().map(|case| &case.name), || format!("cases of {name}"), work)?;
    for (index, EnumCase { name: case, fields }) in cases.iter().enumerate() {
        distinct(fields.iter().map(|field| &field.name), || format!("payload of {name}.{case}"), work)?;
        let bare = fields.iter().all(|field| !field.key && field.unit.is_none() && field.default.is_none());
        ensure(bare, Rule::Enums, || format!("a field of {name}.{case} has a KEY, a unit or a default"))?;
        if case == OTHER.0 {
            let last = index.saturating_add(1) == cases.len();
            let named = matches!(
                fields.as_slice(),
                [field] if field.name == OTHER.1 && field.ty == TypeId::STRING
            );
            ensure(last && named, Rule::Enums, || format!("case OTHER of {name}"))?;
        }
    }
    Ok(())
}
