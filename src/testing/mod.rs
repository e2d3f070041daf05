//! Runs the TESTs of a program: each in an instance of its own, with a host that records and a time that is
//! virtual.
//!
//! Actions are recorded and succeed, unless a GIVEN makes one fail; a query answers what a GIVEN says, and
//! without one the test fails by its name. Inputs that are not given are empty. Vetoes and limits apply.
//!
//! ```
//! use swarmc::compiler::{NoFiles, Options, compile_tests};
//! use swarmc::grammar::source::{SourceFile, Sources};
//! use swarmc::testing::{Wanted, run};
//!
//! let text = "FUNC double(n: int) -> int { RETURN n * 2 }
//!     ON START { LOG(\"{double(2)}\") }
//!     TEST \"two times two\" { EXPECT double(2) == 4 RUN EXPECT ACTION LOG(\"4\") }";
//! let mut sources = Sources::new();
//! let file = sources.add(SourceFile::new("double.swarm", text));
//! let tests = compile_tests(&mut sources, file, &NoFiles, &Options::default());
//! let results = run(&tests.plans, &sources, &Wanted::default());
//! assert!(results.tests.iter().all(|test| test.passed()));
//! ```

mod coverage;
mod recorder;
mod runner;

use swarm_compiler::TestPlan;
use swarm_grammar::source::Sources;
use swarm_grammar::span::Span;
use swarm_vm::Value;

pub use coverage::{Branch, Coverage};

/// Which tests are run, and what is asked of them.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// Only tests whose name has this text.
    pub filter: Option<String>,
    /// Whether it is recorded what ran.
    pub coverage: bool,
}

/// What came of the tests.
#[derive(Debug, Clone, Default)]
pub struct Results {
    /// In the order of the text.
    pub tests: Vec<TestResult>,
    /// How many were left out by the filter.
    pub left_out: usize,
    /// What ran, where that was wanted.
    pub coverage: Option<Coverage>,
}

impl Results {
    /// Number of tests that failed.
    pub fn failed(&self) -> usize {
        self.tests.iter().filter(|test| !test.passed()).count()
    }
}

/// What came of one test.
#[derive(Debug, Clone, PartialEq)]
pub struct TestResult {
    /// Its name.
    pub name: String,
    /// Its declaration.
    pub span: Span,
    /// What did not hold, in order; a test ends at the first EXPECT that cannot be asked any more.
    pub failures: Vec<Failure>,
    /// Actions that happened in all of it.
    pub actions: Vec<Issued>,
    /// Fuel that its activations used.
    pub fuel: u64,
}

impl TestResult {
    /// Whether all held.
    pub fn passed(&self) -> bool {
        self.failures.is_empty()
    }
}

/// Something that did not hold.
#[derive(Debug, Clone, PartialEq)]
pub struct Failure {
    /// The line of the TEST.
    pub span: Span,
    /// What happened instead, without a full stop.
    pub message: String,
    /// Both sides of a comparison.
    pub sides: Option<(Value, Value)>,
    /// Where in the program, of a run that ended badly.
    pub place: Option<String>,
}

/// An action that happened.
#[derive(Debug, Clone, PartialEq)]
pub struct Issued {
    /// Its name.
    pub name: String,
    /// Its arguments; a record is shown by its KEY.
    pub arguments: Vec<Value>,
}

impl std::fmt::Display for Issued {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let arguments: Vec<String> = self.arguments.iter().map(shown).collect();
        write!(f, "{}({})", self.name, arguments.join(", "))
    }
}

/// A value for people: text in quotation marks, quantities bare.
pub fn shown(value: &Value) -> String {
    let json = value.to_json();
    match value {
        Value::Quantity(..) | Value::Rate(..) => json.trim_matches('"').to_owned(),
        Value::None => "NONE".to_owned(),
        Value::Bool(true) => "TRUE".to_owned(),
        Value::Bool(false) => "FALSE".to_owned(),
        _ => json,
    }
}

/// Runs the tests.
pub fn run(plans: &[TestPlan], sources: &Sources, wanted: &Wanted) -> Results {
    let mut results = Results { coverage: wanted.coverage.then(Coverage::default), ..Results::default() };
    for plan in plans {
        if wanted.filter.as_ref().is_some_and(|filter| !plan.name.contains(filter.as_str())) {
            results.left_out = results.left_out.saturating_add(1);
            continue;
        }
        if let Some(coverage) = &mut results.coverage {
            coverage.add_module(&plan.module, sources);
        }
        results.tests.push(runner::run(plan, results.coverage.as_mut()));
    }
    if let Some(coverage) = &mut results.coverage {
        coverage.leave_out_tests(plans, sources);
    }
    results
}
