//! The verifier: what a module must keep to before it may run. One linear pass over the tables and one over each
//! function; registers have one type each, so there is no flow analysis, no fixpoint and no range of values. It
//! counts its own steps. [`Rule`] lists what is checked.

mod function;
mod ops;
mod roles;
mod rules;
mod tables;
mod types;

use std::fmt;

pub use rules::{RULES, Rule};

use crate::codec::{self, CodeReader, Container, DecodeError};
use crate::layout::Layout;
use crate::module::{Function, FunctionId, Module};

/// Steps of checking allowed by default: for each byte of the module, and beside that.
pub const DEFAULT_WORK: (u64, u64) = (16, 4096);

/// Diagnostic code of a module that breaks a rule.
pub const RULE_BROKEN: &str = "E0410";

/// A module that keeps every rule. There is no other way to get one than to have it checked.
#[derive(Debug, Clone, PartialEq)]
pub struct Verified {
    module: Module,
    /// Of all functions, if they are small; else none.
    layouts: Vec<Layout>,
    digest: [u8; 32],
    work: u64,
    room: usize,
    /// The long functions, and where they begin in the bytes.
    long: Vec<(usize, usize)>,
}

/// Bytes of memory that may be made of a module and what runs it, for each byte of it and at least.
const UNFOLDING: (usize, usize) = (16, 64 << 10);

impl Verified {
    /// Decodes and checks a module.
    ///
    /// # Errors
    /// Where the bytes are no module, or the module breaks a rule.
    pub fn load(bytes: &[u8]) -> Result<Verified, LoadError> {
        Verified::load_within(bytes, allowance(bytes))
    }

    /// Like [`Verified::load`], with an allowance of steps of its own.
    ///
    /// # Errors
    /// Where the bytes are no module, or the module breaks a rule, be it [`Rule::Work`].
    pub fn load_within(bytes: &[u8], work: u64) -> Result<Verified, LoadError> {
        let container = Container::read(bytes)?;
        let digest = codec::digest(&container.stripped());
        let mut left = Work { left: work };
        let layouts = check(&container.module, &mut left)?;
        let whole = bytes.len().saturating_mul(UNFOLDING.0).saturating_add(UNFOLDING.1);
        let room = whole.saturating_sub(container.unfolded);
        let Container { module, long, .. } = container;
        Ok(Verified { module, layouts, digest, work: work.saturating_sub(left.left), room, long })
    }

    /// Checks a module that was just made. It goes through its bytes, so that what is accepted here is accepted
    /// everywhere.
    ///
    /// # Errors
    /// As [`Verified::load`].
    pub fn from_module(module: &Module) -> Result<Verified, LoadError> {
        Verified::load(&module.encode())
    }

    /// Whether a module that was just made would be accepted everywhere: by its bytes, as
    /// [`Verified::from_module`].
    ///
    /// # Errors
    /// As [`Verified::load`].
    pub fn accepts(module: &Module) -> Result<(), LoadError> {
        let bytes = module.encode();
        let container = Container::read(&bytes)?;
        check(&container.module, &mut Work { left: allowance(&bytes) })?;
        Ok(())
    }

    /// The module.
    pub fn module(&self) -> &Module {
        &self.module
    }

    /// A function of it.
    pub fn function(&self, id: FunctionId) -> Option<&Function> {
        self.module.functions.get(id.index())
    }

    /// SHA-256 of the stripped bytes: the program's identity.
    pub fn digest(&self) -> [u8; 32] {
        self.digest
    }

    /// How many steps checking took.
    pub fn work(&self) -> u64 {
        self.work
    }

    /// How many bytes of memory a machine may make of it beside the module: together they are at most 16 for
    /// each byte of it, and 64 KiB. A machine refuses what would take more.
    pub fn room(&self) -> usize {
        self.room
    }

