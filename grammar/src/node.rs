//! Building of nodes: each gets its place and its depth, and one that would nest too deep is replaced by an
//! error node, so that every tree the parser gives is shallow enough to be walked by recursion.

#![expect(clippy::boxed_local, reason = "the parser's stack holds boxes, so that its entries stay small")]

use smol_str::SmolStr;

use crate::ast::*;
use crate::diagnostic::{Code, Diagnostic};
use crate::lexer::{Docs, RawComment};
use crate::report;
use crate::span::{FileId, Span};
use crate::token::Lexeme;

/// What stands between a call's parentheses.
pub(crate) enum ArgumentList {
    /// Arguments.
    Plain(Vec<Argument>),
    /// `e FOR x IN xs`.
    Generated(Option<Box<Expr>>, Box<Generator>),
}

/// What may follow a field's type.
pub(crate) struct FieldTail {
    pub(crate) max: Option<Box<Expr>>,
    pub(crate) unit: Option<Name>,
    pub(crate) key: Option<(u32, u32)>,
    pub(crate) default: Option<Box<Expr>>,
}

/// The texts and tokens that nodes are built from, and what was found on the way.
pub(crate) struct Builder<'a> {
    pub(crate) file: FileId,
    /// The whole text.
    pub(crate) text: &'a str,
    /// The tokens that are being parsed.
    pub(crate) lexemes: &'a [Lexeme],
    pub(crate) docs: &'a [Docs],
    pub(crate) comments: &'a [RawComment],
    /// Declarations so far.
    pub(crate) items: Vec<Item>,
    /// Which documentation found its declaration or field; indices into `docs`.
    pub(crate) used_docs: Vec<usize>,
    pub(crate) diagnostics: Vec<Diagnostic>,
}

/// A list with one more at its end.
pub(crate) fn push<T>(mut list: Vec<T>, item: T) -> Vec<T> {
    list.push(item);
    list
}

/// A list with one more at its end, taken out of its box.
pub(crate) fn extend<T>(mut list: Vec<T>, item: Box<T>) -> Vec<T> {
    list.push(*item);
    list
}

/// A list of one, taken out of its box. Few have more than two.
pub(crate) fn first<T>(item: Box<T>) -> Vec<T> {
    let mut list = Vec::with_capacity(2);
    list.push(*item);
    list
}

/// A node in a box: the parser's stack holds small things only.
pub(crate) fn boxed<T>(node: T) -> Box<T> {
    Box::new(node)
}

/// Nodes out of their boxes.
pub(crate) fn unbox<T>(list: Vec<Box<T>>) -> Vec<T> {
    list.into_iter().map(|node| *node).collect()
}

/// What may stand somewhere, out of its box.
pub(crate) fn opened<T>(node: Option<Box<T>>) -> Option<T> {
    node.map(|node| *node)
}

