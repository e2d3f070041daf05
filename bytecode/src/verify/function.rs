//! Rules about one function: its shape, and each op in turn.

use super::ops;
use super::roles::{HeldCall, is_once};
use super::{Result, Rule, VerifyError, Work, broken, ensure};
use crate::layout::{Layout, LayoutError, LayoutErrorKind, MAX_SETTLE_FREE};
use crate::module::{Function, FunctionId, Module};
use crate::op::{Flow, Op, Operand, OperandClass, OperandKind, Register};
use crate::types::{Class, Type, TypeId};

/// Checks one function; adds its calls inside of `within`s that undo to `held`. `secrets` tells of each type
/// of the module whether a value of it is a secret or may hold one.
pub(super) fn check(
    (module, secrets): (&Module, &[bool]),
    id: FunctionId,
    function: &Function,
    held: &mut Vec<HeldCall>,
    work: &mut Work,
) -> Result<Layout> {
    let body = Body::of((module, secrets), function, work)?;
    work.spend(function.code.len())?;
    let layout = Layout::of(&function.code).map_err(shape)?;
    let ends = function.code.last().is_some_and(|op| op.info().flow == Flow::Leave);
    ensure(ends, Rule::Falling, || "nothing ends it".to_owned())?;
    let (longest, op) = layout.longest_unsettled();
    if longest > MAX_SETTLE_FREE {
        let text = format!("{longest} can be spent before it settles");
        return Err(VerifyError { op: Some(op), ..broken(Rule::SettleFree, text) });
    }
    let mut blocks = Blocks::default();
    for (index, op) in function.code.iter().enumerate() {
        let place = |error| VerifyError { op: Some(index), ..error };
        body.check_op(op, &mut blocks, work).map_err(place)?;
        if let Op::Within { undoes, .. } = op {
            let closing = layout.partner(index).and_then(|partner| function.code.get(partner));
            let matches =
                matches!((undoes, closing), (1, Some(Op::WithinElse {})) | (0, Some(Op::WithinEnd {})));
            ensure(matches, Rule::Within, || format!("`undoes` is {undoes}")).map_err(place)?;
        }
        if blocks.held() {
            match op {
                Op::Call { function, .. } | Op::CallValue { function, .. } => {
                    held.push(HeldCall { caller: id, op: index, callee: *function });
                }
                Op::Host { import, .. } => {
                    let once = is_once(module.imports.get(import.index()));
                    ensure(!once, Rule::Held, || "the action is ONCE".to_owned()).map_err(place)?;
                }
                Op::TryHost { .. } | Op::RetryHost { .. } => {
                    return Err(place(broken(Rule::Held, "it waits for the action")));
                }
                _ => {}
            }
        }
    }
    Ok(layout)
}

fn shape(error: LayoutError) -> VerifyError {
    let rule = match error.kind {
        LayoutErrorKind::Mismatched | LayoutErrorKind::Unclosed => Rule::Blocks,
        LayoutErrorKind::TooDeep => Rule::Nesting,
        LayoutErrorKind::BadDepth => Rule::Branches,
        LayoutErrorKind::TooCostly => Rule::Cost,
    };
    VerifyError { op: Some(error.op), ..broken(rule, error.to_string()) }
}

/// A function while its ops are checked.
pub(super) struct Body<'a> {
    pub(super) module: &'a Module,
    pub(super) function: &'a Function,
    secrets: &'a [bool],
    /// The class of each register that it has.
    classes: [Class; 256],
}