    /// The long functions, each with what reads its ops once more from the bytes that the module was loaded from: a
    /// machine that makes its own code of them can give up the ops, which take ten times their bytes, before it does.
    pub fn long_functions<'b>(&self, bytes: &'b [u8]) -> Vec<(usize, CodeReader<'b>)> {
        self.long.iter().map(|(index, start)| (*index, CodeReader::new(bytes, *start))).collect()
    }

    /// Gives the module back, and the layouts of its functions if these are small; else it gives none, for
    /// those of all functions at once would take much memory.
    pub fn into_parts(self) -> (Module, Vec<Layout>) {
        (self.module, self.layouts)
    }

    /// Gives the module back.
    pub fn into_module(self) -> Module {
        self.module
    }
}

/// The steps allowed for a module of these bytes.
fn allowance(bytes: &[u8]) -> u64 {
    let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    length.saturating_mul(DEFAULT_WORK.0).saturating_add(DEFAULT_WORK.1)
}

/// Why a module was not loaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LoadError {
    /// The bytes are no module.
    Decode(DecodeError),
    /// The module breaks a rule.
    Verify(VerifyError),
}

impl LoadError {
    /// The stable diagnostic code.
    pub fn code(&self) -> &'static str {
        match self {
            LoadError::Decode(error) => error.code(),
            LoadError::Verify(_) => RULE_BROKEN,
        }
    }
}

impl From<DecodeError> for LoadError {
    fn from(error: DecodeError) -> LoadError {
        LoadError::Decode(error)
    }
}

impl From<VerifyError> for LoadError {
    fn from(error: VerifyError) -> LoadError {
        LoadError::Verify(error)
    }
}

impl fmt::Display for LoadError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LoadError::Decode(error) => error.fmt(formatter),
            LoadError::Verify(error) => error.fmt(formatter),
        }
    }
}

impl std::error::Error for LoadError {}

/// A broken rule, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifyError {
    /// The rule.
    pub rule: Rule,
    /// The function in which it is broken.
    pub function: Option<FunctionId>,
    /// The op by which it is broken.
    pub op: Option<usize>,
    /// What was found.
    pub text: String,
}

impl fmt::Display for VerifyError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "rule {}", self.rule)?;
        if let Some(function) = self.function {
            write!(formatter, ", function {}", function.0)?;
        }
        if let Some(op) = self.op {
            write!(formatter, ", op {op}")?;
        }
        write!(formatter, ": {}", self.text)
    }
}

impl std::error::Error for VerifyError {}

type Result<T, E = VerifyError> = std::result::Result<T, E>;

fn broken(rule: Rule, text: impl Into<String>) -> VerifyError {
    VerifyError { rule, function: None, op: None, text: text.into() }
}

fn ensure(holds: bool, rule: Rule, text: impl FnOnce() -> String) -> Result<()> {
    if holds { Ok(()) } else { Err(broken(rule, text())) }
}

/// The allowance of steps.
struct Work {
    left: u64,
}

impl Work {
    fn spend(&mut self, steps: usize) -> Result<()> {
        let steps = u64::try_from(steps).unwrap_or(u64::MAX);
        match self.left.checked_sub(steps) {
            Some(left) => {
                self.left = left;
                Ok(())
            }
            None => Err(broken(Rule::Work, "the allowance of steps is used up")),
        }
    }
}

/// Modules of at most so many ops keep their layouts, a function counting as eight: 4 KiB of them.
const SMALL: usize = 512;

/// Gives the layouts if the module is small.
fn check(module: &Module, work: &mut Work) -> Result<Vec<Layout>> {
    let secrets = tables::check(module, work)?;
    let ops = module.functions.iter().fold(0_usize, |ops, function| ops.saturating_add(function.code.len()));
    let small = ops.saturating_add(module.functions.len().saturating_mul(8)) <= SMALL;
    let mut layouts = Vec::with_capacity(if small { module.functions.len() } else { 0 });
    let mut held = Vec::new();
    for (index, function) in module.functions.iter().enumerate() {
        let id = FunctionId(u16::try_from(index).unwrap_or(u16::MAX));
        let layout = function::check((module, &secrets), id, function, &mut held, work)
            .map_err(|error| VerifyError { function: Some(id), ..error })?;
        if small {
            layouts.push(layout);
        }
    }
    roles::check(module, &held, work)?;
    Ok(layouts)
}
