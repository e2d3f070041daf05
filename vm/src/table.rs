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
#[derive(Debug, Clone)]
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
    /// Every row is an empty list, or NONE.
    Empty { rows: u32 },
}

impl Column {
    fn rows(&self) -> usize {
        match self {
            Column::Scalars { values, .. } => values.len(),
            Column::Texts { spans, .. } => spans.len(),
            Column::Lists { starts, .. } => starts.len().saturating_sub(1),
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
            Column::Records { .. } => "record".to_owned(),
            Column::Optionals { .. } => "optional".to_owned(),
            Column::Empty { .. } => "nothing".to_owned(),
        }
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
        let mut starts = vec![0u32];
        let mut end = 0u32;
        for length in lengths {
            end = end.saturating_add(slot::count(length));
            starts.push(end);
        }
        if end != items.rows {
            return self.fail(TableError::UnequalRows { column: name.into() });
        }
        self.push(name, lists(starts, items))
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

/// A list column from its starts.
pub(crate) fn lists(starts: Vec<u32>, items: Arc<Table>) -> Column {
    let longest = starts
        .windows(2)
        .map(|pair| match pair {
            [start, end] => end.saturating_sub(*start),
            _ => 0,
        })
        .max()
        .unwrap_or(0);
    Column::Lists { starts: starts.into(), items, longest }
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
