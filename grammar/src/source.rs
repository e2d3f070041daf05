//! Source files and positions in them.

use std::sync::Arc;

use smol_str::SmolStr;

use crate::span::{FileId, Span};

/// A text with its name and the starts of its lines. A clone shares them.
#[derive(Debug, Clone)]
pub struct SourceFile {
    name: SmolStr,
    text: Arc<str>,
    line_starts: Arc<[u32]>,
}

/// A position for people: both count from 1, the column in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// Line.
    pub line: u32,
    /// Column.
    pub column: u32,
}

impl SourceFile {
    /// A source file. The text is at most [`SourceFile::MAX_BYTES`] long: the caller refuses longer ones.
    pub fn new(name: impl Into<SmolStr>, text: impl Into<String>) -> SourceFile {
        let text: String = text.into();
        let mut line_starts = vec![0];
        for (at, byte) in text.bytes().enumerate() {
            if byte == b'\n' {
                line_starts.push(u32::try_from(at).unwrap_or(u32::MAX).saturating_add(1));
            }
        }
        SourceFile { name: name.into(), text: text.into(), line_starts: line_starts.into() }
    }

    /// Greatest length of a source text.
    pub const MAX_BYTES: usize = 16 << 20;

    /// Its name.
    pub fn name(&self) -> &SmolStr {
        &self.name
    }

    /// Its text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Line and column of a byte; an offset behind the end is the end.
    pub fn position(&self, byte: u32) -> Position {
        self.position_in(self.line_starts.partition_point(|&start| start <= byte).saturating_sub(1), byte)
    }

    /// The same, found sooner where the byte is in the line of `before` or in the next.
    pub fn position_near(&self, byte: u32, before: Position) -> Position {
        let line = before.line.saturating_sub(1) as usize;
        let is_before = |line: usize| self.line_starts.get(line).is_none_or(|start| byte < *start);
        match [0, 1, 2].map(|further| is_before(line.saturating_add(further))) {
            [false, true, _] => self.position_in(line, byte),
            [false, false, true] => self.position_in(line.saturating_add(1), byte),
            _ => self.position(byte),
        }
    }

    fn position_in(&self, line: usize, byte: u32) -> Position {
        let start = self.line_starts.get(line).copied().unwrap_or(0);
        let before = self.text.get(start as usize..byte as usize).unwrap_or("");
        Position {
            line: u32::try_from(line).unwrap_or(u32::MAX).saturating_add(1),
            column: u32::try_from(before.chars().count()).unwrap_or(u32::MAX).saturating_add(1),
        }
    }

    /// The text of a span; empty where the span is not of this text.
    pub fn slice(&self, span: Span) -> &str {
        self.text.get(span.start as usize..span.end as usize).unwrap_or("")
    }
}

/// The source files of one compilation, by [`FileId`].
#[derive(Debug, Clone, Default)]
pub struct Sources {
    files: Vec<SourceFile>,
}

impl Sources {
    /// No files yet.
    pub fn new() -> Sources {
        Sources::default()
    }

    /// Adds a file and gives its id. At most 65,535 files; the last id is given to all beyond.
    pub fn add(&mut self, file: SourceFile) -> FileId {
        let id = FileId(u16::try_from(self.files.len()).unwrap_or(u16::MAX));
        self.files.push(file);
        id
    }

    /// The file with this id.
    pub fn get(&self, id: FileId) -> Option<&SourceFile> {
        self.files.get(usize::from(id.0))
    }

    /// All files in order of their ids.
    pub fn iter(&self) -> impl Iterator<Item = &SourceFile> {
        self.files.iter()
    }
}
