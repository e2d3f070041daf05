//! Programs as people write them, in the form that the derived grammars have.

/// A formatted program as the strict grammar has it: each statement on a line of its own, braces instead of THEN,
/// aggregates in parentheses and never as names, no expressions in the holes of texts, `5tokens`; without its
/// comments.
pub(crate) fn strict(text: &str) -> String {
    let mut lines: Vec<String> = Vec::new();
    for line in text.lines() {
        let line = line.split("//").next().unwrap().trim();
        let open = lines.last().is_some_and(|last| {
            let count = |signs: [char; 2]| last.matches(signs).count();
            count(['(', '[']) > count([')', ']']) || last.ends_with("THEN")
        });
        let goes_on =
            ["?? ", "== ", "AND ", "OR ", "+ ", ")", "BECAUSE "].iter().any(|sign| line.starts_with(sign))
                || (line.starts_with("FOR ") && !line.starts_with("FOR EACH "))
                || (line.starts_with("WHEN ") && lines.last().is_some_and(|last| last.starts_with("VETO")));
        match lines.last_mut() {
            _ if line.is_empty() => {}
            Some(last) if open || goes_on => {
                let gap = if last.ends_with(['(', '[']) || line.starts_with([')', ']']) { "" } else { " " };
                last.push_str(gap);
                last.push_str(line);
            }
            _ => lines.push(line.to_owned()),
        }
    }
    let mut strict = String::new();
    for line in lines {
        for line in unfolded(&plain_holes(&joined_units(&own_names(&line)))) {
            strict.push_str(&in_parentheses(&line));
            strict.push('\n');
        }
    }
    strict
}

/// Names that are aggregates in other letters, with a sign behind them.
fn own_names(line: &str) -> String {
    let aggregates = ["count", "sum", "min", "max", "avg", "any", "all"];
    let mut out = String::new();
    for piece in line.split_inclusive(|c: char| !c.is_ascii_alphanumeric() && c != '_') {
        let word = piece.trim_end_matches(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        let sign = if aggregates.contains(&word) { "_" } else { "" };
        out.push_str(&format!("{word}{sign}{}", &piece[word.len()..]));
    }
    out
}

/// `500 tokens` without its gap.
fn joined_units(line: &str) -> String {
    let parts: Vec<&str> = line.split(" tokens").collect();
    let digit = |part: &str| part.ends_with(|c: char| c.is_ascii_digit());
    let mut out = parts[0].to_owned();
    for (before, part) in parts.iter().zip(&parts[1..]) {
        out.push_str(if digit(before) { "tokens" } else { " tokens" });
        out.push_str(part);
    }
    out
}

/// `"{len(votes)} votes"` with a name in its hole.
fn plain_holes(line: &str) -> String {
    let (mut out, mut hole, mut in_text) = (String::new(), None::<String>, false);
    for c in line.chars() {
        match (&mut hole, c) {
            (Some(inner), '}') => {
                let name = inner.chars().all(|c| c.is_ascii_alphanumeric() || "._".contains(c));
                out.push_str(if name { inner } else { "hole" });
                out.push('}');
                hole = None;
            }
            (Some(inner), other) => inner.push(other),
            (None, '{') if in_text => {
                out.push('{');
                hole = Some(String::new());
            }
            (None, other) => {
                in_text ^= other == '"';
                out.push(other);
            }
        }
    }
    out
}

/// Statements of one line on lines of their own, THEN as a block.
fn unfolded(line: &str) -> Vec<String> {
    let is_statement = ["IF ", "WHEN ", "} ELSE IF "].iter().any(|word| line.starts_with(word));
    if let Some((head, body)) = line.split_once(" THEN ").filter(|_| is_statement) {
        return [vec![format!("{head} {{")], unfolded(body), vec!["}".to_owned()]].concat();
    }
    if let Some(body) = line.strip_prefix("ELSE ").filter(|body| !body.starts_with('{')) {
        return [vec!["ELSE {".to_owned()], unfolded(body), vec!["}".to_owned()]].concat();
    }
    // A block, and what stands behind it.
    if let Some((head, rest)) = line.split_once(" { ")
        && !rest.starts_with('}')
        && let Some((body, behind)) = rest.split_once(" }")
    {
        let end = unfolded(&format!("}}{behind}"));
        return [vec![format!("{head} {{")], unfolded(body), end].concat();
    }
    vec![line.to_owned()]
}

/// `SUM x FOR …` up to its end with parentheses, those within first.
fn in_parentheses(line: &str) -> String {
    let mut text = line.to_owned();
    for word in ["SUM", "MIN", "MAX", "AVG", "ANY", "ALL", "COLLECT", "COUNT"] {
        let mut from = 0;
        while let Some(found) = text[from..].find(&format!("{word} ")) {
            let at = from + found;
            from = at + word.len();
            let starts = !text[..at].ends_with(|c: char| c.is_ascii_alphanumeric() || c == '_');
            let inside_text = text[..at].matches('"').count() % 2 == 1;
            let rest = &text[from + 1..];
            if !starts || inside_text || !rest.contains(" FOR ") || text[..at].ends_with("EACH ") {
                continue;
            }
            let (mut depth, mut end) = (0_i32, rest.len());
            for (place, c) in rest.char_indices() {
                depth += i32::from("([".contains(c)) - i32::from(")]".contains(c));
                if depth < 0 || (c == '{' && rest[..place].matches('"').count().is_multiple_of(2)) {
                    end = place;
                    break;
                }
            }
            let inner = rest[..end].trim_end().to_owned();
            let gap = if inner.len() == end { "" } else { " " };
            text = format!("{}{word}({inner}){gap}{}", &text[..at], &rest[end..]);
        }
    }
    text
}
