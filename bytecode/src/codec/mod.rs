//! The container: one canonical form in bytes for each module.
//!
//! ```text
//! module   = "SWRM" format-version cost-model-version known-names sections payload*
//! ```
//!
//! Versions are bytes, `known-names` (the length of the dictionary) and `sections` are LEB128. A bit of
//! `sections` is set for each section that is there, and their payloads follow each other in the order of
//! these bits; a section that would say nothing is left out. There is one way to write each value, so
//! `encode(decode(bytes)) == bytes`, and a digest of the bytes is a digest of the program.
//!
//! Decoding allocates at most 16 bytes for each byte of input and 48 KiB, and leaves 16 KiB to the verifier:
//! counts are held against a cap, against the bytes that are left, and against that budget before anything is
//! allocated.

mod error;
pub mod limits;
mod read;
mod sections;
mod write;

use std::borrow::Cow;
use std::ops::Range;

use sha2::{Digest, Sha256};

pub use error::{DecodeError, DecodeErrorKind};
use read::{Reader, Result};
pub use sections::{CodeReader, LONG};
use write::Writer;

use crate::cost::COST_MODEL;
use crate::dictionary;
use crate::module::{Bound, FunctionId, Instruction, Module};
use crate::op::Op;

/// First bytes of every module.
pub const MAGIC: [u8; 4] = *b"SWRM";

/// Version of the format.
pub const FORMAT_VERSION: u8 = 2;

/// The sections, by the bit that says that they are there, in the order in which they stand. What is in
/// nearly every program comes first, and what code refers to before the code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Section {
    /// The INSTRUCTION header.
    Instruction = 0,
    /// The module's own types.
    Types = 1,
    /// Host functions.
    Imports = 2,
    /// Host data.
    Inputs = 3,
    /// Context values.
    Contexts = 4,
    /// Functions and the entry.
    Functions = 5,
    /// The worst case.
    Bound = 6,
    /// String constants.
    Strings = 7,
    /// Float constants.
    Floats = 8,
    /// Metrics.
    Metrics = 9,
    /// STATE variables.
    States = 10,
    /// What wakes it up by name.
    Events = 11,
    /// What wakes it up by time.
    Timers = 12,
    /// Actions it forbids itself.
    Vetoes = 13,
    /// What of the header only the fleet reads: rollout, expectations, stops, reports.
    Fleet = 14,
    /// Names and places; not part of the program's identity. Behind all others, so that it can be cut off.
    Debug = 15,
}

impl Section {
    /// All sections, in order.
    pub const ALL: [Section; 16] = [
        Section::Instruction,
        Section::Types,
        Section::Imports,
        Section::Inputs,
        Section::Contexts,
        Section::Functions,
        Section::Bound,
        Section::Strings,
        Section::Floats,
        Section::Metrics,
        Section::States,
        Section::Events,
        Section::Timers,
        Section::Vetoes,
        Section::Fleet,
        Section::Debug,
    ];

    /// What it holds, in a word.
    pub const fn name(self) -> &'static str {
        match self {
            Section::Instruction => "instruction",
            Section::Types => "types",
            Section::Imports => "imports",
            Section::Inputs => "inputs",
            Section::Contexts => "contexts",
            Section::Metrics => "metrics",
            Section::Floats => "floats",
            Section::Strings => "strings",
            Section::Functions => "functions",
            Section::Bound => "bound",
            Section::States => "states",
            Section::Events => "events",
            Section::Timers => "timers",
            Section::Vetoes => "vetoes",
            Section::Fleet => "fleet",
            Section::Debug => "debug",
        }
    }

    /// Its bit among those of a module.
    const fn bit(self) -> u16 {
        1_u16.wrapping_shl(self as u32)
    }
}

impl Module {
    /// A module that holds nothing yet: no types, no functions, nothing proved.
    pub fn empty() -> Module {
        Module {
            instruction: Instruction::default(),
            types: Vec::new(),
            imports: Vec::new(),
            inputs: Vec::new(),
            contexts: Vec::new(),
            metrics: Vec::new(),
            states: Vec::new(),
            events: Vec::new(),
            timers: Vec::new(),
            vetoes: Vec::new(),
            floats: Vec::new(),
            strings: Vec::new(),
            functions: Vec::new(),
            entry: FunctionId(0),
            bound: Bound::default(),
            debug: None,
        }
    }

    /// The module in bytes. [`Module::decode`] reads back the same module if it keeps to [`limits`], and its
    /// bound is a sum of different products in order.
    pub fn encode(&self) -> Vec<u8> {
        // Most programs fit.
        let mut body = Writer { bytes: Vec::with_capacity(512) };
        let mut there = 0;
        for section in Section::ALL {
            let before = body.bytes.len();
            sections::write(section, self, &mut body);
            if body.bytes.len() > before {
                there |= section.bit();
            }
        }
        with_header(dictionary::NAMES.len(), there, &body.bytes)
    }

    /// Reads a module. It is well-formed then, but nothing is known of what it would do: that is for
    /// [`crate::verify::Verified`] to say.
    ///
    /// # Errors
    /// Where the bytes are not the one form of a module.
    pub fn decode(bytes: &[u8]) -> std::result::Result<Module, DecodeError> {
        Container::read(bytes).map(|container| container.module)
    }

    /// Takes away names and places. What the program does, and its digest, stay the same.
    pub fn strip(&mut self) {
        self.debug = None;
    }

