//! Calls: of functions, of the host, of a TYPE (which makes a record) and of a case of an ENUM.

use smol_str::SmolStr;
use swarm_bytecode::module::ImportId;
use swarm_bytecode::types::{Constant, TypeId};
use swarm_grammar::ast;
use swarm_grammar::diagnostic::Diagnostic;
use swarm_grammar::span::Span;

use super::body::{Body, Place, typed};
use super::conversions::Wanted;
use super::effects::{Call, Effect};
use super::environment::{Answer, Parameter, Signature, Symbol};
use super::errors;
use super::evaluate::constant_kind;
use super::types::MAX_TYPE_DEPTH;
use crate::typed::{Expr, ExprKind, FunctionIndex};

impl Body<'_, '_> {
    /// Checks a call. Its type is `None` where it answers nothing. `expected` is the type its place would like.
    pub(crate) fn call(
        &mut self,
        callee: &ast::Expr,
        arguments: &[ast::Argument],
        span: Span,
        expected: Option<TypeId>,
    ) -> Option<Expr> {
        let name: SmolStr = match &callee.kind {
            ast::ExprKind::Name(name) => name.clone(),
            _ => self.cx.quote(callee.span).into(),
        };
        if let Some(figure) = self.figure(&name, arguments, callee.span, span) {
            return figure;
        }
        let Some(symbol) = self.path(callee) else {
            return self.call_unresolved(callee, &name, arguments, span, expected);
        };
        if let Some(diagnostic) = self.not_in_constant(symbol, &name, callee.span) {
            self.evaluate_only(arguments);
            self.report(diagnostic);
            return None;
        }
        match symbol {
            Symbol::Function(id) => self.call_function(id, arguments, callee.span, span),
            Symbol::Host(id) => self.call_host(id, &name, arguments, callee.span, span),
            Symbol::Type(ty) if !self.cx.env.enums.contains_key(&ty) => self.construct(ty, arguments, span),
            Symbol::Case(ty, case) => self.construct_case((ty, case), arguments, callee.span, span),
            Symbol::Unknown => {
                self.evaluate_only(arguments);
                None
            }
            symbol => {
                self.evaluate_only(arguments);
                let what = match symbol {
                    Symbol::Const(_) => "a CONST",
                    Symbol::Context(_) => "a CONTEXT value",
                    Symbol::Input(_) => "an INPUT",
                    Symbol::State(_) => "a STATE variable",
                    Symbol::Event(_) => "an EVENT",
                    Symbol::Module(_) => "a used file",
                    Symbol::Type(_) => "an ENUM",
                    _ => "a METRIC",
                };
                self.report(errors::calls::not_callable(&name, callee.span, what));
                None
            }
        }
    }

    /// A call of something that no declaration stands for: a case by its bare name, a native, or a slip.
    fn call_unresolved(
        &mut self,
        callee: &ast::Expr,
        name: &SmolStr,
        arguments: &[ast::Argument],
        span: Span,
        expected: Option<TypeId>,
    ) -> Option<Expr> {
        if !matches!(callee.kind, ast::ExprKind::Name(_)) {
            self.evaluate_only(arguments);
            return self.bad_callee(callee, arguments, span);
        }
        if let Some(info) = self.local(name).and_then(|id| self.info_mut(id)) {
            info.read = true;
            self.evaluate_only(arguments);
            self.report(errors::calls::not_callable(name, callee.span, "a variable"));
            return None;
        }
        match self.cx.env.cases(name)[..] {
            [case] => return self.construct_case(case, arguments, callee.span, span),
            [] => {}
            _ => {
                self.evaluate_only(arguments);
                return self.ambiguous_case(name, callee.span, expected);
            }
        }
        match name.as_str() {
            "len" => self.length(arguments, callee.span, span),
            "time" => self.time(arguments, callee.span, span),
            _ if super::natives::is_builtin(name) => {
                self.native(name, arguments, callee.span, span, expected)
            }
            _ => self.unknown_callee(name, arguments, callee.span),
        }
    }

    /// Constants call nothing but types: they are computed before signatures are known.
    fn not_in_constant(&self, symbol: Symbol, name: &SmolStr, span: Span) -> Option<Diagnostic> {
        let Place::Constant(what) = self.place else { return None };
        let calls = matches!(symbol, Symbol::Function(_) | Symbol::Host(_));
        calls.then(|| errors::constants::not_constant(name, span, what))
    }

    fn unknown_callee(&mut self, name: &SmolStr, arguments: &[ast::Argument], span: Span) -> Option<Expr> {
        self.evaluate_only(arguments);
        if !self.incomplete && self.unknown.insert(name.clone()) {
            let callable = self.cx.env.names().filter(|(_, symbol)| {
                matches!(symbol, Symbol::Function(_) | Symbol::Host(_) | Symbol::Type(_))
            });
            let own = callable.map(|(name, _)| name).chain(self.cx.env.case_names());
            let near =
                errors::nearest(name, own).or_else(|| errors::nearest(name, super::natives::builtins()));
            let near = near.or_else(|| errors::natives::other_name(name)).map(str::to_owned);
            self.report(errors::names::unknown_function(name, span, near.as_deref()));
        }
        None
    }

