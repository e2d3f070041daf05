//! Makes modules from bytes: valid ones, and valid ones with something changed in them. What is changed is a
//! part of the module, not of its bytes, so that most of the rest stays in order and the verifier has to look
//! closely.

use std::convert::Infallible;

use arbitrary::Unstructured;
use swarm_bytecode::codec::limits::REGISTERS;
use swarm_bytecode::module::{
    Amount, CallCost, Effect, Function, FunctionId, MetricKind, Module, Polynomial,
};
use swarm_bytecode::op::{Flow, OPS, Op, Operand, OperandReader, Register, Registers};
use swarm_bytecode::types::{Constant, Type, TypeId};
use swarm_compiler::{Options, compile_text_with};

use super::{Choices, Generated, program};

/// A module with the program it was made from: what that is given fits the module.
#[derive(Debug, Clone)]
pub struct Made {
    /// The module.
    pub module: Module,
    /// The program, and what it is given.
    pub program: Generated,
}

/// Makes a valid module: a generated program, compiled, with ops that no compiler writes there. `None` for
/// the few programs that do not compile.
pub fn valid(bytes: &mut Unstructured<'_>) -> Option<Made> {
    let changes: Vec<u8> = (0..64).map(|_| bytes.arbitrary().unwrap_or(0)).collect();
    let mut changes = Unstructured::new(&changes);
    let mut choices = Choices { bytes: &mut changes };
    let options = Options { optimise: choices.one_in(2), ..Options::default() };
    let program = program(bytes);
    let mut module = compile_text_with("made.swarm", &*program.text, &options).0.module?;
    if choices.one_in(2) {
        module.debug = None;
        for _ in 0..choices.below(4) {
            adorn(&mut module, &mut choices);
        }
    }
    Some(Made { module, program })
}

/// Makes a module that was valid before a few parts of it were changed.
pub fn mutated(bytes: &mut Unstructured<'_>) -> Option<Made> {
    let changes: Vec<u8> = (0..96).map(|_| bytes.arbitrary().unwrap_or(0)).collect();
    let mut made = valid(bytes)?;
    made.module.debug = None;
    let mut changes = Unstructured::new(&changes);
    let mut choices = Choices { bytes: &mut changes };
    for _ in 0..=choices.below(3) {
        change(&mut made.module, &mut choices);
    }
    Some(made)
}

/// Makes the bytes of a module that were valid before one or two of them were changed, added or left out.
pub fn damaged(bytes: &mut Unstructured<'_>) -> Option<Vec<u8>> {
    let changes: Vec<u8> = (0..16).map(|_| bytes.arbitrary().unwrap_or(0)).collect();
    let mut encoded = valid(bytes)?.module.encode();
    let mut changes = Unstructured::new(&changes);
    let mut choices = Choices { bytes: &mut changes };
    for _ in 0..=choices.below(2) {
        let at = choices.below(encoded.len());
        let byte = u8::try_from(choices.below(256)).unwrap_or(0);
        match choices.below(4) {
            0 => encoded.insert(at, byte),
            1 if at < encoded.len() => drop(encoded.remove(at)),
            _ => encoded.iter_mut().skip(at).take(1).for_each(|own| *own = byte),
        }
    }
    Some(encoded)
}

/// Adds ops that compute nothing anybody reads. What was valid stays valid.
fn adorn(module: &mut Module, choices: &mut Choices<'_, '_>) {
    let count = module.functions.len();
    let Some(function) = module.functions.get_mut(choices.below(count)) else { return };
    let own = ownerless(function, &module.types, choices);
    let at = choices.below(function.code.len());
    drop(function.code.splice(at..at, own));
}

/// A few ops that can stand anywhere in a function, over registers of their own, where it has room for any.
fn ownerless(function: &mut Function, types: &[Type], choices: &mut Choices<'_, '_>) -> Vec<Op> {
    if function.registers.len().saturating_add(3) > REGISTERS {
        return vec![Op::Settle {}];
    }
    let mut register = |ty: TypeId| {
        function.registers.push(ty);
        Register(u8::try_from(function.registers.len().saturating_sub(1)).unwrap_or(u8::MAX))
    };
    let map = types.iter().zip(TypeId::BUILTIN_COUNT..).find_map(|(ty, id)| match ty {
        Type::Map { key, .. } => Some((TypeId(id), *key)),
        _ => None,
    });
    match (choices.below(3), map) {
        (0, _) => vec![Op::Settle {}],
        (1, Some((map, key))) => {
            let (map, key) = (register(map), register(key));
            vec![Op::Zero { result: map }, Op::Zero { result: key }, Op::RemoveEntry { map, key }]
        }
        _ => {
            let (rounds, one, enough) =
                (register(TypeId::INT), register(TypeId::INT), register(TypeId::BOOL));
            vec![
                Op::Integer { result: rounds, value: 0 },
                Op::Integer { result: one, value: 1 },
                Op::Loop {},
                Op::AddInt { result: rounds, left: rounds, right: one },
                Op::EqInt { result: enough, left: rounds, right: one },
                Op::If { condition: enough },
                Op::Break { depth: 0 },
                Op::End {},
                Op::Repeat {},
            ]
        }
    }
}

