//! Calls of functions and of the host, and the values they are given.

use swarm_bytecode::module::ImportId;
use swarm_bytecode::op::{Op, Register};
use swarm_bytecode::types::TypeId;
use swarm_grammar::span::Span;

use super::function::{Generator, Step};
use crate::bound::facts::CallFacts;
use crate::typed::{Expr, ExprKind, FunctionIndex, UnaryOperation};

impl Generator<'_, '_> {
    /// Emits the call of a function.
    pub(crate) fn call(
        &mut self,
        result: Option<Register>,
        function: FunctionIndex,
        arguments: &[Expr],
        span: Span,
    ) -> Step<()> {
        let facts = self.call_facts(arguments, span);
        let callee = self.program.functions.get(function.0 as usize);
        let types: Vec<TypeId> =
            callee.map_or(&[][..], |callee| &callee.locals).iter().map(|local| local.ty).collect();
        let function = self.tables.function(function);
        let arguments = self.arguments(arguments, &types)?;
        let at = match result {
            Some(result) => self.emit_at(Op::CallValue { result, function, arguments }, span),
            None => self.emit_at(Op::Call { function, arguments }, span),
        };
        self.facts.calls.insert(at, facts);
        Ok(())
    }

    /// Emits a call of the host: an action, or a query with its answer in `result`.
    pub(crate) fn host(
        &mut self,
        result: Option<Register>,
        id: ImportId,
        arguments: &[Expr],
        span: Span,
    ) -> Step<()> {
        let facts = self.call_facts(arguments, span);
        let types = self.program.imports.get(id.index()).map_or(&[][..], |import| &import.parameters);
        let arguments = self.arguments(arguments, types)?;
        let import = self.tables.import(id);
        let at = match result {
            Some(result) => self.emit_at(Op::HostValue { result, import, arguments }, span),
            None => self.emit_at(Op::Host { import, arguments }, span),
        };
        self.facts.calls.insert(at, facts);
        Ok(())
    }

    /// Evaluates values left to right for places of these types. Their registers are free again at once: the op
    /// that follows reads them before it writes anything.
    pub(crate) fn arguments(&mut self, arguments: &[Expr], types: &[TypeId]) -> Step<Vec<Register>> {
        let mut values = Vec::with_capacity(arguments.len());
        for (at, argument) in arguments.iter().enumerate() {
            let ty = types.get(at).copied().unwrap_or(self.type_of(argument));
            values.push(self.operand_typed(argument, ty)?);
        }
        for value in &values {
            self.release(*value);
        }
        Ok(values.into_iter().map(|value| value.register).collect())
    }

    /// What the bound needs to know of a call.
    pub(crate) fn call_facts(&self, arguments: &[Expr], span: Span) -> CallFacts {
        CallFacts {
            span,
            sizes: arguments.iter().map(|argument| self.size(argument)).collect(),
            constants: arguments.iter().map(constant).collect(),
            texts: arguments.iter().map(constant_text).collect(),
        }
    }
}

/// Length in bytes of a text that stands in the program.
pub(crate) fn constant_text(expr: &Expr) -> Option<u64> {
    if let ExprKind::String(text) = &expr.kind { u64::try_from(text.len()).ok() } else { None }
}

fn constant(expr: &Expr) -> Option<i64> {
    match &expr.kind {
        ExprKind::Word(value) => Some(*value),
        ExprKind::Unary(UnaryOperation::NegateWord, value) => constant(value)?.checked_neg(),
        _ => None,
    }
}
