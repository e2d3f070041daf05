//! The debug section: names and places.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};
use swarm_bytecode::module::{Debug, FunctionDebug, Place, SourceName};
use swarm_grammar::source::{Position, Sources};
use swarm_grammar::span::{FileId, Span};

use super::Compiled;

/// Names and places of all functions. Only files that some op comes from are listed, in the order of their ids.
pub(crate) fn debug(sources: &Sources, functions: &[Compiled]) -> Debug {
    let mut numbers: BTreeMap<FileId, u16> = BTreeMap::new();
    for (_, span) in functions.iter().flat_map(|function| &function.places) {
        numbers.insert(span.file, 0);
    }
    let mut files = Vec::new();
    for (id, number) in &mut numbers {
        *number = u16::try_from(files.len()).unwrap_or(u16::MAX);
        files.push(source_name(sources, *id));
    }
    let functions = functions
        .iter()
        .map(|function| FunctionDebug {
            name: function.name.clone(),
            registers: function.registers.clone(),
            places: places(sources, &numbers, &function.places),
        })
        .collect();
    Debug { files, functions }
}

fn source_name(sources: &Sources, id: FileId) -> SourceName {
    let (name, text) =
        sources.get(id).map_or_else(Default::default, |file| (file.name().clone(), file.text()));
    SourceName { name, sha256: Sha256::digest(text.as_bytes()).into() }
}

fn places(sources: &Sources, files: &BTreeMap<FileId, u16>, spans: &[(u32, Span)]) -> Vec<(u32, Place)> {
    let mut places: Vec<(u32, Place)> = Vec::with_capacity(spans.len());
    let mut position = Position { line: 1, column: 1 };
    for (op, span) in spans {
        let Some(file) = sources.get(span.file) else { continue };
        position = file.position_near(span.start, position);
        let number = files.get(&span.file).copied().unwrap_or(0);
        let place = Place { file: number, line: position.line, column: position.column };
        if places.last().is_none_or(|(_, last)| *last != place) {
            places.push((*op, place));
        }
    }
    places
}
