//! Values for the outside: borrowed from a run ([`ValueRef`]) or owned ([`Value`]), and their JSON form.

use smol_str::SmolStr;
use swarm_bytecode::module::Module;
use swarm_bytecode::quantity;
use swarm_bytecode::types::{Class, Dimension, EnumCase, Field, REDACTED, Type, TypeId};

use crate::heap::Data;
use crate::json::write_string;
use crate::map::sorted_entries;
use crate::order::Order;
use crate::secret::Secret;
use crate::slot::{self, Reference};

/// Most values an owned copy holds; what lies beyond is [`Value::Omitted`].
const MAX_NODES: usize = 65_536;
/// Most values shown of one argument in a trace or report.
const MAX_SHOWN_NODES: usize = 256;
/// How deep an owned copy nests.
const MAX_DEPTH: u32 = 48;

/// A value of its own: what handlers may answer with, what reports and traces show.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Value {
    /// NONE.
    None,
    /// A truth value.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A float; finite.
    Float(f64),
    /// A named quantity: its built-in type, and the amount in carrier units (ns, B, bit/s, micro-dollars, tokens,
    /// ppm, ns since the Unix epoch).
    Quantity(TypeId, i64),
    /// A compound quantity in carrier units; finite.
    Rate(Dimension, f64),
    /// Text.
    String(SmolStr),
    /// A list.
    List(Vec<Value>),
    /// A map: its entries in the order of their keys.
    Map(Vec<(Value, Value)>),
    /// A record: its fields in declaration order.
    Record(Vec<(SmolStr, Value)>),
    /// A case of an enum: its name and its payload.
    Case(SmolStr, Vec<(SmolStr, Value)>),
    /// A secret; shown as `[redacted]`.
    Secret(Secret),
    /// Left out because the whole would be too large.
    Omitted,
}

impl Value {
    /// Appends the value as JSON: quantities as strings with their unit, records and maps as objects, a case
    /// as its name or, with a payload, as an object of one member; a secret as `"[redacted]"`.
    pub fn write_json(&self, out: &mut String) {
        self.write(out, false);
    }

    /// The value as JSON text that **gives its secrets away**: for whoever is to have them, another process
    /// that hosts the program's actions. Everything else takes [`Value::to_json`].
    pub fn to_json_with_secrets(&self) -> String {
        let mut text = String::new();
        self.write(&mut text, true);
        text
    }

    fn write(&self, out: &mut String, exposed: bool) {
        match self {
            Value::None => out.push_str("null"),
            Value::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
            Value::Int(value) => out.push_str(&value.to_string()),
            Value::Float(value) => out.push_str(&quantity::format_float(*value)),
            Value::Quantity(ty, amount) => write_string(&quantity::format(*ty, *amount), out),
            Value::Rate(dimension, amount) => write_string(&quantity::format_rate(*dimension, *amount), out),
            Value::String(text) => write_string(text, out),
            Value::List(items) => {
                out.push('[');
                for (at, item) in items.iter().enumerate() {
                    if at > 0 {
                        out.push(',');
                    }
                    item.write(out, exposed);
                }
                out.push(']');
            }
            Value::Map(entries) => {
                out.push('{');
                for (at, (key, value)) in entries.iter().enumerate() {
                    if at > 0 {
                        out.push(',');
                    }
                    write_string(&key.key_text(), out);
                    out.push(':');
                    value.write(out, exposed);
                }
                out.push('}');
            }
            Value::Record(fields) => write_members(fields, out, exposed),
            Value::Case(name, payload) if payload.is_empty() => write_string(name, out),
            Value::Case(name, payload) => {
                out.push('{');
                write_string(name, out);
                out.push(':');
                write_members(payload, out, exposed);
                out.push('}');
            }
            Value::Secret(secret) => write_string(if exposed { secret.expose() } else { REDACTED }, out),
            Value::Omitted => write_string("…", out),
        }
    }

    /// A key of a map as the name of a JSON member.
    fn key_text(&self) -> SmolStr {
        match self {
            Value::String(text) | Value::Case(text, _) => text.clone(),
            Value::Quantity(ty, amount) => quantity::format(*ty, *amount).into(),
            other => other.to_json().into(),
        }
    }

