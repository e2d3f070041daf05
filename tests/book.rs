//! The book keeps its word: each program in it compiles, or gives the error it promises; each output stands
//! in what the command line prints for the program above it; the card is short; nothing that exists is
//! missing.
//!
//! A ```` ```swarm ```` block is a program; `swarm,part` is a part of one. `swarm,error=E0201` promises that
//! error. Lines that begin with `#` are compiled and not shown. A ```` ```json ```` block behind a program is
//! its input. Each line of an ```` ```output ```` block appears in what `swarmc run` prints, in this order,
//! white space aside; `output,test` is about `swarmc test`, and so on.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "test code")]
#![expect(clippy::panic, clippy::arithmetic_side_effects, reason = "test code")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use swarmc::bytecode::native::NATIVES;
use swarmc::compiler::{Compilation, compile_text};
use swarmc::grammar::diagnostic::Severity;
use swarmc::grammar::{KEYWORDS, format};
use swarmc::stdlib::MODULES;

const BOOK: &str = "docs/book/src";
const CARD: &str = "docs/language-card.md";

/// A fenced block.
struct Block {
    place: String,
    info: String,
    text: String,
    /// Whether its text stands in another file.
    included: bool,
}

fn pages() -> Vec<PathBuf> {
    fn below(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                below(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "md") {
                found.push(path);
            }
        }
    }
    let mut found = Vec::new();
    below(Path::new(BOOK), &mut found);
    found.sort();
    assert!(found.len() > 20, "the book has pages");
    found
}

/// A page with what it includes, lines of other files marked.
fn expanded(page: &Path) -> Vec<(usize, String, bool)> {
    let mut lines = Vec::new();
    for (at, line) in fs::read_to_string(page).unwrap().lines().enumerate() {
        match line.strip_prefix("{{#include ").and_then(|line| line.strip_suffix("}}")) {
            Some(path) => {
                let path = page.parent().unwrap().join(path);
                let text =
                    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
                lines.extend(text.lines().map(|line| (at + 1, line.to_owned(), true)));
            }
            None => lines.push((at + 1, line.to_owned(), false)),
        }
    }
    lines
}

fn blocks(page: &Path) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut open: Option<Block> = None;
    for (line, text, included) in expanded(page) {
        match (&mut open, text.strip_prefix("```")) {
            (None, Some(info)) => {
                let place = format!("{}:{line}", page.display());
                open =
                    Some(Block { place, info: info.trim().to_owned(), text: String::new(), included: false });
            }
            (Some(_), Some("")) => blocks.extend(open.take()),
            (Some(block), _) => {
                block.text.push_str(&text);
                block.text.push('\n');
                block.included |= included;
            }
            (None, None) => {}
        }
    }
    assert!(open.is_none(), "{}: a block is not closed", page.display());
    blocks
}

fn is_program(block: &Block) -> bool {
    block.info == "swarm" || (block.info.starts_with("swarm,") && block.info != "swarm,part")
}

/// The program of a block: hidden lines shown, and with a start where it only declares.
fn whole(block: &Block) -> String {
    let mut text = String::new();
    for line in block.text.lines() {
        let shown = line.strip_prefix("# ").or(line.strip_prefix('#')).unwrap_or(line);
        text.push_str(shown);
        text.push('\n');
    }
    let starts = |line: &str| {
        ["ON ", "EVERY "].iter().any(|word| line.starts_with(word))
            || (line.starts_with("FUNC ") && line.contains("() {"))
    };
    if !text.lines().any(starts) {
        text.push_str("\nON START { }\n");
    }
    text
}

fn errors(compilation: &Compilation) -> Vec<String> {
    let found = compilation.diagnostics.iter().filter(|found| found.severity() == Severity::Error);
    found.map(|found| format!("{:?}: {}", found.code, found.message)).collect()
}

/// All blocks of programs, of the book and of the card.
fn programs() -> Vec<Block> {
    let pages = pages().into_iter().filter(|page| !page.ends_with("errors.md"));
    pages.flat_map(|page| blocks(&page)).filter(is_program).collect()
}

