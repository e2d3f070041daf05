//! The generated parts of the manual are those the code makes.

use swarm_bytecode::dictionary;
use swarm_bytecode::reference::render_reference;

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/bytecode.md");

#[test]
fn the_manual_is_up_to_date() {
    let page = std::fs::read_to_string(PAGE).unwrap();
    let made = render_reference(&page).expect("a mark is missing in docs/bytecode.md");
    assert!(made == page, "docs/bytecode.md is not up to date: run `cargo xtask docs`");
}

#[test]
fn a_page_without_marks_is_refused() {
    assert_eq!(render_reference("# nothing"), None);
}

#[test]
fn the_dictionary_knows_the_prelude() {
    let prelude = concat!(env!("CARGO_MANIFEST_DIR"), "/../stdlib/prelude.swarm");
    let prelude = std::fs::read_to_string(prelude).unwrap();
    let mut names: Vec<String> = vec!["START".to_owned()];
    for line in prelude.lines().filter(|line| !line.trim_start().starts_with("//")) {
        let words: Vec<&str> = line.split_whitespace().collect();
        let word =
            |text: &str| text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
        for (at, &first) in words.iter().enumerate() {
            let next = words.get(at + 1).copied().unwrap_or_default();
            match first {
                "TYPE" | "INPUT" | "METRIC" | "ACTION" | "QUERY" | "CONTEXT" | "IN" => names.push(word(next)),
                "REQUIRES" => names.push(next.to_owned()),
                _ if at == 0 && line.starts_with("  ") && first.ends_with(':') => names.push(word(first)),
                _ => {}
            }
        }
    }
    assert!(names.len() > 30, "the scan found only {names:?}");
    let missing: Vec<&String> = names.iter().filter(|name| dictionary::index_of(name).is_none()).collect();
    assert!(missing.is_empty(), "append these to dictionary.rs: {missing:?}");
}

#[test]
fn the_dictionary_has_no_name_twice() {
    for (index, name) in dictionary::NAMES.iter().enumerate() {
        assert_eq!(dictionary::index_of(name), Some(index), "{name} stands twice");
    }
    assert!(dictionary::NAMES.len() < 64, "the first 64 names take one byte: think before you append");
}
