//! One test from its first line to its last.

use std::ops::ControlFlow;

use smol_str::SmolStr;
use swarm_bytecode::module::{FunctionId, ImportId, MetricKind, Module};
use swarm_compiler::TestPlan;
use swarm_compiler::typed::TestStepKind;
use swarm_grammar::span::Span;
use swarm_vm::{
    Clock, Course, Effects, Grants, Host, InputError, Inputs, Instance, Level, Limits, Outcome, Program,
    Reason, Report, Value, VirtualClock, Wake,
};

use super::recorder::Script;
use super::{Coverage, Failure, Issued, TestResult};

/// Activations of one line at most: RUN FOR a year of EVERY 1s is a mistake.
const MOST_ACTIVATIONS: usize = 1_000_000;

/// Runs a test.
pub(super) fn run(plan: &TestPlan, coverage: Option<&mut Coverage>) -> TestResult {
    let mut result = TestResult {
        name: plan.name.to_string(),
        span: plan.span,
        failures: Vec::new(),
        actions: Vec::new(),
        fuel: 0,
    };
    let bytes = plan.module.encode();
    let outcome = Program::load(&bytes)
        .map_err(|error| Stop::plain(format!("the test cannot be loaded: {error}")))
        .and_then(|program| Runner::new(&program, coverage))
        .map(|runner| runner.finish(plan, &mut result));
    if let Err(stop) = outcome {
        result.failures.push(stop.at(plan.span));
    }
    result
}

/// Why a line cannot be done, or does not hold.
struct Stop {
    message: String,
    sides: Option<Box<(Value, Value)>>,
    place: Option<String>,
}

impl Stop {
    fn plain(message: String) -> Stop {
        Stop { message, sides: None, place: None }
    }

    fn of(what: &str, reason: &Reason) -> Stop {
        let message = format!("{what}: {}", reason.message.trim_end_matches('.'));
        Stop { message, sides: None, place: reason.place.as_ref().map(ToString::to_string) }
    }

    fn at(self, span: Span) -> Failure {
        Failure { span, message: self.message, sides: self.sides.map(|sides| *sides), place: self.place }
    }
}

struct Runner<'c> {
    program: Program,
    coverage: Option<&'c mut Coverage>,
    script: Script,
    clock: VirtualClock,
    states: Vec<(SmolStr, Value)>,
    metrics: Vec<(SmolStr, Value)>,
    course: Course,
    seen: Seen,
}

/// What the activations came to.
#[derive(Default)]
struct Seen {
    activations: usize,
    actions: Vec<Issued>,
    /// Actions before the last RUN.
    before: usize,
    /// How the last activation ended.
    last: Option<(Outcome, Option<Reason>)>,
    /// An end that no EXPECT has named yet.
    unexpected: Option<Reason>,
    fuel: u64,
}

impl Seen {
    fn note(&mut self, report: Report) {
        self.activations = self.activations.saturating_add(1);
        self.fuel = self.fuel.saturating_add(report.fuel_used);
        if !report.actions_dropped {
            let issued = report.actions.into_iter().filter(|action| action.error.is_none());
            self.actions.extend(
                issued.map(|action| Issued { name: action.name.to_string(), arguments: action.args }),
            );
        }
        if matches!(report.outcome, Outcome::Failed | Outcome::Limit | Outcome::Trapped) {
            self.unexpected = report.reason.clone();
        }
        self.last = Some((report.outcome, report.reason));
    }
}

