//! Names and places. Places are written as differences to the one before.

use crate::codec::error::DecodeErrorKind;
use crate::codec::limits;
use crate::codec::read::{Reader, Result};
use crate::codec::write::Writer;
use crate::module::{Debug, FunctionDebug, Place, SourceName};

pub(super) fn write(debug: &Debug, out: &mut Writer) {
    out.list(&debug.files, |out, file| {
        out.text(&file.name);
        out.bytes.extend_from_slice(&file.sha256);
    });
    out.list(&debug.functions, |out, function| {
        out.name(&function.name);
        out.list(&function.registers, |out, (register, name)| {
            out.byte(*register);
            out.name(name);
        });
        let mut last = (0_u32, Place::default());
        out.list(&function.places, |out, (op, place)| {
            out.signed(difference(*op, last.0));
            out.signed(difference(u32::from(place.file), u32::from(last.1.file)));
            out.signed(difference(place.line, last.1.line));
            out.unsigned(place.column);
            last = (*op, *place);
        });
    });
}

pub(super) fn read(reader: &mut Reader<'_>) -> Result<Debug> {
    let files = reader.list(limits::FILES, |reader| {
        let name = reader.text()?;
        let sha256 = reader.take(32)?.first_chunk().copied().unwrap_or([0; 32]);
        Ok(SourceName { name, sha256 })
    })?;
    let functions = reader.list(limits::FUNCTIONS, |reader| {
        let name = reader.name()?;
        let registers = reader.list(limits::REGISTERS, |reader| Ok((reader.byte()?, reader.name()?)))?;
        let mut last = (0_u32, Place::default());
        let places = reader.list(limits::OPS, |reader| {
            let op = moved(reader, last.0)?;
            let file = moved(reader, u32::from(last.1.file))?;
            let file = u16::try_from(file).map_err(|_| outside(reader))?;
            let line = moved(reader, last.1.line)?;
            let column = reader.unsigned32(u32::MAX)?;
            last = (op, Place { file, line, column });
            Ok(last)
        })?;
        Ok(FunctionDebug { name, registers, places })
    })?;
    Ok(Debug { files, functions })
}

fn difference(to: u32, from: u32) -> i64 {
    i64::from(to).wrapping_sub(i64::from(from))
}

fn moved(reader: &mut Reader<'_>, from: u32) -> Result<u32> {
    let step = reader.signed()?;
    let to = i64::from(from).checked_add(step).and_then(|to| u32::try_from(to).ok());
    to.ok_or_else(|| outside(reader))
}

fn outside(reader: &Reader<'_>) -> crate::codec::DecodeError {
    reader.error(DecodeErrorKind::Malformed, "a place lies outside of every file")
}
