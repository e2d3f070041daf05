//! Where lines come from: a person at a terminal, with history, or a pipe.

use std::io::{BufRead, IsTerminal, StdinLock};
use std::path::PathBuf;

use rustyline::completion::Completer;
use rustyline::error::ReadlineError;
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::history::FileHistory;
use rustyline::validate::{ValidationContext, ValidationResult, Validator};
use rustyline::{Editor, Helper};

const PROMPT: &str = "swarm> ";
/// A pipe without a line end is no conversation.
const LONGEST_INPUT: usize = 1 << 20;

/// What was read.
pub(crate) enum Read {
    /// A whole input: a line, or several where brackets were open.
    Input(String),
    /// Nothing more comes.
    End,
    /// The line was given up.
    Interrupted,
}

/// A source of inputs.
pub(crate) enum Lines {
    /// A terminal.
    Terminal(Box<Editor<Brackets, FileHistory>>, Option<PathBuf>),
    /// Anything else.
    Pipe(StdinLock<'static>),
}

impl Lines {
    /// Standard input, whichever it is.
    pub(crate) fn standard() -> Lines {
        let terminal = std::io::stdin().is_terminal() && std::io::stdout().is_terminal();
        if terminal && let Ok(mut editor) = Editor::new() {
            editor.set_helper(Some(Brackets));
            let history = history_file();
            if let Some(path) = &history {
                // The first time there is none.
                let _none_yet = editor.load_history(path);
            }
            return Lines::Terminal(Box::new(editor), history);
        }
        Lines::Pipe(std::io::stdin().lock())
    }

    /// Whether a person is there.
    pub(crate) fn is_terminal(&self) -> bool {
        matches!(self, Lines::Terminal(..))
    }

    /// The next input.
    pub(crate) fn next(&mut self) -> Read {
        match self {
            Lines::Terminal(editor, history) => match editor.readline(PROMPT) {
                Ok(line) => {
                    // What cannot be remembered is only typed again.
                    let _forgotten = editor.add_history_entry(&line);
                    if let Some(path) = history {
                        let _unsaved = editor.save_history(path);
                    }
                    Read::Input(line)
                }
                Err(ReadlineError::Interrupted) => Read::Interrupted,
                Err(_) => Read::End,
            },
            Lines::Pipe(input) => {
                let mut text = String::new();
                loop {
                    match input.read_line(&mut text) {
                        Ok(0) | Err(_) if text.trim().is_empty() => return Read::End,
                        Ok(0) | Err(_) => return Read::Input(text),
                        Ok(_) if is_open(&text) && text.len() < LONGEST_INPUT => {}
                        Ok(_) => return Read::Input(text),
                    }
                }
            }
        }
    }
}

/// `swarmc/history` where programs keep such things.
fn history_file() -> Option<PathBuf> {
    let state = std::env::var_os("XDG_STATE_HOME").map(PathBuf::from);
    let state = state.or_else(|| Some(std::env::home_dir()?.join(".local/state")))?;
    let folder = state.join("swarmc");
    std::fs::create_dir_all(&folder).ok()?;
    Some(folder.join("history"))
}

/// Whether a bracket is still open.
fn is_open(text: &str) -> bool {
    let mut depth = 0_i64;
    for line in text.lines() {
        let mut in_text = false;
        let mut escaped = false;
        let mut before = ' ';
        for character in line.chars() {
            match character {
                _ if escaped => escaped = false,
                '\\' if in_text => escaped = true,
                '"' => in_text = !in_text,
                _ if in_text => {}
                '/' if before == '/' => break,
                '(' | '[' | '{' => depth = depth.saturating_add(1),
                ')' | ']' | '}' => depth = depth.saturating_sub(1),
                _ => {}
            }
            before = character;
        }
    }
    depth > 0
}

/// Goes on to the next line where a bracket is open.
pub(crate) struct Brackets;

impl Validator for Brackets {
    fn validate(&self, context: &mut ValidationContext<'_>) -> rustyline::Result<ValidationResult> {
        let open = is_open(context.input());
        Ok(if open { ValidationResult::Incomplete } else { ValidationResult::Valid(None) })
    }
}

impl Completer for Brackets {
    type Candidate = String;
}

impl Hinter for Brackets {
    type Hint = String;
}

impl Highlighter for Brackets {}

impl Helper for Brackets {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_input_ends_where_its_brackets_do() {
        assert!(is_open("IF x {"));
        assert!(is_open("f(1,\n  [2"));
        assert!(!is_open("f(1)"));
        assert!(!is_open("LET x = \"{\" // ("));
    }
}
