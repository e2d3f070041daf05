//! Every code has a page and a bad program; both say what they promise.

use swarm_compiler::NoFiles;
use swarm_grammar::diagnostic::Severity;

use crate::common::{STAGES, apply, bad_programs, own_codes, render, root, run_file_on, run_on};

#[test]
fn each_code_has_a_page_and_a_bad_program() {
    let programs: Vec<String> =
        STAGES.iter().flat_map(|stage| bad_programs(stage)).map(|(name, _)| name).collect();
    for code in own_codes() {
        let page = root().join("docs/errors").join(format!("{}.md", code.as_str()));
        let page = std::fs::read_to_string(&page).unwrap_or_else(|_| panic!("no page {}", page.display()));
        let title = format!("# {}: {}", code.as_str(), code.title());
        assert_eq!(page.lines().next(), Some(title.as_str()));
        let own = programs.iter().filter(|name| name.starts_with(code.as_str())).count();
        assert_eq!(own, 1, "bad programs for {}", code.as_str());
    }
}

#[test]
fn each_bad_program_gives_its_code_and_nothing_else() {
    for (name, text) in STAGES.iter().flat_map(|stage| bad_programs(stage)) {
        let code = &name[..5];
        assert!(text.starts_with(&format!("// {code}: ")), "{name} does not name its code");
        let (checked, _) = run_file_on(&name, &text, &NoFiles);
        assert!(!checked.diagnostics.is_empty(), "{name} is fine");
        for found in &checked.diagnostics {
            assert_eq!(found.code.as_str(), code, "{name}: {}", found.message);
        }
        assert_eq!(checked.program.is_none(), code.starts_with('E'), "{name}");
    }
}

#[test]
fn bad_programs_are_explained() {
    for stage in STAGES {
        let mut all = String::new();
        for (name, text) in bad_programs(stage) {
            let (checked, sources) = run_file_on(&name, &text, &NoFiles);
            all.push_str(&format!("== {name}\n"));
            for found in &checked.diagnostics {
                all.push_str(&render(found, &sources));
            }
        }
        insta::assert_snapshot!(stage, all);
    }
}

#[test]
fn each_fix_mends_its_program() {
    for (name, text) in STAGES.iter().flat_map(|stage| bad_programs(stage)) {
        for found in run_file_on(&name, &text, &NoFiles).0.diagnostics {
            let Some(fix) = &found.fix else { continue };
            let mended = apply(&text, fix);
            let (checked, sources) = run_file_on(&name, &mended, &NoFiles);
            let left: Vec<String> = checked
                .diagnostics
                .iter()
                .filter(|left| left.code == found.code || left.severity() == Severity::Error)
                .map(|left| render(left, &sources))
                .collect();
            assert!(left.is_empty(), "{name} after its fix:\n{mended}\n{}", left.join("\n"));
        }
    }
}

/// Codes whose bad program is answered with an edit. One that has had an edit keeps it.
const FIXED: &[&str] = &[
    "E0101", "E0103", "E0104", "E0105", "E0106", "E0107", "E0108", "E0109", "E0110", "E0111", "E0112",
    "E0114", "E0116", "E0121", "E0122", "E0123", "E0124", "E0126", "E0128", "E0129", "E0132", "E0201",
    "E0203", "E0205", "E0206", "E0208", "E0209", "E0302", "E0305", "E0306", "E0307", "E0310", "W0101",
    "W0102", "W0103", "W0104", "W0106", "W0107", "W0113", "W0114", "W0115",
];

#[test]
fn what_has_had_a_fix_keeps_it() {
    let mut fixed = Vec::new();
    for (name, text) in STAGES.iter().flat_map(|stage| bad_programs(stage)) {
        let found = run_file_on(&name, &text, &NoFiles).0.diagnostics;
        if !found.is_empty() && found.iter().all(|found| found.fix.is_some()) {
            fixed.push(name[..5].to_owned());
        }
    }
    fixed.sort();
    assert_eq!(fixed, FIXED);
}

/// The edits of the parser give programs that the checker understands.
#[test]
fn each_fix_of_the_parser_compiles() {
    for (name, text) in bad_programs("parse_error") {
        let found = run_file_on(&name, &text, &NoFiles).0.diagnostics;
        if found.is_empty() || found.iter().any(|found| found.fix.is_none()) {
            continue;
        }
        let mut mended = text.clone();
        for found in found.iter().rev() {
            mended = apply(&mended, found.fix.as_ref().expect("a fix"));
        }
        let (checked, sources) = run_file_on(&name, &mended, &NoFiles);
        let left: Vec<String> = checked.diagnostics.iter().map(|left| render(left, &sources)).collect();
        assert!(checked.program.is_some(), "{name} after its fix:\n{mended}\n{}", left.join("\n"));
    }
}

#[test]
fn each_page_shows_the_slip_and_its_mending() {
    for code in own_codes() {
        let page = root().join("docs/errors").join(format!("{}.md", code.as_str()));
        let page = std::fs::read_to_string(page).unwrap();
        let blocks: Vec<&str> =
            page.split("```swarm\n").skip(1).map(|rest| rest.split("```").next().unwrap_or("")).collect();
        let [bad, good] = blocks.as_slice() else { panic!("{} needs two programs", code.as_str()) };
        let found = run_on(bad).0.diagnostics;
        assert!(found.iter().any(|found| found.code == code), "{}: the first program is fine", code.as_str());
        let (checked, sources) = run_on(good);
        let left: Vec<String> = checked.diagnostics.iter().map(|found| render(found, &sources)).collect();
        assert!(left.is_empty(), "{}: {}", code.as_str(), left.join("\n"));
    }
}