/// Changes one part of a module.
fn change(module: &mut Module, choices: &mut Choices<'_, '_>) {
    match choices.below(10) {
        0..6 => {
            let count = module.functions.len();
            if let Some(function) = module.functions.get_mut(choices.below(count)) {
                change_function(function, choices);
            }
        }
        6 => change_type(module, choices),
        7 | 8 => change_table(module, choices),
        _ => change_header(module, choices),
    }
}

fn change_function(function: &mut Function, choices: &mut Choices<'_, '_>) {
    let (ops, registers) = (function.code.len(), function.registers.len());
    let at = choices.below(ops);
    match choices.below(12) {
        0 => function.code.insert(at, any_op(choices)),
        1 if at < ops => drop(function.code.remove(at)),
        2 if at < ops => function.code.swap(at, choices.below(ops)),
        3 => {
            if let Some(op) = function.code.get(at).cloned() {
                function.code.insert(choices.below(ops), op);
            }
        }
        4 => {
            let ty = any_type_id(choices);
            function.registers.iter_mut().skip(choices.below(registers)).take(1).for_each(|own| *own = ty);
        }
        5 => function.parameters = u8::try_from(choices.below(6)).unwrap_or(0),
        6 => function.result = choices.one_in(2).then(|| any_type_id(choices)),
        7 => {
            if let Some(op) = function.code.get_mut(at) {
                *op = any_op(choices);
            }
        }
        _ => {
            if let Some(op) = function.code.get_mut(at) {
                *op = with_other_operand(op, choices);
            }
        }
    }
}

fn change_type(module: &mut Module, choices: &mut Choices<'_, '_>) {
    let (id, most) = (any_type_id(choices), u32::try_from(choices.below(5)).unwrap_or(0));
    let count = module.types.len();
    let number = choices.below(12);
    let flag = choices.one_in(2);
    match module.types.get_mut(choices.below(count)) {
        Some(Type::List { element, max } | Type::Map { value: element, max, .. }) => {
            if flag {
                *element = id;
            } else {
                *max = (most > 0).then_some(most);
            }
        }
        Some(Type::Optional(inner)) => *inner = id,
        Some(Type::Record { fields, .. }) => {
            let count = fields.len().max(1);
            if let Some(field) = fields.get_mut(number.checked_rem(count).unwrap_or(0)) {
                match most {
                    0 => field.ty = id,
                    1 => field.key = !field.key,
                    2 => field.default = Some(Constant::Case(u8::try_from(number).unwrap_or(0))),
                    3 => field.unit = None,
                    _ => drop(fields.pop()),
                }
            }
        }
        Some(Type::Enum { cases, .. }) => {
            if flag && cases.len() > 1 {
                cases.pop();
            } else if let Some(field) = cases.iter_mut().flat_map(|case| &mut case.fields).next() {
                field.ty = id;
            }
        }
        _ => {}
    }
}

fn change_table(module: &mut Module, choices: &mut Choices<'_, '_>) {
    let (function, ty) = (any_function_id(choices), any_type_id(choices));
    let at = choices.below(8);
    match choices.below(11) {
        0 => module.entry = function,
        1 => module.imports.iter_mut().skip(at).take(1).for_each(|own| {
            own.effect = choices
                .of(&[Effect::Query, Effect::Idempotent, Effect::Once, Effect::Plain])
                .unwrap_or(Effect::Plain);
        }),
        2 => module.imports.iter_mut().skip(at).take(1).for_each(|own| own.result = Some(ty)),
        3 => module.imports.iter_mut().skip(at).take(1).for_each(|own| {
            own.cost = CallCost {
                money: choices
                    .of(&[Amount::Fixed(-1), Amount::Fixed(i64::MAX), Amount::Computed(function)])
                    .unwrap_or_default(),
                tokens: Amount::Fixed(i64::MAX),
            };
        }),
        4 => module.imports.iter_mut().skip(at).take(1).for_each(|own| own.parameters.push(ty)),
        5 => module.metrics.iter_mut().skip(at).take(1).for_each(|own| {
            own.kind = choices
                .of(&[MetricKind::Total, MetricKind::Gauge, MetricKind::Distribution])
                .unwrap_or(MetricKind::Total);
        }),
        6 => module.metrics.iter_mut().skip(at).take(1).for_each(|own| own.ty = ty),
        7 => module.states.iter_mut().skip(at).take(1).for_each(|own| match choices.below(3) {
            0 => own.ty = ty,
            1 => own.initial = None,
            _ => own.initial = Some(function),
        }),
        8 => module.timers.iter_mut().for_each(|own| own.function = function),
        9 => module.events.iter_mut().for_each(|own| own.function = function),
        _ => module.vetoes.iter_mut().for_each(|own| own.condition = function),
    }
}

fn change_header(module: &mut Module, choices: &mut Choices<'_, '_>) {
    let function = any_function_id(choices);
    match choices.below(6) {
        0 => module.instruction.deadline_ns = Some(number(choices)),
        1 => module.instruction.budget_money = Some(number(choices)),
        2 => module.instruction.stops.push(function),
        3 => module.bound.fuel = Polynomial::Unbounded,
        4 => module.strings.iter_mut().take(1).for_each(|text| *text = "b".into()),
        _ => module.floats.push(0.0),
    }
}

