//! Calls of functions, of the library and of the host, and the values they are given.

use swarm_bytecode::module::{Amount, ImportId};
use swarm_bytecode::native::{Bindings, NativeId, Shape};
use swarm_bytecode::op::{Op, Register, Registers};
use swarm_bytecode::types::{Class, TypeId};
use swarm_grammar::span::Span;

use super::function::{Generator, Home, Step, Value};
use super::texts::TextPlace;
use crate::bound::facts::{CallFacts, Prices};
use crate::bound::sum::{Size, Unbounded};
use crate::typed::{Expr, ExprKind, FunctionIndex, Statement, StatementKind, UnaryOperation};

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
        for (argument, at) in arguments.iter().zip(0_u32..) {
            self.store_text(TextPlace::Parameter(function, at), argument);
        }
        let callee = self.program.functions.get(function.0 as usize);
        let types: Vec<TypeId> =
            callee.map_or(&[][..], |callee| &callee.locals).iter().map(|local| local.ty).collect();
        let function = self.tables.function(function);
        let registers = self.arguments(arguments, &types)?;
        let at = match result {
            Some(result) => self.emit_at(Op::CallValue { result, function, arguments: registers }, span),
            None => self.emit_at(Op::Call { function, arguments: registers }, span),
        };
        self.shares_all(at, arguments);
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
        let (facts, registers) = self.host_arguments(id, arguments, span)?;
        let import = self.tables.import(id);
        let at = match result {
            Some(result) => self.emit_at(Op::HostValue { result, import, arguments: registers }, span),
            None => self.emit_at(Op::Host { import, arguments: registers }, span),
        };
        self.shares_all(at, arguments);
        self.facts.calls.insert(at, facts);
        Ok(())
    }

    fn host_arguments(
        &mut self,
        id: ImportId,
        arguments: &[Expr],
        span: Span,
    ) -> Step<(CallFacts, Registers)> {
        for asked in self.tables.asked(id) {
            for (argument, at) in arguments.iter().zip(0_u32..) {
                self.store_text(TextPlace::Parameter(asked, at), argument);
            }
        }
        let mut facts = self.call_facts(arguments, span);
        let import = self.program.imports.get(id.index());
        if let Some(import) = import {
            let mut price = |amount| self.price(amount, &facts);
            let (money, tokens) = (price(import.cost.money), price(import.cost.tokens));
            facts.prices = Prices { money, tokens };
        }
        let types = import.map_or(&[][..], |import| &import.parameters);
        Ok((facts, self.arguments(arguments, types)?))
    }

    /// The greatest that a price can be, if it is computed from the arguments of the call.
    fn price(&mut self, amount: Amount, call: &CallFacts) -> Option<Size> {
        let Amount::Computed(function) = amount else { return None };
        let costs = self.program.functions.get(function.index())?;
        let [Statement { kind: StatementKind::Return(Some(price)), .. }] = costs.body.as_slice() else {
            return None;
        };
        // What the expression says of its parameters holds for the arguments.
        let homes = call.sizes.iter().zip(&call.constants).map(|(size, constant)| {
            Some(Home { constant: *constant, ..Home::new(Register(0), false, size.clone()) })
        });
        let own = (self.function, std::mem::take(&mut self.replaced), std::mem::take(&mut self.homes));
        (self.function, self.homes) = (costs, homes.collect());
        let most = self.size(price);
        (self.function, self.replaced, self.homes) = own;
        Some(most.map_err(|cause| {
            let in_costs = cause.span.file == costs.span.file
                && (costs.span.start..costs.span.end).contains(&cause.span.start);
            if in_costs { Unbounded::of_price(call.span) } else { cause.in_price() }
        }))
    }

    /// TRY and RETRY: an action that is waited for. Says whether the program can go on.
    pub(crate) fn attempt(
        &mut self,
        id: ImportId,
        arguments: &[Expr],
        (times, backoff): (i64, Option<&Expr>),
        otherwise: &[Statement],
    ) -> Step<bool> {
        let span = self.statement;
        let accepted = self.temporary_value(TypeId::BOOL)?;
        let backoff = match backoff {
            Some(backoff) => Some(self.operand(backoff)?),
            None if times > 1 => {
                let none = self.temporary_value(TypeId::DURATION)?;
                self.word(none.register, 0);
                Some(none)
            }
            None => None,
        };
        let (facts, registers) = self.host_arguments(id, arguments, span)?;
        let (import, result) = (self.tables.import(id), accepted.register);
        let op = match backoff {
            Some(Value { register: backoff, .. }) => {
                // The checker admits a hundred.
                let times = i16::try_from(times).unwrap_or(i16::MAX);
                Op::RetryHost { accepted: result, times, backoff, import, arguments: registers }
            }
            None => Op::TryHost { accepted: result, import, arguments: registers },
        };
        let at = self.emit_at(op, span);
        self.shares_all(at, arguments);
        self.facts.calls.insert(at, facts);
        if let Some(backoff) = backoff {
            self.release(backoff);
        }
        self.release(accepted);
        if otherwise.is_empty() {
            return Ok(true);
        }
        self.emit(Op::If { condition: result });
        self.emit(Op::Else {});
        self.statements(otherwise)?;
        self.emit(Op::End {});
        Ok(true)
    }

    /// Emits the call of a native function.
    pub(crate) fn native(
        &mut self,
        id: NativeId,
        arguments: &[Expr],
        expr: &Expr,
        result: Register,
    ) -> Step<()> {
        let facts = self.call_facts(arguments, expr.span);
        let made = self.size(expr);
        self.native_texts(id, arguments, expr);
        let mut bindings = Bindings::default();
        let patterns = id.function().map_or(&[][..], |native| native.info().parameters);
        let mut taken = None;
        let mut values = Vec::with_capacity(arguments.len());
        for (at, argument) in arguments.iter().enumerate() {
            let ty = self.type_of(argument);
            let mut wanted = ty;
            if let Some((_, pattern)) = patterns.get(at)
                && !pattern.admits(ty, &mut bindings, |ty| self.program.ty(ty))
                && let Some(Shape::Is(exactly)) = pattern.shape(&bindings)
            {
                // A list where more items are admitted.
                wanted = exactly;
            }
            let rest = arguments.get(at.saturating_add(1)..).unwrap_or(&[]);
            let looks = !self.is_mutable(self.type_of(expr))
                && !self.tables.only_looks(self.index)
                && taken.is_none();
            match argument.kind {
                ExprKind::State(state)
                    if looks
                        && self.is_mutable(ty)
                        && !rest.iter().any(|part| Self::disturbs(part, state)) =>
                {
                    let value = self.temporary_value(ty)?;
                    taken = Some((state, value.register));
                    values.push(value);
                }
                _ => values.push(self.operand_typed(argument, wanted)?),
            }
        }
        let registers = values.iter().map(|value| value.register).collect();
        if let Some((state, register)) = taken {
            self.take_state(register, state);
        }
        let at = self.emit_at(Op::Native { result, native: id, arguments: registers }, expr.span);
        if let Some((state, register)) = taken {
            self.set_state(state, register);
        }
        for value in values {
            self.release(value);
        }
        self.shares_all(at, arguments);
        self.facts.calls.insert(at, facts);
        self.facts.results.insert(at, made);
        Ok(())
    }

    /// The texts that a native puts into the list or optional it makes.
    fn native_texts(&mut self, id: NativeId, arguments: &[Expr], expr: &Expr) {
        use swarm_bytecode::native::NativeFunction as N;
        let Some(first) = arguments.first() else { return };
        let (place, bytes) = match id.function() {
            Some(N::Split | N::Words) => (TextPlace::Items, self.text(first)),
            Some(N::Keys) => (TextPlace::Items, self.tables.texts.at(TextPlace::Keys)),
            Some(N::Values) => (TextPlace::Items, self.tables.texts.at(TextPlace::Values)),
            Some(N::First | N::Last | N::Get) => (TextPlace::Inner, self.tables.texts.at(TextPlace::Items)),
            _ => return,
        };
        let inner = self.inner_type(self.type_of(expr));
        if self.class(inner) == Class::String {
            self.store_bytes(place, &bytes);
        }
    }

    /// Evaluates values left to right for places of these types. Their registers are free again at once: the op
    /// that follows reads them before it writes anything.
    pub(crate) fn arguments(&mut self, arguments: &[Expr], types: &[TypeId]) -> Step<Registers> {
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
    pub(crate) fn call_facts(&mut self, arguments: &[Expr], span: Span) -> CallFacts {
        CallFacts {
            span,
            sizes: arguments.iter().map(|argument| self.size(argument)).collect(),
            constants: arguments.iter().map(|argument| self.constant(argument)).collect(),
            prices: Prices::default(),
        }
    }

    /// The value of an expression that is a constant.
    pub(crate) fn constant(&self, expr: &Expr) -> Option<i64> {
        match &expr.kind {
            ExprKind::Word(value) => Some(*value),
            ExprKind::Local(local) => self.home(*local)?.constant,
            ExprKind::Unary(UnaryOperation::NegateWord, value) => self.constant(value)?.checked_neg(),
            _ => None,
        }
    }
}
