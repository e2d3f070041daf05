//! Compiles, verifies and runs a program against a small host that keeps what it is told.

use std::collections::BTreeMap;

use swarm_bytecode::module::{InputId, Module};
use swarm_bytecode::verify::Verified;
use swarm_compiler::bound::{Amounts, evaluate};
use swarm_compiler::{Options, compile_text_with};
use swarm_vm::{
    ActionRecord, Answer, Call, Effects, Grants, Host, Inputs, Instance, Limits, Outcome, Report, Value,
};

/// A program with what it is given.
pub(crate) struct Program {
    text: String,
    input: Option<String>,
    context: Option<String>,
    limits: Limits,
}

/// What came of a run.
pub(crate) struct Run {
    pub(crate) actions: Vec<String>,
    /// Queries, in the order in which they were asked.
    pub(crate) asked: Vec<String>,
    pub(crate) fuel: u64,
    /// How much of each bound it used, and the optimised program did: 1 is all.
    pub(crate) used: Vec<f64>,
    report: Report,
}

impl Program {
    pub(crate) fn of(text: &str) -> Program {
        Program { text: text.to_owned(), input: None, context: None, limits: Limits::default() }
    }

    /// The inputs, as JSON.
    #[must_use]
    pub(crate) fn input(mut self, json: &str) -> Program {
        self.input = Some(json.to_owned());
        self
    }

    /// The order's context, as JSON.
    #[must_use]
    pub(crate) fn context(mut self, json: &str) -> Program {
        self.context = Some(json.to_owned());
        self
    }

    #[must_use]
    pub(crate) fn budget_micro_dollars(mut self, amount: i64) -> Program {
        self.limits = self.limits.money(amount);
        self
    }

    #[must_use]
    pub(crate) fn tokens(mut self, tokens: i64) -> Program {
        self.limits = self.limits.tokens(tokens);
        self
    }

    /// Compiles and runs, as it is written and made better by the optimiser: both do the same. What is shown
    /// is the program as it is written, whose fuel does not change with every improvement.
    pub(crate) fn run(&self) -> Run {
        let mut plain = self.run_compiled(false);
        let better = self.run_compiled(true);
        assert_eq!(plain.report.outcome, better.report.outcome, "optimised: {:?}", better.report.reason);
        let reason = |run: &Run| {
            run.report.reason.as_ref().map(|reason| (reason.code.clone(), reason.message.clone()))
        };
        assert_eq!(reason(&plain), reason(&better), "optimised");
        assert_eq!(plain.actions, better.actions, "optimised");
        assert_eq!(plain.asked, better.asked, "optimised");
        plain.used.extend(better.used);
        plain
    }

    fn run_compiled(&self, optimise: bool) -> Run {
        let module = self.compile(optimise);
        let verified = Verified::from_module(&module).expect("the compiler's modules keep all rules");
        let program = swarm_vm::Program::new(verified).expect("a verified module loads");
        let mut inputs = Inputs::new(&program);
        if let Some(json) = &self.input {
            inputs = inputs.from_json(json).unwrap();
        }
        if let Some(json) = &self.context {
            inputs = inputs.context_json(json).unwrap();
        }
        let mut asked = Vec::new();
        let report = {
            let mut host = Host::new();
            host.otherwise(|call| answer(call, &mut asked));
            let run = Instance::new(&program, &inputs, self.limits, &Grants::all(), &host).unwrap();
            let mut run = run.effects(Effects::Collected);
            run.run(&mut host).report().expect("no limit on fuel that matters, and nothing is pending")
        };
        let used = hold_against_bound(&self.text, &module, &inputs, &report);
        let actions =
            if report.actions_dropped { Vec::new() } else { report.actions.iter().map(shown).collect() };
        Run { actions, asked, fuel: report.fuel_used, used, report }
    }

    fn compile(&self, optimise: bool) -> Module {
        let options = Options { optimise, ..Options::default() };
        let (compilation, _) = compile_text_with("test.swarm", self.text.clone(), &options);
        let diagnostics = &compilation.diagnostics;
        compilation.module.clone().unwrap_or_else(|| panic!("{}\n{diagnostics:#?}", self.text))
    }
}

/// Actions are done, but RISKY of a number below 0. `yes` and `no` say so, `maybe(0)` has no value, `box(n)`
/// holds n items n; every other query gives its argument back.
fn answer(call: &Call<'_>, asked: &mut Vec<String>) -> Answer {
    let risky = call.name() == "RISKY";
    if call.result().is_none() && !risky {
        return Answer::done();
    }
    let arguments: Vec<String> = call.arguments().map(|value| plain(&value.to_value())).collect();
    asked.push(format!("{}({})", call.name(), arguments.join(", ")));
    let number = call.argument(0).and_then(|value| value.as_word()).unwrap_or(0);
    if risky {
        return if number < 0 { Answer::failed("below zero") } else { Answer::done() };
    }
    match call.name() {
        "yes" => Answer::value(true),
        "no" => Answer::value(false),
        "maybe" => Answer::value((number != 0).then_some(number)),
        "box" => {
            let items = (0..number).map(|_| Value::Int(number)).collect();
            let label = Value::String("a field that a program may not use".into());
            Answer::value(Value::Record(vec![("label".into(), label), ("items".into(), Value::List(items))]))
        }
        _ => Answer::value(number),
    }
}

