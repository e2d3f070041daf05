//! `swarmc doc`: the documentation of a program or of the standard library.

use std::path::Path;

use serde_json::{Value, json};
use swarm_compiler::function_bounds;
use swarm_grammar::source::{SourceFile, Sources};
use swarm_stdlib::{MODULES, StandardModule};

use crate::cli::{DocArguments, Format};
use crate::files;
use crate::loader::Files;
use crate::program::report;
use crate::render::diagnostic::Findings;
use crate::render::documentation::Documentation;
use crate::render::style;
use crate::render::text::{plural, safe};
use crate::status::{Failure, Fault, Status};
use crate::terminal::Terminal;

/// Renders the declarations of a file, or of every module of the standard library.
pub(crate) fn doc(arguments: &DocArguments, terminal: Terminal) -> Result<Status, Failure> {
    let pages = match &arguments.file {
        Some(path) => match read(path, terminal)? {
            Some(page) => vec![page],
            None => return Ok(Status::Failed),
        },
        None => {
            let page = |module: &StandardModule| {
                of_source(&module.name.replace('/', "."), SourceFile::new(module.name, module.text)).0
            };
            MODULES.iter().map(page).collect()
        }
    };
    match &arguments.output {
        Some(directory) => write(&pages, directory, arguments.format, terminal)?,
        None if terminal.json() => {
            let modules: Vec<Value> = pages.iter().map(Documentation::for_programs).collect();
            terminal.document(json!({ "modules": modules }))?;
        }
        None => {
            terminal.data(&pages.iter().map(|page| rendered(page, arguments.format)).collect::<String>())?
        }
    }
    Ok(Status::Done)
}

/// A file's documentation. `None`: it has errors of syntax, and they are told.
fn read(path: &Path, terminal: Terminal) -> Result<Option<Documentation>, Failure> {
    let source = files::read_source(path)?;
    let name = path.file_stem().filter(|_| !files::is_standard(path)).unwrap_or("program".as_ref());
    let (page, findings) = of_source(&name.to_string_lossy(), source);
    if findings.has_errors() {
        report(&[findings], terminal)?;
        return Ok(None);
    }
    Ok(Some(page))
}

fn of_source(name: &str, source: SourceFile) -> (Documentation, Findings) {
    let mut sources = Sources::new();
    let file = sources.add(source.clone());
    let (program, diagnostics) = swarm_grammar::parse(file, source.text());
    let page = Documentation::new(name.to_owned(), &source, &program);
    let bounds = function_bounds(&mut sources, file, &Files);
    (page.with_bounds(&bounds), Findings { sources, diagnostics })
}

fn rendered(page: &Documentation, format: Format) -> String {
    match format {
        Format::Html => page.html(),
        Format::Json => format!("{}\n", page.for_programs()),
        _ => page.markdown(),
    }
}

/// A file for each page.
fn write(
    pages: &[Documentation],
    directory: &Path,
    format: Format,
    terminal: Terminal,
) -> Result<(), Failure> {
    std::fs::create_dir_all(directory).map_err(|error| files::unwritable(directory, &error))?;
    let ending = match format {
        Format::Html => "html",
        Format::Json => "json",
        _ => "md",
    };
    let mut written = Vec::new();
    for page in pages {
        // A name is one word; a module's dots are no directories.
        if page.name.contains(std::path::is_separator) {
            return Err(Failure::usage(Fault::Unwritable, format_args!("`{}` is no file name", page.name)));
        }
        let path = directory.join(&page.name).with_added_extension(ending);
        files::write(&path, rendered(page, format).as_bytes())?;
        written.push((path.display().to_string(), page.len()));
    }
    if terminal.json() {
        let files: Vec<Value> =
            written.iter().map(|(file, count)| json!({ "file": file, "declarations": count })).collect();
        return terminal.document(json!({ "files": files }));
    }
    for (file, count) in &written {
        terminal.talk(&format!(
            "{} {}  {}\n",
            style::good("wrote"),
            safe(file),
            plural(*count, "declaration")
        ));
    }
    Ok(())
}
