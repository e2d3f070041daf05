//! What was said so far, and what a new input means with it.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use swarm_bytecode::disassemble::disassemble;
use swarm_bytecode::module::Module;
use swarm_bytecode::types::{Dimension, Type, TypeId};
use swarm_compiler::typed::{Program as Typed, TestStepKind};
use swarm_compiler::{Compilation, Options, check_with, compile_tests, compile_with};
use swarm_grammar::ast::{ItemKind, StatementKind};
use swarm_grammar::diagnostic::Severity;
use swarm_grammar::source::{SourceFile, Sources};
use swarm_grammar::span::FileId;
use swarm_vm::{Effects, Grants, Host, Inputs, Instance, Limits, Program, Report, Table, Value};
use swarmc::testing::shown;

use crate::data;
use crate::host::answers::Answers;
use crate::host::processes::{self, Processes};
use crate::loader::Files;
use crate::render::bill::Bill;
use crate::render::diagnostic::{self, Findings};
use crate::render::style::{dim, good, name};
use crate::render::text::{safe, safe_lines};
use crate::status::Failure;

/// What the source of a session is called.
const SOURCE: &str = "repl";

/// A program that grows.
pub(crate) struct Session {
    declarations: Vec<String>,
    /// LETs and assignments.
    statements: Vec<String>,
    /// Inputs as JSON.
    data: String,
    /// This machine's processes, where they are the task queue.
    processes: Option<Arc<Table>>,
    /// What queries answer.
    answers: Answers,
}

/// What is to be shown: a result, or what is wrong.
pub(crate) type Shown = Result<String, String>;

impl Session {
    /// Nothing said yet. `data` are inputs as a JSON object, `answers` what queries answer.
    pub(crate) fn new(data: String, answers: Answers) -> Session {
        Session { declarations: Vec::new(), statements: Vec::new(), data, processes: None, answers }
    }

    /// Takes a whole input: a command, a declaration, an expression or a statement.
    pub(crate) fn take(&mut self, input: &str) -> Shown {
        let input = input.trim();
        let (command, rest) = input.split_once(char::is_whitespace).unwrap_or((input, ""));
        match command {
            "" => Ok(String::new()),
            ":help" | ":h" | ":?" => Ok(HELP.to_owned()),
            ":reset" => {
                self.declarations.clear();
                self.statements.clear();
                Ok(format!("{}\n", dim("forgotten")))
            }
            ":list" => Ok(format!("{}{}\n", self.head(), self.statements.join("\n"))),
            ":host" => self.host_is(rest.trim()),
            ":type" | ":t" => Ok(format!("{}\n", name(&self.type_of(rest)?))),
            ":cost" => self.compiled(rest).map(|(module, sources, compilation)| {
                let bill = Bill {
                    module: &module,
                    sizes: BTreeMap::new(),
                    agents: None,
                    report: Some(&compilation.bound),
                    facts: Some(&compilation.facts),
                    sources: &sources,
                };
                bill.for_people()
            }),
            ":disasm" => self.compiled(rest).map(|(module, ..)| safe_lines(&disassemble(&module))),
            _ if command.starts_with(':') => {
                Err(format!("there is no command {}; :help lists them\n", safe(command)))
            }
            _ => self.say(input),
        }
    }

    fn say(&mut self, input: &str) -> Shown {
        if is_declaration(input) {
            return self.declare(input);
        }
        match self.type_of(input) {
            Ok(ty) => self.value(input, &ty),
            Err(words) => match is_statement(input) {
                Some(kept) => self.perform(input, kept),
                None => Err(words),
            },
        }
    }

    /// Takes inputs from this machine, or answers from a file.
    fn host_is(&mut self, what: &str) -> Shown {
        let told = |failure: Failure| format!("{}\n", safe(&failure.message));
        match what {
            "" => Err(":host processes, or :host FILE with what queries answer\n".to_owned()),
            "processes" => {
                let running = Processes::now().map_err(told)?;
                self.processes = Some(running.tasks().map_err(told)?);
                Ok(format!(
                    "{} is the {} processes of this machine\n",
                    name(processes::INPUT),
                    running.count()
                ))
            }
            file => {
                self.answers = Answers::read(Path::new(file)).map_err(told)?;
                Ok(format!("{} answers\n", safe(file)))
            }
        }
    }

