//! `swarmc fmt`: lays out source files.

use std::path::Path;

use serde_json::{Value, json};
use swarm_grammar::source::Sources;

use crate::cli::FmtArguments;
use crate::files;
use crate::render::diagnostic::{self, Findings};
use crate::render::{style, text};
use crate::status::{Failure, Status};
use crate::terminal::Terminal;

/// A file as it is and as it should be; the findings if it cannot be read.
struct Formatted<'a> {
    path: &'a Path,
    before: String,
    after: Result<String, Findings>,
}

impl Formatted<'_> {
    fn changed(&self) -> bool {
        self.after.as_ref().is_ok_and(|after| *after != self.before)
    }
}

/// Formats each file in place, or tells which are not formatted.
pub(crate) fn fmt(arguments: &FmtArguments, terminal: Terminal) -> Result<Status, Failure> {
    files::one_standard_input(&arguments.files)?;
    let formatted = arguments.files.iter().map(|path| format(path)).collect::<Result<Vec<_>, _>>()?;
    if !arguments.check {
        for file in formatted.iter().filter(|file| file.changed() && !files::is_standard(file.path)) {
            files::write(file.path, file.after.as_deref().unwrap_or(&file.before).as_bytes())?;
        }
    }
    let unreadable = formatted.iter().any(|file| file.after.is_err());
    let differs = arguments.check && formatted.iter().any(Formatted::changed);
    if terminal.json() {
        terminal.document(document(&formatted, arguments.check))?;
    } else {
        tell(&formatted, arguments.check, terminal)?;
    }
    Ok(if unreadable || differs { Status::Failed } else { Status::Done })
}

fn format(path: &Path) -> Result<Formatted<'_>, Failure> {
    let source = files::read_source(path)?;
    let before = source.text().to_owned();
    let after = swarm_grammar::format(&before).map_err(|diagnostics| {
        let mut sources = Sources::new();
        sources.add(source);
        Findings { sources, diagnostics }
    });
    Ok(Formatted { path, before, after })
}

fn tell(formatted: &[Formatted<'_>], check: bool, terminal: Terminal) -> Result<(), Failure> {
    for file in formatted {
        let name = files::display_name(file.path);
        match &file.after {
            Err(findings) => terminal.talk(&diagnostic::for_people(std::slice::from_ref(findings))),
            Ok(after) if files::is_standard(file.path) && !check => terminal.data(after)?,
            // The list of files is the result of --check.
            Ok(_) if check && file.changed() => terminal.data(&format!("{}\n", text::safe(&name)))?,
            Ok(_) if file.changed() => {
                terminal.talk(&format!("{} {}\n", style::good("formatted"), text::safe(&name)))
            }
            Ok(_) => {}
        }
    }
    Ok(())
}

fn document(formatted: &[Formatted<'_>], check: bool) -> Value {
    let mut diagnostics = Vec::new();
    let mut described = Vec::new();
    for file in formatted {
        let mut entry = json!({ "file": files::display_name(file.path), "changed": file.changed() });
        match (&file.after, &mut entry) {
            (Err(findings), _) => {
                if let Value::Array(found) = diagnostic::for_programs(std::slice::from_ref(findings)) {
                    diagnostics.extend(found);
                }
            }
            (Ok(after), Value::Object(members)) if files::is_standard(file.path) && !check => {
                members.insert("text".into(), json!(after));
            }
            _ => {}
        }
        described.push(entry);
    }
    json!({ "files": described, "diagnostics": diagnostics })
}
