//! The container: one canonical form in bytes for each module.
//!
//! ```text
//! module   = "SWRM" format-version cost-model-version known-names length section*
//! section  = id length payload
//! ```
//!
//! Versions and ids are bytes, `known-names` (the length of the dictionary) and lengths are LEB128; the module's
//! length counts the bytes behind it. Sections stand in ascending order, each at most once; one that would say
//! nothing is left out. There is one way to write each value, so `encode(decode(bytes)) == bytes`, and a digest
//! of the bytes is a digest of the program.
//!
//! Decoding allocates at most 32 bytes for each byte of input and 64 KiB: counts are held against a cap, against the
//! bytes that are left, and against that budget before anything is allocated.

mod error;
pub mod limits;
mod read;
mod sections;
mod write;

use std::ops::Range;

use sha2::{Digest, Sha256};

pub use error::{DecodeError, DecodeErrorKind};
use read::{Reader, Result};
use write::Writer;

use crate::cost::COST_MODEL;
use crate::dictionary;
use crate::module::{Bound, FunctionId, Instruction, Module};
use crate::op::Op;

/// First bytes of every module.
pub const MAGIC: [u8; 4] = *b"SWRM";

/// Version of the format.
pub const FORMAT_VERSION: u8 = 1;

/// The sections, by their ids.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Section {
    /// The INSTRUCTION header.
    Instruction = 1,
    /// The module's own types.
    Types = 2,
    /// Host functions.
    Imports = 3,
    /// Host data.
    Inputs = 4,
    /// Context values.
    Contexts = 5,
    /// Metrics.
    Metrics = 6,
    /// Float constants.
    Floats = 7,
    /// String constants.
    Strings = 8,
    /// Functions and the entry.
    Functions = 9,
    /// The worst case.
    Bound = 10,
    /// STATE variables.
    States = 11,
    /// What wakes it up by name.
    Events = 12,
    /// What wakes it up by time.
    Timers = 13,
    /// Actions it forbids itself.
    Vetoes = 14,
    /// What of the header only the fleet reads: rollout, expectations, stops, reports.
    Fleet = 15,
    /// Names and places; not part of the program's identity. Behind all others, so that it can be cut off.
    Debug = 31,
}

impl Section {
    /// All sections, in order.
    pub const ALL: [Section; 16] = [
        Section::Instruction,
        Section::Types,
        Section::Imports,
        Section::Inputs,
        Section::Contexts,
        Section::Metrics,
        Section::Floats,
        Section::Strings,
        Section::Functions,
        Section::Bound,
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

    fn of(id: u8) -> Option<Section> {
        Section::ALL.into_iter().find(|&section| section as u8 == id)
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

    /// The module in bytes. [`Module::decode`] reads back the same module if it keeps to [`limits`].
    pub fn encode(&self) -> Vec<u8> {
        let mut body = Writer::default();
        for section in Section::ALL {
            let mut payload = Writer::default();
            sections::write(section, self, &mut payload);
            if !payload.bytes.is_empty() {
                body.byte(section as u8);
                body.count(payload.bytes.len());
                body.bytes.append(&mut payload.bytes);
            }
        }
        with_header(dictionary::NAMES.len(), &body.bytes)
    }

    /// Reads a module. It is well-formed then, but nothing is known of what it would do: that is for
    /// [`crate::verify::Verified`] to say.
    ///
    /// # Errors
    /// Where the bytes are not the one form of a module.
    pub fn decode(bytes: &[u8]) -> std::result::Result<Module, DecodeError> {
        let mut module = Module::empty();
        let mut reader = Reader::new(bytes);
        read_header(&mut reader)?;
        let mut last = None;
        while reader.remaining() > 0 {
            let (section, outer) = open_section(&mut reader, &mut last)?;
            sections::read(section, &mut module, &mut reader)?;
            reader.leave(outer)?;
        }
        Ok(module)
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

fn with_header(known_names: usize, body: &[u8]) -> Vec<u8> {
    let mut writer = Writer::default();
    writer.bytes.extend_from_slice(&MAGIC);
    writer.byte(FORMAT_VERSION);
    writer.byte(COST_MODEL);
    writer.count(known_names);
    writer.count(body.len());
    writer.bytes.extend_from_slice(body);
    writer.bytes
}

fn read_header(reader: &mut Reader<'_>) -> Result<()> {
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
    let start = reader.position();
    let length = reader.unsigned(u64::MAX)?;
    if u64::try_from(reader.remaining()).ok() != Some(length) {
        let text = format!("{length} bytes should follow, {} do", reader.remaining());
        return Err(reader.error_at(start, DecodeErrorKind::Length, text));
    }
    Ok(())
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

/// Reads a section's id and length; gives what [`Reader::leave`] wants.
fn open_section(reader: &mut Reader<'_>, last: &mut Option<Section>) -> Result<(Section, usize)> {
    let start = reader.position();
    let id = reader.byte()?;
    let section = Section::of(id).ok_or_else(|| {
        reader.error_at(start, DecodeErrorKind::Malformed, format!("there is no section {id}"))
    })?;
    if *last >= Some(section) {
        let text = format!("section {} stands out of order or twice", section.name());
        return Err(reader.error_at(start, DecodeErrorKind::NotCanonical, text));
    }
    *last = Some(section);
    let length = reader.count(limits::MODULE_BYTES)?;
    if length == 0 {
        return Err(reader.error_at(start, DecodeErrorKind::NotCanonical, "an empty section"));
    }
    Ok((section, reader.enter(length)?))
}

/// Where each section's payload lies in an encoded module. The payloads themselves are not looked at.
///
/// # Errors
/// Where the bytes are not a container.
pub fn sections(bytes: &[u8]) -> std::result::Result<Vec<(Section, Range<usize>)>, DecodeError> {
    let mut reader = Reader::new(bytes);
    read_header(&mut reader)?;
    let mut found = Vec::with_capacity(Section::ALL.len());
    let mut last = None;
    while reader.remaining() > 0 {
        let (section, outer) = open_section(&mut reader, &mut last)?;
        let start = reader.position();
        reader.take(reader.remaining())?;
        found.push((section, start..reader.position()));
        reader.leave(outer)?;
    }
    Ok(found)
}

/// The bytes of the same module without its debug section.
///
/// # Errors
/// Where the bytes are not a container.
pub fn strip(bytes: &[u8]) -> std::result::Result<Vec<u8>, DecodeError> {
    let mut reader = Reader::new(bytes);
    read_header(&mut reader)?;
    let body = reader.position();
    let mut end = body;
    let mut last = None;
    while reader.remaining() > 0 {
        let (section, outer) = open_section(&mut reader, &mut last)?;
        reader.take(reader.remaining())?;
        reader.leave(outer)?;
        if section != Section::Debug {
            end = reader.position();
        }
    }
    Ok(with_header(reader.known_names, bytes.get(body..end).unwrap_or_default()))
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
    let bytes = module.encode();
    strip(&bytes).map_or_else(|_| digest(&bytes), |stripped| digest(&stripped))
}
