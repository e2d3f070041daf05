//! The table of natives, and what natives on texts mean.

use proptest::prelude::*;
use swarm_bytecode::native::{Bindings, NATIVES, Native, NativeFunction, NativeId, Pattern, Shape};
use swarm_bytecode::reference::signature;
use swarm_bytecode::text;
use swarm_bytecode::trap::TrapCode;
use swarm_bytecode::types::{Type, TypeId};

use crate::whole;

#[test]
fn numbers_ascend_and_lead_back() {
    assert!(NATIVES.is_sorted_by(|left, right| left.id < right.id));
    for native in NATIVES {
        assert_eq!(native.id.function(), Some(native.function));
        assert_eq!((native.function.id(), native.function.info()), (native.id, native));
        // Two bytes of code at most: the op's and its own.
        assert!(native.id.0 < 128, "{} takes another byte", native.name);
    }
    assert_eq!(NativeId(0).function(), None);
    assert_eq!(NativeId(u16::MAX).function(), None);
}

#[test]
fn every_native_is_documented() {
    for native in NATIVES {
        assert!(native.doc.ends_with('.'), "{}", native.name);
        assert!(!native.examples.is_empty(), "{} has no example", native.name);
        for (text, _) in native.examples {
            // `contains` is written as an operator.
            let called = text.starts_with(&format!("{}(", native.name));
            assert!(called || native.name == "contains" && text.contains(" CONTAINS "), "{text}");
        }
    }
}

/// Types of the tests' module: all built-in types and its own.
fn types() -> impl Fn(TypeId) -> Option<Type> {
    let module = whole::base();
    move |id| module.ty(id).cloned()
}

/// All rows of this name that admit these arguments.
fn admitting(name: &str, arguments: &[TypeId]) -> Vec<&'static Native> {
    let lookup = types();
    let known: Vec<Option<Type>> = (0..30).map(|id| lookup(TypeId(id))).collect();
    let lookup = |id: TypeId| known.get(usize::from(id.0))?.as_ref();
    let admits = |native: &&Native| {
        let mut bindings = Bindings::default();
        native.parameters.len() == arguments.len()
            && arguments
                .iter()
                .zip(native.parameters)
                .all(|(argument, (_, pattern))| pattern.admits(*argument, &mut bindings, lookup))
    };
    Native::named(name).filter(admits).collect()
}

#[test]
fn no_arguments_fit_two_rows_of_one_name() {
    let ids: Vec<TypeId> = (0..22).map(TypeId).collect();
    for native in NATIVES {
        let mut tuples: Vec<Vec<TypeId>> = vec![vec![]];
        for _ in 0..native.parameters.len().min(2) {
            let longer = |tuple: &Vec<TypeId>| {
                let tuple = tuple.clone();
                ids.iter().map(move |id| [tuple.clone(), vec![*id]].concat())
            };
            tuples = tuples.iter().flat_map(longer).collect();
        }
        if native.parameters.len() > 2 {
            continue;
        }
        for tuple in tuples {
            assert!(admitting(native.name, &tuple).len() <= 1, "{} of {tuple:?}", native.name);
        }
    }
    let row = |name, arguments: &[TypeId]| {
        let rows = admitting(name, arguments);
        rows.first().map(|native| native.function)
    };
    assert_eq!(row("contains", &[TypeId::STRING, TypeId::STRING]), Some(NativeFunction::TextContains));
    assert_eq!(row("contains", &[TypeId(20), TypeId::STRING]), Some(NativeFunction::ListContains));
    assert_eq!(row("contains", &[TypeId(20), TypeId::INT]), None);
    assert_eq!(row("abs", &[TypeId::TIME]), None);
    assert_eq!(row("max", &[TypeId::TIME, TypeId::TIME]), Some(NativeFunction::Maximum));
    assert_eq!(row("max", &[TypeId::TIME, TypeId::INT]), None);
    assert_eq!(row("sort", &[TypeId(12)]), None);
}

#[test]
fn a_result_follows_from_the_parameters() {
    for native in NATIVES {
        // Bind every variable that a parameter has.
        let mut bindings = Bindings::default();
        for (_, pattern) in native.parameters {
            match pattern {
                Pattern::Map => {
                    (bindings.key, bindings.value) = (Some(TypeId::STRING), Some(TypeId::INT));
                }
                Pattern::Any
                | Pattern::Number
                | Pattern::Quantity
                | Pattern::ListAny
                | Pattern::ListOrdered => bindings.any = Some(TypeId::MONEY),
                _ => {}
            }
        }
        assert!(native.result.shape(&bindings).is_some(), "{}", native.name);
    }
    let keyed = Bindings { any: None, key: Some(TypeId::STRING), value: Some(TypeId::INT) };
    assert_eq!(Pattern::Map.shape(&keyed), Some(Shape::Map(TypeId::STRING, TypeId::INT)));
    assert_eq!(Pattern::ListValue.shape(&keyed), Some(Shape::List(TypeId::INT)));
    assert_eq!(Pattern::ListAny.shape(&keyed), None);
}