impl<'a> Builder<'a> {
    pub(crate) fn new(
        file: FileId,
        text: &'a str,
        lexemes: &'a [Lexeme],
        docs: &'a [Docs],
        comments: &'a [RawComment],
    ) -> Builder<'a> {
        Builder {
            file,
            text,
            lexemes,
            docs,
            comments,
            items: Vec::new(),
            used_docs: Vec::new(),
            diagnostics: Vec::new(),
        }
    }

    pub(crate) fn report(&mut self, diagnostic: Diagnostic) {
        if self.diagnostics.len() < 1000 {
            self.diagnostics.push(diagnostic);
        }
    }

    pub(crate) fn slice(&self, start: u32, end: u32) -> &'a str {
        self.text.get(start as usize..end as usize).unwrap_or("")
    }

    /// The place of a node. Where its last part was left out, the parser gives the start of the next token
    /// for its end; that is put right here.
    pub(crate) fn span(&self, start: u32, end: u32) -> Span {
        let before = (end as usize).checked_sub(1).and_then(|at| self.text.as_bytes().get(at));
        let end = match before {
            Some(byte) if byte.is_ascii_whitespace() => {
                let behind = self.lexemes.partition_point(|lexeme| lexeme.start < end);
                let last = behind.checked_sub(1).and_then(|at| self.lexemes.get(at));
                last.map_or(end, |last| last.end)
            }
            _ => end,
        };
        Span::new(self.file, start, end.max(start))
    }

    pub(crate) fn optional_span(&self, place: Option<(u32, u32)>) -> Option<Span> {
        place.map(|(start, end)| Span::new(self.file, start, end))
    }

    pub(crate) fn name(&self, start: u32, end: u32) -> Name {
        Name { text: SmolStr::new(self.slice(start, end)), span: Span::new(self.file, start, end) }
    }

    /// `file.name` as one name.
    pub(crate) fn dotted(&self, file: Name, name: Name) -> Name {
        Name { text: format!("{}.{}", file.text, name.text).into(), span: file.span.to(name.span) }
    }

    /// The documentation before the token at `at`, its lines joined.
    fn docs_at(&mut self, at: u32) -> SmolStr {
        let Ok(index) = self.docs.binary_search_by_key(&at, |docs| docs.at) else {
            return SmolStr::default();
        };
        let Some(docs) = self.docs.get(index) else { return SmolStr::default() };
        self.used_docs.push(index);
        let mut text = String::new();
        let lines = self.comments.get(docs.first..docs.end).unwrap_or(&[]);
        for (nth, line) in lines.iter().filter(|line| line.doc).enumerate() {
            if nth > 0 {
                text.push('\n');
            }
            let line = self.slice(line.start.saturating_add(3), line.end);
            text.push_str(line.strip_prefix(' ').unwrap_or(line));
        }
        SmolStr::from(text)
    }

    // ----- declarations

    pub(crate) fn item(&mut self, start: u32, kind: Box<ItemKind>, end: u32) {
        let docs = self.docs_at(start);
        let span = self.span(start, end);
        self.items.push(Item { docs, kind: *kind, span });
    }

    /// The event of an ON: START is a word of the language, so its case does not matter.
    pub(crate) fn event(&self, mut event: Name) -> Name {
        if event.text.eq_ignore_ascii_case("START") {
            event.text = SmolStr::new_static("START");
        }
        event
    }

    pub(crate) fn field(
        &mut self,
        start: u32,
        name: Name,
        ty: Box<TypeExpr>,
        tail: FieldTail,
        end: u32,
    ) -> Box<Field> {
        Box::new(Field {
            docs: self.docs_at(start),
            name,
            ty: *ty,
            max: tail.max.map(|max| *max),
            unit: tail.unit,
            key: self.optional_span(tail.key),
            default: tail.default.map(|default| *default),
            span: self.span(start, end),
        })
    }

    pub(crate) fn case(
        &self,
        start: u32,
        name: Name,
        parameters: Option<Vec<Parameter>>,
        end: u32,
    ) -> Box<Case> {
        let parameters = parameters.unwrap_or_default();
        Box::new(Case { name, parameters, span: self.span(start, end) })
    }

    pub(crate) fn clause(&self, start: u32, kind: Box<ClauseKind>, end: u32) -> Box<Clause> {
        Box::new(Clause { kind: *kind, span: self.span(start, end) })
    }

    pub(crate) fn test_item(&self, start: u32, kind: Box<TestItemKind>, end: u32) -> Box<TestItem> {
        Box::new(TestItem { kind: *kind, span: self.span(start, end) })
    }

    // ----- types

    pub(crate) fn ty(&mut self, start: u32, kind: TypeExprKind, end: u32) -> Box<TypeExpr> {
        let span = self.span(start, end);
        let (deepest, reported) = match &kind {
            TypeExprKind::Name(_) | TypeExprKind::Error => (0, false),
            TypeExprKind::Generic { arguments, .. } => {
                arguments.iter().map(type_depth).fold((0, false), deeper)
            }
            TypeExprKind::Quotient(above, below) => deeper(type_depth(above), type_depth(below)),
            TypeExprKind::Optional(inner) => type_depth(inner),
            TypeExprKind::Bounded(inner, max) => deeper(type_depth(inner), expr_depth(max)),
        };
        if deepest >= MAX_DEPTH {
            self.too_deep(span, reported);
            return Box::new(TypeExpr { kind: TypeExprKind::Error, span, depth: MAX_DEPTH });
        }
        Box::new(TypeExpr { kind, span, depth: deepest.saturating_add(1) })
    }

    fn too_deep(&mut self, span: Span, reported: bool) {
        if !reported {
            self.report(report::too_deep(span));
        }
    }

    // ----- statements

    pub(crate) fn statement(&mut self, start: u32, kind: StatementKind, end: u32) -> Box<Statement> {
        let span = self.span(start, end);
        let inner = match &kind {
            StatementKind::If { arms, otherwise } => {
                arms.iter().map(|arm| arm.block.depth).chain(otherwise.iter().map(|block| block.depth)).max()
            }
            StatementKind::Match { arms, otherwise, .. } => {
                arms.iter().map(|arm| arm.block.depth).chain(otherwise.iter().map(|block| block.depth)).max()
            }
            StatementKind::For { body, .. } | StatementKind::While { body, .. } => Some(body.depth),
            StatementKind::Within { body, otherwise, .. } => {
                Some(otherwise.as_ref().map_or(0, |block| block.depth).max(body.depth))
            }
            StatementKind::Try { otherwise, .. } | StatementKind::Retry { otherwise, .. } => {
                Some(otherwise.depth)
            }
            _ => None,
        };
        let inner = inner.unwrap_or(0);
        if inner >= MAX_DEPTH {
            self.too_deep(span, false);
            return Box::new(Statement { kind: StatementKind::Error, span, depth: 1 });
        }
        Box::new(Statement { kind, span, depth: inner.saturating_add(1) })
    }

    pub(crate) fn block(&mut self, start: u32, statements: Vec<Statement>, end: u32) -> Block {
        self.check_indentation(&statements);
        let depth = statements.iter().map(|statement| statement.depth).max().unwrap_or(1);
        Block { statements, span: self.span(start, end), braces: true, depth }
    }

    /// The single statement behind THEN or ELSE.
    pub(crate) fn single(&self, statement: Box<Statement>) -> Block {
        let (span, depth) = (statement.span, statement.depth);
        Block { statements: vec![*statement], span, braces: false, depth }
    }

    pub(crate) fn single_bad(&mut self, start: u32, end: u32) -> Block {
        let statement = self.statement(start, StatementKind::Error, end);
        self.single(statement)
    }

    /// A statement behind THEN that needs braces.
    pub(crate) fn single_long(&mut self, statement: Box<Statement>) -> Block {
        let text = self.slice(statement.span.start, statement.span.end);
        let word = text.split(|c: char| !c.is_ascii_alphabetic()).next().unwrap_or("").to_ascii_uppercase();
        self.report(report::needs_braces(&word, statement.span));
        self.single(statement)
    }

    pub(crate) fn if_arm(
        &self,
        condition: Box<Condition>,
        then: Option<(u32, u32)>,
        block: Block,
    ) -> Box<IfArm> {
        Box::new(IfArm { condition: *condition, then: then.is_some(), block })
    }

    pub(crate) fn if_statement(
        &mut self,
        start: u32,
        arms: Vec<IfArm>,
        otherwise: Option<Block>,
        end: u32,
    ) -> Box<Statement> {
        self.statement(start, StatementKind::If { arms, otherwise }, end)
    }

    pub(crate) fn arm(&self, start: u32, patterns: Vec<Pattern>, block: Block, end: u32) -> Box<MatchArm> {
        Box::new(MatchArm { patterns, block, span: self.span(start, end) })
    }

    /// Statements that look as if they stood under an IF without braces, though only one can (E0019).
    fn check_indentation(&mut self, statements: &[Statement]) {
        let mut under: Option<(Span, usize)> = None;
        let mut trapped: Option<(Span, Span, Span)> = None;
        for statement in statements {
            if let Some((body, indent)) = under
                && self.indent_of(statement.span.start).is_some_and(|own| own > indent)
            {
                let first = trapped.map_or(statement.span, |(_, first, _)| first);
                trapped = Some((body, first, statement.span));
                continue;
            }
            self.report_trapped(trapped.take());
            under = match &statement.kind {
                StatementKind::If { arms, otherwise } => {
                    let body = otherwise.as_ref().or(arms.last().map(|arm| &arm.block));
                    body.filter(|body| !body.braces)
                        .map(|body| (body.span, self.line_indent(statement.span.start)))
                }
                _ => None,
            };
        }
        self.report_trapped(trapped);
    }

    fn report_trapped(&mut self, trapped: Option<(Span, Span, Span)>) {
        if let Some((body, first, last)) = trapped {
            self.report(report::indented_under_if(first, body, last));
        }
    }

    /// White space before a token, where it is the first on its line.
    fn indent_of(&self, at: u32) -> Option<usize> {
        let before = self.text.get(..at as usize)?;
        let line = before.trim_end_matches([' ', '\t']);
        (line.is_empty() || line.ends_with('\n')).then(|| before.len().saturating_sub(line.len()))
    }

    /// White space at the beginning of the line that has this token.
    fn line_indent(&self, at: u32) -> usize {
        let behind = self.lexemes.partition_point(|lexeme| lexeme.start <= at);
        let before = self.lexemes.get(..behind).unwrap_or(&[]);
        let first = before.iter().rev().find(|lexeme| lexeme.line_start);
        first.and_then(|first| self.indent_of(first.start)).unwrap_or(0)
    }

    // ----- expressions

    pub(crate) fn expr(&mut self, start: u32, kind: ExprKind, end: u32) -> Box<Expr> {
        let span = self.span(start, end);
        let (deepest, reported) = deepest(&kind);
        if deepest >= MAX_DEPTH {
            self.too_deep(span, reported);
            return Box::new(Expr { kind: ExprKind::Error, span, depth: MAX_DEPTH });
        }
        Box::new(Expr { kind, span, depth: deepest.saturating_add(1) })
    }

    pub(crate) fn number(&mut self, start: u32, end: u32) -> Box<Expr> {
        let written = self.slice(start, end);
        // `500 USD`: one space, however many were written.
        let mut words = written.split_ascii_whitespace();
        let text = match (words.next(), words.next()) {
            (Some(number), Some(unit)) => SmolStr::from(format!("{number} {unit}")),
            _ => SmolStr::new(written),
        };
        Box::new(Expr { kind: ExprKind::Number(text), span: Span::new(self.file, start, end), depth: 1 })
    }

    pub(crate) fn name_expr(&mut self, start: u32, end: u32) -> Box<Expr> {
        let text = SmolStr::new(self.slice(start, end));
        Box::new(Expr { kind: ExprKind::Name(text), span: Span::new(self.file, start, end), depth: 1 })
    }

    /// An argument without a name; `f(a = 1)` is meant as `f(a: 1)`.
    pub(crate) fn argument(&mut self, value: Box<Expr>) -> Argument {
        if let ExprKind::Binary(BinaryOperator::Equal, place, left, _) = &value.kind
            && let ExprKind::Name(text) = &left.kind
            && let Some(last) = self.diagnostics.last_mut()
            && last.code == Code::E0010
            && last.primary.span == *place
        {
            *last = report::argument_with_equals(*place, left.span);
            let name = Some(Name { text: text.clone(), span: left.span });
            return match value.kind {
                ExprKind::Binary(_, _, _, value) => Argument { name, value },
                _ => Argument { name, value },
            };
        }
        Argument { name: None, value }
    }

    /// `IF c THEN a ELSE IF d THEN b ELSE e` as an expression, from its last ELSE outwards.
    pub(crate) fn choice(&mut self, heads: Vec<(u32, Expr, Expr)>, last: Box<Expr>) -> Box<Expr> {
        let end = last.span.end;
        heads.into_iter().rev().fold(last, |otherwise, (start, condition, then)| {
            let (condition, then) = (Box::new(condition), Box::new(then));
            self.expr(start, ExprKind::If { condition, then, otherwise }, end)
        })
    }

    pub(crate) fn generator(
        &self,
        start: u32,
        binders: Vec<Name>,
        source: Box<Expr>,
        filter: Option<Box<Expr>>,
        end: u32,
    ) -> Box<Generator> {
        let span = self.span(start, end);
        Box::new(Generator { binders, source, filter, span })
    }

    pub(crate) fn aggregate(
        &mut self,
        start: u32,
        aggregate: Aggregate,
        value: Option<Box<Expr>>,
        generator: Box<Generator>,
        end: u32,
    ) -> Box<Expr> {
        self.expr(start, ExprKind::Aggregate { aggregate, value, generator, paren: false }, end)
    }

    pub(crate) fn call(
        &mut self,
        start: u32,
        callee: Box<Expr>,
        arguments: ArgumentList,
        end: u32,
    ) -> Box<Expr> {
        let (value, generator) = match arguments {
            ArgumentList::Plain(arguments) => {
                return self.expr(start, ExprKind::Call { callee, arguments }, end);
            }
            ArgumentList::Generated(value, generator) => (value, generator),
        };
        let aggregate = match &callee.kind {
            ExprKind::Name(name) => aggregate_named(name),
            _ => None,
        };
        let Some(aggregate) = aggregate else {
            self.misplaced_generator(value.as_deref(), generator.span);
            let arguments = value.map(|value| Argument { name: None, value }).into_iter().collect();
            return self.expr(start, ExprKind::Call { callee, arguments }, end);
        };
        if value.is_none() && aggregate != Aggregate::Count {
            let place = generator.span.before();
            self.report(report::unexpected(place, "FOR", "a value, which may be left out only behind COUNT"));
        }
        self.expr(start, ExprKind::Aggregate { aggregate, value, generator, paren: true }, end)
    }

    /// `f(a FOR x IN xs)`, or `f(SUM (a + b) FOR x IN xs)`, where SUM was read as what is called.
    fn misplaced_generator(&mut self, value: Option<&Expr>, generator: Span) {
        let span = value.map_or(generator, |value| value.span);
        let text = self.slice(span.start, span.end);
        let (word, behind) = text.split_at(text.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(0));
        let rest = behind.trim_start();
        let sign = ["(", "[", "-"].into_iter().find(|sign| rest.starts_with(sign));
        self.report(match sign.filter(|_| aggregate_named(word).is_some()) {
            Some(sign) => {
                let place = |length: usize| span.start.saturating_add(u32::try_from(length).unwrap_or(0));
                let end = place(word.len());
                let inside =
                    Span { start: place(text.len().saturating_sub(rest.len())), end: generator.end, ..span };
                report::aggregate_of_a_sign(Span { end, ..span }, &word.to_ascii_uppercase(), sign, inside)
            }
            None => report::misplaced_generator(generator),
        });
    }

    /// Arguments where no aggregate can stand.
    pub(crate) fn plain_arguments(&mut self, arguments: ArgumentList) -> Vec<Argument> {
        match arguments {
            ArgumentList::Plain(arguments) => arguments,
            ArgumentList::Generated(value, generator) => {
                self.misplaced_generator(value.as_deref(), generator.span);
                value.map(|value| Argument { name: None, value }).into_iter().collect()
            }
        }
    }
}

