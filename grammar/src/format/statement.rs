//! Blocks and statements.

use super::Printer;
use super::expression::{continued, names, path, row};
use super::layout::Layout;
use crate::ast::*;

impl Printer<'_> {
    /// A block with its braces, behind what stands on the line.
    pub(super) fn block(&mut self, block: &Block) {
        let start = block.span.start.saturating_add(1);
        self.braces(start, block.span.end, block.statements.is_empty(), |printer| {
            for statement in &block.statements {
                printer.statement(statement);
            }
        });
    }

    /// A block on the line, where it has at most one statement, which is simple.
    pub(super) fn compact_block(&self, block: &Block) -> Option<Layout> {
        match (block.statements.as_slice(), block.braces) {
            ([], _) => Some("{ }".into()),
            ([statement], false) => self.simple(statement),
            ([statement], true) => Some(row(["{ ".into(), self.simple(statement)?, " }".into()])),
            _ => None,
        }
    }

    /// A statement on a line of its own, or several.
    pub(super) fn statement(&mut self, statement: &Statement) {
        let span = statement.span;
        let one_line = self.one_line(span.start, span.end);
        let compact =
            if one_line { self.compact(statement).filter(|layout| self.fits(layout)) } else { None };
        if let Some(layout) = compact.or_else(|| self.simple(statement)) {
            self.lead(span.start, span.end);
            self.put(&layout);
            self.trail(span.end);
            return;
        }
        match &statement.kind {
            StatementKind::If { arms, otherwise } => self.if_statement(span.start, arms, otherwise.as_ref()),
            StatementKind::Match { subject, arms, otherwise } => {
                self.lead(span.start, subject.span.end);
                self.put(&row(["MATCH ".into(), self.expressions.expr(subject), " ".into()]));
                self.braces(subject.span.end, span.end, arms.is_empty() && otherwise.is_none(), |printer| {
                    printer.arms(arms, otherwise.as_ref());
                });
            }
            StatementKind::For { body, .. } | StatementKind::While { body, .. } => {
                self.headed(span.start, &self.head(statement), body);
            }
            StatementKind::Within { body, otherwise, .. } => {
                self.headed(span.start, &self.head(statement), body);
                if let Some(otherwise) = otherwise {
                    self.put_text(" ELSE ");
                    self.block(otherwise);
                }
            }
            StatementKind::Try { otherwise, .. } | StatementKind::Retry { otherwise, .. } => {
                self.headed(span.start, &self.head(statement), otherwise);
            }
            _ => self.lead(span.start, span.end),
        }
        self.trail(span.end);
    }

    /// What stands before a block, and the block.
    fn headed(&mut self, start: u32, head: &Layout, body: &Block) {
        self.lead(start, body.span.start);
        self.put(head);
        self.put_text(" ");
        self.block(body);
    }

    /// What stands before a statement's first block.
    fn head(&self, statement: &Statement) -> Layout {
        let expressions = &self.expressions;
        match &statement.kind {
            StatementKind::For { binders, source, filter, each, .. } => {
                let word = if *each { "FOR EACH" } else { "FOR" };
                let mut parts =
                    vec![format!("{word} {} IN ", names(binders)).into(), expressions.expr(source)];
                parts.extend(
                    filter.iter().map(|filter| continued(["WHERE ".into(), expressions.expr(filter)])),
                );
                Layout::Group(parts)
            }
            StatementKind::While { condition, max, .. } => {
                let mut parts = vec!["WHILE ".into(), expressions.expr(condition)];
                parts.extend(max.iter().map(|max| continued(["MAX ".into(), expressions.expr(max)])));
                Layout::Group(parts)
            }
            StatementKind::Within { phase, budgets, .. } => {
                let mut parts: Vec<Layout> = Vec::new();
                if let Some(phase) = phase {
                    parts.extend(["PHASE ".into(), expressions.string(phase)]);
                }
                if !budgets.is_empty() {
                    let word = if phase.is_some() { " WITHIN " } else { "WITHIN " };
                    parts.extend([word.into(), expressions.list(budgets)]);
                }
                Layout::Row(parts)
            }
            StatementKind::Try { call, .. } => row(["TRY ".into(), expressions.expr(call), " ELSE".into()]),
            StatementKind::Retry { times, backoff, call, .. } => {
                let mut parts = vec!["RETRY ".into(), expressions.expr(times), " TIMES ".into()];
                if let Some(backoff) = backoff {
                    parts.extend(["BACKOFF ".into(), expressions.expr(backoff), " ".into()]);
                }
                parts.extend([expressions.expr(call), " ELSE".into()]);
                Layout::Row(parts)
            }
            _ => Layout::Row(Vec::new()),
        }
    }

    /// A statement with blocks as one line, where its blocks have at most one simple statement.
    fn compact(&self, statement: &Statement) -> Option<Layout> {
        match &statement.kind {
            StatementKind::If { arms, otherwise } => {
                let mut parts: Vec<Layout> = Vec::new();
                for arm in arms {
                    parts.push(if parts.is_empty() { "IF " } else { " ELSE IF " }.into());
                    parts.push(self.condition(arm));
                    parts.extend([" ".into(), self.compact_block(&arm.block)?]);
                }
                if let Some(otherwise) = otherwise {
                    parts.extend([" ELSE ".into(), self.compact_block(otherwise)?]);
                }
                Some(Layout::Row(parts))
            }
            StatementKind::For { body, .. } | StatementKind::While { body, .. } => {
                Some(row([self.head(statement), " ".into(), self.compact_block(body)?]))
            }
            StatementKind::Within { body, otherwise, .. } => {
                let mut parts = vec![self.head(statement), " ".into(), self.compact_block(body)?];
                if let Some(otherwise) = otherwise {
                    parts.extend([" ELSE ".into(), self.compact_block(otherwise)?]);
                }
                Some(Layout::Row(parts))
            }
            StatementKind::Try { otherwise, .. } | StatementKind::Retry { otherwise, .. } => {
                Some(row([self.head(statement), " ".into(), self.compact_block(otherwise)?]))
            }
            _ => None,
        }
    }

    /// A condition with the THEN behind it, if it was written; THEN stands on a line of its own where the
    /// condition needs several.
    fn condition(&self, arm: &IfArm) -> Layout {
        let mut parts: Vec<Layout> = Vec::new();
        match &arm.condition {
            Condition::Expr(expr) => parts.push(self.expressions.expr(expr)),
            Condition::Let { name, value } => {
                parts.extend([format!("LET {} = ", name.text).into(), self.expressions.expr(value)]);
            }
        }
        if arm.then {
            parts.extend([Layout::Line, "THEN".into()]);
        }
        Layout::Group(parts)
    }

    fn if_statement(&mut self, start: u32, arms: &[IfArm], otherwise: Option<&Block>) {
        let mut before: Option<&Block> = None;
        for arm in arms {
            let condition = match &arm.condition {
                Condition::Expr(expr) => expr.span,
                Condition::Let { value, .. } => value.span,
            };
            match before {
                None => {
                    self.lead(start, condition.end);
                    self.put_text("IF ");
                }
                Some(before) => {
                    self.before_else(before, condition.start);
                    self.put_text("ELSE IF ");
                }
            }
            let head = self.condition(arm);
            self.put(&head);
            self.at = self.behind_then(condition.end, arm.block.span.start);
            self.body(&arm.block);
            before = Some(&arm.block);
        }
        if let (Some(otherwise), Some(before)) = (otherwise, before) {
            self.before_else(before, self.head_end(otherwise));
            self.put_text("ELSE");
            self.at = otherwise.span.start;
            self.body(otherwise);
        }
    }

    /// Where a head ends whose comments come before it: with its block's only statement, where that is simple.
    fn head_end(&self, block: &Block) -> u32 {
        match block.statements.as_slice() {
            [statement] if !block.braces && self.simple(statement).is_some() => block.span.end,
            _ => block.span.start,
        }
    }

    /// Behind the THEN of a condition that ended at `end`, if no comment stands before it.
    fn behind_then(&self, end: u32, block: u32) -> u32 {
        let known = self.comments.first().map_or(block, |comment| comment.span.start.min(block));
        let then = self.source(end, known).find("THEN");
        then.map_or(end, |at| end.saturating_add(crate::lexer::offset(at)).saturating_add(4))
    }

    /// ELSE stands behind a closing brace, else on a line of its own.
    fn before_else(&mut self, before: &Block, place: u32) {
        if before.braces {
            self.put_text(" ");
        } else {
            self.comments_before(place);
            self.begin_line();
        }
    }

    /// A block behind THEN or ELSE: in braces, or a single statement on the next line.
    fn body(&mut self, block: &Block) {
        if block.braces {
            self.put_text(" ");
            self.block(block);
            return;
        }
        self.indent = self.indent.saturating_add(super::INDENT);
        self.first = true;
        for statement in &block.statements {
            self.statement(statement);
        }
        self.indent = self.indent.saturating_sub(super::INDENT);
    }

    fn arms(&mut self, arms: &[MatchArm], otherwise: Option<&Block>) {
        for arm in arms {
            let mut head = vec![Layout::from("WHEN ")];
            for (nth, pattern) in arm.patterns.iter().enumerate() {
                if nth > 0 {
                    head.push(", ".into());
                }
                head.push(self.pattern(pattern));
            }
            let head = Layout::Row(head);
            let one_line = self.one_line(arm.span.start, arm.span.end);
            self.arm(arm.span.start, head, " THEN", one_line, &arm.block);
        }
        if let Some(otherwise) = otherwise {
            // Of a single statement only its own lines are known.
            let one_line = !otherwise.braces || self.one_line(otherwise.span.start, otherwise.span.end);
            self.arm(otherwise.span.start, "ELSE".into(), "", one_line, otherwise);
        }
    }

    /// `WHEN p THEN statement`, `WHEN p { … }`, and the same with ELSE.
    fn arm(&mut self, start: u32, head: Layout, then: &str, one_line: bool, block: &Block) {
        let then = if block.braces { "" } else { then };
        let head = row([head, then.into()]);
        let compact = self.compact_block(block).map(|body| row([head.clone(), " ".into(), body]));
        match compact.filter(|layout| one_line && self.fits(layout)) {
            Some(layout) => {
                self.lead(start, block.span.end);
                self.put(&layout);
            }
            None => {
                self.lead(start, self.head_end(block));
                self.put(&head);
                self.at = block.span.start;
                self.body(block);
            }
        }
        self.trail(block.span.end);
    }

    fn pattern(&self, pattern: &Pattern) -> Layout {
        match &pattern.kind {
            PatternKind::Literal(expr) => self.expressions.expr(expr),
            PatternKind::Path(names) => path(names).into(),
            PatternKind::Case { path: case, binders } => format!("{}({})", path(case), names(binders)).into(),
        }
    }

    /// A statement without blocks.
    fn simple(&self, statement: &Statement) -> Option<Layout> {
        let expressions = &self.expressions;
        Some(match &statement.kind {
            StatementKind::Let { name, ty, value } => row([
                format!("LET {}", name.text).into(),
                expressions.annotation(ty.as_ref()),
                " = ".into(),
                expressions.expr(value),
            ]),
            StatementKind::Assign { place, operator, value } => {
                let sign = match operator {
                    AssignOperator::Set => " = ",
                    AssignOperator::Add => " += ",
                    AssignOperator::Subtract => " -= ",
                };
                row([expressions.expr(place), sign.into(), expressions.expr(value)])
            }
            StatementKind::Call(call) => expressions.expr(call),
            StatementKind::Break => "BREAK".into(),
            StatementKind::Continue => "CONTINUE".into(),
            StatementKind::Return(None) => "RETURN".into(),
            StatementKind::Return(Some(value)) => row(["RETURN ".into(), expressions.expr(value)]),
            StatementKind::Stop(None) => "STOP".into(),
            StatementKind::Stop(Some(reason)) => row(["STOP ".into(), expressions.string(reason)]),
            StatementKind::Fail(reason) => row(["FAIL ".into(), expressions.string(reason)]),
            StatementKind::Record { metric, value } => {
                row([format!("RECORD {} = ", metric.text).into(), expressions.expr(value)])
            }
            StatementKind::Require { condition, reason } => Layout::Group(vec![
                "REQUIRE ".into(),
                expressions.expr(condition),
                continued(["ELSE ".into(), expressions.string(reason)]),
            ]),
            _ => return None,
        })
    }
}
