//! One stage of the way from text to result, so many times over, for a profiler:
//!
//! ```text
//! cargo build --release -p swarm-benches --example stages
//! valgrind --tool=callgrind target/release/examples/stages compile sample 100
//! ```

use std::cell::Cell;
use std::hint::black_box;
use std::io::Write as _;

use swarm_benches::{SAMPLE, Tasks, counting_host, first_result, first_result_of_text, generated, instance};
use swarm_compiler::compile_text;
use swarm_grammar::span::FileId;
use swarm_vm::snapshot::{Seal, SnapshotKey};
use swarm_vm::{Answer, Grants, Host, Inputs, Instance, Limits, Program};

type Failure = Box<dyn std::error::Error>;

const USAGE: &str = "stages (lex | parse | compile | load | first | source | instance | idle | snapshot | size) (sample | BYTES | FILE) TIMES";

fn repeat<T>(times: u32, work: impl Fn() -> T) {
    for _ in 0..times {
        black_box(work());
    }
}

fn run(stage: &str, text: &str, times: u32) -> Result<(), Failure> {
    let module = || {
        let (compilation, _) = compile_text("program.swarm", text);
        let mut module = compilation.module.ok_or("the program does not compile")?;
        module.strip();
        Ok::<Vec<u8>, Failure>(module.encode())
    };
    match stage {
        "lex" => repeat(times, || swarm_grammar::count_tokens(black_box(text))),
        "parse" => repeat(times, || swarm_grammar::parse(FileId::default(), black_box(text))),
        "compile" => repeat(times, || compile_text("program.swarm", black_box(text))),
        "load" => {
            let bytes = module()?;
            repeat(times, || Program::load(black_box(&bytes)));
        }
        "first" | "source" => {
            let (bytes, table) = (module()?, Tasks::random(4).table()?);
            let calls = Cell::new(0);
            let mut host = counting_host(&calls);
            for _ in 0..times {
                black_box(if stage == "source" {
                    first_result_of_text(black_box(text), &table, &mut host)?
                } else {
                    first_result(black_box(&bytes), &table, &mut host)?
                });
            }
        }
        "instance" | "idle" => {
            let program = Program::load(&module()?)?;
            let inputs = Inputs::new(&program).table("task_queue", &*Tasks::random(100).table()?)?;
            let calls = Cell::new(0);
            let host = counting_host(&calls);
            let mut kept = Vec::new();
            for _ in 0..times {
                let made = black_box(instance(&program, &inputs, &host)?);
                if stage == "idle" {
                    kept.push(made);
                }
            }
        }
        "snapshot" => {
            let program = Program::load(&module()?)?;
            let inputs = Inputs::new(&program).table("task_queue", &*Tasks::random(8).table()?)?;
            let inputs = inputs.version("task_queue", b"1")?;
            let mut host = Host::new();
            host.otherwise(|_| Answer::pending());
            let mut run = Instance::new(&program, &inputs, Limits::default(), &Grants::all(), &host)?;
            run.run(&mut host);
            let key = SnapshotKey::new([7; 32]);
            let seal = Seal { key: &key, nonce: [1; 24], at_ns: 0 };
            for _ in 0..times {
                black_box(run.snapshot(&host, &seal)?);
            }
        }
        "size" => writeln!(std::io::stdout(), "{} bytes", module()?.len())?,
        _ => return Err(USAGE.into()),
    }
    Ok(())
}

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [stage, text, times] = arguments.as_slice() else { return Err(USAGE.into()) };
    let text = match (text.as_str(), text.parse()) {
        ("sample", _) => SAMPLE.to_owned(),
        (_, Ok(bytes)) => generated(bytes),
        (file, Err(_)) => std::fs::read_to_string(file)?,
    };
    run(stage, &text, times.parse()?)
}
