//! `swarmc fuzz`: looks for inputs that make a program fail.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};
use swarm_bytecode::codec::MAGIC;
use swarm_vm::Program;

use crate::cli::{DataArguments, FuzzArguments};
use crate::commands::run::refused;
use crate::files;
use crate::fuzz::functions::{self, Called};
use crate::fuzz::{Case, Search, Until, search};
use crate::program;
use crate::render::style::{bold, dim, error, good};
use crate::render::text::{grouped, plural, safe, safe_lines};
use crate::status::{Failure, Fault, Status};
use crate::terminal::Terminal;

/// Cases after which the search ends.
const MOST_CASES: usize = 20;

/// Searches, tells what was found, and writes it as TESTs where that is asked for.
pub(crate) fn fuzz(arguments: &FuzzArguments, terminal: Terminal) -> Result<Status, Failure> {
    if arguments.write && files::is_standard(&arguments.file) {
        return Err(Failure::usage(Fault::Arguments, "--write adds to a file, not to standard input"));
    }
    let bytes = files::read_bytes(&arguments.file)?;
    let library = match std::str::from_utf8(&bytes) {
        Ok(_) if !bytes.starts_with(&MAGIC) => {
            functions::of(&files::into_source(&arguments.file, bytes.clone())?)
        }
        _ => None,
    };
    let found = match library {
        Some((called, left_out)) => fuzz_functions(arguments, &called, left_out),
        None => {
            let options = program::options(false);
            let Some(loaded) = program::from_bytes(&arguments.file, bytes, options, terminal)? else {
                return Ok(Status::Failed);
            };
            fuzz_program(arguments, &loaded.bytes)?
        }
    };
    let tests: Vec<&str> = found.cases.iter().map(|(_, test)| test.as_str()).collect();
    if arguments.write && !tests.is_empty() {
        add(arguments, &tests)?;
    }
    if terminal.json() {
        terminal.document(document(&found))?;
    } else {
        terminal.data(&page(&found))?;
        if arguments.write && !tests.is_empty() {
            let name = files::display_name(&arguments.file);
            terminal.talk(&format!("{} {} to {}\n", good("added"), plural(tests.len(), "TEST"), safe(&name)));
        }
    }
    Ok(if found.cases.is_empty() { Status::Done } else { Status::Failed })
}

/// What was found, each case with its TEST.
struct Found {
    name: String,
    runs: u64,
    outcomes: BTreeMap<&'static str, u64>,
    cases: Vec<(Case, String)>,
    /// Functions that cannot be called with generated values.
    left_out: Vec<String>,
}

fn until(arguments: &FuzzArguments, parts: u32) -> Until {
    let time = Duration::from_secs(arguments.seconds);
    Until {
        time: time.checked_div(parts).unwrap_or(time),
        runs: arguments.runs.unwrap_or(u64::MAX),
        cases: MOST_CASES,
    }
}

fn fuzz_program(arguments: &FuzzArguments, bytes: &[u8]) -> Result<Found, Failure> {
    let program = Program::load(bytes).map_err(|error| refused(&error, &DataArguments::default()))?;
    let Search { runs, cases, outcomes } = search(&program, arguments.seed, until(arguments, 1));
    let module = program.module();
    let tested = |case: Case| {
        let test = case.as_test(module);
        (case, test)
    };
    let cases = cases.into_iter().map(tested).collect();
    Ok(Found { name: module.instruction.name.to_string(), runs, outcomes, cases, left_out: Vec::new() })
}

/// Each function for its part of the time.
fn fuzz_functions(arguments: &FuzzArguments, called: &[Called], left_out: Vec<String>) -> Found {
    let until = until(arguments, u32::try_from(called.len()).unwrap_or(u32::MAX));
    let name = format!("{} of {}", plural(called.len(), "function"), files::display_name(&arguments.file));
    let mut found = Found { name, runs: 0, outcomes: BTreeMap::new(), cases: Vec::new(), left_out };
    for function in called {
        let search = search(&function.program, arguments.seed, until);
        found.runs = found.runs.saturating_add(search.runs);
        for (outcome, count) in search.outcomes {
            let sum = found.outcomes.entry(outcome).or_insert(0);
            *sum = sum.saturating_add(count);
        }
        for case in search.cases {
            let known = |(other, _): &(Case, String)| other.code == case.code && other.place == case.place;
            // The same place, reached through another function.
            if !found.cases.iter().any(known) {
                let test = function.as_test(&case);
                found.cases.push((case, test));
            }
        }
    }
    found
}

/// Puts the tests behind what the file has.
fn add(arguments: &FuzzArguments, tests: &[&str]) -> Result<(), Failure> {
    let source = files::read_source(&arguments.file)?;
    let text = format!("{}\n\n{}", source.text().trim_end(), tests.join("\n"));
    files::write(&arguments.file, text.as_bytes())
}

fn page(found: &Found) -> String {
    let outcomes: Vec<String> =
        found.outcomes.iter().map(|(name, count)| format!("{} {name}", grouped((*count).into()))).collect();
    let mut page = format!(
        "{} · {} inputs {}\n",
        bold(&safe(&found.name)),
        grouped(found.runs.into()),
        dim(&format!("({})", outcomes.join(", ")))
    );
    for (case, test) in &found.cases {
        page.push_str(&format!(
            "\n{} {}\n",
            error(&format!("{}:", case.code)),
            bold(&safe(&format!("{}{}", case.message, place(case))))
        ));
        for line in safe_lines(test).lines() {
            page.push_str(&format!("  {line}\n"));
        }
    }
    if !found.left_out.is_empty() {
        page.push_str(&format!("{} {}\n", dim("not called:"), safe(&found.left_out.join(", "))));
    }
    if found.cases.is_empty() {
        page.push_str(&format!("{}\n", good("nothing found")));
    }
    page
}

fn place(case: &Case) -> String {
    case.place.as_ref().map_or(String::new(), |place| format!(", at {place}"))
}

fn document(found: &Found) -> Value {
    let case = |(case, test): &(Case, String)| {
        json!({
            "code": case.code, "message": case.message, "place": case.place, "run": case.run, "test": test,
        })
    };
    let cases: Vec<Value> = found.cases.iter().map(case).collect();
    json!({ "runs": found.runs, "outcomes": found.outcomes, "not_called": found.left_out, "cases": cases })
}
