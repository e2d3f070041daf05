//! Diagnostics: what is wrong, where, why, and where possible the edit that mends it. They carry facts;
//! rendering (terminal, JSON) happens late and in one place, the command line.

use crate::span::Span;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// The program can run, but is probably not what was meant.
    Warning,
    /// The program cannot run.
    Error,
}

/// One finding about a program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// Stable code; its page is `docs/errors/<code>.md`.
    pub code: Code,
    /// What is wrong, in one sentence without a full stop, in the governor's words.
    pub message: String,
    /// The place.
    pub primary: Label,
    /// Other places that explain it.
    pub secondary: Vec<Label>,
    /// Cause and advice, a sentence each.
    pub notes: Vec<String>,
    /// The edit that mends it.
    pub fix: Option<Fix>,
}

/// A place with a few words beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label {
    /// Where.
    pub span: Span,
    /// What to say there; may be empty.
    pub message: String,
}

/// Edits that, made together, mend the finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fix {
    /// What they do, as an imperative: "write 1Gbps".
    pub description: String,
    /// Replacements that do not overlap, all in the finding's file.
    pub edits: Vec<Edit>,
}

/// A replacement of text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    /// What is replaced; an empty span inserts.
    pub span: Span,
    /// By what.
    pub text: String,
}

impl Diagnostic {
    /// A finding with its place; labels, notes and a fix are added by the other methods.
    pub fn new(code: Code, span: Span, message: impl Into<String>) -> Diagnostic {
        Diagnostic {
            code,
            message: message.into(),
            primary: Label { span, message: String::new() },
            secondary: Vec::new(),
            notes: Vec::new(),
            fix: None,
        }
    }

    /// Words beside the primary place.
    #[must_use]
    pub fn label(mut self, message: impl Into<String>) -> Diagnostic {
        self.primary.message = message.into();
        self
    }

    /// Another place that explains it.
    #[must_use]
    pub fn also(mut self, span: Span, message: impl Into<String>) -> Diagnostic {
        self.secondary.push(Label { span, message: message.into() });
        self
    }

    /// A sentence of cause or advice.
    #[must_use]
    pub fn note(mut self, note: impl Into<String>) -> Diagnostic {
        self.notes.push(note.into());
        self
    }

    /// The single replacement that mends it.
    #[must_use]
    pub fn fix(self, description: impl Into<String>, span: Span, text: impl Into<String>) -> Diagnostic {
        self.fixes(description, vec![Edit { span, text: text.into() }])
    }

    /// Several replacements that mend it together.
    #[must_use]
    pub fn fixes(mut self, description: impl Into<String>, edits: Vec<Edit>) -> Diagnostic {
        self.fix = Some(Fix { description: description.into(), edits });
        self
    }

    /// How bad it is: decided by the code.
    pub fn severity(&self) -> Severity {
        self.code.severity()
    }
}

/// The registry of codes: one row each, never reused, never renumbered. `E00xx` text and grammar, `E01xx`
/// names and types, `E02xx` units, `E03xx` the border to the host and the fleet header, `E04xx` modules,
/// `W….` warnings. Each row has a page `docs/errors/<code>.md` and a bad program; tests check both.
#[macro_export]
macro_rules! for_each_code {
    ($with:ident) => { $with! {
        E0001 "character that does not belong";
        E0002 "unfinished string";
        E0003 "unexpected word or sign";
        E0004 "missing closing bracket";
        E0005 "nested too deeply";
        E0006 "number that cannot be read";
        E0007 "not in the language yet";
    } };
}

macro_rules! define_codes {
    ($($code:ident $title:literal;)*) => {
        /// A stable diagnostic code.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code { $( #[doc = $title] $code, )* }

        impl Code {
            /// All codes in order.
            pub const ALL: &'static [Code] = &[ $( Code::$code ),* ];

            /// As it is written: `E0003`.
            pub const fn as_str(self) -> &'static str {
                match self { $( Code::$code => stringify!($code), )* }
            }

            /// A few words.
            pub const fn title(self) -> &'static str {
                match self { $( Code::$code => $title, )* }
            }

            /// The code that is written so.
            pub fn parse(text: &str) -> Option<Code> {
                match text { $( stringify!($code) => Some(Code::$code), )* _ => None }
            }

            /// Errors start with E, warnings with W.
            pub fn severity(self) -> Severity {
                if self.as_str().starts_with('W') { Severity::Warning } else { Severity::Error }
            }
        }
    };
}

for_each_code!(define_codes);
