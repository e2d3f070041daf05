//! MATCH: over the cases of an enum, over what may be NONE, and over constants.

use std::collections::BTreeMap;
use std::sync::Arc;

use smol_str::SmolStr;
use swarm_bytecode::types::{Constant, TypeId};
use swarm_grammar::ast::{self, PatternKind};
use swarm_grammar::span::Span;

use super::body::{Body, Role, typed};
use super::conversions::Wanted;
use super::environment::Symbol;
use super::errors;
use super::statements::{Arm, Checked, Head, Step, nested_branches};
use super::types::Kind;
use crate::typed::{BinaryOperation, CaseArm, Comparison, Expr, ExprKind, LocalId, StatementKind};

/// What a pattern stands for in a MATCH over an optional.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Presence {
    Some,
    None,
}

/// A MATCH under check.
struct Match<'s> {
    subject: &'s ast::Expr,
    arms: &'s [ast::MatchArm],
    otherwise: Option<&'s ast::Block>,
    span: Span,
}

impl Body<'_, '_> {
    pub(crate) fn match_statement(
        &mut self,
        subject: &ast::Expr,
        arms: &[ast::MatchArm],
        otherwise: Option<&ast::Block>,
        span: Span,
    ) -> Step {
        let value = self.expression(subject, None);
        let written = Match { subject, arms, otherwise, span };
        let Some((value, ty)) = value.and_then(|value| value.ty.map(|ty| (value, ty))) else {
            return self.unknown_match(&written);
        };
        if self.cx.env.enums.contains_key(&ty) {
            return self.match_cases(&written, value, ty);
        }
        if let Some(inner) = self.cx.types.inner(ty) {
            return self.match_optional(&written, value, inner);
        }
        if self.cx.types.kind(ty) == Kind::Other && !matches!(ty, TypeId::BOOL | TypeId::STRING) {
            if self.unseen(subject, ty, "compared").is_some() {
                let side = self.side(subject, ty);
                self.report(errors::matching::of_what(&side));
            }
            return self.unknown_match(&written);
        }
        self.match_constants(&written, value, ty)
    }

    /// A MATCH whose value was not understood: its blocks are checked for their own sake.
    fn unknown_match(&mut self, written: &Match<'_>) -> Step {
        let mut leaves = true;
        for arm in written.arms {
            let mark = self.open();
            self.unknown_names(&arm.patterns);
            leaves &= self.block(&arm.block).leaves;
            self.close(mark);
        }
        leaves &= written.otherwise.is_none_or(|block| self.block(block).leaves);
        Step { before: None, kind: None, leaves }
    }

    /// Declares the names in patterns that were not understood.
    fn unknown_names(&mut self, patterns: &[ast::Pattern]) {
        for pattern in patterns {
            if let PatternKind::Case { binders, .. } = &pattern.kind {
                for binder in binders {
                    self.declare(&binder.text, binder.span, None, Role::Pattern);
                }
            }
        }
    }

    fn match_cases(&mut self, written: &Match<'_>, value: Expr, ty: TypeId) -> Step {
        let count = self.cx.env.enums.get(&ty).map_or(0, |own| own.cases.len());
        let mut seen: Vec<Option<Span>> = vec![None; count];
        let mut arms = Vec::with_capacity(written.arms.len());
        let (mut understood, mut leaves) = (true, true);
        for arm in written.arms {
            let mark = self.open();
            let mut cases = Vec::new();
            let mut binders = Vec::new();
            for pattern in &arm.patterns {
                let found = self.case_pattern(pattern, ty);
                understood &= found.is_some();
                let Some((case, names)) = found else {
                    self.unknown_names(std::slice::from_ref(pattern));
                    continue;
                };
                match seen.get_mut(usize::from(case)) {
                    Some(Some(first)) => {
                        let first = *first;
                        self.already_matched(pattern, first, arm);
                    }
                    Some(first) => *first = Some(pattern.span),
                    None => {}
                }
                if arm.patterns.len() > 1 && !names.is_empty() {
                    self.report(errors::matching::names_for_several(pattern.span));
                }
                cases.push(case);
                binders.extend(self.payload_names(ty, case, names));
            }
            let block = self.block(&arm.block);
            self.close(mark);
            leaves &= block.leaves;
            arms.push(CaseArm { cases, binders, body: block.statements });
        }
        let otherwise = written.otherwise.map(|block| self.block(block));
        if understood {
            let missing: Vec<String> = self.missing_cases(ty, &seen);
            self.complete(written, &missing, true);
        }
        leaves &= otherwise.as_ref().is_none_or(|block| block.leaves);
        let otherwise = otherwise.map_or_else(Vec::new, |block| block.statements);
        let kind = understood.then_some(StatementKind::Match { subject: value, arms, otherwise });
        Step { before: None, kind, leaves }
    }

