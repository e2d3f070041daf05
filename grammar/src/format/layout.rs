//! A small layout language: texts, places where a line may break, and groups that break as a whole where
//! they do not fit (after Wadler, "A prettier printer").

/// The greatest width of a line, in characters.
pub(super) const WIDTH: usize = 100;

/// How far a nested line is indented.
pub(super) const INDENT: usize = 2;

/// A piece of layout.
#[derive(Debug, Clone)]
pub(super) enum Layout {
    /// Text without a line end.
    Text(String),
    /// A space, or a line end where the group is broken.
    Line,
    /// Nothing, or a line end where the group is broken.
    Soft,
    /// One after the other.
    Row(Vec<Layout>),
    /// On one line if it fits, else broken at all its own places.
    Group(Vec<Layout>),
    /// Its lines are indented.
    Nest(Vec<Layout>),
}

impl From<&str> for Layout {
    fn from(text: &str) -> Layout {
        Layout::Text(text.to_owned())
    }
}

impl From<String> for Layout {
    fn from(text: String) -> Layout {
        Layout::Text(text)
    }
}

#[derive(Clone, Copy)]
struct Entry<'a> {
    layout: &'a Layout,
    indent: usize,
    broken: bool,
}

/// Writes a layout whose first line is indented already, up to `column`.
pub(super) fn write(out: &mut String, layout: &Layout, indent: usize, mut column: usize) {
    let mut rest = vec![Entry { layout, indent, broken: true }];
    while let Some(entry) = rest.pop() {
        match entry.layout {
            Layout::Text(text) => {
                out.push_str(text);
                column = column.saturating_add(text.chars().count());
            }
            Layout::Line | Layout::Soft if entry.broken => {
                out.push('\n');
                out.extend(std::iter::repeat_n(' ', entry.indent));
                column = entry.indent;
            }
            Layout::Line => {
                out.push(' ');
                column = column.saturating_add(1);
            }
            Layout::Soft => {}
            Layout::Row(parts) => {
                rest.extend(parts.iter().rev().map(|layout| Entry { layout, ..entry }));
            }
            Layout::Nest(parts) => {
                let indent = entry.indent.saturating_add(INDENT);
                rest.extend(parts.iter().rev().map(|layout| Entry { layout, indent, ..entry }));
            }
            Layout::Group(parts) => {
                let broken = entry.broken && !fits(parts, &rest, WIDTH.saturating_sub(column));
                rest.extend(parts.iter().rev().map(|layout| Entry { layout, broken, ..entry }));
            }
        }
    }
}

/// Whether a group fits on the line, with what follows it up to the next place where the line breaks.
fn fits(parts: &[Layout], rest: &[Entry<'_>], mut room: usize) -> bool {
    let mut stack: Vec<(&Layout, bool)> = parts.iter().rev().map(|layout| (layout, false)).collect();
    let mut after = rest.iter().rev();
    loop {
        let (layout, broken) = match stack.pop() {
            Some(top) => top,
            None => match after.next() {
                Some(entry) => (entry.layout, entry.broken),
                None => return true,
            },
        };
        let width = match layout {
            Layout::Text(text) => text.chars().count(),
            Layout::Line | Layout::Soft if broken => return true,
            Layout::Line => 1,
            Layout::Soft => 0,
            // A group that follows may break where it likes, one inside may not.
            Layout::Row(inner) | Layout::Nest(inner) | Layout::Group(inner) => {
                stack.extend(inner.iter().rev().map(|layout| (layout, broken)));
                0
            }
        };
        match room.checked_sub(width) {
            Some(left) => room = left,
            None => return false,
        }
    }
}

/// The width of a layout on one line.
pub(super) fn flat_width(layout: &Layout) -> usize {
    match layout {
        Layout::Text(text) => text.chars().count(),
        Layout::Line => 1,
        Layout::Soft => 0,
        Layout::Row(parts) | Layout::Group(parts) | Layout::Nest(parts) => {
            parts.iter().map(flat_width).fold(0, usize::saturating_add)
        }
    }
}
