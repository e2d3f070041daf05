//! Reads JSON of known types straight into columns; no tree of the whole is built.

use std::borrow::Cow;
use std::marker::PhantomData;

use serde::de::value::{BorrowedStrDeserializer, MapDeserializer};
use serde::de::{
    DeserializeSeed, Deserializer, Error, Expected, IgnoredAny, MapAccess, SeqAccess, Unexpected, Visitor,
};
use smol_str::SmolStr;
use swarm_bytecode::module::Module;
use swarm_bytecode::types::{EnumCase, Field, REDACTED, Type, TypeId};

use super::builder::{Builder, Entries};
use super::scalar;
use crate::attached::{NESTED_LIST_MAX, STRING_MAX, other_case, type_text};
use crate::error::{InputError, Path, printable};
use crate::secret;
use crate::slot;
use crate::table::Table;

/// Most values one document may fill in, defaults included.
const MAX_CELLS: u32 = 1 << 24;

/// A value the program reads.
pub(crate) struct Wanted<'m> {
    pub(crate) name: &'m SmolStr,
    pub(crate) ty: TypeId,
    pub(crate) unit: Option<&'m str>,
}

/// What a document gave: a table for each wanted value that was there, and the names no one wanted.
pub(crate) struct Document {
    pub(crate) tables: Vec<Option<Table>>,
    pub(crate) unknown: Vec<SmolStr>,
}

/// Reads a JSON object of named values. Where exactly one wanted value is a list, the document may also be that
/// list alone.
pub(crate) fn read_document(
    text: &str,
    module: &Module,
    wanted: &[Wanted<'_>],
) -> Result<Document, InputError> {
    let mut reader = Reader { module, path: Path::default(), error: None, columns: 0, cells: 0 };
    let mut json = serde_json::Deserializer::from_str(text);
    let mut document = Document { tables: wanted.iter().map(|_| None).collect(), unknown: Vec::new() };
    let is_list = |wanted: &&Wanted<'_>| matches!(module.ty(wanted.ty), Some(Type::List { .. }));
    let mut of_lists = wanted.iter().filter(is_list);
    let result = match (text.trim_start().starts_with('['), of_lists.next(), of_lists.next()) {
        (true, Some(only), None) => {
            reader.path.push_field(only.name);
            read_value(&mut reader, only, &mut json).map(|table| {
                let at = wanted.iter().position(|other| std::ptr::eq(other, only));
                if let Some(place) = at.and_then(|at| document.tables.get_mut(at)) {
                    *place = Some(table);
                }
            })
        }
        _ => Root { reader: &mut reader, wanted, document: &mut document }.deserialize(&mut json),
    };
    match result.and_then(|()| json.end()) {
        Ok(()) => Ok(document),
        Err(error) => {
            let secretive = secret::occurs(module);
            Err(reader.error.take().unwrap_or_else(|| syntax_error(&reader.path, &error, secretive)))
        }
    }
}

/// An error of the JSON text itself, or a value of a wholly other kind, which is not shown where it may be a
/// secret.
fn syntax_error(path: &Path, error: &serde_json::Error, secretive: bool) -> InputError {
    if error.is_data() && secretive {
        let place = format!("line {} column {}", error.line(), error.column());
        return InputError::new(path, format!("is of another kind than its type, at {place}"), "");
    }
    let fix = if error.is_syntax() || error.is_eof() { "give well-formed JSON" } else { "" };
    InputError::new(path, error.to_string(), fix)
}

pub(super) struct Reader<'m> {
    module: &'m Module,
    path: Path,
    error: Option<InputError>,
    /// Columns made so far.
    pub(super) columns: u32,
    cells: u32,
}

impl Reader<'_> {
    /// Keeps the error; serde carries only a mark of it.
    fn fail<E: Error>(&mut self, error: InputError) -> E {
        self.error.get_or_insert(error);
        E::custom("refused")
    }

    fn too_large<E: Error>(&mut self) -> E {
        let error = InputError::new(&self.path, "is too large to be read", "give less data");
        self.fail(error)
    }

    fn missing<E: Error>(&mut self, ty: TypeId) -> E {
        let error = InputError::missing(&self.path, &type_text(self.module, ty));
        self.fail(error)
    }
}