/// No run may use more than the compiler said. Gives how much of each bound it used.
fn hold_against_bound(text: &str, module: &Module, inputs: &Inputs, report: &Report) -> Vec<f64> {
    let sizes: BTreeMap<InputId, u64> =
        (0..).map(InputId).zip(inputs.sizes().iter().map(|&size| u64::from(size))).collect();
    let bound: Amounts = evaluate(&module.bound, module, &sizes);
    let resources = [
        ("fuel", report.fuel_used, bound.fuel),
        ("memory", report.memory_peak_bytes, bound.memory),
        ("host calls", report.host_calls, bound.host_calls),
        ("money", u64::try_from(report.money).unwrap(), bound.money),
        ("tokens", u64::try_from(report.tokens).unwrap(), bound.tokens),
    ];
    let share = |(what, used, bound): (&str, u64, Option<u64>)| {
        let bound = bound?;
        assert!(used <= bound, "{what}: used {used}, bound {bound}\n{text}");
        (bound > 0).then(|| used as f64 / bound as f64)
    };
    resources.into_iter().filter_map(share).collect()
}

fn shown(action: &ActionRecord) -> String {
    let arguments: Vec<String> = action.args.iter().map(plain).collect();
    format!("{}({})", action.name, arguments.join(", "))
}

/// JSON, with texts and quantities bare.
fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.to_string(),
        Value::Quantity(..) => value.to_json().trim_matches('"').to_owned(),
        _ => value.to_json(),
    }
}

impl Run {
    /// It came to its end with these actions and this much fuel.
    #[track_caller]
    pub(crate) fn done(&self, actions: &str, fuel: u64) {
        self.check(Outcome::Done, None, actions, fuel);
    }

    #[track_caller]
    pub(crate) fn stopped(&self, why: &str, actions: &str, fuel: u64) {
        self.check(Outcome::Stopped, Some(("stop", why)), actions, fuel);
    }

    #[track_caller]
    pub(crate) fn failed(&self, why: &str, fuel: u64) {
        self.check(Outcome::Failed, Some(("fail", why)), "", fuel);
    }

    #[track_caller]
    pub(crate) fn trapped(&self, code: &str, fuel: u64) {
        self.check(Outcome::Trapped, Some((code, "")), "", fuel);
    }

    #[track_caller]
    pub(crate) fn limited(&self, code: &str) {
        self.check(Outcome::Limit, Some((code, "")), "", self.fuel);
    }

    /// The actions, whatever else.
    #[track_caller]
    pub(crate) fn actions<const N: usize>(&self, actions: [&str; N]) {
        assert_eq!(self.actions, actions);
    }

    /// Why it did not simply come to its end.
    pub(crate) fn reason_code(&self) -> Option<&str> {
        self.report.reason.as_ref().map(|reason| reason.code.as_str())
    }

    #[track_caller]
    fn check(&self, outcome: Outcome, reason: Option<(&str, &str)>, actions: &str, fuel: u64) {
        assert_eq!(self.report.outcome, outcome, "{:?}", self.report.reason);
        if let (Some((code, message)), Some(found)) = (reason, &self.report.reason) {
            assert_eq!(found.code, code);
            assert!(message.is_empty() || found.message == message, "{}", found.message);
            assert!(found.place.is_some(), "every reason has a place");
        }
        assert_eq!(self.report.reason.is_some(), reason.is_some());
        assert_eq!(self.actions.join(" "), actions);
        assert_eq!(self.fuel, fuel, "fuel");
    }
}

pub(crate) fn program(text: &str) -> Run {
    Program::of(text).run()
}

/// Runs statements as START, with an action for each type to show values by.
pub(crate) fn body(text: &str) -> Run {
    let types = [
        ("INT", "int"),
        ("FLOAT", "float"),
        ("BOOL", "bool"),
        ("TEXT", "string"),
        ("DURATION", "duration"),
        ("BYTES", "bytes"),
        ("BANDWIDTH", "bandwidth"),
        ("MONEY", "money"),
        ("PERCENT", "percent"),
    ];
    let head: String = types.iter().map(|(name, ty)| format!("ACTION {name}(value: {ty})\n")).collect();
    program(&format!("{head}FUNC main() {{ {text} }}"))
}
