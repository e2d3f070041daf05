//! What a program is given, read from JSON by the types it declares.

use std::rc::Rc;

use serde_json::Value as Json;
use smol_str::SmolStr;
use swarm_bytecode::quantity::{Literal, parse_bare, parse_literal, parse_time};
use swarm_bytecode::types::{Constant, Field, Type, TypeId};

use crate::types::Types;
use crate::value::{Entries, Text, Value};

/// Why data does not fit: a sentence.
pub type Refusal = String;

/// What the declaration of an input or context value says.
#[derive(Debug, Clone, Copy)]
pub struct Declared<'a> {
    /// Its name.
    pub name: &'a SmolStr,
    /// Its type.
    pub ty: TypeId,
    /// What a bare number counts.
    pub unit: Option<&'a SmolStr>,
    /// What it is where it is left out.
    pub default: Option<&'a Constant>,
}

/// Reads values from an object by their names; where only one of them is a list, the document may be that list.
///
/// # Errors
/// One is missing, or does not have its type.
pub fn read(types: Types<'_>, declared: &[Declared<'_>], json: &Json) -> Result<Vec<Value>, Refusal> {
    let read = |own: &Declared<'_>| {
        let bare = json.is_array() && matches!(types.get(own.ty), Type::List { .. });
        match if bare { Some(json) } else { member(json, own.name) } {
            Some(found) => value(types, own.ty, own.unit, found),
            None => missing(types, own.name, own.ty, own.default),
        }
    };
    declared.iter().map(read).collect()
}

/// A member of an object by its name, exactly or written in camelCase.
fn member<'j>(json: &'j Json, name: &str) -> Option<&'j Json> {
    let members = json.as_object()?;
    members.get(name).or_else(|| {
        let found = members.iter().find(|(own, _)| snake_case(own) == name);
        found.map(|(_, value)| value)
    })
}

fn snake_case(name: &str) -> String {
    let mut snake = String::new();
    for character in name.chars() {
        if character.is_ascii_uppercase() && !snake.is_empty() {
            snake.push('_');
        }
        snake.push(character.to_ascii_lowercase());
    }
    snake
}

fn missing(types: Types<'_>, name: &str, ty: TypeId, default: Option<&Constant>) -> Result<Value, Refusal> {
    match (default, types.get(ty)) {
        (Some(default), _) => Ok(constant(types, ty, default)),
        (None, Type::Optional(_)) => Ok(Value::Zero),
        (None, _) => Err(format!("{name} is missing")),
    }
}

/// The value of a default.
pub fn constant(types: Types<'_>, ty: TypeId, constant: &Constant) -> Value {
    if let Type::Optional(inner) = types.get(ty)
        && *constant != Constant::Empty
    {
        return Value::Some(Rc::new(self::constant(types, *inner, constant)));
    }
    match constant {
        Constant::Word(word) => Value::Word(*word),
        Constant::Float(float) => Value::Float(*float + 0.0),
        Constant::String(text) => Value::Text(Text::new(text.as_str())),
        Constant::Case(case) => Value::Case(*case, Rc::default()),
        Constant::Empty => match types.get(ty) {
            Type::Record { fields, .. } => {
                let own = |field: &Field| match &field.default {
                    Some(default) => self::constant(types, field.ty, default),
                    None => Value::Zero,
                };
                Value::Record(Rc::new(fields.iter().map(own).collect()))
            }
            _ => Value::Zero,
        },
    }
}

