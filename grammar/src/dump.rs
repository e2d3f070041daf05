//! The tree as text: one line a declaration, in brackets, without places. For tests, and for people who
//! wonder how something is read.

use std::fmt::Write as _;

use crate::ast::*;

/// The tree of a program as compact text. Two programs that differ only in layout, comments and places give
/// the same text.
pub fn dump(program: &Program) -> String {
    let mut out = String::new();
    for item in &program.items {
        if !item.docs.is_empty() {
            let _ = writeln!(out, "/// {:?}", item.docs);
        }
        out.push_str(&item_text(&item.kind));
        out.push('\n');
    }
    out
}

/// `(head part part …)`.
fn node(head: &str, parts: impl IntoIterator<Item = String>) -> String {
    let mut out = format!("({head}");
    for part in parts {
        out.push(' ');
        out.push_str(&part);
    }
    out.push(')');
    out
}

/// `-` where there is nothing.
fn optional<T>(part: Option<&T>, text: impl Fn(&T) -> String) -> String {
    part.map_or_else(|| "-".to_owned(), text)
}

fn names(names: &[Name]) -> String {
    node("names", names.iter().map(|name| name.text.to_string()))
}

fn path(names: &[Name]) -> String {
    names.iter().map(|name| name.text.as_str()).collect::<Vec<_>>().join(".")
}

fn item_text(kind: &ItemKind) -> String {
    match kind {
        ItemKind::Instruction(it) => node(
            &format!("instruction {}", it.name.text),
            it.clauses.iter().map(|clause| clause_text(&clause.kind)),
        ),
        ItemKind::Use(Use::Standard(names)) => node("use", [path(names)]),
        ItemKind::Use(Use::File { path, alias }) => {
            node("use-file", [string(path), optional(alias.as_ref(), |name| name.text.to_string())])
        }
        ItemKind::Const(it) => {
            node("const", [it.name.text.to_string(), optional(it.ty.as_ref(), type_text), expr(&it.value)])
        }
        ItemKind::Type(it) => node(&format!("type {}", it.name.text), it.fields.iter().map(field)),
        ItemKind::Enum(it) => node(&format!("enum {}", it.name.text), it.cases.iter().map(case)),
        ItemKind::Context(it) => node("context", [field(it)]),
        ItemKind::Input(it) => node("input", [field(it)]),
        ItemKind::State(it) => node("state", [it.name.text.to_string(), type_text(&it.ty), expr(&it.value)]),
        ItemKind::Metric(it) => {
            let by_agent = if it.by_agent.is_some() { "by-agent" } else { "-" };
            let kind = format!("{:?}", it.kind).to_lowercase();
            node("metric", [it.name.text.to_string(), type_text(&it.ty), kind, by_agent.to_owned()])
        }
        ItemKind::Host(it) => {
            let clauses = it.clauses.iter().map(|clause| host_clause(&clause.kind));
            let head = format!("{} {}", if it.query { "query" } else { "action" }, it.name.text);
            let parts = [parameters(&it.parameters), optional(it.result.as_ref(), type_text)];
            node(&head, parts.into_iter().chain(clauses))
        }
        ItemKind::Event(it) => node(&format!("event {}", it.name.text), [parameters(&it.parameters)]),
        ItemKind::Func(it) => node(
            &format!("func {}", it.name.text),
            [parameters(&it.parameters), optional(it.result.as_ref(), type_text), block(&it.body)],
        ),
        ItemKind::On(it) => node(
            &format!("on {}", it.event.text),
            [
                optional(it.binders.as_ref(), |binders| names(binders)),
                optional(it.max.as_ref(), expr),
                block(&it.body),
            ],
        ),
        ItemKind::Every(it) => node("every", [expr(&it.period), block(&it.body)]),
        ItemKind::Veto(it) => node(
            &format!("veto {}", it.action.text),
            [names(&it.binders), expr(&it.condition), string(&it.reason)],
        ),
        ItemKind::Test(it) => {
            node(&format!("test {}", string(&it.name)), it.items.iter().map(|item| test_item(&item.kind)))
        }
        ItemKind::Error => "(error)".to_owned(),
    }
}