/// Reads one wanted value as a table: the rows of a list, the entries of a map, or one row.
fn read_value<'de, D: Deserializer<'de>>(
    reader: &mut Reader<'_>,
    wanted: &Wanted<'_>,
    deserializer: D,
) -> Result<Table, D::Error> {
    let module = reader.module;
    let mut builder = match Builder::new(reader, module, wanted.ty, wanted.unit) {
        Some(builder) => builder,
        None => return Err(reader.too_large()),
    };
    Cell { builder: &mut builder, reader }.deserialize(deserializer)?;
    Ok(match builder {
        Builder::List { rows: Some(rows), .. } => rows.table(),
        Builder::Map { entries: Some(entries), .. } => entries.table(),
        Builder::List { .. } | Builder::Map { .. } => Table::default(),
        Builder::Optional { present, value: Some(value), .. } if present == [true] => value.table(),
        Builder::Optional { .. } => Table::default(),
        other => other.table(),
    })
}

/// The object of named values.
struct Root<'a, 'm> {
    reader: &'a mut Reader<'m>,
    wanted: &'a [Wanted<'m>],
    document: &'a mut Document,
}

impl<'de> DeserializeSeed<'de> for Root<'_, '_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Root<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an object of named values")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<Cow<'_, str>>()? {
            let names = self.wanted.iter().map(|wanted| wanted.name);
            let Some(at) = match_name(names, &key) else {
                map.next_value::<IgnoredAny>()?;
                self.document.unknown.push(key.as_ref().into());
                continue;
            };
            let (Some(wanted), Some(place)) = (self.wanted.get(at), self.document.tables.get_mut(at)) else {
                continue;
            };
            self.reader.path.push_field(wanted.name);
            if place.is_some() {
                return Err(twice(self.reader));
            }
            *place = Some(map.next_value_seed(One { reader: self.reader, wanted })?);
            self.reader.path.pop();
        }
        Ok(())
    }
}

fn twice<E: Error>(reader: &mut Reader<'_>) -> E {
    let error = InputError::new(&reader.path, "is given twice", "give each name once, in one spelling");
    reader.fail(error)
}

struct One<'a, 'm> {
    reader: &'a mut Reader<'m>,
    wanted: &'a Wanted<'m>,
}

impl<'de> DeserializeSeed<'de> for One<'_, '_> {
    type Value = Table;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Table, D::Error> {
        read_value(self.reader, self.wanted, deserializer)
    }
}

/// The next cell of a column.
struct Cell<'a, 'b, 'm> {
    builder: &'a mut Builder<'b>,
    reader: &'a mut Reader<'m>,
}

impl<'de, 'm: 'b, 'b> DeserializeSeed<'de> for Cell<'_, 'b, 'm> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        self.reader.cells = self.reader.cells.saturating_add(1);
        if self.reader.cells > MAX_CELLS {
            return Err(self.reader.too_large());
        }
        match self.builder {
            Builder::Record { .. } | Builder::Map { .. } => deserializer.deserialize_map(self),
            Builder::Cases { .. } => deserializer.deserialize_any(self),
            Builder::List { .. } => deserializer.deserialize_seq(self),
            Builder::Optional { .. } => deserializer.deserialize_option(self),
            Builder::Scalar { ty, unit, values, .. } => {
                let json = <serde_json::Value as serde::Deserialize>::deserialize(deserializer)?;
                let word = scalar::read(&json, self.reader.module, *ty, *unit, &self.reader.path);
                values.push(word.map_err(|error| self.reader.fail::<D::Error>(error))?);
                Ok(())
            }
            Builder::Text(_) | Builder::Secret(_) => {
                let json = <serde_json::Value as serde::Deserialize>::deserialize(deserializer)?;
                let (texts, expected) = match self.builder {
                    Builder::Secret(texts) => (texts, "a secret"),
                    Builder::Text(texts) => (texts, "a string"),
                    _ => return Err(self.reader.too_large()),
                };
                let serde_json::Value::String(text) = json else {
                    let found = match expected {
                        "a secret" => "something that is no string".to_owned(),
                        _ => scalar::describe(&json),
                    };
                    let error = InputError::wrong_type(&self.reader.path, expected, &found);
                    return Err(self.reader.fail(error));
                };
                let length = slot::count(text.len());
                if length > STRING_MAX {
                    let error = InputError::too_long(&self.reader.path, length);
                    return Err(self.reader.fail(error));
                }
                texts.push(&text).map_err(|_| self.reader.too_large())
            }
        }
    }
}