#[test]
fn each_program_compiles_or_gives_the_error_it_promises() {
    let programs = programs();
    assert!(programs.len() > 50, "only {} programs", programs.len());
    let mut wrong = Vec::new();
    for block in programs {
        let (compilation, _) = compile_text("book.swarm", whole(&block));
        let found = errors(&compilation);
        match block.info.split_once("error=") {
            None if found.is_empty() => {}
            Some((_, code)) if !found.is_empty() && found.iter().all(|found| found.starts_with(code)) => {}
            _ => wrong.push(format!("{} ({}): {}", block.place, block.info, found.join("; "))),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn each_program_is_formatted() {
    for block in programs() {
        let hides = block.text.lines().any(|line| line.starts_with('#'));
        if !block.included && !hides {
            assert_eq!(format(&block.text).as_deref(), Ok(block.text.as_str()), "{}", block.place);
        }
    }
}

/// What the command line prints, on both streams.
fn printed(block: &Block, input: Option<&str>, command: &str, number: usize) -> String {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let stem = block.place.replace(|c: char| !c.is_ascii_alphanumeric(), "_");
    let program = folder.join(format!("{stem}_{number}.swarm"));
    fs::write(&program, whole(block)).unwrap();
    let mut words = command.split_whitespace();
    let mut run = Command::new(env!("CARGO_BIN_EXE_swarmc"));
    run.arg(words.next().unwrap_or("run")).arg(&program).args(words);
    run.env("NO_COLOR", "1").env("COLUMNS", "100").env("TMPDIR", folder);
    if let Some(input) = input.filter(|_| command.is_empty() || command.starts_with("run")) {
        let file = folder.join(format!("{stem}_{number}.json"));
        fs::write(&file, input).unwrap();
        run.arg("--input").arg(file);
    }
    let output = run.output().unwrap();
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

fn squeezed(line: &str) -> String {
    line.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn each_output_was_printed_by_its_program() {
    let mut checked = 0;
    let mut wrong = Vec::new();
    for page in pages() {
        let mut program: Option<Block> = None;
        let mut input: Option<String> = None;
        for block in blocks(&page) {
            if is_program(&block) {
                (program, input) = (Some(block), None);
            } else if block.info == "json" {
                input = Some(block.text);
            } else if let Some(command) = block.info.strip_prefix("output") {
                let program = program.as_ref().unwrap_or_else(|| panic!("{}: output of what?", block.place));
                let printed = printed(program, input.as_deref(), command.trim_start_matches(','), checked);
                let mut lines = printed.lines().map(squeezed);
                let missing =
                    block.text.lines().map(squeezed).find(|line| !lines.any(|own| own.contains(line)));
                if let Some(line) = missing {
                    wrong.push(format!("{}: no line {line:?} in\n{printed}", block.place));
                }
                checked += 1;
            }
        }
    }
    assert!(checked > 10, "only {checked} outputs");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn nothing_is_missing() {
    let summary = fs::read_to_string(Path::new(BOOK).join("SUMMARY.md")).unwrap();
    for page in pages() {
        let name = page.strip_prefix(BOOK).unwrap().to_str().unwrap();
        assert!(name == "SUMMARY.md" || summary.contains(&format!("({name})")), "not in the summary: {name}");
    }
    for module in MODULES.iter().filter(|module| module.name != "prelude") {
        assert!(summary.contains(&format!("(std/{}.md)", module.name)), "no page for std.{}", module.name);
    }
}

/// Made are the page of the natives, that of the error codes, those of the standard library, and the words that
/// the pages paint. `BOOK=overwrite` renews them.
#[test]
fn made_pages_are_fresh() {
    let mut codes: Vec<String> = fs::read_dir("docs/errors")
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    codes.sort();
    let errors: String = codes
        .iter()
        .map(|name| {
            let code = name.trim_end_matches(".md");
            format!("<a id=\"{code}\"></a>\n\n{{{{#include ../../errors/{name}}}}}\n\n")
        })
        .collect();
    let mut made = vec![("errors.md".to_owned(), errors), ("reference/functions.md".to_owned(), functions())];
    made.extend(library());
    for (page, made) in made {
        let path = Path::new(BOOK).join(&page);
        let text = fs::read_to_string(&path).unwrap_or_default();
        let head = if page.starts_with("std/") { MADE } else { text.split_inclusive(MADE).next().unwrap() };
        is_fresh(&path, &text, &format!("{head}\n\n{}\n", made.trim_end()));
    }
    let path = Path::new(BOOK).with_file_name("swarm.js");
    let text = fs::read_to_string(&path).unwrap();
    let (head, rest) = text.split_once("const KEYWORDS = \"").unwrap();
    let tail = rest.split_once('"').unwrap().1;
    is_fresh(&path, &text, &format!("{head}const KEYWORDS = \"{}\"{tail}", KEYWORDS.join(" ")));
}

fn is_fresh(path: &Path, text: &str, fresh: &str) {
    if text != fresh {
        let overwrite = std::env::var("BOOK").as_deref() == Ok("overwrite");
        assert!(overwrite, "{} is old: run with BOOK=overwrite", path.display());
        fs::write(path, fresh).unwrap();
    }
}

/// The pages of the standard library: what `swarmc doc` says, and the source.
fn library() -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("std");
    let mut run = Command::new(env!("CARGO_BIN_EXE_swarmc"));
    assert!(run.args(["doc", "--std", "-o"]).arg(&folder).status().unwrap().success());
    let modules = MODULES.iter().filter(|module| module.name != "prelude");
    let page = |module: &swarmc::stdlib::StandardModule| {
        let name = module.name;
        let text = fs::read_to_string(folder.join(format!("{name}.md"))).unwrap();
        let include = format!("{{{{#include ../../../../stdlib/{name}.swarm}}}}");
        let text = text.trim_end().replace("```swarm", "```swarm,part");
        let made = format!("{text}\n\n## The source\n\n```swarm\n{include}\n```");
        (format!("std/{name}.md"), made)
    };
    modules.map(page).collect()
}

/// What stands behind this line is made.
const MADE: &str = "<!-- made -->";

/// The table of natives by subject, as declarations.
fn functions() -> String {
    let subjects =
        [(0x00, "Numbers"), (0x10, "Bits"), (0x20, "Texts"), (0x40, "Lists"), (0x50, "Maps"), (0x60, "Time")];
    let mut text = String::new();
    for (at, (first, subject)) in subjects.iter().enumerate() {
        let behind = subjects.get(at + 1).map_or(u16::MAX, |(first, _)| *first);
        text.push_str(&format!("## {subject}\n\n| function | gives | for example |\n|---|---|---|\n"));
        for native in NATIVES.iter().filter(|native| (*first..behind).contains(&native.id.0)) {
            let parameters: Vec<String> =
                native.parameters.iter().map(|(name, pattern)| format!("{name}: {pattern}")).collect();
            let (example, gives) = native.examples[0];
            let (name, result, doc) = (native.name, native.result, native.doc);
            let gives = gives.replace("null", "NONE");
            text.push_str(&format!("| `{name}({}) -> {result}` | {doc} |", parameters.join(", ")));
            text.push_str(&format!(" `{example}` is `{gives}` |\n"));
        }
        text.push('\n');
    }
    text
}

/// A code in the text leads to its page, and there is one.
#[test]
fn codes_are_links() {
    let known = |code: &str| Path::new("docs/errors").join(format!("{code}.md")).exists();
    let mut links = 0;
    for page in pages().iter().filter(|page| page.starts_with(Path::new(BOOK).join("reference"))) {
        for (line, text, _) in expanded(page).iter().filter(|(_, text, _)| !text.starts_with("```")) {
            for word in text.split(|c: char| !c.is_ascii_alphanumeric()) {
                let digits = word.trim_start_matches(['E', 'W']);
                if word.len() == 5 && digits.len() == 4 && digits.bytes().all(|byte| byte.is_ascii_digit()) {
                    assert!(known(word), "{}:{line}: {word} has no page", page.display());
                    let link = format!("[{word}](../errors.md#{word})");
                    assert!(text.contains(&link), "{}:{line}: write {link}", page.display());
                    links += 1;
                }
            }
        }
    }
    assert!(links > 30, "only {links} links");
}

/// Links to pages of the book lead somewhere.
#[test]
fn no_link_is_dead() {
    for page in pages() {
        let text = fs::read_to_string(&page).unwrap();
        for target in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let path = target.split('#').next().unwrap();
            if !target.contains("://") && !path.is_empty() {
                assert!(page.parent().unwrap().join(path).exists(), "{}: {target}", page.display());
            }
        }
    }
}

/// At most 3,000 tokens, at 1.4 a word.
#[test]
fn the_card_is_short() {
    let words = fs::read_to_string(CARD).unwrap().split_whitespace().count();
    assert!(words * 14 <= 3_000 * 10, "{words} words");
}

/// Who knows only the card can write all there is: each word of the grammar and each function stands on it.
#[test]
fn the_card_is_complete() {
    let card = fs::read_to_string(CARD).unwrap();
    let words: BTreeSet<&str> = card.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').collect();
    for word in "INSTRUCTION USE AS CONST TYPE ENUM CONTEXT INPUT METRIC STATE ACTION QUERY EVENT FUNC ON EVERY VETO BECAUSE TEST \
                 PRIORITY DEADLINE BUDGET TARGET AGENTS ROLLOUT AFTER ROLLBACK HALT EXPECT REPORT TOTAL GAUGE DISTRIBUTION \
                 REQUIRES IDEMPOTENT ONCE COSTS KEY GIVEN RUN FAILS UP TO IF THEN ELSE FOR EACH IN WHERE WHILE MATCH WHEN LET \
                 RETURN BREAK CONTINUE AND OR NOT MOD DIV CONTAINS WITHIN PHASE TRY RETRY TIMES BACKOFF REQUIRE STOP FAIL \
                 RECORD COUNT SUM MIN MAX AVG ANY ALL COLLECT TOP BOTTOM BY"
        .split_whitespace()
    {
        assert!(words.contains(word), "not on the card: {word}");
    }
    for native in NATIVES {
        assert!(words.contains(native.name), "not on the card: {}", native.name);
    }
    for module in MODULES.iter().filter(|module| module.name != "prelude") {
        assert!(words.contains(module.name), "not on the card: std.{}", module.name);
    }
}