fn clause_text(kind: &ClauseKind) -> String {
    match kind {
        ClauseKind::Priority(name) => node("priority", [name.text.to_string()]),
        ClauseKind::Deadline(e) => node("deadline", [expr(e)]),
        ClauseKind::Budget(exprs) => node("budget", exprs.iter().map(expr)),
        ClauseKind::Target { count, filter } => {
            let count = match count {
                TargetCount::All => "all".to_owned(),
                TargetCount::Exactly(e) => expr(e),
                TargetCount::UpTo(e) => node("up-to", [expr(e)]),
            };
            node("target", [count, optional(filter.as_ref(), expr)])
        }
        ClauseKind::Rollout { waves, after, gate } => {
            let gate = optional(gate.as_ref(), |(condition, failure)| {
                node(&format!("{failure:?}").to_lowercase(), [expr(condition)])
            });
            node("rollout", waves.iter().map(expr).chain([optional(after.as_ref(), expr), gate]))
        }
        ClauseKind::Expect { condition, by } => {
            node("expect", [expr(condition), optional(by.as_ref(), expr)])
        }
        ClauseKind::StopWhen(e) => node("stop-when", [expr(e)]),
        ClauseKind::Report { metrics, every } => {
            node("report", [names(metrics), optional(every.as_ref(), expr)])
        }
    }
}

fn host_clause(kind: &HostClauseKind) -> String {
    match kind {
        HostClauseKind::Requires(names) => node("requires", [path(names)]),
        HostClauseKind::Idempotent => "idempotent".to_owned(),
        HostClauseKind::Once => "once".to_owned(),
        HostClauseKind::Costs(exprs) => node("costs", exprs.iter().map(expr)),
    }
}

fn field(it: &Field) -> String {
    let mut parts = vec![it.name.text.to_string(), type_text(&it.ty)];
    parts.extend(it.max.as_ref().map(|max| node("max", [expr(max)])));
    parts.extend(it.unit.as_ref().map(|unit| node("in", [unit.text.to_string()])));
    parts.extend(it.key.map(|_| "key".to_owned()));
    parts.extend(it.default.as_ref().map(|default| node("default", [expr(default)])));
    if !it.docs.is_empty() {
        parts.push(format!("{:?}", it.docs));
    }
    node("field", parts)
}

fn case(it: &Case) -> String {
    if it.parameters.is_empty() {
        it.name.text.to_string()
    } else {
        node(&it.name.text, it.parameters.iter().map(parameter))
    }
}

fn parameters(them: &[Parameter]) -> String {
    node("parameters", them.iter().map(parameter))
}

fn parameter(it: &Parameter) -> String {
    format!("{}:{}", it.name.text, type_text(&it.ty))
}

fn test_item(kind: &TestItemKind) -> String {
    match kind {
        TestItemKind::Given { what, value } => node("given", [expr(what), expr(value)]),
        TestItemKind::GivenFails(call) => node("given-fails", [expr(call)]),
        TestItemKind::Run => "(run)".to_owned(),
        TestItemKind::RunFor(e) => node("run-for", [expr(e)]),
        TestItemKind::RunEvent { event, arguments } => {
            node(&format!("run-event {}", event.text), arguments.iter().map(argument))
        }
        TestItemKind::ExpectNoActions => "(expect-no-actions)".to_owned(),
        TestItemKind::ExpectAction { action, arguments } => {
            node(&format!("expect-action {}", action.text), arguments.iter().map(argument))
        }
        TestItemKind::ExpectStop(text) => node("expect-stop", [string(text)]),
        TestItemKind::ExpectFail(text) => node("expect-fail", [string(text)]),
        TestItemKind::Expect(e) => node("expect", [expr(e)]),
    }
}