    fn missing_cases(&self, ty: TypeId, seen: &[Option<Span>]) -> Vec<String> {
        let Some(own) = self.cx.env.enums.get(&ty) else { return Vec::new() };
        let missing = own.cases.iter().zip(seen).filter(|(_, seen)| seen.is_none());
        missing.map(|(case, _)| case.name.to_string()).collect()
    }

    /// The case a pattern names, with the names for its payload.
    fn case_pattern<'s>(&mut self, pattern: &'s ast::Pattern, ty: TypeId) -> Option<(u8, &'s [ast::Name])> {
        let (path, binders) = match &pattern.kind {
            PatternKind::Path(path) => (path, &[][..]),
            PatternKind::Case { path, binders } => (path, binders.as_slice()),
            PatternKind::Literal(literal) => {
                let name = self.cx.types.name(ty);
                self.report(errors::matching::no_case(&self.cx.quote(literal.span), &name, literal.span));
                return None;
            }
        };
        let case = self.case_named(path, ty)?;
        let payload = self.cx.env.case(ty, case)?.clone();
        if matches!(pattern.kind, PatternKind::Case { .. }) && binders.len() != payload.parameters.len() {
            self.report(errors::events::names_by_position(&payload, binders, pattern.span));
            return None;
        }
        Some((case, binders))
    }

    /// The case of an enum that a pattern names, with or without the enum's name before it.
    fn case_named(&mut self, path: &[ast::Name], ty: TypeId) -> Option<u8> {
        let (name, before) = path.split_last()?;
        if let Some(owner) = before.last() {
            let named = self.symbol_of_path(before);
            if named == Some(Symbol::Unknown) {
                return None;
            }
            if named != Some(Symbol::Type(ty)) {
                let own = self.cx.types.name(ty);
                self.report(errors::matching::other_enum(&owner.text, &own, owner.span));
                return None;
            }
        }
        self.case_of(ty, name)
    }

    /// The case of this name; what is missing is reported.
    pub(crate) fn case_of(&mut self, ty: TypeId, name: &ast::Name) -> Option<u8> {
        let own = self.cx.env.enums.get(&ty)?;
        let position = own.cases.iter().position(|case| case.name == name.text);
        if position.is_none() {
            let cases = own.cases.iter().filter(|_| self.cx.env.suggests);
            let near = errors::nearest(&name.text, cases.map(|case| case.name.as_str()));
            let diagnostic = errors::matching::unknown_case(name, &own.name, own.span, near);
            self.report(diagnostic);
        }
        u8::try_from(position?).ok()
    }

    /// What names with dots between them stand for: a declaration of this file, or of one it uses.
    fn symbol_of_path(&self, path: &[ast::Name]) -> Option<Symbol> {
        match path {
            [name] => self.symbol(&name.text),
            [alias, name] => match self.symbol(&alias.text)? {
                Symbol::Module(scope) => self.cx.env.own(scope, &name.text).map(|own| own.symbol),
                Symbol::Unknown => Some(Symbol::Unknown),
                _ => None,
            },
            _ => None,
        }
    }

    /// Locals for the payload of a case.
    fn payload_names(&mut self, ty: TypeId, case: u8, names: &[ast::Name]) -> Vec<(u8, LocalId)> {
        let parameters =
            self.cx.env.case(ty, case).map_or_else(Arc::default, |case| Arc::clone(&case.parameters));
        let pairs = (0..=u8::MAX).zip(names.iter().zip(parameters.iter()));
        let mut binders = Vec::with_capacity(names.len());
        for (field, (name, parameter)) in pairs {
            binders.push((field, self.declare(&name.text, name.span, parameter.ty, Role::Pattern)));
        }
        binders
    }

    /// A pattern for what an earlier one has taken.
    fn already_matched(&mut self, pattern: &ast::Pattern, first: Span, arm: &ast::MatchArm) {
        let alone = arm.patterns.len() == 1;
        let text = self.cx.quote(pattern.span);
        self.report(errors::matching::twice(&text, pattern.span, first, alone.then_some(arm.span)));
    }

    /// Reports what no arm is for, and an ELSE for which nothing is left.
    fn complete(&mut self, written: &Match<'_>, missing: &[String], list: bool) {
        match written.otherwise {
            None if !missing.is_empty() => {
                let brace = Span { start: written.span.end.saturating_sub(1), ..written.span };
                let subject = self.cx.quote(written.subject.span);
                let found = errors::matching::incomplete(
                    &subject,
                    written.subject.span,
                    missing,
                    brace.before(),
                    list,
                );
                self.report(found);
            }
            Some(block) if missing.is_empty() => {
                let from = written.arms.last().map_or(block.span.start, |arm| arm.span.end);
                self.report(errors::matching::nothing_left(block.span, Span { start: from, ..block.span }));
            }
            _ => {}
        }
    }

    fn match_optional(&mut self, written: &Match<'_>, value: Expr, inner: TypeId) -> Step {
        let mut some: Option<(LocalId, Checked)> = None;
        let mut none: Option<Checked> = None;
        // Where SOME and NONE stand.
        let mut seen: (Option<Span>, Option<Span>) = (None, None);
        let mut understood = true;
        for arm in written.arms {
            let mark = self.open();
            let mut presences = Vec::new();
            let mut local = None;
            for pattern in &arm.patterns {
                let Some((presence, name)) = self.presence(pattern, inner) else {
                    understood = false;
                    self.unknown_names(std::slice::from_ref(pattern));
                    continue;
                };
                let known = if presence == Presence::Some { &mut seen.0 } else { &mut seen.1 };
                match *known {
                    Some(first) => self.already_matched(pattern, first, arm),
                    None => *known = Some(pattern.span),
                }
                if let Some(name) = name {
                    if arm.patterns.len() > 1 {
                        self.report(errors::matching::names_for_several(pattern.span));
                    }
                    local = Some(self.declare(&name.text, name.span, Some(inner), Role::Pattern));
                }
                presences.push(presence);
            }
            let block = self.block(&arm.block);
            self.close(mark);
            if presences.contains(&Presence::None) && none.is_none() {
                none = Some(block);
            } else if let Some(local) = local {
                some.get_or_insert((local, block));
            }
        }
        let otherwise = written.otherwise.map(|block| self.block(block));
        if understood {
            let missing = [("SOME(x)", seen.0), ("NONE", seen.1)].into_iter();
            let missing: Vec<String> =
                missing.filter(|(_, seen)| seen.is_none()).map(|(text, _)| text.to_owned()).collect();
            self.complete(written, &missing, true);
        }
        let mut last = otherwise;
        let (local, then) = match some {
            Some((local, block)) => (local, Some(block)),
            None => (self.hidden("", written.subject.span, inner), last.take()),
        };
        let none = none.or(last);
        let leaves = then.as_ref().is_some_and(|block| block.leaves)
            && none.as_ref().is_some_and(|block| block.leaves);
        let body = |block: Option<Checked>| block.map_or_else(Vec::new, |block| block.statements);
        let kind = understood.then(|| StatementKind::IfSome {
            optional: value,
            local,
            then: body(then),
            otherwise: body(none),
        });
        Step { before: None, kind, leaves }
    }

    /// `SOME(x)` or `NONE`.
    fn presence<'s>(
        &mut self,
        pattern: &'s ast::Pattern,
        inner: TypeId,
    ) -> Option<(Presence, Option<&'s ast::Name>)> {
        match &pattern.kind {
            PatternKind::Literal(literal) if super::expressions::is_none(literal) => {
                return Some((Presence::None, None));
            }
            PatternKind::Case { path, binders } => {
                if let ([word], [name]) = (path.as_slice(), binders.as_slice())
                    && word.text.eq_ignore_ascii_case("some")
                {
                    return Some((Presence::Some, Some(name)));
                }
            }
            _ => {}
        }
        let name = self.cx.types.name(inner);
        self.report(errors::matching::some_or_none(&self.cx.quote(pattern.span), &name, pattern.span));
        None
    }

    /// A MATCH over constants is a row of IFs over a value taken once.
    fn match_constants(&mut self, written: &Match<'_>, value: Expr, ty: TypeId) -> Step {
        if self.too_many_in_a_row(written.arms.len(), written.span) {
            return Step::next(None);
        }
        let at = written.subject.span;
        let local = self.hidden("", at, ty);
        let mut seen: BTreeMap<ConstantKey, Span> = BTreeMap::new();
        let mut arms = Vec::with_capacity(written.arms.len());
        let nesting = self.nesting;
        for arm in written.arms {
            let mark = self.open();
            let mut tests = Vec::new();
            let mut whole = true;
            for pattern in &arm.patterns {
                let constant = self.constant_pattern(pattern, ty);
                whole &= constant.is_some();
                let Some((constant, expr)) = constant else {
                    self.unknown_names(std::slice::from_ref(pattern));
                    continue;
                };
                match seen.get(&constant) {
                    Some(first) => self.already_matched(pattern, *first, arm),
                    None => {
                        seen.insert(constant, pattern.span);
                    }
                }
                let operation = BinaryOperation::Compare(Comparison::Equal);
                let left = typed(ExprKind::Local(local), ty, at);
                let kind = ExprKind::Binary(operation, Box::new(left), Box::new(expr));
                tests.push(typed(kind, TypeId::BOOL, pattern.span));
            }
            let block = self.block(&arm.block);
            self.close(mark);
            let head = any_of(tests).filter(|_| whole).map(Head::Condition);
            arms.push(Arm { head, block, span: arm.block.span });
            self.nesting = self.nesting.saturating_add(1);
        }
        let mut last = written.otherwise.map(|block| self.block(block));
        self.nesting = nesting;
        if arms.iter().all(|arm| arm.head.is_some()) {
            let missing = missing_constants(ty, &seen);
            self.complete(written, &missing, false);
            if missing.is_empty() && last.is_none() {
                // The last arm is for all that is left.
                last = arms.pop().map(|arm| arm.block);
            }
        }
        let step = nested_branches(arms, last);
        let before = step.kind.is_some().then_some(StatementKind::Let { local, value });
        Step { before, ..step }
    }

    /// A pattern that is a literal or a CONST: its value, and the expression for it.
    fn constant_pattern(&mut self, pattern: &ast::Pattern, ty: TypeId) -> Option<(ConstantKey, Expr)> {
        let wanted = Wanted::words("a pattern of this MATCH");
        let expr = match &pattern.kind {
            PatternKind::Literal(literal) => self.value(literal, ty, &wanted)?,
            PatternKind::Path(path) => {
                let text: Vec<&str> = path.iter().map(|name| name.text.as_str()).collect();
                match self.symbol_of_path(path) {
                    Some(Symbol::Const(at)) => {
                        let value = self.cx.constant_value(at, pattern.span)?;
                        let name = path.last()?;
                        let kind = ast::ExprKind::Name(text.join(".").into());
                        let span = path.first()?.span.to(name.span);
                        let source = ast::Expr { kind, span, depth: 1 };
                        self.convert(Expr { span, ..value }, &source, ty, &wanted)?
                    }
                    Some(Symbol::Unknown) => return None,
                    _ => {
                        self.not_a_constant_pattern(path, &text.join("."), pattern.span);
                        return None;
                    }
                }
            }
            PatternKind::Case { .. } => {
                let name = self.cx.types.name(ty);
                self.report(errors::matching::no_case(&self.cx.quote(pattern.span), &name, pattern.span));
                return None;
            }
        };
        if matches!(self.cx.types.kind(ty), Kind::Float | Kind::Rate(_)) {
            self.report(errors::warnings::float_equality(pattern.span));
        }
        let constant = self.cx.evaluate(&expr).ok().flatten()?;
        Some((constant_key(constant)?, expr))
    }

    /// A bare name is always a case or a CONST, never a new name (rule 32).
    fn not_a_constant_pattern(&mut self, path: &[ast::Name], text: &str, span: Span) {
        if self.incomplete {
            return;
        }
        let constants = self.cx.env.names().filter(|(_, symbol)| matches!(symbol, Symbol::Const(_)));
        let near = errors::nearest(text, constants.map(|(name, _)| name)).map(str::to_owned);
        let known = path.len() == 1 && (self.local(text).is_some() || self.symbol(text).is_some());
        self.report(errors::matching::not_a_constant(text, span, known, near.as_deref()));
    }
}