impl<'c> Runner<'c> {
    fn new(program: &Program, coverage: Option<&'c mut Coverage>) -> Result<Runner<'c>, Stop> {
        let inputs = empty_inputs(program)?;
        let (script, clock) = (Script::default(), VirtualClock::default());
        let course = course(program, inputs, &host(&script, &clock))?;
        Ok(Runner {
            program: program.clone(),
            coverage,
            script,
            clock,
            states: Vec::new(),
            metrics: Vec::new(),
            course,
            seen: Seen::default(),
        })
    }

    /// Goes through the lines. The first that cannot be done ends the test.
    fn finish(mut self, plan: &TestPlan, result: &mut TestResult) {
        let mut last = plan.span;
        for step in &plan.steps {
            let is_run =
                matches!(step.kind, TestStepKind::Run | TestStepKind::RunFor(_) | TestStepKind::RunEvent(..));
            if is_run {
                last = step.span;
            }
            let given = !is_run && !is_expectation(&step.kind);
            if let Err(stop) = self.step(&step.kind) {
                result.failures.push(stop.at(step.span));
                if is_run || given {
                    self.seen.unexpected = None;
                    break;
                }
            }
        }
        if let Some(reason) = self.seen.unexpected.take() {
            let what = self.seen.last.as_ref().map_or("the run failed", |(outcome, _)| ended(*outcome));
            result.failures.push(Stop::of(what, &reason).at(last));
        }
        result.actions = self.seen.actions;
        result.fuel = self.seen.fuel;
    }

    fn step(&mut self, kind: &TestStepKind<FunctionId>) -> Result<(), Stop> {
        use TestStepKind as Step;
        match kind {
            Step::GivenInput(id, value) => {
                let name = self.module().inputs.get(id.index()).map(|input| input.name.clone());
                self.give_data(name, *value)
            }
            Step::GivenContext(id, value) => {
                let name = self.module().contexts.get(id.index()).map(|context| context.name.clone());
                self.give_data(name, *value)
            }
            Step::GivenState(id, value) => {
                let name = self.module().states.get(id.index()).map(|state| state.name.clone());
                let value = self.value(*value)?;
                self.states.push((name.unwrap_or_default(), value));
                self.give_kept()
            }
            Step::GivenMetric(id, value) => {
                let metric = self.module().metrics.get(id.index());
                let (name, kind) = metric.map(|metric| (metric.name.clone(), metric.kind)).unzip();
                let value = self.value(*value)?;
                let value =
                    if kind == Some(MetricKind::Distribution) { Value::List(vec![value]) } else { value };
                self.metrics.push((name.unwrap_or_default(), value));
                self.give_kept()
            }
            Step::GivenAnswer(import, arguments, answer) => {
                let (name, arguments) = self.call(*import, arguments)?;
                let answer = self.value(*answer)?;
                self.script.add(name, arguments, Some(answer));
                Ok(())
            }
            Step::GivenFails(import, arguments) => {
                let (name, arguments) = self.call(*import, arguments)?;
                self.script.add(name, arguments, None);
                Ok(())
            }
            Step::Run => {
                self.begin_line();
                self.start()
            }
            Step::RunFor(time) => {
                self.begin_line();
                let end = self.now().saturating_add(u64::try_from(*time).unwrap_or(0));
                self.play(end)
            }
            Step::RunEvent(event, arguments) => {
                self.begin_line();
                self.run_event(*event, arguments)
            }
            Step::ExpectNoActions => self.expect_no_actions(),
            Step::ExpectAction(import, arguments) => self.expect_action(*import, arguments),
            Step::ExpectStop(why) => self.expect_end(Outcome::Stopped, why),
            Step::ExpectFail(why) => self.expect_end(Outcome::Failed, why),
            Step::Expect(condition, sides) => self.expect(*condition, *sides),
        }
    }

    fn module(&self) -> &Module {
        self.program.module()
    }

    fn now(&self) -> u64 {
        self.clock.now_ns()
    }

    /// What a line's function gives.
    fn value(&mut self, function: FunctionId) -> Result<Value, Stop> {
        let instance = self.course.instance_mut();
        let value = match self.coverage.as_deref_mut() {
            Some(coverage) => {
                let mut sink = coverage.sink(self.program.module());
                instance.evaluate_traced(function, &[], Level::Ops, &mut sink)
            }
            None => instance.evaluate(function, &[]),
        };
        value.map_err(|reason| Stop::of("this cannot be computed", &reason))
    }

    /// A call's name and arguments, as the host sees them.
    fn call(&mut self, import: ImportId, arguments: &[FunctionId]) -> Result<(SmolStr, Vec<Value>), Stop> {
        let import = self.module().imports.get(import.index()).cloned();
        let import = import.ok_or_else(|| Stop::plain("there is no such host function".to_owned()))?;
        let mut values = Vec::with_capacity(arguments.len());
        for (function, ty) in arguments.iter().zip(&import.parameters) {
            let value = self.value(*function)?;
            values.push(value.shown(self.program.module(), *ty));
        }
        Ok((import.name, values))
    }

    fn give_data(&mut self, name: Option<SmolStr>, value: FunctionId) -> Result<(), Stop> {
        let value = self.value(value)?;
        let now = self.now();
        let inputs = self.course.inputs_at(now).value(&name.unwrap_or_default(), &value).map_err(unfit)?;
        if self.course.has_begun() {
            return self.course.give(inputs, now).map_err(unfit);
        }
        // Nothing has run yet: what is given is there at once.
        self.course = course(&self.program, inputs, &self.host())?;
        self.give_kept()
    }

    /// STATE and metrics as they were given.
    fn give_kept(&mut self) -> Result<(), Stop> {
        let instance = self.course.instance_mut();
        for (name, value) in &self.states {
            instance.set_state(name, value).map_err(unfit)?;
        }
        for (name, value) in &self.metrics {
            instance.set_metric(name, value).map_err(unfit)?;
        }
        Ok(())
    }

    fn host(&self) -> Host<'static> {
        host(&self.script, &self.clock)
    }

