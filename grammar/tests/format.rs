//! The formatter keeps what a program says and comes to rest at once.

mod common;

use common::{FILE, programs};
use swarm_grammar::dump::dump;
use swarm_grammar::{format, parse};

const SAMPLE: &str = include_str!("../../examples/cost_optimization.swarm");

#[test]
fn the_sample_stays_as_it_is() {
    assert_eq!(format(SAMPLE).unwrap(), SAMPLE);
}

#[test]
fn programs_keep_their_meaning_and_formatting_twice_changes_nothing() {
    for (name, text) in programs() {
        let once = format(text).unwrap();
        assert_eq!(format(&once).unwrap(), once, "{name}");
        let (before, after) = (parse(FILE, text).0, parse(FILE, &once).0);
        assert_eq!(dump(&before), dump(&after), "{name}");
        assert_eq!(before.comments.len(), after.comments.len(), "{name}");
        insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false }, {
            insta::assert_snapshot!(format!("format_{name}"), once);
        });
    }
}

#[test]
fn lines_are_at_most_a_hundred_columns_wide_where_they_can_be_broken() {
    let once = format(common::program("long_lines")).unwrap();
    let wide: Vec<&str> = once.lines().filter(|line| line.chars().count() > 100).collect();
    // Only the chain of fields has no place to break.
    assert_eq!(wide.len(), 1, "{wide:#?}");
}

#[test]
fn what_has_errors_is_not_touched() {
    let errors = format("ON START { x = }").unwrap_err();
    assert_eq!(errors.len(), 1);
}

#[test]
fn a_comment_inside_of_a_head_comes_before_its_documentation() {
    let once = format("/// Moves backups.\nINSTRUCTION // to the west\nmove_v1 { PRIORITY HIGH }\n").unwrap();
    assert!(once.starts_with("// to the west\n/// Moves backups.\nINSTRUCTION move_v1 {"), "{once}");
    assert_eq!(format(&once).unwrap(), once);
}

#[test]
fn an_empty_text_stays_empty() {
    assert_eq!(format("").unwrap(), "");
    assert_eq!(format("\n\n  \n").unwrap(), "");
    assert_eq!(format("// only this").unwrap(), "// only this\n");
}
