//! Inputs and context bound to a program: columns matched to record fields once, so that a run reads them in
//! place by index. Shared by all instances that use the same inputs.

mod image;
mod link;

use std::ops::Range;
use std::sync::Arc;

use smol_str::SmolStr;
use swarm_bytecode::module::Module;
use swarm_bytecode::types::{Type, TypeId};

pub(crate) use image::{AttachedImage, Unlike};
pub(crate) use link::{Linker, other_case};

use crate::slot::{self, ARENA, FIRST_INPUT_TEXT, MAX_TEXT_SOURCES, Reference, TextSlot};

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
    /// Lists: list `i` has the items `starts[i]..starts[i + 1]` of `rows`; without `starts` there is one
    /// list, all.
    Lists { starts: Option<Arc<[u32]>>, rows: u32 },
    /// Maps: map `i` has the entries `order[starts[i]..starts[i + 1]]`, rows of key and value in the order of the
    /// keys; without `starts` there is one map, all.
    Maps { starts: Option<Arc<[u32]>>, order: Arc<[u32]>, rows: u32 },
    /// Rows of so many fields each.
    Rows { first: u32, fields: u32, rows: u32, kind: RowKind },
}

/// What a row is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum RowKind {
    /// A record, or an entry of a map.
    Record,
    /// The value of the only column.
    Only,
    /// This case of an enum, with the row as its payload.
    Case(u8),
}

/// Inputs and context, bound.
#[derive(Clone, Default)]
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
    /// What belongs to each input, then to each context value.
    parts: Vec<Part>,
}

/// How much it holds, not what: that may be secret.
impl std::fmt::Debug for Attached {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Attached({} views, {} columns of text)", self.views.len(), self.texts.len())
    }
}

/// What was bound for one input or context value.
#[derive(Debug, Clone, Default)]
struct Part {
    views: Range<usize>,
    bindings: Range<usize>,
    texts: Range<usize>,
    /// The host's name for this version of the data.
    token: Option<Arc<[u8]>>,
}

/// How much was bound before a part.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Extent {
    views: usize,
    bindings: usize,
    texts: usize,
}

/// A field of the rows of one view that is read from a column.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Column<'a> {
    view: u32,
    /// The source to be put in, of a column of texts.
    texts: u64,
    values: &'a [u64],
}

impl Default for Column<'_> {
    fn default() -> Self {
        Column { view: ARENA, texts: 0, values: &[] }
    }
}

impl<'a> Column<'a> {
    /// The field of a record, if that is a row of this view.
    #[inline(always)]
    pub(crate) fn value(&self, record: u64) -> Option<u64> {
        let Reference { source, index } = Reference::unpack(record);
        if source != self.view {
            return None;
        }
        self.values.get(slot::index(index)).map(|value| value | self.texts)
    }

    /// The values in all rows of the view that this record is one of, if they are whole words.
    pub(crate) fn words(&self, record: u64) -> Option<&'a [u64]> {
        (Reference::unpack(record).source == self.view && self.texts == 0).then_some(self.values)
    }
}

/// The texts that a field has in the rows of one view: the one that was looked at last.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Texts<'a> {
    attached: &'a Attached,
    field: u8,
    column: Column<'a>,
    /// What all of them are parts of.
    whole: &'a str,
}

impl<'a> Texts<'a> {
    pub(crate) fn new(attached: &'a Attached) -> Texts<'a> {
        Texts { attached, field: 0, column: Column::default(), whole: "" }
    }

    /// The text of a record's field and all that lies behind it in its column, and how long it is, if the
    /// record is a row of a host's table.
    #[inline(always)]
    pub(crate) fn find(&mut self, record: u64, field: u8) -> Option<(&'a [u8], usize)> {
        self.known(record, field).or_else(|| {
            self.look(record, field);
            self.known(record, field)
        })
    }

    #[inline(always)]
    fn known(&self, record: u64, field: u8) -> Option<(&'a [u8], usize)> {
        let text = TextSlot::unpack(self.column.value(record).filter(|_| field == self.field)?);
        let (behind, length) =
            (self.whole.as_bytes().get(slot::index(text.offset)..)?, slot::index(text.length));
        (length <= behind.len()).then_some((behind, length))
    }

    #[inline(never)]
    fn look(&mut self, record: u64, field: u8) {
        (self.field, self.column) = (field, self.attached.column(record, field));
        self.whole = self.attached.text(TextSlot::unpack(self.column.texts).source);
    }
}

/// A list whose items are the rows of a view.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Walk {
    list: u64,
    /// The first item.
    first: u64,
    items: u64,
}

