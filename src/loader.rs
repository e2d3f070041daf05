//! Files that programs use.

use std::path::Path;

use swarm_compiler::Loader;
use swarm_grammar::source::SourceFile;

use crate::files;

/// Reads the files that a program names by USE, relative to the file that names them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Files;

impl Loader for Files {
    fn load(&self, path: &str, from: &str) -> Result<String, String> {
        let folder = Path::new(from).parent().unwrap_or(Path::new(""));
        let path = folder.join(path);
        if files::is_standard(&path) {
            return Err("standard input is no file".to_owned());
        }
        if std::fs::metadata(&path).is_ok_and(|metadata| metadata.len() > SourceFile::MAX_BYTES as u64) {
            return Err("it is too large".to_owned());
        }
        let reason = |message: String| {
            let known = format!("cannot read {}: ", path.display());
            message.strip_prefix(&known).map(str::to_owned).unwrap_or(message)
        };
        let source = files::read_source(&path).map_err(|failure| reason(failure.message))?;
        Ok(source.text().to_owned())
    }
}