#[test]
fn a_signature_reads_like_a_declaration() {
    assert_eq!(signature(NativeFunction::Get.info()), "get(list: list<T>, index: int) -> T?");
    assert_eq!(signature(NativeFunction::Has.info()), "has(map: map<K, V>, key: K) -> bool");
}

#[test]
fn texts_are_cut_by_characters() {
    assert_eq!((text::length("Zürich"), text::length("")), (6, 0));
    assert_eq!(
        (text::left("Zürich", 2), text::left("Zürich", 6), text::left("Zürich", 7)),
        ("Zü", "Zürich", "Zürich")
    );
    assert_eq!((text::left("ü", 0), text::left("ü", -1), text::left("", 1)), ("", "", ""));
    assert_eq!((text::right("Zürich", 5), text::right("Zürich", 6)), ("ürich", "Zürich"));
    assert_eq!((text::right("ü", i64::MAX), text::right("ü", 0), text::right("ü", i64::MIN)), ("ü", "", ""));
    assert_eq!((text::index_of("für", "r"), text::index_of("für", "")), (Some(2), Some(0)));
    assert_eq!((text::index_of("für", "x"), text::index_of("", "")), (None, Some(0)));
}

#[test]
fn texts_change_case_character_by_character() {
    assert_eq!(text::lower("ÄΣ").as_deref(), Ok("äσ"));
    assert_eq!(text::upper("straße").as_deref(), Ok("STRASSE"));
    // Each of these takes three times as many bytes in upper case.
    let long = "ΐ".repeat(400_000);
    assert_eq!(text::upper(&long), Err(TrapCode::TooLong));
}

#[test]
fn texts_are_split_and_joined() {
    let split = |text, by| text::split(text, by).collect::<Vec<_>>();
    assert_eq!(split("a,b,,c", ","), ["a", "b", "", "c"]);
    assert_eq!((split("", ","), split("ab", "")), (vec![""], vec!["ab"]));
    assert_eq!(text::words(" a\tb\u{a0}c\n").collect::<Vec<_>>(), ["a", "b", "c"]);
    let join = |items: &[&'static str], by| text::join(items.iter().copied(), by);
    assert_eq!(join(&["a", "", "c"], "-").as_deref(), Ok("a--c"));
    assert_eq!((join(&[], "-").as_deref(), join(&["a"], "-").as_deref()), (Ok(""), Ok("a")));
    assert_eq!(text::concat(["a", "b"].into_iter()).as_deref(), Ok("ab"));
    let half: &'static str = "x".repeat(1 << 19).leak();
    assert_eq!(join(&[half, half], "-"), Err(TrapCode::TooLong));
    assert_eq!(text::replace("aaa", "aa", "b").as_deref(), Ok("ba"));
    assert_eq!(text::replace("aaa", "", "b").as_deref(), Ok("aaa"));
    assert_eq!(text::replace(half, "x", "xx"), Err(TrapCode::TooLong));
    assert_eq!(text::replace(half, "x", "y").map(|text| text.len()), Ok(1 << 19));
    assert_eq!((text::repeat("ab", 2).as_deref(), text::repeat("ab", -1).as_deref()), (Ok("abab"), Ok("")));
    assert_eq!(
        (text::repeat(half, 2), text::repeat("a", i64::MAX)),
        (Err(TrapCode::TooLong), Err(TrapCode::TooLong))
    );
    assert_eq!(text::repeat("", i64::MAX).as_deref(), Ok(""));
}

proptest! {
    /// Texts of several blocks, in which every character of ASCII stands at every place.
    #[test]
    fn words_are_what_stands_between_white_space(text in "([!-~]{0,70}[\\x00-\\x7f]{0,9}){0,5}", other in "[ \u{a0}é]?") {
        let whole = format!("{text}{other}");
        prop_assert_eq!(text::words(&whole).collect::<Vec<_>>(), whole.split_whitespace().collect::<Vec<_>>());
    }
}

#[test]
fn numbers_are_read_as_they_are_written_and_no_other_way() {
    let ints = [("0", 0), ("-42", -42), ("+7", 7), ("007", 7), ("-9223372036854775808", i64::MIN)];
    for (read, value) in ints {
        assert_eq!(text::parse_int(read), Some(value), "{read}");
    }
    for read in ["", "-", "+", " 1", "1 ", "1.0", "1e3", "1_000", "0x10", "９", "9223372036854775808"] {
        assert_eq!(text::parse_int(read), None, "{read}");
    }
    let floats = [("0", 0.0), ("-2.5", -2.5), ("+1e3", 1000.0), ("1E-3", 0.001), ("1e+2", 100.0)];
    for (read, value) in floats {
        assert_eq!(text::parse_float(read), Some(value), "{read}");
    }
    for read in
        ["", "-", ".5", "5.", "inf", "nan", "NaN", "infinity", "1e", "e3", "1e400", "1.2.3", "--1", "1e--3"]
    {
        assert_eq!(text::parse_float(read), None, "{read}");
    }
    assert_eq!(text::parse_float("-0").map(f64::to_bits), Some(0));
}
