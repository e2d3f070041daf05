//! Inputs and context bound to a program: columns matched to record fields once, so that a run reads them in
//! place by index. Shared by all instances that use the same inputs.

use std::sync::Arc;

use smol_str::SmolStr;
use swarm_bytecode::module::Module;
use swarm_bytecode::types::{Constant, Type, TypeId};

use crate::error::{InputError, Path};
use crate::slot::{self, FIRST_INPUT_TEXT, MAX_TEXT_SOURCES, Reference, TextSlot};
use crate::table::{Column, Table};

/// Greatest number of items of a list inside a record whose type states no MAX.
pub(crate) const NESTED_LIST_MAX: u32 = 64;
/// Greatest length in bytes of a string at the border.
pub(crate) const STRING_MAX: u32 = 4096;
/// How deep tables may lie in tables.
const MAX_DEPTH: u32 = 32;
/// How many tables, nested and default ones included, may be bound.
const MAX_NODES: u32 = 4096;

/// Where a field of a view's rows comes from.
#[derive(Debug, Clone)]
enum Binding {
    /// The column's value at the row, with `source` (of a text column) put in.
    Slots { values: Arc<[u64]>, source: u64 },
    /// A reference to the same row of another view.
    Row { view: u32 },
    /// The same, where present, else NONE.
    Optional { present: Arc<[bool]>, view: u32 },
    /// The same in every row.
    Constant(u64),
}

#[derive(Debug, Clone)]
enum View {
    /// Lists: list `i` has the items `starts[i]..starts[i + 1]` of `rows`; without `starts` there is one list, all.
    Lists { starts: Option<Arc<[u32]>>, rows: u32 },
    /// Rows. `record` tells whether a row is a record or the value of its only column.
    Rows { first: u32, fields: u32, rows: u32, record: bool },
}

/// Inputs and context, bound.
#[derive(Debug, Clone, Default)]
pub(crate) struct Attached {
    /// View 0 stands for the arena and is never looked at.
    views: Vec<View>,
    bindings: Vec<Binding>,
    texts: Vec<Arc<str>>,
    /// Tables bound so far.
    nodes: u32,
    /// Slot of each input given so far.
    pub(crate) inputs: Vec<Option<u64>>,
    /// Slot of each context value given so far.
    pub(crate) contexts: Vec<Option<u64>>,
    /// Number of items of each input that is a list.
    pub(crate) sizes: Vec<u32>,
}

impl Attached {
    pub(crate) fn new(module: &Module) -> Attached {
        Attached {
            views: vec![View::Rows { first: 0, fields: 0, rows: 0, record: true }],
            inputs: vec![None; module.inputs.len()],
            contexts: vec![None; module.contexts.len()],
            sizes: vec![0; module.inputs.len()],
            ..Attached::default()
        }
    }

    /// The text behind a text source.
    pub(crate) fn text(&self, source: u32) -> &str {
        let at = source.saturating_sub(FIRST_INPUT_TEXT);
        self.texts.get(slot::index(at)).map_or("", |text| text)
    }

    /// Field of a row.
    #[inline]
    pub(crate) fn field(&self, row: Reference, field: u8) -> u64 {
        match self.views.get(slot::index(row.source)) {
            Some(View::Rows { first, fields, .. }) if u32::from(field) < *fields => {
                self.load(first.wrapping_add(u32::from(field)), row.index)
            }
            _ => 0,
        }
    }

    /// Number of items of a list.
    #[inline]
    pub(crate) fn length(&self, list: Reference) -> u32 {
        let (start, end) = self.range(list);
        end.saturating_sub(start)
    }

    /// Item of a list.
    #[inline]
    pub(crate) fn item(&self, list: Reference, at: u32) -> Option<u64> {
        let Some(View::Lists { rows, .. }) = self.views.get(slot::index(list.source)) else { return None };
        let (start, end) = self.range(list);
        let index = start.checked_add(at).filter(|index| *index < end)?;
        Some(self.element(Reference { source: *rows, index }))
    }

    /// The value of a row of a view of items or optionals: the row itself, or its only column.
    #[inline]
    pub(crate) fn element(&self, row: Reference) -> u64 {
        match self.views.get(slot::index(row.source)) {
            Some(View::Rows { record: true, .. }) => row.pack(),
            Some(View::Rows { first, .. }) => self.load(*first, row.index),
            _ => 0,
        }
    }

