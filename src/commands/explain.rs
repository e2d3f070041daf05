//! `swarmc explain`: the long form of an error code.

use serde_json::{Value, json};
use swarm_fleet::for_each_cause;
use swarm_grammar::for_each_code;
use swarm_grammar::suggest::closest;

use crate::cli::ExplainArguments;
use crate::render::style;
use crate::status::{Failure, Fault, Status};
use crate::terminal::Terminal;

type Page = (&'static str, &'static str, &'static str);

macro_rules! pages {
    ($($code:ident $title:literal;)*) => {
        [ $( (stringify!($code), $title, include_str!(concat!("../../docs/errors/", stringify!($code), ".md"))), )* ]
    };
}

/// Code, title and page of each of the compiler's diagnostics, in order.
static COMPILER: &[Page] = &for_each_code!(pages);

/// Those of the codec and the verifier.
static MODULES: &[Page] = &pages! {
    E0401 "file that is no module";
    E0402 "module of another version";
    E0403 "module that is cut short or too long";
    E0404 "module that is not in its one form";
    E0405 "module that makes no sense";
    E0406 "module that is too large";
    E0410 "module that breaks a rule";
};

macro_rules! fleet_pages {
    ($($cause:ident $code:ident $severity:ident $title:literal $help:literal;)*) => { pages! { $($code $title;)* } };
}

/// Those of signed orders and trust files.
static FLEET: &[Page] = &for_each_cause!(fleet_pages);

/// Errors by number, then warnings.
fn pages() -> Vec<&'static Page> {
    let mut pages: Vec<&Page> = COMPILER.iter().chain(MODULES).chain(Fault::PAGES).chain(FLEET).collect();
    pages.sort_by_key(|(code, ..)| *code);
    pages
}

/// Prints a code's page, or the list of codes.
pub(crate) fn explain(arguments: &ExplainArguments, terminal: Terminal) -> Result<Status, Failure> {
    let Some(wanted) = &arguments.code else { return list(terminal) };
    let upper = wanted.to_uppercase();
    let pages = pages();
    let Some((code, title, page)) = pages.iter().find(|(code, ..)| *code == upper) else {
        let failure = Failure::usage(Fault::Arguments, format_args!("there is no code {wanted}"));
        return Err(match closest(&upper, pages.iter().map(|(code, ..)| *code)) {
            Some(near) => failure.note(format!("the nearest is {near}; `swarmc explain` lists them all")),
            None => failure.note("`swarmc explain` lists them all"),
        });
    };
    if terminal.json() {
        terminal.document(json!({ "code": code, "title": title, "page": page }))?;
    } else {
        terminal.data(&for_people(page))?;
    }
    Ok(Status::Done)
}

fn list(terminal: Terminal) -> Result<Status, Failure> {
    if terminal.json() {
        let codes: Vec<Value> =
            pages().iter().map(|(code, title, _)| json!({ "code": code, "title": title })).collect();
        terminal.document(json!({ "codes": codes }))?;
    } else {
        let lines: String =
            pages().iter().map(|(code, title, _)| format!("{}  {title}\n", style::bold(code))).collect();
        terminal.data(&lines)?;
    }
    Ok(Status::Done)
}

/// The page's Markdown for a terminal: headings bold, code coloured, fences gone.
fn for_people(page: &str) -> String {
    let mut lines = String::new();
    let mut fenced = false;
    for line in page.lines() {
        if line.starts_with("```") {
            fenced = !fenced;
            continue;
        }
        let styled = if line.is_empty() {
            String::new()
        } else if fenced {
            format!("    {}", style::name(line))
        } else if line.starts_with('#') {
            style::bold(line.trim_start_matches('#').trim_start())
        } else {
            spans(line)
        };
        lines.push_str(&styled);
        lines.push('\n');
    }
    lines
}

/// `code` between backticks, coloured. The backticks stay: without colours they are needed.
fn spans(line: &str) -> String {
    let pieces = line.split('`').enumerate();
    let whole = line.matches('`').count().is_multiple_of(2);
    if !whole {
        return line.to_owned();
    }
    pieces
        .map(
            |(index, piece)| {
                if index.is_multiple_of(2) { piece.to_owned() } else { style::name(&format!("`{piece}`")) }
            },
        )
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use swarm_bytecode::codec::DecodeErrorKind;
    use swarm_bytecode::verify::RULE_BROKEN;
    use swarm_fleet::refusal::Cause;
    use swarm_grammar::diagnostic::Code;

    #[test]
    fn every_code_has_its_page() {
        let compiler = Code::ALL.iter().map(|code| code.as_str());
        let modules = DecodeErrorKind::ALL.iter().map(|kind| kind.code()).chain([RULE_BROKEN]);
        let fleet = Cause::ALL.iter().map(|cause| cause.code());
        for code in compiler.chain(modules).chain(fleet) {
            let (_, title, page) = pages().into_iter().find(|(known, ..)| *known == code).unwrap();
            assert!(page.starts_with(&format!("# {code}: {title}\n")), "the page of {code} begins otherwise");
        }
    }

    #[test]
    fn codes_are_unique() {
        let pages = pages();
        assert!(pages.windows(2).all(|pair| pair[0].0 < pair[1].0));
    }

    #[test]
    fn a_page_keeps_its_words() {
        let text = for_people("# E1: title\n\nSay `x` and `y`.\n\n```swarm\nIF x\n\n```\nodd ` tick\n");
        let plain = anstream::adapter::strip_str(&text).to_string();
        assert_eq!(plain, "E1: title\n\nSay `x` and `y`.\n\n    IF x\n\nodd ` tick\n");
    }
}
