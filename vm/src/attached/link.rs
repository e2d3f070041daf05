//! Binds tables to the types of a program: columns to fields, cases to cases, the entries of maps into order.

use std::cmp::Ordering;
use std::sync::Arc;

use swarm_bytecode::module::Module;
use swarm_bytecode::types::{Constant, EnumCase, Field, Type, TypeId};

use super::{Attached, Binding, MAX_DEPTH, MAX_NODES, NESTED_LIST_MAX, RowKind, STRING_MAX, View, type_text};
use crate::error::{InputError, Path};
use crate::order::Order;
use crate::slot::{self, Reference, TextSlot};
use crate::table::{CaseColumn, Column, KEY_COLUMN, NO_CASE, Table, VALUE_COLUMN};
use crate::value::word_key_text;

/// Binds tables to types and adds what it finds to an [`Attached`].
pub(crate) struct Linker<'a> {
    pub(crate) module: &'a Module,
    pub(crate) attached: &'a mut Attached,
    pub(crate) path: Path,
}

impl Linker<'_> {
    /// The slot of a whole value held in a table: all rows for a list or a map, row 0 for a record, row 0 of the
    /// only column for everything else.
    pub(crate) fn value(&mut self, table: &Table, ty: TypeId) -> Result<u64, InputError> {
        match self.module.ty(ty) {
            Some(Type::List { element, max }) => {
                if let Some(max) = max.filter(|max| table.rows > *max) {
                    return Err(InputError::too_many(&self.path, u64::from(table.rows), max));
                }
                let rows = self.rows(Some(table), *element, 0)?;
                let view = self.push_view(View::Lists { starts: None, rows });
                Ok(Reference { source: view, index: 0 }.pack())
            }
            Some(Type::Map { key, value, max }) => {
                if let Some(max) = max.filter(|max| table.rows > *max) {
                    return Err(InputError::too_many(&self.path, u64::from(table.rows), max));
                }
                let view = self.maps(None, table, *key, *value, 0)?;
                Ok(Reference { source: view, index: 0 }.pack())
            }
            Some(Type::Optional(inner)) if table.rows > 0 => {
                let view = self.rows(Some(table), *inner, 0)?;
                Ok(Reference { source: view, index: 0 }.pack())
            }
            Some(Type::Optional(_)) => Ok(0),
            _ if table.rows != 1 => Err(InputError::one_row(&self.path, table.rows())),
            _ => {
                let view = self.rows(Some(table), ty, 0)?;
                Ok(self.attached.element(Reference { source: view, index: 0 }))
            }
        }
    }

    /// The slot of a constant of this type.
    pub(crate) fn constant(
        &mut self,
        constant: &Constant,
        ty: TypeId,
        depth: u32,
    ) -> Result<u64, InputError> {
        Ok(match constant {
            Constant::Word(word) => word.cast_unsigned(),
            Constant::Float(float) => slot::from_float(*float),
            Constant::String(text) => {
                let length = slot::count(text.len());
                let source = self.attached.add_text(&Arc::from(text.as_str()));
                let source = source.ok_or_else(|| InputError::too_wide(&self.path))?;
                source | TextSlot { source: 0, offset: 0, length }.pack()
            }
            Constant::Case(case) => slot::case(*case),
            Constant::Empty => match self.module.ty(ty) {
                Some(Type::Record { .. }) => {
                    let view = self.rows(None, ty, depth.saturating_add(1))?;
                    Reference { source: view, index: 0 }.pack()
                }
                _ => 0,
            },
        })
    }

    fn push_view(&mut self, view: View) -> u32 {
        let index = slot::count(self.attached.views.len());
        self.attached.views.push(view);
        index
    }

    /// A view of a table's rows as values of type `ty`; without a table, one row of defaults.
    fn rows(&mut self, table: Option<&Table>, ty: TypeId, depth: u32) -> Result<u32, InputError> {
        self.attached.nodes = self.attached.nodes.saturating_add(1);
        if depth > MAX_DEPTH || self.attached.nodes > MAX_NODES {
            return Err(InputError::too_wide(&self.path));
        }
        let rows = table.map_or(1, |table| table.rows);
        match self.module.ty(ty) {
            Some(Type::Record { fields, .. }) => self.fields(table, fields, RowKind::Record, depth),
            Some(_) => {
                let column = match table.map(|table| table.columns.as_slice()) {
                    Some([column]) => column,
                    _ => return Err(InputError::one_column(&self.path, &self.type_text(ty))),
                };
                let binding = self.bind(column, ty, depth)?;
                let first = self.push_bindings(vec![binding]);
                Ok(self.push_view(View::Rows { first, fields: 1, rows, kind: RowKind::Only }))
            }
            None => Err(InputError::too_wide(&self.path)),
        }
    }

    /// A view of a table's rows as records, or payloads, with these fields; without a table, one row of defaults.
    fn fields(
        &mut self,
        table: Option<&Table>,
        fields: &[Field],
        kind: RowKind,
        depth: u32,
    ) -> Result<u32, InputError> {
        let rows = table.map_or(1, |table| table.rows);
        let mut bindings = Vec::with_capacity(fields.len());
        for field in fields {
            self.path.push_field(&field.name);
            let binding = match (table.and_then(|table| table.column(&field.name)), &field.default) {
                (Some(column), _) => self.bind(column, field.ty, depth)?,
                (None, Some(default)) => Binding::Constant(self.constant(default, field.ty, depth)?),
                (None, None) if matches!(self.module.ty(field.ty), Some(Type::Optional(_))) => {
                    Binding::Constant(0)
                }
                (None, None) => return Err(InputError::missing(&self.path, &self.type_text(field.ty))),
            };
            self.path.pop();
            bindings.push(binding);
        }
        let fields = slot::count(bindings.len());
        let first = self.push_bindings(bindings);
        Ok(self.push_view(View::Rows { first, fields, rows, kind }))
    }

    /// A view of maps whose entries are rows of a table with the columns key and value.
    fn maps(
        &mut self,
        starts: Option<Arc<[u32]>>,
        entries: &Table,
        key: TypeId,
        value: TypeId,
        depth: u32,
    ) -> Result<u32, InputError> {
        self.attached.nodes = self.attached.nodes.saturating_add(1);
        if depth > MAX_DEPTH || self.attached.nodes > MAX_NODES {
            return Err(InputError::too_wide(&self.path));
        }
        let (Some(keys), Some(values)) = (entries.column(KEY_COLUMN), entries.column(VALUE_COLUMN)) else {
            if entries.rows == 0 {
                let rows = View::Rows { first: 0, fields: 0, rows: 0, kind: RowKind::Record };
                let rows = self.push_view(rows);
                return Ok(self.push_view(View::Maps { starts, order: Arc::default(), rows }));
            }
            return Err(InputError::entry_columns(&self.path));
        };
        let bindings = vec![self.bind(keys, key, depth)?, self.bind(values, value, depth)?];
        let first = self.push_bindings(bindings);
        let kind = RowKind::Record;
        let rows = self.push_view(View::Rows { first, fields: 2, rows: entries.rows, kind });
        let order = self.order(starts.as_deref(), rows, entries.rows, key)?;
        Ok(self.push_view(View::Maps { starts, order, rows }))
    }

    /// The rows of maps' entries, those of each map in the order of their keys.
    fn order(
        &self,
        starts: Option<&[u32]>,
        view: u32,
        rows: u32,
        key_type: TypeId,
    ) -> Result<Arc<[u32]>, InputError> {
        let by = Order::of(self.module, key_type);
        let key = |row: u32| self.attached.field(Reference { source: view, index: row }, 0);
        let text = |key: u64| {
            let text = TextSlot::unpack(key);
            let start = slot::index(text.offset);
            let range = start..start.saturating_add(slot::index(text.length));
            self.attached.text(text.source).get(range).unwrap_or("")
        };
        let compare = |left: &u32, right: &u32| -> Ordering {
            let (left, right) = (key(*left), key(*right));
            match by {
                Order::Text => text(left).cmp(text(right)),
                _ => left.cast_signed().cmp(&right.cast_signed()),
            }
        };
        let mut order: Vec<u32> = (0..rows).collect();
        let whole = [0, rows];
        for (map, range) in starts.unwrap_or(&whole).windows(2).enumerate() {
            let [start, end] = range else { continue };
            let Some(part) = order.get_mut(slot::index(*start)..slot::index(*end)) else { continue };
            part.sort_by(compare);
            let twice =
                part.windows(2).find(|pair| matches!(pair, [a, b] if compare(a, b) == Ordering::Equal));
            if let Some([row, ..]) = twice {
                let mut path = self.path.clone();
                if starts.is_some() {
                    path.at_row(map);
                }
                let found = key(*row);
                let shown = match by {
                    Order::Text => text(found).to_owned(),
                    _ => word_key_text(self.module, key_type, found),
                };
                return Err(InputError::twice(&path, &shown));
            }
        }
        Ok(order.into())
    }

    /// The slots of a column of cases.
    fn cases(
        &mut self,
        column: &[CaseColumn],
        tags: &[u16],
        declared: &[EnumCase],
        depth: u32,
    ) -> Result<Arc<[u64]>, InputError> {
        let mut bound = Vec::with_capacity(column.len());
        for case in column {
            bound.push(self.one_case(case, declared, depth)?);
        }
        let mut slots = Vec::with_capacity(tags.len());
        for (row, tag) in tags.iter().enumerate() {
            match bound.get_mut(usize::from(*tag)) {
                Some(BoundCase::Plain(slot)) => slots.push(*slot),
                None if *tag == NO_CASE => slots.push(0),
                Some(BoundCase::Rows { view, next }) => {
                    slots.push(Reference { source: *view, index: *next }.pack());
                    *next = next.saturating_add(1);
                }
                _ => {
                    self.path.at_row(row);
                    let name = column.get(usize::from(*tag)).map_or("", |case| case.name.as_str());
                    return Err(InputError::unknown_case(&self.path, name, declared));
                }
            }
        }
        Ok(slots.into())
    }

    fn one_case(
        &mut self,
        case: &CaseColumn,
        declared: &[EnumCase],
        depth: u32,
    ) -> Result<BoundCase, InputError> {
        if let Some(at) = declared.iter().position(|own| own.name == case.name) {
            let index = u8::try_from(at).unwrap_or(u8::MAX);
            let fields = declared.get(at).map_or(&[][..], |own| &own.fields);
            if fields.is_empty() {
                return Ok(BoundCase::Plain(slot::case(index)));
            }
            if case.payload.rows == 0 {
                // It stands in no row, or the error is that of the first.
                return Ok(BoundCase::Unknown);
            }
            self.path.push_field(&case.name);
            let view = self.fields(Some(&case.payload), fields, RowKind::Case(index), depth)?;
            self.path.pop();
            return Ok(BoundCase::Rows { view, next: 0 });
        }
        let Some(index) = other_case(declared) else { return Ok(BoundCase::Unknown) };
        let name = self.constant(&Constant::String(case.name.clone()), TypeId::STRING, depth)?;
        let first = self.push_bindings(vec![Binding::Constant(name)]);
        let kind = RowKind::Case(index);
        let view = self.push_view(View::Rows { first, fields: 1, rows: u32::MAX, kind });
        Ok(BoundCase::Rows { view, next: 0 })
    }

    fn push_bindings(&mut self, bindings: Vec<Binding>) -> u32 {
        let first = slot::count(self.attached.bindings.len());
        self.attached.bindings.extend(bindings);
        first
    }

    fn bind(&mut self, column: &Column, ty: TypeId, depth: u32) -> Result<Binding, InputError> {
        let depth = depth.saturating_add(1);
        match (column, self.module.ty(ty)) {
            (Column::Scalars { ty: held, values }, Some(wanted)) if held == wanted => {
                Ok(Binding::Slots { values: Arc::clone(values), source: 0 })
            }
            (Column::Texts { spans, text, longest }, Some(Type::String | Type::Secret)) => {
                self.check_texts(spans, *longest)?;
                let source = self.attached.add_text(text);
                let source = source.ok_or_else(|| InputError::too_wide(&self.path))?;
                Ok(Binding::Slots { values: Arc::clone(spans), source })
            }
            (Column::Lists { starts, items, longest }, Some(Type::List { element, max })) => {
                let max = max.unwrap_or(NESTED_LIST_MAX);
                self.check_lists(starts, *longest, max)?;
                let rows = self.rows(Some(items), *element, depth)?;
                let starts = Some(Arc::clone(starts));
                Ok(Binding::Row { view: self.push_view(View::Lists { starts, rows }) })
            }
            (Column::Maps { starts, entries, longest }, Some(Type::Map { key, value, max })) => {
                self.check_lists(starts, *longest, max.unwrap_or(NESTED_LIST_MAX))?;
                let starts = Some(Arc::clone(starts));
                Ok(Binding::Row { view: self.maps(starts, entries, *key, *value, depth)? })
            }
            (Column::Cases { cases, tags }, Some(Type::Enum { cases: declared, .. })) => {
                Ok(Binding::Slots { values: self.cases(cases, tags, declared, depth)?, source: 0 })
            }
            (Column::Records { rows }, Some(Type::Record { .. })) => {
                Ok(Binding::Row { view: self.rows(Some(rows), ty, depth)? })
            }
            (Column::Optionals { present, values }, Some(Type::Optional(inner))) => {
                let view = self.rows(Some(values), *inner, depth)?;
                Ok(Binding::Optional { present: Arc::clone(present), view })
            }
            (Column::Empty { .. }, Some(Type::List { .. } | Type::Map { .. } | Type::Optional(_))) => {
                Ok(Binding::Constant(0))
            }
            _ => Err(InputError::wrong_type(&self.path, &self.type_text(ty), &column.describe())),
        }
    }

    fn check_texts(&mut self, spans: &[u64], longest: u32) -> Result<(), InputError> {
        if longest <= STRING_MAX {
            return Ok(());
        }
        let row = spans.iter().position(|span| slot::text_length(*span) > STRING_MAX).unwrap_or(0);
        self.path.at_row(row);
        Err(InputError::too_long(&self.path, longest))
    }

    fn check_lists(&mut self, starts: &[u32], longest: u32, max: u32) -> Result<(), InputError> {
        if longest <= max {
            return Ok(());
        }
        let long = |pair: &[u32]| match pair {
            [start, end] => end.saturating_sub(*start) > max,
            _ => false,
        };
        self.path.at_row(starts.windows(2).position(long).unwrap_or(0));
        Err(InputError::too_many(&self.path, u64::from(longest), max))
    }

    fn type_text(&self, ty: TypeId) -> String {
        type_text(self.module, ty)
    }
}

/// How the rows of one case of a column become slots.
enum BoundCase {
    /// Always this one.
    Plain(u64),
    /// The next row of a view.
    Rows { view: u32, next: u32 },
    /// The program has no such case.
    Unknown,
}

/// The case that takes in those the program does not know: the last, `OTHER(name: string)`.
pub(crate) fn other_case(cases: &[EnumCase]) -> Option<u8> {
    let last = cases.last().filter(|case| case.name == "OTHER")?;
    let [field] = last.fields.as_slice() else { return None };
    let takes_a_name = field.name == "name" && field.ty == TypeId::STRING;
    takes_a_name.then(|| u8::try_from(cases.len().saturating_sub(1)).ok()).flatten()
}