    /// The zero of a type: 0, FALSE, "", an empty list, NONE, a record of zeros. What a dry run may answer.
    pub fn zero(module: &Module, ty: TypeId) -> Value {
        zero(module, ty, &mut Copying { nodes: MAX_NODES, keys: false }, 0)
    }

    /// A value of a type as calls show it: a record with a KEY is that field.
    pub fn shown(&self, module: &Module, ty: TypeId) -> Value {
        match (module.ty(ty), self) {
            (Some(Type::Record { fields, .. }), Value::Record(values)) => {
                let mut pairs = fields.iter().zip(values);
                match pairs.clone().find(|(field, _)| field.key) {
                    Some((field, (_, key))) => key.shown(module, field.ty),
                    None => Value::Record(
                        pairs
                            .by_ref()
                            .map(|(field, (name, value))| (name.clone(), value.shown(module, field.ty)))
                            .collect(),
                    ),
                }
            }
            (Some(Type::List { element, .. }), Value::List(items)) => {
                Value::List(items.iter().map(|item| item.shown(module, *element)).collect())
            }
            (Some(Type::Optional(inner)), value) if *value != Value::None => value.shown(module, *inner),
            (Some(Type::Secret), Value::String(text)) => Value::Secret(Secret::new(text)),
            _ => self.clone(),
        }
    }

    /// The value as JSON text.
    pub fn to_json(&self) -> String {
        let mut text = String::new();
        self.write_json(&mut text);
        text
    }

    /// What the value is, in the words of an error message.
    pub(crate) fn describe(&self) -> &'static str {
        match self {
            Value::None => "NONE",
            Value::Bool(_) => "bool",
            Value::Int(_) => "int",
            Value::Float(_) => "float",
            Value::Quantity(ty, _) => {
                let builtin = swarm_bytecode::types::BUILTIN_TYPES.get(usize::from(ty.0));
                builtin.map_or("quantity", type_name)
            }
            Value::Rate(..) => "rate",
            Value::String(_) => "string",
            Value::List(_) => "list",
            Value::Map(_) => "map",
            Value::Record(_) => "record",
            Value::Case(..) => "enum",
            Value::Secret(_) => "secret",
            Value::Omitted => "value too large",
        }
    }
}

/// A JSON object with these members.
pub(crate) fn write_fields(fields: &[(SmolStr, Value)], out: &mut String) {
    write_members(fields, out, false);
}

fn write_members(fields: &[(SmolStr, Value)], out: &mut String, exposed: bool) {
    out.push('{');
    for (at, (name, value)) in fields.iter().enumerate() {
        if at > 0 {
            out.push(',');
        }
        write_string(name, out);
        out.push(':');
        value.write(out, exposed);
    }
    out.push('}');
}

/// The key of a map as text, where it is no string.
pub(crate) fn word_key_text(module: &Module, ty: TypeId, key: u64) -> String {
    match module.ty(ty) {
        Some(Type::Enum { cases, .. }) => {
            let case = cases.get(slot::index(Reference::unpack(key).index));
            case.map(|case| case.name.to_string()).unwrap_or_default()
        }
        _ => quantity::format(ty, key.cast_signed()),
    }
}

/// A type's name in the language; of a list, record or optional only the kind.
pub(crate) fn type_name(ty: &Type) -> &'static str {
    match ty {
        Type::Int => "int",
        Type::Float => "float",
        Type::Bool => "bool",
        Type::String => "string",
        Type::Duration => "duration",
        Type::Bytes => "bytes",
        Type::Bandwidth => "bandwidth",
        Type::Money => "money",
        Type::Tokens => "tokens",
        Type::Percent => "percent",
        Type::Time => "time",
        Type::Rate(_) => "rate",
        Type::List { .. } => "list",
        Type::Record { .. } => "record",
        Type::Optional(_) => "optional",
        Type::Enum { .. } => "enum",
        Type::Map { .. } => "map",
        Type::Secret => "secret",
    }
}

/// A value of a run, read in place. It cannot outlive the call that hands it out.
#[derive(Clone, Copy)]
pub struct ValueRef<'a> {
    pub(crate) data: Data<'a>,
    pub(crate) ty: TypeId,
    pub(crate) slot: u64,
}

impl std::fmt::Debug for ValueRef<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.to_shown().to_json())
    }
}

impl<'a> ValueRef<'a> {
    /// The value's type in the module it comes from.
    pub fn type_id(self) -> TypeId {
        self.ty
    }

