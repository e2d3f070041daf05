//! The trace of a run as a file, written as the run goes on.

use std::fs::{File, OpenOptions};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use swarm_vm::TraceSink;
use swarm_vm::trace::{Event, write_line};

use crate::files;
use crate::status::{Failure, Fault};

/// A sink that writes JSON Lines. The first error is kept, and told at the end.
#[derive(Debug)]
pub(crate) struct TraceFile {
    path: PathBuf,
    /// Where it is written before it is whole, if that is another place.
    part: Option<PathBuf>,
    writer: BufWriter<File>,
    line: String,
    error: Option<std::io::Error>,
}

impl TraceFile {
    /// A trace where the user wants it.
    pub(crate) fn create(path: &Path) -> Result<TraceFile, Failure> {
        if files::is_standard(path) {
            return Err(Failure::usage(Fault::Arguments, "a trace goes to a file, not to standard output"));
        }
        let file = File::create(path).map_err(|error| files::unwritable(path, &error))?;
        Ok(TraceFile::new(path.to_owned(), file))
    }

    /// A trace in the system's directory for temporary files, one for each program.
    pub(crate) fn create_temporary(name: &str) -> Result<TraceFile, Failure> {
        let directory = std::env::temp_dir().join("swarmc");
        let path = directory.join(format!("{name}.trace.jsonl"));
        // Others may write there too: a file of theirs is never followed, only replaced, and two runs at a time
        // each write a file of their own.
        let part = directory.join(format!("{name}.{}.part", std::process::id()));
        let open = || OpenOptions::new().write(true).create_new(true).open(&part);
        let file = create_directory(&directory).and_then(|()| open());
        let file = file.map_err(|error| files::unwritable(&path, &error))?;
        Ok(TraceFile { part: Some(part), ..TraceFile::new(path, file) })
    }

    fn new(path: PathBuf, file: File) -> TraceFile {
        TraceFile { path, part: None, writer: BufWriter::new(file), line: String::new(), error: None }
    }

    /// Writes a line that is no event.
    pub(crate) fn line(&mut self, line: &str) {
        if self.error.is_none() {
            self.error = self.writer.write_all(line.as_bytes()).err();
        }
    }

    /// Writes what is left and gives the trace's path.
    pub(crate) fn finish(mut self) -> Result<PathBuf, Failure> {
        let flushed = self.writer.flush();
        let moved = self.part.as_ref().map_or(Ok(()), |part| std::fs::rename(part, &self.path));
        match self.error.or(flushed.err()).or(moved.err()) {
            Some(error) => Err(files::unwritable(&self.path, &error)),
            None => Ok(self.path),
        }
    }
}

impl TraceSink for TraceFile {
    fn event(&mut self, event: &Event<'_>) {
        if self.error.is_none() {
            self.line.clear();
            write_line(event, &mut self.line);
            self.error = self.writer.write_all(self.line.as_bytes()).err();
        }
    }
}

#[cfg(unix)]
fn create_directory(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path)
}

#[cfg(not(unix))]
fn create_directory(path: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(path)
}