    fn begin_line(&mut self) {
        self.seen.before = self.seen.actions.len();
        self.seen.activations = 0;
    }

    /// Begins the order, anew where one has begun.
    fn start(&mut self) -> Result<(), Stop> {
        if self.course.has_begun() {
            self.course = course(&self.program, self.course.inputs_at(self.now()), &self.host())?;
            self.give_kept()?;
        }
        self.play(self.now())
    }

    fn run_event(&mut self, event: usize, arguments: &[FunctionId]) -> Result<(), Stop> {
        if !self.course.has_begun() {
            self.start()?;
        }
        let arguments: Result<Vec<Value>, Stop> =
            arguments.iter().map(|argument| self.value(*argument)).collect();
        let name = self.module().events.get(event).map(|event| event.name.clone()).unwrap_or_default();
        self.course.post(&name, arguments?);
        self.play(self.now())
    }

    /// Does all that is due up to a time.
    fn play(&mut self, until: u64) -> Result<(), Stop> {
        let mut host = self.host();
        let (seen, script) = (&mut self.seen, &self.script);
        let mut stop = None;
        let mut each = |_: Wake, report: Report| {
            seen.note(report);
            let unanswered = script.unanswered();
            stop = match unanswered.first() {
                Some(query) => Some(format!("no GIVEN answers {query}")),
                None if seen.activations > MOST_ACTIVATIONS => {
                    Some(format!("more than {MOST_ACTIVATIONS} activations in one line of a TEST"))
                }
                None => return ControlFlow::Continue(()),
            };
            ControlFlow::Break(())
        };
        let played = match self.coverage.as_deref_mut() {
            Some(coverage) => {
                let mut sink = coverage.sink(self.program.module());
                self.course.play(until, &self.clock, &mut host, Some((Level::Ops, &mut sink)), &mut each)
            }
            None => self.course.play(until, &self.clock, &mut host, None, &mut each),
        };
        played.map_err(|refusal| Stop::plain(refusal.to_string()))?;
        stop.map_or(Ok(()), |message| Err(Stop::plain(message)))
    }

    fn expect_no_actions(&self) -> Result<(), Stop> {
        match self.seen.actions.len().saturating_sub(self.seen.before) {
            0 => Ok(()),
            1 => Err(Stop::plain("there was an action".to_owned())),
            count => Err(Stop::plain(format!("there were {count} actions"))),
        }
    }