    /// The host of a run: no action is taken, and queries are answered by the file, if there is one.
    fn host(&self, program: &Program) -> Result<Host<'static>, String> {
        let answers = self.answers.bind(program, true);
        Ok(answers.map_err(|failure| format!("{}\n", safe(&failure.message)))?.host())
    }

    fn head(&self) -> String {
        self.declarations.iter().map(|text| format!("{text}\n")).collect()
    }

    /// The program with these words at the end of its START.
    fn with(&self, words: &str) -> String {
        format!("{}ON START {{\n{}\n{words}\n}}\n", self.head(), self.statements.join("\n"))
    }

    /// Adds a declaration that is right; one of the same name takes the place of the former.
    fn declare(&mut self, input: &str) -> Shown {
        let names = names_of(input);
        let kept =
            |text: &&String| names.is_empty() || names_of(text).iter().all(|name| !names.contains(name));
        let mut declarations: Vec<String> = self.declarations.iter().filter(kept).cloned().collect();
        declarations.push(input.to_owned());
        let before = std::mem::replace(&mut self.declarations, declarations);
        let text = if starts(input) { self.head() } else { self.with("") };
        let (sources, compilation) = compile(&text);
        if compilation.has_errors() {
            self.declarations = before;
            return Err(errors(sources, compilation));
        }
        if starts(input) {
            // There is one START in a program, and the session has its own.
            self.declarations = before;
            return Err("START is the session's own: write the statements\n".to_owned());
        }
        Ok(format!("{} {}\n", good("declared"), safe(&names.join(", "))))
    }

    /// The type of an expression as it is written.
    fn type_of(&self, input: &str) -> Shown {
        let text = self.with(&format!("LET it = ({input})"));
        let mut sources = Sources::new();
        let file = sources.add(SourceFile::new(SOURCE, text));
        let checked = check_with(&mut sources, file, &Files, &Options::default());
        let diagnostics: Vec<_> =
            checked.diagnostics.into_iter().filter(|found| found.severity() == Severity::Error).collect();
        if !diagnostics.is_empty() {
            return Err(diagnostic::for_people(&[Findings { sources, diagnostics }]));
        }
        let ty = checked.program.as_ref().and_then(|program| {
            let start = program.functions.iter().find(|function| function.name == "START")?;
            let it = start.locals.iter().rev().find(|local| local.name == "it")?;
            Some(type_text(program, it.ty))
        });
        ty.ok_or_else(|| "this has no value\n".to_owned())
    }

    /// The value of an expression of this type.
    fn value(&self, input: &str, ty: &str) -> Shown {
        let statements = self.statements.join("\n");
        let text = format!(
            "{}FUNC repl_value() -> {ty} {{\n{statements}\nRETURN ({input})\n}}\nON START {{ }}\n\
             TEST \"{SOURCE}\" {{ EXPECT repl_value() == repl_value() }}\n",
            self.head()
        );
        let mut sources = Sources::new();
        let file = sources.add(SourceFile::new(SOURCE, text));
        let tests = compile_tests(&mut sources, file, &Files, &Options { tests: true, optimise: false });
        let plan = tests.plans.last();
        let left = plan.and_then(|plan| {
            plan.steps.iter().find_map(|step| match &step.kind {
                TestStepKind::Expect(_, Some((left, _))) => Some(*left),
                _ => None,
            })
        });
        let (Some(plan), Some(left)) = (plan, left) else {
            return self.value_asked(input, ty);
        };
        let program = Program::load(&plan.module.encode()).map_err(|error| format!("{error}\n"))?;
        let mut instance = self.instance(&program, &self.host(&program)?)?;
        let value = instance.evaluate(left, &[]).map_err(|reason| format!("{}\n", safe(&reason.message)))?;
        Ok(value_text(&value, ty))
    }

    /// The value of an expression that asks or does something, which a TEST cannot: START keeps it.
    fn value_asked(&self, input: &str, ty: &str) -> Shown {
        let kept = format!("STATE repl_value: {}? = NONE\n", ty.trim_end_matches('?'));
        let (sources, mut compilation) =
            compile(&format!("{}{kept}", self.with(&format!("repl_value = ({input})"))));
        let Some(module) = compilation.module.take() else { return Err(errors(sources, compilation)) };
        let (report, value) = self.report(&module)?;
        Ok(format!("{}{}", told(&report)?, value_text(&value.unwrap_or(Value::None), ty)))
    }

    /// Runs a statement; one that makes or changes a variable is kept.
    fn perform(&mut self, input: &str, kept: bool) -> Shown {
        let shown = self.run(input)?;
        if kept {
            self.statements.push(input.to_owned());
        }
        Ok(shown)
    }

    fn run(&self, input: &str) -> Shown {
        let (module, ..) = self.compiled(input)?;
        told(&self.report(&module)?.0)
    }

    /// What a START did, and what it kept as `repl_value`.
    fn report(&self, module: &Module) -> Result<(Report, Option<Value>), String> {
        let program = Program::load(&module.encode()).map_err(|error| format!("{error}\n"))?;
        let mut host = self.host(&program)?;
        let mut instance = self.instance(&program, &host)?;
        let report = instance.finish(&mut host, None);
        Ok((report, instance.state("repl_value")))
    }

    fn instance(&self, program: &Program, host: &Host<'_>) -> Result<Instance, String> {
        let module = program.module();
        let mut inputs = Inputs::new(program);
        let missing = module.inputs.iter().filter(|input| input.default.is_none());
        for (name, ty) in missing
            .map(|input| (&input.name, input.ty))
            .chain(module.contexts.iter().map(|context| (&context.name, context.ty)))
        {
            inputs = inputs.value(name, &Value::zero(module, ty)).map_err(|error| format!("{error}\n"))?;
        }
        let inputs = inputs.at(data::clock_now());
        let inputs = match &self.processes {
            Some(table) if module.inputs.iter().any(|input| input.name == processes::INPUT) => {
                inputs.table(processes::INPUT, table).map_err(|error| format!("{error}\n"))?
            }
            _ => inputs,
        };
        let inputs = inputs.from_json(&self.data).map_err(|error| format!("{error}\n"))?;
        let instance = Instance::new(program, &inputs, Limits::default(), &Grants::all(), host);
        Ok(instance.map_err(|error| format!("{error}\n"))?.effects(Effects::Collected))
    }

    /// The program with these words, compiled; an expression is given a name.
    fn compiled(&self, words: &str) -> Result<(Module, Sources, Compilation), String> {
        let words = if words.is_empty() || is_statement(words).is_some() {
            words.to_owned()
        } else {
            format!("LET it = ({words})")
        };
        let (sources, mut compilation) = compile(&self.with(&words));
        match compilation.module.take() {
            Some(module) => Ok((module, sources, compilation)),
            None => Err(errors(sources, compilation)),
        }
    }
}

