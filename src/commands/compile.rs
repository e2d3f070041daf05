//! `swarmc compile`: source text becomes a module.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use swarm_bytecode::codec;

use crate::cli::{CompileArguments, Emit};
use crate::commands::tier;
use crate::files;
use crate::program;
use crate::render::{diagnostic, module, style, text};
use crate::status::{Failure, Status};
use crate::terminal::Terminal;

/// Compiles, writes the module and says what it is.
pub(crate) fn compile(arguments: &CompileArguments, terminal: Terminal) -> Result<Status, Failure> {
    let Some(loaded) =
        program::load_source(&arguments.file, program::options(arguments.no_optimise), terminal)?
    else {
        return Ok(Status::Failed);
    };
    if let Some(Emit::Wat) = arguments.emit {
        return terminal.data(&tier::wat(&loaded.bytes)?).map(|()| Status::Done);
    }
    // The bytes were just made by the encoder: they are a container.
    let stripped = codec::strip(&loaded.bytes).unwrap_or_else(|_| loaded.bytes.clone());
    let written = if arguments.strip { &stripped } else { &loaded.bytes };
    let output = arguments.output.clone().unwrap_or_else(|| default_output(&arguments.file));
    let to_stdout = files::is_standard(&output);
    if to_stdout {
        terminal.bytes(written)?;
    } else {
        files::write(&output, written)?;
    }

    if terminal.json() && !to_stdout {
        let mut document = module::summary_json(&loaded.module, &loaded.bytes);
        document.insert("output".into(), json!(output.display().to_string()));
        if let Some(Value::Object(size)) = document.get_mut("size") {
            size.insert("bytes".into(), json!(written.len()));
        }
        let findings = std::slice::from_ref(&loaded.findings);
        document.insert("diagnostics".into(), diagnostic::for_programs(findings));
        terminal.document(Value::Object(document))?;
        return Ok(Status::Done);
    }
    let name = output.display().to_string();
    let name = if to_stdout { "<stdout>" } else { &name };
    let wrote = format!("{}  {}\n", style::good(&text::safe(name)), text::plural(written.len(), "byte"));
    let summary = format!("{wrote}{}", module::summary_text(&loaded.module, &loaded.bytes));
    if to_stdout {
        terminal.talk(&summary);
    } else {
        terminal.data(&summary)?;
    }
    Ok(Status::Done)
}

/// FILE's name with `.bc`, in the current directory; of standard input `out.bc`.
fn default_output(file: &Path) -> PathBuf {
    let stem = if files::is_standard(file) { None } else { file.file_stem() };
    PathBuf::from(stem.unwrap_or("out".as_ref())).with_added_extension("bc")
}