    /// Checks arguments for their own sake, where what they are for is not known.
    pub(crate) fn evaluate_only(&mut self, arguments: &[ast::Argument]) {
        for argument in arguments {
            if !super::expressions::takes_type(&argument.value) {
                self.expression(&argument.value, None);
            }
        }
    }

    fn bad_callee(&mut self, callee: &ast::Expr, arguments: &[ast::Argument], whole: Span) -> Option<Expr> {
        match &callee.kind {
            ast::ExprKind::Error => {}
            ast::ExprKind::Member(value, method) => {
                let text = self.cx.quote(value.span);
                let name = &method.text;
                if let ast::ExprKind::Name(own) = &value.kind
                    && self.local(own).is_none()
                    && self.symbol(own).is_none()
                {
                    // `console.log`, `math.floor`: the name of a module elsewhere.
                    let builtin = super::natives::is_builtin(name).then_some(name.as_str());
                    let near = builtin.or_else(|| errors::natives::other_name(name));
                    let whole = format!("{text}.{name}");
                    self.report(errors::names::unknown_function(&whole, value.span.to(method.span), near));
                    return None;
                }
                let function = matches!(self.symbol(name), Some(Symbol::Function(_) | Symbol::Host(_)));
                let known = if function || super::natives::is_builtin(name) {
                    Some(name.as_str())
                } else {
                    errors::natives::other_name(name)
                };
                let first = arguments.first();
                let first = first.map(|first| first.name.as_ref().map_or(first.value.span, |name| name.span));
                let place = (whole, first);
                self.report(errors::calls::method((&text, value.span), method, known, place));
            }
            _ => {
                let text = self.cx.quote(callee.span);
                self.report(errors::calls::not_callable(&text, callee.span, "a value"));
            }
        }
        None
    }

    fn call_function(
        &mut self,
        id: FunctionIndex,
        arguments: &[ast::Argument],
        at: Span,
        span: Span,
    ) -> Option<Expr> {
        let signature = self.cx.env.function(id)?.clone();
        let arguments = self.arguments(&signature, arguments, at);
        self.facts.calls.push(Call { callee: id, span: at, allowed: self.allowed });
        result(ExprKind::Call(id, arguments?), signature.answer, span)
    }

    fn call_host(
        &mut self,
        id: ImportId,
        name: &SmolStr,
        arguments: &[ast::Argument],
        at: Span,
        span: Span,
    ) -> Option<Expr> {
        let signature = self.cx.env.host(id)?.clone();
        let arguments = self.arguments(&signature, arguments, at);
        let effect = if self.cx.host_is_query(id) { Effect::Query } else { Effect::Action };
        if !self.effect(effect, name, at) || !self.once(id, name, at) {
            return None;
        }
        result(ExprKind::Host(id, arguments?), signature.answer, span)
    }

    /// Notes an action that is ONCE, and reports it in a block that can be undone; says whether it may stand
    /// here.
    fn once(&mut self, id: ImportId, name: &SmolStr, at: Span) -> bool {
        let class = self.cx.imports.get(id.index()).map(|import| import.effect);
        if class != Some(swarm_bytecode::module::Effect::Once) {
            return true;
        }
        self.facts.note(Effect::Once);
        let allowed = self.allowed.admits(Effect::Once);
        if !allowed && let Some(held) = self.held {
            self.report(errors::host::once_that_may_be_undone(name, at, held));
        }
        allowed
    }

    /// `critical(cve: "x")`
    fn construct_case(
        &mut self,
        (ty, case): (TypeId, u8),
        arguments: &[ast::Argument],
        at: Span,
        span: Span,
    ) -> Option<Expr> {
        let signature = self.cx.env.case(ty, case)?.clone();
        if signature.parameters.is_empty() {
            self.evaluate_only(arguments);
            self.report(errors::matching::no_payload(&signature, at, span));
            return None;
        }
        let payload = self.arguments(&signature, arguments, at)?;
        Some(typed(ExprKind::Case(case, payload), ty, span))
    }

    /// `Task(id: "t1")`
    fn construct(&mut self, ty: TypeId, arguments: &[ast::Argument], span: Span) -> Option<Expr> {
        let signature = self.cx.env.records.get(&ty)?.clone();
        let fields = self.arguments(&signature, arguments, span)?;
        Some(typed(ExprKind::Record(fields), ty, span))
    }

