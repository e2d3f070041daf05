//! Columns being filled from JSON, in the shape of a type.

use std::sync::Arc;

use swarm_bytecode::module::Module;
use swarm_bytecode::types::{Constant, EnumCase, Field, Type, TypeId};

use super::read::Reader;
use crate::slot;
use crate::table::{CaseColumn, Column, KEY_COLUMN, NO_CASE, Table, Texts, VALUE_COLUMN, lists, maps};

/// Most columns, nested ones included, one document may fill.
const MAX_COLUMNS: u32 = 4096;

/// Columns being filled, in the shape of a type. What a list, map, optional or case holds is made when it is
/// needed: types may contain themselves.
pub(super) enum Builder<'m> {
    Scalar {
        ty: TypeId,
        kind: &'m Type,
        unit: Option<&'m str>,
        values: Vec<u64>,
    },
    Text(Texts),
    /// As texts; what is wrong with one is told without showing it.
    Secret(Texts),
    List {
        element: TypeId,
        unit: Option<&'m str>,
        max: Option<u32>,
        starts: Vec<u32>,
        rows: Option<Box<Builder<'m>>>,
    },
    Map {
        ty: TypeId,
        unit: Option<&'m str>,
        max: Option<u32>,
        starts: Vec<u32>,
        entries: Option<Box<Entries<'m>>>,
    },
    Optional {
        inner: TypeId,
        unit: Option<&'m str>,
        present: Vec<bool>,
        value: Option<Box<Builder<'m>>>,
    },
    Cases {
        ty: TypeId,
        cases: &'m [EnumCase],
        tags: Vec<u16>,
        /// One for each case that has come up.
        payloads: Vec<Option<Builder<'m>>>,
    },
    Record {
        ty: TypeId,
        fields: &'m [Field],
        columns: Vec<Builder<'m>>,
        rows: u32,
    },
}

/// Keys and values of maps.
pub(super) struct Entries<'m> {
    pub(super) keys: Builder<'m>,
    pub(super) values: Builder<'m>,
}

impl<'m> Entries<'m> {
    /// For maps of this type.
    pub(super) fn new(
        reader: &mut Reader<'_>,
        module: &'m Module,
        map: TypeId,
        unit: Option<&'m str>,
    ) -> Option<Entries<'m>> {
        let Some(Type::Map { key, value, .. }) = module.ty(map) else { return None };
        Some(Entries {
            keys: Builder::new(reader, module, *key, None)?,
            values: Builder::new(reader, module, *value, unit)?,
        })
    }

    pub(super) fn table(self) -> Table {
        let rows = slot::count(self.keys.rows());
        Table {
            names: vec![KEY_COLUMN.into(), VALUE_COLUMN.into()],
            columns: vec![self.keys.column(), self.values.column()],
            rows,
        }
    }
}

