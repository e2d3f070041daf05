//! The formatter: one way to lay out a program. Words of the language in capitals, two spaces a level, one
//! statement a line, lines of at most a hundred columns where that is possible; comments, single blank lines
//! and parentheses stay. What was written on one line and fits there stays on one line.

mod expression;
mod item;
mod layout;
mod statement;

use crate::ast::{Comment, Program};
use crate::diagnostic::Diagnostic;
use crate::dump::dump;
use crate::parse::parse;
use crate::span::FileId;
use expression::Expressions;
use layout::{INDENT, Layout, WIDTH, flat_width, write};

/// Lays out a program. Formatting again changes nothing, and the tree stays the same.
///
/// # Errors
/// Gives the diagnostics of a text that has errors: what cannot be read is not touched.
pub fn format(text: &str) -> Result<String, Vec<Diagnostic>> {
    let (program, diagnostics) = parse(FileId(0), text);
    if !diagnostics.is_empty() {
        return Err(diagnostics);
    }
    let printed = print(&program, text);
    let (again, slips) = parse(FileId(0), &printed);
    // A few words mean another thing where the line ends elsewhere. If that ever changes what a program
    // says, the program is left as it was written.
    let same =
        slips.is_empty() && again.comments.len() == program.comments.len() && dump(&again) == dump(&program);
    Ok(if same { printed } else { text.to_owned() })
}

fn print(program: &Program, text: &str) -> String {
    let mut printer = Printer {
        text,
        expressions: Expressions { text },
        comments: &program.comments,
        out: String::with_capacity(text.len()),
        indent: 0,
        at: 0,
        first: true,
    };
    for item in &program.items {
        printer.item(item);
    }
    printer.comments_before(u32::MAX);
    if !printer.out.is_empty() {
        printer.out.push('\n');
    }
    printer.out
}

struct Printer<'a> {
    text: &'a str,
    expressions: Expressions<'a>,
    /// The comments that have not been written yet.
    comments: &'a [Comment],
    out: String,
    /// Spaces before the current line.
    indent: usize,
    /// How much of the source has been written.
    at: u32,
    /// Whether nothing stands yet in the current block, so that no blank line belongs there.
    first: bool,
}

impl Printer<'_> {
    fn source(&self, start: u32, end: u32) -> &str {
        self.text.get(start as usize..end as usize).unwrap_or("")
    }

    /// Whether a part of the source stands on one line.
    fn one_line(&self, start: u32, end: u32) -> bool {
        !self.source(start, end).contains('\n')
    }

    /// Whether a layout fits on a line at this level.
    fn fits(&self, layout: &Layout) -> bool {
        self.indent.saturating_add(flat_width(layout)) <= WIDTH
    }

    fn begin_line(&mut self) {
        if !self.out.is_empty() {
            self.out.push('\n');
        }
        self.out.extend(std::iter::repeat_n(' ', self.indent));
        self.first = false;
    }

    /// Writes behind what stands on the current line.
    fn put(&mut self, layout: &Layout) {
        let line = self.out.rfind('\n').map_or(0, |at| at.saturating_add(1));
        let column = self.out.get(line..).map_or(0, |line| line.chars().count());
        write(&mut self.out, layout, self.indent, column);
    }

    fn put_text(&mut self, text: &str) {
        self.out.push_str(text);
    }

    /// Keeps a blank line between what has been written and what begins at `start`, as the source has one.
    fn blank_line(&mut self, start: u32) {
        let gap = self.source(self.at, start);
        // What stands before the first line end and behind the last is no line of its own.
        let lines = gap.split_once('\n').and_then(|(_, rest)| rest.rsplit_once('\n')).map(|(lines, _)| lines);
        let blank = lines.is_some_and(|lines| lines.split('\n').any(|line| line.trim().is_empty()));
        if blank && !self.first {
            self.out.push('\n');
        }
    }

    /// Writes the comments that stand before a place: behind the current line if they stood there, else each
    /// on a line of its own.
    fn comments_before(&mut self, place: u32) {
        while let Some((comment, rest)) = self.comments.split_first() {
            if comment.span.start >= place {
                return;
            }
            self.comments = rest;
            let behind = !comment.own_line
                && !self.out.is_empty()
                && self.at <= comment.span.start
                && self.one_line(self.at, comment.span.start);
            if behind {
                self.put_text(" ");
            } else {
                self.blank_line(comment.span.start);
                self.begin_line();
            }
            self.put_text("//");
            self.put_text(&comment.text);
            self.at = comment.span.end;
        }
    }

    /// Begins a line for what stands at `start`; comments inside it, up to `inside`, come before it.
    fn lead(&mut self, start: u32, inside: u32) {
        self.comments_before(start);
        self.blank_line(start);
        self.comments_inside(inside);
        self.begin_line();
    }

    /// Writes the comments up to a place, each on a line of its own.
    fn comments_inside(&mut self, inside: u32) {
        let inner = self.comments.partition_point(|comment| comment.span.start < inside);
        for comment in self.comments.get(..inner).unwrap_or(&[]) {
            self.begin_line();
            self.put_text("//");
            self.put_text(&comment.text);
        }
        self.comments = self.comments.get(inner..).unwrap_or(&[]);
    }

    /// Writes the comment behind a line that ended at `end`.
    fn trail(&mut self, end: u32) {
        self.at = end;
        if let Some(comment) = self.comments.first()
            && !comment.own_line
            && comment.span.start >= end
            && self.one_line(end, comment.span.start)
        {
            self.comments_before(comment.span.end);
        }
    }

    /// Writes lines between braces; the opening one has its place in the source, if that is known.
    fn braces(&mut self, start: u32, end: u32, empty: bool, inside: impl FnOnce(&mut Self)) {
        let comments = self.comments.first().is_some_and(|comment| comment.span.start < end);
        if empty && !comments {
            self.put_text("{ }");
            self.at = end;
            return;
        }
        self.put_text("{");
        self.trail(start);
        self.indent = self.indent.saturating_add(INDENT);
        self.first = true;
        inside(self);
        self.comments_before(end);
        self.indent = self.indent.saturating_sub(INDENT);
        self.begin_line();
        self.put_text("}");
        self.at = end;
    }
}
