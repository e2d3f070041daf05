//! Host data as named columns: immutable, shared between instances, read in place by every run.

use std::fmt;
use std::sync::Arc;

use smol_str::SmolStr;
use swarm_bytecode::types::{Class, Type};

use crate::slot::{self, MAX_TEXT_BYTES, TextSlot};

/// Rows of named, typed columns. Build one with [`Table::builder`]; share it as `Arc<Table>`.
#[derive(Debug, Clone, Default)]
pub struct Table {
    pub(crate) names: Vec<SmolStr>,
    pub(crate) columns: Vec<Column>,
    pub(crate) rows: u32,
}

/// One column; every kind of value is held in the form a register has.
#[derive(Clone)]
pub(crate) enum Column {
    /// Integer-carried, float-carried or bool values.
    Scalars { ty: Type, values: Arc<[u64]> },
    /// Strings: packed offset and length into `text`.
    Texts { spans: Arc<[u64]>, text: Arc<str>, longest: u32 },
    /// Row `i` has the items `starts[i]..starts[i + 1]`.
    Lists { starts: Arc<[u32]>, items: Arc<Table>, longest: u32 },
    /// Row `i` is row `i` of the table.
    Records { rows: Arc<Table> },
    /// Row `i` is the only column of row `i` of `values`, or, for a record, the row; where `present`.
    Optionals { present: Arc<[bool]>, values: Arc<Table> },
    /// Row `i` has the entries `starts[i]..starts[i + 1]`: rows of the columns [`KEY_COLUMN`] and
    /// [`VALUE_COLUMN`].
    Maps { starts: Arc<[u32]>, entries: Arc<Table>, longest: u32 },
    /// Row `i` is the case `cases[tags[i]]`; its payload is the next row of that case's own.
    Cases { cases: Arc<[CaseColumn]>, tags: Arc<[u16]> },
    /// Every row is an empty list or map, or NONE.
    Empty { rows: u32 },
}

/// One case of a column of cases.
#[derive(Debug, Clone)]
pub(crate) struct CaseColumn {
    pub(crate) name: SmolStr,
    /// Payloads of the rows that are this case, in order; without rows where it has none.
    pub(crate) payload: Arc<Table>,
}

/// Tag of a row that is not there: a place of an optional that holds NONE.
pub(crate) const NO_CASE: u16 = u16::MAX;
/// The column of a map's keys in the table of its entries.
pub(crate) const KEY_COLUMN: &str = "key";
/// The column of a map's values.
pub(crate) const VALUE_COLUMN: &str = "value";

impl Column {
    fn rows(&self) -> usize {
        match self {
            Column::Scalars { values, .. } => values.len(),
            Column::Texts { spans, .. } => spans.len(),
            Column::Lists { starts, .. } | Column::Maps { starts, .. } => starts.len().saturating_sub(1),
            Column::Cases { tags, .. } => tags.len(),
            Column::Records { rows } => slot::index(rows.rows),
            Column::Optionals { present, .. } => present.len(),
            Column::Empty { rows } => slot::index(*rows),
        }
    }

    /// What the column holds, in the words of an error message.
    pub(crate) fn describe(&self) -> String {
        match self {
            Column::Scalars { ty, .. } => crate::value::type_name(ty).to_owned(),
            Column::Texts { .. } => "string".to_owned(),
            Column::Lists { .. } => "list".to_owned(),
            Column::Maps { .. } => "map".to_owned(),
            Column::Cases { .. } => "enum".to_owned(),
            Column::Records { .. } => "record".to_owned(),
            Column::Optionals { .. } => "optional".to_owned(),
            Column::Empty { .. } => "nothing".to_owned(),
        }
    }
}

/// What kind of values it holds, not which: some program may take them for secrets.
impl fmt::Debug for Column {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {}", self.rows(), self.describe())
    }
}

impl Table {
    /// A builder without columns.
    pub fn builder() -> TableBuilder {
        TableBuilder { names: Vec::new(), columns: Vec::new(), error: None }
    }