impl<'de, 'm: 'b, 'b> Visitor<'de> for Cell<'_, 'b, 'm> {
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &*self.builder {
            Builder::Record { ty, .. } => write!(f, "an object ({})", type_text(self.reader.module, *ty)),
            Builder::List { element, .. } => {
                write!(f, "a list of {}", type_text(self.reader.module, *element))
            }
            Builder::Optional { inner, .. } => {
                write!(f, "{} or null", type_text(self.reader.module, *inner))
            }
            Builder::Map { ty, .. } => write!(f, "an object ({})", type_text(self.reader.module, *ty)),
            Builder::Cases { ty, .. } => {
                write!(f, "a case of {}: its name, or an object", type_text(self.reader.module, *ty))
            }
            Builder::Scalar { ty, .. } => f.write_str(&type_text(self.reader.module, *ty)),
            Builder::Text(_) => f.write_str("a string"),
            Builder::Secret(_) => f.write_str("a secret"),
        }
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        self.visit_none()
    }

    fn visit_none<E: Error>(self) -> Result<(), E> {
        if !matches!(self.builder, Builder::Optional { .. }) {
            return Err(E::invalid_type(Unexpected::Unit, &self));
        }
        self.builder.push_zero();
        Ok(())
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        let Builder::Optional { inner, unit, present, value } = self.builder else {
            return Err(self.reader.too_large());
        };
        if value.is_none() {
            let Some(mut made) = Builder::new(self.reader, self.reader.module, *inner, *unit) else {
                return Err(self.reader.too_large());
            };
            for _ in present.iter() {
                made.push_zero();
            }
            *value = Some(Box::new(made));
        }
        let Some(value) = value else { return Ok(()) };
        present.push(true);
        Cell { builder: value, reader: self.reader }.deserialize(deserializer)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let Builder::List { element, unit, max, starts, rows } = self.builder else {
            return Err(self.reader.too_large());
        };
        // The outermost list holds to its own MAX alone; inside records there is always one.
        let max = max.unwrap_or(if self.reader.path.is_root() { u32::MAX } else { NESTED_LIST_MAX });
        let mut count = 0u32;
        loop {
            if count == max {
                let mut found = u64::from(count);
                while items.next_element::<IgnoredAny>()?.is_some() {
                    found = found.saturating_add(1);
                }
                if found > u64::from(max) {
                    let error = InputError::too_many(&self.reader.path, found, max);
                    return Err(self.reader.fail(error));
                }
                break;
            }
            if rows.is_none() {
                let Some(made) = Builder::new(self.reader, self.reader.module, *element, *unit) else {
                    return Err(self.reader.too_large());
                };
                *rows = Some(Box::new(made));
            }
            let Some(builder) = rows else { break };
            self.reader.path.push_index(slot::index(count));
            if items.next_element_seed(Cell { builder, reader: self.reader })?.is_none() {
                self.reader.path.pop();
                break;
            }
            self.reader.path.pop();
            count = count.saturating_add(1);
        }
        let end = starts.last().copied().unwrap_or(0).saturating_add(count);
        starts.push(end);
        Ok(())
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<(), E> {
        let Builder::Cases { cases, .. } = self.builder else {
            return Err(E::invalid_type(Unexpected::Str(name), &self));
        };
        match find_case(cases, name) {
            Some(case) => self.case(case, NoMembers::<E>::default()),
            None => self.other(name),
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        match self.builder {
            Builder::Map { .. } => return self.entries(map),
            Builder::Cases { .. } => {}
            _ => return self.record(map),
        }
        let name = map.next_key::<Cow<'_, str>>()?.unwrap_or_default();
        // How a number looks to a visitor: its text is kept whole.
        if name == "$serde_json::private::Number" {
            let number = map.next_value::<Cow<'_, str>>()?;
            let expected = format!("{}", &self as &dyn Expected);
            let error = InputError::wrong_type(&self.reader.path, &expected, &format!("the number {number}"));
            return Err(self.reader.fail(error));
        }
        let Cell { builder, reader } = self;
        let Builder::Cases { cases, .. } = builder else { return Err(reader.too_large()) };
        let Some(case) = find_case(cases, &name) else {
            map.next_value::<IgnoredAny>()?;
            let other = Cell { builder, reader }.other(&name);
            return only_member(map).and(other);
        };
        map.next_value_seed(Payload { cell: Cell { builder, reader }, case })?;
        only_member(map)
    }
}

/// The end of an object that has one member.
fn only_member<'de, A: MapAccess<'de>>(mut map: A) -> Result<(), A::Error> {
    match map.next_key::<IgnoredAny>()? {
        Some(_) => Err(A::Error::custom("a case is an object of one member")),
        None => Ok(()),
    }
}

/// The payload of a case.
struct Payload<'a, 'b, 'm> {
    cell: Cell<'a, 'b, 'm>,
    case: usize,
}

