//! `swarmc new`: a first program, with what one needs to know beside it.

use std::path::{Path, PathBuf};

use serde_json::json;

use crate::cli::NewArguments;
use crate::files;
use crate::render::style;
use crate::render::text::safe;
use crate::status::{Failure, Fault, Status};
use crate::terminal::Terminal;

const TEMPLATE: &str = include_str!("template.swarm");

/// Writes NAME.swarm where nothing of that name is.
pub(crate) fn new(arguments: &NewArguments, terminal: Terminal) -> Result<Status, Failure> {
    let path = with_ending(&arguments.name);
    let name = instruction_name(&path)?;
    let shown = path.display().to_string();
    if path.exists() {
        let message = format!("cannot write {shown}: there is a file of this name");
        return Err(Failure::usage(Fault::Unwritable, message).file(shown).note("choose another name"));
    }
    files::write(&path, TEMPLATE.replace("NAME", &name).as_bytes())?;
    if terminal.json() {
        terminal.document(json!({ "file": shown, "instruction": name }))?;
    } else {
        terminal.talk(&format!("{} {}\n", style::good("wrote"), safe(&shown)));
        terminal.talk(&format!("  next: {}\n", style::name(&format!("swarmc test {}", safe(&shown)))));
    }
    Ok(Status::Done)
}

fn with_ending(name: &Path) -> PathBuf {
    if name.extension().is_some_and(|extension| extension == "swarm") {
        name.to_owned()
    } else {
        name.with_added_extension("swarm")
    }
}

/// The file's name, if an instruction can have it.
fn instruction_name(path: &Path) -> Result<String, Failure> {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let word = |text: &str| text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if !word(&stem) || !stem.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') {
        let message = format!("`{stem}` cannot be the name of an instruction");
        return Err(Failure::usage(Fault::Arguments, message)
            .note("letters, digits and _ make a name, and it does not begin with a digit"));
    }
    let (_, found) = swarm_grammar::parse(
        swarm_grammar::span::FileId(0),
        &format!("INSTRUCTION {stem} {{ }}\nFUNC {stem}() {{ }}"),
    );
    if !found.is_empty() {
        let message = format!("`{stem}` is a word of the language");
        return Err(Failure::usage(Fault::Arguments, message).note("choose another name"));
    }
    Ok(stem)
}
