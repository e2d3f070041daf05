//! The library itself is held to what it asks of programs: it parses, it is checked without a word, and whatever it
//! declares is documented.

use swarm_compiler::check::{Prelude, check};
use swarm_grammar::ast::ItemKind;
use swarm_grammar::source::{SourceFile, Sources};
use swarm_grammar::span::FileId;
use swarm_stdlib::{MODULES, PRELUDE};

#[test]
fn the_prelude_parses() {
    let prelude = Prelude::read(FileId(0));
    assert_eq!(prelude.diagnostics(), []);
    assert!(!prelude.program().items.is_empty());
}

#[test]
fn the_prelude_is_checked_without_a_word() {
    let mut sources = Sources::new();
    let file = sources.add(SourceFile::new("empty.swarm", "ON START { LOG(\"x\") }"));
    let checked = check(&mut sources, file);
    assert_eq!(checked.diagnostics, []);
    let program = checked.program.expect("a program without diagnostics is complete");
    assert!(program.imports.iter().any(|import| import.name == "REDUCE_CPU_THROTTLE"));
    assert!(program.inputs.iter().any(|input| input.name == "task_queue"));
}

#[test]
fn each_module_is_a_program_of_its_own() {
    for module in MODULES {
        let mut sources = Sources::new();
        let text = format!("{}\nON START {{ }}\n", module.text);
        let file = sources.add(SourceFile::new(module.name, text));
        let found: Vec<String> =
            check(&mut sources, file).diagnostics.iter().map(|found| found.message.clone()).collect();
        assert!(found.is_empty(), "{}: {}", module.name, found.join("\n"));
    }
}

#[test]
fn each_declaration_is_documented() {
    let prelude = Prelude::read(FileId(0));
    let sources = SourceFile::new(PRELUDE.name, PRELUDE.text);
    for item in &prelude.program().items {
        let head = sources.slice(item.span).lines().next().unwrap_or("").to_owned();
        assert!(!item.docs.is_empty(), "no documentation: {head}");
        assert!(item.docs.ends_with('.'), "documentation is a sentence: {head}");
        if let ItemKind::Type(ty) = &item.kind {
            for field in &ty.fields {
                assert!(!field.docs.is_empty(), "no documentation: {}.{}", ty.name.text, field.name.text);
            }
        }
    }
}