    /// A table with one column of strings, as the items of a `list<string>`.
    ///
    /// # Errors
    /// A string or all of them together are too long.
    pub fn of_strings<S: AsRef<str>>(values: impl IntoIterator<Item = S>) -> Result<Arc<Table>, TableError> {
        Table::builder().strings("item", values).build()
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        slot::index(self.rows)
    }

    /// Names of the columns, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(SmolStr::as_str)
    }

    pub(crate) fn column(&self, name: &str) -> Option<&Column> {
        let at = self.names.iter().position(|own| own == name)?;
        self.columns.get(at)
    }
}

/// Puts a [`Table`] together, a column at a time; the first mistake is reported by [`TableBuilder::build`].
#[derive(Debug)]
pub struct TableBuilder {
    names: Vec<SmolStr>,
    columns: Vec<Column>,
    error: Option<TableError>,
}

impl TableBuilder {
    /// A column of integer-carried values in base units: `ty` is `Type::Int` or a named quantity.
    #[must_use]
    pub fn words(self, name: &str, ty: Type, values: Vec<i64>) -> Self {
        if ty.class() != Class::Word {
            return self.fail(TableError::WrongKind { column: name.into() });
        }
        let values = values.into_iter().map(i64::cast_unsigned).collect();
        self.push(name, Column::Scalars { ty, values })
    }

    /// A column of floats: `ty` is `Type::Float` or a rate. Every value must be finite.
    #[must_use]
    pub fn floats(self, name: &str, ty: Type, values: &[f64]) -> Self {
        if ty.class() != Class::Float {
            return self.fail(TableError::WrongKind { column: name.into() });
        }
        if let Some(row) = values.iter().position(|value| !value.is_finite()) {
            return self.fail(TableError::NotFinite { column: name.into(), row });
        }
        let values = values.iter().map(|value| slot::from_float(*value)).collect();
        self.push(name, Column::Scalars { ty, values })
    }

    /// A column of truth values.
    #[must_use]
    pub fn bools(self, name: &str, values: &[bool]) -> Self {
        let values = values.iter().map(|value| u64::from(*value)).collect();
        self.push(name, Column::Scalars { ty: Type::Bool, values })
    }

    /// A column of strings.
    #[must_use]
    pub fn strings<S: AsRef<str>>(self, name: &str, values: impl IntoIterator<Item = S>) -> Self {
        let mut texts = Texts::default();
        for value in values {
            if texts.push(value.as_ref()).is_err() {
                return self.fail(TableError::TextTooLong { column: name.into(), row: texts.spans.len() });
            }
        }
        self.push(name, texts.finish())
    }

    /// A column of lists: row `i` takes the next `lengths[i]` rows of `items`. Lists of anything but records take
    /// the only column of `items`.
    #[must_use]
    pub fn lists(self, name: &str, lengths: impl IntoIterator<Item = usize>, items: Arc<Table>) -> Self {
        let starts = starts(lengths);
        if starts.last() != Some(&items.rows) {
            return self.fail(TableError::UnequalRows { column: name.into() });
        }
        self.push(name, lists(starts, items))
    }

    /// A column of maps: row `i` takes the next `lengths[i]` rows of `entries`, a table with the columns
    /// `key` and `value`. The entries of a map may stand in any order; each key stands once.
    #[must_use]
    pub fn maps(self, name: &str, lengths: impl IntoIterator<Item = usize>, entries: Arc<Table>) -> Self {
        let starts = starts(lengths);
        if starts.last() != Some(&entries.rows) {
            return self.fail(TableError::UnequalRows { column: name.into() });
        }
        self.push(name, maps(starts, entries))
    }

