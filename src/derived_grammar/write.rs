//! Prints a grammar: as EBNF for people, as GBNF for samplers of the llama.cpp family, for Lark.

use std::collections::BTreeSet;
use std::fmt::Write;

use swarm_bytecode::quantity::UNITS;
use swarm_bytecode::types::TypeId;

use super::names;
use super::shape::{Grammar, Shape};
use super::strict::{ANY_WORD, LINE_END, PLAIN_TEXT, SUMMARY};

/// Names of tokens without a text of their own.
pub(super) const TOKENS: &[&str] = &["Name", "NameWord", "Number", "Text", ANY_WORD, PLAIN_TEXT, LINE_END];

/// How a notation writes things.
struct Style {
    /// Between a rule's name and what it stands for.
    defines: &'static str,
    name: fn(&str) -> String,
}

/// W3C's form of EBNF. Blanks may stand between tokens and must where they would run together.
pub(super) fn ebnf(grammar: &Grammar) -> String {
    let style = Style { defines: "::=", name: |name| token_name(name).to_owned() };
    let mut page = head("/* ", " */");
    page.push_str("/* Between two tokens of a line may be blanks. */\n\n");
    page.push_str(&style.rules(grammar));
    page.push_str("\n/* Tokens. Between their parts are no blanks. */\n\n");
    for (name, text) in tokens(grammar, false) {
        let _infallible = writeln!(page, "{} ::= {text}", (style.name)(name));
    }
    let reserved = words(grammar, true).into_iter().collect::<Vec<_>>().join(" ");
    let all = words(grammar, false).into_iter().collect::<Vec<_>>().join(" ");
    page.push_str(&format!("\n/* Never an Identifier, in capitals or not: {reserved} */\n"));
    page.push_str(&format!("/* Never a Name, in capitals or not: {all} */\n"));
    page
}

/// The grammar is one of characters: its gaps have been put in.
pub(super) fn gbnf(grammar: &Grammar) -> String {
    let style = Style { defines: "::=", name: |name| lower(token_name(name), '-') };
    let mut page = head("# ", "");
    page.push_str("\nroot ::= program\n");
    page.push_str(&style.rules(grammar));
    page.push('\n');
    for (name, text) in tokens(grammar, true) {
        let _infallible = writeln!(page, "{} ::= {}", (style.name)(name), style.references(&text));
    }
    page
}