fn type_text(ty: &TypeExpr) -> String {
    match &ty.kind {
        TypeExprKind::Name(name) => name.text.to_string(),
        TypeExprKind::Generic { name, arguments } => {
            let arguments: Vec<String> = arguments.iter().map(type_text).collect();
            format!("{}<{}>", name.text, arguments.join(","))
        }
        TypeExprKind::Quotient(above, below) => format!("{}/{}", type_text(above), type_text(below)),
        TypeExprKind::Optional(inner) => format!("{}?", type_text(inner)),
        TypeExprKind::Bounded(inner, max) => node("max", [type_text(inner), expr(max)]),
        TypeExprKind::Error => "(error)".to_owned(),
    }
}

fn block(it: &Block) -> String {
    node(
        if it.braces { "block" } else { "do" },
        it.statements.iter().map(|statement| statement_text(&statement.kind)),
    )
}

fn statement_text(kind: &StatementKind) -> String {
    match kind {
        StatementKind::Let { name, ty, value } => {
            node("let", [name.text.to_string(), optional(ty.as_ref(), type_text), expr(value)])
        }
        StatementKind::Assign { place, operator, value } => {
            let sign = match operator {
                AssignOperator::Set => "=",
                AssignOperator::Add => "+=",
                AssignOperator::Subtract => "-=",
            };
            node(sign, [expr(place), expr(value)])
        }
        StatementKind::Call(call) => expr(call),
        StatementKind::If { arms, otherwise } => {
            let arms = arms.iter().map(|arm| {
                let condition = match &arm.condition {
                    Condition::Expr(e) => expr(e),
                    Condition::Let { name, value } => node("let?", [name.text.to_string(), expr(value)]),
                };
                node(if arm.then { "then" } else { "when" }, [condition, block(&arm.block)])
            });
            node("if", arms.chain(otherwise.iter().map(|it| node("else", [block(it)]))))
        }
        StatementKind::Match { subject, arms, otherwise } => {
            let arms = arms.iter().map(|arm| {
                let patterns =
                    node("patterns", arm.patterns.iter().map(|pattern| pattern_text(&pattern.kind)));
                node("when", [patterns, block(&arm.block)])
            });
            let otherwise = otherwise.iter().map(|it| node("else", [block(it)]));
            node("match", [expr(subject)].into_iter().chain(arms).chain(otherwise))
        }
        StatementKind::For { binders, source, filter, body, each } => node(
            if *each { "for-each" } else { "for" },
            [names(binders), expr(source), optional(filter.as_deref(), expr), block(body)],
        ),
        StatementKind::While { condition, max, body } => {
            node("while", [expr(condition), optional(max.as_deref(), expr), block(body)])
        }
        StatementKind::Within { phase, budgets, body, otherwise } => {
            let head = match phase {
                Some(name) => format!("phase {}", string(name)),
                None => "within".to_owned(),
            };
            let budgets = node("budgets", budgets.iter().map(expr));
            node(&head, [budgets, block(body), optional(otherwise.as_ref(), block)])
        }
        StatementKind::Try { call, otherwise } => node("try", [expr(call), block(otherwise)]),
        StatementKind::Retry { times, backoff, call, otherwise } => {
            node("retry", [expr(times), optional(backoff.as_deref(), expr), expr(call), block(otherwise)])
        }
        StatementKind::Break => "(break)".to_owned(),
        StatementKind::Continue => "(continue)".to_owned(),
        StatementKind::Return(value) => node("return", value.as_deref().into_iter().map(expr)),
        StatementKind::Stop(reason) => node("stop", reason.iter().map(string)),
        StatementKind::Fail(reason) => node("fail", [string(reason)]),
        StatementKind::Record { metric, value } => node("record", [metric.text.to_string(), expr(value)]),
        StatementKind::Require { condition, reason } => node("require", [expr(condition), string(reason)]),
        StatementKind::Error => "(error)".to_owned(),
    }
}

fn pattern_text(kind: &PatternKind) -> String {
    match kind {
        PatternKind::Literal(e) => expr(e),
        PatternKind::Path(names) => path(names),
        PatternKind::Case { path: names, binders } => {
            node(&path(names), binders.iter().map(|name| name.text.to_string()))
        }
    }
}

