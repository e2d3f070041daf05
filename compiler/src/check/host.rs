//! ACTION and QUERY: signature, effect class, capability and price.

use std::collections::BTreeMap;

use smol_str::SmolStr;
use swarm_bytecode::module::{Amount, CallCost, Effect, FunctionId, Import};
use swarm_bytecode::types::{Constant, TypeId};
use swarm_grammar::ast::{self, HostClauseKind};
use swarm_grammar::span::Span;

use super::Checker;
use super::body::{Body, Place, Role};
use super::collect::{Host, Plan};
use super::environment::{Answer, Parameter, ScopeId, Signature};
use super::errors;
use crate::typed::{Expr, Function, Statement, StatementKind};

/// Parameters a function may have: each takes a register.
pub(crate) const MAX_PARAMETERS: usize = 200;

/// The clauses of a host function, each at most once.
#[derive(Default)]
struct Clauses<'t> {
    requires: Option<(SmolStr, Span)>,
    idempotent: Option<Span>,
    once: Option<Span>,
    costs: Option<(&'t [ast::Expr], Span)>,
}

impl Checker<'_> {
    /// Every host function. Signatures first: a price may call a function.
    pub(crate) fn hosts(&mut self, plan: &Plan<'_>) {
        let first = self.imports.len();
        for host in &plan.hosts {
            self.env.at = host.function.scope;
            let import = self.host_import(&host.function);
            self.imports.push(import);
        }
        for (at, host) in (first..).zip(&plan.hosts) {
            self.env.at = host.function.scope;
            let cost = self.host_cost(at, &host.function);
            if let Some(import) = self.imports.get_mut(at) {
                import.cost = cost;
            }
            if let Some(theirs) = host.replaces {
                self.same_as_before(at, host, &theirs);
            }
        }
    }

    /// What there is to say of a host function but its price.
    fn host_import(&mut self, function: &ast::HostFunction) -> Import {
        let signature = self.signature(&function.name, &function.parameters, function.result.as_ref());
        self.answers(function);
        let clauses = self.clauses(function);
        let effect = match (function.query, clauses.idempotent, clauses.once) {
            (true, ..) => Effect::Query,
            (false, Some(_), _) => Effect::Idempotent,
            (false, None, Some(_)) => Effect::Once,
            (false, None, None) => Effect::Plain,
        };
        let parameters = signature.parameters.iter().map(|own| own.ty.unwrap_or(TypeId::INT)).collect();
        let result = match signature.answer {
            Answer::Value(ty) if function.query => Some(ty),
            _ => None,
        };
        let import = Import {
            name: function.name.text.clone(),
            parameters,
            result,
            effect,
            capability: clauses.requires.map(|(path, _)| path),
            cost: CallCost::default(),
        };
        self.env.hosts.push(signature);
        import
    }

    /// An ACTION never answers, a QUERY always does (rule 6).
    fn answers(&mut self, function: &ast::HostFunction) {
        let name = &function.name;
        match (&function.result, function.query) {
            (Some(result), false) => {
                let keyword = self.keyword_before(name.span, "ACTION");
                self.report(errors::host::action_with_answer(&name.text, result.span, keyword));
            }
            (None, true) => self.report(errors::host::query_without_answer(&name.text, name.span)),
            _ => {}
        }
    }

    /// The place of the keyword before a name, if it stands right there.
    fn keyword_before(&self, name: Span, keyword: &str) -> Option<Span> {
        let length = u32::try_from(keyword.len()).ok()?;
        let end = name.start.checked_sub(1)?;
        let span = Span { start: end.checked_sub(length)?, end, ..name };
        self.source_text(span).eq_ignore_ascii_case(keyword).then_some(span)
    }

    fn clauses<'t>(&mut self, function: &'t ast::HostFunction) -> Clauses<'t> {
        let mut clauses = Clauses::default();
        for clause in &function.clauses {
            let span = clause.span;
            let (word, first) = match &clause.kind {
                HostClauseKind::Requires(path) => {
                    let text: Vec<&str> = path.iter().map(|name| name.text.as_str()).collect();
                    let value = (text.join(".").into(), span);
                    ("REQUIRES", clauses.requires.replace(value).map(|(_, first)| first))
                }
                HostClauseKind::Idempotent => ("IDEMPOTENT", clauses.idempotent.replace(span)),
                HostClauseKind::Once => ("ONCE", clauses.once.replace(span)),
                HostClauseKind::Costs(costs) => {
                    ("COSTS", clauses.costs.replace((costs, span)).map(|(_, first)| first))
                }
            };
            if let Some(first) = first {
                self.report(errors::header::given_twice(word, span, first));
            } else if function.query && matches!(word, "IDEMPOTENT" | "ONCE") {
                self.report(errors::host::class_of_query(word, span));
            }
        }
        if let (Some(idempotent), Some(once), false) = (clauses.idempotent, clauses.once, function.query) {
            self.report(errors::host::two_classes(once, idempotent));
        }
        clauses
    }

    fn host_cost(&mut self, at: usize, function: &ast::HostFunction) -> CallCost {
        let costs = function.clauses.iter().find_map(|clause| match &clause.kind {
            HostClauseKind::Costs(costs) => Some(costs.as_slice()),
            _ => None,
        });
        let mut cost = CallCost::default();
        let mut seen: BTreeMap<TypeId, Span> = BTreeMap::new();
        for source in costs.unwrap_or(&[]) {
            let Some((ty, amount)) = self.amount(at, source) else { continue };
            if let Some(first) = seen.insert(ty, source.span) {
                let what = if ty == TypeId::MONEY { "a price in money" } else { "a price in tokens" };
                self.report(errors::header::given_twice(what, source.span, first));
            }
            if ty == TypeId::MONEY {
                cost.money = amount;
            } else {
                cost.tokens = amount;
            }
        }
        cost
    }

    /// One price: a constant, or a function of the call's arguments.
    fn amount(&mut self, at: usize, source: &ast::Expr) -> Option<(TypeId, Amount)> {
        let signature = self.env.hosts.get(at)?.clone();
        let name: SmolStr = format!("{} COSTS", signature.name).into();
        let mut body = Body::new(self, Place::Cost, name.clone(), Answer::Nothing);
        for parameter in signature.parameters.iter() {
            body.declare_quietly(&parameter.name, parameter.span, parameter.ty, Role::Parameter);
        }
        let expr = body.expression(source, None)?;
        let ty = expr.ty?;
        if ty != TypeId::MONEY && ty != TypeId::TOKENS {
            let side = body.side(source, ty);
            body.report(errors::host::price_of_what(&side));
            return None;
        }
        let (locals, facts) = body.finish();
        match self.evaluate(&expr) {
            Ok(Some(Constant::Word(word))) if word < 0 => {
                self.report(errors::header::out_of_range(
                    "COSTS",
                    self.quote(source.span),
                    "0 or more",
                    source.span,
                ));
                return None;
            }
            Ok(Some(Constant::Word(word))) => return Some((ty, Amount::Fixed(word))),
            Err(stopped) => {
                self.report_stopped(stopped, "COSTS");
                return None;
            }
            Ok(_) => {}
        }
        let span = source.span;
        let function = Function {
            name,
            span,
            parameters: u32::try_from(signature.parameters.len()).unwrap_or(u32::MAX),
            result: Some(ty),
            locals,
            body: vec![returns(expr)],
            calls: Vec::new(),
        };
        let index = self.add_function(Some(function), facts);
        let id = u16::try_from(index.0).ok().map(FunctionId);
        if id.is_none() {
            self.report(errors::declarations::too_many("functions", 65_000, span));
        }
        Some((ty, Amount::Computed(id?)))
    }

    /// The program declares a host function of the prelude again: nothing a caller relies on may differ, and it
    /// may not get cheaper (rule 10).
    fn same_as_before(&mut self, at: usize, host: &Host<'_>, theirs: &ast::HostFunction) {
        let (known, imports) = (self.diagnostics.len(), self.env.hosts.len());
        self.env.at = ScopeId::PRELUDE;
        let mut before = self.host_import(theirs);
        before.cost = self.host_cost(imports, theirs);
        let their_signature = self.env.hosts.pop();
        self.diagnostics.truncate(known);
        let (Some(own), Some(their_signature)) = (self.imports.get(at), their_signature) else { return };
        let Some(signature) = self.env.hosts.get(at) else { return };
        let names = |signature: &Signature| -> Vec<SmolStr> {
            signature.parameters.iter().map(|parameter| parameter.name.clone()).collect()
        };
        let difference = if own.effect != before.effect {
            "effect class"
        } else if own.parameters != before.parameters || names(signature) != names(&their_signature) {
            "parameters"
        } else if own.result != before.result {
            "answer"
        } else if own.capability != before.capability {
            "capability"
        } else if cheaper(own.cost.money, before.cost.money) || cheaper(own.cost.tokens, before.cost.tokens) {
            "price, which may only be higher"
        } else {
            return;
        };
        let name = &host.function.name;
        let text = self.source_text(self.declaration_span(theirs));
        let diagnostic = errors::host::declared_differently(
            &name.text,
            name.span,
            theirs.name.span,
            difference,
            (host.function.span, text),
        );
        self.report(diagnostic);
    }

    /// All of a host function, from its keyword to its last clause.
    fn declaration_span(&self, function: &ast::HostFunction) -> Span {
        let keyword = if function.query { "QUERY" } else { "ACTION" };
        let start = self.keyword_before(function.name.span, keyword).unwrap_or(function.name.span);
        let end =
            function.clauses.last().map(|clause| clause.span).or(function.result.as_ref().map(|ty| ty.span));
        let end = end.or_else(|| self.closing_parenthesis(function.name.span));
        start.to(end.unwrap_or(function.name.span))
    }

    /// The `)` that closes the parameters behind a name.
    fn closing_parenthesis(&self, name: Span) -> Option<Span> {
        let rest = self.sources.get(name.file)?.text().get(usize::try_from(name.end).ok()?..)?;
        let at = u32::try_from(rest.find(')')?).ok()?;
        let end = name.end.checked_add(at)?.checked_add(1)?;
        Some(Span { start: name.end, end, ..name })
    }

    /// The signature of a function, its parameters' names checked.
    pub(crate) fn signature(
        &mut self,
        name: &ast::Name,
        parameters: &[ast::Parameter],
        result: Option<&ast::TypeExpr>,
    ) -> Signature {
        if parameters.len() > MAX_PARAMETERS {
            self.report(errors::declarations::too_many("parameters", MAX_PARAMETERS, name.span));
        }
        let mut first: BTreeMap<&SmolStr, Span> = BTreeMap::new();
        let mut checked = Vec::with_capacity(parameters.len());
        for parameter in parameters {
            if let Some(first) = first.insert(&parameter.name.text, parameter.name.span) {
                self.report(errors::names::declared_twice(&parameter.name.text, parameter.name.span, first));
            }
            checked.push(Parameter {
                name: parameter.name.text.clone(),
                ty: self.resolve(&parameter.ty),
                span: parameter.name.span,
                default: None,
            });
        }
        let answer = match result {
            None => Answer::Nothing,
            Some(written) => self.resolve(written).map_or(Answer::Unknown, Answer::Value),
        };
        Signature { name: name.text.clone(), span: name.span, parameters: checked.into(), answer }
    }
}

/// A body that is one expression.
pub(crate) fn returns(value: Expr) -> Statement {
    let span = value.span;
    Statement { kind: StatementKind::Return(Some(value)), span }
}

/// Whether a call is, or may be, cheaper than before.
fn cheaper(now: Amount, before: Amount) -> bool {
    match (now, before) {
        (Amount::Fixed(now), Amount::Fixed(before)) => now < before,
        (_, Amount::Fixed(before)) => before > 0,
        (_, Amount::Computed(_)) => true,
    }
}