    /// The module that gives the type ids their meaning.
    pub fn module(self) -> &'a Module {
        self.data.code.module()
    }

    /// The type.
    pub fn ty(self) -> Option<&'a Type> {
        self.module().ty(self.ty)
    }

    /// The carrier value of an int, a named quantity or a bool.
    pub fn as_word(self) -> Option<i64> {
        let class = self.ty()?.class();
        matches!(class, Class::Word | Class::Bool).then(|| self.slot.cast_signed())
    }

    /// The value of a float or a rate.
    pub fn as_float(self) -> Option<f64> {
        (self.ty()?.class() == Class::Float).then(|| f64::from_bits(self.slot))
    }

    /// The text of a string.
    pub fn as_str(self) -> Option<&'a str> {
        (self.ty()?.class() == Class::String).then(|| self.data.text(self.slot))
    }

    /// A secret, for the host function that is to use it.
    pub fn as_secret(self) -> Option<Secret> {
        (self.ty()?.class() == Class::Secret).then(|| Secret::new(self.data.text(self.slot)))
    }

    /// The fields of a record type, in declaration order.
    pub fn fields(self) -> &'a [Field] {
        match self.ty() {
            Some(Type::Record { fields, .. }) => fields,
            _ => &[],
        }
    }

    /// A record's field by its place.
    pub(crate) fn field_at(self, at: usize) -> Option<ValueRef<'a>> {
        self.part(at, self.fields().get(at)?)
    }

    fn part(self, at: usize, field: &Field) -> Option<ValueRef<'a>> {
        let slot = self.data.field(self.slot, u8::try_from(at).ok()?);
        Some(ValueRef { data: self.data, ty: field.ty, slot })
    }

    /// A record's field by name.
    pub fn field(self, name: &str) -> Option<ValueRef<'a>> {
        self.field_at(self.fields().iter().position(|field| field.name == name)?)
    }

    /// The field that stands for the whole record (`KEY`).
    pub fn key(self) -> Option<ValueRef<'a>> {
        let (at, field) = self.fields().iter().enumerate().find(|(_, field)| field.key)?;
        self.part(at, field)
    }

    /// Number of items of a list, or of entries of a map.
    pub fn length(self) -> Option<u32> {
        matches!(self.ty()?.class(), Class::List | Class::Map).then(|| self.data.length(self.slot))
    }

    /// Item of a list, from 0.
    pub fn item(self, at: u32) -> Option<ValueRef<'a>> {
        let Some(Type::List { element, .. }) = self.ty() else { return None };
        let slot = self.data.item(self.slot, at)?;
        Some(ValueRef { data: self.data, ty: *element, slot })
    }

    /// The entries of a map, in the order of their keys.
    pub fn entries(self) -> Vec<(ValueRef<'a>, ValueRef<'a>)> {
        let Some(Type::Map { key, value, .. }) = self.ty() else { return Vec::new() };
        let of = |ty: TypeId, slot: u64| ValueRef { data: self.data, ty, slot };
        let entries = sorted_entries(self.data, Order::of(self.module(), *key), self.slot);
        entries.into_iter().map(|(found, held)| (of(*key, found), of(*value, held))).collect()
    }

    /// The case of an enum.
    pub fn case(self) -> Option<&'a EnumCase> {
        let Some(Type::Enum { cases, .. }) = self.ty() else { return None };
        cases.get(usize::from(self.data.case(self.slot)))
    }

    /// The payload of an enum's case: its fields with their names, in declaration order.
    pub fn payload(self) -> impl Iterator<Item = (&'a SmolStr, ValueRef<'a>)> {
        let fields = self.case().map_or(&[][..], |case| &case.fields);
        (0u8..).zip(fields).map(move |(at, field)| {
            let slot = self.data.payload(self.slot, at);
            (&field.name, ValueRef { data: self.data, ty: field.ty, slot })
        })
    }

    /// The value of an optional that holds one.
    pub fn some(self) -> Option<ValueRef<'a>> {
        let Some(Type::Optional(inner)) = self.ty() else { return None };
        Some(ValueRef { data: self.data, ty: *inner, slot: self.data.unwrap(self.slot)? })
    }

    /// An owned copy; more than 65,536 values are cut.
    pub fn to_value(self) -> Value {
        self.copy(&mut Copying { nodes: MAX_NODES, keys: false }, 0)
    }

    /// An owned copy for people: a record with a KEY field is shown as that field, long lists are cut.
    pub fn to_shown(self) -> Value {
        self.copy(&mut Copying { nodes: MAX_SHOWN_NODES, keys: true }, 0)
    }

    fn copy(self, copying: &mut Copying, depth: u32) -> Value {
        let Some(left) = copying.nodes.checked_sub(1).filter(|_| depth < MAX_DEPTH) else {
            return Value::Omitted;
        };
        copying.nodes = left;
        let deeper = depth.saturating_add(1);
        match self.ty() {
            Some(Type::Int) => Value::Int(self.slot.cast_signed()),
            Some(Type::Bool) => Value::Bool(self.slot != 0),
            Some(Type::Float) => Value::Float(f64::from_bits(self.slot)),
            Some(Type::Rate(dimension)) => Value::Rate(*dimension, f64::from_bits(self.slot)),
            Some(Type::String) => Value::String(self.data.text(self.slot).into()),
            Some(Type::Secret) => Value::Secret(Secret::new(self.data.text(self.slot))),
            Some(Type::List { .. }) => {
                let mut items = Vec::new();
                for at in 0..self.length().unwrap_or(0) {
                    if copying.nodes == 0 {
                        items.push(Value::Omitted);
                        break;
                    }
                    items.extend(self.item(at).map(|item| item.copy(copying, deeper)));
                }
                Value::List(items)
            }
            Some(Type::Map { .. }) => {
                let mut entries = Vec::new();
                for (key, value) in self.entries() {
                    if copying.nodes == 0 {
                        entries.push((Value::Omitted, Value::Omitted));
                        break;
                    }
                    entries.push((key.copy(copying, deeper), value.copy(copying, deeper)));
                }
                Value::Map(entries)
            }
            Some(Type::Enum { .. }) => {
                let name = self.case().map(|case| case.name.clone()).unwrap_or_default();
                let payload = self.payload().map(|(name, value)| (name.clone(), value.copy(copying, deeper)));
                Value::Case(name, payload.collect())
            }
            Some(Type::Record { fields, .. }) => {
                if let Some(key) = self.key().filter(|_| copying.keys) {
                    return key.copy(copying, deeper);
                }
                let named = fields.iter().enumerate().filter_map(|(at, field)| {
                    Some((field.name.clone(), self.field_at(at)?.copy(copying, deeper)))
                });
                Value::Record(named.collect())
            }
            Some(Type::Optional(_)) => self.some().map_or(Value::None, |value| value.copy(copying, deeper)),
            Some(_) => Value::Quantity(self.ty, self.slot.cast_signed()),
            None => Value::Omitted,
        }
    }
}