    /// The op at a place, if there is one.
    pub fn op(&self, function: FunctionId, op: usize) -> Option<&Op> {
        self.functions.get(function.index())?.code.get(op)
    }
}

fn with_header(known_names: usize, there: u16, body: &[u8]) -> Vec<u8> {
    let mut writer = Writer::default();
    writer.bytes.reserve_exact(body.len().saturating_add(MAGIC.len()).saturating_add(8));
    writer.bytes.extend_from_slice(&MAGIC);
    writer.byte(FORMAT_VERSION);
    writer.byte(COST_MODEL);
    writer.count(known_names);
    writer.unsigned(there);
    writer.bytes.extend_from_slice(body);
    writer.bytes
}

/// A module with where its parts lie in the bytes it was read from.
pub(crate) struct Container<'b> {
    pub(crate) module: Module,
    bytes: &'b [u8],
    known_names: usize,
    there: u16,
    /// Where the first section begins.
    body: usize,
    /// The long functions, and where they begin.
    pub(crate) long: Vec<(usize, usize)>,
    /// Where the debug section begins; the end of the bytes where there is none.
    debug: usize,
    /// Bytes of memory that decoding took.
    pub(crate) unfolded: usize,
}

impl<'b> Container<'b> {
    pub(crate) fn read(bytes: &'b [u8]) -> Result<Container<'b>> {
        Container::read_with(bytes, |_, _| {})
    }

    /// Reads a module and says where each section lies.
    fn read_with(bytes: &'b [u8], mut found: impl FnMut(Section, Range<usize>)) -> Result<Container<'b>> {
        let mut module = Module::empty();
        let mut reader = Reader::new(bytes);
        let there = read_header(&mut reader)?;
        let body = reader.position();
        let mut debug = bytes.len();
        for section in Section::ALL.into_iter().filter(|section| there & section.bit() != 0) {
            let start = reader.position();
            if section == Section::Debug {
                debug = start;
            }
            sections::read(section, &mut module, &mut reader)?;
            found(section, start..reader.position());
        }
        if reader.remaining() > 0 {
            return Err(reader.error(DecodeErrorKind::Length, "bytes are left over at the end of the module"));
        }
        let unfolded = reader.unfolded();
        let Reader { known_names, long, .. } = reader;
        Ok(Container { module, bytes, known_names, there, body, long, debug, unfolded })
    }

    /// The bytes of the same module without its debug section.
    pub(crate) fn stripped(&self) -> Cow<'b, [u8]> {
        if self.module.debug.is_none() {
            return Cow::Borrowed(self.bytes);
        }
        let kept = self.bytes.get(self.body..self.debug).unwrap_or_default();
        Cow::Owned(with_header(self.known_names, self.there & !Section::Debug.bit(), kept))
    }
}

/// Reads the header; gives which sections are there.
fn read_header(reader: &mut Reader<'_>) -> Result<u16> {
    if reader.remaining() > limits::MODULE_BYTES {
        return Err(reader.error(DecodeErrorKind::TooLarge, "a module has at most 16 MiB"));
    }
    let not_a_module = reader.error(DecodeErrorKind::NotAModule, "a module begins with `SWRM`");
    if reader.take(MAGIC.len()).map_err(|_| not_a_module.clone())? != MAGIC {
        return Err(not_a_module);
    }
    version(reader, "format", FORMAT_VERSION)?;
    version(reader, "cost model", COST_MODEL)?;
    let start = reader.position();
    let names = usize::from(reader.unsigned16(u16::MAX)?);
    if !dictionary::LENGTHS.contains(&names) {
        let text = format!("a dictionary of {names} names; {:?} are known here", dictionary::LENGTHS);
        return Err(reader.error_at(start, DecodeErrorKind::Version, text));
    }
    reader.known_names = names;
    reader.unsigned16(u16::MAX)
}

fn version(reader: &mut Reader<'_>, what: &str, known: u8) -> Result<()> {
    let start = reader.position();
    let found = reader.byte()?;
    if found == known {
        return Ok(());
    }
    let text = format!("{what} version {found}; version {known} is known here");
    Err(reader.error_at(start, DecodeErrorKind::Version, text))
}

/// Where each section's payload lies in an encoded module.
///
/// # Errors
/// Where the bytes are no module.
pub fn sections(bytes: &[u8]) -> std::result::Result<Vec<(Section, Range<usize>)>, DecodeError> {
    let mut found = Vec::with_capacity(Section::ALL.len());
    Container::read_with(bytes, |section, range| found.push((section, range)))?;
    Ok(found)
}

/// The bytes of the same module without its debug section.
///
/// # Errors
/// Where the bytes are no module.
pub fn strip(bytes: &[u8]) -> std::result::Result<Vec<u8>, DecodeError> {
    Container::read(bytes).map(|container| container.stripped().into_owned())
}

/// SHA-256 of bytes.
pub fn digest(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

/// A digest as text: `sha256:` and 64 hexadecimal digits.
pub fn digest_text(digest: &[u8; 32]) -> String {
    use std::fmt::Write;
    let mut text = String::with_capacity(71);
    text.push_str("sha256:");
    for byte in digest {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// The digest that identifies a program: that of its stripped bytes, so that names and places do not matter.
pub fn program_digest(module: &Module) -> [u8; 32] {
    if module.debug.is_none() {
        return digest(&module.encode());
    }
    let mut stripped = module.clone();
    stripped.strip();
    digest(&stripped.encode())
}
