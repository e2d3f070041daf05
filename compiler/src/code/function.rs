//! The generator of one function: its state, and what all its parts use.

use std::collections::BTreeSet;

use smol_str::SmolStr;
use swarm_bytecode::codec::limits;
use swarm_bytecode::layout::{MAX_FUNCTION_COST, MAX_NESTING};
use swarm_bytecode::module::{Function, StateId};
use swarm_bytecode::op::{Op, Register};
use swarm_bytecode::types::{Class, TypeId};
use swarm_grammar::diagnostic::Diagnostic;
use swarm_grammar::span::Span;

use super::changes::Changes;
use super::emit::{Emitter, Level};
use super::pushes::Pushes;
use super::registers::{MAX_REGISTERS, Registers};
use super::tables::Tables;
use super::walk::{Part, lenders, root, walk};
use super::{Compiled, too_large};
use crate::bound::facts::FunctionFacts;
use crate::bound::sum::{Size, Sum, Symbol, Unbounded};
use crate::typed::{self, Expr, ExprKind, FunctionIndex, LocalId, Program, StatementKind};

/// A result of generating; the only failure is a function that does not fit.
pub(crate) type Step<T> = Result<T, Box<Diagnostic>>;

/// Who else holds a value that goes into a register.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hold {
    /// The value is looked at; its holder does not change while it is.
    Borrow,
    /// The register, or what it is put into, becomes a holder of its own.
    Own,
}

/// A value in a register.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Value {
    pub(crate) register: Register,
    /// Whether the register is free again once the value is used.
    pub(crate) temporary: bool,
}

/// Where a local lives, and what is known of it.
#[derive(Debug, Clone)]
pub(crate) struct Home {
    pub(crate) register: Register,
    /// Whether its value is its own, or marked as shared: then it may be handed on as it is.
    pub(crate) owns: bool,
    /// How great its value is at most (see [`Symbol::Parameter`]), as it was made.
    pub(crate) size: Size,
    /// Its value, if that is a constant.
    pub(crate) constant: Option<i64>,
    /// How many loops were open when it came into scope.
    pub(crate) loops: usize,
    /// What it costs that its value is changed in place, if it is.
    pub(crate) changes: Option<Box<Changes>>,
}

impl Home {
    pub(crate) fn new(register: Register, owns: bool, size: Size) -> Home {
        Home { register, owns, size, constant: None, loops: 0, changes: None }
    }
}

/// A loop whose body is being made.
#[derive(Debug, Clone)]
pub(crate) struct Loop {
    /// Where BREAK and CONTINUE go.
    pub(crate) leave: Level,
    pub(crate) next: Level,
    /// Its opening op.
    pub(crate) at: usize,
    pub(crate) rounds: Size,
    /// Locals that its body assigns, or a part of them.
    pub(crate) assigned: BTreeSet<LocalId>,
}

/// The generator.
pub(crate) struct Generator<'g, 'p> {
    pub(crate) program: &'p Program,
    pub(crate) tables: &'g mut Tables<'p>,
    pub(crate) function: &'p typed::Function,
    pub(crate) index: FunctionIndex,
    pub(crate) emitter: Emitter,
    pub(crate) registers: Registers,
    pub(crate) homes: Vec<Option<Home>>,
    /// Locals that are assigned after their LET.
    pub(crate) written: BTreeSet<LocalId>,
    /// Those of them that are assigned as a whole. Writing a part does not make a list longer.
    pub(crate) replaced: BTreeSet<LocalId>,
    /// Those of which a part is assigned.
    pub(crate) changed: BTreeSet<LocalId>,
    /// Those that are lists which items are put behind.
    pub(crate) pushed: BTreeSet<LocalId>,
    pub(crate) loops: Vec<Loop>,
    pub(crate) facts: FunctionFacts,
    /// Loops that fill a STATE variable's map.
    pub(crate) growing: BTreeSet<(usize, StateId)>,
    /// The statement whose code is made.
    pub(crate) statement: Span,
}

/// Makes the code of one function.
pub(crate) fn generate<'p>(
    program: &'p Program,
    tables: &mut Tables<'p>,
    index: FunctionIndex,
    function: &'p typed::Function,
) -> Step<Compiled> {
    let mut generator = Generator {
        program,
        tables,
        function,
        index,
        emitter: Emitter::new(),
        registers: Registers::new(),
        homes: vec![None; function.locals.len()],
        written: BTreeSet::new(),
        replaced: BTreeSet::new(),
        changed: BTreeSet::new(),
        pushed: BTreeSet::new(),
        loops: Vec::new(),
        growing: BTreeSet::new(),
        facts: FunctionFacts { span: function.span, ..FunctionFacts::default() },
        statement: function.span,
    };
    generator.assignments();
    generator.parameters()?;
    let goes_on = generator.statements(&function.body)?;
    generator.finish(goes_on)
}