/// One condition of several: balanced, so that many of them do not nest deep.
fn any_of(tests: Vec<Expr>) -> Option<Expr> {
    let mut row = tests;
    while row.len() > 1 {
        let mut next = Vec::with_capacity(row.len().div_ceil(2));
        let mut rest = row.into_iter();
        while let Some(left) = rest.next() {
            next.push(match rest.next() {
                Some(right) => {
                    let span = left.span.to(right.span);
                    typed(ExprKind::Or(Box::new(left), Box::new(right)), TypeId::BOOL, span)
                }
                None => left,
            });
        }
        row = next;
    }
    row.pop()
}

/// A constant as one looks for it: a number, or the bits of a float, and a text. Only those of one type are
/// compared.
pub(crate) type ConstantKey = (i64, SmolStr);

pub(crate) fn constant_key(constant: Constant) -> Option<ConstantKey> {
    match constant {
        Constant::Word(word) => Some((word, SmolStr::default())),
        Constant::Float(float) => Some((float.to_bits().cast_signed(), SmolStr::default())),
        Constant::String(text) => Some((0, text)),
        Constant::Empty | Constant::Case(_) => None,
    }
}

/// What no pattern is for: only TRUE and FALSE can all be named.
fn missing_constants(ty: TypeId, seen: &BTreeMap<ConstantKey, Span>) -> Vec<String> {
    if ty != TypeId::BOOL {
        return vec!["other values".to_owned()];
    }
    let named = |word: i64| seen.contains_key(&(word, SmolStr::default()));
    let missing = [(1, "TRUE"), (0, "FALSE")].into_iter().filter(|(word, _)| !named(*word));
    missing.map(|(_, text)| text.to_owned()).collect()
}
