//! The edit that bounds what is unbounded.

use smol_str::SmolStr;
use swarm_bytecode::types::TypeId;
use swarm_grammar::ast::{self, ItemKind};
use swarm_grammar::diagnostic::{Edit, Fix};
use swarm_grammar::source::Sources;
use swarm_grammar::span::Span;

use super::remedy::{Part, Remedy};
use super::sum::Unbounded;

/// The edit for a cause, where one edit will do. The numbers in it are only examples; what is right, the
/// author knows.
pub fn advice(cause: &Unbounded, sources: &Sources) -> Option<Fix> {
    let file = cause.span.file;
    let (program, _) = swarm_grammar::parse(file, sources.get(file).map_or("", |source| source.text()));
    edit(cause.remedy.as_ref()?, &program)
}

/// The edit in this program.
pub(crate) fn edit(remedy: &Remedy, program: &ast::Program) -> Option<Fix> {
    match remedy {
        Remedy::AtMost(span, ty) => {
            let most = example(*ty)?;
            Some(around("give it a greatest value", *span, "min(", &format!(", {most})")))
        }
        Remedy::AtLeast(span) => Some(around("give it a least value", *span, "max(", ", 1)")),
        Remedy::Deadline => {
            let description = "give the INSTRUCTION a DEADLINE";
            let Some((instruction, span)) = program.items.iter().find_map(|item| match &item.kind {
                ItemKind::Instruction(instruction) => Some((instruction, item.span)),
                _ => None,
            }) else {
                let start = Span::new(program.items.first()?.span.file, 0, 0);
                return Some(one(
                    "add an INSTRUCTION with a DEADLINE",
                    start,
                    "INSTRUCTION WATCH { DEADLINE 1h }\n",
                ));
            };
            let (at, text) = match instruction.clauses.first() {
                Some(clause) => (clause.span.before(), "DEADLINE 1h  "),
                None => (closing(span), "DEADLINE 1h "),
            };
            Some(one(description, at, text))
        }
        Remedy::Events(span) => {
            let body = program.items.iter().find_map(|item| match &item.kind {
                ItemKind::On(on) if meet(item.span, *span) => Some(on.body.span),
                _ => None,
            })?;
            Some(one("say how many events are handled", body.before(), "MAX 100 "))
        }
        Remedy::Maximum(span) => {
            let ty = declared_type(program, *span)?;
            Some(one("give its type a MAX", ty.after(), " MAX 100"))
        }
        Remedy::MaximumOf(name, part) => {
            let ty =
                program.items.iter().find_map(|item| part_type(&item.kind, name, part)).and_then(bare)?;
            Some(one(&format!("give its type a MAX where {name} is declared"), ty.after(), " MAX 100"))
        }
    }
}

/// A greatest value of a type, as an example.
fn example(ty: TypeId) -> Option<&'static str> {
    Some(match ty {
        TypeId::INT => "100",
        TypeId::MONEY => "$100",
        TypeId::TOKENS => "10_000 tokens",
        TypeId::PERCENT => "100%",
        TypeId::DURATION => "1h",
        TypeId::BYTES => "1GB",
        TypeId::BANDWIDTH => "1Gbps",
        _ => return None,
    })
}

/// The written type of a part of the declaration of this name.
fn part_type<'a>(item: &'a ItemKind, wanted: &SmolStr, part: &Part) -> Option<&'a ast::TypeExpr> {
    match (item, part) {
        (ItemKind::Host(host), Part::Result) if host.name.text == *wanted => host.result.as_ref(),
        (ItemKind::Func(function), Part::Result) if function.name.text == *wanted => function.result.as_ref(),
        (ItemKind::Event(event), Part::Parameter(at)) if event.name.text == *wanted => {
            event.parameters.get(*at).map(|parameter| &parameter.ty)
        }
        (ItemKind::Type(declared), Part::Field(name)) if declared.name.text == *wanted => {
            let field = declared.fields.iter().find(|field| field.name.text == *name && field.max.is_none());
            field.map(|field| &field.ty)
        }
        _ => None,
    }
}

fn around(description: &str, span: Span, before: &str, after: &str) -> Fix {
    let edit = |span, text: &str| Edit { span, text: text.into() };
    Fix {
        description: description.into(),
        edits: vec![edit(span.before(), before), edit(span.after(), after)],
    }
}

fn one(description: &str, span: Span, text: &str) -> Fix {
    Fix { description: description.into(), edits: vec![Edit { span, text: text.into() }] }
}

/// Just before the closing brace of a declaration.
fn closing(span: Span) -> Span {
    Span { start: span.end.saturating_sub(1), end: span.end.saturating_sub(1), ..span }
}

fn meet(left: Span, right: Span) -> bool {
    left.file == right.file && left.start < right.end && right.start < left.end
}

/// The written type of what is declared at `span`: the name of a LET, of a parameter, of a STATE or INPUT, or
/// a whole declaration.
fn declared_type(program: &ast::Program, span: Span) -> Option<Span> {
    let item = program.items.iter().find(|item| meet(item.span, span))?;
    match &item.kind {
        ItemKind::State(state) => bare(&state.ty),
        ItemKind::Input(field) | ItemKind::Context(field) if field.max.is_none() => bare(&field.ty),
        ItemKind::Func(function) => {
            let parameter = function.parameters.iter().find(|parameter| meet(parameter.name.span, span));
            match parameter {
                Some(parameter) => bare(&parameter.ty),
                None => in_block(&function.body, span).and_then(bare),
            }
        }
        ItemKind::On(on) => in_block(&on.body, span).and_then(bare),
        ItemKind::Every(every) => in_block(&every.body, span).and_then(bare),
        _ => None,
    }
}

/// A type that has no MAX yet.
fn bare(ty: &ast::TypeExpr) -> Option<Span> {
    matches!(ty.kind, ast::TypeExprKind::Generic { .. }).then_some(ty.span)
}

/// The written type of the LET whose name stands at `span`.
fn in_block(block: &ast::Block, span: Span) -> Option<&ast::TypeExpr> {
    use ast::StatementKind as S;
    block.statements.iter().filter(|statement| meet(statement.span, span)).find_map(|statement| {
        match &statement.kind {
            S::Let { name, ty, .. } if meet(name.span, span) => ty.as_ref(),
            S::If { arms, otherwise } => arms
                .iter()
                .find_map(|arm| in_block(&arm.block, span))
                .or_else(|| otherwise.as_ref().and_then(|block| in_block(block, span))),
            S::Match { arms, otherwise, .. } => arms
                .iter()
                .find_map(|arm| in_block(&arm.block, span))
                .or_else(|| otherwise.as_ref().and_then(|block| in_block(block, span))),
            S::For { body, .. } | S::While { body, .. } => in_block(body, span),
            S::Within { body, otherwise, .. } => {
                in_block(body, span).or_else(|| otherwise.as_ref().and_then(|block| in_block(block, span)))
            }
            S::Try { otherwise, .. } | S::Retry { otherwise, .. } => in_block(otherwise, span),
            _ => None,
        }
    })
}
