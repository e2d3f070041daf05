//! Functions: types of registers, parameters, result, and the ops: each its code and its operands.
//!
//! Most ops put their result into the next register that was not in use so far. Then bit 7 of the op's code
//! is set, the result is left out, and so is its type where the op tells it (`registers.rs`). Of an op
//! without a result, the bit says that its first register is the result of the op before it.
//!
//! Types that no op tells stand before the code, by register: the parameters' first. Those of one type that
//! follow each other are a run: twice the type's id, and 1 if the run is longer than one; then its length
//! less two stands behind.
//!
//! An index that arguments follow holds their number in its low three bits; 7 is seven and what the number
//! behind says.

use super::registers::{Registers, Results};
use crate::codec::error::DecodeErrorKind;
use crate::codec::limits;
use crate::codec::read::{Reader, Result};
use crate::codec::write::Writer;
use crate::layout::Layout;
use crate::module::{Function, Module};
use crate::op::{Op, Operand, OperandKind, OperandReader, Register, Registers as List};
use crate::types::TypeId;

/// The bit of an op's code that says that a register is left out.
const SHORT: u8 = 0x80;

/// The number of arguments that the low bits of an index can say.
const FEW: usize = 7;

/// What is wrong with a function in which a register stands that need not.
const SPELT_OUT: &str = "a register is spelt out that follows from the code";

pub(super) fn write(out: &mut Writer, module: &Module, function: &Function) {
    let parameters = function.registers.iter().take(usize::from(function.parameters)).copied();
    let mut stated: Vec<TypeId> = parameters.collect();
    let mut registers = Registers::new(module, &stated);
    let mut code = Writer { bytes: Vec::with_capacity(function.code.len().saturating_mul(4)) };
    code.count(function.code.len());
    for op in &function.code {
        let results = Results::of(op);
        let short = match registers.introduced(&results, &function.registers) {
            Some(types) => {
                let told = registers.told(op);
                let short = told.iter().zip(types).all(|(told, ty)| told.is_none_or(|told| told == *ty));
                let open = types.iter().zip(told).filter(|(_, told)| !short || told.is_none());
                stated.extend(open.map(|(ty, _)| *ty));
                registers.extend(types);
                short
            }
            None => results.is_empty() && registers.is_last(first_source(op)),
        };
        registers.ran(&results);
        write_op(&mut code, op, short);
    }
    stated.extend(function.registers.iter().skip(registers.len()));
    write_types(out, &stated);
    out.unsigned(u16::from(function.parameters) << 1 | u16::from(function.result.is_some()));
    if let Some(result) = function.result {
        out.ty(result);
    }
    out.bytes.append(&mut code.bytes);
}

fn write_types(out: &mut Writer, types: &[TypeId]) {
    let runs = types.chunk_by(|left, right| left == right);
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
}

fn write_op(out: &mut Writer, op: &Op, short: bool) {
    out.byte(op.info().code | if short { SHORT } else { 0 });
    let mut left_out = short;
    let mut callee = None;
    op.visit_operands(|_, kind, operand| match (kind, operand) {
        (OperandKind::Destination(_), Operand::Register(_)) if short => left_out = false,
        (OperandKind::Source(_), Operand::Register(_)) if left_out => left_out = false,
        (_, Operand::Register(register)) => out.byte(register.0),
        (OperandKind::Function | OperandKind::Import | OperandKind::Native, Operand::Index(index)) => {
            callee = Some(index);
        }
        (_, Operand::Registers(registers)) => {
            match callee.take() {
                Some(index) => {
                    out.unsigned(u64::from(index) << 3 | registers.len().min(FEW) as u64);
                    if let Some(more) = registers.len().checked_sub(FEW) {
                        out.count(more);
                    }
                }
                None => out.count(registers.len()),
            }
            registers.iter().for_each(|register| out.byte(register.0));
        }
        (_, Operand::Integer(value)) => out.number(value),
        (_, Operand::Index(index)) => out.unsigned(index),
    });
}

/// The first register that an op reads by itself.
fn first_source(op: &Op) -> Option<Register> {
    let mut first = None;
    op.visit_operands(|_, _, operand| {
        if let Operand::Register(register) = operand {
            first = first.or(Some(register));
        }
    });
    first
}

