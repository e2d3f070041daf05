//! Which registers of a function are in use, and what an op tells of the type of its result.

use crate::codec::limits;
use crate::module::Module;
use crate::op::{Op, Operand, OperandClass, OperandKind, Register};
use crate::types::{Type, TypeId};

/// Most results of one op.
const MOST: usize = 3;

/// The registers that an op writes, in order.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Results {
    registers: [Register; MOST],
    count: usize,
}

impl Results {
    pub(super) fn of(op: &Op) -> Results {
        let mut results = Results::default();
        op.visit_operands(|_, kind, operand| {
            if let (OperandKind::Destination(_), Operand::Register(register)) = (kind, operand) {
                results.push(register);
            }
        });
        results
    }

    /// Adds the next one; no op has more than [`MOST`].
    pub(super) fn push(&mut self, register: Register) {
        if let Some(slot) = self.registers.get_mut(self.count) {
            *slot = register;
            self.count = self.count.saturating_add(1);
        }
    }

    pub(super) fn len(&self) -> usize {
        self.count
    }

    pub(super) fn is_empty(&self) -> bool {
        self.count == 0
    }

    fn registers(&self) -> &[Register] {
        self.registers.get(..self.count).unwrap_or(&[])
    }
}

/// More registers than a function may have.
const MOST_TYPES: usize = limits::REGISTERS + 1;

/// Types of registers, without memory of their own.
struct Types {
    first: [TypeId; MOST_TYPES],
    /// How many there are; where that is more than fit, the others are forgotten.
    count: usize,
}

impl Types {
    fn extend(&mut self, types: &[TypeId]) {
        for ty in types {
            if let Some(slot) = self.first.get_mut(self.count) {
                *slot = *ty;
            }
            self.count = self.count.saturating_add(1);
        }
    }
}

/// The registers of a function that are in use so far: its parameters, and each that was the next when it was
/// written.
pub(super) struct Registers<'m> {
    module: &'m Module,
    types: Types,
    /// What the op before wrote first.
    last: Option<Register>,
}

impl<'m> Registers<'m> {
    pub(super) fn new(module: &'m Module, parameters: &[TypeId]) -> Registers<'m> {
        let mut types = Types { first: [TypeId(0); MOST_TYPES], count: 0 };
        types.extend(parameters);
        Registers { module, types, last: None }
    }

    /// How many are in use; the number of the next.
    pub(super) fn len(&self) -> usize {
        self.types.count
    }

    /// The types of all, if there are no more than there may be.
    pub(super) fn types(&self) -> Option<&[TypeId]> {
        self.types.first.get(..self.types.count)
    }

    /// Takes the next registers into use.
    pub(super) fn extend(&mut self, types: &[TypeId]) {
        self.types.extend(types);
    }

    /// An op with these results ran.
    pub(super) fn ran(&mut self, results: &Results) {
        self.last = results.registers().first().copied();
    }

    /// What the op before wrote.
    pub(super) fn last(&self) -> Option<Register> {
        self.last
    }

    /// Whether it is what the op before wrote.
    pub(super) fn is_last(&self, register: Option<Register>) -> bool {
        register.is_some() && register == self.last
    }

    /// Whether results are just the next registers.
    pub(super) fn follow(&self, results: &Results) -> bool {
        let own = (self.len()..).zip(results.registers());
        !results.is_empty() && own.into_iter().all(|(next, result)| usize::from(result.0) == next)
    }

    /// The types of results that are just the next registers, of all that a function has.
    pub(super) fn introduced<'t>(&self, results: &Results, all: &'t [TypeId]) -> Option<&'t [TypeId]> {
        let end = self.len().saturating_add(results.len());
        all.get(self.len()..end).filter(|_| self.follow(results))
    }

    fn of(&self, register: Register) -> Option<TypeId> {
        self.types()?.get(usize::from(register.0)).copied()
    }

    fn ty(&self, register: Register) -> Option<&'m Type> {
        self.module.ty(self.of(register)?)
    }

    /// The types of an op's results, as far as it tells them.
    pub(super) fn told(&self, op: &Op) -> [Option<TypeId>; MOST] {
        let module = self.module;
        let one = |ty| [ty, None, None];
        match op {
            Op::Input { input, .. } => one(module.inputs.get(input.index()).map(|input| input.ty)),
            Op::Context { context, .. } => one(module.contexts.get(context.index()).map(|value| value.ty)),
            Op::HostValue { import, .. } => {
                one(module.imports.get(import.index()).and_then(|import| import.result))
            }
            Op::Field { record, field, .. } => one(match self.ty(*record) {
                Some(Type::Record { fields, .. }) => fields.get(usize::from(*field)).map(|field| field.ty),
                _ => None,
            }),
            Op::Payload { value, case, field, .. } => one(match self.ty(*value) {
                Some(Type::Enum { cases, .. }) => {
                    let fields = cases.get(usize::from(*case)).map(|case| &case.fields);
                    fields.and_then(|fields| fields.get(usize::from(*field))).map(|field| field.ty)
                }
                _ => None,
            }),
            Op::Item { list, .. } => one(self.element(*list)),
            Op::ForEach { list, .. } => [self.element(*list), Some(TypeId::INT), None],
            Op::ForEachEntry { map, .. } => {
                let (key, value) = self.entry(*map);
                [key, value, Some(TypeId::INT)]
            }
            Op::Find { map, .. } => [Some(TypeId::BOOL), self.entry(*map).1, None],
            Op::Unwrap { value, .. } => one(match self.ty(*value) {
                Some(Type::Optional(inner)) => Some(*inner),
                _ => None,
            }),
            Op::Length { .. } | Op::MapLength { .. } | Op::Case { .. } => one(Some(TypeId::INT)),
            Op::Range { first: like, .. }
            | Op::Move { value: like, .. }
            | Op::Copy { value: like, .. }
            | Op::AddInt { left: like, .. }
            | Op::SubInt { left: like, .. }
            | Op::NegInt { value: like, .. }
            | Op::ModInt { left: like, .. }
            | Op::AddFloat { left: like, .. }
            | Op::SubFloat { left: like, .. }
            | Op::MulFloat { left: like, .. }
            | Op::DivFloat { left: like, .. }
            | Op::NegFloat { value: like, .. } => one(self.of(*like)),
            _ => one(match op.info().operands.first() {
                Some((_, OperandKind::Destination(OperandClass::Bool))) => Some(TypeId::BOOL),
                Some((_, OperandKind::Destination(OperandClass::String))) => Some(TypeId::STRING),
                _ => None,
            }),
        }
    }

    fn element(&self, list: Register) -> Option<TypeId> {
        if let Some(Type::List { element, .. }) = self.ty(list) { Some(*element) } else { None }
    }

    fn entry(&self, map: Register) -> (Option<TypeId>, Option<TypeId>) {
        match self.ty(map) {
            Some(Type::Map { key, value, .. }) => (Some(*key), Some(*value)),
            _ => (None, None),
        }
    }
}