fn argument(it: &Argument) -> String {
    match &it.name {
        Some(name) => format!("{}:{}", name.text, expr(&it.value)),
        None => expr(&it.value),
    }
}

fn string(it: &StringLiteral) -> String {
    let part = |part: &StringPart| match part {
        StringPart::Text(text) => format!("{text:?}"),
        StringPart::Hole(e) => expr(e),
    };
    match it.parts.as_slice() {
        [] => "\"\"".to_owned(),
        [StringPart::Text(text)] => format!("{text:?}"),
        parts => node("string", parts.iter().map(part)),
    }
}

fn expr(it: &Expr) -> String {
    match &it.kind {
        ExprKind::Number(text) => {
            if text.contains(' ') {
                format!("`{text}`")
            } else {
                text.to_string()
            }
        }
        ExprKind::String(literal) => string(literal),
        ExprKind::Bool(value) => if *value { "TRUE" } else { "FALSE" }.to_owned(),
        ExprKind::None => "NONE".to_owned(),
        ExprKind::Name(text) => text.to_string(),
        ExprKind::List(items) => node("list", items.iter().map(expr)),
        ExprKind::Map(pairs) => {
            node("map", pairs.iter().map(|(key, value)| format!("{}:{}", expr(key), expr(value))))
        }
        ExprKind::Paren(inner) => node("paren", [expr(inner)]),
        ExprKind::Member(base, name) => node(".", [expr(base), name.text.to_string()]),
        ExprKind::Index(base, index) => node("[]", [expr(base), expr(index)]),
        ExprKind::Call { callee, arguments } => {
            node("call", [expr(callee)].into_iter().chain(arguments.iter().map(argument)))
        }
        ExprKind::Unary(UnaryOperator::Negate, inner) => node("neg", [expr(inner)]),
        ExprKind::Unary(UnaryOperator::Not, inner) => node("not", [expr(inner)]),
        ExprKind::Binary(operator, _, left, right) => {
            node(operator_text(*operator), [expr(left), expr(right)])
        }
        ExprKind::Aggregate { aggregate, value, generator, paren } => {
            let head =
                format!("{}{}", format!("{aggregate:?}").to_lowercase(), if *paren { "()" } else { "" });
            let value = value.iter().map(|value| expr(value));
            node(&head, value.chain([generator_text(generator)]))
        }
        ExprKind::Top(top) => node(
            if top.bottom { "bottom" } else { "top" },
            [
                expr(&top.count),
                top.binder.text.to_string(),
                expr(&top.source),
                optional(top.filter.as_deref(), expr),
                expr(&top.key),
            ],
        ),
        ExprKind::If { condition, then, otherwise } => {
            node("if", [expr(condition), expr(then), expr(otherwise)])
        }
        ExprKind::Range(first, last) => node("..", [expr(first), expr(last)]),
        ExprKind::Error => "(error)".to_owned(),
    }
}

fn generator_text(it: &Generator) -> String {
    node("for", [names(&it.binders), expr(&it.source), optional(it.filter.as_deref(), expr)])
}

/// An operator as it is written, words in capitals.
pub(crate) fn operator_text(operator: BinaryOperator) -> &'static str {
    match operator {
        BinaryOperator::Or => "OR",
        BinaryOperator::And => "AND",
        BinaryOperator::Equal => "==",
        BinaryOperator::NotEqual => "!=",
        BinaryOperator::Less => "<",
        BinaryOperator::LessEqual => "<=",
        BinaryOperator::Greater => ">",
        BinaryOperator::GreaterEqual => ">=",
        BinaryOperator::Contains => "CONTAINS",
        BinaryOperator::Add => "+",
        BinaryOperator::Subtract => "-",
        BinaryOperator::Multiply => "*",
        BinaryOperator::Divide => "/",
        BinaryOperator::WholeDivide => "DIV",
        BinaryOperator::Modulo => "MOD",
        BinaryOperator::Coalesce => "??",
    }
}
