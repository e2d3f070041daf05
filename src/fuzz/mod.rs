//! Looking for inputs that make a program fail: generated values, a run, and the least value that still does it.

pub(crate) mod functions;
mod generate;
mod literal;
mod shrink;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::rc::Rc;
use std::time::{Duration, Instant};

use smol_str::SmolStr;
use swarm_bytecode::module::{InputId, Module};
use swarm_compiler::bound::evaluate;
use swarm_vm::{
    Answer, Clock, Course, Effects, Grants, Host, Inputs, Instance, Limits, Outcome, Program, Report, Value,
    VirtualClock, Wake,
};

use generate::Generator;

/// What a program was given: its inputs and context values, by name, and what happened after START.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Given {
    /// Inputs.
    pub(crate) inputs: Vec<(SmolStr, Value)>,
    /// Context values.
    pub(crate) contexts: Vec<(SmolStr, Value)>,
    /// What wakes the program up after START.
    pub(crate) steps: Vec<Step>,
}

/// Something that wakes a program up.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Step {
    /// So many nanoseconds pass.
    For(u64),
    /// An event: index of its handler, and its arguments.
    Event(usize, Vec<Value>),
}

/// A query and what it was answered.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Answered {
    import: usize,
    arguments: Vec<Value>,
    answer: Value,
}

/// Something that went wrong, with the least data found that makes it go wrong.
#[derive(Debug)]
pub(crate) struct Case {
    /// What: the name of a trap or limit, `fail`, or `bound`.
    pub(crate) code: String,
    /// In words.
    pub(crate) message: String,
    /// Where in the program.
    pub(crate) place: Option<String>,
    /// The line there, if the module knows.
    pub(crate) line: Option<u32>,
    /// The data.
    pub(crate) given: Given,
    /// What its queries were answered.
    pub(crate) answers: Vec<Answered>,
    /// The number of the input it was found with.
    pub(crate) run: u64,
}

impl Case {
    /// As a TEST that runs the program with the data.
    pub(crate) fn as_test(&self, module: &Module) -> String {
        literal::test(self, module)
    }
}

/// What a search came to.
#[derive(Debug)]
pub(crate) struct Search {
    /// Inputs looked at.
    pub(crate) runs: u64,
    /// What was found, each kind and place once.
    pub(crate) cases: Vec<Case>,
    /// How the runs ended, by name.
    pub(crate) outcomes: BTreeMap<&'static str, u64>,
}

/// When a search ends.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Until {
    /// Time.
    pub(crate) time: Duration,
    /// Inputs.
    pub(crate) runs: u64,
    /// Cases: a program with more is in need of a person.
    pub(crate) cases: usize,
}

/// Looks for data that makes the program fail. The data depends on the seed alone.
pub(crate) fn search(program: &Program, seed: u64, until: Until) -> Search {
    let start = Instant::now();
    let mut search = Search { runs: 0, cases: Vec::new(), outcomes: BTreeMap::new() };
    while search.runs < until.runs && start.elapsed() < until.time && search.cases.len() < until.cases {
        let run = search.runs;
        search.runs = search.runs.saturating_add(1);
        let mut generator = Generator::new(program.module(), seed.wrapping_add(run));
        let given = generator.given();
        let Some(tried) = try_with(program, &given, run) else { continue };
        let count = search.outcomes.entry(tried.outcome).or_insert(0);
        *count = count.saturating_add(1);
        let Some(found) = tried.found else { continue };
        if search.cases.iter().any(|case| found.is(case)) {
            continue;
        }
        let same = |smaller: &Given| {
            try_with(program, smaller, run).and_then(|tried| tried.found).is_some_and(|other| other == found)
        };
        let given = shrink::least(given, same);
        let answers = try_with(program, &given, run).map(|tried| tried.answers).unwrap_or_default();
        search.cases.push(Case {
            code: found.code,
            message: found.message,
            place: found.place,
            line: found.line,
            given,
            answers,
            run,
        });
    }
    search
}

/// What a run found, without its words: two of a kind and place are the same.
#[derive(Debug, Clone)]
struct Found {
    code: String,
    message: String,
    place: Option<String>,
    line: Option<u32>,
}

impl PartialEq for Found {
    fn eq(&self, other: &Found) -> bool {
        self.code == other.code && self.place == other.place
    }
}

impl Found {
    fn is(&self, case: &Case) -> bool {
        self.code == case.code && self.place == case.place
    }
}

struct Tried {
    outcome: &'static str,
    found: Option<Found>,
    answers: Vec<Answered>,
}

