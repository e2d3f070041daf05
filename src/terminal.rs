//! The two streams: data goes to stdout, talk to stderr. Colours are taken out where the stream is no terminal
//! or NO_COLOR is set.

use std::io::{ErrorKind, Write};

use serde_json::{Value, json};

use crate::cli::Format;
use crate::render::{style, text};
use crate::status::{Failure, Fault};

/// Version of every JSON document the commands print.
pub(crate) const SCHEMA_VERSION: u32 = 1;

/// Where a command's words go.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Terminal {
    /// What results look like.
    pub(crate) format: Format,
}

impl Terminal {
    /// Whether results are JSON.
    pub(crate) fn json(self) -> bool {
        self.format == Format::Json
    }

    /// Prints a result. A reader that has gone away is no error: the work is done, only no one looks.
    pub(crate) fn data(self, text: &str) -> Result<(), Failure> {
        let mut stdout = anstream::stdout().lock();
        finish(stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()))
    }

    /// Prints a result that is bytes.
    pub(crate) fn bytes(self, bytes: &[u8]) -> Result<(), Failure> {
        let mut stdout = std::io::stdout().lock();
        finish(stdout.write_all(bytes).and_then(|()| stdout.flush()))
    }

    /// Prints a JSON document on one line, its `schema_version` first.
    pub(crate) fn document(self, document: Value) -> Result<(), Failure> {
        let mut whole = json!({ "schema_version": SCHEMA_VERSION });
        if let (Value::Object(whole), Value::Object(members)) = (&mut whole, document) {
            whole.extend(members);
        }
        self.data(&format!("{}\n", text::safe_json(&whole)))
    }

    /// Says something beside the result. There is nowhere to complain if no one listens.
    pub(crate) fn talk(self, text: &str) {
        let mut stderr = anstream::stderr().lock();
        let _unheard = stderr.write_all(text.as_bytes()).and_then(|()| stderr.flush());
    }

    /// Tells of a failure: as talk, or as a JSON document where results are JSON.
    pub(crate) fn failure(self, failure: &Failure) {
        if self.json() {
            let error = json!({
                "code": failure.code, "message": failure.message, "file": failure.file, "notes": failure.notes,
            });
            let _unheard = self.document(json!({ "error": error }));
            return;
        }
        let mut words = format!(
            "{}: {}\n",
            style::error(&format!("error[{}]", failure.code)),
            style::bold(&text::safe(&failure.message))
        );
        for note in &failure.notes {
            words.push_str(&format!("  {} {}\n", style::help("help:"), text::safe(note)));
        }
        self.talk(&words);
    }
}

fn finish(written: std::io::Result<()>) -> Result<(), Failure> {
    match written {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(Failure::usage(Fault::Unwritable, format_args!("cannot write to stdout: {error}")))
        }
        _ => Ok(()),
    }
}
