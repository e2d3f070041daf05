//! A program hands secrets on and looks at none.

use crate::common::{codes, run_on};

/// A START with a secret, an optional one, a list of them and a record with one.
fn around(statements: &str) -> String {
    format!(
        "INPUT k: secret\nINPUT o: secret?\nINPUT ks: list<secret> MAX 3\nTYPE L {{ u: string  k: secret }}\nINPUT l: L\n\
         ACTION A(k: secret)\nON START {{ A(k)\n{statements}\n}}"
    )
}

/// Statements that would learn something of a secret, or make one.
const SLIPS: &[&str] = &[
    r#"LOG(k)"#,
    r#"LOG("{k}")"#,
    r#"LOG("{l}")"#,
    r#"LOG("a" + k)"#,
    r#"LOG("{ks}")"#,
    r#"LOG("{k + k}")"#,
    r#"LOG(lower(k))"#,
    r#"LOG("{len(k)}")"#,
    r#"IF k == k { }"#,
    r#"IF k == "a" { }"#,
    r#"IF k < k { }"#,
    r#"IF o == o { }"#,
    r#"IF o < NONE { }"#,
    r#"IF l == l { }"#,
    r#"IF ks != [k] { }"#,
    r#"IF k { }"#,
    r#"IF ks CONTAINS k { }"#,
    r#"IF k CONTAINS "a" { }"#,
    r#"LOG("{index_of(ks, k) ?? 0}")"#,
    r#"A(unique(ks)[0])"#,
    r#"A(sort(ks)[0])"#,
    r#"A((TOP 1 x IN ks BY x)[0])"#,
    r#"A(MAX(x FOR x IN ks) ?? k)"#,
    r#"FOR EACH x IN ks WHERE x == k { A(x) }"#,
    r#"FOR EACH x IN k { }"#,
    r#"MATCH k { WHEN "a" { } ELSE { } }"#,
    r#"LET m: map<secret, int> MAX 2 = [:]"#,
    r#"LET m = [k: 1]"#,
    r#"LET t: string = k"#,
    r#"LET t: secret = "a""#,
    r#"A("a")"#,
    r#"A(k.length)"#,
    r#"A(k[0])"#,
];

/// Whole programs that would.
const WHOLE: &[&str] = &[
    r#"METRIC m: secret TOTAL ON START { LOG("x") }"#,
    r#"TYPE T { k: secret KEY } ON START { LOG("x") }"#,
    r#"TYPE T { k: secret = "a" } ON START { LOG("x") }"#,
    r#"CONTEXT k: secret ACTION A(k: secret) ON START { A(k) }"#,
    r#"INPUT k: secret = "a" ACTION A(k: secret) ON START { A(k) }"#,
    r#"INPUT k: secret ACTION A(x: secret) ON START { A(k) } TEST "t" { RUN EXPECT k == k }"#,
];

/// What is done with secrets all the same.
const GOOD: &[&str] = &[
    "IF o != NONE { A(o ?? k) }",
    "IF LET x = o { A(x) } ELSE { A(k) }",
    "MATCH o { WHEN SOME(x) { A(x) } WHEN NONE { } }",
    "FOR EACH x IN append(reverse(ks), [k]) { A(x) }",
    "A(first(ks) ?? k)",
    "LET m: map<string, secret> MAX 2 = [\"a\": k]  A(m[\"a\"] ?? k)",
    "LET other = l  other.k = k  A(other.k)",
    "LOG(\"{l.u} has {len(ks)} more\")",
    "A(IF len(ks) > 2 THEN ks[0] ELSE k)",
    "FOR EACH x IN COLLECT(x FOR x IN ks) { A(x) }",
];

#[test]
fn what_looks_at_a_secret_has_one_code() {
    let mut wrong = String::new();
    let statements = SLIPS.iter().map(|statement| around(statement));
    for text in statements.chain(WHOLE.iter().map(|text| (*text).to_owned())) {
        let found = codes(&text);
        if found.is_empty() || found.iter().any(|code| *code != "E0315") {
            wrong.push_str(&format!("{text}\n{found:?}\n"));
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn handing_on_is_fine() {
    for statement in GOOD {
        let text = around(statement);
        // Not every statement uses all that is declared.
        assert!(codes(&text).iter().all(|code| *code == "W0113"), "{text}");
        let _compiles = run_on(&text);
    }
}

#[test]
fn a_test_gives_a_text_for_a_secret() {
    let text = "INPUT k: secret  ACTION A(x: secret)  ON START { A(k) }\n\
        TEST \"t\" { GIVEN k = \"a\" RUN EXPECT ACTION A(\"a\") }";
    assert_eq!(codes(text), [""; 0]);
}

/// A secret that may be NONE has to be looked at first, like anything else.
#[test]
fn an_optional_secret_is_an_optional() {
    assert_eq!(codes(&around("A(o)")), ["E0108"]);
}