/// The aggregate with this name, in any case.
pub(crate) fn aggregate_named(name: &str) -> Option<Aggregate> {
    Some(match name.to_ascii_uppercase().as_str() {
        "COUNT" => Aggregate::Count,
        "SUM" => Aggregate::Sum,
        "MIN" => Aggregate::Min,
        "MAX" => Aggregate::Max,
        "AVG" => Aggregate::Avg,
        "ANY" => Aggregate::Any,
        "ALL" => Aggregate::All,
        "COLLECT" => Aggregate::Collect,
        _ => return None,
    })
}

/// A depth, and whether it is that of a node that was cut off, and reported, for its depth.
type Depth = (u16, bool);

fn deeper(one: Depth, other: Depth) -> Depth {
    (one.0.max(other.0), one.1 || other.1)
}

fn expr_depth(expr: &Expr) -> Depth {
    (expr.depth, matches!(expr.kind, ExprKind::Error) && expr.depth == MAX_DEPTH)
}

fn type_depth(ty: &TypeExpr) -> Depth {
    (ty.depth, matches!(ty.kind, TypeExprKind::Error) && ty.depth == MAX_DEPTH)
}

fn deepest_of<'a>(exprs: impl Iterator<Item = &'a Expr>) -> Depth {
    exprs.map(expr_depth).fold((0, false), deeper)
}