impl<'m> Builder<'m> {
    pub(super) fn new(
        reader: &mut Reader<'_>,
        module: &'m Module,
        ty: TypeId,
        unit: Option<&'m str>,
    ) -> Option<Builder<'m>> {
        reader.columns = reader.columns.saturating_add(1);
        if reader.columns > MAX_COLUMNS {
            return None;
        }
        Some(match module.ty(ty)? {
            Type::String => Builder::Text(Texts::default()),
            Type::Secret => Builder::Secret(Texts::default()),
            Type::List { element, max } => {
                Builder::List { element: *element, unit, max: *max, starts: vec![0], rows: None }
            }
            Type::Map { max, .. } => Builder::Map { ty, unit, max: *max, starts: vec![0], entries: None },
            Type::Enum { cases, .. } => {
                Builder::Cases { ty, cases, tags: Vec::new(), payloads: cases.iter().map(|_| None).collect() }
            }
            Type::Optional(inner) => {
                Builder::Optional { inner: *inner, unit, present: Vec::new(), value: None }
            }
            Type::Record { fields, .. } => Builder::fields(reader, module, ty, fields)?,
            kind => Builder::Scalar { ty, kind, unit, values: Vec::new() },
        })
    }

    /// For records, or payloads of type `ty`, with these fields.
    fn fields(
        reader: &mut Reader<'_>,
        module: &'m Module,
        ty: TypeId,
        fields: &'m [Field],
    ) -> Option<Builder<'m>> {
        let columns =
            fields.iter().map(|field| Builder::new(reader, module, field.ty, field.unit.as_deref()));
        Some(Builder::Record { ty, fields, columns: columns.collect::<Option<Vec<_>>>()?, rows: 0 })
    }

    /// The payloads of a case, made when the case first comes up. `self` is a column of cases.
    pub(super) fn payload(
        &mut self,
        reader: &mut Reader<'_>,
        module: &'m Module,
        case: usize,
    ) -> Option<&mut Builder<'m>> {
        let Builder::Cases { ty, cases, payloads, .. } = self else { return None };
        let place = payloads.get_mut(case)?;
        if place.is_none() {
            *place = Some(Builder::fields(reader, module, *ty, &cases.get(case)?.fields)?);
        }
        place.as_mut()
    }

    pub(super) fn rows(&self) -> usize {
        match self {
            Builder::Scalar { values, .. } => values.len(),
            Builder::Text(texts) | Builder::Secret(texts) => texts.spans.len(),
            Builder::List { starts, .. } | Builder::Map { starts, .. } => starts.len().saturating_sub(1),
            Builder::Cases { tags, .. } => tags.len(),
            Builder::Optional { present, .. } => present.len(),
            Builder::Record { rows, .. } => slot::index(*rows),
        }
    }

    /// Adds the zero of the type: the cell of a row that is not there.
    pub(super) fn push_zero(&mut self) {
        match self {
            Builder::Scalar { values, .. } => values.push(0),
            Builder::Text(texts) | Builder::Secret(texts) => {
                let _always_fits = texts.push("");
            }
            Builder::List { starts, .. } | Builder::Map { starts, .. } => {
                starts.push(starts.last().copied().unwrap_or(0));
            }
            // The row is not there, so what its payload would be does not matter.
            Builder::Cases { tags, .. } => tags.push(NO_CASE),
            Builder::Optional { present, value, .. } => {
                present.push(false);
                if let Some(value) = value {
                    value.push_zero();
                }
            }
            Builder::Record { columns, rows, .. } => {
                columns.iter_mut().for_each(Builder::push_zero);
                *rows = rows.saturating_add(1);
            }
        }
    }

    /// Adds a declared default; `None` where a record of defaults has a field without one.
    pub(super) fn push_default(&mut self, constant: &Constant) -> Option<()> {
        match (self, constant) {
            (Builder::Scalar { values, .. }, Constant::Word(word)) => values.push(word.cast_unsigned()),
            (Builder::Scalar { values, .. }, Constant::Float(float)) => values.push(slot::from_float(*float)),
            (Builder::Text(texts), Constant::String(text)) => texts.push(text).ok()?,
            (Builder::Cases { tags, .. }, Constant::Case(case)) => tags.push(u16::from(*case)),
            (Builder::Record { fields, columns, rows, .. }, _) => {
                for (field, column) in fields.iter().zip(columns) {
                    match &field.default {
                        Some(default) => column.push_default(default)?,
                        None => column.push_zero(),
                    }
                }
                *rows = rows.saturating_add(1);
            }
            (other, _) => other.push_zero(),
        }
        Some(())
    }

    fn column(self) -> Column {
        let rows = slot::count(self.rows());
        match self {
            Builder::Scalar { kind, values, .. } => {
                Column::Scalars { ty: kind.clone(), values: values.into() }
            }
            Builder::Text(texts) | Builder::Secret(texts) => texts.finish(),
            Builder::List { starts, rows: Some(items), .. } => lists(starts, Arc::new(items.table())),
            Builder::Map { starts, entries: Some(entries), .. } => maps(starts, Arc::new(entries.table())),
            Builder::Cases { cases, tags, payloads, .. } => {
                let payloads =
                    payloads.into_iter().map(|payload| payload.map(Builder::table).unwrap_or_default());
                let cases = cases.iter().zip(payloads);
                let case = |(case, payload): (&EnumCase, Table)| CaseColumn {
                    name: case.name.clone(),
                    payload: Arc::new(payload),
                };
                Column::Cases { cases: cases.map(case).collect(), tags: tags.into() }
            }
            Builder::Optional { present, value: Some(value), .. } => {
                Column::Optionals { present: present.into(), values: Arc::new(value.table()) }
            }
            Builder::List { .. } | Builder::Map { .. } | Builder::Optional { .. } => Column::Empty { rows },
            record @ Builder::Record { .. } => Column::Records { rows: Arc::new(record.table()) },
        }
    }

    pub(super) fn table(self) -> Table {
        let count = slot::count(self.rows());
        match self {
            Builder::Record { fields, columns, .. } => Table {
                names: fields.iter().map(|field| field.name.clone()).collect(),
                columns: columns.into_iter().map(Builder::column).collect(),
                rows: count,
            },
            other => Table { names: vec!["item".into()], columns: vec![other.column()], rows: count },
        }
    }
}