/// Runs the program with the data. `None`: the data does not fit.
fn try_with(program: &Program, given: &Given, run: u64) -> Option<Tried> {
    let module = program.module();
    let inputs = Inputs::new(program).from_json(&object(&given.inputs)).ok()?;
    let inputs = inputs.context_json(&object(&given.contexts)).ok()?;
    let answers = Rc::new(RefCell::new(Vec::new()));
    let mut host = host(module, run, &answers);
    let limits = Limits::of_header(&module.instruction).deadline_ns(u64::MAX);
    let instance = Instance::new(program, &inputs, limits, &Grants::all(), &host).ok()?;
    let mut course = Course::new(instance.effects(Effects::Collected), inputs.clone());
    let clock = VirtualClock::default();
    let ended: RefCell<Option<(&'static str, Option<Found>)>> = RefCell::new(None);
    let mut each = |_: Wake, report: Report| {
        let found = finding(&report).or_else(|| beyond_bound(&report, module, &inputs));
        let go_on = found.is_none();
        ended.replace(Some((report.outcome.name(), found)));
        if go_on { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    };
    // Arguments are made for the handlers: there is nothing to refuse.
    let _played = course.play(0, &clock, &mut host, None, &mut each);
    for step in &given.steps {
        if matches!(*ended.borrow(), Some((_, Some(_)))) {
            break;
        }
        let until = match step {
            Step::For(time) => clock.now_ns().saturating_add(*time),
            Step::Event(handler, arguments) => {
                course.post(&module.events.get(*handler)?.name, arguments.clone());
                clock.now_ns()
            }
        };
        let _played = course.play(until, &clock, &mut host, None, &mut each);
    }
    let (outcome, found) = ended.into_inner()?;
    drop(host);
    let answers = Rc::try_unwrap(answers).map(RefCell::into_inner).unwrap_or_default();
    Some(Tried { outcome, found, answers })
}

/// A host that answers with generated values and remembers them; what was asked before is answered the same.
fn host<'m>(module: &'m Module, run: u64, answers: &Rc<RefCell<Vec<Answered>>>) -> Host<'m> {
    let mut generator = Generator::new(module, run.wrapping_mul(0x9e37_79b9));
    let answers = Rc::clone(answers);
    let mut host = Host::new();
    host.otherwise(move |call| {
        let Some(ty) = call.result() else { return Answer::done() };
        let import = module.imports.iter().position(|import| import.name == call.name()).unwrap_or(0);
        let arguments: Vec<Value> = call.arguments().map(|argument| argument.to_value()).collect();
        let mut known = answers.borrow_mut();
        let before = known.iter().find(|known| known.import == import && known.arguments == arguments);
        if let Some(before) = before {
            return Answer::value(before.answer.clone());
        }
        let answer = generator.value(ty);
        known.push(Answered { import, arguments, answer: answer.clone() });
        Answer::value(answer)
    });
    host
}

fn finding(report: &Report) -> Option<Found> {
    if matches!(report.outcome, Outcome::Done | Outcome::Stopped) {
        return None;
    }
    let reason = report.reason.as_ref()?;
    Some(Found {
        code: reason.code.to_string(),
        message: reason.message.trim_end_matches('.').to_owned(),
        place: reason.place.as_ref().map(ToString::to_string),
        line: reason.place.as_ref().and_then(|place| Some(place.source.as_ref()?.line)),
    })
}

/// A run that used more than was proved: the mistake is the compiler's.
fn beyond_bound(report: &Report, module: &Module, inputs: &Inputs) -> Option<Found> {
    let sizes: BTreeMap<InputId, u64> =
        inputs.sizes().iter().zip(0_u16..).map(|(size, at)| (InputId(at), u64::from(*size))).collect();
    let most = evaluate(&module.bound, module, &sizes);
    let used = |amount: i64| u64::try_from(amount).unwrap_or(0);
    let (what, used, most) = [
        ("fuel", report.fuel_used, most.fuel),
        ("memory", report.memory_peak_bytes, most.memory),
        ("host calls", report.host_calls, most.host_calls),
        ("money", used(report.money), most.money),
        ("tokens", used(report.tokens), most.tokens),
    ]
    .into_iter()
    .find(|(_, used, most)| most.is_some_and(|most| *used > most))?;
    Some(Found {
        code: "bound".to_owned(),
        message: format!("the run used {used} of {what}, the proved bound is {}", most.unwrap_or(0)),
        place: None,
        line: None,
    })
}

/// Values by name as JSON.
fn object(values: &[(SmolStr, Value)]) -> String {
    Value::Record(values.to_vec()).to_json()
}
