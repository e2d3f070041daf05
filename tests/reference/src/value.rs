//! Values as trees, whatever a machine carries them as.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::rc::Rc;

use swarm_bytecode::quantity::{format, format_float, format_rate};
use swarm_bytecode::types::{Class, Type, TypeId};

use crate::types::Types;

/// A value of any type. Nothing is ever changed in place, so trees may share branches.
#[derive(Debug, Clone)]
pub enum Value {
    /// The zero of its type, whatever that is: 0, FALSE, "", an empty list or map, NONE, the first case, a
    /// record of zeros.
    Zero,
    /// Whatever is carried as an integer, and a bool as 0 or 1.
    Word(i64),
    /// A float or rate; finite, and zero has no sign.
    Float(f64),
    /// A string.
    Text(Text),
    /// A list.
    List(Rc<Vec<Value>>),
    /// A record.
    Record(Rc<Vec<Value>>),
    /// An optional that is not NONE.
    Some(Rc<Value>),
    /// A case of an enum: which, and its payload.
    Case(u8, Rc<Vec<Value>>),
    /// A map: each key with what stands under it, in order.
    Map(Rc<Entries>),
}

/// The entries of a map: the key as it was given first, and the value.
pub type Entries = BTreeMap<Key, (Value, Value)>;

/// What the keys of maps are ordered by.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Key {
    /// A number, a bool, the number of a case.
    Word(i64),
    /// A string.
    Text(String),
}

/// A text, possibly a part of a larger one.
#[derive(Debug, Clone)]
pub struct Text {
    whole: Rc<str>,
    start: usize,
    end: usize,
    /// Whether it stands in the program, and so outlives every activation.
    pub constant: bool,
}

impl Text {
    /// A text that was made while running.
    pub fn new(text: impl Into<Rc<str>>) -> Text {
        let whole = text.into();
        Text { start: 0, end: whole.len(), whole, constant: false }
    }

    /// A text that stands in the program.
    pub fn constant(text: &str) -> Text {
        Text { constant: true, ..Text::new(text) }
    }

    /// What it says.
    pub fn as_str(&self) -> &str {
        self.whole.get(self.start..self.end).unwrap_or("")
    }

    /// A part of it, given as what [`Text::as_str`] was cut to.
    #[must_use]
    pub fn part(&self, part: &str) -> Text {
        let offset = part.as_ptr().addr().saturating_sub(self.as_str().as_ptr().addr());
        let start = self.start.saturating_add(offset);
        Text { start, end: start.saturating_add(part.len()), ..self.clone() }
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Value {
        Value::Word(i64::from(value))
    }
}

impl From<String> for Value {
    fn from(text: String) -> Value {
        Value::Text(Text::new(text))
    }
}

impl Value {
    /// A list of these.
    pub fn list(items: Vec<Value>) -> Value {
        Value::List(Rc::new(items))
    }

    /// A value, or NONE.
    pub fn optional(value: Option<Value>) -> Value {
        value.map_or(Value::Zero, |value| Value::Some(Rc::new(value)))
    }

    /// What is carried as an integer.
    pub fn word(&self) -> i64 {
        if let Value::Word(word) = self { *word } else { 0 }
    }

    /// A bool.
    pub fn holds(&self) -> bool {
        self.word() != 0
    }

    /// A float or rate.
    pub fn float(&self) -> f64 {
        if let Value::Float(float) = self { *float } else { 0.0 }
    }

    /// A string.
    pub fn text(&self) -> &str {
        if let Value::Text(text) = self { text.as_str() } else { "" }
    }

    /// The items of a list, or the fields of a record.
    pub fn parts(&self) -> &[Value] {
        match self {
            Value::List(parts) | Value::Record(parts) | Value::Case(_, parts) => parts,
            _ => &[],
        }
    }

    /// A field of a record or payload.
    pub fn field(&self, at: usize) -> Value {
        self.parts().get(at).cloned().unwrap_or(Value::Zero)
    }

    /// What an optional holds.
    pub fn some(&self) -> Option<&Value> {
        if let Value::Some(value) = self { Some(value) } else { None }
    }

    /// Which case of its enum it is.
    pub fn case(&self) -> u8 {
        if let Value::Case(case, _) = self { *case } else { 0 }
    }

    /// The entries of a map.
    pub fn entries(&self) -> Entries {
        if let Value::Map(entries) = self { (**entries).clone() } else { Entries::new() }
    }