fn compile(text: &str) -> (Sources, Compilation) {
    let mut sources = Sources::new();
    let file = sources.add(SourceFile::new(SOURCE, text));
    let compilation = compile_with(&mut sources, file, &Files, &Options::default());
    (sources, compilation)
}

/// Errors alone: a program that grows is full of what is not used yet.
fn errors(sources: Sources, compilation: Compilation) -> String {
    let errors = compilation.diagnostics.into_iter().filter(|found| found.severity() == Severity::Error);
    diagnostic::for_people(&[Findings { sources, diagnostics: errors.collect() }])
}

/// What a statement did.
fn told(report: &Report) -> Shown {
    let mut page = String::new();
    for action in &report.actions {
        let arguments: Vec<String> = action.args.iter().map(shown).collect();
        page.push_str(&format!("{}({})\n", name(&safe(&action.name)), safe(&arguments.join(", "))));
    }
    match &report.reason {
        Some(reason) => Err(format!("{page}{}: {}\n", report.outcome.name(), safe(&reason.message))),
        None => Ok(page),
    }
}

/// A value and its type.
fn value_text(value: &Value, ty: &str) -> String {
    format!("{}  {}\n", safe(&shown(value)), dim(&safe(ty)))
}

fn parses(text: &str) -> Option<swarm_grammar::ast::Program> {
    let (program, found) = swarm_grammar::parse(FileId(0), text);
    found.iter().all(|found| found.severity() != Severity::Error).then_some(program)
}