    /// Brings the arguments of a call into the order of the parameters, each checked against its type.
    pub(crate) fn arguments(
        &mut self,
        signature: &Signature,
        arguments: &[ast::Argument],
        at: Span,
    ) -> Option<Vec<Expr>> {
        let mut values: Vec<Option<Expr>> = vec![None; signature.parameters.len()];
        let mut given = vec![false; signature.parameters.len()];
        let mut understood = true;
        let mut named = false;
        let names = arguments.iter().filter_map(|argument| argument.name.as_ref());
        self.cx.named_arguments.extend(names.map(|name| name.text.clone()));
        for (position, argument) in arguments.iter().enumerate() {
            let place = match &argument.name {
                None if named => {
                    self.report(errors::calls::position_after_name(argument.value.span));
                    None
                }
                None => Some(position),
                Some(name) => {
                    named = true;
                    self.parameter_named(signature, name)
                }
            };
            let parameter = place.and_then(|place| signature.parameters.get(place));
            let (Some(place), Some(parameter)) = (place, parameter) else {
                if place.is_some() {
                    let extra = arguments.get(position.saturating_sub(1)).filter(|_| position > 0);
                    let from = extra.map_or(argument.value.span.start, |before| before.value.span.end);
                    self.report(errors::calls::too_many(
                        signature,
                        arguments.len(),
                        argument.value.span,
                        from,
                    ));
                }
                // Further ones beyond the last parameter are the same slip.
                return None;
            };
            if given.get(place) == Some(&true) {
                let span = argument.name.as_ref().map_or(argument.value.span, |name| name.span);
                self.report(errors::calls::given_twice(&parameter.name, span));
                understood = false;
                continue;
            }
            if let Some(given) = given.get_mut(place) {
                *given = true;
            }
            let value = self.argument(parameter, &argument.value);
            understood &= value.is_some();
            if let Some(slot) = values.get_mut(place) {
                *slot = value;
            }
        }
        self.fill_in(signature, &mut values, &given, at)?;
        if understood { values.into_iter().collect() } else { None }
    }

    fn argument(&mut self, parameter: &Parameter, source: &ast::Expr) -> Option<Expr> {
        let wanted = Wanted::declared(parameter.name.clone(), parameter.span);
        self.maybe_value(source, parameter.ty, &wanted)
    }

    fn parameter_named(&mut self, signature: &Signature, name: &ast::Name) -> Option<usize> {
        let place = signature.parameters.iter().position(|parameter| parameter.name == name.text);
        if place.is_none() {
            let near = errors::nearest(&name.text, signature.parameters.iter().map(|own| own.name.as_str()));
            self.report(errors::calls::unknown_argument(signature, name, near));
        }
        place
    }

    /// A default as an expression; of a record all its defaults are spelt out. `depth` is how many records it
    /// stands in.
    fn default_expr(&mut self, default: &Constant, ty: TypeId, span: Span, depth: u16) -> Option<Expr> {
        let kind = match (default, self.cx.env.records.get(&ty)) {
            // Deeper than any type can nest; whoever declares the types is told so.
            (Constant::Empty, Some(_)) if depth > MAX_TYPE_DEPTH => return None,
            (Constant::Empty, Some(record)) => {
                let fields: Vec<_> =
                    record.parameters.iter().map(|field| (field.default.clone(), field.ty)).collect();
                self.cx.write_out(fields.len(), span)?;
                let mut values = Vec::with_capacity(fields.len());
                for (default, ty) in fields {
                    values.push(self.default_expr(&default?, ty?, span, depth.saturating_add(1))?);
                }
                ExprKind::Record(values)
            }
            _ => constant_kind(default.clone()),
        };
        Some(typed(kind, ty, span))
    }

    /// Puts defaults where a call leaves a parameter out, and reports those that have none.
    fn fill_in(
        &mut self,
        signature: &Signature,
        values: &mut [Option<Expr>],
        given: &[bool],
        at: Span,
    ) -> Option<()> {
        let mut missing = Vec::new();
        for ((parameter, value), given) in signature.parameters.iter().zip(values).zip(given) {
            if *given {
                continue;
            }
            match (&parameter.default, parameter.ty) {
                (Some(default), Some(ty)) => *value = self.default_expr(default, ty, at, 0),
                // Its type or its default was not understood.
                (_, None) => {}
                (None, Some(_)) => missing.push(parameter),
            }
        }
        if missing.is_empty() {
            return Some(());
        }
        let missing: Vec<String> = missing
            .iter()
            .map(|parameter| {
                let ty = parameter.ty.map_or_else(String::new, |ty| self.cx.types.name(ty));
                format!("{}: {ty}", parameter.name)
            })
            .collect();
        self.report(errors::calls::missing(signature, &missing, at));
        None
    }
}

fn result(kind: ExprKind, answer: Answer, span: Span) -> Option<Expr> {
    match answer {
        Answer::Nothing => Some(Expr { kind, ty: None, span }),
        Answer::Value(ty) => Some(typed(kind, ty, span)),
        Answer::Unknown => None,
    }
}
