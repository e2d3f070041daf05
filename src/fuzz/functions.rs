//! Fuzzing a library: a file that only declares. Each function is called by a START of its own with generated
//! arguments.

use std::fmt::Write;

use swarm_compiler::{Options, compile_with};
use swarm_grammar::ast::{Func, ItemKind, Program as Tree};
use swarm_grammar::diagnostic::Severity;
use swarm_grammar::source::{SourceFile, Sources};
use swarm_grammar::span::FileId;
use swarm_vm::Program;

use super::{Case, literal};
use crate::loader::Files;

/// What inputs that stand for arguments begin with.
const ARGUMENT: &str = "fuzz_";

/// A function and the program that calls it.
pub(crate) struct Called {
    pub(crate) name: String,
    pub(crate) program: Program,
    /// What its result is called in a type: `list<…>`, `money?`.
    result: String,
}

/// Functions of a file in which nothing starts, and the names of those that cannot be called. `None`:
/// something starts.
pub(crate) fn of(source: &SourceFile) -> Option<(Vec<Called>, Vec<String>)> {
    let (tree, found) = swarm_grammar::parse(FileId(0), source.text());
    let broken = found.iter().any(|found| found.severity() == Severity::Error);
    let starts =
        |kind: &ItemKind| matches!(kind, ItemKind::On(_) | ItemKind::Every(_) | ItemKind::Instruction(_));
    if broken || tree.items.iter().any(|item| starts(&item.kind)) {
        return None;
    }
    let functions = functions(&tree);
    let results = functions.iter().filter(|function| function.result.is_some());
    if !results.clone().any(|function| !function.parameters.is_empty()) {
        return None;
    }
    let (mut called, mut left_out) = (Vec::new(), Vec::new());
    for function in results {
        let name = function.name.text.to_string();
        match program(source, function) {
            Some(program) => {
                let result = function.result.as_ref().map_or("", |ty| source.slice(ty.span)).to_owned();
                called.push(Called { name, program, result });
            }
            None => left_out.push(name),
        }
    }
    Some((called, left_out))
}

fn functions(tree: &Tree) -> Vec<&Func> {
    let items = tree.items.iter();
    items
        .filter_map(|item| if let ItemKind::Func(function) = &item.kind { Some(function) } else { None })
        .collect()
}

/// The file with inputs for the arguments and a START that calls.
fn program(source: &SourceFile, function: &Func) -> Option<Program> {
    let mut text = format!("{}\n", source.text());
    let mut arguments = Vec::new();
    for parameter in &function.parameters {
        let name = format!("{ARGUMENT}{}", parameter.name.text);
        let _infallible = writeln!(text, "INPUT {name}: {}", source.slice(parameter.ty.span));
        arguments.push(name);
    }
    let (name, arguments) = (&function.name.text, arguments.join(", "));
    let _infallible = writeln!(text, "ON START {{ LET fuzz_result = {name}({arguments}) }}");
    let mut sources = Sources::new();
    let file = sources.add(SourceFile::new(source.name().clone(), text));
    // What is not used must be called all the same.
    let options = Options { optimise: false, ..Options::default() };
    let module = compile_with(&mut sources, file, &Files, &options).module?;
    Program::load(&module.encode()).ok()
}

impl Called {
    /// A case as a TEST that calls the function.
    pub(crate) fn as_test(&self, case: &Case) -> String {
        let module = self.program.module();
        let mut text = literal::head(case);
        let mut arguments = Vec::new();
        for (name, value) in literal::given(case, module) {
            match name.strip_prefix(ARGUMENT) {
                Some(_) => arguments.push(value),
                None => {
                    let _infallible = writeln!(text, "  GIVEN {name} = {value}");
                }
            }
        }
        text.push_str(&literal::answers(case, module));
        let call = format!("{}({})", self.name, arguments.join(", "));
        let holds = if self.result.ends_with('?') {
            format!("{call} == {call}")
        } else if self.result.starts_with("list<") || self.result.starts_with("map<") {
            format!("len({call}) >= 0")
        } else {
            format!("len([{call}]) == 1")
        };
        let _infallible = writeln!(text, "  EXPECT {holds}\n}}");
        text
    }
}