/// Whether it is a statement, and whether that makes or changes a variable.
fn is_statement(input: &str) -> Option<bool> {
    let program = parses(&format!("ON START {{\n{input}\n}}"))?;
    let [item] = program.items.as_slice() else { return None };
    let ItemKind::On(on) = &item.kind else { return None };
    Some(
        on.body.statements.iter().any(|statement| {
            matches!(statement.kind, StatementKind::Let { .. } | StatementKind::Assign { .. })
        }),
    )
}

fn is_declaration(input: &str) -> bool {
    parses(input).is_some_and(|program| !program.items.is_empty())
}

fn starts(input: &str) -> bool {
    parses(input).is_some_and(|program| {
        let is_start =
            |kind: &ItemKind| matches!(kind, ItemKind::On(on) if on.event.text.eq_ignore_ascii_case("start"));
        program.items.iter().any(|item| is_start(&item.kind))
    })
}

/// Names that declarations give.
fn names_of(input: &str) -> Vec<String> {
    let items = parses(input).map(|program| program.items).unwrap_or_default();
    let name = |kind: &ItemKind| {
        Some(match kind {
            ItemKind::Instruction(it) => it.name.text.to_string(),
            ItemKind::Const(it) => it.name.text.to_string(),
            ItemKind::Type(it) => it.name.text.to_string(),
            ItemKind::Enum(it) => it.name.text.to_string(),
            ItemKind::Context(it) | ItemKind::Input(it) => it.name.text.to_string(),
            ItemKind::State(it) => it.name.text.to_string(),
            ItemKind::Metric(it) => it.name.text.to_string(),
            ItemKind::Host(it) => it.name.text.to_string(),
            ItemKind::Event(it) => it.name.text.to_string(),
            ItemKind::Func(it) => it.name.text.to_string(),
            _ => return None,
        })
    };
    items.iter().filter_map(|item| name(&item.kind)).collect()
}

/// A type as it is written in a program.
fn type_text(program: &Typed, ty: TypeId) -> String {
    match program.ty(ty) {
        Some(Type::List { element, max }) => {
            let max = max.map_or(String::new(), |max| format!(" MAX {max}"));
            format!("list<{}>{max}", type_text(program, *element))
        }
        Some(Type::Map { key, value, max }) => {
            let max = max.map_or(String::new(), |max| format!(" MAX {max}"));
            format!("map<{}, {}>{max}", type_text(program, *key), type_text(program, *value))
        }
        Some(Type::Optional(inner)) => format!("{}?", type_text(program, *inner)),
        Some(Type::Record { name, .. } | Type::Enum { name, .. }) => name.to_string(),
        Some(Type::Rate(dimension)) => rate_text(*dimension),
        _ => {
            let module = Module { types: program.types.clone(), ..Module::empty() };
            swarm_bytecode::disassemble::type_name(&module, ty)
        }
    }
}

/// `money/duration`; what no program can write is shown by its exponents.
fn rate_text(dimension: Dimension) -> String {
    let parts = [
        (dimension.time, "duration"),
        (dimension.data, "bytes"),
        (dimension.money, "money"),
        (dimension.tokens, "tokens"),
    ];
    let with = |exponent: i8| parts.iter().filter(move |part| part.0 == exponent).map(|part| part.1);
    let plain = parts.iter().all(|part| (-1..=1).contains(&part.0));
    match (plain, with(1).collect::<Vec<_>>().as_slice(), with(-1).collect::<Vec<_>>().as_slice()) {
        (true, [], [below]) => format!("float/{below}"),
        (true, [above], [below]) => format!("{above}/{below}"),
        _ => {
            let powers: Vec<String> = parts
                .iter()
                .filter(|part| part.0 != 0)
                .map(|part| format!("{}^{}", part.1, part.0))
                .collect();
            powers.join(" ")
        }
    }
}

const HELP: &str = "\
an expression      its value and type
LET x = …          kept, as are assignments and declarations (FUNC, TYPE, INPUT, …)
a statement        run as a dry run: actions are shown, none is taken
:type EXPRESSION   its type
:cost [STATEMENT]  the bill of the session, or of a statement in it
:disasm [STATEMENT]  its code
:host processes    this machine's processes as task_queue
:host FILE         what queries answer: {\"call\": \"price\", \"answer\": \"$2\"}, a line each
:list              what is kept
:reset             forget all of it
:quit              the end; so is Ctrl-D
";
