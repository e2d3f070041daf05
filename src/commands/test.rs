//! `swarmc test`: runs the TESTs of programs.

use swarm_compiler::{Options, compile_tests};
use swarm_grammar::source::Sources;
use swarmc::testing::{Wanted, run};

use crate::cli::{Format, TestArguments};
use crate::files;
use crate::loader::Files;
use crate::program::report;
use crate::render::diagnostic::{self, Findings};
use crate::render::tests::{self, Tested};
use crate::status::{Failure, Status};
use crate::terminal::Terminal;

/// Runs the tests of each file, and tells what came of them.
pub(crate) fn test(arguments: &TestArguments, terminal: Terminal) -> Result<Status, Failure> {
    files::one_standard_input(&arguments.files)?;
    let wanted = Wanted { filter: arguments.filter.clone(), coverage: arguments.coverage };
    // Code that was put into its callers would hide what ran.
    let optimise = !arguments.no_optimise && !arguments.coverage;
    let options = Options { tests: true, optimise };
    let mut findings = Vec::new();
    let mut tested = Vec::new();
    for path in &arguments.files {
        let mut sources = Sources::new();
        let file = sources.add(files::read_source(path)?);
        let tests = compile_tests(&mut sources, file, &Files, &options);
        let results = run(&tests.plans, &sources, &wanted);
        tested.push(Tested { name: files::display_name(path), sources: sources.clone(), results });
        findings.push(Findings { sources, diagnostics: tests.diagnostics });
    }
    let broken = findings.iter().any(Findings::has_errors);
    match arguments.format {
        Format::Json => {
            let mut document = tests::for_programs(&tested);
            document.insert("diagnostics".into(), diagnostic::for_programs(&findings));
            terminal.document(serde_json::Value::Object(document))?;
        }
        format => {
            report(&findings, terminal)?;
            let page =
                if format == Format::Junit { tests::junit(&tested) } else { tests::for_people(&tested) };
            // Of a program that cannot be compiled there is nothing to tell.
            if !broken || format == Format::Junit {
                terminal.data(&page)?;
            }
        }
    }
    let failed = tested.iter().any(|tested| tested.results.failed() > 0);
    Ok(if broken || failed { Status::Failed } else { Status::Done })
}
