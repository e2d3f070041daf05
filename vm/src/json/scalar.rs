//! One number, bool or quantity from JSON.

use serde_json::Value;
use swarm_bytecode::module::Module;
use swarm_bytecode::quantity::{self, Literal, LiteralError};
use swarm_bytecode::types::{Type, TypeId};

use crate::error::{InputError, Path};
use crate::slot;

/// The slot of a scalar. A string with a unit always counts; a bare number only where the field says what it
/// counts.
pub(super) fn read(
    json: &Value,
    module: &Module,
    ty: TypeId,
    unit: Option<&str>,
    path: &Path,
) -> Result<u64, InputError> {
    let kind = module.ty(ty);
    match (kind, json) {
        (Some(Type::Bool), Value::Bool(value)) => Ok(u64::from(*value)),
        (Some(Type::Int), Value::Number(number)) => match number.as_i64() {
            Some(value) => Ok(value.cast_unsigned()),
            None => Err(wrong(path, "int", json, "give a whole number of at most 64 bits")),
        },
        (Some(Type::Float), Value::Number(number)) => match number.as_f64().filter(|value| value.is_finite())
        {
            Some(value) => Ok(slot::from_float(value)),
            None => Err(wrong(path, "float", json, "give a number a 64-bit float can hold")),
        },
        (Some(Type::Time), Value::String(text)) => match quantity::parse_time(text) {
            Some(value) => Ok(value.cast_unsigned()),
            None => Err(wrong(path, "time", json, "give it as \"2026-11-20T08:00:00Z\"")),
        },
        (Some(Type::Rate(dimension)), Value::String(text)) => match quantity::parse_literal(text) {
            Ok(Literal::Rate { dimension: found, value }) if found == *dimension => {
                Ok(slot::from_float(value))
            }
            _ => Err(wrong(path, "rate", json, "give it as a string with its units, as in \"$12.50/h\"")),
        },
        (Some(quantity), Value::String(text)) if is_quantity(quantity) => {
            literal(text, ty).map_err(|cause| refused(path, quantity, json, &cause))
        }
        (Some(quantity), Value::Number(number)) if is_quantity(quantity) => {
            let Some(unit) = unit.filter(|_| !matches!(quantity, Type::Percent | Type::Time)) else {
                return Err(unitless(path, quantity, json));
            };
            bare(&number.to_string(), unit).map_err(|cause| refused(path, quantity, json, &cause.to_string()))
        }
        (Some(kind), _) => Err(wrong(path, crate::value::type_name(kind), json, &example_fix(kind))),
        (None, _) => Err(wrong(path, "a known type", json, "")),
    }
}

/// The slot of a map's key that is no string: as interpolation prints it.
pub(super) fn read_key(text: &str, module: &Module, ty: TypeId, path: &Path) -> Result<u64, InputError> {
    let json = || Value::String(text.to_owned());
    match module.ty(ty) {
        Some(Type::Int) => match text.parse::<i64>() {
            Ok(value) => Ok(value.cast_unsigned()),
            Err(_) => Err(wrong(path, "an int as key", &json(), "give a whole number of at most 64 bits")),
        },
        Some(Type::Bool) => match text {
            "true" => Ok(1),
            "false" => Ok(0),
            _ => Err(wrong(path, "a bool as key", &json(), "give true or false")),
        },
        _ => read(&json(), module, ty, None, path),
    }
}

fn is_quantity(ty: &Type) -> bool {
    matches!(
        ty,
        Type::Duration
            | Type::Bytes
            | Type::Bandwidth
            | Type::Money
            | Type::Tokens
            | Type::Percent
            | Type::Time
    )
}

fn literal(text: &str, ty: TypeId) -> Result<u64, String> {
    match quantity::parse_literal(text) {
        Ok(Literal::Quantity { ty: found, value }) if found == ty => Ok(value.cast_unsigned()),
        Ok(Literal::Quantity { .. } | Literal::Rate { .. }) => Err("its unit is of another kind".to_owned()),
        Ok(_) => Err("it has no unit".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

fn bare(number: &str, unit: &str) -> Result<u64, LiteralError> {
    let (magnitude, negative) = match number.strip_prefix('-') {
        Some(magnitude) => (magnitude, true),
        None => (number, false),
    };
    let value = quantity::parse_bare(magnitude, unit)?;
    let value = if negative { value.checked_neg().ok_or(LiteralError::Overflow)? } else { value };
    Ok(value.cast_unsigned())
}

/// What stands in the JSON, short enough for a message.
pub(super) fn describe(json: &Value) -> String {
    let text = match json {
        Value::Null => return "null".to_owned(),
        Value::Bool(value) => return value.to_string(),
        Value::Array(_) => return "a list".to_owned(),
        Value::Object(_) => return "an object".to_owned(),
        Value::Number(number) => format!("the number {number}"),
        Value::String(text) => {
            let mut quoted = String::new();
            super::write_string(&text.chars().take(40).collect::<String>(), &mut quoted);
            quoted
        }
    };
    text.chars().take(80).collect()
}

fn wrong(path: &Path, expected: &str, json: &Value, fix: &str) -> InputError {
    InputError::new(path, format!("expected {expected}, found {}", describe(json)), fix)
}

fn refused(path: &Path, ty: &Type, json: &Value, cause: &str) -> InputError {
    let expected = crate::value::type_name(ty);
    InputError::new(path, format!("expected {expected}, found {}: {cause}", describe(json)), example_fix(ty))
}

fn unitless(path: &Path, ty: &Type, json: &Value) -> InputError {
    let expected = crate::value::type_name(ty);
    let mut fix = example_fix(ty);
    if let (Some(example), false) = (example_unit(ty), matches!(ty, Type::Percent | Type::Time)) {
        fix.push_str(&format!(", or declare what a bare number counts (`{expected} IN {example}`)"));
    }
    let problem = format!("expected {expected} with a unit, found {}", describe(json));
    InputError::new(path, problem, fix)
}

fn example_unit(ty: &Type) -> Option<&'static str> {
    match ty {
        Type::Duration => Some("ms"),
        Type::Bytes => Some("B"),
        Type::Bandwidth => Some("bps"),
        Type::Money => Some("USD"),
        Type::Tokens => Some("tokens"),
        _ => None,
    }
}

fn example_fix(ty: &Type) -> String {
    let example = match ty {
        Type::Bool => return "give true or false".to_owned(),
        Type::Int | Type::Float => return "give a number".to_owned(),
        Type::Duration => "5s",
        Type::Bytes => "1GB",
        Type::Bandwidth => "100Mbps",
        Type::Money => "$12.50",
        Type::Tokens => "5000 tokens",
        Type::Percent => "20%",
        Type::Time => "2026-11-20T08:00:00Z",
        _ => return String::new(),
    };
    format!("give a string with its unit, as in \"{example}\"")
}