    /// How many items or entries.
    pub fn length(&self) -> u64 {
        let length = if let Value::Map(entries) = self { entries.len() } else { self.parts().len() };
        u64::try_from(length).unwrap_or(u64::MAX)
    }

    /// What a map orders it by, as a key.
    pub fn key(&self) -> Key {
        match self {
            Value::Text(text) => Key::Text(text.as_str().to_owned()),
            Value::Case(case, _) => Key::Word(i64::from(*case)),
            other => Key::Word(other.word()),
        }
    }

    /// A record with another value in a field, or a list with another item.
    #[must_use]
    pub fn with(&self, at: usize, count: usize, value: Value) -> Value {
        let mut parts: Vec<Value> = (0..count).map(|at| self.field(at)).collect();
        if let Some(part) = parts.get_mut(at) {
            *part = value;
        }
        if let Value::List(_) = self { Value::List(Rc::new(parts)) } else { Value::Record(Rc::new(parts)) }
    }
}

/// Whether a value is one of a type, as far as can be seen without looking into its parts.
pub fn fits(types: Types<'_>, ty: TypeId, value: &Value) -> bool {
    match (types.get(ty), value) {
        (_, Value::Zero) => true,
        (Type::Bool, Value::Word(word)) => matches!(word, 0 | 1),
        (Type::Float | Type::Rate(_), Value::Float(float)) => float.is_finite(),
        (Type::String | Type::Secret, Value::Text(_)) | (Type::Optional(_), Value::Some(_)) => true,
        (Type::List { .. }, Value::List(_)) | (Type::Map { .. }, Value::Map(_)) => {
            value.length() <= types.most(ty)
        }
        (Type::Record { fields, .. }, Value::Record(parts)) => parts.len() <= fields.len(),
        (Type::Enum { cases, .. }, Value::Case(case, parts)) => {
            cases.get(usize::from(*case)).is_some_and(|case| parts.len() <= case.fields.len())
        }
        (_, Value::Word(_)) => types.class(ty) == Class::Word,
        _ => false,
    }
}

/// Bytes of a text.
pub fn bytes(text: &str) -> u64 {
    u64::try_from(text.len()).unwrap_or(u64::MAX)
}

/// Of two values that `<` compares, which is less. `left` and `right` have this type.
pub fn order(types: Types<'_>, ty: TypeId, left: &Value, right: &Value) -> Ordering {
    match types.class(ty) {
        Class::Float => left.float().partial_cmp(&right.float()).unwrap_or(Ordering::Equal),
        Class::String => left.text().cmp(right.text()),
        Class::Enum => left.case().cmp(&right.case()),
        _ => left.word().cmp(&right.word()),
    }
}

/// Compares two values of one type part by part, as far as needed to tell them apart, and counts what was
/// looked at: two for each part, and one for each 16 bytes of the shorter of two texts.
pub fn equal(types: Types<'_>, ty: TypeId, left: &Value, right: &Value, work: &mut u64) -> bool {
    let mut part = |ty: TypeId, left: &Value, right: &Value| {
        *work = work.saturating_add(2);
        equal(types, ty, left, right, work)
    };
    match types.get(ty) {
        Type::String => {
            let shorter = bytes(left.text()).min(bytes(right.text()));
            *work = work.saturating_add(shorter / 16);
            left.text() == right.text()
        }
        Type::List { element, .. } => {
            let mut pairs = left.parts().iter().zip(right.parts());
            left.length() == right.length() && pairs.all(|(left, right)| part(*element, left, right))
        }
        Type::Record { fields, .. } => {
            let mut fields = fields.iter().enumerate();
            fields.all(|(at, field)| part(field.ty, &left.field(at), &right.field(at)))
        }
        Type::Enum { .. } => {
            let mut fields = types.payload(ty, left.case()).iter().enumerate();
            left.case() == right.case()
                && fields.all(|(at, field)| part(field.ty, &left.field(at), &right.field(at)))
        }
        Type::Optional(inner) => match (left.some(), right.some()) {
            (Some(left), Some(right)) => part(*inner, left, right),
            (left, right) => left.is_none() && right.is_none(),
        },
        Type::Map { key, value, .. } => {
            left.length() == right.length()
                && left
                    .entries()
                    .values()
                    .zip(right.entries().values())
                    .all(|(left, right)| part(*key, &left.0, &right.0) && part(*value, &left.1, &right.1))
        }
        _ if types.is_float(ty) => left.float() == right.float(),
        _ => left.word() == right.word(),
    }
}

/// A value as an interpolated text shows it: as JSON, a record as its KEY, and without quotes.
pub fn to_text(types: Types<'_>, ty: TypeId, value: &Value) -> String {
    match types.get(ty) {
        Type::String => value.text().to_owned(),
        Type::Secret => "[redacted]".to_owned(),
        Type::Rate(dimension) => format_rate(*dimension, value.float()),
        Type::Enum { cases, .. } if types.payload(ty, value.case()).is_empty() => {
            cases.get(usize::from(value.case())).map_or(String::new(), |case| case.name.to_string())
        }
        Type::Record { fields, .. } => match fields.iter().position(|field| field.key) {
            Some(at) => fields.get(at).map_or(String::new(), |key| to_text(types, key.ty, &value.field(at))),
            None => to_json(types, ty, value, true),
        },
        Type::Optional(inner) => match value.some() {
            Some(value) => to_text(types, *inner, value),
            None => "null".to_owned(),
        },
        Type::Int | Type::Float | Type::Bool | Type::List { .. } | Type::Map { .. } | Type::Enum { .. } => {
            to_json(types, ty, value, true)
        }
        _ => format(ty, value.word()),
    }
}

/// A value as JSON. With `keys` a record that has a KEY is shown as that.
pub fn to_json(types: Types<'_>, ty: TypeId, value: &Value, keys: bool) -> String {
    let json = |ty: TypeId, value: &Value| to_json(types, ty, value, keys);
    let fields = |fields: &[swarm_bytecode::types::Field]| {
        let shown = fields.iter().enumerate();
        object(shown.map(|(at, field)| (field.name.to_string(), json(field.ty, &value.field(at)))))
    };
    match types.get(ty) {
        Type::Int => value.word().to_string(),
        Type::Bool => value.holds().to_string(),
        Type::Float => format_float(value.float()),
        Type::Rate(dimension) => quoted(&format_rate(*dimension, value.float())),
        Type::String => quoted(value.text()),
        Type::Secret => quoted("[redacted]"),
        Type::Optional(inner) => value.some().map_or("null".to_owned(), |value| json(*inner, value)),
        Type::List { element, .. } => {
            let items: Vec<String> = value.parts().iter().map(|item| json(*element, item)).collect();
            format!("[{}]", items.join(","))
        }
        Type::Map { key, value: held, .. } => {
            let entries = value.entries();
            object(entries.values().map(|(own, value)| (to_text(types, *key, own), json(*held, value))))
        }
        Type::Record { fields: own, .. } => match own.iter().position(|field| field.key && keys) {
            Some(at) => own.get(at).map_or(String::new(), |key| json(key.ty, &value.field(at))),
            None => fields(own),
        },
        Type::Enum { cases, .. } => {
            let Some(case) = cases.get(usize::from(value.case())) else { return String::new() };
            if case.fields.is_empty() {
                return quoted(&case.name);
            }
            format!("{{{}:{}}}", quoted(&case.name), fields(&case.fields))
        }
        _ => quoted(&format(ty, value.word())),
    }
}

fn object(members: impl Iterator<Item = (String, String)>) -> String {
    let members: Vec<String> = members.map(|(name, value)| format!("{}:{value}", quoted(&name))).collect();
    format!("{{{}}}", members.join(","))
}

/// A string of JSON, in which nothing can end a line, drive a terminal or turn the reading direction.
pub fn quoted(text: &str) -> String {
    let escaped = |character: char| match character {
        '"' | '\\' => format!("\\{character}"),
        '\n' => "\\n".to_owned(),
        '\r' => "\\r".to_owned(),
        '\t' => "\\t".to_owned(),
        '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' => hexadecimal(character),
        '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}' => {
            hexadecimal(character)
        }
        _ if character.is_control() => hexadecimal(character),
        _ => character.to_string(),
    };
    format!("\"{}\"", text.chars().map(escaped).collect::<String>())
}

fn hexadecimal(character: char) -> String {
    let mut units = [0; 2];
    character.encode_utf16(&mut units).iter().map(|unit| format!("\\u{unit:04x}")).collect()
}
