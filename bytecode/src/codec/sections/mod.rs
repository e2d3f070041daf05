//! The payload of each section: writing and reading stand side by side.

mod bound;
mod code;
mod debug;
mod fleet;
mod header;
mod registers;
mod tables;
mod types;

use super::Section;
use super::error::DecodeErrorKind;
use super::limits;
use super::read::{Reader, Result};
use super::write::Writer;
use crate::module::{FunctionId, Module};
use crate::op::Op;

/// Writes a section's payload; nothing if it would say nothing.
pub(super) fn write(section: Section, module: &Module, out: &mut Writer) {
    match section {
        Section::Instruction => header::write(&module.instruction, out),
        Section::Types => write_list(&module.types, out, types::write),
        Section::Imports => write_list(&module.imports, out, tables::write_import),
        Section::Inputs => write_list(&module.inputs, out, tables::write_input),
        Section::Contexts => write_list(&module.contexts, out, tables::write_context),
        Section::Metrics => write_list(&module.metrics, out, tables::write_metric),
        Section::Floats => write_list(&module.floats, out, |out, float| out.float(*float)),
        Section::Strings => write_list(&module.strings, out, |out, text| out.text(text)),
        Section::Functions => write_functions(module, out),
        Section::Bound => bound::write(&module.bound, out),
        Section::States => write_list(&module.states, out, tables::write_state),
        Section::Events => write_list(&module.events, out, tables::write_event),
        Section::Timers => write_list(&module.timers, out, tables::write_timer),
        Section::Vetoes => write_list(&module.vetoes, out, tables::write_veto),
        Section::Fleet => fleet::write(&module.instruction, out),
        Section::Debug => {
            if let Some(debug) = &module.debug {
                debug::write(debug, out);
            }
        }
    }
}

/// Reads a section's payload into the module.
pub(super) fn read(section: Section, module: &mut Module, reader: &mut Reader<'_>) -> Result<()> {
    match section {
        Section::Instruction => module.instruction = header::read(reader)?,
        Section::Types => module.types = read_list(reader, limits::TYPES, types::read)?,
        Section::Imports => module.imports = read_list(reader, limits::IMPORTS, tables::read_import)?,
        Section::Inputs => module.inputs = read_list(reader, limits::INPUTS, tables::read_input)?,
        Section::Contexts => module.contexts = read_list(reader, limits::CONTEXTS, tables::read_context)?,
        Section::Metrics => module.metrics = read_list(reader, limits::METRICS, tables::read_metric)?,
        Section::Floats => module.floats = read_list(reader, limits::FLOATS, Reader::float)?,
        Section::Strings => module.strings = read_list(reader, limits::STRINGS, Reader::text)?,
        Section::Functions => read_functions(reader, module)?,
        Section::Bound => module.bound = bound::read(reader)?,
        Section::States => module.states = read_list(reader, limits::STATES, tables::read_state)?,
        Section::Events => module.events = read_list(reader, limits::EVENTS, tables::read_event)?,
        Section::Timers => module.timers = read_list(reader, limits::TIMERS, tables::read_timer)?,
        Section::Vetoes => module.vetoes = read_list(reader, limits::VETOES, tables::read_veto)?,
        Section::Fleet => fleet::read(reader, &mut module.instruction)?,
        Section::Debug => module.debug = Some(debug::read(reader)?),
    }
    Ok(())
}

/// Twice the number of functions, and 1 if the entry is not the first of them; the entry then; the functions.
fn write_functions(module: &Module, out: &mut Writer) {
    if module.functions.is_empty() {
        return;
    }
    let elsewhere = module.entry != FunctionId(0);
    out.count(module.functions.len() << 1 | usize::from(elsewhere));
    if elsewhere {
        out.unsigned(module.entry.0);
    }
    module.functions.iter().for_each(|function| code::write(out, module, function));
}

fn read_functions(reader: &mut Reader<'_>, module: &mut Module) -> Result<()> {
    let start = reader.position();
    let head = reader.unsigned16(u16::MAX)?;
    let (count, elsewhere) = (usize::from(head >> 1), head & 1 == 1);
    if count > limits::FUNCTIONS {
        let text = format!("a module has at most {} functions", limits::FUNCTIONS);
        return Err(reader.error_at(start, DecodeErrorKind::TooLarge, text));
    }
    module.entry = FunctionId(if elsewhere { reader.unsigned16(u16::MAX)? } else { 0 });
    if count == 0 || (elsewhere && module.entry == FunctionId(0)) {
        let text = "there are no functions, or the entry is spelt out that is the first";
        return Err(reader.error_at(start, DecodeErrorKind::NotCanonical, text));
    }
    if count > reader.remaining() {
        let text = format!("{count} functions cannot stand in {} bytes", reader.remaining());
        return Err(reader.error_at(start, DecodeErrorKind::Length, text));
    }
    let mut functions = reader.room(count)?;
    for index in 0..count {
        let start = reader.position();
        let function = code::read(reader, module)?;
        if function.code.len() > LONG {
            reader.long.push((index, start));
        }
        functions.push(function);
    }
    module.functions = functions;
    Ok(())
}

/// Functions of more ops than these are long: a machine that makes its own code of one has not the memory for all of
/// its ops beside that.
pub const LONG: usize = 1_024;

/// Reads the ops of a long function once more, from bytes that were read before.
#[derive(Clone)]
pub struct CodeReader<'b> {
    reader: Reader<'b>,
}

impl<'b> CodeReader<'b> {
    /// Of the function that begins there.
    pub(crate) fn new(bytes: &'b [u8], start: usize) -> CodeReader<'b> {
        let mut reader = Reader::new(bytes);
        // Of other bytes than were read before it reads other ops, or none.
        let _ = reader.take(start);
        CodeReader { reader }
    }

    /// Gives each op, for which the module needs no code itself; `None` as soon as `each` gives that, or if the bytes
    /// are not the module's.
    pub fn read(mut self, module: &Module, each: impl FnMut(Op) -> Option<()>) -> Option<()> {
        code::read_ops(&mut self.reader, module, each).ok().flatten()
    }
}

fn write_list<T>(items: &[T], out: &mut Writer, write: impl FnMut(&mut Writer, &T)) {
    if !items.is_empty() {
        out.list(items, write);
    }
}

/// A list that is not empty: the section would have been left out.
fn read_list<'a, T>(
    reader: &mut Reader<'a>,
    max: usize,
    read: impl FnMut(&mut Reader<'a>) -> Result<T>,
) -> Result<Vec<T>> {
    let start = reader.position();
    let items = reader.list(max, read)?;
    if items.is_empty() {
        return Err(reader.error_at(start, DecodeErrorKind::NotCanonical, "an empty section"));
    }
    Ok(items)
}

/// Whether bit `bit` of a byte of flags is set.
const fn flag(flags: u8, bit: u32) -> bool {
    flags.wrapping_shr(bit) & 1 == 1
}

/// Refuses a byte of flags in which a bit without a meaning is set.
fn known_flags(reader: &Reader<'_>, flags: u8, known: u8) -> Result<()> {
    if flags & !known == 0 {
        return Ok(());
    }
    Err(reader.error(DecodeErrorKind::Malformed, "a flag without a meaning is set"))
}
