//! Twenty small pieces of work, one of which is named on the command line. `cargo xtask instructions` runs
//! each under callgrind, which counts only what is done inside of [`measured`].

use std::hint::black_box;
use std::io::Write as _;

use swarm_benches::{SAMPLE, Tasks, counting_host, first_result, generated, instance};
use swarm_bytecode::module::Module;
use swarm_bytecode::types::Type;
use swarm_bytecode::verify::Verified;
use swarm_compiler::compile_text;
use swarm_grammar::source::{SourceFile, Sources};
use swarm_grammar::span::FileId;
use swarm_vm::{Grants, Host, Inputs, Instance, Limits, Program, Table};

type Failure = Box<dyn std::error::Error>;

/// What is counted: callgrind is told this function's name.
#[inline(never)]
fn measured(work: &mut dyn FnMut()) {
    work();
}

/// Does the work once to warm up what is made once for all, then once to be counted.
fn count<T>(mut work: impl FnMut() -> T) {
    drop(black_box(work()));
    measured(&mut || drop(black_box(work())));
}

fn module(text: &str) -> Result<Module, Failure> {
    let (compilation, _) = compile_text("program.swarm", text);
    let mut module = compilation.module.ok_or("the program does not compile")?;
    module.strip();
    Ok(module)
}

/// The text of a front-end kernel.
const TEXT_BYTES: usize = 16_384;

type Kernel = fn() -> Result<(), Failure>;

/// All kernels by name.
const KERNELS: [(&str, Kernel); 22] = [
    ("lex", || {
        let text = generated(TEXT_BYTES);
        count(|| swarm_grammar::count_tokens(black_box(&text)));
        Ok(())
    }),
    ("parse", || {
        let text = generated(TEXT_BYTES);
        count(|| swarm_grammar::parse(FileId::default(), black_box(&text)));
        Ok(())
    }),
    ("format", || {
        let text = generated(TEXT_BYTES);
        count(|| swarm_grammar::format(black_box(&text)));
        Ok(())
    }),
    ("check", || {
        let text = generated(TEXT_BYTES);
        count(|| {
            let mut sources = Sources::new();
            let file = sources.add(SourceFile::new("program.swarm", text.clone()));
            swarm_compiler::check(&mut sources, file)
        });
        Ok(())
    }),
    ("compile", || {
        let text = generated(TEXT_BYTES);
        count(|| compile_text("program.swarm", black_box(text.as_str())));
        Ok(())
    }),
    ("compile-sample", || {
        count(|| compile_text("program.swarm", black_box(SAMPLE)));
        Ok(())
    }),
    ("encode", || {
        let module = module(&generated(TEXT_BYTES))?;
        count(|| black_box(&module).encode());
        Ok(())
    }),
    ("decode", || {
        let bytes = module(&generated(TEXT_BYTES))?.encode();
        count(|| Module::decode(black_box(&bytes)));
        Ok(())
    }),
    ("verify", || {
        let bytes = module(&generated(TEXT_BYTES))?.encode();
        count(|| Verified::load(black_box(&bytes)));
        Ok(())
    }),
    ("load-sample", || {
        let bytes = module(SAMPLE)?.encode();
        count(|| Program::load(black_box(&bytes)));
        Ok(())
    }),
    ("first-result", || {
        let (bytes, table) = (module(SAMPLE)?.encode(), Tasks::random(4).table()?);
        let calls = std::cell::Cell::new(0);
        let mut host = counting_host(&calls);
        count(|| first_result(black_box(&bytes), &table, &mut host));
        Ok(())
    }),
    ("instance", || {
        let program = Program::load(&module(SAMPLE)?.encode())?;
        let inputs = Inputs::new(&program).table("task_queue", &*Tasks::random(4).table()?)?;
        let calls = std::cell::Cell::new(0);
        let host = counting_host(&calls);
        count(|| instance(&program, &inputs, &host));
        Ok(())
    }),
    ("policy", || policy(SAMPLE, &Tasks::random(1_000), false)),
    ("policy-digest", || policy(SAMPLE, &Tasks::random(1_000), true)),
    ("policy-rare", || policy(SAMPLE, &Tasks::rare(10_000), false)),
    ("policy-kinds", || policy(KINDS, &Tasks::rare(10_000), false)),
    ("hostcall", || work(include_str!("peers/programs/hostcall.swarm"), 1_000)),
    ("fib", || work(include_str!("peers/programs/fib.swarm"), 15)),
    ("sieve", || work(include_str!("peers/programs/sieve.swarm"), 2_000)),
    ("loop32", || work(include_str!("peers/programs/loop32.swarm"), 10_000)),
    ("mandel", || work(include_str!("peers/programs/mandel.swarm"), 20)),
    ("wordcount", || {
        let program = Program::load(&module(include_str!("peers/programs/wordcount.swarm"))?.encode())?;
        let words = ["alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta"];
        let line =
            |first: usize| words.iter().cycle().skip(first).step_by(3).take(12).copied().collect::<Vec<_>>();
        let lines = Table::of_strings((0..100).map(|number| line(number).join(" ")))?;
        run(&program, &Inputs::new(&program).table("lines", &lines)?)
    }),
];

