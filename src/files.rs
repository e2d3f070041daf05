//! Reading and writing files. Every way this can go wrong has its own words.

use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use serde_json::Value;
use swarm_bytecode::codec::MAGIC;
use swarm_grammar::source::SourceFile;
use swarm_grammar::suggest::closest;

use crate::recording::{Line, lines};
use crate::status::{Failure, Fault};

/// Greatest length of a file of inputs or of a module.
const MAX_DATA_BYTES: usize = 64 << 20;

/// Whether a name means standard input or output.
pub(crate) fn is_standard(path: &Path) -> bool {
    path.as_os_str() == "-"
}

/// Standard input holds one thing: no more than one of a command's files may be `-`.
pub(crate) fn one_standard_input<'p>(paths: impl IntoIterator<Item = &'p PathBuf>) -> Result<(), Failure> {
    if paths.into_iter().filter(|path| is_standard(path)).count() > 1 {
        return Err(Failure::usage(
            Fault::Arguments,
            "standard input can be only one of the files: `-` stands twice",
        ));
    }
    Ok(())
}

/// The name people see: standard input is `<stdin>`.
pub(crate) fn display_name(path: &Path) -> String {
    if is_standard(path) { "<stdin>".to_owned() } else { path.display().to_string() }
}

/// The bytes of a file or of standard input.
pub(crate) fn read_bytes(path: &Path) -> Result<Vec<u8>, Failure> {
    let name = display_name(path);
    let unreadable = |reason: String| {
        Failure::usage(Fault::Unreadable, format_args!("cannot read {name}: {reason}")).file(name.clone())
    };
    let reader: Box<dyn Read> = if is_standard(path) {
        Box::new(std::io::stdin().lock())
    } else {
        let file = File::open(path).map_err(|error| {
            let failure = unreadable(reason(&error));
            match similar_file(path) {
                Some(other) => failure.note(format!("there is a file `{other}`")),
                None => failure,
            }
        })?;
        if file.metadata().is_ok_and(|metadata| metadata.is_dir()) {
            return Err(unreadable("it is a directory".to_owned()).note("name a file in it"));
        }
        Box::new(file)
    };
    let mut bytes = Vec::new();
    let limit = MAX_DATA_BYTES.max(SourceFile::MAX_BYTES);
    reader
        .take((limit as u64).saturating_add(1))
        .read_to_end(&mut bytes)
        .map_err(|error| unreadable(reason(&error)))?;
    if bytes.len() > limit {
        let message = format!("{name} is larger than {} MiB", limit >> 20);
        return Err(Failure::usage(Fault::TooLarge, message).file(name));
    }
    Ok(bytes)
}

/// Source text out of a file's bytes.
pub(crate) fn into_source(path: &Path, bytes: Vec<u8>) -> Result<SourceFile, Failure> {
    let name = display_name(path);
    if bytes.starts_with(&MAGIC) {
        let failure =
            Failure::usage(Fault::NotUtf8, format_args!("{name} is a compiled module, not source text"));
        return Err(failure
            .file(name)
            .note("`swarmc inspect`, `swarmc disasm` and `swarmc run` take modules"));
    }
    match String::from_utf8(bytes) {
        Ok(text) => Ok(SourceFile::new(name, text)),
        Err(error) => {
            let at = error.utf8_error().valid_up_to();
            let bytes = error.as_bytes();
            let before = bytes.get(..at).unwrap_or_default();
            let line = before.iter().filter(|byte| **byte == b'\n').count().saturating_add(1);
            let found = bytes.get(at).copied().unwrap_or_default();
            let message = format!(
                "{name} is not UTF-8 text: line {line} has the byte 0x{found:02x} (byte {at} of the file)"
            );
            Err(Failure::usage(Fault::NotUtf8, message).file(name).note("save the file as UTF-8"))
        }
    }
}

/// A source file.
pub(crate) fn read_source(path: &Path) -> Result<SourceFile, Failure> {
    into_source(path, read_bytes(path)?)
}

/// A JSON file: its text, and the document.
pub(crate) fn read_json(path: &Path) -> Result<(String, Value), Failure> {
    let name = display_name(path);
    let bytes = read_bytes(path)?;
    let document = serde_json::from_slice(&bytes).map_err(|error| {
        let failure = Failure::usage(Fault::NotJson, format_args!("{name} is not JSON: {error}")).file(name);
        if bytes.is_empty() { failure.note("the file is empty") } else { failure }
    })?;
    // What was read as JSON is UTF-8.
    Ok((String::from_utf8_lossy(&bytes).into_owned(), document))
}

/// A file of JSON lines, each an object, with their numbers from 1. Empty lines mean nothing.
pub(crate) fn read_lines(path: &Path) -> Result<Vec<Line>, Failure> {
    let name = display_name(path);
    let bytes = read_bytes(path)?;
    lines(&String::from_utf8_lossy(&bytes)).map_err(|(number, error)| {
        let message = format!("{name}, line {number}: it is not a JSON object: {error}");
        Failure::usage(Fault::NotJson, message).file(name)
    })
}

/// Writes a file whole or not at all: beside its place first, then moved there.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    // What a link points to is written, not the link.
    let target = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let failed = |error: std::io::Error| unwritable(path, &error);
    // A device or a pipe is written to, not replaced.
    if std::fs::metadata(&target).is_ok_and(|metadata| !metadata.is_file()) {
        return File::options()
            .write(true)
            .open(&target)
            .and_then(|mut file| file.write_all(bytes))
            .map_err(failed);
    }
    let mut beside = target.as_os_str().to_owned();
    beside.push(format!(".{}.part", std::process::id()));
    let written = std::fs::write(&beside, bytes).and_then(|()| {
        if let Ok(metadata) = std::fs::metadata(&target) {
            std::fs::set_permissions(&beside, metadata.permissions())?;
        }
        std::fs::rename(&beside, &target)
    });
    written.map_err(|error| {
        let _already_failed = std::fs::remove_file(&beside);
        failed(error)
    })
}

/// The failure to write a file.
pub(crate) fn unwritable(path: &Path, error: &std::io::Error) -> Failure {
    let name = display_name(path);
    let reason = match error.kind() {
        std::io::ErrorKind::NotFound => "there is no such directory".to_owned(),
        _ => reason(error),
    };
    Failure::usage(Fault::Unwritable, format_args!("cannot write {name}: {reason}")).file(name)
}

/// What went wrong, without the system's error number.
fn reason(error: &std::io::Error) -> String {
    use std::io::ErrorKind;
    match error.kind() {
        ErrorKind::NotFound => "there is no such file".to_owned(),
        ErrorKind::PermissionDenied => "permission denied".to_owned(),
        ErrorKind::IsADirectory => "it is a directory".to_owned(),
        ErrorKind::NotADirectory => "a part of its path is not a directory".to_owned(),
        _ => error.to_string(),
    }
}

/// A file in the same directory whose name is nearly the one asked for.
fn similar_file(path: &Path) -> Option<String> {
    let wanted = path.file_name()?.to_str()?;
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut names: Vec<String> = std::fs::read_dir(parent)
        .ok()?
        .take(1_000)
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .collect();
    names.sort_unstable();
    closest(wanted, names.iter().map(String::as_str)).map(str::to_owned)
}
