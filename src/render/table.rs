//! Rows whose cells stand under each other.

/// How the cells of a column stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    /// Words.
    Left,
    /// Numbers.
    Right,
}

/// What is shown in a cell, and how; its width is that of the text before it is styled.
pub(crate) struct Cell {
    text: String,
    style: fn(&str) -> String,
}

impl Cell {
    /// As it is.
    pub(crate) fn plain(text: impl Into<String>) -> Cell {
        Cell::styled(text, str::to_owned)
    }

    /// In a style.
    pub(crate) fn styled(text: impl Into<String>, style: fn(&str) -> String) -> Cell {
        Cell { text: text.into(), style }
    }

    fn width(&self) -> usize {
        self.text.chars().count()
    }
}

/// The rows, each on a line of its own behind `indent` spaces; nothing stands behind the last cell of a row.
pub(crate) fn table(columns: &[Side], rows: &[Vec<Cell>], indent: usize) -> String {
    let last = |row: &[Cell]| row.iter().rposition(|cell| !cell.text.is_empty()).unwrap_or(0);
    // Words at the end of a row reach as far as they like.
    let ends = |row: &[Cell], at: usize| {
        last(row) == at && at.saturating_add(1) < columns.len() && columns.get(at) == Some(&Side::Left)
    };
    let cells = |at| rows.iter().filter(move |row| !ends(row, at)).filter_map(move |row| row.get(at));
    let widths: Vec<usize> =
        (0..columns.len()).map(|at| cells(at).map(Cell::width).max().unwrap_or(0)).collect();
    let mut page = String::new();
    for row in rows {
        let last = last(row);
        page.push_str(&" ".repeat(indent));
        for (at, ((cell, side), width)) in
            row.iter().zip(columns).zip(&widths).enumerate().take(last.saturating_add(1))
        {
            let shown = (cell.style)(&cell.text);
            let missing = " ".repeat(width.saturating_sub(cell.width()));
            match side {
                Side::Right => page.extend([missing.as_str(), &shown]),
                Side::Left if at == last => page.push_str(&shown),
                Side::Left => page.extend([shown.as_str(), &missing]),
            }
            if at < last && *width > 0 {
                page.push_str("  ");
            }
        }
        page.push('\n');
    }
    page
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_stand_under_each_other() {
        let row = |name: &str, number: &str, note: &str| {
            vec![Cell::plain(name), Cell::plain(number), Cell::plain(note)]
        };
        let rows = [row("a", "1,000", "free"), row("long", "7", "")];
        assert_eq!(
            table(&[Side::Left, Side::Right, Side::Left], &rows, 2),
            "  a     1,000  free\n  long      7\n"
        );
    }
}