    #[inline]
    fn range(&self, list: Reference) -> (u32, u32) {
        match self.views.get(slot::index(list.source)) {
            Some(View::Lists { starts: Some(starts), .. }) => {
                let at = slot::index(list.index);
                let start = starts.get(at).copied().unwrap_or(0);
                (start, starts.get(at.saturating_add(1)).copied().unwrap_or(start))
            }
            Some(View::Lists { starts: None, rows }) => match self.views.get(slot::index(*rows)) {
                Some(View::Rows { rows, .. }) => (0, *rows),
                _ => (0, 0),
            },
            _ => (0, 0),
        }
    }

    #[inline]
    fn load(&self, binding: u32, row: u32) -> u64 {
        match self.bindings.get(slot::index(binding)) {
            Some(Binding::Slots { values, source }) => {
                values.get(slot::index(row)).map_or(0, |value| value | source)
            }
            Some(Binding::Row { view }) => Reference { source: *view, index: row }.pack(),
            Some(Binding::Optional { present, view }) => {
                let there = present.get(slot::index(row)).copied().unwrap_or(false);
                if there { Reference { source: *view, index: row }.pack() } else { 0 }
            }
            Some(Binding::Constant(value)) => *value,
            None => 0,
        }
    }

    /// Adds a text and gives the source part of its slots.
    fn add_text(&mut self, text: &Arc<str>) -> Option<u64> {
        let source = slot::count(self.texts.len()).checked_add(FIRST_INPUT_TEXT)?;
        if source >= MAX_TEXT_SOURCES {
            return None;
        }
        self.texts.push(Arc::clone(text));
        Some(TextSlot { source, offset: 0, length: 0 }.pack())
    }
}

/// Binds tables to types and adds what it finds to an [`Attached`].
pub(crate) struct Linker<'a> {
    pub(crate) module: &'a Module,
    pub(crate) attached: &'a mut Attached,
    pub(crate) path: Path,
}

impl Linker<'_> {
    /// The slot of a whole value held in a table: all rows for a list, row 0 for a record, row 0 of the only
    /// column for everything else.
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
        let fields = match self.module.ty(ty) {
            Some(Type::Record { fields, .. }) => fields.clone(),
            Some(_) => {
                let column = match table.map(|table| table.columns.as_slice()) {
                    Some([column]) => column,
                    _ => return Err(InputError::one_column(&self.path, &self.type_text(ty))),
                };
                let binding = self.bind(column, ty, depth)?;
                let first = self.push_bindings(vec![binding]);
                return Ok(self.push_view(View::Rows { first, fields: 1, rows, record: false }));
            }
            None => return Err(InputError::too_wide(&self.path)),
        };
        let mut bindings = Vec::with_capacity(fields.len());
        for field in &fields {
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
        Ok(self.push_view(View::Rows { first, fields, rows, record: true }))
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
            (Column::Texts { spans, text, longest }, Some(Type::String)) => {
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
            (Column::Records { rows }, Some(Type::Record { .. })) => {
                Ok(Binding::Row { view: self.rows(Some(rows), ty, depth)? })
            }
            (Column::Optionals { present, values }, Some(Type::Optional(inner))) => {
                let view = self.rows(Some(values), *inner, depth)?;
                Ok(Binding::Optional { present: Arc::clone(present), view })
            }
            (Column::Empty { .. }, Some(Type::List { .. } | Type::Optional(_))) => Ok(Binding::Constant(0)),
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

/// A type in the words of the language: `list<Task>`.
pub(crate) fn type_text(module: &Module, ty: TypeId) -> String {
    let mut inner = ty;
    let mut before = String::new();
    let mut after = String::new();
    // A type nests at most so deep in the text of a program; a made-up module may loop.
    for _ in 0..16 {
        match module.ty(inner) {
            Some(Type::List { element, .. }) => {
                before.push_str("list<");
                after.insert(0, '>');
                inner = *element;
            }
            Some(Type::Optional(value)) => {
                after.insert(0, '?');
                inner = *value;
            }
            Some(Type::Record { name, .. }) => return format!("{before}{name}{after}"),
            Some(ty) => return format!("{before}{}{after}", crate::value::type_name(ty)),
            None => break,
        }
    }
    format!("{before}…{after}")
}

/// Finds an input or context value by name.
pub(crate) fn position<'a>(mut names: impl Iterator<Item = &'a SmolStr>, name: &str) -> Option<usize> {
    names.position(|own| own == name)
}