/// Conditions of more kinds than the sample has: one comparison of several, the same field in two, and loops that add up.
const KINDS: &str = r#"
INPUT task_queue: list<Task> MAX 10_000

FUNC heavy(task: Task) -> bool { RETURN task.cpu_time > 5s OR task.memory > 1GB }

ON START {
  LET total = SUM task.cpu_time FOR task IN task_queue WHERE heavy(task)
  FOR EACH task IN task_queue WHERE heavy(task) { REDUCE_CPU_THROTTLE(task, 20%) }
  FOR EACH task IN task_queue {
    IF task.network > 100Mbps THEN ROUTE_TO_CHEAPER_REGION(task)
    IF task.network < 100kbps THEN REDUCE_MEMORY_CACHE(task, 10%)
  }
  REPORT_METRICS_EVERY(total)
}
"#;

/// A program over some tasks, with or without the log of actions and the digest.
fn policy(text: &str, tasks: &Tasks, keeps: bool) -> Result<(), Failure> {
    let program = Program::load(&module(text)?.encode())?;
    let inputs = Inputs::new(&program).table("task_queue", &*tasks.table()?)?;
    let calls = std::cell::Cell::new(0);
    let mut host = counting_host(&calls);
    if !keeps {
        count(|| instance(&program, &inputs, &host).map(|mut run| run.run(&mut host)));
        return Ok(());
    }
    let limits = Limits::default().money(1_000_000_000);
    count(|| {
        let run = Instance::new(&program, &inputs, limits, &Grants::all(), &host);
        run.map(|mut run| run.run(&mut host))
    });
    Ok(())
}

/// A program that gets one number.
fn work(text: &str, number: i64) -> Result<(), Failure> {
    let program = Program::load(&module(text)?.encode())?;
    let table = Table::builder().words("n", Type::Int, vec![number]).build()?;
    run(&program, &Inputs::new(&program).table("n", &table)?)
}

/// Runs a program that tells one number, or many.
fn run(program: &Program, inputs: &Inputs) -> Result<(), Failure> {
    let mut host = Host::new();
    host.action("RESULT", |value: i64| {
        black_box(value);
    });
    host.action("REROUTE", |value: i64| {
        black_box(value);
    });
    let result = instance(program, inputs, &host)?.run(&mut host);
    let done = result.report().is_some_and(|report| report.outcome == swarm_vm::Outcome::Done);
    if !done {
        return Err("the program stops before its end".into());
    }
    count(|| instance(program, inputs, &host).map(|mut run| run.run(&mut host)));
    Ok(())
}

fn main() -> Result<(), Failure> {
    match std::env::args().nth(1) {
        Some(wanted) => {
            let kernel = KERNELS.iter().find(|(name, _)| *name == wanted);
            kernel.ok_or("there is no such kernel")?.1()
        }
        None => {
            let mut out = std::io::stdout().lock();
            KERNELS.iter().try_for_each(|(name, _)| writeln!(out, "{name}")).map_err(Failure::from)
        }
    }
}