pub(super) fn read(reader: &mut Reader<'_>, module: &Module) -> Result<Function> {
    let head = Head::read(reader)?;
    let mut frame = head.frame(module);
    let mut code = reader.room(head.ops)?;
    for _ in 0..head.ops {
        code.push(frame.read_op(reader)?);
    }
    // The verifier needs the layout of one function at a time.
    let within = code.iter().any(|op| matches!(op, Op::Within { .. }));
    reader.need_at_once(Layout::bytes(head.ops, within))?;
    let Frame { mut registers, open, absent, .. } = frame;
    registers.extend(open);
    if registers.len() >= absent {
        return Err(reader.error(DecodeErrorKind::NotCanonical, SPELT_OUT));
    }
    let Some(types) = registers.types().filter(|types| types.len() <= limits::REGISTERS) else {
        let text = format!("a function has at most {} registers", limits::REGISTERS);
        return Err(reader.error(DecodeErrorKind::TooLarge, text));
    };
    reader.allocate(size_of_val(types))?;
    let registers = types.to_vec();
    Ok(Function { registers, parameters: head.parameters, result: head.result, code })
}

/// Reads the ops of a function one by one; `None` as soon as `each` gives that.
pub(super) fn read_ops(
    reader: &mut Reader<'_>,
    module: &Module,
    mut each: impl FnMut(Op) -> Option<()>,
) -> Result<Option<()>> {
    let head = Head::read(reader)?;
    let mut frame = head.frame(module);
    for _ in 0..head.ops {
        if each(frame.read_op(reader)?).is_none() {
            return Ok(None);
        }
    }
    Ok(Some(()))
}

/// What stands before the ops of a function.
struct Head {
    stated: Vec<TypeId>,
    parameters: u8,
    result: Option<TypeId>,
    /// How many ops there are.
    ops: usize,
}

impl Head {
    fn read(reader: &mut Reader<'_>) -> Result<Head> {
        let stated = read_types(reader)?;
        let head = reader.unsigned16(u16::from(u8::MAX) << 1 | 1)?;
        let parameters = u8::try_from(head >> 1).unwrap_or(u8::MAX);
        let result = if head & 1 == 1 { Some(reader.ty()?) } else { None };
        Ok(Head { stated, parameters, result, ops: reader.count(limits::OPS)? })
    }

    fn frame<'m>(&'m self, module: &'m Module) -> Frame<'m> {
        let parameters = usize::from(self.parameters);
        let (own, open) = self.stated.split_at(self.stated.len().min(parameters));
        let whole = own.len() == parameters;
        Frame { registers: Registers::new(module, own), open, whole, absent: usize::MAX }
    }
}

/// The types that stand before the code; at most a kilobyte, given back before the next function.
fn read_types(reader: &mut Reader<'_>) -> Result<Vec<TypeId>> {
    let runs = reader.count(limits::REGISTERS)?;
    let mut types = Vec::new();
    for _ in 0..runs {
        let start = reader.position();
        let code = reader.unsigned32(u32::from(u16::MAX) << 1 | 1)?;
        let ty = TypeId(u16::try_from(code >> 1).unwrap_or(u16::MAX));
        let more =
            if code & 1 == 0 { 0 } else { usize::from(reader.unsigned16(u16::MAX)?).saturating_add(1) };
        let length = more.saturating_add(1);
        if types.last() == Some(&ty) {
            let text = "registers of one type stand in more than one run";
            return Err(reader.error_at(start, DecodeErrorKind::NotCanonical, text));
        }
        if types.len().saturating_add(length) > limits::REGISTERS {
            let text = format!("a function has at most {} registers", limits::REGISTERS);
            return Err(reader.error_at(start, DecodeErrorKind::TooLarge, text));
        }
        types.resize(types.len().saturating_add(length), ty);
    }
    Ok(types)
}

/// A function's registers while its code is read.
struct Frame<'m> {
    registers: Registers<'m>,
    /// Types that no op tells, of registers that are not in use yet.
    open: &'m [TypeId],
    /// Whether there is a type for each parameter. If not, no register is behind them.
    whole: bool,
    /// Ops spelt out results that were the next registers and had no type. The function must have fewer
    /// registers than this, or they had one form more.
    absent: usize,
}