impl<'a> Body<'a> {
    fn of(
        (module, secrets): (&'a Module, &'a [bool]),
        function: &'a Function,
        work: &mut Work,
    ) -> Result<Body<'a>> {
        // Thousands of registers take a handful of bytes: their types are run-length coded.
        work.spend(function.registers.len() / 16)?;
        let parameters = usize::from(function.parameters);
        ensure(parameters <= function.registers.len(), Rule::Registers, || {
            format!("{parameters} parameters, {} registers", function.registers.len())
        })?;
        let missing = |ty: TypeId| broken(Rule::TypeExists, format!("type id {}", ty.0));
        if let Some(result) = function.result {
            module.ty(result).ok_or_else(|| missing(result))?;
        }
        let mut classes = [Class::Word; 256];
        for (class, ty) in classes.iter_mut().zip(&function.registers) {
            *class = module.ty(*ty).ok_or_else(|| missing(*ty))?.class();
        }
        Ok(Body { module, function, secrets, classes })
    }

    fn check_op(&self, op: &Op, blocks: &mut Blocks, work: &mut Work) -> Result<()> {
        let mut outcome = Ok(());
        let mut steps = 1_usize;
        let mut destination = None;
        op.visit_operands(|name, kind, operand| {
            steps = steps.saturating_add(if let Operand::Registers(list) = operand { list.len() } else { 1 });
            if outcome.is_ok() {
                outcome = self.check_operand(name, kind, operand, &mut destination, blocks);
            }
        });
        work.spend(steps)?;
        outcome?;
        ops::check(self, op)?;
        blocks.follow(op)
    }

    fn check_operand(
        &self,
        name: &str,
        kind: OperandKind,
        operand: Operand<'_>,
        destination: &mut Option<TypeId>,
        blocks: &Blocks,
    ) -> Result<()> {
        match (kind, operand) {
            (OperandKind::Destination(wanted), Operand::Register(register)) => {
                self.check_class(name, wanted, register)?;
                blocks.check(register)?;
                *destination = Some(self.ty(register));
                Ok(())
            }
            (OperandKind::Source(wanted), Operand::Register(register)) => {
                self.check_class(name, wanted, register)?;
                let found = self.ty(register);
                let same = wanted != OperandClass::Same || destination.is_some_and(|to| self.fits(found, to));
                ensure(same, Rule::SameType, || format!("`{name}` has another type than the result"))
            }
            (OperandKind::Registers, Operand::Registers(list)) => {
                list.iter().try_for_each(|register| self.check_class(name, OperandClass::Any, *register))
            }
            (kind, Operand::Index(index)) => {
                let index = usize::try_from(index).unwrap_or(usize::MAX);
                let inside = self.table(kind).is_none_or(|length| index < length);
                ensure(inside, Rule::Index, || format!("`{name}` is {index}"))
            }
            _ => Ok(()),
        }
    }

    /// The length of the table an index operand points into; what is called, fields, cases and depths are checked
    /// elsewhere.
    fn table(&self, kind: OperandKind) -> Option<usize> {
        match kind {
            OperandKind::Float => Some(self.module.floats.len()),
            OperandKind::String => Some(self.module.strings.len()),
            OperandKind::Input => Some(self.module.inputs.len()),
            OperandKind::Context => Some(self.module.contexts.len()),
            OperandKind::Metric => Some(self.module.metrics.len()),
            OperandKind::State => Some(self.module.states.len()),
            _ => None,
        }
    }

    fn check_class(&self, name: &str, wanted: OperandClass, register: Register) -> Result<()> {
        let count = self.function.registers.len();
        ensure(usize::from(register.0) < count, Rule::Register, || {
            format!("`{name}` is register {} of {count}", register.0)
        })?;
        let class = self.class(register);
        ensure(admits(wanted, class), Rule::Class, || {
            format!("`{name}` is register {}, which holds a {class:?}", register.0)
        })
    }

    /// Whether a value of type `from` can be moved where `to` is wanted: the same type, or a list or map of
    /// the same items that admits no fewer of them.
    fn fits(&self, from: TypeId, to: TypeId) -> bool {
        match (self.module.ty(from), self.module.ty(to)) {
            (Some(Type::List { element: a, max: from }), Some(Type::List { element: b, max: to })) => {
                a == b && admits_all(*from, *to)
            }
            (
                Some(Type::Map { key: a, value: x, max: from }),
                Some(Type::Map { key: b, value: y, max: to }),
            ) => a == b && x == y && admits_all(*from, *to),
            _ => from == to,
        }
    }

    /// The type of a register that was found to exist.
    pub(super) fn ty(&self, register: Register) -> TypeId {
        self.function.registers.get(usize::from(register.0)).copied().unwrap_or(TypeId::INT)
    }

    /// The class of a register that was found to exist.
    pub(super) fn class(&self, register: Register) -> Class {
        self.classes.get(usize::from(register.0)).copied().unwrap_or(Class::Word)
    }

    /// Whether a value of a register that was found to exist is a secret or may hold one.
    pub(super) fn holds_secret(&self, register: Register) -> bool {
        let own = self.ty(register).0.checked_sub(TypeId::BUILTIN_COUNT);
        own.and_then(|own| self.secrets.get(usize::from(own))).copied().unwrap_or(false)
    }

    /// What a register that was found to exist holds.
    pub(super) fn kind(&self, register: Register) -> &'a Type {
        self.module.ty(self.ty(register)).unwrap_or(&Type::Int)
    }
}

