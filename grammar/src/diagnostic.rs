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

/// Most characters of a name, a number or anything else without a space that a sentence repeats from a program.
const WORD: usize = 64;

/// Most signs that are kept behind a word that is cut.
const CLOSING: usize = 3;

/// One finding about a program. Its sentences show no more than 64 characters of a word, and an ellipsis for
/// the others: programs have names of any length.
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
            message: shortened(message),
            primary: Label { span, message: String::new() },
            secondary: Vec::new(),
            notes: Vec::new(),
            fix: None,
        }
    }

    /// Words beside the primary place.
    #[must_use]
    pub fn label(mut self, message: impl Into<String>) -> Diagnostic {
        self.primary.message = shortened(message);
        self
    }

    /// Another place that explains it.
    #[must_use]
    pub fn also(mut self, span: Span, message: impl Into<String>) -> Diagnostic {
        self.secondary.push(Label { span, message: shortened(message) });
        self
    }

    /// A sentence of cause or advice.
    #[must_use]
    pub fn note(mut self, note: impl Into<String>) -> Diagnostic {
        self.notes.push(shortened(note));
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
        self.fix = Some(Fix { description: shortened(description), edits });
        self
    }

    /// How bad it is: decided by the code.
    pub fn severity(&self) -> Severity {
        self.code.severity()
    }
}

/// The text with its overlong words cut.
fn shortened(text: impl Into<String>) -> String {
    let text = text.into();
    if !text.split(char::is_whitespace).any(|word| cut(word).is_some()) {
        return text;
    }
    let mut short = String::new();
    for spaced in text.split_inclusive(char::is_whitespace) {
        let word = spaced.trim_end();
        match cut(word) {
            None => short.push_str(spaced),
            Some((start, closing)) => {
                short.extend([start, "…", closing]);
                short.push_str(spaced.get(word.len()..).unwrap_or(""));
            }
        }
    }
    short
}

/// What is shown of an overlong word: its beginning, and the signs that close it in a sentence, as a
/// quotation mark does.
fn cut(word: &str) -> Option<(&str, &str)> {
    let (at, _) = word.char_indices().nth(WORD)?;
    let (start, rest) = word.split_at_checked(at)?;
    let named = rest.trim_end_matches(['`', '"', ',', ':', ';']).len();
    let closing = rest.get(named..).filter(|signs| signs.len() <= CLOSING).unwrap_or("");
    Some((start, closing))
}

/// The registry of codes: one row each, never reused, never renumbered. `E00xx` text and grammar, `E01xx`
/// names and types, `E02xx` units, `E03xx` the border to the host and the fleet header, `E04xx` modules,
/// `W….` warnings. Each row has a page `docs/errors/<code>.md` and a bad program; tests check both.
#[macro_export]
macro_rules! for_each_code {
    ($with:ident) => {
        $with! {
            E0001 "character that does not belong";
            E0002 "unfinished string";
            E0003 "unexpected word or sign";
            E0004 "missing closing bracket";
            E0005 "nested too deeply";
            E0006 "number that cannot be read";
            // E0007 was given for what the language did not have yet.
            E0008 "source text that is too long";
            E0009 "more problems than are shown";
            E0010 "one = where two are meant";
            E0011 "named argument with =";
            E0012 "sign of another language";
            E0013 "word of another language";
            E0014 "wrong quotes";
            E0015 "comment of another language";
            E0016 "unknown escape in a string";
            E0017 "hole in a string that cannot be read";
            E0018 "THEN before a statement that needs braces";
            E0019 "statement that only looks as if it stood under IF";
            E0020 "unknown declaration";
            E0021 "closing bracket without an opening one";
            E0022 "statement outside a block";
            E0023 "chained comparison";
            E0024 "reserved word as a name";
            E0025 "expression that is not a statement";
            E0026 "aggregate that needs brackets";
            E0101 "unknown name";
            E0102 "name already taken";
            E0103 "wrong type";
            E0104 "unknown type";
            E0105 "unknown field";
            E0106 "wrong arguments";
            E0107 "unknown argument name";
            E0108 "value that may be NONE";
            E0109 "cannot be changed";
            E0110 "operation that does not apply";
            E0111 "cannot be called";
            E0112 "no value";
            E0113 "missing RETURN";
            E0114 "RETURN that does not fit";
            E0115 "BREAK or CONTINUE outside a loop";
            E0116 "WHILE without MAX";
            E0117 "not a constant";
            E0118 "constant that cannot be computed";
            E0119 "defined by itself";
            E0120 "type that cannot be told";
            E0121 "no clear start";
            E0122 "whole number needed";
            E0123 "range past the last item";
            E0124 "nothing to go over";
            E0125 "too many";
            E0126 "file or module that cannot be used";
            E0127 "files that use each other";
            E0128 "MATCH that leaves something out";
            E0129 "arm that never runs";
            E0130 "pattern that does not fit";
            E0131 "default that is too much";
            E0132 "name of several things";
            E0133 "OTHER out of place";
            E0180 "too large";
            E0190 "internal error";
            E0201 "mixed units";
            E0202 "wrong unit";
            E0203 "share taken from a quantity";
            E0204 "units that do not combine";
            E0205 "unknown unit";
            E0206 "unit that counts something else";
            E0207 "rate of things that are not quantities";
            E0208 "rate or division";
            E0209 "point in time that cannot be read";
            E0301 "given twice";
            E0302 "unknown priority";
            E0303 "number out of range";
            E0304 "not allowed here";
            E0305 "answer that does not fit";
            E0306 "clause that does not fit";
            E0307 "host function declared differently";
            E0308 "figure the agent measures itself";
            E0309 "type that cannot cross the border";
            E0310 "MAX, KEY or IN out of place";
            E0311 "no ACTION";
            E0312 "action that cannot be held back";
            E0313 "parts larger than the whole";
            E0314 "line of a TEST that does not fit";
            E0315 "secret that would be looked at";
            W0101 "variable never read";
            W0102 "function never called";
            W0103 "constant never used";
            W0104 "statement never reached";
            W0105 "condition that never changes";
            W0106 "floats compared for equality";
            W0107 "total counted twice";
            W0108 "recursion";
            W0109 "figure that means two things";
            W0110 "asked for, but never recorded";
            W0111 "actions that undo each other";
            W0112 "parts in a loop larger than the whole";
            W0113 "declaration never used";
            W0114 "module never used";
            W0115 "key that stands in a map twice";
            W0116 "TEST that expects nothing";
            W0120 "budget below the worst case";
            W0121 "no worst case";
        }
    };
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