impl<'de, 'm: 'b, 'b> DeserializeSeed<'de> for Payload<'_, 'b, 'm> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de, 'm: 'b, 'b> Visitor<'de> for Payload<'_, 'b, 'm> {
    type Value = ();
    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an object with the payload of the case")
    }
    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<(), A::Error> {
        self.cell.case(self.case, map)
    }
}

impl<'m: 'b, 'b> Cell<'_, 'b, 'm> {
    /// One more case, with its payload.
    fn case<'de, A: MapAccess<'de>>(self, case: usize, payload: A) -> Result<(), A::Error> {
        let Cell { builder, reader } = self;
        let Builder::Cases { cases, tags, .. } = builder else { return Err(reader.too_large()) };
        tags.push(u16::try_from(case).unwrap_or(u16::MAX));
        let Some(declared) = cases.get(case) else { return Err(reader.too_large()) };
        reader.path.push_field(&declared.name);
        let module = reader.module;
        match builder.payload(reader, module, case) {
            Some(payloads) => Cell { builder: payloads, reader }.record(payload)?,
            None => return Err(reader.too_large()),
        }
        reader.path.pop();
        Ok(())
    }

    /// A case that the program does not know.
    fn other<E: Error>(self, name: &str) -> Result<(), E> {
        let Cell { builder, reader } = self;
        let Builder::Cases { cases, .. } = builder else { return Err(reader.too_large()) };
        let cases: &[EnumCase] = cases;
        let Some(other) = other_case(cases) else {
            let name = if secret::occurs(reader.module) { REDACTED } else { name };
            let error = InputError::unknown_case(&reader.path, name, cases);
            return Err(reader.fail(error));
        };
        let name = BorrowedStrDeserializer::new(name);
        let payload = std::iter::once((BorrowedStrDeserializer::new("name"), name));
        Cell { builder, reader }.case(usize::from(other), MapDeserializer::new(payload))
    }

