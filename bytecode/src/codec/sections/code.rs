//! Functions: register types, parameters, result, and the ops: each its code and its operands. Registers of one type
//! that follow each other are a run: twice the type's id, and 1 if the run is longer than one register; then its length
//! less two stands behind.

use crate::codec::error::DecodeErrorKind;
use crate::codec::limits;
use crate::codec::read::{Reader, Result};
use crate::codec::write::Writer;
use crate::module::Function;
use crate::op::{Op, Operand};
use crate::types::TypeId;

pub(super) fn write(out: &mut Writer, function: &Function) {
    let runs = function.registers.chunk_by(|left, right| left == right);
    out.count(runs.clone().count());
    for run in runs {
        let ty = run.first().map_or(0, |ty| u32::from(ty.0));
        match run.len().checked_sub(2) {
            None => out.unsigned(ty << 1),
            Some(more) => {
                out.unsigned(ty << 1 | 1);
                out.count(more);
            }
        }
    }
    out.byte(function.parameters);
    out.optional_type(function.result);
    out.list(&function.code, write_op);
}

fn write_op(out: &mut Writer, op: &Op) {
    out.byte(op.info().code);
    op.visit_operands(|_, _, operand| match operand {
        Operand::Register(register) => out.byte(register.0),
        Operand::Registers(registers) => out.list(registers, |out, register| out.byte(register.0)),
        Operand::Integer(value) => out.number(value),
        Operand::Index(index) => out.unsigned(index),
    });
}

pub(super) fn read(reader: &mut Reader<'_>) -> Result<Function> {
    let registers = read_registers(reader)?;
    let parameters = reader.byte()?;
    let result = reader.optional_type()?;
    let code = reader.list(limits::OPS, read_op)?;
    Ok(Function { registers, parameters, result, code })
}

fn read_registers(reader: &mut Reader<'_>) -> Result<Vec<TypeId>> {
    let runs = reader.count(limits::REGISTERS)?;
    let mut registers = Vec::new();
    for _ in 0..runs {
        let start = reader.position();
        let code = reader.unsigned32(u32::from(u16::MAX) << 1 | 1)?;
        let ty = TypeId(u16::try_from(code >> 1).unwrap_or(u16::MAX));
        let more =
            if code & 1 == 0 { 0 } else { usize::from(reader.unsigned16(u16::MAX)?).saturating_add(1) };
        let length = more.saturating_add(1);
        if registers.last() == Some(&ty) {
            let text = "registers of one type stand in more than one run";
            return Err(reader.error_at(start, DecodeErrorKind::NotCanonical, text));
        }
        if registers.len().saturating_add(length) > limits::REGISTERS {
            let text = format!("a function has at most {} registers", limits::REGISTERS);
            return Err(reader.error_at(start, DecodeErrorKind::TooLarge, text));
        }
        // Growing by doubling can hold twice as many.
        reader.allocate(length.saturating_mul(2).saturating_mul(size_of::<TypeId>()))?;
        registers.resize(registers.len().saturating_add(length), ty);
    }
    Ok(registers)
}

fn read_op(reader: &mut Reader<'_>) -> Result<Op> {
    let start = reader.position();
    let code = reader.byte()?;
    Op::read(code, reader)?.ok_or_else(|| {
        reader.error_at(start, DecodeErrorKind::Malformed, format!("there is no op {code:#04x}"))
    })
}