/// The deepest of an expression's parts.
fn deepest(kind: &ExprKind) -> Depth {
    match kind {
        ExprKind::Number(_) | ExprKind::Bool(_) | ExprKind::None | ExprKind::Name(_) | ExprKind::Error => {
            (0, false)
        }
        ExprKind::String(literal) => deepest_of(literal.parts.iter().filter_map(|part| match part {
            StringPart::Hole(expr) => Some(&**expr),
            StringPart::Text(_) => None,
        })),
        ExprKind::List(items) => deepest_of(items.iter()),
        ExprKind::Map(pairs) => deepest_of(pairs.iter().flat_map(|(key, value)| [key, value])),
        ExprKind::Paren(inner) | ExprKind::Member(inner, _) | ExprKind::Unary(_, inner) => expr_depth(inner),
        ExprKind::Index(one, other) | ExprKind::Range(one, other) | ExprKind::Binary(_, _, one, other) => {
            deeper(expr_depth(one), expr_depth(other))
        }
        ExprKind::Call { callee, arguments } => {
            deeper(expr_depth(callee), deepest_of(arguments.iter().map(|argument| &*argument.value)))
        }
        ExprKind::Aggregate { value, generator, .. } => {
            let inside = [Some(&*generator.source), generator.filter.as_deref(), value.as_deref()];
            deepest_of(inside.into_iter().flatten())
        }
        ExprKind::Top(top) => {
            let Top { count, source, filter, key, .. } = &**top;
            let inside = [Some(&**count), Some(&**source), filter.as_deref(), Some(&**key)];
            deepest_of(inside.into_iter().flatten())
        }
        ExprKind::If { condition, then, otherwise } => {
            deepest_of([&**condition, &**then, &**otherwise].into_iter())
        }
    }
}