impl Walk {
    /// The first item and how many there are, of a list that is not empty.
    pub(crate) fn parts(self) -> Option<(u64, u64)> {
        (self.items != 0).then_some((self.first, self.items))
    }

    /// Whether it is that list, which is not the empty one.
    #[inline(always)]
    pub(crate) fn is_of(self, list: u64) -> bool {
        list == self.list && self.items != 0
    }

    /// The item, if there is one.
    #[inline(always)]
    pub(crate) fn item(self, at: u64) -> Option<u64> {
        // The index is the low end of the slot, and all of the items have one.
        (at < self.items).then_some(self.first.wrapping_add(at))
    }
}

impl Attached {
    /// A field of all records that are rows like this one, if it is read from a column.
    pub(crate) fn column(&self, record: u64, field: u8) -> Column<'_> {
        let view = Reference::unpack(record).source;
        if let Some(View::Rows { first, fields, .. }) = self.views.get(slot::index(view))
            && u32::from(field) < *fields
            && let Some(Binding::Slots { values, source }) =
                self.bindings.get(slot::index(first.wrapping_add(u32::from(field))))
        {
            return Column { view, texts: *source, values };
        }
        Column::default()
    }

    /// The list as a walk over rows, if it is one.
    pub(crate) fn walk(&self, list: u64) -> Walk {
        let reference = Reference::unpack(list);
        if let Some(View::Lists { rows, .. }) = self.views.get(slot::index(reference.source))
            && let Some(View::Rows { kind: RowKind::Record | RowKind::Case(_), .. }) =
                self.views.get(slot::index(*rows))
        {
            let (start, end) = self.range(reference);
            let first = Reference { source: *rows, index: start }.pack();
            return Walk { list, first, items: u64::from(end.saturating_sub(start)) };
        }
        Walk::default()
    }

    pub(crate) fn new(module: &Module) -> Attached {
        Attached {
            views: vec![View::Rows { first: 0, fields: 0, rows: 0, kind: RowKind::Record }],
            inputs: vec![None; module.inputs.len()],
            contexts: vec![None; module.contexts.len()],
            sizes: vec![0; module.inputs.len()],
            parts: vec![Part::default(); module.inputs.len().saturating_add(module.contexts.len())],
            ..Attached::default()
        }
    }

    /// How much is bound.
    pub(crate) fn extent(&self) -> Extent {
        Extent { views: self.views.len(), bindings: self.bindings.len(), texts: self.texts.len() }
    }

    /// All that was bound since belongs to this part, whose version is not known.
    pub(crate) fn end_part(&mut self, part: usize, start: Extent) {
        let end = self.extent();
        if let Some(part) = self.parts.get_mut(part) {
            *part = Part {
                views: start.views..end.views,
                bindings: start.bindings..end.bindings,
                texts: start.texts..end.texts,
                token: None,
            };
        }
    }

    /// Gives the version of a part.
    pub(crate) fn set_token(&mut self, part: usize, token: &[u8]) {
        if let Some(part) = self.parts.get_mut(part) {
            part.token = Some(token.into());
        }
    }

    /// Whether there is such a view.
    pub(crate) fn has_view(&self, view: u32) -> bool {
        slot::index(view) < self.views.len()
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

    /// Which case a row is.
    pub(crate) fn case(&self, row: Reference) -> u8 {
        match self.views.get(slot::index(row.source)) {
            Some(View::Rows { kind: RowKind::Case(case), .. }) => *case,
            _ => 0,
        }
    }

    /// Number of items of a list, or entries of a map.
    #[inline]
    pub(crate) fn length(&self, list: Reference) -> u32 {
        let (start, end) = self.range(list);
        end.saturating_sub(start)
    }

    /// How many views there are.
    pub(crate) fn view_count(&self) -> u32 {
        slot::count(self.views.len())
    }

    /// Rows and fields of a view of records.
    pub(crate) fn rows_of(&self, view: u32) -> Option<(u32, u32)> {
        match self.views.get(slot::index(view)) {
            Some(View::Rows { fields, rows, kind: RowKind::Record | RowKind::Case(_), .. }) => {
                Some((*rows, *fields))
            }
            _ => None,
        }
    }

    /// Item of a list.
    #[inline]
    pub(crate) fn item(&self, list: Reference, at: u32) -> Option<u64> {
        let Some(View::Lists { starts, rows: source }) = self.views.get(slot::index(list.source)) else {
            return None;
        };
        let Some(View::Rows { first, rows, kind, .. }) = self.views.get(slot::index(*source)) else {
            return None;
        };
        let (start, end) = match starts {
            None => (0, *rows),
            Some(_) => self.range(list),
        };
        let index = start.checked_add(at).filter(|index| *index < end)?;
        Some(match kind {
            RowKind::Only => self.load(*first, index),
            _ => Reference { source: *source, index }.pack(),
        })
    }

    /// Entry of a map in the order of its keys: key and value.
    pub(crate) fn entry(&self, map: Reference, at: u32) -> Option<(u64, u64)> {
        let Some(View::Maps { order, rows, .. }) = self.views.get(slot::index(map.source)) else {
            return None;
        };
        let (start, end) = self.range(map);
        let place = start.checked_add(at).filter(|place| *place < end)?;
        let row = Reference { source: *rows, index: *order.get(slot::index(place))? };
        Some((self.field(row, 0), self.field(row, 1)))
    }

    /// The value of a row of a view of items or optionals: the row itself, or its only column.
    #[inline]
    pub(crate) fn element(&self, row: Reference) -> u64 {
        match self.views.get(slot::index(row.source)) {
            Some(View::Rows { first, kind: RowKind::Only, .. }) => self.load(*first, row.index),
            Some(View::Rows { .. }) => row.pack(),
            _ => 0,
        }
    }

    #[inline]
    fn range(&self, list: Reference) -> (u32, u32) {
        match self.views.get(slot::index(list.source)) {
            Some(View::Lists { starts: Some(starts), .. } | View::Maps { starts: Some(starts), .. }) => {
                let at = slot::index(list.index);
                let start = starts.get(at).copied().unwrap_or(0);
                (start, starts.get(at.saturating_add(1)).copied().unwrap_or(start))
            }
            Some(View::Lists { starts: None, rows } | View::Maps { starts: None, rows, .. }) => {
                match self.views.get(slot::index(*rows)) {
                    Some(View::Rows { rows, .. }) => (0, *rows),
                    _ => (0, 0),
                }
            }
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

/// A type in the words of the language: `list<Task>`.
pub(crate) fn type_text(module: &Module, ty: TypeId) -> String {
    let mut inner = ty;
    let mut before = String::new();
    let mut after = String::new();
    // A type nests at most so deep in the text of a program; a made-up module may loop.
    for _ in 0..16 {
        match module.ty(inner) {
            Some(Type::Map { key, value, .. }) => {
                let key = match module.ty(*key) {
                    Some(Type::Enum { name, .. }) => name.as_str(),
                    Some(ty) => crate::value::type_name(ty),
                    None => "…",
                };
                before.push_str(&format!("map<{key}, "));
                after.insert(0, '>');
                inner = *value;
            }
            Some(Type::List { element, .. }) => {
                before.push_str("list<");
                after.insert(0, '>');
                inner = *element;
            }
            Some(Type::Optional(value)) => {
                after.insert(0, '?');
                inner = *value;
            }
            Some(Type::Record { name, .. } | Type::Enum { name, .. }) => {
                return format!("{before}{name}{after}");
            }
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
