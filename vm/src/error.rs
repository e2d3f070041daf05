//! Why a program cannot be loaded or an instance cannot be made.

use std::fmt;

use smol_str::SmolStr;
use swarm_bytecode::trap::LimitKind;
use swarm_bytecode::types::EnumCase;

/// A program, its inputs or the host do not fit together. Nothing has run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoadError {
    kind: LoadErrorKind,
    message: String,
    names: Vec<SmolStr>,
}

/// The kinds of [`LoadError`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum LoadErrorKind {
    /// The bytes are no module, or the verifier refused it.
    Module,
    /// An input or a context value is missing or does not have its declared type.
    Input,
    /// The host has no handler for a function the program calls.
    MissingHandler,
    /// The host's handler takes or gives other types than the program declares.
    Signature,
    /// The program needs capabilities that were not granted.
    Capability,
    /// A limit of the machine itself does not hold.
    SelfTest,
}

impl LoadErrorKind {
    /// The stable name: what JSON output and scripts hold on to.
    pub const fn code(self) -> &'static str {
        match self {
            LoadErrorKind::Module => "module_refused",
            LoadErrorKind::Input => "input_refused",
            LoadErrorKind::MissingHandler => "host_function_missing",
            LoadErrorKind::Signature => "host_signature_mismatch",
            LoadErrorKind::Capability => "capability_not_granted",
            LoadErrorKind::SelfTest => "self_test_failed",
        }
    }
}

impl LoadError {
    /// What kind of error it is.
    pub fn kind(&self) -> LoadErrorKind {
        self.kind
    }

    /// The stable name of the kind.
    pub fn code(&self) -> &'static str {
        self.kind.code()
    }

    /// What is wrong and how to put it right.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The capabilities, host functions or input paths in question.
    pub fn names(&self) -> &[SmolStr] {
        &self.names
    }

    pub(crate) fn module(cause: impl fmt::Display) -> LoadError {
        LoadError { kind: LoadErrorKind::Module, message: cause.to_string(), names: Vec::new() }
    }

    pub(crate) fn missing_handler(name: &SmolStr, action: bool) -> LoadError {
        let (word, method) = if action { ("action", "action") } else { ("query", "query") };
        let shown = short(name);
        let message = format!(
            "the program calls the {word} {shown}, which this host does not have; register it with \
             `host.{method}(\"{shown}\", …)`"
        );
        LoadError { kind: LoadErrorKind::MissingHandler, message, names: vec![name.clone()] }
    }

    pub(crate) fn signature(name: &SmolStr, declared: &str, registered: &str) -> LoadError {
        let (shown, declared, registered) = (short(name), printable(declared), printable(registered));
        let message = format!(
            "the program declares {shown}{declared}, but the host's handler is {shown}{registered}; make the \
             handler's types match the declaration"
        );
        LoadError { kind: LoadErrorKind::Signature, message, names: vec![name.clone()] }
    }

    pub(crate) fn capabilities(names: Vec<SmolStr>) -> LoadError {
        let listed = listed(names.iter().cloned());
        let message =
            format!("the program needs capabilities that are not granted: {listed}; grant them to run it");
        LoadError { kind: LoadErrorKind::Capability, message, names }
    }
}

impl LoadError {
    /// `found` is what stopped the probe of a limit instead of it, if something did.
    pub(crate) fn self_test(limit: LimitKind, found: Option<&str>) -> LoadError {
        let instead = found.map_or("nothing stopped".to_owned(), |found| format!("`{found}` stopped"));
        let message = format!(
            "this virtual machine does not keep its limit `{limit}`: {instead} a program that goes over it; it runs \
             nothing. Use another build"
        );
        LoadError { kind: LoadErrorKind::SelfTest, message, names: vec![limit.code().into()] }
    }
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for LoadError {}

impl From<InputError> for LoadError {
    fn from(error: InputError) -> LoadError {
        LoadError {
            kind: LoadErrorKind::Input,
            names: vec![error.path.as_str().into()],
            message: error.to_string(),
        }
    }
}

/// Where in the inputs: `task_queue[3].cpu_time`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Path {
    segments: Vec<Segment>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Segment {
    Field(SmolStr),
    Index(usize),
}

impl Path {
    pub(crate) fn of(name: &str) -> Path {
        Path { segments: vec![Segment::Field(name.into())] }
    }

    pub(crate) fn push_field(&mut self, name: &SmolStr) {
        self.segments.push(Segment::Field(name.clone()));
    }

    pub(crate) fn push_index(&mut self, index: usize) {
        self.segments.push(Segment::Index(index));
    }

    pub(crate) fn pop(&mut self) {
        self.segments.pop();
    }

    /// Whether it names a whole input.
    pub(crate) fn is_root(&self) -> bool {
        self.segments.len() <= 1
    }

    /// Puts the row in front of the last segment: a column's path becomes that of one of its cells.
    pub(crate) fn at_row(&mut self, row: usize) {
        let at = self.segments.len().saturating_sub(1);
        self.segments.insert(at, Segment::Index(row));
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, segment) in self.segments.iter().enumerate() {
            match segment {
                Segment::Field(name) if at == 0 => f.write_str(&short(name))?,
                Segment::Field(name) => write!(f, ".{}", short(name))?,
                Segment::Index(index) => write!(f, "[{index}]")?,
            }
        }
        Ok(())
    }
}