impl<'m> Frame<'m> {
    fn read_op(&mut self, reader: &mut Reader<'_>) -> Result<Op> {
        let start = reader.position();
        let byte = reader.byte()?;
        let no_op = |reader: &Reader<'_>| {
            reader.error_at(start, DecodeErrorKind::Malformed, format!("there is no op {byte:#04x}"))
        };
        let spelt_out =
            |reader: &Reader<'_>| reader.error_at(start, DecodeErrorKind::NotCanonical, SPELT_OUT);
        let short = byte & SHORT != 0;
        let mut operands = Operands {
            reader,
            next: self.registers.len(),
            last: self.registers.last(),
            short,
            left_out: short,
            arguments: None,
            results: Results::default(),
            source: None,
        };
        let op = Op::read(byte & !SHORT, &mut operands)?;
        let Operands { left_out, results, source, .. } = operands;
        let op = op.filter(|_| !left_out).ok_or_else(|| no_op(reader))?;
        if self.registers.follow(&results) {
            if !self.introduce(&op, &results, short) {
                return Err(spelt_out(reader));
            }
        } else if !short && results.is_empty() && self.registers.is_last(source) {
            return Err(spelt_out(reader));
        }
        self.registers.ran(&results);
        Ok(op)
    }

    /// Takes the registers into use that an op writes first; tells whether the op has its one form.
    fn introduce(&mut self, op: &Op, results: &Results, short: bool) -> bool {
        let told = self.registers.told(op);
        let told = told.get(..results.len()).unwrap_or(&[]);
        if short {
            if !self.whole {
                return false;
            }
            for told in told {
                let Some(ty) = told.or_else(|| self.take(1)?.first().copied()) else { return false };
                self.registers.extend(&[ty]);
            }
            return true;
        }
        let Some(types) = self.take(results.len()) else {
            self.absent = self.absent.min(self.registers.len().saturating_add(results.len()));
            return true;
        };
        self.registers.extend(types);
        !told.iter().zip(types).all(|(told, ty)| told.is_none_or(|told| told == *ty))
    }

    /// The next types that no op tells, if there are so many.
    fn take(&mut self, count: usize) -> Option<&'m [TypeId]> {
        let (taken, open) = self.open.split_at_checked(count)?;
        self.open = open;
        Some(taken)
    }
}

/// Reads an op's operands.
struct Operands<'r, 'a> {
    reader: &'r mut Reader<'a>,
    /// The next register that is not in use.
    next: usize,
    /// What the op before wrote.
    last: Option<Register>,
    short: bool,
    /// Whether a register is still to be left out.
    left_out: bool,
    /// How many arguments follow, as the index before them says.
    arguments: Option<usize>,
    /// The registers that it writes, so far.
    results: Results,
    /// The first register that it reads by itself.
    source: Option<Register>,
}

impl Operands<'_, '_> {
    /// The next register that is not in use.
    fn next(&mut self) -> Result<Register> {
        self.left_out = false;
        let next = u8::try_from(self.next).map_err(|_| {
            let text = format!("a function has at most {} registers", limits::REGISTERS);
            self.reader.error(DecodeErrorKind::TooLarge, text)
        })?;
        self.next = self.next.saturating_add(1);
        Ok(Register(next))
    }
}

impl OperandReader for Operands<'_, '_> {
    type Error = crate::codec::DecodeError;

    fn register(&mut self) -> Result<Register> {
        let register = match self.last {
            Some(last) if self.left_out => {
                self.left_out = false;
                last
            }
            _ => Register(self.reader.byte()?),
        };
        self.source = self.source.or(Some(register));
        Ok(register)
    }

    fn result(&mut self) -> Result<Register> {
        let register = if self.short { self.next()? } else { Register(self.reader.byte()?) };
        self.results.push(register);
        Ok(register)
    }

    fn registers(&mut self) -> Result<List> {
        let count = match self.arguments.take() {
            Some(count) => count,
            None => self.reader.count(limits::FIELDS)?,
        };
        self.reader.allocate(List::bytes_beside(count))?;
        let bytes = self.reader.take(count)?;
        Ok(List::read(bytes))
    }

    fn rare(&mut self) -> Result<Box<List>> {
        self.reader.allocate(size_of::<List>())?;
        self.registers().map(Box::new)
    }

    fn integer(&mut self) -> Result<i64> {
        self.reader.number()
    }

    fn short(&mut self) -> Result<i16> {
        let start = self.reader.position();
        i16::try_from(self.reader.number()?).map_err(|_| {
            let text = format!("a number here is at most {}", i16::MAX);
            self.reader.error_at(start, DecodeErrorKind::TooLarge, text)
        })
    }

    fn index(&mut self) -> Result<u16> {
        self.reader.unsigned16(u16::MAX)
    }

    fn callee(&mut self) -> Result<u16> {
        let code = self.reader.unsigned32(u32::from(u16::MAX) << 3 | 7)?;
        let mut arguments = usize::try_from(code & 7).unwrap_or(FEW);
        if arguments == FEW {
            arguments = self.reader.count(limits::FIELDS.saturating_sub(FEW))?.saturating_add(FEW);
        }
        self.arguments = Some(arguments);
        Ok(u16::try_from(code >> 3).unwrap_or(u16::MAX))
    }

    fn small(&mut self) -> Result<u8> {
        self.reader.unsigned16(u16::from(u8::MAX)).map(|value| u8::try_from(value).unwrap_or(u8::MAX))
    }
}