/// A value of a type.
///
/// # Errors
/// It does not have the type.
pub fn value(types: Types<'_>, ty: TypeId, unit: Option<&SmolStr>, json: &Json) -> Result<Value, Refusal> {
    let wrong = || format!("{json} does not fit");
    match (types.get(ty), json) {
        (Type::Optional(_), Json::Null) => Ok(Value::Zero),
        (Type::Optional(inner), json) => Ok(Value::Some(Rc::new(value(types, *inner, unit, json)?))),
        (Type::Bool, Json::Bool(value)) => Ok(Value::from(*value)),
        (Type::Int, Json::Number(number)) => number.as_i64().map(Value::Word).ok_or_else(wrong),
        (Type::Float, Json::Number(number)) => number
            .as_f64()
            .filter(|value| value.is_finite())
            .map(|value| Value::Float(value + 0.0))
            .ok_or_else(wrong),
        (Type::String | Type::Secret, Json::String(text)) => Ok(Value::from(text.clone())),
        (Type::Time, Json::String(text)) => parse_time(text).map(Value::Word).ok_or_else(wrong),
        (Type::Rate(wanted), Json::String(text)) => match parse_literal(text) {
            Ok(Literal::Rate { dimension, value }) if dimension == *wanted => Ok(Value::Float(value + 0.0)),
            _ => Err(wrong()),
        },
        (Type::List { element, .. }, Json::Array(items)) => {
            check_count(types, ty, items.len())?;
            let items = items.iter().map(|item| value(types, *element, unit, item));
            Ok(Value::list(items.collect::<Result<_, _>>()?))
        }
        (Type::Record { fields, .. }, Json::Object(_)) => Ok(Value::Record(record(types, fields, json)?)),
        (Type::Map { key, value: held, .. }, Json::Object(members)) => {
            check_count(types, ty, members.len())?;
            let mut entries = Entries::new();
            for (name, json) in members {
                let own = key_value(types, *key, name)?;
                entries.insert(own.key(), (own, value(types, *held, unit, json)?));
            }
            Ok(Value::Map(Rc::new(entries)))
        }
        (Type::Enum { .. }, Json::String(name)) => case(types, ty, name, &Json::Null),
        (Type::Enum { .. }, Json::Object(members)) => match members.iter().next() {
            Some((name, payload)) if members.len() == 1 => case(types, ty, name, payload),
            _ => Err(wrong()),
        },
        (
            Type::Float | Type::Int | Type::Bool | Type::String | Type::Secret | Type::Time | Type::Rate(_),
            _,
        ) => Err(wrong()),
        (_, Json::String(text)) => match parse_literal(text) {
            Ok(Literal::Quantity { ty: found, value }) if found == ty => Ok(Value::Word(value)),
            _ => Err(wrong()),
        },
        (_, Json::Number(number)) if ty != TypeId::PERCENT => {
            let (number, unit) = (number.to_string(), unit.ok_or_else(wrong)?);
            let magnitude = parse_bare(number.trim_start_matches('-'), unit).map_err(|_| wrong())?;
            Ok(Value::Word(if number.starts_with('-') { magnitude.wrapping_neg() } else { magnitude }))
        }
        _ => Err(wrong()),
    }
}

fn check_count(types: Types<'_>, ty: TypeId, count: usize) -> Result<(), Refusal> {
    let fits = u64::try_from(count).is_ok_and(|count| count <= types.most(ty));
    if fits { Ok(()) } else { Err(format!("{count} are too many")) }
}

fn record(types: Types<'_>, fields: &[Field], json: &Json) -> Result<Rc<Vec<Value>>, Refusal> {
    let read = |field: &Field| match member(json, &field.name) {
        Some(found) => value(types, field.ty, field.unit.as_ref(), found),
        None => missing(types, &field.name, field.ty, field.default.as_ref()),
    };
    Ok(Rc::new(fields.iter().map(read).collect::<Result<_, _>>()?))
}

fn case(types: Types<'_>, ty: TypeId, name: &str, payload: &Json) -> Result<Value, Refusal> {
    let Type::Enum { cases, .. } = types.get(ty) else { return Err(format!("{name} is no case")) };
    let number = |at: usize| u8::try_from(at).unwrap_or(u8::MAX);
    match (cases.iter().position(|case| case.name == name), cases.last()) {
        (Some(at), _) => {
            let fields = types.payload(ty, number(at));
            Ok(Value::Case(number(at), record(types, fields, payload)?))
        }
        (None, Some(last)) if last.name == "OTHER" => {
            let name = Value::from(name.to_owned());
            Ok(Value::Case(number(cases.len().saturating_sub(1)), Rc::new(vec![name])))
        }
        _ => Err(format!("{name} is no case")),
    }
}

fn key_value(types: Types<'_>, ty: TypeId, name: &str) -> Result<Value, Refusal> {
    let json = match types.get(ty) {
        Type::Int => name.parse::<i64>().map(Json::from).map_err(|_| format!("{name} is no int"))?,
        Type::Bool => Json::Bool(name == "true"),
        _ => Json::String(name.to_owned()),
    };
    value(types, ty, None, &json)
}

/// Whether a document gives something of this name.
pub fn names(json: &Json, name: &str) -> bool {
    member(json, name).is_some()
}