    /// A column of an enum's cases: row `i` is the case named `rows[i]`. A case with a payload takes the next
    /// row of its own table in `payloads`.
    #[must_use]
    pub fn cases<S: AsRef<str>>(
        self,
        name: &str,
        rows: impl IntoIterator<Item = S>,
        payloads: &[(&str, Arc<Table>)],
    ) -> Self {
        let mut cases: Vec<CaseColumn> = Vec::new();
        let mut counts: Vec<u32> = Vec::new();
        let mut tags = Vec::new();
        for row in rows {
            let row = row.as_ref();
            let tag = cases.iter().position(|case| case.name == row).unwrap_or_else(|| {
                let payload = payloads.iter().find(|(case, _)| *case == row);
                let payload = payload.map(|(_, table)| Arc::clone(table)).unwrap_or_default();
                cases.push(CaseColumn { name: row.into(), payload });
                counts.push(0);
                cases.len().saturating_sub(1)
            });
            if let Some(count) = counts.get_mut(tag) {
                *count = count.saturating_add(1);
            }
            match u16::try_from(tag) {
                Ok(tag) if tag != NO_CASE => tags.push(tag),
                _ => return self.fail(TableError::TooManyCases { column: name.into() }),
            }
        }
        let given = |case: &CaseColumn| payloads.iter().any(|(payload, _)| *payload == case.name);
        let mut counted = cases.iter().zip(&counts);
        if counted.any(|(case, count)| given(case) && case.payload.rows != *count) {
            return self.fail(TableError::UnequalRows { column: name.into() });
        }
        self.push(name, Column::Cases { cases: cases.into(), tags: tags.into() })
    }

    /// A column of records: row `i` is row `i` of `rows`.
    #[must_use]
    pub fn records(self, name: &str, rows: Arc<Table>) -> Self {
        self.push(name, Column::Records { rows })
    }

    /// A column of optionals: row `i` is row `i` of `values` where `present[i]`, else NONE. Optionals of
    /// anything but records take the only column of `values`.
    #[must_use]
    pub fn optionals(self, name: &str, present: &[bool], values: Arc<Table>) -> Self {
        if present.len() != values.rows() {
            return self.fail(TableError::UnequalRows { column: name.into() });
        }
        self.push(name, Column::Optionals { present: present.into(), values })
    }

    /// The table.
    ///
    /// # Errors
    /// The first [`TableError`] met: columns of unequal length, a name that stands twice, a float that is not
    /// finite, a string too long, or more than 2³² − 1 rows.
    pub fn build(self) -> Result<Arc<Table>, TableError> {
        if let Some(error) = self.error {
            return Err(error);
        }
        let rows = self.columns.first().map_or(0, Column::rows);
        let rows = u32::try_from(rows).map_err(|_| TableError::TooManyRows)?;
        Ok(Arc::new(Table { names: self.names, columns: self.columns, rows }))
    }

    pub(crate) fn push(mut self, name: &str, column: Column) -> Self {
        if self.names.iter().any(|own| own == name) {
            return self.fail(TableError::DuplicateName { column: name.into() });
        }
        if self.columns.first().is_some_and(|first| first.rows() != column.rows()) {
            return self.fail(TableError::UnequalRows { column: name.into() });
        }
        self.names.push(name.into());
        self.columns.push(column);
        self
    }

    fn fail(mut self, error: TableError) -> Self {
        self.error.get_or_insert(error);
        self
    }
}

/// Where each of some lists starts, and where the last ends.
fn starts(lengths: impl IntoIterator<Item = usize>) -> Vec<u32> {
    let mut starts = vec![0u32];
    let mut end = 0u32;
    for length in lengths {
        end = end.saturating_add(slot::count(length));
        starts.push(end);
    }
    starts
}

/// The greatest number of items between two starts.
fn longest(starts: &[u32]) -> u32 {
    let length = |pair: &[u32]| match pair {
        [start, end] => end.saturating_sub(*start),
        _ => 0,
    };
    starts.windows(2).map(length).max().unwrap_or(0)
}

/// A list column from its starts.
pub(crate) fn lists(starts: Vec<u32>, items: Arc<Table>) -> Column {
    let longest = longest(&starts);
    Column::Lists { starts: starts.into(), items, longest }
}

/// A map column from its starts.
pub(crate) fn maps(starts: Vec<u32>, entries: Arc<Table>) -> Column {
    let longest = longest(&starts);
    Column::Maps { starts: starts.into(), entries, longest }
}

/// A text column being filled.
#[derive(Debug, Default)]
pub(crate) struct Texts {
    pub(crate) spans: Vec<u64>,
    text: String,
    longest: u32,
}

/// A string does not fit its column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TextOverflow;