    /// One more map.
    fn entries<'de, A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Builder::Map { ty, unit, max, starts, entries } = self.builder else {
            return Err(self.reader.too_large());
        };
        let max = max.unwrap_or(if self.reader.path.is_root() { u32::MAX } else { NESTED_LIST_MAX });
        let mut count = 0u32;
        while let Some(key) = map.next_key::<Cow<'_, str>>()? {
            if count == max {
                let mut found = u64::from(count).saturating_add(1);
                map.next_value::<IgnoredAny>()?;
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {
                    found = found.saturating_add(1);
                }
                let error = InputError::too_many(&self.reader.path, found, max);
                return Err(self.reader.fail(error));
            }
            if entries.is_none() {
                let Some(made) = Entries::new(self.reader, self.reader.module, *ty, *unit) else {
                    return Err(self.reader.too_large());
                };
                *entries = Some(Box::new(made));
            }
            let Some(entries) = entries else { break };
            self.reader.path.push_field(&printable(&key).into());
            push_key(&mut entries.keys, self.reader, &key).map_err(|error| self.reader.fail(error))?;
            self.reader.cells = self.reader.cells.saturating_add(1);
            map.next_value_seed(Cell { builder: &mut entries.values, reader: self.reader })?;
            self.reader.path.pop();
            count = count.saturating_add(1);
        }
        let end = starts.last().copied().unwrap_or(0).saturating_add(count);
        starts.push(end);
        Ok(())
    }

    /// One more record, or payload.
    fn record<'de, A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Builder::Record { fields, columns, rows, .. } = self.builder else {
            return Err(self.reader.too_large());
        };
        let fields: &'b [Field] = fields;
        let before = slot::index(*rows);
        while let Some(key) = map.next_key::<Cow<'_, str>>()? {
            let names = fields.iter().map(|field| &field.name);
            let at = match_name(names, &key);
            let Some((field, column)) = at.and_then(|at| Some((fields.get(at)?, columns.get_mut(at)?)))
            else {
                map.next_value::<IgnoredAny>()?;
                continue;
            };
            self.reader.path.push_field(&field.name);
            if column.rows() > before {
                return Err(twice(self.reader));
            }
            map.next_value_seed(Cell { builder: column, reader: self.reader })?;
            self.reader.path.pop();
        }
        for (field, column) in fields.iter().zip(columns) {
            if column.rows() > before {
                continue;
            }
            self.reader.cells = self.reader.cells.saturating_add(1);
            self.reader.path.push_field(&field.name);
            match &field.default {
                Some(default) => column.push_default(default).ok_or_else(|| self.reader.too_large())?,
                None if matches!(column, Builder::Optional { .. }) => column.push_zero(),
                None => return Err(self.reader.missing(field.ty)),
            }
            self.reader.path.pop();
        }
        *rows = rows.saturating_add(1);
        Ok(())
    }
}

/// The members of a case that is given by its name alone.
struct NoMembers<E>(PhantomData<E>);

impl<E> Default for NoMembers<E> {
    fn default() -> Self {
        NoMembers(PhantomData)
    }
}

impl<'de, E: Error> MapAccess<'de> for NoMembers<E> {
    type Error = E;
    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, _: K) -> Result<Option<K::Value>, E> {
        Ok(None)
    }
    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, _: V) -> Result<V::Value, E> {
        Err(E::custom("there are no members"))
    }
}

/// Adds the key of a map's entry.
fn push_key(keys: &mut Builder<'_>, reader: &Reader<'_>, key: &str) -> Result<(), InputError> {
    match keys {
        Builder::Text(texts) => {
            let length = slot::count(key.len());
            if length > STRING_MAX {
                return Err(InputError::too_long(&reader.path, length));
            }
            let full = || InputError::new(&reader.path, "is too large to be read", "give less data");
            texts.push(key).map_err(|_| full())
        }
        Builder::Scalar { ty, values, .. } => {
            values.push(scalar::read_key(key, reader.module, *ty, &reader.path)?);
            Ok(())
        }
        Builder::Cases { cases, tags, .. } => match find_case(cases, key) {
            Some(case) => {
                tags.push(u16::try_from(case).unwrap_or(u16::MAX));
                Ok(())
            }
            None => Err(InputError::unknown_case(&reader.path, key, cases)),
        },
        _ => Err(InputError::wrong_type(&reader.path, "a key", "a value that cannot be one")),
    }
}

/// The case a name in JSON stands for.
pub(super) fn find_case(cases: &[EnumCase], name: &str) -> Option<usize> {
    match_name(cases.iter().map(|case| &case.name), name)
}

/// The name a JSON key stands for: itself, else its camelCase in snake_case.
pub(super) fn match_name<'n>(
    mut names: impl Iterator<Item = &'n SmolStr> + Clone,
    key: &str,
) -> Option<usize> {
    let exact = names.clone().position(|name| name == key);
    exact.or_else(|| {
        if !key.contains(|letter: char| letter.is_ascii_uppercase()) {
            return None;
        }
        let snake = snake_case(key);
        names.position(|name| *name == snake)
    })
}

fn snake_case(key: &str) -> String {
    let mut snake = String::with_capacity(key.len().saturating_add(4));
    for letter in key.chars() {
        if letter.is_ascii_uppercase() && !snake.is_empty() {
            snake.push('_');
        }
        snake.push(letter.to_ascii_lowercase());
    }
    snake
}