/// Whether a type with the MAX `to` admits all that one with the MAX `from` does.
fn admits_all(from: Option<u32>, to: Option<u32>) -> bool {
    to.is_none_or(|to| from.is_some_and(|from| from <= to))
}

fn admits(wanted: OperandClass, class: Class) -> bool {
    match wanted {
        OperandClass::Word => class == Class::Word,
        OperandClass::Bool => class == Class::Bool,
        OperandClass::Scalar => matches!(class, Class::Word | Class::Bool),
        OperandClass::Float => class == Class::Float,
        OperandClass::ScalarOrFloat => matches!(class, Class::Word | Class::Bool | Class::Float),
        OperandClass::String => class == Class::String,
        OperandClass::List => class == Class::List,
        OperandClass::Record => class == Class::Record,
        OperandClass::Optional => class == Class::Optional,
        OperandClass::Enum => class == Class::Enum,
        OperandClass::Map => class == Class::Map,
        OperandClass::Any | OperandClass::Same => true,
    }
}

/// What the open blocks demand of the ops inside of them.
#[derive(Default)]
struct Blocks {
    now: Demands,
    /// `now` before each open block.
    outer: Vec<Demands>,
}

#[derive(Default, Clone, Copy)]
struct Demands {
    /// Registers that the bodies of the open loops may not write: one bit each.
    protected: [u128; 2],
    /// Whether a `within` that undoes is open.
    held: bool,
}

impl Blocks {
    /// Refuses a write to a register that an open loop steps by.
    fn check(&self, register: Register) -> Result<()> {
        let word = self.now.protected.get(usize::from(register.0 >> 7)).copied().unwrap_or(0);
        let protected = word.wrapping_shr(u32::from(register.0)) & 1 == 1;
        ensure(!protected, Rule::Protected, || {
            format!("register {} is written inside the loop that steps by it", register.0)
        })
    }

    /// Whether actions are held here.
    fn held(&self) -> bool {
        self.now.held
    }

    fn protect(&mut self, register: Register) {
        if let Some(word) = self.now.protected.get_mut(usize::from(register.0 >> 7)) {
            *word |= 1_u128.wrapping_shl(u32::from(register.0));
        }
    }

    /// Keeps track of blocks; the layout has made sure that they nest.
    fn follow(&mut self, op: &Op) -> Result<()> {
        match op.info().flow {
            Flow::Open | Flow::OpenLoop | Flow::OpenWithin => self.outer.push(self.now),
            Flow::End | Flow::Repeat | Flow::Advance | Flow::WithinEnd => {
                self.now = self.outer.pop().unwrap_or_default();
            }
            // The block behind it runs when the `within` is over.
            Flow::WithinElse => self.now = self.outer.last().copied().unwrap_or_default(),
            _ => {}
        }
        let (all, own): (&[Register], &[Register]) = match op {
            Op::ForEach { item, index, list } => (&[*item, *index, *list], &[*index, *list]),
            Op::ForEachEntry { key, value, index, map } => (&[*key, *value, *index, *map], &[*index, *map]),
            Op::Range { item, last, .. } => (&[*item, *last], &[*item, *last]),
            Op::Within { undoes, .. } => {
                self.now.held |= *undoes != 0;
                return Ok(());
            }
            _ => return Ok(()),
        };
        let differ = all
            .iter()
            .enumerate()
            .all(|(at, register)| !all.iter().skip(at.saturating_add(1)).any(|other| other == register));
        ensure(differ, Rule::Protected, || format!("`{}` uses one register twice", op.info().mnemonic))?;
        own.iter().for_each(|register| self.protect(*register));
        Ok(())
    }
}