impl Texts {
    pub(crate) fn push(&mut self, value: &str) -> Result<(), TextOverflow> {
        let length = u32::try_from(value.len()).map_err(|_| TextOverflow)?;
        let offset = u32::try_from(self.text.len()).map_err(|_| TextOverflow)?;
        if length > MAX_TEXT_BYTES || offset.checked_add(length).is_none() {
            return Err(TextOverflow);
        }
        // One copy of a text that repeats on end (region, status) is enough.
        let repeated = self.spans.last().copied().filter(|last| {
            let last = TextSlot::unpack(*last);
            last.length == length && self.text.get(slot::index(last.offset)..) == Some(value)
        });
        self.longest = self.longest.max(length);
        match repeated {
            Some(span) => self.spans.push(span),
            None => {
                self.spans.push(TextSlot { source: 0, offset, length }.pack());
                self.text.push_str(value);
            }
        }
        Ok(())
    }

    pub(crate) fn finish(self) -> Column {
        Column::Texts { spans: self.spans.into(), text: self.text.into(), longest: self.longest }
    }
}

/// Why a [`Table`] cannot be built.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum TableError {
    /// The column's rows, or its items, do not match the rest of the table.
    UnequalRows {
        /// The column.
        column: SmolStr,
    },
    /// Two columns of one name.
    DuplicateName {
        /// The column.
        column: SmolStr,
    },
    /// The column's type has another class than the method adds.
    WrongKind {
        /// The column.
        column: SmolStr,
    },
    /// A float that is infinite or not a number.
    NotFinite {
        /// The column.
        column: SmolStr,
        /// Its first such row, from 0.
        row: usize,
    },
    /// A string longer than 1 MiB, or more than 4 GiB of them in one column.
    TextTooLong {
        /// The column.
        column: SmolStr,
        /// Its first such row, from 0.
        row: usize,
    },
    /// More than 2³² − 1 rows.
    TooManyRows,
    /// A column of more than 65,535 different cases.
    TooManyCases {
        /// The column.
        column: SmolStr,
    },
}

impl fmt::Display for TableError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TableError::UnequalRows { column } => {
                write!(f, "column `{column}` has another number of rows than the table")
            }
            TableError::DuplicateName { column } => write!(f, "two columns are named `{column}`"),
            TableError::WrongKind { column } => {
                write!(f, "column `{column}` was added by a method for another kind of value")
            }
            TableError::NotFinite { column, row } => {
                write!(f, "column `{column}`, row {row}: a float must be finite")
            }
            TableError::TextTooLong { column, row } => {
                write!(f, "column `{column}`, row {row}: a string has at most {MAX_TEXT_BYTES} bytes")
            }
            TableError::TooManyCases { column } => {
                write!(f, "column `{column}` has more than 65,535 different cases")
            }
            TableError::TooManyRows => write!(f, "a table has at most {} rows", u32::MAX),
        }
    }
}

impl std::error::Error for TableError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_must_have_equal_length() {
        let error =
            Table::builder().words("a", Type::Int, vec![1, 2]).bools("b", &[true]).build().unwrap_err();
        assert_eq!(error, TableError::UnequalRows { column: "b".into() });
    }

    #[test]
    fn floats_must_be_finite() {
        let error = Table::builder().floats("x", Type::Float, &[0.0, f64::NAN]).build().unwrap_err();
        assert_eq!(error, TableError::NotFinite { column: "x".into(), row: 1 });
    }

    #[test]
    fn names_are_unique_and_kinds_fit() {
        let twice = Table::builder().bools("a", &[]).bools("a", &[]).build().unwrap_err();
        assert_eq!(twice, TableError::DuplicateName { column: "a".into() });
        let kind = Table::builder().words("a", Type::Float, vec![]).build().unwrap_err();
        assert_eq!(kind, TableError::WrongKind { column: "a".into() });
    }

    #[test]
    fn lists_must_use_all_items() {
        let items = Table::of_strings(["a", "b", "c"]).unwrap();
        assert!(Table::builder().lists("tags", [1, 2], Arc::clone(&items)).build().is_ok());
        assert!(Table::builder().lists("tags", [1, 1], items).build().is_err());
    }
}
