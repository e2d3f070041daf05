//! Declarations.

use super::Printer;
use super::expression::{continued, names, path, row, separated};
use super::layout::Layout;
use crate::ast::*;
use crate::span::Span;

impl Printer<'_> {
    pub(super) fn item(&mut self, item: &Item) {
        let span = item.span;
        let inside = match &item.kind {
            ItemKind::Instruction(it) => it.name.span.end,
            ItemKind::Type(it) => it.name.span.end,
            ItemKind::Enum(it) => it.name.span.end,
            ItemKind::Test(it) => it.name.span.end,
            ItemKind::Func(Func { body, .. })
            | ItemKind::On(On { body, .. })
            | ItemKind::Every(Every { body, .. }) => body.span.start,
            _ => span.end,
        };
        self.documented(&item.docs, span.start, inside);
        match &item.kind {
            ItemKind::Instruction(it) => {
                self.braced(
                    &format!("INSTRUCTION {}", it.name.text),
                    it.name.span,
                    span,
                    &it.clauses,
                    Self::clause,
                );
            }
            ItemKind::Type(it) => {
                let compact = it
                    .fields
                    .iter()
                    .all(|field| field.docs.is_empty())
                    .then(|| separated(it.fields.iter().map(|field| self.field(field))));
                let head = format!("TYPE {}", it.name.text);
                if !self.compact_braces(&head, span, compact) {
                    self.braced(&head, it.name.span, span, &it.fields, |printer, field| {
                        printer.documented(&field.docs, field.span.start, field.span.end);
                        printer.put(&printer.field(field));
                        printer.trail(field.span.end);
                    });
                }
            }
            ItemKind::Enum(it) => {
                let compact = separated(it.cases.iter().map(|case| self.case(case)));
                let head = format!("ENUM {}", it.name.text);
                if !self.compact_braces(&head, span, Some(compact)) {
                    self.braced(&head, it.name.span, span, &it.cases, |printer, case| {
                        printer.lead(case.span.start, case.span.end);
                        printer.put(&printer.case(case));
                        printer.trail(case.span.end);
                    });
                }
            }
            ItemKind::Func(it) => {
                let parts = [
                    format!("FUNC {}", it.name.text).into(),
                    self.expressions.parameters(&it.parameters),
                    self.expressions.result(it.result.as_ref()),
                ];
                self.with_body(span, row(parts), &it.body);
            }
            ItemKind::On(it) => {
                let mut parts: Vec<Layout> = vec![format!("ON {}", it.event.text).into()];
                parts.extend(it.binders.iter().map(|binders| format!("({})", names(binders)).into()));
                parts.extend(it.max.iter().map(|max| row([" MAX ".into(), self.expressions.expr(max)])));
                self.with_body(span, Layout::Row(parts), &it.body);
            }
            ItemKind::Every(it) => {
                let head = row(["EVERY ".into(), self.expressions.expr(&it.period)]);
                self.with_body(span, head, &it.body);
            }
            ItemKind::Test(it) => {
                self.put_text("TEST ");
                let name = self.source(it.name.span.start, it.name.span.end).to_owned();
                self.braced(&name, it.name.span, span, &it.items, |printer, item| {
                    printer.lead(item.span.start, item.span.end);
                    printer.put(&printer.test_item(&item.kind));
                    printer.trail(item.span.end);
                });
            }
            kind => self.put(&self.plain_item(kind, span)),
        }
        self.trail(span.end);
    }

    /// Begins the line of what has documentation, with its documentation before it, and before that the comments inside of it.
    fn documented(&mut self, docs: &str, start: u32, inside: u32) {
        if docs.is_empty() {
            return self.lead(start, inside);
        }
        self.comments_before(start);
        let gap = self.source(self.at, start);
        let docs_at = gap.find("///").map_or(start, |at| self.at.saturating_add(crate::lexer::offset(at)));
        self.blank_line(docs_at);
        self.comments_inside(inside);
        for line in docs.split('\n') {
            self.begin_line();
            self.put_text(if line.is_empty() { "///" } else { "/// " });
            self.put_text(line);
        }
        self.at = start;
        self.lead(start, inside);
    }

    /// A head and lines between braces.
    fn braced<T>(&mut self, head: &str, name: Span, span: Span, lines: &[T], each: impl Fn(&mut Self, &T)) {
        self.put_text(head);
        self.put_text(" ");
        self.braces(name.end, span.end, lines.is_empty(), |printer| {
            for line in lines {
                each(printer, line);
            }
        });
    }

    /// Braces on one line, where they stood on one and fit; says whether they did.
    fn compact_braces(&mut self, head: &str, span: Span, parts: Option<Vec<Layout>>) -> bool {
        let Some(parts) = parts.filter(|parts| !parts.is_empty() && self.one_line(span.start, span.end))
        else {
            return false;
        };
        let inside = [format!("{head} {{ ").into()].into_iter().chain(parts).chain([" }".into()]).collect();
        let layout = Layout::Group(inside);
        let fits = self.fits(&layout);
        if fits {
            self.put(&layout);
        }
        fits
    }

    fn with_body(&mut self, span: Span, head: Layout, body: &Block) {
        if self.one_line(span.start, span.end)
            && let Some(block) = self.compact_block(body)
        {
            let layout = row([head.clone(), " ".into(), block]);
            if self.fits(&layout) {
                return self.put(&layout);
            }
        }
        self.put(&row([head, " ".into()]));
        self.block(body);
    }

    fn clause(&mut self, clause: &Clause) {
        let expressions = &self.expressions;
        let layout = match &clause.kind {
            ClauseKind::Priority(name) => format!("PRIORITY {}", name.text).into(),
            ClauseKind::Deadline(e) => row(["DEADLINE ".into(), expressions.expr(e)]),
            ClauseKind::Budget(exprs) => row(["BUDGET ".into(), expressions.list(exprs)]),
            ClauseKind::Target { count, filter } => {
                let count = match count {
                    TargetCount::All => "ALL".into(),
                    TargetCount::Exactly(e) => expressions.expr(e),
                    TargetCount::UpTo(e) => row(["UP TO ".into(), expressions.expr(e)]),
                };
                let filter =
                    filter.iter().map(|filter| continued(["WHERE ".into(), expressions.expr(filter)]));
                Layout::Group(["TARGET ".into(), count, " AGENTS".into()].into_iter().chain(filter).collect())
            }
            ClauseKind::Rollout { waves, after, gate } => {
                let mut parts = vec!["ROLLOUT ".into(), expressions.list(waves)];
                parts.extend(after.iter().map(|after| continued(["AFTER ".into(), expressions.expr(after)])));
                if let Some((condition, failure)) = gate {
                    let word = match failure {
                        GateFailure::Rollback => "ELSE ROLLBACK",
                        GateFailure::Halt => "ELSE HALT",
                    };
                    parts.push(continued(["WHEN ".into(), expressions.expr(condition)]));
                    parts.push(continued([word.into()]));
                }
                Layout::Group(parts)
            }
            ClauseKind::Expect { condition, by } => {
                let mut parts = vec!["EXPECT ".into(), expressions.expr(condition)];
                parts.extend(by.iter().map(|by| continued(["BY ".into(), expressions.expr(by)])));
                Layout::Group(parts)
            }
            ClauseKind::StopWhen(e) => row(["STOP WHEN ".into(), expressions.expr(e)]),
            ClauseKind::Report { metrics, every } => {
                let metrics = separated(metrics.iter().map(|name| name.text.as_str().into()));
                let mut parts = vec!["REPORT ".into(), Layout::Group(vec![Layout::Nest(metrics)])];
                parts.extend(every.iter().map(|every| continued(["EVERY ".into(), expressions.expr(every)])));
                Layout::Group(parts)
            }
        };
        self.lead(clause.span.start, clause.span.end);
        self.put(&layout);
        self.trail(clause.span.end);
    }

    fn field(&self, field: &Field) -> Layout {
        let expressions = &self.expressions;
        let mut parts = vec![format!("{}: ", field.name.text).into(), expressions.ty(&field.ty)];
        parts.extend(field.max.iter().map(|max| row([" MAX ".into(), expressions.expr(max)])));
        parts.extend(field.unit.iter().map(|unit| format!(" IN {}", unit.text).into()));
        parts.extend(field.key.map(|_| " KEY".into()));
        parts.extend(field.default.iter().map(|default| row([" = ".into(), expressions.expr(default)])));
        Layout::Row(parts)
    }

    fn case(&self, case: &Case) -> Layout {
        let name: Layout = case.name.text.as_str().into();
        if case.parameters.is_empty() {
            name
        } else {
            row([name, self.expressions.parameters(&case.parameters)])
        }
    }

    /// A declaration without braces.
    fn plain_item(&self, kind: &ItemKind, span: Span) -> Layout {
        let expressions = &self.expressions;
        match kind {
            ItemKind::Use(Use::Standard(names)) => format!("USE {}", path(names)).into(),
            ItemKind::Use(Use::File { path, alias }) => {
                let alias = alias.iter().map(|alias| format!(" AS {}", alias.text).into());
                Layout::Row(["USE ".into(), expressions.string(path)].into_iter().chain(alias).collect())
            }
            ItemKind::Const(it) => row([
                format!("CONST {}", it.name.text).into(),
                expressions.annotation(it.ty.as_ref()),
                " = ".into(),
                expressions.expr(&it.value),
            ]),
            ItemKind::Context(field) => row(["CONTEXT ".into(), self.field(field)]),
            ItemKind::Input(field) => row(["INPUT ".into(), self.field(field)]),
            ItemKind::State(it) => row([
                format!("STATE {}", it.name.text).into(),
                expressions.annotation(Some(&it.ty)),
                " = ".into(),
                expressions.expr(&it.value),
            ]),
            ItemKind::Metric(it) => {
                let kind = match it.kind {
                    MetricKind::Total => " TOTAL",
                    MetricKind::Gauge => " GAUGE",
                    MetricKind::Distribution => " DISTRIBUTION",
                };
                row([
                    format!("METRIC {}: ", it.name.text).into(),
                    expressions.ty(&it.ty),
                    kind.into(),
                    if it.by_agent.is_some() { " BY AGENT" } else { "" }.into(),
                ])
            }
            ItemKind::Host(it) => {
                let word = if it.query { "QUERY" } else { "ACTION" };
                let mut parts = vec![
                    format!("{word} {}", it.name.text).into(),
                    expressions.parameters(&it.parameters),
                    expressions.result(it.result.as_ref()),
                ];
                parts.extend(it.clauses.iter().map(|clause| continued([self.host_clause(&clause.kind)])));
                Layout::Group(parts)
            }
            ItemKind::Event(it) => {
                row([format!("EVENT {}", it.name.text).into(), expressions.parameters(&it.parameters)])
            }
            ItemKind::Veto(it) => Layout::Group(vec![
                format!("VETO {}({})", it.action.text, names(&it.binders)).into(),
                continued(["WHEN ".into(), expressions.expr(&it.condition)]),
                continued(["BECAUSE ".into(), expressions.string(&it.reason)]),
            ]),
            _ => self.source(span.start, span.end).into(),
        }
    }

    fn host_clause(&self, kind: &HostClauseKind) -> Layout {
        match kind {
            HostClauseKind::Requires(names) => format!("REQUIRES {}", path(names)).into(),
            HostClauseKind::Idempotent => "IDEMPOTENT".into(),
            HostClauseKind::Once => "ONCE".into(),
            HostClauseKind::Costs(exprs) => row(["COSTS ".into(), self.expressions.list(exprs)]),
        }
    }

    fn test_item(&self, kind: &TestItemKind) -> Layout {
        let expressions = &self.expressions;
        match kind {
            TestItemKind::Given { what, value } => {
                row(["GIVEN ".into(), expressions.expr(what), " = ".into(), expressions.expr(value)])
            }
            TestItemKind::GivenFails(call) => row(["GIVEN ".into(), expressions.expr(call), " FAILS".into()]),
            TestItemKind::Run => "RUN".into(),
            TestItemKind::RunFor(e) => row(["RUN FOR ".into(), expressions.expr(e)]),
            TestItemKind::RunEvent { event, arguments } => {
                row([format!("RUN {}", event.text).into(), expressions.arguments(arguments)])
            }
            TestItemKind::ExpectNoActions => "EXPECT NO ACTIONS".into(),
            TestItemKind::ExpectAction { action, arguments } => {
                row([format!("EXPECT ACTION {}", action.text).into(), expressions.arguments(arguments)])
            }
            TestItemKind::ExpectStop(text) => row(["EXPECT STOP ".into(), expressions.string(text)]),
            TestItemKind::ExpectFail(text) => row(["EXPECT FAIL ".into(), expressions.string(text)]),
            TestItemKind::Expect(e) => row(["EXPECT ".into(), expressions.expr(e)]),
        }
    }
}
