//! `swarmc fuzz`: looks for inputs that make a program fail.

use std::time::Duration;

use serde_json::{Value, json};
use swarm_vm::Program;

use crate::cli::{DataArguments, FuzzArguments};
use crate::commands::run::refused;
use crate::files;
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
    let Some(loaded) = program::load(&arguments.file, program::options(false), terminal)? else {
        return Ok(Status::Failed);
    };
    let program = Program::load(&loaded.bytes).map_err(|error| refused(&error, &DataArguments::default()))?;
    let until = Until {
        time: Duration::from_secs(arguments.seconds),
        runs: arguments.runs.unwrap_or(u64::MAX),
        cases: MOST_CASES,
    };
    let found = search(&program, arguments.seed, until);
    let tests: Vec<String> = found.cases.iter().map(|case| case.as_test(program.module())).collect();
    if arguments.write && !tests.is_empty() {
        add(arguments, &tests)?;
    }
    if terminal.json() {
        terminal.document(document(&found, &tests))?;
    } else {
        terminal.data(&page(&found, &tests, &program))?;
        if arguments.write && !tests.is_empty() {
            let name = files::display_name(&arguments.file);
            terminal.talk(&format!("{} {} to {}\n", good("added"), plural(tests.len(), "TEST"), safe(&name)));
        }
    }
    Ok(if found.cases.is_empty() { Status::Done } else { Status::Failed })
}

/// Puts the tests behind what the file has.
fn add(arguments: &FuzzArguments, tests: &[String]) -> Result<(), Failure> {
    let source = files::read_source(&arguments.file)?;
    let text = format!("{}\n\n{}", source.text().trim_end(), tests.join("\n"));
    files::write(&arguments.file, text.as_bytes())
}

fn page(found: &Search, tests: &[String], program: &Program) -> String {
    let outcomes: Vec<String> =
        found.outcomes.iter().map(|(name, count)| format!("{} {name}", grouped((*count).into()))).collect();
    let mut page = format!(
        "{} · {} inputs {}\n",
        bold(&safe(&program.module().instruction.name)),
        grouped(found.runs.into()),
        dim(&format!("({})", outcomes.join(", ")))
    );
    for (case, test) in found.cases.iter().zip(tests) {
        page.push_str(&format!(
            "\n{} {}\n",
            error(&format!("{}:", case.code)),
            bold(&safe(&format!("{}{}", case.message, place(case))))
        ));
        for line in safe_lines(test).lines() {
            page.push_str(&format!("  {line}\n"));
        }
    }
    if found.cases.is_empty() {
        page.push_str(&format!("{}\n", good("nothing found")));
    }
    page
}

fn place(case: &Case) -> String {
    case.place.as_ref().map_or(String::new(), |place| format!(", at {place}"))
}

fn document(found: &Search, tests: &[String]) -> Value {
    let cases: Vec<Value> = found
        .cases
        .iter()
        .zip(tests)
        .map(|(case, test)| {
            json!({
                "code": case.code, "message": case.message, "place": case.place, "run": case.run, "test": test,
            })
        })
        .collect();
    json!({ "runs": found.runs, "outcomes": found.outcomes, "cases": cases })
}