struct Copying {
    nodes: usize,
    keys: bool,
}

fn zeros(module: &Module, fields: &[Field], copying: &mut Copying, depth: u32) -> Vec<(SmolStr, Value)> {
    let deeper = depth.saturating_add(1);
    fields.iter().map(|field| (field.name.clone(), zero(module, field.ty, copying, deeper))).collect()
}

fn zero(module: &Module, ty: TypeId, copying: &mut Copying, depth: u32) -> Value {
    let Some(left) = copying.nodes.checked_sub(1).filter(|_| depth < MAX_DEPTH) else {
        return Value::Omitted;
    };
    copying.nodes = left;
    match module.ty(ty) {
        Some(Type::Int) => Value::Int(0),
        Some(Type::Bool) => Value::Bool(false),
        Some(Type::Float) => Value::Float(0.0),
        Some(Type::Rate(dimension)) => Value::Rate(*dimension, 0.0),
        Some(Type::String) => Value::String(SmolStr::default()),
        Some(Type::Secret) => Value::Secret(Secret::new("")),
        Some(Type::List { .. }) => Value::List(Vec::new()),
        Some(Type::Map { .. }) => Value::Map(Vec::new()),
        Some(Type::Optional(_)) => Value::None,
        Some(Type::Record { fields, .. }) => Value::Record(zeros(module, fields, copying, depth)),
        Some(Type::Enum { cases, .. }) => match cases.first() {
            Some(first) => Value::Case(first.name.clone(), zeros(module, &first.fields, copying, depth)),
            None => Value::Omitted,
        },
        Some(_) => Value::Quantity(ty, 0),
        None => Value::Omitted,
    }
}
