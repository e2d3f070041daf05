//! The library itself is held to what it asks of programs: it parses, it is checked without a word, and
//! whatever it declares is documented.

use swarm_compiler::check::{Prelude, check};
use swarm_grammar::ast::ItemKind;
use swarm_grammar::diagnostic::Code;
use swarm_grammar::source::{SourceFile, Sources};
use swarm_grammar::span::FileId;
use swarm_grammar::{format, parse};
use swarm_stdlib::{MODULES, PRELUDE, StandardModule};

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

/// The parser knows the fields of the prelude's types, so that it can name the one that is meant.
#[test]
fn records_in_braces_are_told_the_types_of_the_prelude() {
    let prelude = Prelude::read(FileId(0));
    let types = prelude.program().items.iter().filter_map(|item| match &item.kind {
        ItemKind::Type(record) => Some(record),
        _ => None,
    });
    let mut seen = 0;
    for record in types {
        let fields: Vec<String> =
            record.fields.iter().map(|field| format!("{}: x", field.name.text)).collect();
        let text = format!("ON START {{ LET y = {{{}}} }}\n", fields.join(", "));
        let (_, diagnostics) = parse(FileId(0), &text);
        let wanted = format!("write {}(…)", record.name.text);
        let fix =
            diagnostics.first().and_then(|found| found.fix.as_ref()).map(|fix| fix.description.as_str());
        assert_eq!((diagnostics.len(), fix), (1, Some(wanted.as_str())), "{text}");
        seen += 1;
    }
    assert_eq!(seen, 2);
}

#[test]
fn each_module_is_a_program_of_its_own() {
    for module in MODULES {
        let mut sources = Sources::new();
        let text = format!("{}\nON START {{ }}\n", module.text);
        let file = sources.add(SourceFile::new(module.name, text));
        assert_eq!(findings(&mut sources, file), [""; 0], "{}", module.name);
    }
}

/// A program can use all of them at once: no name stands in two.
#[test]
fn the_modules_go_together() {
    let used: String = MODULES
        .iter()
        .filter(|module| **module != PRELUDE)
        .map(|module| format!("USE std.{}\n", module.name))
        .collect();
    let mut sources = Sources::new();
    let file = sources.add(SourceFile::new("all.swarm", format!("{used}ON START {{ LOG(\"x\") }}")));
    assert_eq!(findings(&mut sources, file), [""; 0]);
}

/// All that is found but that nobody uses what a library offers.
fn findings(sources: &mut Sources, file: FileId) -> Vec<String> {
    let found = check(sources, file).diagnostics;
    let unused = [Code::W0113, Code::W0114];
    found.into_iter().filter(|found| !unused.contains(&found.code)).map(|found| found.message).collect()
}

#[test]
fn the_modules_are_known_by_name() {
    for module in MODULES {
        assert_eq!(StandardModule::named(module.name), Some(*module));
    }
    assert!(MODULES.is_sorted_by_key(|module| module.name));
}

#[test]
fn each_declaration_is_documented() {
    for module in MODULES {
        let source = SourceFile::new(module.name, module.text);
        let (program, found) = parse(FileId(0), module.text);
        assert_eq!(found, []);
        for item in &program.items {
            if matches!(item.kind, ItemKind::Test(_)) {
                continue;
            }
            let head = source.slice(item.span).lines().next().unwrap_or("").to_owned();
            assert!(!item.docs.is_empty(), "no documentation: {head}");
            assert!(item.docs.ends_with('.'), "documentation is a sentence: {head}");
            if let ItemKind::Type(ty) = &item.kind {
                for field in &ty.fields {
                    assert!(!field.docs.is_empty(), "no documentation: {}.{}", ty.name.text, field.name.text);
                }
            }
        }
    }
}

#[test]
fn each_module_has_tests_and_is_formatted() {
    for module in MODULES {
        assert_eq!(format(module.text).as_deref(), Ok(module.text), "std.{}", module.name);
        assert!(*module == PRELUDE || module.text.contains("\nTEST \""), "no TEST in std.{}", module.name);
    }
}
