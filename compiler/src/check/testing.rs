//! TEST: what is given, what runs, what is expected (rule 46). Every test is checked; whether it becomes part
//! of the typed program is the caller's choice.

use std::collections::BTreeMap;

use smol_str::SmolStr;
use swarm_bytecode::module::ImportId;
use swarm_bytecode::types::TypeId;
use swarm_grammar::ast::{self, TestItemKind as Kind};
use swarm_grammar::span::Span;

use super::Checker;
use super::body::{Body, Place};
use super::collect::{In, Plan};
use super::conversions::Wanted;
use super::environment::{Answer, Parameter, Signature, Symbol};
use super::errors;
use super::host::returns;
use crate::typed::{
    BinaryOperation, EventHandler, Expr, ExprKind, Function, FunctionIndex, Test, TestStep, TestStepKind,
};

impl Checker<'_> {
    /// Every TEST in order.
    pub(crate) fn tests(&mut self, plan: &Plan<'_>, handlers: &[EventHandler]) -> Vec<Test> {
        let mut tests = Vec::with_capacity(plan.tests.len());
        let handlers: BTreeMap<&str, usize> =
            handlers.iter().enumerate().map(|(at, handler)| (handler.name.as_str(), at)).collect();
        let mut names: BTreeMap<SmolStr, Span> = BTreeMap::new();
        for test in &plan.tests {
            self.env.at = test.scope;
            let Some(name) = test.name.plain() else {
                self.report(errors::names::fixed_text("the name of a TEST", test.name.span));
                continue;
            };
            match names.get(&name) {
                Some(first) => {
                    self.report(errors::testing::same_name(test.name.span, *first));
                }
                None => {
                    names.insert(name.clone(), test.name.span);
                }
            }
            tests.push(Test { name, steps: self.steps(test, &handlers), span: test.span });
        }
        tests
    }

    fn steps(&mut self, test: &In<'_, ast::Test>, handlers: &BTreeMap<&str, usize>) -> Vec<TestStep> {
        let mut steps = Vec::with_capacity(test.items.len());
        for item in &test.items {
            let kind = match &item.kind {
                Kind::Given { what, value } => self.given_value(what, value),
                Kind::GivenFails(call) => self.given_fails(call),
                Kind::Run => Some(TestStepKind::Run),
                Kind::RunFor(value) => self.positive_duration(value, "RUN FOR").map(TestStepKind::RunFor),
                Kind::RunEvent { event, arguments } => self.run_event(event, arguments, handlers),
                Kind::ExpectNoActions => Some(TestStepKind::ExpectNoActions),
                Kind::ExpectAction { action, arguments } => self.expect_action(action, arguments),
                Kind::ExpectStop(text) => {
                    self.constant_text(text, "what a TEST expects").map(TestStepKind::ExpectStop)
                }
                Kind::ExpectFail(text) => {
                    self.constant_text(text, "what a TEST expects").map(TestStepKind::ExpectFail)
                }
                Kind::Expect(condition) => self.expect(condition),
            };
            steps.extend(kind.map(|kind| TestStep { kind, span: item.span }));
        }
        steps
    }

    /// `GIVEN place = value`
    fn given_value(&mut self, what: &ast::Expr, value: &ast::Expr) -> Option<TestStepKind> {
        if let ast::ExprKind::Call { callee, arguments } = &what.kind {
            return self.given_answer(callee, arguments, value);
        }
        let symbol = self.test_symbol(what)?;
        let ty = match symbol {
            Symbol::Input(id) => self.env.input(id)?.ty,
            Symbol::Context(id) => self.env.context(id)?.ty,
            Symbol::State(id) => {
                let state = self.env.states.get_mut(id.index())?;
                state.assigned = true;
                state.ty
            }
            Symbol::Metric(id) => self.env.metric(id)?.ty,
            Symbol::Unknown => None,
            _ => {
                let text = self.quote(what.span);
                self.report(errors::testing::cannot_be_given(&text, what.span, kind_of(symbol)));
                return None;
            }
        };
        let ty = ty.map(|ty| self.given_type(ty));
        let function = self.test_value(&self.quote(what.span), value, ty);
        Some(match symbol {
            Symbol::Input(id) => TestStepKind::GivenInput(id, function),
            Symbol::Context(id) => TestStepKind::GivenContext(id, function),
            Symbol::State(id) => TestStepKind::GivenState(id, function),
            Symbol::Metric(id) => TestStepKind::GivenMetric(id, function),
            _ => return None,
        })
    }

    /// `GIVEN price("eu") = $0.05`
    fn given_answer(
        &mut self,
        callee: &ast::Expr,
        arguments: &[ast::Argument],
        value: &ast::Expr,
    ) -> Option<TestStepKind> {
        let (import, signature) = self.given_call(callee, true)?;
        let ty = match signature.answer {
            Answer::Value(ty) => Some(self.given_type(ty)),
            _ => None,
        };
        let arguments = self.test_arguments(&signature, arguments, callee.span, Place::Given);
        let answer = self.test_value(&signature.name, value, ty);
        Some(TestStepKind::GivenAnswer(import, arguments?, answer))
    }

    /// `GIVEN RESTART("db") FAILS`
    fn given_fails(&mut self, call: &ast::Expr) -> Option<TestStepKind> {
        let ast::ExprKind::Call { callee, arguments } = &call.kind else { return None };
        let (import, signature) = self.given_call(callee, false)?;
        let arguments = self.test_arguments(&signature, arguments, callee.span, Place::Given);
        Some(TestStepKind::GivenFails(import, arguments?))
    }

    /// The host function a GIVEN is about; `answers`: it must be one that answers.
    fn given_call(&mut self, callee: &ast::Expr, answers: bool) -> Option<(ImportId, Signature)> {
        let text = self.quote(callee.span);
        match self.test_symbol(callee)? {
            Symbol::Host(id) if self.host_is_query(id) || !answers => Some((id, self.env.host(id)?.clone())),
            Symbol::Host(_) => {
                self.report(errors::testing::action_without_answer(&text, callee.span));
                None
            }
            Symbol::Unknown => None,
            symbol => {
                self.report(errors::testing::cannot_be_given(&text, callee.span, kind_of(symbol)));
                None
            }
        }
    }

    /// What a name in a TEST stands for; an unknown one is reported.
    fn test_symbol(&mut self, source: &ast::Expr) -> Option<Symbol> {
        let mut body = Body::new(self, Place::Given, "TEST".into(), Answer::Nothing);
        if let Some(symbol) = body.path(source) {
            return Some(symbol);
        }
        match &source.kind {
            ast::ExprKind::Name(name) => {
                body.unknown_name(name, source.span);
            }
            _ => {
                let text = self.quote(source.span);
                self.report(errors::testing::cannot_be_given(&text, source.span, "a part of something"));
            }
        }
        None
    }

    /// A value that a TEST gives.
    fn test_value(&mut self, what: &str, value: &ast::Expr, ty: Option<TypeId>) -> FunctionIndex {
        let wanted = Wanted { what: what.into(), declared: None };
        self.expression_function("GIVEN", Place::Given, value.span, &[], |body| {
            body.maybe_value(value, ty, &wanted)
        })
    }

    /// The type of what a TEST gives for a value of this type: a text for a secret.
    fn given_type(&mut self, ty: TypeId) -> TypeId {
        match (self.types.is_secret(ty), self.types.inner(ty)) {
            (true, None) => TypeId::STRING,
            (true, Some(_)) => self.types.optional(TypeId::STRING),
            (false, _) => ty,
        }
    }

    /// Arguments of a call in a TEST, each as a function.
    fn test_arguments(
        &mut self,
        signature: &Signature,
        arguments: &[ast::Argument],
        at: Span,
        place: Place,
    ) -> Option<Vec<FunctionIndex>> {
        let given = signature.parameters.iter().map(|parameter| {
            let ty = parameter.ty.map(|ty| self.given_type(ty));
            Parameter { ty, ..parameter.clone() }
        });
        let signature = Signature { parameters: given.collect(), ..signature.clone() };
        let mut body = Body::new(self, place, "TEST".into(), Answer::Nothing);
        let values = body.arguments(&signature, arguments, at)?;
        // What they do together is noted once.
        let (locals, mut facts) = body.finish();
        let mut functions = Vec::with_capacity(values.len());
        for value in values {
            let function = Function {
                name: "TEST".into(),
                span: value.span,
                parameters: 0,
                result: value.ty,
                locals: locals.clone(),
                body: vec![returns(value)],
                calls: Vec::new(),
            };
            functions.push(self.add_function(Some(function), std::mem::take(&mut facts)));
        }
        Some(functions)
    }

    /// `RUN VOTE(from: "c", yes: TRUE)`
    fn run_event(
        &mut self,
        event: &ast::Name,
        arguments: &[ast::Argument],
        handlers: &BTreeMap<&str, usize>,
    ) -> Option<TestStepKind> {
        let signature = match self.env.get(&event.text).map(|declared| declared.symbol) {
            Some(Symbol::Event(at)) => self.env.events.get(at)?.clone(),
            Some(Symbol::Unknown) => return None,
            found => {
                if !self.env.incomplete {
                    let events = self.env.names().filter(|(_, symbol)| matches!(symbol, Symbol::Event(_)));
                    let near = errors::nearest(&event.text, events.map(|(name, _)| name)).map(str::to_owned);
                    self.report(errors::events::unknown(event, found.is_some(), near.as_deref()));
                }
                return None;
            }
        };
        let handler = handlers.get(event.text.as_str()).copied();
        if handler.is_none() {
            self.report(errors::testing::no_handler(&event.text, event.span));
        }
        let arguments = self.test_arguments(&signature, arguments, event.span, Place::Given);
        Some(TestStepKind::RunEvent(handler?, arguments?))
    }

    /// `EXPECT ACTION X(args)`
    fn expect_action(&mut self, action: &ast::Name, arguments: &[ast::Argument]) -> Option<TestStepKind> {
        match self.env.get(&action.text).map(|declared| declared.symbol) {
            Some(Symbol::Host(id)) if !self.host_is_query(id) => {
                let signature = self.env.host(id)?.clone();
                let arguments = self.test_arguments(&signature, arguments, action.span, Place::Expected);
                Some(TestStepKind::ExpectAction(id, arguments?))
            }
            Some(Symbol::Unknown) => None,
            found => {
                if !self.env.incomplete {
                    let near = self.nearest_action(&action.text);
                    self.report(errors::testing::no_action(action, found.is_some(), near.as_deref()));
                }
                None
            }
        }
    }

    /// `EXPECT condition`; of a comparison its two sides are kept, so that a failure can show them.
    fn expect(&mut self, condition: &ast::Expr) -> Option<TestStepKind> {
        let mut body = Body::new(self, Place::Expected, "EXPECT".into(), Answer::Nothing);
        let checked = body.condition(condition)?;
        let (locals, mut facts) = body.finish();
        let mut function = |value: Expr| {
            let function = Function {
                name: "EXPECT".into(),
                span: value.span,
                parameters: 0,
                result: value.ty,
                locals: locals.clone(),
                body: vec![returns(value)],
                calls: Vec::new(),
            };
            // What the condition does is noted once.
            self.add_function(Some(function), std::mem::take(&mut facts))
        };
        let sides = match &checked.kind {
            ExprKind::Binary(BinaryOperation::Compare(_), left, right) => {
                Some((function((**left).clone()), function((**right).clone())))
            }
            _ => None,
        };
        Some(TestStepKind::Expect(function(checked), sides))
    }
}

/// What a name stands for, in words.
fn kind_of(symbol: Symbol) -> &'static str {
    match symbol {
        Symbol::Type(_) => "a type",
        Symbol::Const(_) => "a CONST",
        Symbol::Context(_) => "a CONTEXT value",
        Symbol::Input(_) => "an INPUT",
        Symbol::Metric(_) => "a METRIC",
        Symbol::State(_) => "a STATE variable",
        Symbol::Host(_) => "a host function",
        Symbol::Event(_) => "an EVENT",
        Symbol::Function(_) => "a FUNC",
        Symbol::Case(..) => "a case of an ENUM",
        Symbol::Module(_) => "a used file",
        Symbol::Unknown => "unknown",
    }
}

/// Whether a line of a TEST can make it fail by itself.
pub(crate) fn expects(kind: &Kind) -> bool {
    matches!(
        kind,
        Kind::ExpectNoActions
            | Kind::ExpectAction { .. }
            | Kind::ExpectStop(_)
            | Kind::ExpectFail(_)
            | Kind::Expect(_)
    )
}
