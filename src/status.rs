//! How a command ends: its exit code, and what is told where it could not do its work.

use std::fmt;
use std::process::ExitCode;

/// Exit codes. Scripts hold on to them; docs/cli.md lists them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Status {
    /// The work is done.
    Done,
    /// Errors in the program, or a run that failed or hit a limit.
    Failed,
    /// Wrong usage, or a file that could not be read or written.
    Usage,
    /// A fleet that is not where it should be: targets are silent, or the order was rolled back or halted.
    NotConverged,
    /// The verifier, a missing capability, or a signature that does not count stood in the way.
    Refused,
}

impl From<Status> for ExitCode {
    fn from(status: Status) -> ExitCode {
        ExitCode::from(match status {
            Status::Done => 0,
            Status::Failed => 1,
            Status::Usage => 2,
            Status::NotConverged => 3,
            Status::Refused => 4,
        })
    }
}

macro_rules! define_faults {
    ($($name:ident $code:literal $title:literal;)*) => {
        /// Codes of what goes wrong around a program rather than in it; each has a page like the compiler's.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum Fault { $( #[doc = $title] $name, )* }

        impl Fault {
            /// As it is written.
            pub(crate) const fn code(self) -> &'static str {
                match self { $( Fault::$name => $code, )* }
            }

            /// Code, title and page of each, in order.
            pub(crate) const PAGES: &'static [(&'static str, &'static str, &'static str)] = &[
                $( ($code, $title, include_str!(concat!("../docs/errors/", $code, ".md"))), )*
            ];
        }
    };
}

define_faults! {
    Arguments "E0500" "arguments that do not fit";
    Unreadable "E0501" "file that cannot be read";
    NotUtf8 "E0502" "file that is not UTF-8 text";
    TooLarge "E0503" "file that is too large";
    Unwritable "E0504" "file that cannot be written";
    NotJson "E0505" "file that is not JSON";
    NoData "E0506" "program without its data";
    UnknownCapability "E0507" "capability no one knows";
    WrongData "E0508" "data that does not fit the program";
    NotGranted "E0509" "capability that is not granted";
    NoHandler "E0510" "host function that is not here";
    Exists "E0511" "file that is there already";
    NoRandomness "E0512" "system without randomness";
    NoRecording "E0513" "file that is no recording";
    NotRepeated "E0514" "recording that does not repeat itself";
    NoAnswer "E0515" "call the recording has no answer to";
    NoTier "E0516" "second tier that is not here";
    NoBus "E0520" "bus that cannot be used";
    NoOrder "E0521" "fleet without an order";
    NoState "E0522" "state that cannot be used";
    NoReply "E0523" "injector that does not answer";
}

/// Why a command could not do its work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure {
    /// The exit code it leads to.
    pub(crate) status: Status,
    /// Stable code.
    pub(crate) code: String,
    /// What is wrong, a sentence without a full stop.
    pub(crate) message: String,
    /// The file it is about.
    pub(crate) file: Option<String>,
    /// Cause and advice.
    pub(crate) notes: Vec<String>,
}

impl Failure {
    /// A failure of usage or files.
    pub(crate) fn usage(fault: Fault, message: impl fmt::Display) -> Failure {
        Failure::coded(Status::Usage, fault.code(), message)
    }

    /// A failure with a code from elsewhere.
    pub(crate) fn coded(status: Status, code: impl Into<String>, message: impl fmt::Display) -> Failure {
        Failure { status, code: code.into(), message: message.to_string(), file: None, notes: Vec::new() }
    }

    /// The file it is about.
    #[must_use]
    pub(crate) fn file(mut self, file: impl Into<String>) -> Failure {
        self.file = Some(file.into());
        self
    }

    /// A sentence of cause or advice.
    #[must_use]
    pub(crate) fn note(mut self, note: impl Into<String>) -> Failure {
        self.notes.push(note.into());
        self
    }
}
