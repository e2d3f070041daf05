//! USE: which modules of the standard library and which files a program is made of.

use std::borrow::Cow;
use std::collections::BTreeMap;

use smol_str::SmolStr;
use swarm_grammar::ast::{self, ItemKind};
use swarm_grammar::diagnostic::Diagnostic;
use swarm_grammar::source::{SourceFile, Sources};
use swarm_grammar::span::{FileId, Span};
use swarm_stdlib::{MODULES, PRELUDE};

use super::environment::ScopeId;
use super::errors;
use super::prelude::Prelude;

/// Gives the text of files that a program names by USE. The compiler itself reads none.
pub trait Loader {
    /// The text of the file `path`, as it is written behind USE in the source `from`. A path without a
    /// leading `/` starts at the folder of `from`.
    ///
    /// # Errors
    /// Why there is no text, in a few words for people, without a full stop.
    fn load(&self, path: &str, from: &str) -> Result<String, String>;
}

/// A loader without files: for texts that stand alone.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoFiles;

impl Loader for NoFiles {
    fn load(&self, _path: &str, _from: &str) -> Result<String, String> {
        Err("this text stands alone, without other files".to_owned())
    }
}

/// How many files and modules one program may be made of.
const MAX_UNITS: usize = 256;

/// One source of a program.
pub(crate) struct Unit<'t> {
    pub(crate) file: FileId,
    pub(crate) program: Cow<'t, ast::Program>,
    /// What it uses: by scope where that could be loaded, with the name it is to have.
    pub(crate) uses: Vec<Use>,
}

/// One USE.
pub(crate) struct Use {
    /// `None`: it could not be loaded, which has been reported.
    pub(crate) unit: Option<ScopeId>,
    pub(crate) alias: Option<ast::Name>,
    pub(crate) span: Span,
}

/// All sources of a program by [`ScopeId`]: the prelude, the program, and what these use.
pub(crate) struct Units<'t> {
    pub(crate) units: Vec<Unit<'t>>,
    pub(crate) diagnostics: Vec<Diagnostic>,
}

/// A file on the way from the program to the one being read: its scope, and the USEs not followed yet.
struct Visit {
    unit: usize,
    uses: std::vec::IntoIter<(ast::Use, Span)>,
}

/// Reads the program and all it uses, each file once.
pub(crate) fn load<'t>(
    sources: &mut Sources,
    prelude: &'t Prelude,
    file: FileId,
    loader: &dyn Loader,
) -> Units<'t> {
    let name = sources.get(file).map(|source| source.name().clone()).unwrap_or_default();
    let text = sources.get(file).map_or("", |source| source.text());
    let (program, diagnostics) = swarm_grammar::parse(file, text);
    // Units by what they are and what they are called.
    let key = format!("file {}", normal("", &name)).into();
    let mut known: BTreeMap<SmolStr, usize> = BTreeMap::from([(key, ScopeId::PROGRAM.0)]);
    let mut way = vec![Visit { unit: ScopeId::PROGRAM.0, uses: uses_of(&program) }];
    let first = Unit { file: prelude.file(), program: Cow::Borrowed(prelude.program()), uses: Vec::new() };
    let second = Unit { file, program: Cow::Owned(program), uses: Vec::new() };
    let mut loaded = Units { units: vec![first, second], diagnostics };
    while let Some(visit) = way.last_mut() {
        let unit = visit.unit;
        let Some((wanted, span)) = visit.uses.next() else {
            way.pop();
            continue;
        };
        let on_the_way: Vec<usize> = way.iter().map(|visit| visit.unit).collect();
        let target = loaded.target(sources, loader, &mut known, (unit, &wanted, span), &on_the_way);
        if let Some((new, true)) = target {
            let uses = loaded.units.get(new).map(|unit| uses_of(&unit.program));
            way.extend(uses.map(|uses| Visit { unit: new, uses }));
        }
        let alias = if let ast::Use::File { alias, .. } = wanted { alias } else { None };
        let found = Use { unit: target.map(|(target, _)| ScopeId(target)), alias, span };
        if let Some(unit) = loaded.units.get_mut(unit) {
            unit.uses.push(found);
        }
    }
    loaded
}

/// The USEs of a file, in order.
fn uses_of(program: &ast::Program) -> std::vec::IntoIter<(ast::Use, Span)> {
    let uses = program.items.iter().filter_map(|item| match &item.kind {
        ItemKind::Use(wanted) => Some((wanted.clone(), item.span)),
        _ => None,
    });
    uses.collect::<Vec<_>>().into_iter()
}