impl<'p> Generator<'_, 'p> {
    /// Notes which locals are assigned, and how.
    fn assignments(&mut self) {
        walk(&self.function.body, &mut |part| {
            let Part::Statement(statement) = part else { return };
            let StatementKind::Assign { place, value, .. } = &statement.kind else { return };
            let Some(local) = root(place) else { return };
            self.written.insert(local);
            if Generator::as_local(place).is_none() {
                self.changed.insert(local);
                return;
            }
            self.replaced.insert(local);
            if Pushes::of(place, value).is_some() {
                self.pushed.insert(local);
            }
        });
    }

    fn parameters(&mut self) -> Step<()> {
        for index in 0..self.function.parameters {
            let Some(local) = self.function.locals.get(index as usize) else { continue };
            let ty = self.tables.ty(local.ty);
            let register = self.registers.parameter(ty, &local.name);
            let register = register.ok_or_else(|| self.too_many_values())?;
            // Nobody says how great a number is that an event brings.
            let size = if self.class(local.ty) == Class::Word && self.handles_event() {
                Err(Unbounded::new(local.span, "this number is known only when the program runs"))
            } else {
                Ok(Sum::symbol(Symbol::Parameter(index)))
            };
            self.set_home(LocalId(index), Home::new(register, false, size));
        }
        Ok(())
    }

    fn handles_event(&self) -> bool {
        self.program.events.iter().any(|event| event.function == self.index)
    }

    fn finish(mut self, goes_on: bool) -> Step<Compiled> {
        if goes_on {
            self.statement = self.function.span.after();
            self.emit(Op::Return {});
        } else if !self.emitter.ends() {
            self.unreachable_end()?;
        }
        let function = self.function;
        if self.emitter.cost() > MAX_FUNCTION_COST {
            return Err(Box::new(too_large(
                function.span,
                &format!("the function {} is too long", function.name),
            )));
        }
        let deepest = self.emitter.deepest();
        let (code, places) = self.emitter.finish();
        if deepest > MAX_NESTING || code.len() > limits::OPS {
            let what = format!("the function {} is nested too deeply", function.name);
            return Err(Box::new(too_large(function.span, &what)));
        }
        let compiled = Function {
            registers: self.registers.types(),
            parameters: u8::try_from(function.parameters).unwrap_or(u8::MAX),
            result: function.result.map(|ty| self.tables.ty(ty)),
            code,
        };
        let name = function.name.clone();
        Ok(Compiled {
            function: compiled,
            facts: self.facts,
            name,
            registers: self.registers.names(),
            places,
        })
    }

    /// Code must end in an op that leaves, also where none comes to the end.
    fn unreachable_end(&mut self) -> Step<()> {
        if let Some(ty) = self.function.result {
            let value = self.temporary(ty)?;
            self.emit(Op::Zero { result: value });
            self.emit(Op::ReturnValue { value });
        } else {
            self.emit(Op::Return {});
        }
        Ok(())
    }

    /// Emits an op that belongs to the statement as a whole.
    pub(crate) fn emit(&mut self, op: Op) -> usize {
        self.emitter.push(op, self.statement)
    }

    /// Emits an op that can fail, or calls: it has a place of its own.
    pub(crate) fn emit_at(&mut self, op: Op, span: Span) -> usize {
        self.emitter.push(op, span)
    }

    /// Emits a branch out of the block or loop of `level`.
    pub(crate) fn leave(&mut self, level: Level) -> Step<()> {
        let depth = self.depth_of(level)?;
        self.emit(Op::Break { depth });
        Ok(())
    }

    /// The operand of a branch to `level`.
    pub(crate) fn depth_of(&self, level: Level) -> Step<u8> {
        let too_deep = || too_large(self.statement, "this stands in too many blocks");
        self.emitter.depth_of(level).ok_or_else(|| Box::new(too_deep()))
    }

    /// A register for a value in between.
    pub(crate) fn temporary(&mut self, ty: TypeId) -> Step<Register> {
        let ty = self.tables.ty(ty);
        self.registers.temporary(ty).ok_or_else(|| self.too_many_values())
    }

    /// A register that stays in use until it is freed, as an operand.
    pub(crate) fn temporary_value(&mut self, ty: TypeId) -> Step<Value> {
        Ok(Value { register: self.temporary(ty)?, temporary: true })
    }

    /// A value is used; its register can hold another.
    pub(crate) fn release(&mut self, value: Value) {
        if value.temporary {
            self.registers.free(value.register);
        }
    }

    /// A register for a local that comes into scope.
    pub(crate) fn declare(&mut self, id: LocalId, owns: bool, size: Size) -> Step<Register> {
        let (ty, name) = self.local(id);
        let ty = self.tables.ty(ty);
        let register = match name.is_empty() {
            // Made by the optimiser: no one looks for it.
            true => self.registers.temporary(ty),
            false => self.registers.variable(ty, &name),
        };
        let register = register.ok_or_else(|| self.too_many_values())?;
        self.set_home(id, Home::new(register, owns, size));
        Ok(register)
    }

    /// The local goes out of scope.
    pub(crate) fn forget(&mut self, id: LocalId) {
        self.settle_changes(id);
        if let Some(home) = self.homes.get_mut(id.0 as usize).and_then(Option::take) {
            self.registers.free(home.register);
        }
    }

    pub(crate) fn set_home(&mut self, id: LocalId, home: Home) {
        let loops = self.loops.len();
        if let Some(slot) = self.homes.get_mut(id.0 as usize) {
            *slot = Some(Home { loops, ..home });
        }
    }

    pub(crate) fn home_mut(&mut self, id: LocalId) -> Option<&mut Home> {
        self.homes.get_mut(id.0 as usize).and_then(Option::as_mut)
    }

    /// Where a local lives. The checker lets none be used out of its scope.
    pub(crate) fn home(&self, id: LocalId) -> Option<&Home> {
        self.homes.get(id.0 as usize)?.as_ref()
    }

    /// The register of a local. Were it out of its scope, the verifier would see a wrong type or the run a zero.
    pub(crate) fn register_of(&self, id: LocalId) -> Register {
        self.home(id).map_or(Register(0), |home| home.register)
    }

    /// How great a local's value was when it was made.
    pub(crate) fn size_of_local(&self, id: LocalId) -> Size {
        match self.home(id) {
            Some(home) => home.size.clone(),
            None => Err(Unbounded::new(self.statement, "a variable out of its scope")),
        }
    }

    /// Type and name of a local.
    pub(crate) fn local(&self, id: LocalId) -> (TypeId, SmolStr) {
        let local = self.function.locals.get(id.0 as usize);
        local.map_or((TypeId::INT, SmolStr::default()), |local| (local.ty, local.name.clone()))
    }

    /// Type of an expression that has a value.
    pub(crate) fn type_of(&self, expr: &Expr) -> TypeId {
        expr.ty.unwrap_or(TypeId::INT)
    }

    /// How values of a type are carried.
    pub(crate) fn class(&self, ty: TypeId) -> Class {
        self.program.ty(ty).map_or(Class::Word, swarm_bytecode::types::Type::class)
    }

    /// Whether a value of this type has parts that can be written. Texts, optionals and cases have none:
    /// those are never changed, only replaced.
    pub(crate) fn is_mutable(&self, ty: TypeId) -> bool {
        self.program.ty(ty).is_some_and(swarm_bytecode::types::Type::is_mutable)
    }

    /// How a local comes to hold `value`: it may merely look at what another local has if neither is ever
    /// written. The second result is [`Home::owns`].
    pub(crate) fn hold(&self, local: LocalId, value: &Expr) -> (Hold, bool) {
        let mut found = Vec::new();
        lenders(value, &mut found);
        let written = |local: &LocalId| self.written.contains(local);
        if written(&local) || found.iter().any(written) {
            (Hold::Own, true)
        } else {
            (Hold::Borrow, found.is_empty())
        }
    }

    /// Whether `expr` is a plain local.
    pub(crate) fn as_local(expr: &Expr) -> Option<LocalId> {
        if let ExprKind::Local(local) = expr.kind { Some(local) } else { None }
    }

    pub(crate) fn too_many_values(&self) -> Box<Diagnostic> {
        let name = &self.function.name;
        let what = format!("the function {name} holds more than {MAX_REGISTERS} values at once");
        Box::new(too_large(self.statement, &what))
    }
}