/// An input or context value that does not fit its declaration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InputError {
    path: String,
    problem: String,
    fix: String,
}

impl InputError {
    /// Where: `task_queue[3].cpu_time`; empty for the text as a whole.
    pub fn path(&self) -> &str {
        &self.path
    }

    pub(crate) fn new(path: &Path, problem: impl Into<String>, fix: impl Into<String>) -> InputError {
        InputError { path: path.to_string(), problem: printable(&problem.into()), fix: fix.into() }
    }

    pub(crate) fn too_many(path: &Path, found: u64, max: u32) -> InputError {
        let problem = format!("has {} items, MAX {}", thousands(found), thousands(u64::from(max)));
        InputError::new(path, problem, "give fewer items, or raise MAX in the program")
    }

    pub(crate) fn too_long(path: &Path, found: u32) -> InputError {
        let max = crate::attached::STRING_MAX;
        let problem =
            format!("is a string of {} bytes, MAX {}", thousands(found.into()), thousands(max.into()));
        InputError::new(path, problem, "give a shorter string")
    }

    pub(crate) fn missing(path: &Path, ty: &str) -> InputError {
        InputError::new(path, "is missing", format!("give it as {ty}, or declare a default in the program"))
    }

    pub(crate) fn wrong_type(path: &Path, expected: &str, found: &str) -> InputError {
        InputError::new(path, format!("expected {expected}, found {found}"), "")
    }

    pub(crate) fn one_row(path: &Path, rows: usize) -> InputError {
        let problem = format!("expected one value, found a table of {rows} rows");
        InputError::new(path, problem, "give a table of one row")
    }

    pub(crate) fn one_column(path: &Path, ty: &str) -> InputError {
        let problem = format!("expected {ty}, found a table that has not exactly one column");
        InputError::new(path, problem, "give a table of one column")
    }

    pub(crate) fn entry_columns(path: &Path) -> InputError {
        let problem = "expected the entries of a map, found a table without the columns key and value";
        InputError::new(path, problem, "give a table of these two columns")
    }

    /// A map has a key twice.
    pub(crate) fn twice(path: &Path, key: &str) -> InputError {
        let problem = format!("has the key `{}` twice", key.chars().take(80).collect::<String>());
        InputError::new(path, problem, "give each key once")
    }

    /// A case that the program's enum does not list.
    pub(crate) fn unknown_case(path: &Path, found: &str, cases: &[EnumCase]) -> InputError {
        let names = listed(cases.iter().map(|case| case.name.clone()));
        let found = found.chars().take(80).collect::<String>();
        let problem = format!("expected one of {names}, found `{found}`");
        InputError::new(
            path,
            problem,
            "add the case, or a last case OTHER(name: string), to the program's ENUM",
        )
    }

    pub(crate) fn too_wide(path: &Path) -> InputError {
        InputError::new(path, "nests too deep, or has too many columns of strings", "give a simpler table")
    }

    pub(crate) fn unknown(path: &Path, names: impl Iterator<Item = SmolStr>) -> InputError {
        let names = listed(names);
        let fix = if names.is_empty() {
            "the program reads none".to_owned()
        } else {
            format!("the program reads {names}")
        };
        InputError::new(path, "is not declared by the program", fix)
    }
}

impl fmt::Display for InputError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.path.is_empty() {
            // "task_queue has 12,431 items" reads on; "task_queue: expected …" does not.
            let reads_on = ["has ", "is ", "nests "].iter().any(|word| self.problem.starts_with(word));
            write!(f, "{}{} ", self.path, if reads_on { "" } else { ":" })?;
        }
        f.write_str(&self.problem)?;
        if !self.fix.is_empty() {
            write!(f, "; {}", self.fix)?;
        }
        Ok(())
    }
}

impl std::error::Error for InputError {}

/// Characters of a name that a message shows, and names of a list.
const NAME: usize = 64;
const NAMES: usize = 20;

/// A name as a message shows it: whoever chose it may have chosen megabytes.
fn short(name: &str) -> String {
    let shown = name.chars().map(|letter| if crate::json::is_unsafe(letter) { '\u{fffd}' } else { letter });
    match name.char_indices().nth(NAME) {
        Some(_) => shown.take(NAME).chain(['…']).collect(),
        None => shown.collect(),
    }
}

/// Names as a message lists them.
fn listed(names: impl Iterator<Item = SmolStr>) -> String {
    let mut names = names.peekable();
    let shown: Vec<String> = names.by_ref().take(NAMES).map(|name| short(&name)).collect();
    let more = if names.peek().is_some() { ", …" } else { "" };
    format!("{}{more}", shown.join(", "))
}

/// Text that came from outside, cut and without anything a terminal could act on.
pub(crate) fn printable(text: &str) -> String {
    let cut = text.chars().take(300);
    cut.map(|letter| if crate::json::is_unsafe(letter) { '\u{fffd}' } else { letter }).collect()
}

/// A number with `,` between thousands.
fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && digits.len().saturating_sub(at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