impl Units<'_> {
    /// The unit a USE names, and whether it is new.
    fn target(
        &mut self,
        sources: &mut Sources,
        loader: &dyn Loader,
        known: &mut BTreeMap<SmolStr, usize>,
        (user, wanted, span): (usize, &ast::Use, Span),
        way: &[usize],
    ) -> Option<(usize, bool)> {
        let from = self.name_of(sources, user);
        // A file can never have a standard module's key, but its name.
        let (key, name, place) = match wanted {
            ast::Use::Standard(path) => {
                let name = self.standard_name(path, span)?;
                (format!("standard {name}").into(), name, span)
            }
            ast::Use::File { path, .. } => match path.plain() {
                Some(text) => {
                    let name = normal(&from, &text);
                    (format!("file {name}").into(), name, path.span)
                }
                None => {
                    self.diagnostics.push(errors::names::fixed_text("the path behind USE", path.span));
                    return None;
                }
            },
        };
        if let Some(&unit) = known.get(&key) {
            if let Some(start) = way.iter().position(|at| *at == unit) {
                let circle: Vec<SmolStr> =
                    way.iter().skip(start).map(|unit| self.name_of(sources, *unit)).collect();
                self.diagnostics.push(errors::modules::circle(&circle, place));
                return None;
            }
            return Some((unit, false));
        }
        if self.units.len() >= MAX_UNITS {
            self.diagnostics.push(errors::declarations::too_many("files", MAX_UNITS, place));
            return None;
        }
        let text = match wanted {
            ast::Use::Standard(_) => standard(&name).map(str::to_owned)?,
            ast::Use::File { path, .. } => {
                let path = path.plain().unwrap_or_default();
                match loader.load(&path, &from) {
                    Ok(text) if text.len() <= SourceFile::MAX_BYTES => text,
                    Ok(_) => {
                        self.diagnostics.push(errors::modules::not_loaded(&path, place, "it is too long"));
                        return None;
                    }
                    Err(why) => {
                        self.diagnostics.push(errors::modules::not_loaded(&path, place, &why));
                        return None;
                    }
                }
            }
        };
        let file = sources.add(SourceFile::new(name.clone(), text));
        let text = sources.get(file).map_or("", |source| source.text());
        let (program, diagnostics) = swarm_grammar::parse(file, text);
        self.diagnostics.extend(diagnostics);
        let unit = self.units.len();
        self.units.push(Unit { file, program: Cow::Owned(program), uses: Vec::new() });
        known.insert(key, unit);
        Some((unit, true))
    }

    fn name_of(&self, sources: &Sources, unit: usize) -> SmolStr {
        let file = self.units.get(unit).and_then(|unit| sources.get(unit.file));
        file.map(|file| file.name().clone()).unwrap_or_default()
    }

    /// The name of the source of `std.…`, if there is such a module.
    fn standard_name(&mut self, path: &[ast::Name], span: Span) -> Option<SmolStr> {
        let words: Vec<&str> = path.iter().map(|name| name.text.as_str()).collect();
        if let [first, rest @ ..] = words.as_slice()
            && *first == "std"
        {
            let name = SmolStr::from(format!("std/{}.swarm", rest.join("/")));
            if standard(&name).is_some() {
                return Some(name);
            }
        }
        let written = words.join(".");
        let all: Vec<String> =
            usable().map(|module| format!("std.{}", module.name.replace('/', "."))).collect();
        let near = errors::nearest(&written, all.iter().map(String::as_str));
        let at = path.iter().map(|name| name.span).reduce(Span::to).unwrap_or(span);
        self.diagnostics.push(errors::modules::unknown(&written, at, near, &all));
        None
    }
}

/// The modules a program can use; the prelude needs no USE.
fn usable() -> impl Iterator<Item = &'static swarm_stdlib::StandardModule> {
    MODULES.iter().filter(|module| module.name != PRELUDE.name)
}

/// The text of a module of the standard library by the name of its source.
fn standard(source: &str) -> Option<&'static str> {
    let name = source.strip_prefix("std/")?.strip_suffix(".swarm")?;
    usable().find(|module| module.name == name).map(|module| module.text)
}

/// The name of the file that `path` means in the file `from`: without `.` and, where that can be, without `..`.
fn normal(from: &str, path: &str) -> SmolStr {
    let folder = match from.rsplit_once('/') {
        Some((folder, _)) if !path.starts_with('/') => folder,
        _ => "",
    };
    let rooted =
        path.starts_with('/') || (folder.is_empty() && from.starts_with('/')) || folder.starts_with('/');
    let mut parts: Vec<&str> = Vec::new();
    for part in folder.split('/').chain(path.split('/')) {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => {
                parts.pop();
            }
            ".." if rooted => {}
            part => parts.push(part),
        }
    }
    let root = if rooted { "/" } else { "" };
    format!("{root}{}", parts.join("/")).into()
}

#[cfg(test)]
mod tests {
    use super::normal;

    #[test]
    fn paths_are_relative_to_the_file_that_uses_them() {
        let table = [
            ("a.swarm", "b.swarm", "b.swarm"),
            ("x/a.swarm", "b.swarm", "x/b.swarm"),
            ("x/a.swarm", "./y/b.swarm", "x/y/b.swarm"),
            ("x/a.swarm", "../b.swarm", "b.swarm"),
            ("a.swarm", "../b.swarm", "../b.swarm"),
            ("/r/x/a.swarm", "../../../b.swarm", "/b.swarm"),
            ("/a.swarm", "b.swarm", "/b.swarm"),
            ("x/a.swarm", "/b.swarm", "/b.swarm"),
            ("", "./x//a.swarm", "x/a.swarm"),
        ];
        for (from, path, name) in table {
            assert_eq!(normal(from, path), name, "{path} in {from}");
        }
    }
}