    fn expect_action(&mut self, import: ImportId, arguments: &[FunctionId]) -> Result<(), Stop> {
        let (name, arguments) = self.call(import, arguments)?;
        let expected = Issued { name: name.to_string(), arguments };
        if self.seen.actions.contains(&expected) {
            return Ok(());
        }
        Err(Stop::plain(format!("{expected} did not happen")))
    }

    fn expect_end(&mut self, outcome: Outcome, why: &str) -> Result<(), Stop> {
        let expected = ended(outcome);
        match &self.seen.last {
            Some((own, reason)) if *own == outcome => {
                let message = reason.as_ref().map_or("", |reason| reason.message.as_str());
                if message == why {
                    self.seen.unexpected = None;
                    return Ok(());
                }
                let sides = (Value::String(message.into()), Value::String(why.into()));
                self.seen.unexpected = None;
                Err(Stop {
                    message: format!("{expected} with other words"),
                    sides: Some(Box::new(sides)),
                    place: None,
                })
            }
            Some((own, _)) => Err(Stop::plain(format!("{} instead: {}", ended(*own), self.ending()))),
            None => Err(Stop::plain("nothing has run yet".to_owned())),
        }
    }

    /// What is known of the last end.
    fn ending(&self) -> String {
        match &self.seen.last {
            Some((_, Some(reason))) => reason.message.clone(),
            _ => "it came to its end".to_owned(),
        }
    }

    fn expect(&mut self, condition: FunctionId, sides: Option<(FunctionId, FunctionId)>) -> Result<(), Stop> {
        if self.value(condition)? == Value::Bool(true) {
            return Ok(());
        }
        let sides = match sides {
            Some((left, right)) => Some(Box::new((self.value(left)?, self.value(right)?))),
            None => None,
        };
        Err(Stop { message: "this does not hold".to_owned(), sides, place: None })
    }
}

fn is_expectation(kind: &TestStepKind<FunctionId>) -> bool {
    use TestStepKind as Step;
    matches!(
        kind,
        Step::ExpectNoActions
            | Step::ExpectAction(..)
            | Step::ExpectStop(_)
            | Step::ExpectFail(_)
            | Step::Expect(..)
    )
}

fn ended(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Done => "the run came to its end",
        Outcome::Stopped => "the run stopped",
        Outcome::Failed => "the run failed",
        Outcome::Limit => "the run hit a limit",
        Outcome::Trapped => "the run ran into an error",
    }
}

/// Nothing given: every input is empty.
fn empty_inputs(program: &Program) -> Result<Inputs, Stop> {
    let module = program.module();
    let mut inputs = Inputs::new(program);
    let of_inputs = module.inputs.iter().map(|input| (&input.name, input.ty, input.default.is_none()));
    let contexts =
        module.contexts.iter().map(|context| (&context.name, context.ty, context.default.is_none()));
    for (name, ty, _) in of_inputs.chain(contexts).filter(|(_, _, missing)| *missing) {
        let zero = Value::zero(module, ty);
        inputs = inputs.value(name, &zero).map_err(|error| Stop::plain(error.to_string()))?;
    }
    Ok(inputs)
}

fn host(script: &Script, clock: &VirtualClock) -> Host<'static> {
    let mut host = Host::new();
    let script = script.clone();
    host.otherwise(move |call| script.answer(call));
    host.clock(clock.clone());
    host
}

fn course(program: &Program, inputs: Inputs, host: &Host<'_>) -> Result<Course, Stop> {
    // The order's time is virtual: the header's DEADLINE ends it, not the machine's patience.
    let limits = Limits::of_header(&program.module().instruction).deadline_ns(u64::MAX);
    let instance = Instance::new(program, &inputs, limits, &Grants::all(), host);
    let instance = instance.map_err(|error| Stop::plain(error.to_string()))?;
    Ok(Course::new(instance.effects(Effects::Collected), inputs))
}

fn unfit(error: InputError) -> Stop {
    Stop::plain(error.to_string())
}