/// Lark, for its Earley or LALR parser.
pub(super) fn lark(grammar: &Grammar) -> String {
    let name = |name: &str| {
        if TOKENS.contains(&name) {
            lower(token_name(name), '_').to_ascii_uppercase()
        } else {
            lower(name, '_')
        }
    };
    let style = Style { defines: ":", name };
    let mut page = head("// ", "");
    page.push_str("\nstart: program\n");
    page.push_str(&style.rules(grammar));
    let excluded =
        |reserved| words(grammar, reserved).into_iter().collect::<Vec<_>>().join("|").to_lowercase();
    let word = "[A-Za-z_][A-Za-z0-9_]*";
    let units = |time| units(time).join("|");
    page.push('\n');
    for (name, pattern) in [
        ("IDENTIFIER", format!(r"(?!(?i:{})\b){word}", excluded(true))),
        ("NAME", format!(r"(?!(?i:{})\b){word}", excluded(false))),
        ("ANY_WORD", word.to_owned()),
        (
            "NUMBER",
            format!(
                r"\$[0-9][0-9_]*(\.[0-9][0-9_]*)?(\/({}))?|[0-9][0-9_]*(\.[0-9][0-9_]*)?({})?",
                units(true),
                units(false)
            ),
        ),
        (
            "TEXT",
            format!(
                r#""([^"\\{{}}\n]|\\["\\nt]|\{{\{{|\}}\}}|\{{(?!(?i:{})\b){word}(\.{word})*\}})*""#,
                excluded(true)
            ),
        ),
        ("PLAIN_TEXT", r#""[^"\\{}\n]*""#.to_owned()),
        ("LINE_END", r"([ \t]*(\/\/[^\n]*)?\r?\n)+[ \t]*".to_owned()),
    ] {
        let _infallible = writeln!(page, "{name}: /{pattern}/");
    }
    page.push_str("\n%ignore /[ \\t]+/\n");
    page
}

fn head(open: &str, close: &str) -> String {
    let version = env!("CARGO_PKG_VERSION");
    let first = format!("{open}The grammar of Swarm {version} for constrained generation.{close}\n");
    SUMMARY.iter().fold(first, |page, line| format!("{page}{open}{line}{close}\n"))
}

/// What people call a token.
fn token_name(name: &str) -> &str {
    if name == "NameWord" { "Identifier" } else { name }
}

/// `ItemKind` with dashes or underscores.
fn lower(name: &str, dash: char) -> String {
    let mut text = String::new();
    for (at, character) in name.chars().enumerate() {
        if character.is_ascii_uppercase() && at > 0 {
            text.push(dash);
        }
        text.push(character.to_ascii_lowercase());
    }
    text
}

impl Style {
    fn rules(&self, grammar: &Grammar) -> String {
        let mut page = String::new();
        for (name, shape) in &grammar.rules {
            let _infallible = write!(page, "{} {} ", (self.name)(name), self.defines);
            match shape {
                // A way to a line, where there are several.
                Shape::Choice(shapes) => {
                    for (at, shape) in shapes.iter().enumerate() {
                        if at > 0 {
                            page.push_str("\n  | ");
                        }
                        self.shape(shape, false, &mut page);
                    }
                }
                other => self.shape(other, false, &mut page),
            }
            page.push('\n');
        }
        page
    }

    /// `inner`: within something that binds tighter than a choice.
    fn shape(&self, shape: &Shape, inner: bool, page: &mut String) {
        match shape {
            Shape::Literal(text) => page.push_str(&format!("\"{text}\"")),
            Shape::Rule(name) => page.push_str(&(self.name)(name)),
            Shape::Gap(true) => page.push_str("\" \""),
            Shape::Gap(false) => page.push_str("\" \"?"),
            Shape::Sequence(shapes) => self.joined(shapes, " ", page),
            Shape::Choice(shapes) if inner => {
                page.push('(');
                self.joined(shapes, " | ", page);
                page.push(')');
            }
            Shape::Choice(shapes) => self.joined(shapes, " | ", page),
            Shape::Optional(one) => self.counted(one, '?', page),
            Shape::Repeat(one) => self.counted(one, '*', page),
        }
    }

    fn joined(&self, shapes: &[Shape], between: &str, page: &mut String) {
        for (at, shape) in shapes.iter().enumerate() {
            if at > 0 {
                page.push_str(between);
            }
            self.shape(shape, true, page);
        }
    }

    fn counted(&self, shape: &Shape, count: char, page: &mut String) {
        let single = matches!(shape, Shape::Literal(_) | Shape::Rule(_) | Shape::Choice(_));
        if single {
            self.shape(shape, true, page);
        } else {
            page.push('(');
            self.shape(shape, false, page);
            page.push(')');
        }
        page.push(count);
    }

    /// A token's text with the names of others as this notation has them.
    fn references(&self, text: &str) -> String {
        ["Identifier", ANY_WORD]
            .iter()
            .fold(text.to_owned(), |text, name| text.replace(name, &(self.name)(name)))
    }
}

/// The keywords; `reserved`: only those that are never names.
fn words(grammar: &Grammar, reserved: bool) -> BTreeSet<&str> {
    let words = grammar.words.iter().map(String::as_str);
    words.filter(|word| !(reserved && grammar.soft_words.contains(*word))).chain(MENDED).collect()
}

/// Names that the parser mends wherever they stand: they mean ELSE IF.
const MENDED: [&str; 3] = ["ELIF", "ELSEIF", "ELSIF"];

/// Units as written, longest first, so that none hides behind another.
fn units(time: bool) -> Vec<&'static str> {
    let wanted = UNITS.iter().filter(|unit| !time || unit.ty == TypeId::DURATION);
    let mut texts: Vec<&str> = wanted.map(|unit| unit.text).collect();
    texts.sort_by_key(|text| std::cmp::Reverse(text.len()));
    texts
}

/// The tokens' own rules. `exact`: names are spelled out so that none is a keyword.
fn tokens(grammar: &Grammar, exact: bool) -> Vec<(&'static str, String)> {
    let word = "[A-Z_a-z] [0-9A-Z_a-z]*";
    let name = |reserved| if exact { names::except(&words(grammar, reserved)) } else { word.to_owned() };
    let quoted =
        |units: Vec<&str>| units.iter().map(|unit| format!("\"{unit}\"")).collect::<Vec<_>>().join(" | ");
    let digits = "[0-9] [0-9_]*";
    let decimal = format!("{digits} (\".\" {digits})?");
    let number =
        format!("\"$\" {decimal} (\"/\" ({}))? | {decimal} ({})?", quoted(units(true)), quoted(units(false)));
    let hole = "\"{\" Identifier (\".\" AnyWord)* \"}\"";
    let text =
        format!("\"\\\"\" ([^\"\\\\{{}}\\n] | \"\\\\\" [\"\\\\nt] | \"{{{{\" | \"}}}}\" | {hole})* \"\\\"\"");
    let all = [
        ("NameWord", name(true)),
        ("Name", name(false)),
        (ANY_WORD, word.to_owned()),
        ("Number", number),
        ("Text", text),
        (PLAIN_TEXT, "\"\\\"\" [^\"\\\\{}\\n]* \"\\\"\"".to_owned()),
        (LINE_END, "([ \\t]* (\"//\" [^\\n]*)? \"\\n\")+ [ \\t]*".to_owned()),
    ];
    all.into_iter().collect()
}