fn any_type_id(choices: &mut Choices<'_, '_>) -> TypeId {
    TypeId(u16::try_from(choices.below(24)).unwrap_or(0))
}

fn any_function_id(choices: &mut Choices<'_, '_>) -> FunctionId {
    FunctionId(u16::try_from(choices.below(8)).unwrap_or(0))
}

fn number(choices: &mut Choices<'_, '_>) -> i64 {
    choices.of(&[0, 1, 2, -1, 7, 1000, 1_000_001, i64::MAX, i64::MIN]).unwrap_or(0)
}

/// Any op with small operands.
fn any_op(choices: &mut Choices<'_, '_>) -> Op {
    let Some(row) = OPS.get(choices.below(OPS.len())) else { return Op::Settle {} };
    let mut operands = Operands { old: Vec::new(), at: 0, other: None, choices };
    read(row.code, &mut operands)
}

/// The op with one operand changed; an op without operands becomes another without.
fn with_other_operand(op: &Op, choices: &mut Choices<'_, '_>) -> Op {
    let mut old = Vec::new();
    op.visit_operands(|_, _, operand| {
        old.push(match operand {
            Operand::Register(register) => Old::Small(u16::from(register.0)),
            Operand::Registers(registers) => Old::Registers(registers.into()),
            Operand::Integer(value) => Old::Integer(value),
            Operand::Index(index) => Old::Small(u16::try_from(index).unwrap_or(u16::MAX)),
        });
    });
    // Blocks of the same form, so that they stay closed.
    let like = |flow: Flow| -> Vec<u8> {
        OPS.iter().filter(|row| row.flow == flow && row.operands.is_empty()).map(|row| row.code).collect()
    };
    if old.is_empty() {
        let code = choices.of(&like(op.info().flow)).unwrap_or(op.info().code);
        return read(code, &mut Operands { old, at: 0, other: None, choices });
    }
    // Sometimes it is the op that changes, and the operands that stay.
    let code = if choices.one_in(4) {
        let kinds = |row: &swarm_bytecode::op::OpInfo| row.operands.len() == old.len();
        let rows: Vec<u8> =
            OPS.iter().filter(|row| kinds(row) && row.flow == op.info().flow).map(|row| row.code).collect();
        choices.of(&rows).unwrap_or(op.info().code)
    } else {
        op.info().code
    };
    let other = (code == op.info().code).then(|| choices.below(old.len()));
    read(code, &mut Operands { old, at: 0, other, choices })
}

fn read(code: u8, operands: &mut Operands<'_, '_, '_>) -> Op {
    match Op::read(code, operands) {
        Ok(found) => found.unwrap_or(Op::Settle {}),
        Err(never) => match never {},
    }
}

/// An operand of an op that is being changed.
#[derive(Debug)]
enum Old {
    Small(u16),
    Registers(Registers),
    Integer(i64),
}

/// Gives out old operands, but for one, and new ones where there are no old.
struct Operands<'c, 'u, 'b> {
    old: Vec<Old>,
    at: usize,
    other: Option<usize>,
    choices: &'c mut Choices<'u, 'b>,
}

impl Operands<'_, '_, '_> {
    /// The next operand, unless it is the one to change.
    fn next(&mut self) -> Option<&Old> {
        let at = self.at;
        self.at = at.saturating_add(1);
        self.old.get(at).filter(|_| self.other != Some(at))
    }

    fn new_register(&mut self) -> Register {
        Register(u8::try_from(self.choices.below(24)).unwrap_or(0))
    }
}

impl OperandReader for Operands<'_, '_, '_> {
    type Error = Infallible;

    fn register(&mut self) -> Result<Register, Infallible> {
        Ok(match self.next() {
            Some(Old::Small(old)) => Register(u8::try_from(*old).unwrap_or(u8::MAX)),
            _ => self.new_register(),
        })
    }

    fn registers(&mut self) -> Result<Registers, Infallible> {
        if let Some(Old::Registers(old)) = self.next() {
            return Ok(old.clone());
        }
        Ok((0..self.choices.below(4)).map(|_| self.new_register()).collect())
    }

    fn integer(&mut self) -> Result<i64, Infallible> {
        Ok(match self.next() {
            Some(Old::Integer(old)) => *old,
            _ => number(self.choices),
        })
    }

    fn short(&mut self) -> Result<i16, Infallible> {
        let value = self.integer()?;
        Ok(i16::try_from(value).unwrap_or(if value < 0 { i16::MIN } else { i16::MAX }))
    }

    fn index(&mut self) -> Result<u16, Infallible> {
        Ok(match self.next() {
            Some(Old::Small(old)) => *old,
            _ => u16::try_from(self.choices.below(10)).unwrap_or(0),
        })
    }

    fn small(&mut self) -> Result<u8, Infallible> {
        Ok(u8::try_from(self.index()?).unwrap_or(u8::MAX))
    }
}
